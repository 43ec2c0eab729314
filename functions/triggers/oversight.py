"""What a member sees of the organization as a whole: who they are, what needs a person, who did what."""

from __future__ import annotations

from functions.domain.caller import Role
from functions.domain.views import AlertView, AuditView, ListQuery, MeView, Page
from functions.triggers.edge import Routes
from functions.triggers.edge_call import OperatorCall

routes = Routes("oversight")


@routes.operator("GET", "api/me", role=Role.READER)
def me_show(call: OperatorCall) -> MeView:
    """Show who you are here, and what you may do."""
    return call.services.members.me(call.caller)


@routes.operator("GET", "api/alerts", role=Role.READER)
def alerts_list(call: OperatorCall, query: ListQuery) -> Page[AlertView]:
    """List what needs a person now."""
    return call.services.alerts.list(call.caller, query)


@routes.operator("GET", "api/audit", role=Role.ADMIN)
def audit_list(call: OperatorCall, query: ListQuery) -> Page[AuditView]:
    """List who did what, the newest first."""
    return call.services.audit.list(call.caller, query)
