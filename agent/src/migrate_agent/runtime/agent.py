"""The running agent: starts the loops, waits for a reason to end, and ends them in order.

| thread | does | ends |
|---|---|---|
| heartbeat | says that we live, brings answers | last |
| mailbox | commands, lost work, a new key | second |
| reporter | progress and ledger | third, after a last round |
| jobs, imports | the copy engine, the import engine | first: finish what is staged |
| limits | tells engines how fast they may send | with the mailbox |
| checks | connection tests and traces | with the mailbox |
| main | waits, writes the status file | - |
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
from collections.abc import Callable
from typing import Any

from migrate_agent import __version__
from migrate_agent.config import Config
from migrate_agent.control.session import Session
from migrate_agent.logs import log_fault
from migrate_agent.rockrms.connection_store import ConnectionStore
from migrate_agent.runtime.check_handlers import CheckHandlers, mission_for_checks
from migrate_agent.runtime.checks import Checks
from migrate_agent.runtime.connection import key_ring, network_of, open_client
from migrate_agent.runtime.engine_port import Engine, MakeEngine
from migrate_agent.runtime.engines import EngineMaker
from migrate_agent.runtime.governor import Governor
from migrate_agent.runtime.heartbeat import Heartbeat, Vitals
from migrate_agent.runtime.import_engines import ImportEngineMaker
from migrate_agent.runtime.instance_lock import InstanceLock
from migrate_agent.runtime.job_runner import JobRunner, Slot, slot_of
from migrate_agent.runtime.machine import disk_free_bytes, machine_facts
from migrate_agent.runtime.mailbox import Mailbox
from migrate_agent.runtime.progress_report import status_of
from migrate_agent.runtime.reporter import PROGRESS_SECONDS, Reporter
from migrate_agent.runtime.service import EXIT_NO_RESTART
from migrate_agent.runtime.service_choice import service_name_of
from migrate_agent.runtime.shares import ShareOpener
from migrate_agent.runtime.status import Status, now
from migrate_agent.runtime.stop_request import stop_was_asked
from migrate_agent.runtime.tracing import Tracer
from migrate_agent.sealing import SealingKeys
from migrate_agent.stop import StopKind, StopSignal
from migrate_agent.store.journal import JobRecord, Journal
from migrate_agent.store.limits_file import LimitsFile
from migrate_contract.agents import HeartbeatResponse, ProcessMode
from migrate_contract.errors import MigrateError
from migrate_contract.rockrms import HeldConnection

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
_JOIN_SECONDS = 30.0
_ENGINE_JOIN_SECONDS = 90.0
"""A read from a dead disk or share cannot be interrupted; the journal does not need it."""


class Agent:
    """One process's agent. `run` is its whole life."""

    def __init__(
        self,
        config: Config,
        stop: StopSignal,
        *,
        service_kind: str | None = None,
        progress_seconds: float = PROGRESS_SECONDS,
        make_engine: MakeEngine | None = None,
    ) -> None:
        """Raises Fatal (not-registered, config-invalid, journal-unreadable), Retryable(disk-full)."""
        self._config, self._stop = config, stop
        credentials = config.credentials()
        self._mode = ProcessMode.SERVICE if service_kind else ProcessMode.FOREGROUND
        network = network_of(config)
        keys = key_ring(config, credentials)
        self._session = Session()
        self._beat_client = open_client(config, network, keys=keys, session=self._session)
        self._client = open_client(config, network, keys=keys, session=self._session)
        folder = config.state_dir / "journal" / credentials.agent_id
        self._journal = Journal(folder)
        facts: dict[str, Any] = {
            "pid": os.getpid(),
            "mode": self._mode.value,
            "service": service_kind,
            "started_at": now().isoformat(),
            "version": __version__,
            "api_url": config.api_url,
            "agent_id": credentials.agent_id,
            "agent_name": credentials.agent_name,
            "client_name": credentials.client_name,
        }
        self.status = Status(config.state_dir, facts)
        self._connections = ConnectionStore(config.state_dir)
        imports = ImportEngineMaker(self._client, network, self._journal, self._connections)
        self._engines = EngineMaker(self._client, network, imports, on_refusal=self._beat_soon)
        self._governor = Governor(LimitsFile(folder), self.status, working=self._engines_at_work)
        self._runner = JobRunner(
            self._journal,
            make_engine or self._engines.make,
            stop,
            self.status,
            on_change=self._job_changed,
            on_lost=self._work_lost,
            open_share=ShareOpener(config.state_dir).open,
            on_engine=self._governor.enforce,
            max_jobs=config.max_jobs,
        )
        self._reporter = Reporter(
            self._client,
            self._session,
            self._journal,
            self._runner,
            self.status,
            stop,
            progress_seconds=progress_seconds,
        )
        sealing = SealingKeys.of(config.state_dir)
        checks = CheckHandlers(
            self._client.mission_of_command,
            mission_for_checks(network),
            keys,
            sealing,
            self._connections,
            Tracer(self._connections, self._journal),
            on_kept=self._beat_soon,
        )
        self._checks = Checks(self._journal, self._client.post_result, checks.by_kind(), self.status)
        self._mailbox = Mailbox(
            self._client,
            keys,
            self._journal,
            self._runner,
            self.status,
            on_change=self._changed,
            on_lost=self._reporter.lost,
            on_limits=self._governor.take,
            on_check=self._checks.take,
        )
        self._heartbeat = Heartbeat(
            self._beat_client,
            self._session,
            self.status,
            Vitals(
                machine_facts(service_name_of(config)),
                jobs=self._runner.jobs,
                buffered=self._reporter.waiting,
                disk_free=lambda: disk_free_bytes(config.state_dir),
                max_jobs=config.max_jobs,
                limits_version=lambda: self._governor.version,
                sealing_key=sealing.public,
                rock_connections=self._held_connections,
            ),
            instance_id=secrets.token_urlsafe(16),
            mode=self._mode,
            on_answer=self._answered,
        )
        self.status.jobs_now = self._describe_jobs
        self._session.when_ended(self._runner.break_off)

    def run(self) -> int:
        """Result: the exit code: 0 after an orderly stop, 78 where this process must not go on."""
        threads = [
            _thread("heartbeat", self._heartbeat.run),
            _thread("mailbox", self._mailbox.run),
            _thread("reporter", self._reporter.run),
            _thread("jobs", self._runner.run),
            _thread("imports", lambda: self._runner.run(Slot.IMPORT)),
        ]
        limits = _thread("limits", self._governor.run)
        checks = _thread("checks", self._checks.run)
        self._runner.refresh()
        log.info("the agent runs (%s), connecting to %s", self._mode, self._client.host)
        for thread in (limits, checks, *threads):
            thread.start()
        while not self._stop.requested:
            self.status.write()
            if stop_was_asked(self._config.state_dir):
                self._stop.request(StopKind.STOP)
            self._stop.wait(_LOOK_SECONDS)
        refused = self._session.ended
        exit_code = self._end(*threads) if refused is None else self._break_off(refused, *threads)
        self.status.ended(exit_code, refused)
        self._beat_client.close()
        self._client.close()
        self._journal.close()
        return exit_code

    def _end(
        self,
        heartbeat: threading.Thread,
        mailbox: threading.Thread,
        reporter: threading.Thread,
        *jobs: threading.Thread,
    ) -> int:
        """An orderly stop: what is staged is finished and reported; the heartbeat ends last."""
        log.info("stopping: finishing what is staged; a second signal ends at once")
        self.status.stopping()
        self.status.write()
        self._runner.wake()
        for slot in jobs:
            slot.join(_ENGINE_JOIN_SECONDS)
        self._governor.end()
        self._checks.end()
        self._mailbox.end()
        mailbox.join(_JOIN_SECONDS)
        self._reporter.end()
        reporter.join(_JOIN_SECONDS)
        self._reporter.last_round()
        self._heartbeat.end()
        heartbeat.join(_JOIN_SECONDS)
        self._heartbeat.farewell()
        log.info("stopped")
        return 0

    def _break_off(self, refused: MigrateError, *threads: threading.Thread) -> int:
        """The control plane refused this process: nothing more is committed, nothing more is said."""
        log_fault(log, "this process must not go on", refused)
        self.status.fault(refused)
        self._governor.end()
        self._checks.end()
        self._mailbox.end()
        self._reporter.end()
        self._heartbeat.end()
        for thread in threads:
            thread.join(_JOIN_SECONDS)
        return EXIT_NO_RESTART

    def _answered(self, answer: HeartbeatResponse, returned: bool) -> None:
        """On the heartbeat's thread: hands on, does nothing."""
        self._mailbox.put(answer)
        if returned:
            self._engines.try_now()
            self._reporter.control_plane_answers()

    def _beat_soon(self) -> None:
        self._heartbeat.beat_now()

    def _job_changed(self) -> None:
        self._reporter.wake()

    def _work_lost(self, job_id: str, attempt: int) -> None:
        self._reporter.lost(job_id, attempt)

    def _held_connections(self) -> list[HeldConnection]:
        """For heartbeats, which nothing may keep from being sent."""
        try:
            return self._connections.held()
        except MigrateError as error:
            log_fault(log, "the RockRMS connections cannot be read", error)
            return []

    def _engines_at_work(self) -> list[tuple[JobRecord, Engine]]:
        """A limit is of file transfers: an import neither obeys one nor takes a share of it."""
        return [(record, engine) for record, engine in self._runner.working() if slot_of(record) is Slot.TRANSFER]

    def _changed(self) -> None:
        self._runner.wake()
        self._reporter.wake()

    def _describe_jobs(self) -> list[dict[str, Any]]:
        """For the status file."""
        positions = {job.job_id: job.position for job in self._runner.jobs()}
        shown = []
        for record in self._journal.jobs():
            described: dict[str, Any] = {
                "job_id": record.job_id,
                "name": record.spec.name,
                "attempt": record.attempt,
                "phase": record.phase.value,
                "position": positions.get(record.job_id, 0),
                "source": record.spec.source.words,
                "destination": record.spec.destination.words,
            }
            snapshot = self._runner.snapshot(record.job_id)
            if snapshot is not None:
                described |= status_of(snapshot)
            shown.append(described)
        return shown


def _thread(name: str, target: Callable[[], None]) -> threading.Thread:
    return threading.Thread(target=target, name=name, daemon=True)


def run_agent(
    config: Config,
    stop: StopSignal,
    *,
    service_kind: str | None = None,
    progress_seconds: float = PROGRESS_SECONDS,
) -> int:
    """Result: the exit code of one agent's life, alone in its state folder.

    Raises Fatal(already-running) and what `Agent` raises.
    """
    lock = InstanceLock(config.state_dir)
    lock.acquire({"service": service_kind})
    try:
        agent = Agent(config, stop, service_kind=service_kind, progress_seconds=progress_seconds)
        return agent.run()
    finally:
        lock.release()
