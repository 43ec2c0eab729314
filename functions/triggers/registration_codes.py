"""Registration codes: what an agent is registered with, once."""

from __future__ import annotations

from functions.domain.caller import Role
from functions.domain.views import CodeCreate, CodeCreated, CodeView, Page
from functions.triggers.edge import Routes
from functions.triggers.edge_call import OperatorCall
from functions.triggers.edge_paths import CodeId
from functions.triggers.queries import CodesQuery
from migrate_contract.errors import ErrorCode

routes = Routes("registration codes")


@routes.operator("GET", "api/registration-codes", role=Role.READER, refusals=(ErrorCode.NOT_FOUND,))
def registration_codes_list(call: OperatorCall, query: CodesQuery) -> Page[CodeView]:
    """List the codes and what became of them."""
    return call.services.codes.list(call.caller, query, query.client_id)


@routes.operator("POST", "api/registration-codes", role=Role.OPERATOR, status=201, refusals=(ErrorCode.NOT_FOUND,))
def registration_codes_create(call: OperatorCall, body: CodeCreate) -> CodeCreated:
    """Create a code for an agent of this client: single use, 24 hours, shown this once."""
    return call.services.codes.create(call.caller, body)


@routes.operator(
    "DELETE",
    "api/registration-codes/{code_id}",
    role=Role.OPERATOR,
    refusals=(ErrorCode.REGISTRATION_CODE_USED, ErrorCode.CHANGED_MEANWHILE),
)
def registration_codes_revoke(call: OperatorCall, code_id: CodeId) -> None:
    """Revoke a code that nobody has used."""
    call.services.codes.revoke(call.caller, code_id)
