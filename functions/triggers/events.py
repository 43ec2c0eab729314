"""What happened in a project, newest first."""

from __future__ import annotations

from functions.domain.caller import Role
from functions.domain.event_views import EventView
from functions.domain.views import ListQuery, Page
from functions.triggers.edge import Routes
from functions.triggers.edge_call import OperatorCall
from migrate_contract.wire import ProjectId

routes = Routes("events")


@routes.operator("GET", "api/projects/{project_id}/events", role=Role.READER)
def events_list(call: OperatorCall, project_id: ProjectId, query: ListQuery) -> Page[EventView]:
    """List what happened in the project: the same events that mail and webhooks tell of."""
    return call.services.events.list(call.caller, project_id, query)
