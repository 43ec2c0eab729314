"""What operators do with jobs once they exist: pause, resume, cancel, rerun, reassign, approve.

A pause or cancel of a job that an agent holds is a wish, kept until the agent has done it. What nobody holds is
paused or cancelled at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from functions.domain import rows
from functions.domain.agent import AGENT_ROW
from functions.domain.caller import OperatorCaller, Role
from functions.domain.job import ENDED, WORKING, Job, Wish, conflict, renewed
from functions.domain.job_rows import PROGRESS_PREFIX
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Row, Tables
from functions.domain.progress_record import record_of
from functions.domain.views import JobReassign, JobView, WishKind
from functions.services.agents import TABLE as AGENTS
from functions.services.agents import need_agent
from functions.services.audit import Audit
from functions.services.destinations import Destinations
from functions.services.job_store import TABLE as JOBS
from functions.services.job_store import JobStore
from functions.services.job_views import JobViews
from functions.services.moves import Change, Moves, Plan
from functions.services.projects import need_open, need_project
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.jobs import JobState, JobType, Outcome
from migrate_contract.sync import SyncSettings


def _anything(job: Job) -> None:
    """No condition."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """A new attempt of an ended job: its name in a refusal, when it is possible, why, and what it changes.

    `change` is given the job before the move and after it; `check` raises where the attempt is not possible.
    """

    what: str
    allowed: str
    reason: str
    change: Callable[[Job, Job], Job]
    check: Callable[[Job], None] = _anything


class Lifecycle:
    """Every action answers with the job as it is then. Repeating one that is done already changes nothing."""

    def __init__(
        self, tables: Tables, jobs: JobStore, moves: Moves, views: JobViews, destinations: Destinations, audit: Audit
    ) -> None:
        self._tables = tables
        self._jobs = jobs
        self._moves = moves
        self._views = views
        self._destinations = destinations
        self._audit = audit

    def pause(self, caller: OperatorCaller, job_id: str) -> JobView:
        """Asks the agent to pause. Raises Fatal(job-state-conflict) where no agent holds the job."""

        def plan(draft: Plan) -> None:
            job = draft.job
            wish = job.wish.kind if job.wish else None
            if job.state is JobState.PAUSED or wish is WishKind.PAUSE:
                return
            if wish is WishKind.CANCEL or not job.held:
                raise conflict(job, "pausing", "held by an agent and no cancel is asked")
            asked = Wish(WishKind.PAUSE, draft.by, draft.now, job.entries + 1)
            draft.note("pause-asked", "An operator asked for a pause", replace(job, wish=asked, unpause=False))

        return self._act(caller, job_id, "job.pause", plan)

    def resume(self, caller: OperatorCaller, job_id: str) -> JobView:
        """Lets a paused job go on (same attempt), or takes a pause back that has not happened yet."""
        self._need_open_project(caller, self._jobs.need(caller, job_id))

        def plan(draft: Plan) -> None:
            job = draft.job
            if job.state is JobState.PAUSED:
                draft.move(JobState.CREATED, "An operator resumed it")
            elif job.wish is not None and job.wish.kind is WishKind.PAUSE:
                kept = replace(job, wish=None, unpause=True)
                draft.note("pause-withdrawn", "An operator took the pause back", kept)
            elif not job.unpause:
                raise conflict(job, "resuming", "paused, or a pause is asked")

        return self._act(caller, job_id, "job.resume", plan)

    def cancel(self, caller: OperatorCaller, job_id: str) -> JobView:
        """Cancels at once what no agent holds; otherwise asks the agent. Raises Fatal(job-state-conflict)."""

        def plan(draft: Plan) -> None:
            job = draft.job
            wish = job.wish.kind if job.wish else None
            if job.state is JobState.CANCELLED or wish is WishKind.CANCEL:
                return
            if job.state in ENDED:
                raise conflict(job, "cancelling", "unfinished")
            if job.held:
                asked = Wish(WishKind.CANCEL, draft.by, draft.now, job.entries + 1)
                draft.note("cancel-asked", "An operator asked to cancel", replace(job, wish=asked, unpause=False))
            else:
                draft.move(JobState.CANCELLED, "An operator cancelled it")

        return self._act(caller, job_id, "job.cancel", plan)

    def rerun(self, caller: OperatorCaller, job_id: str) -> JobView:
        """A new attempt of an ended job; verified files are not sent again.

        Raises Fatal(job-state-conflict), Fatal(project-closed), Fatal(destination-overlap).
        """
        begin = Beginning(
            "rerunning", "failed, completed or cancelled", "An operator reran it", lambda before, after: after
        )
        return self._begin(caller, job_id, "job.rerun", begin)

    def retry_failed(self, caller: OperatorCaller, job_id: str) -> JobView:
        """A new attempt about the files only that failed in the last one.

        Raises Fatal(job-state-conflict) where none failed or the last attempt left files undecided, and what a rerun
        raises.
        """

        def check(job: Job) -> None:
            if job.outcome is not Outcome.COMPLETE_WITH_FAILURES or not self._all_decided(job):
                raise conflict(job, "retrying failed files", "completed, with failed files and none undecided")

        begin = Beginning(
            "retrying failed files",
            "completed with failures",
            "An operator retries the failed files only",
            lambda before, after: replace(after, retried=(*before.retried, before.attempt)),
            check,
        )
        return self._begin(caller, job_id, "job.retry-failed", begin)

    def cutover(self, caller: OperatorCaller, job_id: str) -> JobView:
        """A sync's last run: now, about everything, compared by hash; the schedule is switched off with it.

        Raises Fatal(job-type-conflict), and what a rerun raises.
        """

        def check(job: Job) -> None:
            need_sync(job)

        begin = Beginning(
            "the cutover",
            "failed, completed or cancelled",
            "The cutover: a last run that verifies everything; the schedule is switched off",
            lambda before, after: replace(unscheduled(after), final=True),
            check,
        )
        return self._begin(caller, job_id, "job.cutover", begin)

    def _begin(self, caller: OperatorCaller, job_id: str, action: str, begin: Beginning) -> JobView:
        """Result: the job in a new attempt, which is about all files unless `begin` says otherwise."""
        caller.need(Role.OPERATOR)
        job = self._jobs.need(caller, job_id)
        begin.check(job)
        if job.state not in ENDED:
            raise conflict(job, begin.what, begin.allowed)
        project = self._need_open_project(caller, job)
        account = self._destinations.claim(job, project, job.settings.destination)
        agent_id = living_agent(self._tables, job)

        def plan(draft: Plan) -> None:
            before = draft.job
            begin.check(before)
            if before.state not in ENDED:
                raise conflict(before, begin.what, begin.allowed)
            draft.move(JobState.CREATED, begin.reason)
            everything = replace(
                draft.job,
                account=account,
                agent_id=agent_id,
                retried=(),
                final=False,
                skipped_at=None,
                skipped_because="",
            )
            draft.job = begin.change(before, everything)

        return self._act(caller, job_id, action, plan)

    def reassign(self, caller: OperatorCaller, job_id: str, body: JobReassign) -> JobView:
        """Gives a waiting, paused or unconfirmed job to another agent of the same client, as a new attempt.

        Raises Fatal(agent-of-another-client), Fatal(agent-revoked), Fatal(job-state-conflict).
        """
        caller.need(Role.OPERATOR)
        job = self._jobs.need(caller, job_id)
        name = check_agent(self._tables, caller, body.agent_id, job.client_id)
        unconfirmed = self._views.unconfirmed_since(job) is not None

        def plan(draft: Plan) -> None:
            now_job = draft.job
            reason = f"An operator gave it to agent {name}"
            if now_job.state in WORKING:
                if not unconfirmed or now_job.attempt != job.attempt:
                    raise conflict(now_job, "reassigning", "waiting, paused or unconfirmed")
                draft.move(JobState.CREATED, reason)
                draft.job = replace(draft.job, agent_id=body.agent_id)
            elif now_job.state in (JobState.CREATED, JobState.PAUSED):
                fresh = now_job if now_job.agent_id is None else renewed(now_job, draft.now)
                draft.note("reassigned", reason, replace(fresh, agent_id=body.agent_id))
            else:
                raise conflict(now_job, "reassigning", "waiting, paused or unconfirmed")

        return self._act(caller, job_id, "job.reassign", plan)

    def approve(self, caller: OperatorCaller, job_id: str) -> JobView:
        """Lets a job go on that was held after its scan. Raises Fatal(job-state-conflict)."""

        def plan(draft: Plan) -> None:
            job = draft.job
            if job.approved_at is not None and job.state is not JobState.PAUSED:
                return
            if job.state is not JobState.READY:
                raise conflict(job, "approving", "ready")
            approved = replace(job, approved_at=draft.now, approval=job.entries + 1)
            draft.note("approved", "An operator approved it", approved)

        return self._act(caller, job_id, "job.approve", plan)

    def _act(self, caller: OperatorCaller, job_id: str, action: str, plan: Callable[[Plan], None]) -> JobView:
        """Result: the job after the plan; the action is in the audit if it changed anything."""
        caller.need(Role.OPERATOR)
        job = self._jobs.need(caller, job_id)
        change = self._moves.change(caller.organization, job.job_id, caller.label, plan)
        if change.after is not change.before:
            self._record(caller, change, action)
        return self._views.view(caller, change.after)

    def _record(self, caller: OperatorCaller, change: Change, action: str) -> None:
        job = change.after
        detail = f"{job.settings.name}, attempt {job.attempt}: {change.before.state.value} -> {job.state.value}"
        self._audit.record(
            caller.organization, caller.label, action, job.job_id, client_id=job.client_id, detail=detail
        )

    def _need_open_project(self, caller: OperatorCaller, job: Job) -> Row:
        project = need_project(self._tables, caller, job.project_id)
        need_open(project)
        return project

    def _all_decided(self, job: Job) -> bool:
        """Result: whether the attempt's last report has failed files and none that nothing was decided about."""
        tables = OrganizationTables(self._tables, job.organization)
        row = tables.get(JOBS, job.project_id, PROGRESS_PREFIX + job.job_id)
        report = record_of(row).report if row else None
        if report is None or report.attempt != job.attempt:
            return False
        return bool(report.files.failed) and not report.files.pending


