"""How many requests are in flight: the number asked for, or one that is found by trying.

`auto` starts at the source document's 4 and climbs while throughput rises: by doubling, later by half, as long as each
step brings at least `_GAIN`. What a step did not bring it takes back, rests, and looks again after a while, for lines
and services change. A busy service (503) or broken connections halve it at once. Pure: time and counts are arguments.
"""

from __future__ import annotations

from typing import Literal

AUTO_START = 4
AUTO_MOST = 64
"""As many as a person may ask for; memory and a bandwidth limit may lower it further (transfer/sizing.py)."""
_WINDOW_SECONDS = 0.6
_SHORT_WINDOW_SECONDS = 0.35
_CLEAR_GAIN = 1.4
"""A step that brings so much needs no whole window to be believed, and at the start there are many of them."""
_SETTLE_SECONDS = 0.2
"""After a change, before what is measured is that change's."""
_GAIN = 1.08
_STEEP_BELOW = 16
_REST_SECONDS = 20.0
_BACK_OFF_SECONDS = 10.0
_SETBACK_SHARE = 0.01
_REQUEST_BYTES = 32 * 1024
"""What a request weighs beside its bytes, so that small and large files are measured by one number."""


class Concurrency:
    """The number of workers of one job. `observe` is called by one thread at steady intervals."""

    def __init__(self, asked: int | Literal["auto"], *, most: int = AUTO_MOST) -> None:
        """`most`: where `auto` ends."""
        self._fixed = None if asked == "auto" else asked
        self._most = most
        self._workers = AUTO_START if self._fixed is None else self._fixed
        self._best = 0.0
        self._best_at = self._workers
        self._rest_until = 0.0
        self._ceiling, self._ceiling_until = most, 0.0
        self._since: tuple[float, float, int, int] | None = None
        """When this window began, and the counts then: work, requests, setbacks."""
        self._counts_from = 0.0

    @property
    def fixed(self) -> bool:
        """Result: whether a person chose the number."""
        return self._fixed is not None

    @property
    def workers(self) -> int:
        """Result: how many files or blocks are sent at once."""
        return self._workers

    def observe(self, now: float, sent_bytes: int, requests: int, setbacks: int) -> int:
        """Result: the number from now on. `now` in monotonic seconds; counts are absolute since the start."""
        if self._fixed is not None:
            return self._fixed
        work = sent_bytes + requests * _REQUEST_BYTES
        if self._since is None or now < self._counts_from:
            self._since = (now, work, requests, setbacks)
            return self._workers
        began, work_then, requests_then, setbacks_then = self._since
        if setbacks - setbacks_then > max(1.0, (requests - requests_then) * _SETBACK_SHARE):
            self._back_off(now)
            self._since = None
        elif now - began >= self._window((work - work_then) / max(now - began, 1e-6)):
            self._judge(now, (work - work_then) / (now - began))
            self._since = None if now < self._counts_from else (now, work, requests, setbacks)
        return self._workers

    def _window(self, rate: float) -> float:
        """Seconds to look before a judgement, when `rate` is what was seen so far."""
        clear = rate > self._best * _CLEAR_GAIN and self._workers < _STEEP_BELOW
        return _SHORT_WINDOW_SECONDS if clear else _WINDOW_SECONDS

    def _back_off(self, now: float) -> None:
        self._ceiling, self._ceiling_until = max(self._workers // 2, 1), now + _REST_SECONDS
        self._change(self._ceiling, now)
        self._best, self._best_at = 0.0, self._ceiling
        self._rest_until = now + _BACK_OFF_SECONDS

    def _judge(self, now: float, rate: float) -> None:
        if rate <= 0:
            return
        most = self._most if now >= self._ceiling_until else min(self._ceiling, self._most)
        if self._workers == self._best_at:
            # The same number again: what it brings now is what the next step has to beat.
            self._best = rate
            if now >= self._rest_until:
                self._climb(now, most)
        elif rate > self._best * _GAIN:
            self._best, self._best_at = rate, self._workers
            self._climb(now, most)
        else:
            self._change(self._best_at, now)
            self._rest_until = now + _REST_SECONDS

    def _climb(self, now: float, most: int) -> None:
        step = self._workers if self._workers < _STEEP_BELOW else self._workers // 2
        self._change(min(self._workers + step, most), now)

    def _change(self, workers: int, now: float) -> None:
        if workers != self._workers:
            self._workers = workers
            self._counts_from = now + _SETTLE_SECONDS
