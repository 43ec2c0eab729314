"""Connecting a customer's storage account by the API: sign in, look at the draft, save; and the upkeep of sign-ins.

The pages do the same with a cookie in place of the `browser` secret. A program opens `url` in a browser, catches the
callback's query, and posts it here with `browser`.
"""

from __future__ import annotations

from functions.domain.caller import Role
from functions.domain.connection_views import (
    ConnectionStatusView,
    ContainersView,
    DraftBody,
    DraftView,
    SignInAnswerBody,
    SignInBody,
    SignInView,
    UpkeepView,
)
from functions.domain.views import ProjectView
from functions.triggers.edge import Routes
from functions.triggers.edge_call import OperatorCall
from functions.triggers.edge_paths import DraftId
from functions.triggers.sign_in_start import BEGIN_REFUSALS, FINISH_REFUSALS, SAVE_REFUSALS
from migrate_contract.errors import ErrorCode
from migrate_contract.wire import ProjectId

routes = Routes("azure sign-in")


@routes.operator(
    "POST",
    "api/projects/{project_id}/azure-sign-in",
    role=Role.OPERATOR,
    refusals=(*BEGIN_REFUSALS, ErrorCode.KEY_VAULT_UNAVAILABLE),
)
def azure_sign_in_begin(call: OperatorCall, project_id: ProjectId, body: SignInBody) -> SignInView:
    """Begin a Microsoft sign-in at the tenant of a customer's storage account."""
    start = call.services.connecting.begin(call.caller, project_id, body.account, body.container)
    return SignInView(
        url=start.url,
        browser=start.browser,
        tenant_id=start.tenant_id,
        account=start.account,
        expires_at=start.expires_at,
    )


@routes.operator("POST", "api/azure-sign-in", role=Role.OPERATOR, refusals=FINISH_REFUSALS)
def azure_sign_in_finish(call: OperatorCall, body: SignInAnswerBody) -> DraftView:
    """Finish a sign-in with what Microsoft added to the callback's address: once, within ten minutes."""
    return call.services.connecting.finish(body.browser, body.answer)


@routes.operator(
    "GET", "api/projects/{project_id}/azure-sign-in/{draft_id}", role=Role.OPERATOR, refusals=SAVE_REFUSALS
)
def azure_sign_in_containers(call: OperatorCall, project_id: ProjectId, draft_id: DraftId) -> ContainersView:
    """List the containers of the account that somebody has signed in for."""
    return call.services.connecting.containers(call.caller, project_id, draft_id)


@routes.operator(
    "PUT",
    "api/projects/{project_id}/azure-connection/customer",
    role=Role.OPERATOR,
    refusals=(*SAVE_REFUSALS, ErrorCode.PROJECT_CLOSED),
)
def azure_sign_in_save(call: OperatorCall, project_id: ProjectId, body: DraftBody) -> ProjectView:
    """Test the access with the calls that a job needs, and save the connection."""
    call.services.connecting.save(call.caller, project_id, body.draft_id, body.container)
    return call.services.projects.show(call.caller, project_id)


@routes.operator(
    "GET",
    "api/projects/{project_id}/azure-connection/customer",
    role=Role.READER,
    refusals=(ErrorCode.NO_AZURE_CONNECTION,),
)
def azure_connection_show(call: OperatorCall, project_id: ProjectId) -> ConnectionStatusView:
    """Show how a customer's connection stands: who signed in, when it ends, until when access lives."""
    return call.services.connections.status(call.caller, project_id)


@routes.operator(
    "POST",
    "api/azure-sign-in/upkeep",
    role=Role.ADMIN,
    refusals=(ErrorCode.SECRET_UNREADABLE, ErrorCode.KEY_VAULT_UNAVAILABLE, ErrorCode.CUSTOMER_SIGN_IN_MISSING),
)
def azure_sign_in_upkeep(call: OperatorCall) -> UpkeepView:
    """Wrap the keys of stored sign-ins anew after a key rotation, and destroy drafts that nobody saved."""
    return call.services.sign_in_upkeep.run_for(call.caller)
