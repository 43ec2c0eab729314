"""What operators say about bandwidth: a project's schedule, a client's site limit, a job's own limit while it runs.

What is said here is in the mailboxes of the agents when the call returns, so that each agent hears of it with its
next heartbeat; what is lost on the way there, the sweep puts right.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from functions.domain import rows
from functions.domain.caller import OperatorCaller, Role
from functions.domain.job import UNFINISHED, Job
from functions.domain.job_rows import JOB_PREFIX, job_of
from functions.domain.organization import OrganizationTables
from functions.domain.ports import RowMissing, Tables, Value
from functions.domain.views import BandwidthLimitBody, BandwidthScheduleBody, ClientView, JobView, ProjectView
from functions.services.allowances import Allowances
from functions.services.audit import Audit
from functions.services.clients import TABLE as CLIENTS
from functions.services.clients import Clients, need_client
from functions.services.job_store import TABLE, JobStore
from functions.services.job_views import JobViews
from functions.services.mailbox import Mailbox
from functions.services.moves import Moves, Plan
from functions.services.projects import TABLE as PROJECTS
from functions.services.projects import Projects, need_project
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.schedule import BandwidthSchedule, mbps_in_words

_NO_LIMIT = 0.0
"""A column cannot be emptied by a merge: this says that there is no site limit."""


class Bandwidth:
    """Writes the column `schedule` of a project and `site_limit_mbps` of a client."""

    def __init__(
        self,
        tables: Tables,
        jobs: JobStore,
        moves: Moves,
        mailbox: Mailbox,
        allowances: Allowances,
        views: JobViews,
        projects: Projects,
        clients: Clients,
        audit: Audit,
    ) -> None:
        self._tables = tables
        self._jobs = jobs
        self._moves = moves
        self._mailbox = mailbox
        self._allowances = allowances
        self._views = views
        self._projects = projects
        self._clients = clients
        self._audit = audit

    def schedule_project(self, caller: OperatorCaller, project_id: str, body: BandwidthScheduleBody) -> ProjectView:
        """Result: the project with its new schedule, which its running jobs obey within one heartbeat."""
        detail = f"{len(body.windows)} weekly windows, {len(body.exceptions)} dates, {body.zone}"
        schedule = BandwidthSchedule.model_validate(dict(body))
        return self._schedule(caller, project_id, schedule.model_dump_json(), "project.schedule", detail)

    def clear_schedule(self, caller: OperatorCaller, project_id: str) -> ProjectView:
        """Result: the project without a schedule."""
        return self._schedule(caller, project_id, "", "project.schedule-clear", "")

    def limit_site(self, caller: OperatorCaller, client_id: str, body: BandwidthLimitBody) -> ClientView:
        """Result: the client; its agents share the limit equally, each within one heartbeat."""
        caller.need(Role.OPERATOR)
        need_client(self._tables, caller, client_id)
        # Both the jobs that had a share and those that get one hear of it.
        before = self._allowances.sharing(caller.organization, client_id)
        self._merge(caller, CLIENTS, client_id, {"site_limit_mbps": body.limit_mbps or _NO_LIMIT})
        self._record(caller, "client.bandwidth-limit", client_id, client_id, mbps_in_words(body.limit_mbps))
        self._tell(self._allowances.sharing(caller.organization, client_id) or before)
        return self._clients.show(caller, client_id)

    def limit_job(self, caller: OperatorCaller, job_id: str, body: BandwidthLimitBody) -> JobView:
        """Result: the job with its new limit, in whatever state it is; its agent hears of it."""
        caller.need(Role.OPERATOR)
        job = self._jobs.need(caller, job_id)
        words = mbps_in_words(body.limit_mbps)

        def plan(draft: Plan) -> None:
            settings = draft.job.settings
            transfer = settings.transfer.model_copy(update={"bandwidth_limit_mbps": body.limit_mbps})
            if transfer != settings.transfer:
                changed = replace(draft.job, settings=settings.model_copy(update={"transfer": transfer}))
                draft.note("limit-changed", f"Bandwidth limit of the job: {words}", changed)

        change = self._moves.change(caller.organization, job_id, caller.label, plan)
        if change.after is not change.before:
            self._record(caller, "job.bandwidth-limit", job_id, job.client_id, words)
        return self._views.view(caller, change.after)

    def _schedule(self, caller: OperatorCaller, project_id: str, content: str, action: str, detail: str) -> ProjectView:
        caller.need(Role.OPERATOR)
        project = need_project(self._tables, caller, project_id)
        self._merge(caller, PROJECTS, project_id, rows.long_text("schedule", content))
        self._record(caller, action, project_id, rows.text(project, "client_id"), detail)
        tables = OrganizationTables(self._tables, caller.organization)
        self._tell(job_of(row) for row in tables.partition(TABLE, project_id, prefix=JOB_PREFIX))
        return self._projects.show(caller, project_id)

    def _tell(self, jobs: Iterable[Job]) -> None:
        """Brings the agents' mailboxes in line. A job that waits for its agent is dispatched with its limits."""
        for job in jobs:
            if job.waits_for_agent:
                self._moves.hint(job)
            elif job.state in UNFINISHED:
                self._mailbox.reconcile(job)

    def _merge(self, caller: OperatorCaller, table: str, key: str, columns: dict[str, Value]) -> None:
        try:
            OrganizationTables(self._tables, caller.organization).merge(table, "", key, columns, None)
        except RowMissing as missing:
            raise Fatal(ErrorCode.NOT_FOUND, "It was deleted meanwhile.") from missing

    def _record(self, caller: OperatorCaller, action: str, subject: str, client_id: str, detail: str) -> None:
        self._audit.record(caller.organization, caller.label, action, subject, client_id=client_id, detail=detail)
