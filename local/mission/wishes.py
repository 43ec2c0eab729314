"""How Mission is to misbehave: at random from a seed, for certain records, or by standing still."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Any


@unique
class Fault(StrEnum):
    """What goes wrong with one request; drawn by `Wishes.draw`."""

    BUSY = "busy"
    """429 or 503 with Retry-After."""
    FAIL = "fail"
    """500, nothing applied."""
    DROP_BEFORE = "drop_before"
    """The connection is cut, nothing applied."""
    DROP_AFTER = "drop_after"
    """Applied, then the connection is cut without an answer."""
    FAIL_AFTER = "fail_after"
    """Applied, then 500."""
    SLOW = "slow"
    """Answered late."""


@dataclass
class Wishes:
    """Rates are of all requests, 0 to 1; the same seed draws the same faults for the same order of requests."""

    seed: int = 0
    rates: dict[str, float] = field(default_factory=dict)
    retry_after_seconds: float = 0
    slow_seconds: float = 0.05
    remaining: int | None = None
    """So many faults more; None: without end."""
    max_bytes: int = 1024 * 1024
    max_records: int = 500
    refuse: list[str] = field(default_factory=list)
    """External ids for which a whole batch is answered 422."""
    poison: list[str] = field(default_factory=list)
    """External ids at which the server fails: 500."""
    contract_version: str = "1"

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - faults, not secrets

    def draw(self) -> Fault | None:
        """Result: what goes wrong with this request."""
        point = self._random.random()
        for fault in Fault:
            point -= self.rates.get(fault.value, 0.0)
            if point < 0:
                if self.remaining is not None:
                    if self.remaining <= 0:
                        return None
                    self.remaining -= 1
                return fault
        return None

    def busy_status(self) -> int:
        """Result: one of the two."""
        return 429 if self._random.random() < 0.5 else 503

    @classmethod
    def of(cls, wished: dict[str, Any]) -> Wishes:
        """Result: the wishes of a JSON object; a rate may be given by its name alone (`{"busy": 0.1}`)."""
        rates = {fault.value: float(wished[fault.value]) for fault in Fault if fault.value in wished}
        rest = {name: value for name, value in wished.items() if name not in rates}
        return cls(**{**rest, "rates": {**rest.get("rates", {}), **rates}})
