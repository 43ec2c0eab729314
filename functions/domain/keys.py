"""Secrets and what is kept of them: derived keys, hashes, registration codes, agent keys, continuation tokens.

Nothing here keeps a secret: codes are stored as an HMAC, agent secrets (256 random bits) as a plain SHA-256.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import NamedTuple

from functions.domain.ids import is_id
from migrate_contract.agents import CODE_ALPHABET, CODE_LENGTH
from migrate_contract.errors import ErrorCode, Fatal

_HASH = hashlib.sha256
_SEAL_BYTES = 16


def derive(secret: bytes, purpose: str) -> bytes:
    """Result: 32 bytes for one purpose (HKDF-SHA256, RFC 5869, no salt, one block)."""
    pseudorandom = hmac.digest(b"\x00" * 32, secret, _HASH)
    return hmac.digest(pseudorandom, purpose.encode() + b"\x01", _HASH)


def normal_code(typed: str) -> str | None:
    """Result: the code without spaces and dashes, in capitals; None where it cannot be a code."""
    plain = "".join(symbol for symbol in typed.upper() if not symbol.isspace() and symbol not in "-–—_")
    return plain if len(plain) == CODE_LENGTH and all(symbol in CODE_ALPHABET for symbol in plain) else None


def shown_code(code: str) -> str:
    """Result: the code in two groups, as people read it."""
    return f"{code[:4]}-{code[4:]}"


def keyed_hash(key: bytes, content: str) -> str:
    """Result: HMAC-SHA256 in hex."""
    return hmac.digest(key, content.encode(), _HASH).hex()


def secret_hash(secret: str) -> str:
    """Result: what is stored of an agent's secret."""
    return _HASH(secret.encode()).hexdigest()


def same(left: str, right: str) -> bool:
    """Result: equality, in time that tells nothing about where they differ."""
    return hmac.compare_digest(left.encode(), right.encode())


class AgentKey(NamedTuple):
    """`<organization>.<agent>.<secret>`, as the agent sends it."""

    organization: str
    agent_id: str
    secret: str


def agent_key(organization: str, agent_id: str, secret: str) -> str:
    """Result: the text that the agent is given once."""
    return f"{organization}.{agent_id}.{secret}"


def parse_agent_key(header: str) -> AgentKey | None:
    """Result: the key's parts; None where it cannot be a key."""
    parts = header.strip().split(".")
    if len(parts) != 3 or not is_id("organization", parts[0]) or not is_id("agent", parts[1]):
        return None
    return AgentKey(*parts) if 20 <= len(parts[2]) <= 200 else None


class Continuations:
    """Seals a table's own continuation into an opaque token that is good for the same list only."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, continuation: str | None, scope: str) -> str | None:
        """Result: the token for the caller, None at the end of the list."""
        if continuation is None:
            return None
        body = json.dumps(continuation).encode()
        return base64.urlsafe_b64encode(self._mac(body, scope) + body).decode().rstrip("=")

    def open(self, token: str | None, scope: str) -> str | None:
        """Result: what was sealed. Raises Fatal(request-invalid) for a token that is not ours or of another list."""
        if token is None:
            return None
        try:
            sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (binascii.Error, ValueError):
            sealed = b""
        body = sealed[_SEAL_BYTES:]
        if not body or not hmac.compare_digest(sealed[:_SEAL_BYTES], self._mac(body, scope)):
            raise Fatal(
                ErrorCode.REQUEST_INVALID,
                "continuation: not a token of this list; begin again without it",
            )
        return str(json.loads(body))

    def _mac(self, body: bytes, scope: str) -> bytes:
        return hmac.digest(self._key, scope.encode() + b"\x00" + body, _HASH)[:_SEAL_BYTES]
