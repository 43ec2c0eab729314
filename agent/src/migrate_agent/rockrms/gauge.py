"""How fast records go through and what they wait for, for the page: written by the pipeline, read by the reporter."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from migrate_contract.jobs import Waiting, WaitReason

_WINDOW_SECONDS = 10.0


class Gauge:
    """Safe for all threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._begun = clock()
        self._total = 0
        self._recent: deque[tuple[float, int]] = deque()
        self._waits: list[Waiting] = []
        self.retries = 0

    def restart(self) -> None:
        """Another pass begins."""
        with self._lock:
            self._begun, self._total = self._clock(), 0
            self._recent.clear()

    def done(self, records: int) -> None:
        """So many records are in the journal."""
        with self._lock:
            now = self._clock()
            self._total += records
            self._recent.append((now, records))
            while self._recent and self._recent[0][0] < now - _WINDOW_SECONDS:
                self._recent.popleft()

    def speed(self) -> float:
        """Result: records per second over the last seconds."""
        with self._lock:
            now = self._clock()
            since = max(now - _WINDOW_SECONDS, self._begun)
            counted = sum(records for at, records in self._recent if at >= since)
            return counted / max(now - since, 0.1)

    def average(self) -> float:
        """Result: records per second since the pass began."""
        with self._lock:
            return self._total / max(self._clock() - self._begun, 0.1)

    @contextlib.contextmanager
    def waiting(self, reason: WaitReason, detail: str) -> Iterator[None]:
        """While inside, the job waits for that."""
        wait = Waiting(reason=reason, detail=detail[:2000], since=datetime.now(UTC))
        with self._lock:
            self.retries += 1
            self._waits.append(wait)
        try:
            yield
        finally:
            with self._lock:
                self._waits.remove(wait)

    def wait(self) -> Waiting:
        """Result: what it waits for now, the oldest first."""
        with self._lock:
            return self._waits[0] if self._waits else Waiting()
