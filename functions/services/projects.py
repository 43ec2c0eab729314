"""Projects: one engagement of a client each. Operators close and reopen them; the rest of the status is computed."""

from __future__ import annotations

from functions.domain import rows
from functions.domain.caller import OperatorCaller, Role
from functions.domain.expiry import end_of
from functions.domain.ids import need_id, new_project_id
from functions.domain.job import WORKING
from functions.domain.job_rows import JOB_PREFIX
from functions.domain.keys import Continuations
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, Row, RowChanged, RowMissing, Tables, Tokens, Value
from functions.domain.views import (
    AzureConnectionView,
    ListQuery,
    MissionConnectionView,
    Page,
    ProjectCreate,
    ProjectPatch,
    ProjectStatus,
    ProjectType,
    ProjectView,
    SignInEndView,
)
from functions.services.audit import Audit
from functions.services.clients import TABLE as CLIENTS
from functions.services.clients import need_client, touch_client
from functions.services.link_purge import forget_links
from functions.services.mail_purge import forget_mail
from functions.services.rockrms_purge import forget_rockrms
from functions.services.token_store import destroy_sign_ins
from migrate_contract.errors import ErrorCode, Fatal, Retryable
from migrate_contract.schedule import BandwidthSchedule

TABLE = "projects"
_CLOSED = frozenset({"completed", "cancelled"})


