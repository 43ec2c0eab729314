"""The one place where a job's row changes: by If-Match, with its history, and with what follows from it.

Nouns: a *plan* is a change that is worked out on the job as read, and worked out anew if somebody else was faster.
What follows (mailbox, claims, the dispatch hint) can be lost in a crash; the sweep does it again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog

from functions.domain import rows
from functions.domain.job import ENDED, Job, advance, claimed_place
from functions.domain.job_rows import GRANT_PREFIX, Entry
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, Queues, RowChanged, RowExists, RowMissing, Tables
from functions.services.allowances import sender
from functions.services.claims import Claims
from functions.services.job_store import TABLE, JobStore
from functions.services.mailbox import Mailbox
from functions.services.projects import TABLE as PROJECTS
from migrate_contract.errors import ErrorCode, Fatal, Retryable
from migrate_contract.jobs import JobState

DISPATCH_QUEUE = "dispatch"
_TRIES = 8
_log = structlog.get_logger(__name__)


class Plan:
    """A job on its way to another version, and the history entries of that way."""

    def __init__(self, job: Job, by: str, now: datetime) -> None:
        self.job = job
        self.by = by
        self.now = now
        self.entries: list[Entry] = []

    def move(self, to: JobState, reason: str, **details: Any) -> None:
        """Moves the job; this is the only caller of `advance`, and takes its keyword arguments."""
        before = self.job
        self.job = advance(before, to, now=self.now, **details)
        self._enter("moved", before.state, reason)

    def note(self, event: str, reason: str, job: Job) -> None:
        """Records an event that leaves the state as it is; `job` is the job after it."""
        if job.state is not self.job.state:
            raise ValueError("a change of state is a move")
        self.job = job
        self._enter(event, None, reason)

    def _enter(self, event: str, from_state: JobState | None, reason: str) -> None:
        self.job = replace(self.job, entries=self.job.entries + 1)
        self.entries.append(
            Entry(
                at=self.now,
                by=self.by,
                event=event,
                from_state=from_state,
                to_state=self.job.state,
                attempt=self.job.attempt,
                reason=reason[:2000],
            )
        )


@dataclass(frozen=True, slots=True)
class Change:
    """A job before and after."""

    before: Job
    after: Job


class Moves:
    """Applies plans."""

    def __init__(
        self, tables: Tables, clock: Clock, queues: Queues, jobs: JobStore, mailbox: Mailbox, claims: Claims
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._queues = queues
        self._jobs = jobs
        self._mailbox = mailbox
        self._claims = claims

    def change(self, organization: str, job_id: str, by: str, plan: Callable[[Plan], None]) -> Change:
        """Result: the job before and after the plan. A plan that records nothing writes nothing.

        Raises what the plan raises, Fatal(not-found), Retryable(changed-meanwhile).
        """
        intended: Job | None = None
        for _ in range(_TRIES):
            found = self._jobs.find(organization, job_id)
            if found is None:
                raise Fatal(ErrorCode.NOT_FOUND, "No such job")
            before, etag = found
            if intended is not None and before == intended:
                # Our own write had arrived; only its answer was lost.
                return self._followed_up(Change(before, intended))
            draft = Plan(before, by, self._clock())
            plan(draft)
            if not draft.entries:
                return Change(before, before)
            try:
                self._jobs.replace(draft.job, etag, draft.entries)
            except (RowChanged, RowExists, RowMissing):
                intended = draft.job
                continue
            return self._followed_up(Change(before, draft.job))
        raise Retryable(ErrorCode.CHANGED_MEANWHILE, "The job was changed several times just now.")

    def hint(self, job: Job) -> None:
        """Asks for the job to be dispatched. A hint that cannot be sent is not missed: the sweep sends it again."""
        try:
            self._queues.send(DISPATCH_QUEUE, {"organization": job.organization, "job_id": job.job_id})
        except Retryable as fault:
            _log.warning("dispatch.hint_not_sent", job_id=job.job_id, code=fault.code.value, detail=fault.detail)

    def release_claim(self, job: Job, *, used: bool) -> None:
        """The job writes to its destination no more. `used`: it was given access at least once."""
        if job.account is not None:
            self._claims.release(job, job.account, claimed_place(job, job.settings.destination).container, used=used)

    def _followed_up(self, change: Change) -> Change:
        """Does what follows from the change. Result: the change."""
        before, after = change.before, change.after
        _log.info(
            "job.changed",
            organization=after.organization,
            job_id=after.job_id,
            attempt=after.attempt,
            from_state=before.state.value,
            to_state=after.state.value,
        )
        self._tell_agents(before, after)
        if after.state in ENDED:
            tables = OrganizationTables(self._tables, after.organization)
            grant = tables.get(TABLE, after.project_id, GRANT_PREFIX + after.job_id)
            self.release_claim(after, used=grant is not None)
        if after.started_at is not None and before.started_at is None:
            self._mark_project(after)
        if after.waits_for_agent:
            self.hint(after)
        return change

    def _tell_agents(self, before: Job, after: Job) -> None:
        """Brings the mailboxes of the agent before and the agent after in line."""
        withdrawn = after.state is JobState.CANCELLED and not before.held
        if before.agent_id is not None and (withdrawn or before.agent_id != after.agent_id):
            self._mailbox.drop(before, before.agent_id)
        if not after.waits_for_agent:
            self._mailbox.reconcile(after)
        if sender(before) != sender(after):
            self._mailbox.share_anew(after.organization, after.client_id)

    def _mark_project(self, job: Job) -> None:
        """The project's first job has started."""
        tables = OrganizationTables(self._tables, job.organization)
        project = tables.get(PROJECTS, "", job.project_id)
        if project is not None and rows.moment(project, "started_at") is None:
            try:
                tables.merge(PROJECTS, "", job.project_id, {"started_at": job.started_at}, None)
            except RowMissing:
                return  # The project was deleted this moment: nothing to mark.
