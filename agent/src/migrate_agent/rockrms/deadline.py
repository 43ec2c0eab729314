"""How much time a look at a server has left, whatever the network does."""

from __future__ import annotations

import time
from collections.abc import Callable


class Deadline:
    """Counts down on a monotonic clock."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._start = clock()
        self._end = self._start + seconds

    @property
    def left(self) -> float:
        """Result: seconds left, never less than 0."""
        return max(0.0, self._end - self._clock())

    @property
    def passed(self) -> float:
        """Result: seconds since the start."""
        return self._clock() - self._start

    def require(self) -> float:
        """Result: seconds left. Raises TimeoutError where there are none."""
        left = self.left
        if left <= 0:
            raise TimeoutError
        return left

    def at_most(self, seconds: float) -> Deadline:
        """Result: a part of it: ends after `seconds`, and never later than this one."""
        return Deadline(min(seconds, self.left), self._clock)