def living_agent(tables: Tables, job: Job) -> str | None:
    """Result: the job's agent, unless it is gone or revoked."""
    if job.agent_id is None:
        return None
    agent = OrganizationTables(tables, job.organization).get(AGENTS, job.agent_id, AGENT_ROW)
    return job.agent_id if agent is not None and rows.moment(agent, "revoked_at") is None else None


def need_sync(job: Job) -> None:
    """Raises Fatal(job-type-conflict) for any other type of job."""
    if job.settings.type is not JobType.SYNC:
        raise Fatal(ErrorCode.JOB_TYPE_CONFLICT, f"The job is of type {job.settings.type.value}.")


def unscheduled(job: Job) -> Job:
    """Result: the job without a schedule; its mirror stays as it is."""
    sync = job.settings.sync
    kept = SyncSettings(mirror=sync.mirror) if sync and sync.mirror else None
    return replace(job, settings=job.settings.model_copy(update={"sync": kept}), due_at=None)


def check_agent(tables: Tables, caller: OperatorCaller, agent_id: str, client_id: str) -> str:
    """Result: the agent's name, if it may take a job of this client.

    Raises Fatal(not-found), Fatal(agent-of-another-client), Fatal(agent-revoked).
    """
    agent = need_agent(tables, caller, agent_id)
    name = rows.text(agent, "name")
    if rows.text(agent, "client_id") != client_id:
        raise Fatal(ErrorCode.AGENT_OF_ANOTHER_CLIENT, f"Agent {name} belongs to another client than the job.")
    if rows.moment(agent, "revoked_at") is not None:
        raise Fatal(ErrorCode.AGENT_REVOKED, f"Agent {name} was revoked.")
    return name
