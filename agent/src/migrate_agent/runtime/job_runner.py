"""Runs the jobs in the journal, one transfer and one import at a time, in the order of their acceptance.

Nouns: a *slot* is the place of one running job, each kind of job has one; the *active* job of a slot has an engine; a
job is *runnable* when the control plane has confirmed it and its phase is one of work (queued, scanning, running, or
ready and approved). What a job's phase is, is decided here and in the journal: a job that the process left in a phase
of work goes on after the next start by itself, control plane or not.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any

from migrate_agent.engine_results import EngineResult, Snapshot
from migrate_agent.logs import log_fault
from migrate_agent.runtime.engine_port import Engine, MakeEngine
from migrate_agent.runtime.status import Status
from migrate_agent.stop import StopKind, StopSignal
from migrate_agent.store.journal import JobRecord, Journal
from migrate_contract.agents import HeartbeatJob
from migrate_contract.errors import ErrorCode, Fatal, MigrateError, Retryable
from migrate_contract.jobs import JobFault, JobPhase, JobType

log = logging.getLogger(__name__)

WORKING = frozenset({JobPhase.QUEUED, JobPhase.SCANNING, JobPhase.RUNNING})
ENDED = frozenset({JobPhase.COMPLETED, JobPhase.FAILED, JobPhase.CANCELLED})
_STORE_RETRY_SECONDS = 15.0
_SETTLE_SECONDS = 60.0


@unique
class Slot(StrEnum):
    """What a job occupies while it runs; set by its type. A transfer and an import wait for different things."""

    TRANSFER = "transfer"
    IMPORT = "import"


def slot_of(record: JobRecord) -> Slot:
    """Result: where the job runs."""
    return Slot.IMPORT if record.spec.type is JobType.ROCKRMS_IMPORT else Slot.TRANSFER


@dataclass
class _Active:
    record: JobRecord
    stop: StopSignal
    engine: Engine | None = None
    ignored: bool = False
    """Whatever the engine says at its end is of no interest."""
    dropped: bool = False
    """The job is no longer ours: it leaves the journal with the engine, before another one could begin it."""


class JobRunner:
    """One thread for each slot works (`run`); every other method may be called from any thread."""

    def __init__(
        self,
        journal: Journal,
        make_engine: MakeEngine,
        stop: StopSignal,
        status: Status,
        *,
        on_change: Callable[[], None],
        on_lost: Callable[[str, int], None],
        open_share: Callable[[str], None] = lambda _: None,
        on_engine: Callable[[], None] = lambda: None,
        max_jobs: int = len(Slot),
    ) -> None:
        """With `max_jobs` 1 the slots take turns.

        `open_share` signs in where a source needs that, before its engine runs. It raises Fatal. `on_engine`: an engine
        is about to run, and is among the `working` ones.
        """
        self._open_share = open_share
        self._journal, self._make_engine, self._stop, self._status = journal, make_engine, stop, status
        self._on_change, self._on_lost, self._on_engine = on_change, on_lost, on_engine
        self._changed = threading.Condition()
        self._active: dict[Slot, _Active] = {}
        self._takes_turns = max_jobs < len(Slot)
        self._shown: list[HeartbeatJob] = []

    # The thread

    def run(self, slot: Slot = Slot.TRANSFER) -> None:
        """Works on the jobs of a slot until the process is asked to stop."""
        while not self._stop.requested:
            try:
                active = self._take_next(slot)
                if active is None:
                    with self._changed:
                        self._changed.wait(1.0)
                    continue
                self._work_on(active)
            except Retryable as error:
                log_fault(log, "the journal cannot be written, trying again", error)
                self._status.fault(error)
                self._stop.wait(_STORE_RETRY_SECONDS)

    def wake(self) -> None:
        """The journal has changed."""
        with self._changed:
            self._changed.notify_all()

    def _take_next(self, slot: Slot) -> _Active | None:
        """Result: the slot's first runnable job, active from now on: a pause that comes later finds it so."""
        with self._changed:
            if self._takes_turns and self._active:
                return None
            waiting = [record for record in self._journal.jobs() if _runnable(record)]
            ours = [record for record in waiting if slot_of(record) is slot]
            if not ours or (self._takes_turns and waiting[0] is not ours[0]):
                return None
            active = self._active[slot] = _Active(ours[0], self._stop.child())
            return active

    def _of(self, job_id: str) -> _Active | None:
        """Result: the job, where it is active."""
        return next((active for active in list(self._active.values()) if active.record.job_id == job_id), None)

    def _work_on(self, active: _Active) -> None:
        record = active.record
        self._on_change()
        fields: dict[str, Any] = {"job_id": record.job_id, "attempt": record.attempt}
        begins = "begins" if record.phase is JobPhase.QUEUED else "goes on"
        log.info("job %s, attempt %s: work %s", record.spec.name, record.attempt, begins, extra=fields)
        try:
            result = self._run_engine(active)
            if not active.ignored:
                self._conclude(record, result)
        except Fatal as error:
            log_fault(log, "the job's journal cannot be used; the control plane is told that its work is lost", error)
            self._status.fault(error, record.job_id)
            self._journal.drop(record.job_id, record.attempt)
            self._on_lost(record.job_id, record.attempt)
        finally:
            self._leave(active)

    def _leave(self, active: _Active) -> None:
        with self._changed:
            if active.dropped:
                self._journal.drop(active.record.job_id, active.record.attempt)
            del self._active[slot_of(active.record)]
            self._changed.notify_all()
        self._on_change()

    def _run_engine(self, active: _Active) -> EngineResult:
        record = active.record
        try:
            if slot_of(record) is Slot.TRANSFER:
                self._open_share(record.spec.folder.path)
        except Fatal as error:
            return EngineResult(JobPhase.FAILED, fault=JobFault(code=error.code.value, detail=error.detail[:2000]))
        journal = self._journal.open_attempt(record.job_id, record.attempt)
        engine = self._make_engine(record, journal, active.stop, lambda: self._phase_changed(active))
        with self._changed:
            active.engine = engine
        # Where the engine begins is news too: a paused attempt goes on in `running`, which it has been before.
        self._phase_changed(active)
        try:
            self._on_engine()
            return engine.run()
        except MigrateError:
            raise
        except Exception as error:
            what = "import" if slot_of(record) is Slot.IMPORT else "copy"
            log.exception("the %s engine broke", what, extra={"job_id": record.job_id, "attempt": record.attempt})
            detail = f"{type(error).__name__} in the {what} engine; the agent's log has the rest"
            return EngineResult(JobPhase.FAILED, fault=JobFault(code=ErrorCode.INTERNAL.value, detail=detail))

    def _phase_changed(self, active: _Active) -> None:
        """Called by the engine. Ends are concluded when `run` returns, not here."""
        if active.engine is None or active.ignored:
            return
        phase = active.engine.snapshot().phase
        if phase not in (JobPhase.SCANNING, JobPhase.READY, JobPhase.RUNNING):
            return
        self._journal.set_phase(active.record.job_id, active.record.attempt, phase)
        if phase is JobPhase.READY:
            record = self._journal.job(active.record.job_id)
            if record is not None and not record.approved:
                # A job that waits for a person must not keep others from the slot.
                active.stop.request(StopKind.STOP)
        self._on_change()

    def _conclude(self, record: JobRecord, result: EngineResult) -> None:
        fields: dict[str, Any] = {"job_id": record.job_id, "attempt": record.attempt}
        if result.stopped:
            log.info("job %s rests in phase %s", record.spec.name, result.phase, extra=fields)
            if result.phase in (JobPhase.SCANNING, JobPhase.READY, JobPhase.RUNNING):
                self._set_phase_if_new(record, result.phase)
            return
        self._journal.set_phase(record.job_id, record.attempt, result.phase, outcome=result.outcome, fault=result.fault)
        if result.fault is not None:
            error = Fatal(_known_code(result.fault.code), result.fault.detail)
            log_fault(log, f"job {record.spec.name} failed", error, **fields)
            self._status.fault(error, record.job_id)
        else:
            if slot_of(record) is Slot.IMPORT:
                log.info("%s", self._import_ended(record, result), extra=fields)
                return
            tally = self._journal.open_attempt(record.job_id, record.attempt).counters().files
            outcome = f", {result.outcome.value.replace('_', ' ')}" if result.outcome else ""
            log.info(
                "job %s: %s%s: %d files found, %d transferred, %d unchanged, %d failed",
                record.spec.name,
                result.phase,
                outcome,
                tally.scanned,
                tally.transferred,
                tally.unchanged,
                tally.failed,
                extra=fields,
            )

    def _import_ended(self, record: JobRecord, result: EngineResult) -> str:
        counted = self._journal.open_import(record.job_id, record.attempt).progress()
        outcome = f", {result.outcome.value.replace('_', ' ')}" if result.outcome else ""
        sent = sum(found.imported + found.updated for found in counted)
        same, errored = sum(found.unchanged for found in counted), sum(found.errored for found in counted)
        return (
            f"job {record.spec.name}: {result.phase}{outcome}: {sent} records written, {same} unchanged,"
            f" {errored} errored"
        )

    def _set_phase_if_new(self, record: JobRecord, phase: JobPhase) -> None:
        now = self._journal.job(record.job_id)
        if now is not None and now.attempt == record.attempt and now.phase is not phase:
            self._journal.set_phase(record.job_id, record.attempt, phase)

    # What commands and answers ask for

    def pause(self, job_id: str, attempt: int) -> None:
        """Result: the job winds down to `paused`, or is so at once where no engine runs it."""
        self._end(job_id, attempt, StopKind.PAUSE, JobPhase.PAUSED)

    def cancel(self, job_id: str, attempt: int) -> None:
        """Result: the job ends `cancelled`; nothing more is committed."""
        self._end(job_id, attempt, StopKind.CANCEL, JobPhase.CANCELLED)

    def approve(self, job_id: str, attempt: int) -> None:
        """Result: the job goes on after its scan, remembered over restarts."""
        self._journal.approve(job_id, attempt)
        active = self._of(job_id)
        if active is not None and active.engine is not None:
            active.engine.approve()
        self.wake()

    def forget(self, job_id: str, attempt: int) -> bool:
        """Result: True where the attempt is gone from here without a word; False where its engine has not ended yet."""
        with self._changed:
            active = self._of(job_id)
            if active is not None and active.record.attempt == attempt:
                active.ignored = active.dropped = True
                active.stop.request(StopKind.CANCEL)
            if not self._changed.wait_for(lambda: not self._ending(job_id), timeout=_SETTLE_SECONDS):
                return False
            self._journal.drop(job_id, attempt)
        self._on_change()
        return True

    def break_off(self) -> None:
        """The process must not go on: the engine drops everything, and the job stays in the journal as it is."""
        with self._changed:
            for active in self._active.values():
                active.ignored = True
            self._stop.request(StopKind.CANCEL)
            self._changed.notify_all()

    def settle(self, job_id: str, seconds: float = _SETTLE_SECONDS) -> bool:
        """Result: True once no engine that was asked to end runs this job; waits at most `seconds`."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._ending(job_id), timeout=seconds)

    def _ending(self, job_id: str) -> bool:
        active = self._of(job_id)
        return active is not None and active.stop.requested

    def _end(self, job_id: str, attempt: int, kind: StopKind, phase: JobPhase) -> None:
        with self._changed:
            active = self._of(job_id)
            if active is not None and active.record.attempt == attempt:
                active.stop.request(kind)
                return
            record = self._journal.job(job_id)
            if record is not None and record.attempt == attempt and record.phase not in ENDED | {phase}:
                self._journal.set_phase(job_id, attempt, phase)
        self._on_change()

    # What the reporter and the heartbeat show

    def snapshot(self, job_id: str) -> Snapshot | None:
        """Result: how far the active job is; None where no engine runs it."""
        active = self._of(job_id)
        if active is None or active.engine is None:
            return None
        return active.engine.snapshot()

    def working(self) -> list[tuple[JobRecord, Engine]]:
        """Result: the jobs whose engines run, or are about to."""
        found = list(self._active.values())
        return [(active.record, active.engine) for active in found if active.engine is not None]

    def jobs(self) -> list[HeartbeatJob]:
        """Result: every job held, with its place in the queue, as of the last `refresh`; touches no disk."""
        return self._shown

    def refresh(self) -> None:
        """Reads the journal again for `jobs`."""
        with self._changed:
            working = {active.record.job_id: slot for slot, active in self._active.items()}
            records = self._journal.jobs()
        shown: list[HeartbeatJob] = []
        ahead = Counter(working.values())
        for record in records:
            waits = _runnable(record) and record.job_id not in working
            slot = slot_of(record)
            position = (ahead.total() if self._takes_turns else ahead[slot]) if waits else 0
            ahead[slot] += 1 if waits else 0
            shown.append(
                HeartbeatJob(job_id=record.job_id, attempt=record.attempt, phase=record.phase, position=position)
            )
        self._shown = shown


def _runnable(record: JobRecord) -> bool:
    if not record.confirmed:
        return False
    return record.phase in WORKING or (record.phase is JobPhase.READY and record.approved)


def _known_code(code: str) -> ErrorCode:
    try:
        return ErrorCode(code)
    except ValueError:
        return ErrorCode.INTERNAL
