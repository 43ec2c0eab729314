"""Clients: the customers of the operator."""

from __future__ import annotations

from functions.domain.caller import Role
from functions.domain.views import BandwidthLimitBody, ClientCreate, ClientPatch, ClientView, ListQuery, Page
from functions.triggers.edge import Routes
from functions.triggers.edge_call import OperatorCall
from migrate_contract.errors import ErrorCode
from migrate_contract.wire import ClientId

routes = Routes("clients")


@routes.operator("GET", "api/clients", role=Role.READER)
def clients_list(call: OperatorCall, query: ListQuery) -> Page[ClientView]:
    """List the clients that you may see."""
    return call.services.clients.list(call.caller, query)


@routes.operator("POST", "api/clients", role=Role.OPERATOR, status=201)
def clients_create(call: OperatorCall, body: ClientCreate) -> ClientView:
    """Create a client."""
    return call.services.clients.create(call.caller, body)


@routes.operator("GET", "api/clients/{client_id}", role=Role.READER)
def clients_show(call: OperatorCall, client_id: ClientId) -> ClientView:
    """Show one client."""
    return call.services.clients.show(call.caller, client_id)


@routes.operator("PATCH", "api/clients/{client_id}", role=Role.OPERATOR, refusals=(ErrorCode.CHANGED_MEANWHILE,))
def clients_edit(call: OperatorCall, client_id: ClientId, body: ClientPatch) -> ClientView:
    """Change a client's name or notes."""
    return call.services.clients.change(call.caller, client_id, body)


@routes.operator(
    "DELETE",
    "api/clients/{client_id}",
    role=Role.ADMIN,
    refusals=(ErrorCode.CLIENT_NOT_EMPTY, ErrorCode.CHANGED_MEANWHILE),
)
def clients_delete(call: OperatorCall, client_id: ClientId) -> None:
    """Delete a client that has no projects and no agents left."""
    call.services.clients.delete(call.caller, client_id)


@routes.operator(
    "PUT", "api/clients/{client_id}/bandwidth-limit", role=Role.OPERATOR, refusals=(ErrorCode.CHANGED_MEANWHILE,)
)
def clients_limit(call: OperatorCall, client_id: ClientId, body: BandwidthLimitBody) -> ClientView:
    """Limit what all agents of a client send together: each agent at work gets an equal share. Null lifts it."""
    return call.services.bandwidth.limit_site(call.caller, client_id, body)
