"""Sends no faster than allowed: a token bucket that may go into debt, shared by all uploads of a job.

Debt is what lets any slice pass at any rate: a slice larger than what is saved is sent once the bucket is not in debt,
and the next one waits until it is paid off. So the average is exact whatever the sizes are.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

SLICE_BYTES = 64 * 1024
"""Of one send under a limit, at most."""
_SMALLEST_SLICE_BYTES = 4 * 1024
_SLICE_SECONDS = 0.1
"""What one send may weigh at most: the average over any ten seconds stays exact to one in a hundred."""
_BURST_SECONDS = 0.1
"""Unused allowance is kept this long: enough to keep a fast line full, too little to be seen as a peak."""
_LOOK_SECONDS = 0.5

_PAID_BYTES = 0.5
"""A debt below this is rounding: waiting for it could be shorter than a clock can tell."""


class TokenBucket:
    """Safe for all threads. `wait(seconds)` waits; it may raise to cut the sender off."""

    def __init__(
        self,
        bytes_per_second: float | None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self._lock = threading.Lock()
        self._monotonic, self._wait = monotonic, wait
        self._rate = bytes_per_second
        self._saved = 0.0
        self._at = monotonic()

    @property
    def limited(self) -> bool:
        """Result: whether there is a limit."""
        return self._rate is not None

    @property
    def rate(self) -> float | None:
        """Result: bytes per second, 0 while everything is paused, None without a limit."""
        return self._rate

    def set_rate(self, bytes_per_second: float | None) -> None:
        """The limit from now on; None: none, 0: nothing is sent. A debt is paid at the new pace."""
        with self._lock:
            self._settle()
            self._rate = bytes_per_second
            if bytes_per_second is None:
                self._saved = 0.0

    def take(self, size_bytes: int) -> float:
        """Waits until `size_bytes` may be sent. Result: seconds waited."""
        waited = 0.0
        while True:
            with self._lock:
                rate = self._rate
                if rate is None:
                    return waited
                self._settle()
                if rate and self._saved >= -_PAID_BYTES:
                    self._saved -= size_bytes
                    return waited
                missing = -self._saved / rate if rate else _LOOK_SECONDS
            # Looks again at least every half second, so that a changed limit holds for those who wait already.
            pause = min(missing, _LOOK_SECONDS)
            self._wait(pause)
            waited += pause

    def _settle(self) -> None:
        now = self._monotonic()
        if self._rate is not None:
            self._saved = min(self._saved + (now - self._at) * self._rate, self._rate * _BURST_SECONDS)
        self._at = now


def slice_bytes_at(bytes_per_second: float) -> int:
    """Result: how much one send may carry under a limit: 64 KiB, less where that would be a tenth of a second."""
    return int(min(max(bytes_per_second * _SLICE_SECONDS, _SMALLEST_SLICE_BYTES), SLICE_BYTES))
