"""Secrets at rest: sealed in envelopes whose keys are wrapped by a key that never leaves its store.

The key of each envelope is of this one secret. Key rotation wraps these keys anew and leaves the contents alone.
"""

from __future__ import annotations

import hashlib

from functions.domain.envelope import KEY_BYTES, NONCE_BYTES, Belonging, Envelope, decrypted, encrypted, read_envelope
from functions.domain.identity_ports import KeyWrapping
from functions.domain.ports import Tokens


class Secrets:
    """Seals and opens."""

    def __init__(self, tokens: Tokens, wrapping: KeyWrapping) -> None:
        self._tokens = tokens
        self._wrapping = wrapping

    def seal(self, belonging: Belonging, plain: str) -> str:
        """Result: the envelope. Raises Retryable(key-vault-unavailable), Fatal(customer-sign-in-missing)."""
        key, nonce = self._random(KEY_BYTES), self._random(NONCE_BYTES)
        wrapped = self._wrapping.wrap(key)
        return Envelope(wrapped, nonce, encrypted(plain, belonging, key, nonce)).text

    def open(self, belonging: Belonging, sealed: str) -> str:
        """Result: the secret. Raises Fatal(secret-unreadable), Retryable(key-vault-unavailable)."""
        envelope = read_envelope(sealed)
        return decrypted(envelope, belonging, self._wrapping.unwrap(envelope.key))

    def rewrapped(self, sealed: str) -> str | None:
        """Result: the envelope under the current key; None where it is under it already. Raises as `open`."""
        envelope = read_envelope(sealed)
        if envelope.key.key_id == self._wrapping.current():
            return None
        return envelope.rewrapped(self._wrapping.wrap(self._wrapping.unwrap(envelope.key))).text

    def _random(self, length: int) -> bytes:
        """Result: so many bytes of 256 random bits."""
        return hashlib.sha256(self._tokens.secret().encode()).digest()[:length]
