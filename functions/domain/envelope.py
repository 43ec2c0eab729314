"""Envelopes: a secret encrypted with a key of its own, which is wrapped by another key. Pure.

AES-256-GCM; what the secret belongs to is authenticated with it (associated data), so that a row that was copied to
another project cannot be opened there.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from functions.domain.identity_ports import WrappedKey
from migrate_contract.errors import ErrorCode, Fatal

KEY_BYTES, NONCE_BYTES = 32, 12
_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Belonging:
    """What a secret is, and whose."""

    purpose: str
    organization: str
    project_id: str

    @property
    def associated_data(self) -> bytes:
        """Result: the bytes that are authenticated. None of the parts can hold the separator."""
        return "|".join(("onemigrate", _VERSION, self.purpose, self.organization, self.project_id)).encode()


@dataclass(frozen=True, slots=True)
class Envelope:
    """As it is stored: `1.<key id>.<wrapped key>.<nonce>.<content>`, each in URL-safe base64."""

    key: WrappedKey
    nonce: bytes
    content: bytes

    @property
    def text(self) -> str:
        """Result: one line."""
        parts = (self.key.key_id.encode(), self.key.wrapped, self.nonce, self.content)
        return ".".join((_VERSION, *(base64.urlsafe_b64encode(part).decode() for part in parts)))

    def rewrapped(self, key: WrappedKey) -> Envelope:
        """Result: the same content, whose key is wrapped anew."""
        return replace(self, key=key)


def read_envelope(text: str) -> Envelope:
    """Result: what `Envelope.text` wrote. Raises Fatal(secret-unreadable)."""
    version, *coded = text.split(".")
    try:
        key_id, wrapped, nonce, content = (base64.b64decode(part, altchars=b"-_", validate=True) for part in coded)
    except ValueError as fault:
        raise Fatal(ErrorCode.SECRET_UNREADABLE, "It is not stored whole.") from fault
    if version != _VERSION:
        raise Fatal(ErrorCode.SECRET_UNREADABLE, "It was stored by another version.")
    return Envelope(WrappedKey(key_id.decode(), wrapped), nonce, content)


def encrypted(plain: str, belonging: Belonging, key: bytes, nonce: bytes) -> bytes:
    """Result: the content of an envelope. A key encrypts once."""
    return AESGCM(key).encrypt(nonce, plain.encode(), belonging.associated_data)


def decrypted(envelope: Envelope, belonging: Belonging, key: bytes) -> str:
    """Result: the secret. Raises Fatal(secret-unreadable) if it belongs elsewhere or was changed."""
    try:
        return AESGCM(key).decrypt(envelope.nonce, envelope.content, belonging.associated_data).decode()
    except InvalidTag as fault:
        raise Fatal(
            ErrorCode.SECRET_UNREADABLE, f"It was changed, or is not of this project (key {envelope.key.key_id})."
        ) from fault
