"""The agent's journal: which jobs it holds, and which commands it has done.

One folder: `journal.db` for the agent, `attempts/<job>.<attempt>.db` for each attempt's files and ledger, so that two
jobs never wait for each other's commits and a finished attempt is dropped by removing its file. `imports/<project>.db`
keeps what a project's imports have brought to Mission; it outlives their attempts, which only lose their run in it.
Everything here is on the disk when a method returns. Safe for all threads; one process at a time (the agent's lock sees
to that).
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from migrate_agent.logs import log_fault
from migrate_agent.store.database import open_database, transaction, translated
from migrate_agent.store.import_journal import ImportJournal, drop_run
from migrate_agent.store.import_memory import ImportMemory
from migrate_agent.store.job_journal import JobJournal
from migrate_agent.store.schema import AGENT_SCHEMA, AGENT_SCHEMA_VERSION
from migrate_contract.commands import CommandResult
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.jobs import JobFault, JobPhase, JobSpec, Outcome

log = logging.getLogger(__name__)

_KEPT_COMMANDS = 1000
_SELECT_JOBS = (
    "SELECT job_id, attempt, spec, phase, sequence, approved, confirmed, reported, outcome, fault_code, fault_detail,"
    " accepted_at FROM jobs "
)


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One job attempt that this agent holds."""

    job_id: str
    attempt: int
    spec: JobSpec
    phase: JobPhase
    sequence: int
    """The last progress report's number; the next one is greater, across restarts."""
    approved: bool
    """`hold_after_scan` has been answered."""
    confirmed: bool
    """The control plane answered the start command's result with `proceed`: work may begin."""
    reported: bool
    """The control plane has answered a report of this phase; an ended job that is reported can be dropped."""
    outcome: Outcome | None
    fault: JobFault | None
    accepted_at: datetime


