"""How a text that is sealed to an agent's public key is written: the format only, no cryptography.

Scheme: X25519 with an ephemeral key, HKDF-SHA256 (salt: ephemeral and recipient's public key, info: `INFO`) to a key of
32 bytes, ChaCha20-Poly1305 with a nonce of 12 bytes and `associated_data`. Written: base64url without padding of
version (1 byte), ephemeral public key (32), nonce (12), ciphertext with its tag.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, NamedTuple

from pydantic import StringConstraints

from migrate_contract.errors import ErrorCode, Fatal

VERSION = 1
INFO = b"onemigrate sealed connection 1"
KEY_BYTES = 32
NONCE_BYTES = 12
_TAG_BYTES = 16

SealingKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
"""An X25519 public key, base64url without padding."""


class Sealed(NamedTuple):
    """The parts of a sealed text."""

    ephemeral: bytes
    nonce: bytes
    ciphertext: bytes


def associated_data(organization: str, agent: str, project: str) -> bytes:
    """Result: what binds a sealed text to its place: it opens for this agent and this project only."""
    return f"{organization}|{agent}|{project}".encode()


def write_key(public: bytes) -> str:
    """Result: a public key as it is sent."""
    return _encoded(public)


def read_key(text: str) -> bytes:
    """Result: the public key's 32 bytes. Raises Fatal(sealed-text-unreadable)."""
    public = _decoded(text)
    if len(public) != KEY_BYTES:
        raise Fatal(ErrorCode.SEALED_TEXT_UNREADABLE, f"a sealing key has {KEY_BYTES} bytes, this one {len(public)}")
    return public


def write_sealed(sealed: Sealed) -> str:
    """Result: a sealed text as it is sent."""
    return _encoded(bytes([VERSION]) + sealed.ephemeral + sealed.nonce + sealed.ciphertext)


def read_sealed(text: str) -> Sealed:
    """Result: its parts. Raises Fatal(sealed-text-unreadable)."""
    content = _decoded(text)
    head = 1 + KEY_BYTES + NONCE_BYTES
    if len(content) < head + _TAG_BYTES or content[0] != VERSION:
        raise Fatal(ErrorCode.SEALED_TEXT_UNREADABLE, "the sealed text is cut or of another version")
    return Sealed(content[1 : 1 + KEY_BYTES], content[1 + KEY_BYTES : head], content[head:])


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise Fatal(ErrorCode.SEALED_TEXT_UNREADABLE, "the sealed text is not base64url") from error
