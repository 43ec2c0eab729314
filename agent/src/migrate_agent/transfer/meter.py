"""Where the workers' time goes, and how fast payload leaves: the engine's answer to "what is it waiting for?".

Each worker writes a clock of its own, without a lock: it is read while it is written, and a reading that is a moment
old is good enough for people.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import TracebackType

from migrate_contract.jobs import WaitReason

_WINDOW_SECONDS = 10.0
_STEP_SECONDS = 0.5
_REASONS = tuple(WaitReason)
_NONE = _REASONS.index(WaitReason.NONE)


class _Clock:
    """One thread's time. `at`: the reason it is in now, by index; NONE while it does nothing that is counted."""

    __slots__ = ("at", "seconds", "since")

    def __init__(self, now: float) -> None:
        self.at, self.since = _NONE, now
        self.seconds = [0.0] * len(_REASONS)


class _During:
    """Counts the time inside for one reason; nested, the outer reason's clock stands still."""

    __slots__ = ("_at", "_meter", "_outer")

    def __init__(self, meter: Meter, at: int) -> None:
        self._meter, self._at = meter, at

    def __enter__(self) -> None:
        self._outer = self._meter.switch(self._at)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._meter.switch(self._outer)


@dataclass(frozen=True, slots=True)
class Readings:
    """What the meter of one process says, absolute since its start."""

    seconds: tuple[float, ...] = ()
    """Worker-seconds per reason, in the order of WaitReason."""
    inside: tuple[int, ...] = ()
    """Workers per reason now."""
    sent_bytes: int = 0
    requests: int = 0
    staged_bytes: int = 0
    setbacks: int = 0
    busy_answers: int = 0
    """Setbacks by which the service said that it is busy."""
    shortest_answer_seconds: float = 0.0
    """From a request to its answer, of the fastest one; 0 before the first."""


@dataclass(slots=True)
class _Elsewhere:
    """The other processes' last readings, by their name."""

    last: dict[str, Readings] = field(default_factory=dict)


