"""Projects: one engagement of a client, its connection to Azure Storage, and its bandwidth schedule."""

from __future__ import annotations

from functions.domain.caller import Role
from functions.domain.views import (
    AzureConnectionBody,
    BandwidthScheduleBody,
    Page,
    ProjectCreate,
    ProjectPatch,
    ProjectView,
)
from functions.triggers.edge import Routes
from functions.triggers.edge_call import OperatorCall
from functions.triggers.queries import ProjectsQuery
from migrate_contract.errors import ErrorCode
from migrate_contract.wire import ProjectId

routes = Routes("projects")


@routes.operator("GET", "api/projects", role=Role.READER, refusals=(ErrorCode.NOT_FOUND,))
def projects_list(call: OperatorCall, query: ProjectsQuery) -> Page[ProjectView]:
    """List the projects that you may see."""
    return call.services.projects.list(call.caller, query, query.client_id)


@routes.operator("POST", "api/projects", role=Role.OPERATOR, status=201, refusals=(ErrorCode.NOT_FOUND,))
def projects_create(call: OperatorCall, body: ProjectCreate) -> ProjectView:
    """Create a project of a client."""
    return call.services.projects.create(call.caller, body)


@routes.operator("GET", "api/projects/{project_id}", role=Role.READER)
def projects_show(call: OperatorCall, project_id: ProjectId) -> ProjectView:
    """Show one project."""
    return call.services.projects.show(call.caller, project_id)


@routes.operator(
    "PATCH",
    "api/projects/{project_id}",
    role=Role.OPERATOR,
    refusals=(ErrorCode.JOB_WORKING, ErrorCode.CHANGED_MEANWHILE),
)
def projects_edit(call: OperatorCall, project_id: ProjectId, body: ProjectPatch) -> ProjectView:
    """Change a project's name or description; close it, which is refused while jobs work; reopen it."""
    return call.services.projects.change(call.caller, project_id, body)


@routes.operator(
    "DELETE",
    "api/projects/{project_id}",
    role=Role.OPERATOR,
    refusals=(ErrorCode.PROJECT_NOT_EMPTY, ErrorCode.CHANGED_MEANWHILE),
)
def projects_delete(call: OperatorCall, project_id: ProjectId) -> None:
    """Delete a project that has no jobs left."""
    call.services.projects.delete(call.caller, project_id)


@routes.operator(
    "PUT",
    "api/projects/{project_id}/azure-connection",
    role=Role.OPERATOR,
    refusals=(ErrorCode.DEPLOYMENT_STORAGE_MISSING, ErrorCode.CHANGED_MEANWHILE),
)
def projects_connect(call: OperatorCall, project_id: ProjectId, body: AzureConnectionBody) -> ProjectView:
    """Connect the project to Azure Storage."""
    return call.services.connections.connect(call.caller, project_id, body)


@routes.operator(
    "DELETE",
    "api/projects/{project_id}/azure-connection",
    role=Role.OPERATOR,
    refusals=(ErrorCode.CHANGED_MEANWHILE,),
)
def projects_disconnect(call: OperatorCall, project_id: ProjectId) -> ProjectView:
    """Disconnect the project: grants are renewed no more; the last one lives until its end."""
    return call.services.connections.disconnect(call.caller, project_id)


@routes.operator(
    "PUT",
    "api/projects/{project_id}/bandwidth-schedule",
    role=Role.OPERATOR,
    refusals=(ErrorCode.CHANGED_MEANWHILE,),
)
def projects_schedule(call: OperatorCall, project_id: ProjectId, body: BandwidthScheduleBody) -> ProjectView:
    """Set the project's bandwidth schedule; running jobs obey it within one heartbeat.

    Windows hold in wall time of the zone; one whose end is at or before its start ends on the next day. A date
    exception rules its whole date. A limit of 0 pauses, null lifts the limit; of overlapping windows the lowest holds.
    """
    return call.services.bandwidth.schedule_project(call.caller, project_id, body)


@routes.operator(
    "DELETE",
    "api/projects/{project_id}/bandwidth-schedule",
    role=Role.OPERATOR,
    refusals=(ErrorCode.CHANGED_MEANWHILE,),
)
def projects_unschedule(call: OperatorCall, project_id: ProjectId) -> ProjectView:
    """Remove the project's bandwidth schedule."""
    return call.services.bandwidth.clear_schedule(call.caller, project_id)
