"""Jobs as things that operators make, look at and remove. What moves them is in lifecycle."""

from __future__ import annotations

from dataclasses import replace

from functions.domain import rows
from functions.domain.caller import OperatorCaller, Role
from functions.domain.ids import need_id, new_job_id
from functions.domain.import_settings import ImportBody
from functions.domain.job import UNFINISHED, WORKING, Job, JobSettings
from functions.domain.job_rows import (
    GRANT_PREFIX,
    HISTORY_PREFIX,
    Entry,
    entry_of,
    job_of,
)
from functions.domain.job_rows import JOB_PREFIX as JOB_ROWS
from functions.domain.keys import Continuations
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, RowChanged, RowMissing, Tables, Tokens, Value
from functions.domain.views import HistoryView, JobCreate, JobDuplicate, JobEdit, JobView, ListQuery, Page
from functions.services.account_sharing import AccountSharing
from functions.services.alerts import Alerts
from functions.services.audit import Audit
from functions.services.destinations import Destinations
from functions.services.import_store import ImportStore
from functions.services.job_store import TABLE, JobStore
from functions.services.job_views import JobViews, is_editable
from functions.services.ledger_store import LedgerStore
from functions.services.lifecycle import check_agent
from functions.services.mailbox import Mailbox
from functions.services.moves import Moves, Plan
from functions.services.projects import TABLE as PROJECTS
from functions.services.projects import need_open, need_project
from functions.services.syncs import Schedules, unconfirmed
from migrate_contract.errors import ErrorCode, Fatal, Retryable
from migrate_contract.jobs import JobState
from migrate_contract.rockrms import MissionDestination, RockRmsSource


