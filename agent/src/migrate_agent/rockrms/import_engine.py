"""Runs one attempt of an import for the job runner: phases, approval, stop, snapshot. An Engine (engine_port.py).

`scanning`: a look at both sides, and the dry run where one is asked for (`dry_run`, `hold_after_scan`). `ready`: the
dry run waits for an operator. `running`: records are sent, what changed meanwhile is sent again, both sides are
compared.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from migrate_agent.engine_results import EngineResult, Snapshot
from migrate_agent.rockrms.import_run import ImportPorts, ImportRun, RunSettings
from migrate_agent.stop import StopKind, StopRequested, StopSignal
from migrate_agent.store.import_entries import OVER, REPORT, ImportPass
from migrate_agent.store.import_journal import ImportJournal
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.jobs import JobFault, JobPhase, JobSpec, Outcome, Waiting, WaitReason
from migrate_contract.rockrms import Entity, EntityResult, ImportReport, Stage
from migrate_contract.schedule import LimitInForce

log = logging.getLogger(__name__)


class StepTime(NamedTuple):
    """Seconds of the wall's clock, and of this process's CPU."""

    seconds: float
    cpu_seconds: float


class ImportEngine:
    """Made per attempt; `run` is called once."""

    def __init__(
        self,
        spec: JobSpec,
        journal: ImportJournal,
        open_ports: Callable[[ImportEngine], ImportPorts],
        stop: StopSignal,
        *,
        approved: bool = False,
        on_phase: Callable[[], None] = lambda: None,
        limits: RunSettings | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`open_ports` is asked when the work begins: the connection and Mission's key are held in memory only.

        It may wait, and says so by `waiting_for`. Raises Fatal.
        """
        self._spec, self._journal, self._open_ports, self._stop = spec, journal, open_ports, stop
        self._approved, self._on_phase, self._limits, self._now = approved, on_phase, limits, now
        self._phase = JobPhase.SCANNING
        self._approval = threading.Event()
        self._run: ImportRun | None = None
        self._waiting = Waiting()
        self.timings: dict[str, StepTime] = {}
        """How long each step of this process took, in the order in which they ended."""

    def approve(self) -> None:
        """Goes on after the dry run (`hold_after_scan`)."""
        self._approved = True
        self._approval.set()

    def set_limit(self, limit: LimitInForce | None) -> None:
        """Bandwidth limits are of file transfers: an import sends little, and is not slowed down by them."""

    def waiting_for(self, waiting: Waiting) -> None:
        """Until the work begins: what it waits for."""
        self._waiting = waiting

    def snapshot(self) -> Snapshot:
        """Result: how far it is. Counts are on the disk."""
        entities = self._journal.progress()
        run = self._run
        if run is None:
            return Snapshot(self._phase, waiting=self._waiting, entities=entities)
        speed, average = run.gauge.speed(), run.gauge.average()
        left = sum(found.pending for found in entities)
        sends = self._phase is JobPhase.RUNNING
        return Snapshot(
            self._phase,
            scan_complete=sends,
            retries=run.gauge.retries,
            eta_seconds=left / average if sends and left and average >= 1 else None,
            waiting=self._waits(run),
            entities=entities,
            records_per_second=speed,
        )

    def _waits(self, run: ImportRun) -> Waiting:
        told = run.patience.waiting
        if told is not None:
            busy = told.code is ErrorCode.MISSION_BUSY
            reason = WaitReason.SERVICE_BUSY if busy else WaitReason.NO_CONNECTION
            return Waiting(reason=reason, detail=told.sentence[:2000], since=told.since)
        return run.gauge.wait()

    def run(self) -> EngineResult:
        """Result: how it ended. Raises Fatal(journal-unreadable), Retryable(disk-full)."""
        try:
            return self._worked()
        except StopRequested as asked:
            return self._stopped(asked.kind)
        except Fatal as error:
            if error.code in (ErrorCode.JOURNAL_UNREADABLE, ErrorCode.IMPORT_JOURNAL_UNREADABLE):
                raise
            self._report_unfinished(f"{error.code.value}: {error.detail}")
            return EngineResult(JobPhase.FAILED, fault=JobFault(code=error.code.value, detail=error.detail[:2000]))
        finally:
            if self._run is not None:
                self._run.close()

    def _worked(self) -> EngineResult:
        if self._journal.kept(OVER) is not None:
            return self._ended()
        settings = self._spec.import_settings
        ports = self._open_ports(self)
        run = self._run = ImportRun(
            f"{self._spec.job_id}.{self._spec.attempt}",
            self._spec.attempt,
            settings,
            self._journal,
            ports,
            self._stop,
            limits=self._limits,
            now=self._now,
        )
        with self._timed("prepare"):
            run.prepare()
        if settings.dry_run or (self._spec.hold_after_scan and not self._approved):
            with self._timed("dry_run"):
                kind = run.dry_run()
            if kind is not None:
                return self._stopped(kind)
            self._report(run.dry_report())
            if settings.dry_run:
                return self._ended()
            if not self._held():
                return self._stopped(self._stop.kind or StopKind.STOP)
        return self._import(run)

    def _held(self) -> bool:
        """Result: whether the import was approved; waits for that, or for the end of the process."""
        self._enter(JobPhase.READY)
        while not self._approval.wait(0.05):
            if self._stop.requested:
                return False
        return True

    def _import(self, run: ImportRun) -> EngineResult:
        self._enter(JobPhase.RUNNING)
        with self._timed("import"):
            kind = run.carry()
        if kind is not None:
            return self._stopped(kind)
        with self._timed("settle"):
            found = run.settle()
        with self._timed("verify"):
            self._report(run.verify(found))
        return self._ended()

    @contextlib.contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        began, cpu = time.monotonic(), time.process_time()
        try:
            yield
        finally:
            self.timings[step] = StepTime(time.monotonic() - began, time.process_time() - cpu)

    def _enter(self, phase: JobPhase) -> None:
        self._phase = phase
        self._on_phase()

    def _report(self, report: ImportReport | None) -> None:
        if report is not None:
            self._journal.keep(REPORT, report.model_dump_json())

    def _ended(self) -> EngineResult:
        self._journal.keep(OVER, "true")
        errored = sum(found.errored for found in self._journal.progress())
        text = self._journal.kept(REPORT)
        matched = ImportReport.model_validate_json(text).financial_match if text else None
        whole = errored == 0 and matched is not False
        return EngineResult(JobPhase.COMPLETED, outcome=Outcome.COMPLETE if whole else Outcome.COMPLETE_WITH_FAILURES)

    def _stopped(self, kind: StopKind) -> EngineResult:
        if kind is StopKind.PAUSE:
            return EngineResult(JobPhase.PAUSED)
        if kind is StopKind.CANCEL:
            self._report_unfinished("the import was cancelled")
            return EngineResult(JobPhase.CANCELLED)
        return EngineResult(self._phase, stopped=True)

    def _report_unfinished(self, reason: str) -> None:
        """What the import came to before it ended; a report of the dry run stays."""
        if self._journal.kept(REPORT) is not None and self._phase is not JobPhase.RUNNING:
            return
        fixed, now = self._journal.fixed, self._now()
        counted: list[dict[str, Any]] = [found.model_dump(mode="json") for found in self._journal.progress()]
        report = ImportReport(
            attempt=self._spec.attempt,
            stage=Stage.NOT_VERIFIED,
            currency=self._spec.import_settings.currency,
            entities=[EntityResult(**{**found, "entity": Entity(found["entity"])}) for found in counted],
            quality=self._journal.flagged(),
            ledger_sha256=self._journal.ledger_sha256() if self._journal.checkpoint_any(ImportPass.IMPORT) else "",
            reason=f"not verified: {reason}"[:2000],
            started_at=datetime.fromisoformat(fixed.started_at) if fixed else now,
            finished_at=now,
        )
        self._report(report)
