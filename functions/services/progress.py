"""Progress reports: the newest numbers are kept in a row of their own, and the job follows what they say."""

from __future__ import annotations

from typing import Literal

from functions.domain.caller import AgentCaller
from functions.domain.job import ENDED, Job, Mark
from functions.domain.job_rows import PROGRESS_PREFIX
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, RowChanged, RowExists, RowMissing, Tables
from functions.domain.progress_record import ProgressRecord, next_record, record_of
from functions.domain.views import WishKind
from functions.services.attempts import Attempts
from functions.services.following import Following, Report
from functions.services.job_store import TABLE, JobStore
from functions.services.mailbox import Mailbox
from migrate_contract.errors import ErrorCode, Fatal, Retryable
from migrate_contract.jobs import JobPhase, Progress, ProgressAnswer

_TRIES = 5
_WISHES: dict[WishKind, Literal["pause", "cancel"]] = {WishKind.PAUSE: "pause", WishKind.CANCEL: "cancel"}


class ProgressReports:
    """The only writer of `prog|<job id>`."""

    def __init__(
        self, tables: Tables, clock: Clock, jobs: JobStore, attempts: Attempts, following: Following, mailbox: Mailbox
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._jobs = jobs
        self._attempts = attempts
        self._following = following
        self._mailbox = mailbox

    def report(self, caller: AgentCaller, job_id: str, body: Progress) -> ProgressAnswer:
        """Result: whether the numbers were news, the job's state after them, and an operator's pending wish.

        The job follows the newest report that is stored, not this one: so a report whose numbers were written but
        whose move was lost in a crash is made good by its repetition, and an old one moves nothing.
        Raises Fatal(attempt-superseded), Fatal(not-found).
        """
        try:
            job = self._attempts.need(caller, job_id, body.attempt)
            mark = Mark(caller.session_epoch, body.sequence)
            if body.phase is JobPhase.LOST:
                return self._answer(caller, self._following.follow(caller, job_id, Report(body, mark)), applied=True)
            applied, stored = self._store(caller, job, body, mark)
            job = self._following.follow(caller, job_id, Report(stored.report, stored.mark))
        except Fatal as fatal:
            if fatal.code in (ErrorCode.ATTEMPT_SUPERSEDED, ErrorCode.NOT_FOUND):
                self._forget(caller, job_id)
            raise
        return self._answer(caller, job, applied=applied)

    def _store(self, caller: AgentCaller, job: Job, body: Progress, mark: Mark) -> tuple[bool, ProgressRecord]:
        """Result: whether this report is the newest, and the newest."""
        tables = OrganizationTables(self._tables, caller.organization)
        key = PROGRESS_PREFIX + job.job_id
        for _ in range(_TRIES):
            row = tables.get(TABLE, job.project_id, key)
            stored = record_of(row) if row else None
            record = next_record(stored, body, mark, self._clock())
            if record is None:
                assert stored is not None
                return False, self._of_attempt(stored, body.attempt)
            try:
                if row is None:
                    tables.insert(TABLE, job.project_id, key, record.columns())
                else:
                    tables.replace(TABLE, job.project_id, key, record.columns(), row.etag)
            except (RowExists, RowChanged, RowMissing):
                continue
            return True, record
        raise Retryable(ErrorCode.CHANGED_MEANWHILE, "Several reports of this job came at once.")

    def _of_attempt(self, stored: ProgressRecord, attempt: int) -> ProgressRecord:
        """Result: the stored record; raises Fatal(attempt-superseded) if it is of a newer attempt."""
        if stored.report.attempt != attempt:
            raise Fatal(ErrorCode.ATTEMPT_SUPERSEDED, f"Attempt {attempt} is over.")
        return stored

    def _answer(self, caller: AgentCaller, job: Job, *, applied: bool) -> ProgressAnswer:
        if job.state in ENDED:
            self._forget(caller, job.job_id)
        return ProgressAnswer(applied=applied, state=job.state, wish=_WISHES[job.wish.kind] if job.wish else None)

    def _forget(self, caller: AgentCaller, job_id: str) -> None:
        """Clears what the agent's mailbox still says of a job that is no longer its own (as left by a crash)."""
        if any(row.rk.endswith(job_id) or job_id.removeprefix("job_") in row.rk for row in caller.mailbox):
            found = self._jobs.find(caller.organization, job_id)
            if found is not None and found[0].agent_id == caller.agent_id:
                self._mailbox.reconcile(found[0])
            else:
                self._mailbox.clear(caller.organization, caller.agent_id, job_id)