class Journal:
    """The agent's part of the journal, and the way to each attempt's."""

    def __init__(self, directory: Path, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Opens or makes the journal in `directory`. Raises Fatal(journal-unreadable), Retryable(disk-full)."""
        self._directory = directory
        self._attempts = directory / "attempts"
        self._path = directory / "journal.db"
        self._clock = clock
        self._lock = threading.RLock()
        self._open: dict[tuple[str, int], JobJournal] = {}
        self._imports: dict[tuple[str, int], ImportJournal] = {}
        with translated(self._path):
            self._attempts.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._db = open_database(self._path, AGENT_SCHEMA, AGENT_SCHEMA_VERSION)

    def close(self) -> None:
        """Closes every file; open attempts are flushed by their own `close`."""
        with self._lock:
            for journal in self._open.values():
                journal.close()
            for opened in self._imports.values():
                opened.close()
            self._open.clear()
            self._imports.clear()
            self._db.close()

    # Commands

    def handled(self, command_id: str) -> CommandResult | None:
        """Result: what was answered to this command before, None if it is new."""
        with self._lock, translated(self._path):
            row = self._db.execute("SELECT result FROM commands WHERE command_id = ?", (command_id,)).fetchone()
        return CommandResult.model_validate_json(row[0]) if row else None

    def remember(self, command_id: str, result: CommandResult) -> None:
        """Keeps the answer to a command that needs no job row of its own (pause, cancel, approve, drop, refused)."""
        with self._lock, transaction(self._db, self._path):
            self._remember(command_id, result)

    def _remember(self, command_id: str, result: CommandResult) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO commands (command_id, result, handled_at) VALUES (?, ?, ?)",
            (command_id, result.model_dump_json(), self._clock().timestamp()),
        )
        self._db.execute("DELETE FROM commands WHERE rowid <= (SELECT max(rowid) FROM commands) - ?", (_KEPT_COMMANDS,))

    # Jobs

    def accept(self, spec: JobSpec, command_id: str, result: CommandResult) -> JobRecord:
        """Result: the job is the agent's, in phase `queued`; job and answer are written in one transaction.

        The same attempt again (a resume) keeps its files, ledger and sequence and takes the new spec; a newer one
        replaces the older. Raises Fatal(attempt-superseded) for an older one.
        """
        with self._lock:
            known = self.job(spec.job_id)
            if known is not None and known.attempt > spec.attempt:
                raise Fatal(
                    ErrorCode.ATTEMPT_SUPERSEDED, f"attempt {spec.attempt}; this agent is at attempt {known.attempt}"
                )
            with transaction(self._db, self._path):
                if known is not None and known.attempt == spec.attempt:
                    self._db.execute(
                        "UPDATE jobs SET spec = ?, phase = ?, approved = approved OR ?, confirmed = 0, reported = 0,"
                        " outcome = NULL, fault_code = NULL, fault_detail = NULL,"
                        " position = (SELECT max(position) + 1 FROM jobs) WHERE job_id = ?",
                        (spec.model_dump_json(), JobPhase.QUEUED.value, spec.approved, spec.job_id),
                    )
                else:
                    self._db.execute(
                        "INSERT OR REPLACE INTO jobs (job_id, attempt, spec, phase, approved, position, accepted_at)"
                        " VALUES (?, ?, ?, ?, ?, (SELECT coalesce(max(position), 0) + 1 FROM jobs), ?)",
                        (
                            spec.job_id,
                            spec.attempt,
                            spec.model_dump_json(),
                            JobPhase.QUEUED.value,
                            spec.approved,
                            self._clock().timestamp(),
                        ),
                    )
                self._remember(command_id, result)
            if known is not None and known.attempt < spec.attempt:
                self._remove_attempt(known.job_id, known.attempt)
        accepted = self.job(spec.job_id)
        assert accepted is not None
        return accepted

    def failed_paths(self, job_id: str, attempt: int) -> list[str] | None:
        """Result: the files that failed in this attempt, if it is here and has ended with all of them decided."""
        known = self.job(job_id)
        if known is None or known.attempt != attempt or known.phase is not JobPhase.COMPLETED:
            return None
        return self.open_attempt(job_id, attempt).beside.failed_paths()

    def jobs(self) -> list[JobRecord]:
        """Result: every job held, ended ones that are not yet reported included, in the order of acceptance."""
        with self._lock, translated(self._path):
            rows = self._db.execute(_SELECT_JOBS + "ORDER BY position").fetchall()
        return [_job_record(row) for row in rows]

    def job(self, job_id: str) -> JobRecord | None:
        """Result: the attempt of this job that the agent holds, None if it holds none."""
        with self._lock, translated(self._path):
            row = self._db.execute(_SELECT_JOBS + "WHERE job_id = ?", (job_id,)).fetchone()
        return _job_record(row) if row else None

    def confirm(self, job_id: str, attempt: int) -> None:
        """The control plane answered `proceed`: the job may be worked on."""
        self._update(job_id, attempt, "confirmed = 1")

    def approve(self, job_id: str, attempt: int) -> None:
        """An operator approved the attempt after its scan."""
        self._update(job_id, attempt, "approved = 1")

    def set_phase(
        self,
        job_id: str,
        attempt: int,
        phase: JobPhase,
        *,
        outcome: Outcome | None = None,
        fault: JobFault | None = None,
    ) -> None:
        """Where the attempt stands; `reported` is false again until the control plane has answered."""
        self._update(
            job_id,
            attempt,
            "phase = ?, outcome = ?, fault_code = ?, fault_detail = ?, reported = 0",
            phase.value,
            outcome.value if outcome else None,
            fault.code if fault else None,
            fault.detail if fault else None,
        )

    def mark_reported(self, job_id: str, attempt: int, phase: JobPhase) -> None:
        """The control plane has answered a report of `phase`; nothing if the attempt has moved on meanwhile."""
        with self._lock, transaction(self._db, self._path):
            self._db.execute(
                "UPDATE jobs SET reported = 1 WHERE job_id = ? AND attempt = ? AND phase = ?",
                (job_id, attempt, phase.value),
            )

    def next_sequence(self, job_id: str, attempt: int) -> int:
        """Result: the number of the next progress report, greater than every one before. Raises KeyError."""
        with self._lock, transaction(self._db, self._path):
            self._db.execute(
                "UPDATE jobs SET sequence = sequence + 1 WHERE job_id = ? AND attempt = ?", (job_id, attempt)
            )
            row = self._db.execute(
                "SELECT sequence FROM jobs WHERE job_id = ? AND attempt = ?", (job_id, attempt)
            ).fetchone()
        if row is None:
            raise KeyError(f"{job_id} attempt {attempt}")
        return int(row[0])

    def drop(self, job_id: str, attempt: int) -> None:
        """Forgets the attempt with its files and ledger; nothing if the agent does not hold it."""
        with self._lock:
            with transaction(self._db, self._path):
                self._db.execute("DELETE FROM jobs WHERE job_id = ? AND attempt = ?", (job_id, attempt))
            self._remove_attempt(job_id, attempt)

    def open_attempt(self, job_id: str, attempt: int) -> JobJournal:
        """Result: the attempt's files and ledger, made if new; the same object until the attempt is dropped."""
        with self._lock:
            key = (job_id, attempt)
            if key not in self._open or self._open[key].closed:
                self._open[key] = JobJournal(self._attempt_path(job_id, attempt), clock=self._clock)
            return self._open[key]

    def open_import(self, job_id: str, attempt: int) -> ImportJournal:
        """Result: the attempt's run in its project's import journal, made if new; the same object until it is dropped.

        A damaged file is set aside: Mission's answers then say what it holds already, and nothing is doubled.
        """
        with self._lock:
            key = (job_id, attempt)
            if key not in self._imports or self._imports[key].closed:
                path = self._import_path(job_id)
                with translated(path):
                    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                try:
                    opened = ImportJournal(path, job_id, attempt, clock=self._clock)
                except Fatal as damaged:
                    log_fault(log, "the import's journal is set aside", _unreadable(damaged), job_id=job_id)
                    _set_aside(path, self._clock())
                    opened = ImportJournal(path, job_id, attempt, clock=self._clock)
                self._imports[key] = opened
            return self._imports[key]

    def import_memory(self, project_id: str) -> ImportMemory:
        """Result: what the project's import journal remembers of its records, after its jobs too."""
        return ImportMemory(self._directory / "imports" / f"{project_id}.db")

    def workbook(self, job_id: str, attempt: int) -> Path:
        """Result: a file that the verification of this import may write; it goes with the attempt."""
        return self._import_path(job_id).with_name(f"{job_id}.{attempt:06d}.workbook.db")

    @property
    def reports(self) -> Path:
        """Result: the folder in which files of ended imports' reports stay when their attempts are dropped."""
        return self._directory / "reports"

    def _import_path(self, job_id: str) -> Path:
        return self._directory / "imports" / f"prj_{job_id.removeprefix('job_')[:12]}.db"

    def _drop_import(self, job_id: str, attempt: int) -> None:
        opened = self._imports.pop((job_id, attempt), None)
        if opened is not None:
            opened.close()
        path, workbook = self._import_path(job_id), self.workbook(job_id, attempt)
        with translated(workbook):
            for suffix in ("", "-wal", "-shm", "-journal"):
                workbook.with_name(workbook.name + suffix).unlink(missing_ok=True)
        if not path.exists():
            return
        try:
            drop_run(path, job_id, attempt)
        except Fatal as damaged:
            log_fault(log, "the import's journal is set aside", _unreadable(damaged), job_id=job_id)
            _set_aside(path, self._clock())

    def _update(self, job_id: str, attempt: int, assignments: str, *values: object) -> None:
        with self._lock, transaction(self._db, self._path):
            self._db.execute(
                f"UPDATE jobs SET {assignments} WHERE job_id = ? AND attempt = ?",  # noqa: S608 - our own column names
                (*values, job_id, attempt),
            )

    def _attempt_path(self, job_id: str, attempt: int) -> Path:
        return self._attempts / f"{job_id}.{attempt:06d}.db"

    def _remove_attempt(self, job_id: str, attempt: int) -> None:
        opened = self._open.pop((job_id, attempt), None)
        if opened is not None:
            opened.close()
        self._drop_import(job_id, attempt)
        path = self._attempt_path(job_id, attempt)
        with translated(path):
            for suffix in ("", "-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)


def _unreadable(error: Fatal) -> Fatal:
    return Fatal(ErrorCode.IMPORT_JOURNAL_UNREADABLE, error.detail)


def _set_aside(path: Path, now: datetime) -> None:
    """The damaged file is kept for whoever wants to look at it, under a name that is never opened."""
    with translated(path):
        path.replace(path.with_name(f"{path.name}.damaged-{now:%Y%m%d%H%M%S}"))
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


def _job_record(row: sqlite3.Row | tuple[object, ...]) -> JobRecord:
    job_id, attempt, spec, phase, sequence, approved, confirmed, reported, outcome, code, detail, accepted = row
    return JobRecord(
        job_id=str(job_id),
        attempt=int(str(attempt)),
        spec=JobSpec.model_validate_json(str(spec)),
        phase=JobPhase(str(phase)),
        sequence=int(str(sequence)),
        approved=bool(approved),
        confirmed=bool(confirmed),
        reported=bool(reported),
        outcome=Outcome(str(outcome)) if outcome else None,
        fault=JobFault(code=str(code), detail=str(detail or "")) if code else None,
        accepted_at=datetime.fromtimestamp(float(str(accepted)), UTC),
    )
