"""Begins the runs that are due. A run is a new attempt of an ended job; one that finds the last at work is skipped.

Any number of these may run at once: whether a run is due is decided on the job's row, in the same write that moves
the time of the next one. Runs that were missed (the control plane was away) are one run, not many.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from functions.domain.job import ENDED, Job
from functions.domain.job_rows import JOB_PREFIX, job_of
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, Row, Tables
from functions.domain.recurrence import next_run
from functions.services.destinations import Destinations
from functions.services.guarded import Guarded
from functions.services.job_store import TABLE
from functions.services.lifecycle import living_agent
from functions.services.moves import Moves, Plan
from functions.services.projects import TABLE as PROJECTS
from functions.services.projects import need_open, zone_of
from functions.services.sign_in_ends import need_sign_in
from migrate_contract.errors import Fatal
from migrate_contract.jobs import JobState

_BY = "schedule"
_PAGE = 1000


@dataclass(slots=True)
class DueRuns:
    """How many runs were begun and passed over."""

    begun: int = 0
    skipped: int = 0


class ScheduledRuns:
    """Called by the sweep."""

    def __init__(self, tables: Tables, clock: Clock, moves: Moves, destinations: Destinations) -> None:
        self._tables = tables
        self._clock = clock
        self._moves = moves
        self._destinations = destinations

    def run(self, guarded: Guarded) -> DueRuns:
        """Result: what was begun and skipped; what fails for one job is kept in `guarded`."""
        result = DueRuns()
        now = self._clock()
        for job in self._scheduled():
            if job.due_at is not None and job.due_at <= now:
                with guarded.part(f"schedule of job {job.job_id}"):
                    self._look_at(job, result)
        return result

    def _scheduled(self) -> Iterator[Job]:
        """Result: every job with a schedule, of every organization."""
        continuation: str | None = None
        while True:
            page = self._tables.page(
                TABLE, rk_prefix=JOB_PREFIX, where={"scheduled": True}, limit=_PAGE, continuation=continuation
            )
            yield from map(job_of, page.rows)
            continuation = page.continuation
            if continuation is None:
                return

    def _look_at(self, job: Job, result: DueRuns) -> None:
        """Begins the job's run, or says why not."""
        project = OrganizationTables(self._tables, job.organization).get(PROJECTS, "", job.project_id)
        if project is None:
            return  # Deleted this moment, and its jobs with it.
        refusal, account = self._prepared(job, project)
        agent_id = living_agent(self._tables, job)

        def plan(draft: Plan) -> None:
            before = draft.job
            due_at, cron = before.due_at, before.schedule
            if due_at is None or cron is None or due_at > draft.now:
                return  # Another sweep was faster, or the schedule was changed.
            following = next_run(cron, zone_of(project), draft.now)
            reason = refusal
            if before.state not in ENDED:
                reason = f"attempt {before.attempt} is still {before.state.value}"
            if reason is not None:
                said = f"The run of {due_at:%Y-%m-%d %H:%M} UTC was skipped: {reason}"
                skipped = replace(before, due_at=following, skipped_at=draft.now, skipped_because=said)
                draft.note("run-skipped", said, skipped)
                return
            draft.move(JobState.CREATED, f"The schedule began the run of {due_at:%Y-%m-%d %H:%M} UTC")
            draft.job = replace(
                draft.job,
                account=account,
                agent_id=agent_id,
                retried=(),
                final=False,
                due_at=following,
                skipped_at=None,
                skipped_because="",
            )

        change = self._moves.change(job.organization, job.job_id, _BY, plan)
        if change.after.attempt > change.before.attempt:
            result.begun += 1
        elif change.after is not change.before:
            result.skipped += 1

    def _prepared(self, job: Job, project: Row) -> tuple[str | None, str | None]:
        """Result: why the run cannot begin (None: it can), and the account of its destination, claimed for it."""
        if job.state not in ENDED:
            return None, job.account
        try:
            need_open(project)
            need_sign_in(project)
            return None, self._destinations.claim(job, project, job.settings.destination)
        except Fatal as fatal:
            return f"{fatal.title.lower()}: {fatal.detail}", job.account
