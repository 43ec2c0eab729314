"""Whether the destination can be reached at all. While it cannot, nobody's tries are counted and no file fails.

The first worker that meets a fault probes: at once, then after 1, 2, 4 ... seconds up to the settings' ceiling. The
others wait. Any answer of the service, whatever it says, ends the outage.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from migrate_agent.stop import StopRequested, StopSignal
from migrate_agent.transfer.connection import ConnectionFault
from migrate_agent.transfer.meter import Meter
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.jobs import WaitReason

_LOOK_SECONDS = 0.25
"""How often a waiting worker looks whether it was told to stop."""


@dataclass(frozen=True, slots=True)
class Outage:
    """A lost connection: to whom, since when, and the last probe's reason."""

    host: str
    since: datetime
    reason: str

    @property
    def sentence(self) -> str:
        """Result: what the page says."""
        return f"no connection to {self.host} since {self.since.astimezone(UTC):%H:%M} UTC ({self.reason})"


class Connectivity:
    """Shared by all workers of a job."""

    def __init__(
        self,
        stop: StopSignal,
        meter: Meter,
        *,
        probe_seconds: float,
        give_up_after_seconds: float | None,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._stop, self._meter = stop, meter
        self._probe_seconds, self._give_up_after = probe_seconds, give_up_after_seconds
        self._clock, self._monotonic = clock, monotonic
        self._changed = threading.Condition()
        self._probing = False
        self._outage: Outage | None = None

    @property
    def outage(self) -> Outage | None:
        """Result: the outage if a probe has confirmed it; one broken connection alone is none."""
        return self._outage

    def restore(self, fault: ConnectionFault, probe: Callable[[], None]) -> None:
        """Returns once `probe` has got an answer. Raises StopRequested, or Fatal where patience has an end."""
        with self._meter.during(WaitReason.NO_CONNECTION):
            with self._changed:
                if self._probing:
                    self._wait_while(lambda: self._probing)
                    return
                self._probing = True
            try:
                self._probe(fault, probe)
            finally:
                with self._changed:
                    self._probing = False
                    self._changed.notify_all()

    def wait_until_open(self) -> None:
        """Returns unless a confirmed outage is on; waits for its end. Raises StopRequested."""
        if self._outage is None:
            return
        with self._meter.during(WaitReason.NO_CONNECTION), self._changed:
            self._wait_while(lambda: self._outage is not None and self._probing)

    def _wait_while(self, lasts: Callable[[], bool]) -> None:
        while lasts():
            self._changed.wait(_LOOK_SECONDS)
            self._stop.raise_if_requested()

    def _probe(self, fault: ConnectionFault, probe: Callable[[], None]) -> None:
        since, began = self._clock(), self._monotonic()
        delay = 1.0
        while True:
            try:
                probe()
            except ConnectionFault as again:
                fault = again
            else:
                self._outage = None
                return
            self._outage = Outage(fault.host, since, fault.reason)
            if self._give_up_after is not None and (
                # A person waits at the terminal, and a certificate does not become trusted by waiting.
                fault.code is ErrorCode.TLS_NOT_TRUSTED or self._monotonic() - began >= self._give_up_after
            ):
                raise Fatal(fault.code, fault.detail)
            if self._stop.wait(min(delay, self._probe_seconds)):
                assert self._stop.kind is not None
                raise StopRequested(self._stop.kind)
            delay *= 2
