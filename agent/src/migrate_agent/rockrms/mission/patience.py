"""Waits until Mission can be asked again: for a lost route and a busy service without end, until work is to stop.

Product rule: a lost route, name, proxy or service stops the clock of an import; it stays at work, says "no connection
to <host> since ...", and no record fails for it. Tries are counted only where Mission failed at one request.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from migrate_agent.control.retry import Backoff
from migrate_agent.rockrms.mission.port import BatchFailed
from migrate_agent.stop import StopSignal
from migrate_contract.errors import ErrorCode, Retryable

MAX_TRIES = 20
"""Of one request that Mission answers with a failure of its own."""
_PROBE_SECONDS = 30.0

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why nothing goes on. `since`: when the first of the failures in a row was met."""

    host: str
    since: datetime
    code: ErrorCode
    reason: str

    @property
    def sentence(self) -> str:
        """Result: for people: what is waited for, and since when."""
        if self.code is ErrorCode.MISSION_BUSY:
            return f"Mission is busy since {self.since:%H:%M} UTC: {self.reason}"
        return f"no connection to {self.host} since {self.since:%H:%M} UTC: {self.reason}"


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Patience:
    """How long and how often; one for all threads of an import, so that they tell of one outage once."""

    def __init__(
        self,
        stop: StopSignal,
        *,
        backoff: Backoff | None = None,
        on_wait: Callable[[Waiting | None], None] = lambda waiting: None,
        now: Callable[[], datetime] = _utc_now,
        tries: int = MAX_TRIES,
    ) -> None:
        """`on_wait` is told when waiting begins, each time its reason changes, and None when it is over."""
        self.stop = stop
        self.tries = tries
        self._backoff = backoff or Backoff(ceiling_seconds=_PROBE_SECONDS)
        self._on_wait, self._now = on_wait, now
        self._lock = threading.Lock()
        self._waiting: Waiting | None = None

    @property
    def waiting(self) -> Waiting | None:
        """Result: what is waited for now, None while work goes on."""
        return self._waiting

    def call(self, host: str, action: Callable[[], Found], *, tries: int | None = None) -> Found:
        """Result: what `action` returns in the end. `tries`: how often Mission may fail at it (default: 20 times).

        Raises StopRequested, the last failure of too many tries, and any other error at once.
        """
        failures = answered = 0
        while True:
            self.stop.raise_if_requested()
            try:
                found = action()
            except BatchFailed as error:
                failures, answered = failures + 1, answered + 1
                if answered >= (tries or self.tries):
                    raise
                self._wait(host, error, failures)
            except Retryable as error:
                failures += 1
                if error.code is ErrorCode.MISSION_ANSWER_UNREADABLE:
                    answered += 1
                    if answered >= (tries or self.tries):
                        raise
                self._wait(host, error, failures)
            else:
                self._over()
                return found

    def _wait(self, host: str, error: Retryable, failures: int) -> None:
        reason = error.detail.removeprefix(f"{host}: ")
        with self._lock:
            earlier = self._waiting
            told = Waiting(host, earlier.since if earlier else self._now(), error.code, reason)
            self._waiting = told
        if told != earlier:
            self._on_wait(told)
        self.stop.wait(self._backoff.delay(failures, error.retry_after_seconds))

    def _over(self) -> None:
        if self._waiting is None:
            return
        with self._lock:
            ended, self._waiting = self._waiting, None
        if ended is not None:
            self._on_wait(None)
