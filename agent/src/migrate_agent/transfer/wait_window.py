"""What the workers waited for in the last half minute: shares of their time, not totals since the start.

A job that ran all night without a limit and is throttled since a minute is throttled: totals would not say so before
noon. The meter keeps totals because totals lose nothing when somebody looks away; here they are taken apart.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from migrate_contract.jobs import WaitReason

WINDOW_SECONDS = 30.0
"""Long enough for a few requests of a slow line to end, short enough to follow a change within three reports."""
STEP_SECONDS = 1.0
"""Totals that follow each other faster replace one another: the window holds at most 30 of them or so."""


@dataclass(frozen=True, slots=True)
class _Totals:
    at: float
    waited: Mapping[WaitReason, float]
    retries: int
    busy: int


class WaitWindow:
    """Safe for all threads. Fed with totals that never shrink, at steady intervals."""

    def __init__(self, window_seconds: float = WINDOW_SECONDS) -> None:
        self._window_seconds = window_seconds
        self._lock = threading.Lock()
        self._totals: deque[_Totals] = deque()

    def feed(
        self, at: float, waited_seconds: Mapping[WaitReason, float], *, retries: int = 0, busy_answers: int = 0
    ) -> None:
        """`at`: monotonic seconds. `waited_seconds`: worker-seconds per reason so far.

        `retries`: requests sent again so far, for whatever reason; `busy_answers`: 503 among what they were for.
        """
        fed = _Totals(at, dict(waited_seconds), retries, busy_answers)
        with self._lock:
            # The newest one moves until it is a step away from the one before: so what is read is always up to now.
            if len(self._totals) > 1 and self._totals[-1].at - self._totals[-2].at < STEP_SECONDS:
                self._totals.pop()
            self._totals.append(fed)
            # The second one stays in the window's reach, so that the oldest never is younger than the window is long.
            while len(self._totals) > 2 and self._totals[1].at <= at - self._window_seconds:
                self._totals.popleft()

    def shares(self) -> dict[WaitReason, float]:
        """Result: each reason's part of the worker-seconds in the window, adding up to 1; empty where none passed."""
        with self._lock:
            spent = self._spent()
        total = sum(spent.values())
        return {reason: seconds / total for reason, seconds in spent.items()} if total > 0 else {}

    def retries(self) -> int:
        """Result: requests that were sent again in the window."""
        with self._lock:
            return max(self._totals[-1].retries - self._totals[0].retries, 0) if self._totals else 0

    def busy_answers(self) -> int:
        """Result: answers in the window by which the service said that it is busy."""
        with self._lock:
            return max(self._totals[-1].busy - self._totals[0].busy, 0) if self._totals else 0

    def seconds(self) -> float:
        """Result: how much time the window covers so far."""
        with self._lock:
            return self._totals[-1].at - self._totals[0].at if self._totals else 0.0

    def _spent(self) -> dict[WaitReason, float]:
        if len(self._totals) < 2:
            return {}
        before, after = self._totals[0].waited, self._totals[-1].waited
        spent = {reason: total - before.get(reason, 0.0) for reason, total in after.items()}
        return {reason: seconds for reason, seconds in spent.items() if seconds > 0}
