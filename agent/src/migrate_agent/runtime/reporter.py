"""Tells the control plane how far each job is: absolute counters, the ledger, and each phase until it is answered.

Reports are due every 10 s while a job is worked on, and at once when its phase changes. While the control plane is
away the newest report and every phase change that was seen are kept, and sent in order when it is back; a phase that
began and ended between two looks is left out, and the control plane goes through it by itself. An ended job is
forgotten only when its ledger is over there and its last phase was answered.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from migrate_agent.control.answers import FENCED
from migrate_agent.control.client import ControlClient
from migrate_agent.control.retry import Backoff
from migrate_agent.control.session import Session
from migrate_agent.logs import log_fault
from migrate_agent.runtime.import_reports import keep_report
from migrate_agent.runtime.import_shipping import ship_log, ship_report
from migrate_agent.runtime.job_runner import ENDED, WORKING, JobRunner
from migrate_agent.runtime.ledger_shipping import ship_ledger
from migrate_agent.runtime.progress_report import import_progress_of, progress_of
from migrate_agent.runtime.report_desk import Desk, Report
from migrate_agent.runtime.status import Status
from migrate_agent.stop import StopSignal
from migrate_agent.store.journal import JobRecord, Journal
from migrate_contract.errors import ErrorCode, Fatal, MigrateError, Retryable
from migrate_contract.jobs import JobPhase, JobType, Progress, ProgressAnswer

log = logging.getLogger(__name__)

PROGRESS_SECONDS = 10.0
"""Between two reports of a job at work (product page, Limits and defaults)."""
LEDGER_ROWS_AT_WORK = 500
"""Fewer finished files than that wait for more while the job is at work."""
LOST_SEQUENCE = 2**53
"""A report of lost work comes after every report of that attempt, whose numbers were lost with it."""
_LEDGER_REFUSALS = 3
_STORE_RETRY_SECONDS = 15.0
_NO_LONGER_OURS = frozenset({ErrorCode.ATTEMPT_SUPERSEDED, ErrorCode.NOT_FOUND})


class Reporter:
    """One thread (`run`); `wake` and `lost` from any thread."""

    def __init__(
        self,
        client: ControlClient,
        session: Session,
        journal: Journal,
        runner: JobRunner,
        status: Status,
        stop: StopSignal,
        *,
        progress_seconds: float = PROGRESS_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        backoff: Backoff | None = None,
    ) -> None:
        self._client, self._session, self._journal, self._runner = client, session, journal, runner
        self._status, self._stop, self._clock = status, stop, clock
        self._every, self._backoff = progress_seconds, backoff or Backoff()
        self._desks: dict[str, Desk] = {}
        self._lost: set[tuple[str, int]] = set()
        self._forgotten: set[tuple[str, int]] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._ended = threading.Event()

    def run(self) -> None:
        """Reports until `end`."""
        while not self._ended.is_set():
            self._wake.clear()
            try:
                seconds = self._round()
            except MigrateError as error:
                log_fault(log, "reports cannot be made now", error)
                seconds = 5.0
            except Exception:
                log.exception("reporting broke; it goes on")
                seconds = 5.0
            self._wake.wait(seconds)

    def wake(self) -> None:
        """A job has changed."""
        self._wake.set()

    def control_plane_answers(self) -> None:
        """The control plane is back: what waits is sent now, without waiting out a delay."""
        with self._lock:
            for desk in self._desks.values():
                desk.not_before = 0.0
                desk.failures = 0
        self._wake.set()

    def lost(self, job_id: str, attempt: int) -> None:
        """The control plane believes that we hold this attempt, and we do not."""
        with self._lock:
            if (job_id, attempt) in self._forgotten:
                return
            self._lost.add((job_id, attempt))
        self._wake.set()

    def waiting(self) -> int:
        """Result: how many reports wait for the control plane."""
        with self._lock:
            return sum(len(desk.waiting) for desk in self._desks.values())

    def end(self) -> None:
        """Result: `run` returns after what it is doing; then one last round sends what is newest, if that works."""
        self._ended.set()
        self._wake.set()

    def last_round(self) -> None:
        """One report of each job as the process leaves it; what does not work now is sent after the next start."""
        if not self._status.is_connected or self._session.ended is not None:
            return
        with self._lock:
            for desk in self._desks.values():
                desk.due_at = 0.0
        try:
            self._round()
        except MigrateError as error:
            log_fault(log, "the last report could not be sent", error, level=logging.WARNING)

    # One round

    def _round(self) -> float:
        """Result: seconds until the next one, unless woken."""
        self._runner.refresh()
        records = self._journal.jobs()
        with self._lock:
            for job_id in set(self._desks) - {record.job_id for record in records}:
                del self._desks[job_id]
        self._send_lost()
        soonest = self._clock() + 60.0
        for record in records:
            try:
                soonest = min(soonest, self._serve(record))
            except MigrateError as error:
                fields: dict[str, Any] = {"job_id": record.job_id, "attempt": record.attempt}
                log_fault(log, "a report cannot be made now", error, **fields)
                self._status.fault(error, record.job_id)
                soonest = min(soonest, self._clock() + _STORE_RETRY_SECONDS)
            if self._session.ended is not None:
                return 60.0
        return max(soonest - self._clock(), 0.05)

    def _serve(self, record: JobRecord) -> float:
        """Result: when to look at this job again."""
        if record.phase is JobPhase.QUEUED and not record.confirmed:
            # Its start may still be withdrawn: nothing is said of it before the control plane says `proceed`.
            return self._clock() + 60.0
        desk = self._desk(record)
        at_work = record.phase in WORKING and self._runner.snapshot(record.job_id) is not None
        now = self._clock()
        changed = record.phase is not desk.seen_phase
        if (changed and not record.reported) or (at_work and now >= desk.due_at):
            desk.add(self._report(record))
            desk.due_at = now + self._every
        desk.seen_phase = record.phase
        if self._session.known_epoch is None:
            return now + 60.0
        if now < desk.not_before:
            return desk.not_before
        self._send(record, desk)
        ahead = desk.due_at if at_work else self._clock() + 60.0
        return max(ahead, desk.not_before) if desk.not_before > self._clock() else ahead

    def _desk(self, record: JobRecord) -> Desk:
        with self._lock:
            desk = self._desks.get(record.job_id)
            if desk is None or desk.attempt != record.attempt:
                desk = self._desks[record.job_id] = Desk(record.attempt)
            return desk

    def _report(self, record: JobRecord) -> Report:
        sequence = self._journal.next_sequence(record.job_id, record.attempt)
        snapshot = self._runner.snapshot(record.job_id)
        if record.spec.type is JobType.ROCKRMS_IMPORT:
            entities = self._journal.open_import(record.job_id, record.attempt).progress()
            progress = import_progress_of(record, sequence, snapshot, entities)
        else:
            journal = self._journal.open_attempt(record.job_id, record.attempt)
            progress = progress_of(record, sequence, snapshot, journal)
        return Report(progress, self._clock())

    def _send(self, record: JobRecord, desk: Desk) -> None:
        ended = record.phase in ENDED
        try:
            # An ended job's ledger goes first, so that its report is whole when the operators see the end.
            whole = self._ship_first(record, desk) if ended else False
            self._send_waiting(record, desk)
            if not ended:
                # Where nothing moves, no further rows will fill a chunk up: a person looks at those there are.
                self._ship(record, everything=record.phase in (JobPhase.PAUSED, JobPhase.READY))
            elif not whole and self._ship(record, everything=True):
                whole = True
        except MigrateError as error:
            self._failed(record, desk, error)
            return
        desk.failures, desk.not_before, desk.told = 0, 0.0, ""
        if ended and whole and not desk.waiting:
            self._forget(record)

    def _ship_first(self, record: JobRecord, desk: Desk) -> bool:
        """Result: True where the whole ledger is over there.

        A ledger that is refused again and again must not keep the job's end from the operators.
        """
        try:
            return self._ship(record, everything=True)
        except Fatal as error:
            if error.code in FENCED | _NO_LONGER_OURS or desk.failures < _LEDGER_REFUSALS:
                raise
            return False

    def _ship(self, record: JobRecord, *, everything: bool) -> bool:
        if record.spec.type is JobType.ROCKRMS_IMPORT:
            return self._ship_import(record, everything=everything)
        journal = self._journal.open_attempt(record.job_id, record.attempt)
        return ship_ledger(
            journal,
            record.attempt,
            lambda chunk: self._client.post_ledger(record.job_id, chunk),
            at_least=1 if everything else LEDGER_ROWS_AT_WORK,
            go_on=lambda: not self._stop.requested or everything,
        )

    def _ship_import(self, record: JobRecord, *, everything: bool) -> bool:
        journal = self._journal.open_import(record.job_id, record.attempt)
        ship_report(journal, lambda report: self._client.post_import_report(record.job_id, report))
        return ship_log(
            journal,
            record.attempt,
            lambda chunk: self._client.post_import_log(record.job_id, chunk),
            at_least=1 if everything else LEDGER_ROWS_AT_WORK,
            go_on=lambda: not self._stop.requested or everything,
        )

    def _send_waiting(self, record: JobRecord, desk: Desk) -> None:
        while desk.waiting:
            report = desk.waiting[0]
            age = max(self._clock() - report.measured_at, 0.0)
            body = report.progress.model_copy(update={"measured_seconds_ago": age})
            answer = self._client.post_progress(record.job_id, body)
            with self._lock:
                desk.waiting.remove(report)
            self._journal.mark_reported(record.job_id, record.attempt, body.phase)
            self._heed(record, answer)

    def _heed(self, record: JobRecord, answer: ProgressAnswer) -> None:
        if answer.wish == "pause" and record.phase is not JobPhase.PAUSED:
            self._runner.pause(record.job_id, record.attempt)
        elif answer.wish == "cancel":
            self._runner.cancel(record.job_id, record.attempt)

    def _failed(self, record: JobRecord, desk: Desk, error: MigrateError) -> None:
        if error.code in FENCED:
            return
        if error.code in _NO_LONGER_OURS:
            fields = {"job_id": record.job_id, "attempt": record.attempt}
            log_fault(log, "the job is no longer ours; its work is dropped", error, level=logging.WARNING, **fields)
            self._runner.forget(record.job_id, record.attempt)
            return
        desk.failures += 1
        desk.not_before = self._clock() + self._backoff.delay(desk.failures, error.retry_after_seconds)
        if desk.told != error.code.value:
            desk.told = error.code.value
            refused = isinstance(error, Fatal)
            what = "the control plane refused a report" if refused else "a report waits for the control plane"
            level = logging.ERROR if refused else logging.WARNING
            log_fault(log, what, error, level=level, job_id=record.job_id, attempt=record.attempt)
            self._status.fault(error, record.job_id)
        if isinstance(error, Fatal) and record.phase not in ENDED:
            # The same numbers would be refused again; the next ones may not be.
            with self._lock:
                del desk.waiting[:1]

    def _forget(self, record: JobRecord) -> None:
        with self._lock:
            self._forgotten.add((record.job_id, record.attempt))
            self._desks.pop(record.job_id, None)
        if record.spec.type is JobType.ROCKRMS_IMPORT:
            keep_report(self._journal, record)
        self._journal.drop(record.job_id, record.attempt)
        log.info("job %s is reported to its end", record.spec.name, extra={"job_id": record.job_id})

    def _send_lost(self) -> None:
        with self._lock:
            waiting = list(self._lost)
        for job_id, attempt in waiting:
            body = Progress(attempt=attempt, sequence=LOST_SEQUENCE, phase=JobPhase.LOST)
            try:
                self._client.post_progress(job_id, body)
            except Retryable:
                # The next heartbeat's assignments name it again.
                pass
            except MigrateError as error:
                if error.code in FENCED:
                    return
                if error.code not in _NO_LONGER_OURS:
                    log_fault(log, "lost work could not be reported", error, job_id=job_id, attempt=attempt)
            else:
                log.warning("the control plane was told that attempt %s is lost", attempt, extra={"job_id": job_id})
            with self._lock:
                self._lost.discard((job_id, attempt))