class Projects:
    """Writes a project's columns but those of other concerns.

    Those are `connection` (connections), `mission` (missions), `sign_in_ended...` (sign_in_ends), `schedule`
    (bandwidth), and two of jobs: `started_at` and `touched_at`.
    """

    def __init__(
        self, tables: Tables, clock: Clock, tokens: Tokens, audit: Audit, continuations: Continuations
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._tokens = tokens
        self._audit = audit
        self._continuations = continuations

    def list(self, caller: OperatorCaller, query: ListQuery, client_id: str | None = None) -> Page[ProjectView]:
        """Result: the projects that this member may see, of one client if given."""
        tables = OrganizationTables(self._tables, caller.organization)
        scope = f"projects|{caller.organization}|{caller.object_id}|{client_id}"
        where: dict[str, Value | tuple[Value, ...]] = {}
        if client_id is not None:
            caller.see(need_id("client", client_id))
            where["client_id"] = client_id
        elif caller.client_ids:
            where["client_id"] = tuple(sorted(caller.client_ids))
        page = tables.page(
            TABLE, "", where=where, limit=query.limit, continuation=self._continuations.open(query.continuation, scope)
        )
        names = {row.rk: rows.text(row, "name") for row in _clients_of(tables, page.rows)}
        return Page(
            items=[project_view(row, names.get(rows.text(row, "client_id"), "")) for row in page.rows],
            continuation=self._continuations.seal(page.continuation, scope),
        )

    def create(self, caller: OperatorCaller, body: ProjectCreate) -> ProjectView:
        """Result: the new project. Raises Fatal(not-found) for an unknown client."""
        caller.need(Role.OPERATOR)
        need_client(self._tables, caller, body.client_id)
        tables = OrganizationTables(self._tables, caller.organization)
        project_id = new_project_id(self._tokens)
        tables.insert(
            TABLE,
            "",
            project_id,
            {
                "client_id": body.client_id,
                "name": body.name,
                "description": body.description,
                "type": body.type.value,
                "time_zone": body.time_zone,
                "closed": "",
                "created_at": self._clock(),
                "created_by": caller.label,
            },
        )
        try:
            touch_client(tables, body.client_id, self._clock)
        except Fatal:
            tables.delete(TABLE, "", project_id)
            raise
        self._audit.record(
            caller.organization,
            caller.label,
            "project.create",
            project_id,
            client_id=body.client_id,
            detail=body.name,
        )
        return self.show(caller, project_id)

    def show(self, caller: OperatorCaller, project_id: str) -> ProjectView:
        """Result: the project. Raises Fatal(not-found)."""
        row = need_project(self._tables, caller, project_id)
        client = OrganizationTables(self._tables, caller.organization).get(CLIENTS, "", rows.text(row, "client_id"))
        return project_view(row, rows.text(client, "name") if client else "")

    def change(self, caller: OperatorCaller, project_id: str, body: ProjectPatch) -> ProjectView:
        """Result: the project as changed. Raises Fatal(job-working) when it is closed while a job works."""
        caller.need(Role.OPERATOR)
        row = need_project(self._tables, caller, project_id)
        columns: dict[str, Value] = {
            "name": body.name,
            "description": body.description,
            "time_zone": body.time_zone,
        }
        if body.status is not None:
            if body.status in _CLOSED:
                self._refuse_while_working(caller.organization, project_id)
            columns["closed"] = body.status if body.status in _CLOSED else ""
        columns = {name: value for name, value in columns.items() if value is not None}
        if columns:
            try:
                OrganizationTables(self._tables, caller.organization).merge(TABLE, "", project_id, columns, None)
            except RowMissing as missing:
                raise Fatal(ErrorCode.NOT_FOUND, "No such project") from missing
            self._audit.record(
                caller.organization,
                caller.label,
                "project.change",
                project_id,
                client_id=rows.text(row, "client_id"),
                detail=", ".join(sorted(columns)),
            )
        return self.show(caller, project_id)

    def delete(self, caller: OperatorCaller, project_id: str) -> None:
        """Removes the project. Raises Fatal(project-not-empty)."""
        caller.need(Role.OPERATOR)
        row = need_project(self._tables, caller, project_id)
        tables = OrganizationTables(self._tables, caller.organization)
        jobs = tables.partition("jobs", project_id, prefix=JOB_PREFIX)
        if jobs:
            raise Fatal(ErrorCode.PROJECT_NOT_EMPTY, f"Jobs in it: {len(jobs)}.")
        try:
            tables.delete(TABLE, "", project_id, row.etag)
        except RowChanged as changed:
            raise Retryable(ErrorCode.CHANGED_MEANWHILE, "The project was changed just now.") from changed
        forget_mail(self._tables, caller.organization, project_id)
        forget_links(self._tables, caller.organization, project_id)
        destroy_sign_ins(self._tables, caller.organization, project_id)
        forget_rockrms(self._tables, caller.organization, project_id)
        self._audit.record(
            caller.organization,
            caller.label,
            "project.delete",
            project_id,
            client_id=rows.text(row, "client_id"),
            detail=rows.text(row, "name"),
        )

    def _refuse_while_working(self, organization: str, project_id: str) -> None:
        """Raises Fatal(job-working)."""
        tables = OrganizationTables(self._tables, organization)
        working = {state.value for state in WORKING}
        jobs = [
            row for row in tables.partition("jobs", project_id, prefix=JOB_PREFIX) if rows.text(row, "state") in working
        ]
        if jobs:
            raise Fatal(ErrorCode.JOB_WORKING, f"{len(jobs)} jobs of the project are at work: {jobs[0].rk[4:]}")


def need_project(tables: Tables, caller: OperatorCaller, project_id: str) -> Row:
    """Result: the project's row. Raises Fatal(not-found), also for a client that this member may not see."""
    row = OrganizationTables(tables, caller.organization).get(TABLE, "", need_id("project", project_id))
    if row is None or not caller.may_see(rows.text(row, "client_id")):
        raise Fatal(ErrorCode.NOT_FOUND, "No such project, or not yours")
    return row


def is_closed(project: Row) -> bool:
    """Result: whether an operator has closed the project."""
    return rows.text(project, "closed") in _CLOSED


def need_open(project: Row) -> None:
    """Raises Fatal(project-closed) for a project that an operator closed."""
    closed = rows.text(project, "closed")
    if is_closed(project):
        raise Fatal(ErrorCode.PROJECT_CLOSED, f"Project {rows.text(project, 'name')} is {closed}.")


def zone_of(project: Row) -> str:
    """Result: the IANA name of the clock that the project's syncs go by."""
    schedule = schedule_of(project)
    return rows.text(project, "time_zone") or (schedule.zone if schedule else "UTC")


def connection_view(project: Row) -> AzureConnectionView | None:
    """Result: how the project reaches Azure Storage; None if it does not."""
    content = rows.text(project, "connection")
    return AzureConnectionView.model_validate_json(content) if content else None


def mission_view(project: Row) -> MissionConnectionView | None:
    """Result: how the project reaches Mission; None if it does not."""
    content = rows.text(project, "mission")
    return MissionConnectionView.model_validate_json(content) if content else None


def schedule_of(project: Row) -> BandwidthSchedule | None:
    """Result: the project's bandwidth schedule; None if it has none."""
    content = rows.joined_text(project, "schedule")
    return BandwidthSchedule.model_validate_json(content) if content else None


def project_view(row: Row, client_name: str) -> ProjectView:
    """Result: the project as shown."""
    closed = rows.text(row, "closed")
    started = rows.moment(row, "started_at") is not None
    connection = connection_view(row)
    end = end_of(row, connection)
    status = ProjectStatus.IN_PROGRESS if started else ProjectStatus.PLANNING
    if end is not None:
        status = ProjectStatus.AUTH_REQUIRED
    return ProjectView(
        project_id=row.rk,
        client_id=rows.text(row, "client_id"),
        client_name=client_name,
        name=rows.text(row, "name"),
        description=rows.text(row, "description"),
        type=ProjectType(rows.text(row, "type")),
        time_zone=zone_of(row),
        status=ProjectStatus(closed) if closed in _CLOSED else status,
        azure_connection=connection,
        mission_connection=mission_view(row),
        sign_in_end=SignInEndView(at=end.at, reason=end.reason) if end else None,
        bandwidth_schedule=schedule_of(row),
        created_at=rows.need_moment(row, "created_at"),
        created_by=rows.text(row, "created_by"),
    )


def _clients_of(tables: OrganizationTables, projects: list[Row]) -> list[Row]:
    """Result: the rows of the clients that these projects belong to."""
    wanted = {rows.text(row, "client_id") for row in projects}
    return [row for client_id in sorted(wanted) if (row := tables.get(CLIENTS, "", client_id)) is not None]
