"""Opens what was sealed for this agent alone: its key pair, made once and kept in the state folder for its owner only.

The scheme and its format are in migrate_contract/sealing_format.py. The private key never leaves this machine; the
public one goes with the registration and each heartbeat.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from migrate_agent.private_file import private_folder, read_private, write_private
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.sealing_format import INFO, KEY_BYTES, associated_data, read_sealed, write_key

SEALING_KEY_FILE = "sealing.key"


class SealingKeys:
    """This install's key pair. Safe for all threads."""

    def __init__(self, private: X25519PrivateKey) -> None:
        self._private = private
        self._public = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)

    @classmethod
    def of(cls, state_dir: Path) -> SealingKeys:
        """Result: the pair of this state folder, made and written on the first call. Raises Fatal(config-invalid)."""
        path = private_folder(state_dir) / SEALING_KEY_FILE
        text = read_private(path)
        if text is None:
            private = X25519PrivateKey.generate()
            raw = private.private_bytes(
                serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
            )
            write_private(path, b64encode(raw).decode() + "\n")
            return cls(private)
        try:
            return cls(X25519PrivateKey.from_private_bytes(b64decode(text.strip(), validate=True)))
        except (ValueError, binascii.Error):
            # Not chained: the fault may quote what was read.
            raise Fatal(
                ErrorCode.CONFIG_INVALID, f"the key file {path} is damaged: remove it and start again"
            ) from None

    @property
    def public(self) -> str:
        """Result: the public key as it is sent."""
        return write_key(self._public)

    def open(self, sealed: str, *, organization: str, agent: str, project: str) -> str:
        """Result: the sealed text. Raises Fatal(sealed-text-unreadable) for another's, or a changed one."""
        parts = read_sealed(sealed)
        try:
            shared = self._private.exchange(X25519PublicKey.from_public_bytes(parts.ephemeral))
            key = HKDF(hashes.SHA256(), KEY_BYTES, salt=parts.ephemeral + self._public, info=INFO).derive(shared)
            bound = associated_data(organization, agent, project)
            return ChaCha20Poly1305(key).decrypt(parts.nonce, parts.ciphertext, bound).decode()
        except (InvalidTag, ValueError):
            raise Fatal(
                ErrorCode.SEALED_TEXT_UNREADABLE, "it was sealed to another key, or for another project"
            ) from None


def forget_sealing_keys(state_dir: Path) -> None:
    """Result: nothing that was sealed for this install can be opened any more."""
    (state_dir / SEALING_KEY_FILE).unlink(missing_ok=True)
