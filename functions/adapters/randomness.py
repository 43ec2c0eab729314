"""The Tokens port over the operating system's randomness, and the system's clock."""

from __future__ import annotations

import secrets
import string
from datetime import UTC, datetime

_IDENTIFIER = string.ascii_lowercase + string.digits
_SECRET_BYTES = 32


def utc_now() -> datetime:
    """Result: the time now, in UTC."""
    return datetime.now(UTC)


class SystemTokens:
    """Random identifiers and secrets."""

    def identifier(self, length: int) -> str:
        """See the port."""
        return self.text(length, _IDENTIFIER)

    def secret(self) -> str:
        """See the port."""
        return secrets.token_urlsafe(_SECRET_BYTES)

    def text(self, length: int, alphabet: str) -> str:
        """See the port."""
        return "".join(secrets.choice(alphabet) for _ in range(length))

    def fraction(self) -> float:
        """See the port."""
        return secrets.randbelow(1_000_000) / 1_000_000
