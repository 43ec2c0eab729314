"""Mission connections: where a project's records go, and the integration key that opens it.

Writes the column `mission` of a project, and the table `missionkeys`: one row per project with the sealed key, which
is opened for an agent alone and never shown. The key is destroyed with the connection.
"""

from __future__ import annotations

from functions.domain import rows
from functions.domain.caller import AgentCaller, OperatorCaller, Role
from functions.domain.envelope import Belonging
from functions.domain.job import Job
from functions.domain.mission_address import need_mission_url
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, Row, RowChanged, RowMissing, Tables
from functions.domain.rockrms_views import MissionConnectionBody
from functions.domain.views import MissionConnectionView, ProjectView, WishKind
from functions.services.attempts import Attempts
from functions.services.audit import Audit
from functions.services.projects import TABLE as PROJECTS
from functions.services.projects import Projects, mission_view, need_project
from functions.services.secrets import Secrets
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.rockrms import MissionAccess, MissionAccessRequest, MissionDestination

TABLE = "missionkeys"
_KEY_ROW = "key"
_PAGE = 1000


class Missions:
    """Connects, disconnects, and releases the key to agents."""

    def __init__(
        self, tables: Tables, clock: Clock, audit: Audit, projects: Projects, secrets: Secrets, attempts: Attempts
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._audit = audit
        self._projects = projects
        self._secrets = secrets
        self._attempts = attempts

    def connect(self, caller: OperatorCaller, project_id: str, body: MissionConnectionBody) -> ProjectView:
        """Result: the project, connected. A key that is there is replaced: attempts at work are refused by Mission.

        Raises Fatal(mission-url-refused), Retryable(key-vault-unavailable).
        """
        caller.need(Role.OPERATOR)
        project = need_project(self._tables, caller, project_id)
        url, now = need_mission_url(body.url), self._clock()
        before = mission_view(project)
        sealed = self._secrets.seal(_belonging(caller.organization, project_id), body.integration_key)
        tables = OrganizationTables(self._tables, caller.organization)
        # The key first: an address without its key could be asked for, a key without an address cannot. It names its
        # address, so that it is never given out with another one.
        tables.upsert(TABLE, project_id, _KEY_ROW, {"url": url, "set_at": now, **rows.long_text("sealed", sealed)})
        connection = MissionConnectionView(
            url=url,
            connected_at=before.connected_at if before and before.url == url else now,
            connected_by=caller.label,
            key_set_at=now,
        )
        try:
            self._write(tables, project_id, connection.model_dump_json())
        except Fatal:
            tables.delete(TABLE, project_id, _KEY_ROW)
            raise
        same = before is not None and before.url == url
        self._record(caller, project, "mission.replace-key" if same else "mission.connect", url)
        return self._projects.show(caller, project_id)

    def disconnect(self, caller: OperatorCaller, project_id: str) -> ProjectView:
        """Result: the project without Mission; its key is destroyed, and given to no agent any more."""
        caller.need(Role.OPERATOR)
        project = need_project(self._tables, caller, project_id)
        tables = OrganizationTables(self._tables, caller.organization)
        tables.delete(TABLE, project_id, _KEY_ROW)
        if mission_view(project) is not None:
            self._write(tables, project_id, "")
            self._record(caller, project, "mission.disconnect", "")
        return self._projects.show(caller, project_id)

    def need(self, project: Row) -> MissionConnectionView:
        """Result: the project's connection. Raises Fatal(NO_MISSION_CONNECTION)."""
        connection = mission_view(project)
        if connection is None:
            raise Fatal(
                ErrorCode.NO_MISSION_CONNECTION, f"Project {rows.text(project, 'name')} has no Mission connection."
            )
        return connection

    def for_attempt(self, caller: AgentCaller, job_id: str, body: MissionAccessRequest) -> MissionAccess:
        """Result: the address and the key, for the agent that holds this attempt of an import.

        Raises Fatal(attempt-superseded), Fatal(grant-refused), Fatal(NO_MISSION_CONNECTION), Fatal(job-type-conflict).
        """
        job = self._attempts.need(caller, job_id, body.attempt)
        _refuse(job)
        project = OrganizationTables(self._tables, caller.organization).get(PROJECTS, "", job.project_id)
        if project is None:
            raise Fatal(ErrorCode.GRANT_REFUSED, "The project was deleted.")
        access = self.open(project)
        destination = job.settings.destination
        if not isinstance(destination, MissionDestination) or destination.url != access.url:
            raise Fatal(
                ErrorCode.GRANT_REFUSED, "The project was connected to another Mission meanwhile: rerun the job."
            )
        self._record_release(caller, project, f"attempt {job.attempt} of {job_id}")
        return access

    def for_check(self, caller: AgentCaller, project: Row) -> MissionAccess:
        """Result: as `for_attempt`, for a check that the caller has been found to hold."""
        access = self.open(project)
        self._record_release(caller, project, "a check")
        return access

    def open(self, project: Row) -> MissionAccess:
        """Result: the address with its key.

        Raises Fatal(NO_MISSION_CONNECTION), Fatal(secret-unreadable), Retryable(key-vault-unavailable).
        """
        connection = self.need(project)
        row = self._tables.get(TABLE, f"{project.pk}|{project.rk}", _KEY_ROW)
        if row is None or rows.text(row, "url") != connection.url:
            raise Fatal(ErrorCode.NO_MISSION_CONNECTION, "The connection is being changed, or was not saved whole.")
        key = self._secrets.open(_belonging(project.pk, project.rk), rows.joined_text(row, "sealed"))
        return MissionAccess(url=connection.url, integration_key=key)

    def rewrap(self) -> tuple[int, int]:
        """Result: how many keys there are, and how many were wrapped anew after a rotation of the wrapping key."""
        looked_at = rewrapped = 0
        continuation: str | None = None
        while True:
            page = self._tables.page(TABLE, limit=_PAGE, continuation=continuation)
            for row in page.rows:
                looked_at += 1
                rewrapped += self._rewrap(row)
            continuation = page.continuation
            if continuation is None:
                return looked_at, rewrapped

    def _rewrap(self, row: Row) -> bool:
        sealed = self._secrets.rewrapped(rows.joined_text(row, "sealed"))
        if sealed is None:
            return False
        try:
            self._tables.merge(TABLE, row.pk, row.rk, rows.long_text("sealed", sealed), row.etag)
        except (RowChanged, RowMissing):
            return False  # Replaced or destroyed meanwhile: there is nothing to wrap.
        return True

    def _write(self, tables: OrganizationTables, project_id: str, connection: str) -> None:
        try:
            tables.merge(PROJECTS, "", project_id, {"mission": connection}, None)
        except RowMissing as missing:
            raise Fatal(ErrorCode.NOT_FOUND, "No such project") from missing

    def _record(self, caller: OperatorCaller, project: Row, action: str, detail: str) -> None:
        client_id = rows.text(project, "client_id")
        self._audit.record(caller.organization, caller.label, action, project.rk, client_id=client_id, detail=detail)

    def _record_release(self, caller: AgentCaller, project: Row, what: str) -> None:
        self._audit.record(
            caller.organization,
            f"agent {caller.name}",
            "mission.key-given",
            project.rk,
            client_id=caller.client_id,
            detail=f"For {what}",
        )


def _refuse(job: Job) -> None:
    """Raises Fatal(job-type-conflict), and Fatal(grant-refused) for a job that nothing may be sent for."""
    if not job.settings.is_import:
        raise Fatal(ErrorCode.JOB_TYPE_CONFLICT, f"The job is of type {job.settings.type.value}.")
    if not job.held:
        raise Fatal(ErrorCode.GRANT_REFUSED, f"The job is {job.state.value}.")
    if job.wish is not None and job.wish.kind is WishKind.CANCEL:
        raise Fatal(ErrorCode.GRANT_REFUSED, f"{job.wish.by} asked to cancel the job.")


def _belonging(organization: str, project_id: str) -> Belonging:
    return Belonging("mission-integration-key", organization, project_id)
