"""Time and randomness that tests decide."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class ManualClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, now: datetime = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class CountingTokens:
    """Distinct, predictable tokens."""

    def __init__(self) -> None:
        self._count = 0

    def identifier(self, length: int) -> str:
        self._count += 1
        return f"{self._count:0{length}d}"[-length:]

    def secret(self) -> str:
        self._count += 1
        return f"secret-{self._count:036d}"

    def text(self, length: int, alphabet: str) -> str:
        self._count += 1
        number, symbols = self._count, ""
        for _ in range(length):
            number, index = divmod(number, len(alphabet))
            symbols += alphabet[index]
        return symbols

    def fraction(self) -> float:
        return 0.5