class Jobs:
    """Creates, lists, shows, edits, duplicates, deletes."""

    def __init__(
        self,
        tables: Tables,
        clock: Clock,
        tokens: Tokens,
        jobs: JobStore,
        moves: Moves,
        mailbox: Mailbox,
        views: JobViews,
        sharing: AccountSharing,
        destinations: Destinations,
        schedules: Schedules,
        ledgers: LedgerStore,
        imports: ImportStore,
        alerts: Alerts,
        audit: Audit,
        continuations: Continuations,
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._tokens = tokens
        self._jobs = jobs
        self._moves = moves
        self._mailbox = mailbox
        self._views = views
        self._sharing = sharing
        self._destinations = destinations
        self._schedules = schedules
        self._ledgers = ledgers
        self._imports = imports
        self._alerts = alerts
        self._audit = audit
        self._continuations = continuations

    def list(
        self,
        caller: OperatorCaller,
        query: ListQuery,
        project_id: str | None = None,
        state: JobState | None = None,
        agent_id: str | None = None,
    ) -> Page[JobView]:
        """Result: the jobs that this member may see and that fit; of one project, state, agent if given."""
        scope = f"jobs|{caller.organization}|{caller.object_id}|{project_id}|{state}|{agent_id}"
        where: dict[str, Value | tuple[Value, ...]] = {}
        if caller.client_ids:
            where["client_id"] = tuple(sorted(caller.client_ids))
        if state is not None:
            where["state"] = state.value
        if agent_id is not None:
            where["agent_id"] = need_id("agent", agent_id)
        if project_id is not None:
            need_project(self._tables, caller, project_id)
        page = OrganizationTables(self._tables, caller.organization).page(
            TABLE,
            project_id,
            rk_prefix=JOB_ROWS,
            where=where,
            limit=query.limit,
            continuation=self._continuations.open(query.continuation, scope),
        )
        return Page(
            items=self._views.views(caller, [job_of(row) for row in page.rows]),
            continuation=self._continuations.seal(page.continuation, scope),
        )

    def show(self, caller: OperatorCaller, job_id: str) -> JobView:
        """Result: the job, and where it waits for a busy account who else uses that. Raises Fatal(not-found)."""
        job = self._jobs.need(caller, job_id)
        view = self._views.view(caller, job)
        shared = self._sharing.of(caller, job, view)
        return view if shared is None else view.model_copy(update={"shared_account": shared})

    def history(self, caller: OperatorCaller, job_id: str, query: ListQuery) -> Page[HistoryView]:
        """Result: what happened to the job, newest first."""
        job = self._jobs.need(caller, job_id)
        scope = f"history|{caller.organization}|{job_id}"
        page = OrganizationTables(self._tables, caller.organization).page(
            TABLE,
            job.project_id,
            rk_prefix=f"{HISTORY_PREFIX}{job_id}|",
            limit=query.limit,
            continuation=self._continuations.open(query.continuation, scope),
        )
        return Page(
            items=[entry_of(row) for row in page.rows],
            continuation=self._continuations.seal(page.continuation, scope),
        )

    def create(self, caller: OperatorCaller, body: JobCreate) -> JobView:
        """Result: the new job, about to be dispatched.

        Raises Fatal(not-found), Fatal(project-closed), Fatal(agent-of-another-client), Fatal(destination-overlap),
        Fatal(container-of-another-client), Fatal(schedule-invalid).
        """
        values = {name: getattr(body, name) for name in JobSettings.model_fields}
        if body.rockrms is not None:
            values |= import_parts(body.project_id, body.rockrms)
        return self._create(caller, body.project_id, JobSettings(**values), body.agent_id, "Created")

    def duplicate(self, caller: OperatorCaller, job_id: str, body: JobDuplicate) -> JobView:
        """Result: a new job like this one. While this one is unfinished it needs another destination."""
        job = self._jobs.need(caller, job_id)
        _need_fitting(job, body.destination, None)
        settings = job.settings.model_copy(
            update={
                "name": body.name or _copy_name(job.settings.name),
                "destination": body.destination or job.settings.destination,
            }
        )
        return self._create(caller, job.project_id, settings, body.agent_id or job.agent_id, f"Copy of {job_id}")

    def edit(self, caller: OperatorCaller, job_id: str, body: JobEdit) -> JobView:
        """Result: the job as edited; a start command that is on its way is withdrawn and sent anew.

        Raises Fatal(job-started) once an agent has begun, Fatal(destination-overlap).
        """
        caller.need(Role.OPERATOR)
        job = self._jobs.need(caller, job_id)
        changes = {name: value for name in JobEdit.model_fields if (value := getattr(body, name)) is not None}
        if not changes:
            return self._views.view(caller, job)
        _need_fitting(job, body.destination or body.source or body.filters or body.hold_after_scan, body.rockrms)
        if body.rockrms is not None:
            decided = job.settings.rockrms.gone if job.settings.rockrms else []
            changes["rockrms"] = body.rockrms.settings().model_copy(update={"gone": decided})
        project = need_project(self._tables, caller, job.project_id)
        destination = body.destination or job.settings.destination
        _need_editable(job)
        self._schedules.settled(job.settings.model_copy(update=changes), project)
        account = self._destinations.claim(job, project, destination) if body.destination else job.account

        def plan(draft: Plan) -> None:
            _need_editable(draft.job)
            edited = replace(
                draft.job,
                settings=draft.job.settings.model_copy(update=changes),
                account=account if body.destination else draft.job.account,
                dispatch=draft.job.dispatch + 1,
                state_at=draft.now,
            )
            if _UNDER_THE_MIRROR & set(changes):
                edited = unconfirmed(edited)
            draft.note("edited", "Changed: " + ", ".join(sorted(changes)), edited)

        try:
            change = self._moves.change(caller.organization, job_id, caller.label, plan)
        except Fatal:
            found = self._jobs.find(caller.organization, job_id)
            if body.destination and found is not None:
                self._destinations.withdraw(found[0], account, destination)
            raise
        self._destinations.settle(change.after, job)
        self._record(caller, change.after, "job.edit", ", ".join(sorted(changes)))
        return self._views.view(caller, change.after)

    def delete(self, caller: OperatorCaller, job_id: str) -> None:
        """Removes the job, its history, progress, claim and ledgers. Raises Fatal(job-working)."""
        caller.need(Role.OPERATOR)
        job = self._jobs.need(caller, job_id)
        self._ledgers.delete_all(job.organization, job_id)
        self._imports.delete_all(job.organization, job_id)
        found = self._jobs.find(job.organization, job_id)
        if found is None:
            raise Fatal(ErrorCode.NOT_FOUND, "No such job, or not yours")
        job, etag = found
        if job.state in WORKING:
            raise Fatal(ErrorCode.JOB_WORKING, f"The job is {job.state.value}.")
        try:
            removed = self._jobs.remove(job, etag)
        except (RowChanged, RowMissing) as changed:
            raise Retryable(ErrorCode.CHANGED_MEANWHILE, "The job was changed just now.") from changed
        if job.agent_id is not None and job.state in UNFINISHED:
            self._mailbox.drop(job, job.agent_id)
        self._moves.release_claim(job, used=GRANT_PREFIX + job_id in removed)
        self._ledgers.delete_all(job.organization, job_id)
        self._imports.delete_all(job.organization, job_id)
        self._alerts.forget(job.organization, job_id)
        self._record(caller, job, "job.delete", job.settings.name)

    def _create(
        self,
        caller: OperatorCaller,
        project_id: str,
        settings: JobSettings,
        agent_id: str | None,
        reason: str,
    ) -> JobView:
        """Result: the new job. The project is touched after the job is written: see `_touch`."""
        caller.need(Role.OPERATOR)
        project = need_project(self._tables, caller, project_id)
        need_open(project)
        settings, due_at = self._schedules.settled(settings, project)
        client_id = rows.text(project, "client_id")
        if agent_id is not None:
            check_agent(self._tables, caller, agent_id, client_id)
        now = self._clock()
        job = Job(
            organization=caller.organization,
            client_id=client_id,
            project_id=project_id,
            job_id=new_job_id(project_id, self._tokens),
            settings=settings,
            created_at=now,
            created_by=caller.label,
            state_at=now,
            agent_id=agent_id,
            entries=1,
            due_at=due_at,
        )
        entry = Entry(now, caller.label, "created", None, JobState.CREATED, 1, reason)
        # Claimed before, so that an overlap is refused before anything is written; and after, because others may drop
        # the claim of a job that does not exist yet. Of two that overlap, the second sees the first then.
        account = self._destinations.claim(job, project, settings.destination)
        job = replace(job, account=account)
        self._jobs.insert(job, entry)
        try:
            self._destinations.claim(job, project, settings.destination)
            self._touch(job)
        except Fatal:
            self._remove_unborn(job)
            raise
        self._moves.hint(job)
        self._record(caller, job, "job.create", settings.name)
        return self._views.view(caller, job)

    def _touch(self, job: Job) -> None:
        """Changes the project's row, so that a deletion that began before the job was written cannot go through."""
        tables = OrganizationTables(self._tables, job.organization)
        try:
            tables.merge(PROJECTS, "", job.project_id, {"touched_at": self._clock()}, None)
        except RowMissing as missing:
            raise Fatal(ErrorCode.NOT_FOUND, "The project was deleted meanwhile") from missing

    def _remove_unborn(self, job: Job) -> None:
        """Takes a job back that could not be created."""
        found = self._jobs.find(job.organization, job.job_id)
        if found is not None:
            self._jobs.remove(job, found[1])
        self._destinations.withdraw(replace(job, account=None), job.account, job.settings.destination)

    def _record(self, caller: OperatorCaller, job: Job, action: str, detail: str) -> None:
        self._audit.record(
            caller.organization, caller.label, action, job.job_id, client_id=job.client_id, detail=detail
        )


_UNDER_THE_MIRROR = frozenset({"source", "destination", "filters"})
"""What a confirmed mirror was confirmed for: other folders or other files are another list."""


def _need_editable(job: Job) -> None:
    """Raises Fatal(job-started)."""
    if not is_editable(job):
        raise Fatal(ErrorCode.JOB_STARTED, f"The job is {job.state.value}, attempt {job.attempt}, and has been taken.")


def import_parts(project_id: str, body: ImportBody) -> dict[str, object]:
    """Result: the settings of an import that its body says, and those that follow from its project."""
    return {
        "source": RockRmsSource(project_id=project_id),
        "destination": MissionDestination(),
        "rockrms": body.settings(),
    }


def _need_fitting(job: Job, of_files: object, of_imports: object) -> None:
    """Raises Fatal(job-type-conflict) where something is changed that this type of job does not have."""
    unfitting = of_files if job.settings.is_import else of_imports
    if unfitting:
        raise Fatal(ErrorCode.JOB_TYPE_CONFLICT, f"The job is of type {job.settings.type.value}.")


def _copy_name(name: str) -> str:
    """Result: the name of a copy, within the limit of names."""
    suffix = " (copy)"
    return name[: 120 - len(suffix)] + suffix
