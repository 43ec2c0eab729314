"""Sealing to an agent's public key: X25519, HKDF-SHA256, ChaCha20-Poly1305 (`migrate_contract.sealing_format`)."""

from __future__ import annotations

import os

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.sealing_format import INFO, KEY_BYTES, NONCE_BYTES, Sealed, read_key, write_sealed


class X25519Sealer:
    """See the port. Each text has an ephemeral key of its own, which is forgotten at once."""

    def seal(self, public_key: str, plain: str, bound_to: bytes) -> str:
        """See the port."""
        recipient = read_key(public_key)
        ephemeral = X25519PrivateKey.generate()
        try:
            shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(recipient))
        except ValueError as weak:
            raise Fatal(ErrorCode.SEALED_TEXT_UNREADABLE, "The agent's sealing key is not a usable one.") from weak
        public = ephemeral.public_key().public_bytes_raw()
        key = HKDF(SHA256(), KEY_BYTES, salt=public + recipient, info=INFO).derive(shared)
        nonce = os.urandom(NONCE_BYTES)
        content = ChaCha20Poly1305(key).encrypt(nonce, plain.encode(), bound_to)
        return write_sealed(Sealed(public, nonce, content))