class Meter:
    """Safe for all threads. A worker is in at most one reason at a time; the innermost counts."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._own = threading.local()
        self._clocks: list[_Clock] = []
        self._elsewhere = _Elsewhere()
        self._samples: deque[tuple[float, int]] = deque()
        self._sent_bytes = self._requests = self._staged_bytes = self._setbacks = self._busy_answers = 0
        self._shortest_answer_seconds = 0.0
        self._started = monotonic()

    def during(self, reason: WaitReason) -> _During:
        """Result: a context whose time counts for `reason`, for this thread."""
        return _During(self, _INDEX[reason])

    def switch(self, to: int) -> int:
        """This thread's time counts for another reason (an index of `reason_index`) from now on. Result: the last."""
        try:
            clock: _Clock = self._own.clock
        except AttributeError:
            clock = self._own.clock = _Clock(self._monotonic())
            with self._lock:
                self._clocks.append(clock)
        now = self._monotonic()
        before = clock.at
        clock.seconds[before] += now - clock.since
        clock.since, clock.at = now, to
        return before

    def sent(self, size_bytes: int) -> None:
        """Payload that was handed to the system."""
        with self._lock:
            self._sent_bytes += size_bytes
            self._requests += 1

    def staged(self, size_bytes: int) -> None:
        """Bytes of files that are not committed yet: more of them, or (negative) their file has ended."""
        with self._lock:
            self._staged_bytes += size_bytes

    def setback(self, *, busy: bool = False) -> None:
        """The service was `busy`, or a connection broke: something that more requests at once would make worse."""
        with self._lock:
            self._setbacks += 1
            self._busy_answers += busy

    def answered(self, seconds: float) -> None:
        """A request was answered after so long."""
        shortest = self._shortest_answer_seconds
        if not shortest or seconds < shortest:
            # Two threads at once may keep the longer one of two; the next answers put that right.
            self._shortest_answer_seconds = seconds

    def sent_and_answered(self, size_bytes: int, seconds: float, *, requests: int = 1) -> None:
        """Payload that was handed to the system in `requests` at once, all answered after so long."""
        with self._lock:
            self._sent_bytes += size_bytes
            self._requests += requests
        # Of several at once this is what the slowest took, and other work may lie between: an upper bound.
        if seconds < self._shortest_answer_seconds or not self._shortest_answer_seconds:
            self._shortest_answer_seconds = seconds

    def readings(self) -> Readings:
        """Result: this process' own, to be taken over by `absorb` elsewhere."""
        seconds, inside = [0.0] * len(_REASONS), [0] * len(_REASONS)
        now = self._monotonic()
        with self._lock:
            clocks = list(self._clocks)
        for clock in clocks:
            at, since = clock.at, clock.since
            for index, spent in enumerate(clock.seconds):
                seconds[index] += spent
            if at != _NONE:
                seconds[at] += max(now - since, 0.0)
                inside[at] += 1
        return Readings(
            tuple(seconds),
            tuple(inside),
            self._sent_bytes,
            self._requests,
            self._staged_bytes,
            self._setbacks,
            self._busy_answers,
            self._shortest_answer_seconds,
        )

    def absorb(self, process: str, readings: Readings) -> None:
        """What the meter of another process says now."""
        with self._lock:
            self._elsewhere.last = {**self._elsewhere.last, process: readings}

    def forget(self, process: str) -> None:
        """That process has ended: nobody is inside anything there, and what was staged is looked at again."""
        last = self._elsewhere.last.get(process)
        if last is not None:
            self.absorb(process, replace(last, inside=(0,) * len(_REASONS), staged_bytes=0))

    def _all(self) -> list[Readings]:
        return [self.readings(), *self._elsewhere.last.values()]

    @property
    def staged_bytes(self) -> int:
        """Result: bytes at the service of files that are still pending."""
        return self._staged_bytes + sum(found.staged_bytes for found in self._elsewhere.last.values())

    @property
    def sent_bytes(self) -> int:
        """Result: payload sent since the start, repeats included."""
        return self._sent_bytes + sum(found.sent_bytes for found in self._elsewhere.last.values())

    @property
    def requests(self) -> int:
        """Result: sends of payload since the start."""
        return self._requests + sum(found.requests for found in self._elsewhere.last.values())

    @property
    def setbacks(self) -> int:
        """Result: busy answers and broken connections since the start."""
        return self._setbacks + sum(found.setbacks for found in self._elsewhere.last.values())

    @property
    def busy_answers(self) -> int:
        """Result: how often the service said that it is busy."""
        return self._busy_answers + sum(found.busy_answers for found in self._elsewhere.last.values())

    @property
    def shortest_answer_seconds(self) -> float | None:
        """Result: from a request to its answer, of the fastest one: what no request can be faster than."""
        known = [self._shortest_answer_seconds]
        known += [found.shortest_answer_seconds for found in self._elsewhere.last.values()]
        return min((seconds for seconds in known if seconds), default=None)

    def speed(self) -> float:
        """Result: payload bytes per second over the last ten seconds."""
        now, sent = self._monotonic(), self.sent_bytes
        with self._lock:
            if not self._samples or now - self._samples[-1][0] >= _STEP_SECONDS:
                self._samples.append((now, sent))
            while len(self._samples) > 1 and self._samples[1][0] <= now - _WINDOW_SECONDS:
                self._samples.popleft()
            began, then = self._samples[0]
            if now - self._started < _WINDOW_SECONDS:
                began, then = self._started, 0
        return (sent - then) / max(now - began, _STEP_SECONDS)

    def average(self) -> float:
        """Result: payload bytes per second since the start."""
        return self.sent_bytes / max(self._monotonic() - self._started, _STEP_SECONDS)

    def seconds(self) -> dict[WaitReason, float]:
        """Result: worker-seconds per reason so far, those still inside included; NONE is left out."""
        sums = [sum(parts) for parts in zip(*(found.seconds for found in self._all()), strict=True)]
        return {reason: spent for reason, spent in zip(_REASONS, sums, strict=True) if reason is not WaitReason.NONE}

    def most(self) -> WaitReason:
        """Result: the reason that most workers are in right now; NONE if nobody waits for anything."""
        inside = [sum(parts) for parts in zip(*(found.inside for found in self._all()), strict=True)]
        busy = [(count, reason) for count, reason in zip(inside, _REASONS, strict=True) if reason not in _QUIET]
        count, found = max(busy, key=lambda pair: pair[0])
        return found if count else WaitReason.NONE


_INDEX = {reason: index for index, reason in enumerate(_REASONS)}
_QUIET = (WaitReason.NONE, WaitReason.IDLE)


def reason_index(reason: WaitReason) -> int:
    """Result: what `Meter.switch` takes for `reason`."""
    return _INDEX[reason]
