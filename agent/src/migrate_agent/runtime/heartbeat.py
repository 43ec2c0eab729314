"""The heartbeat: says that this process lives, and brings what the control plane wants. It never works.

It runs on a thread and a connection of its own. Answers are handed on and handled elsewhere, so that no command, no
disk and no transfer can delay the next one. The server names the interval; while it does not answer the interval
doubles from 1 s to at most 60 s, and no further than the server's own interval: so it is found again as soon as it
would have been heard of anyway.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

from migrate_agent.control.answers import FENCED, Unreachable
from migrate_agent.control.client import ControlClient
from migrate_agent.control.retry import LOCAL_FAULT_SECONDS, Backoff
from migrate_agent.control.session import Session
from migrate_agent.logs import log_fault
from migrate_agent.runtime.status import Status, now
from migrate_contract import PROTOCOL_VERSION
from migrate_contract.agents import HeartbeatJob, HeartbeatRequest, HeartbeatResponse, MachineFacts, ProcessMode
from migrate_contract.errors import CATALOGUE, ErrorCode, Fatal, MigrateError
from migrate_contract.rockrms import HeldConnection

log = logging.getLogger(__name__)

LONGEST_WAIT_SECONDS = 60.0
_JOBS_SHOWN = 64
_CONNECTIONS_SHOWN = 20
_SKEW = timedelta(minutes=2)


class Vitals:
    """What a heartbeat says beside the session; each value is asked for when one is sent."""

    def __init__(
        self,
        machine: MachineFacts,
        *,
        jobs: Callable[[], list[HeartbeatJob]],
        buffered: Callable[[], int],
        disk_free: Callable[[], int | None],
        max_jobs: int,
        limits_version: Callable[[], str] = str,
        sealing_key: str | None = None,
        rock_connections: Callable[[], list[HeldConnection]] = list,
    ) -> None:
        self.machine, self.max_jobs = machine, max_jobs
        self.jobs, self.buffered, self.disk_free = jobs, buffered, disk_free
        self.limits_version = limits_version
        self.sealing_key, self.rock_connections = sealing_key, rock_connections


class Heartbeat:
    """One process's heartbeats. `on_answer` must return at once; `run` is the thread."""

    def __init__(
        self,
        client: ControlClient,
        session: Session,
        status: Status,
        vitals: Vitals,
        *,
        instance_id: str,
        mode: ProcessMode,
        on_answer: Callable[[HeartbeatResponse, bool], None],
        backoff: Backoff | None = None,
    ) -> None:
        self._client, self._session, self._status, self._vitals = client, session, status, vitals
        self._instance_id, self._mode, self._on_answer = instance_id, mode, on_answer
        self._backoff = backoff or Backoff()
        self._sequence = 0
        self._failures = 0
        self._interval = LONGEST_WAIT_SECONDS
        self._wake = threading.Event()
        self._ended = threading.Event()
        self._skew_told = False
        session.when_ended(self._wake.set)

    def run(self) -> None:
        """Beats until `end` is called or the session is over."""
        while not self._ended.is_set() and self._session.ended is None:
            self._wake.clear()
            seconds = self._beat(self._mode)
            if not self._ended.is_set() and self._session.ended is None:
                self._wake.wait(seconds)

    def beat_now(self) -> None:
        """The next one is due now (the control plane answers again, or there is news)."""
        self._wake.set()

    def end(self) -> None:
        """No further one is sent by `run`."""
        self._ended.set()
        self._wake.set()

    def farewell(self) -> None:
        """The last one of a process that stops in order; where nobody answers, nobody is kept waiting for it."""
        if self._status.is_connected and self._session.ended is None:
            self._beat(ProcessMode.STOPPING)

    def _beat(self, mode: ProcessMode) -> float:
        """Result: seconds until the next one."""
        self._sequence += 1
        try:
            answer = self._client.heartbeat(self._request(mode))
        except MigrateError as error:
            return self._failed(error)
        except Exception as error:
            log.exception("a heartbeat could not be made")
            return self._failed(Fatal(ErrorCode.INTERNAL, type(error).__name__))
        self._failures = 0
        self._interval = min(answer.next_heartbeat_seconds, LONGEST_WAIT_SECONDS * 5)
        first = self._session.known_epoch is None
        self._session.opened(answer.session_epoch)
        returned = self._status.connected()
        if returned:
            log.info("the control plane answers again")
        elif first:
            log.info("connected to %s", self._client.host)
        self._look_at_clock(answer)
        self._on_answer(answer, returned or first)
        return self._interval

    def _failed(self, error: MigrateError) -> float:
        if error.code in FENCED:
            self._session.end(error)
            return 0.0
        self._failures += 1
        if self._status.disconnected(error):
            log_fault(log, "no heartbeat, trying again; copying goes on", error, level=logging.WARNING)
            self._status.fault(error)
        if isinstance(error, Unreachable) and error.local:
            return min(LOCAL_FAULT_SECONDS, self._interval)
        delay = self._backoff.delay(self._failures, error.retry_after_seconds)
        return min(delay, self._interval, LONGEST_WAIT_SECONDS)

    def _request(self, mode: ProcessMode) -> HeartbeatRequest:
        vitals = self._vitals
        return HeartbeatRequest(
            protocol_version=PROTOCOL_VERSION,
            instance_id=self._instance_id,
            session_epoch=self._session.known_epoch,
            sequence=self._sequence,
            mode=mode,
            machine=vitals.machine,
            agent_time=now(),
            jobs=vitals.jobs()[:_JOBS_SHOWN],
            max_jobs=vitals.max_jobs,
            disk_free_bytes=vitals.disk_free(),
            buffered_reports=vitals.buffered(),
            faults=self._status.faults(),
            limits_version=vitals.limits_version(),
            sealing_key=vitals.sealing_key,
            rock_connections=vitals.rock_connections()[:_CONNECTIONS_SHOWN],
        )

    def _look_at_clock(self, answer: HeartbeatResponse) -> None:
        """A clock that is off is told once and changes nothing."""
        skew = abs(now() - answer.server_time)
        if skew > _SKEW and not self._skew_told:
            self._skew_told = True
            seconds = round(skew.total_seconds())
            error = Fatal(ErrorCode.CLOCK_SKEWED, f"this machine's clock and the control plane's differ by {seconds} s")
            log.warning("%s: %s", CATALOGUE[error.code].title, error.detail, extra={"code": error.code.value})
            self._status.fault(error)
        elif skew <= _SKEW:
            self._skew_told = False
