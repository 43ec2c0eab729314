"""What lists can be narrowed by, beside paging."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from functions.domain.views import ListQuery
from functions.services.import_logs import LogFilter
from functions.triggers.edge_request import Query
from migrate_contract.jobs import Bucket, JobState
from migrate_contract.rockrms import Entity, LogKind
from migrate_contract.wire import AgentId, ClientId, ProjectId


class CodesQuery(ListQuery):
    """Codes of one client."""

    client_id: ClientId | None = None


class AgentsQuery(ListQuery):
    """Agents of one client."""

    client_id: ClientId | None = None


class ProjectsQuery(ListQuery):
    """Projects of one client."""

    client_id: ClientId | None = None


class JobsQuery(ListQuery):
    """Jobs of one project, in one state, of one agent."""

    project_id: ProjectId | None = None
    state: JobState | None = None
    agent_id: AgentId | None = None


class WebhooksQuery(ListQuery):
    """Webhooks of one project; without it all that the member may see."""

    project_id: ProjectId | None = None


class LedgerQuery(Query):
    """Files in one bucket, of one attempt; without an attempt the newest."""

    bucket: Bucket | None = None
    attempt: Annotated[int, Field(ge=1, le=1_000_000)] | None = None


class FilesQuery(ListQuery):
    """As LedgerQuery, page by page."""

    bucket: Bucket | None = None
    attempt: Annotated[int, Field(ge=1, le=1_000_000)] | None = None


class AttemptQuery(Query):
    """Of one attempt; without one the newest."""

    attempt: Annotated[int, Field(ge=1, le=1_000_000)] | None = None


class ImportLogQuery(AttemptQuery):
    """Rows of one kind, entity and code."""

    kind: LogKind | None = None
    entity: Entity | None = None
    code: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None

    @property
    def wanted(self) -> LogFilter:
        """Result: the same, as the service takes it."""
        return LogFilter(self.kind, self.entity, self.code, self.attempt)


class ImportLogPageQuery(ListQuery):
    """As ImportLogQuery, page by page."""

    kind: LogKind | None = None
    entity: Entity | None = None
    code: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None
    attempt: Annotated[int, Field(ge=1, le=1_000_000)] | None = None

    @property
    def wanted(self) -> LogFilter:
        """Result: what is wanted, without the paging."""
        return LogFilter(self.kind, self.entity, self.code, self.attempt)
