"""Where the workers' time goes, and how fast payload leaves: the engine's answer to "what is it waiting for?"."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

from migrate_contract.jobs import WaitReason

_WINDOW_SECONDS = 10.0
_STEP_SECONDS = 0.5


class Meter:
    """Safe for all threads. A worker is in at most one reason at a time; the innermost counts."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._seconds = dict.fromkeys(WaitReason, 0.0)
        self._inside = dict.fromkeys(WaitReason, 0)
        self._since: dict[int, tuple[WaitReason, float]] = {}
        self._sent: deque[tuple[float, int]] = deque()
        self._sent_bytes = 0
        self._staged_bytes = 0
        self._started = monotonic()

    @contextlib.contextmanager
    def during(self, reason: WaitReason) -> Iterator[None]:
        """Counts the time inside for `reason`, for this thread; nested, the outer reason's clock stands still."""
        me = threading.get_ident()
        outer = self._switch(me, reason)
        try:
            yield
        finally:
            self._switch(me, outer)

    def _switch(self, thread: int, reason: WaitReason | None) -> WaitReason | None:
        now = self._monotonic()
        with self._lock:
            before, since = self._since.pop(thread, (None, now))
            if before is not None:
                self._seconds[before] += now - since
                self._inside[before] -= 1
            if reason is not None:
                self._since[thread] = (reason, now)
                self._inside[reason] += 1
            return before

    def sent(self, size_bytes: int) -> None:
        """Payload that was handed to the system."""
        now = self._monotonic()
        with self._lock:
            self._sent_bytes += size_bytes
            if self._sent and now - self._sent[-1][0] < _STEP_SECONDS:
                at, sum_bytes = self._sent[-1]
                self._sent[-1] = (at, sum_bytes + size_bytes)
            else:
                self._sent.append((now, size_bytes))
            self._forget(now)

    def staged(self, size_bytes: int) -> None:
        """Bytes of files that are not committed yet: more of them, or (negative) their file has ended."""
        with self._lock:
            self._staged_bytes += size_bytes

    @property
    def staged_bytes(self) -> int:
        """Result: bytes at the service of files that are still pending."""
        return self._staged_bytes

    def _forget(self, now: float) -> None:
        while self._sent and self._sent[0][0] < now - _WINDOW_SECONDS:
            self._sent.popleft()

    @property
    def sent_bytes(self) -> int:
        """Result: payload sent since the start, repeats included."""
        return self._sent_bytes

    def speed(self) -> float:
        """Result: payload bytes per second over the last ten seconds."""
        now = self._monotonic()
        with self._lock:
            self._forget(now)
            window = max(min(_WINDOW_SECONDS, now - self._started), _STEP_SECONDS)
            return sum(size for _, size in self._sent) / window

    def seconds(self) -> dict[WaitReason, float]:
        """Result: worker-seconds per reason so far, those still inside included."""
        now = self._monotonic()
        with self._lock:
            total = dict(self._seconds)
            for reason, since in self._since.values():
                total[reason] += now - since
        return total

    def most(self) -> WaitReason:
        """Result: the reason that most workers are in right now; NONE if nobody works."""
        with self._lock:
            reason = max(self._inside, key=lambda candidate: self._inside[candidate])
            return reason if self._inside[reason] else WaitReason.NONE
