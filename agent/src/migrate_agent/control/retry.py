"""When to try the control plane again: 1 s doubling to a ceiling, with jitter; Retry-After is honoured.

The clock and the wait are the caller's, so that a test passes through an hour of outage in no time.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from migrate_contract.errors import Retryable

LOCAL_FAULT_SECONDS = 5.0
"""How often to look again while this machine has no network: nothing of that reaches the control plane."""

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Backoff:
    """Delays in seconds after the first, second, ... failure in a row."""

    first_seconds: float = 1.0
    ceiling_seconds: float = 60.0
    jitter: float = 0.2
    chance: Callable[[], float] = random.random

    def delay(self, failures: int, retry_after_seconds: float | None = None) -> float:
        """Result: seconds to wait after `failures` (1 or more) failures in a row; at least what the server asked."""
        doubled = self.first_seconds * 2.0 ** min(max(failures - 1, 0), 32)
        spread = 1.0 + self.jitter * (2.0 * self.chance() - 1.0)
        return max(min(doubled, self.ceiling_seconds) * spread, retry_after_seconds or 0.0)


def call_with_retries(
    call: Callable[[], Answer],
    *,
    tries: int,
    wait: Callable[[float], object],
    backoff: Backoff,
    on_retry: Callable[[Retryable, float], None],
) -> Answer:
    """Result: the first answer of `call`. Raises its last error after `tries` tries, any other than Retryable at once.

    `wait` returns something true to give up early (a stop was asked for).
    """
    for failures in range(1, tries + 1):
        try:
            return call()
        except Retryable as error:
            if failures == tries:
                raise
            seconds = backoff.delay(failures, error.retry_after_seconds)
            on_retry(error, seconds)
            if wait(seconds):
                raise
    raise AssertionError("tries is at least 1")
