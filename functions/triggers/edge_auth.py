"""Knowing who calls: agents by key and session, operators by the platform's principal and the members' table."""

from __future__ import annotations

from collections.abc import Mapping

from functions.bootstrap import Services
from functions.domain.caller import AgentCaller, OperatorCaller, Role
from functions.triggers.principal import Trust, read_principal
from migrate_contract.agents import AGENT_KEY_HEADER, SESSION_HEADER
from migrate_contract.errors import ErrorCode, Fatal


def agent_caller(headers: Mapping[str, str], services: Services, *, session: bool) -> AgentCaller:
    """Result: the agent whose key this is; raises what enrolment refuses.

    `session`: the call must carry the epoch of its session (every call but those that come before there is one).
    """
    key, epoch = headers.get(AGENT_KEY_HEADER), headers.get(SESSION_HEADER)
    return services.enrolment.authenticate(key, epoch, session_required=session)


def operator_caller(headers: Mapping[str, str], services: Services, role: Role) -> OperatorCaller:
    """Result: the signed-in member; raises sign-in-required, not-a-member, role-insufficient."""
    settings = services.settings
    trust = Trust(settings.platform_authentication, settings.tenant_id, settings.client_id)
    principal = read_principal(headers, trust)
    if principal is None:
        raise Fatal(ErrorCode.SIGN_IN_REQUIRED, "Nobody is signed in on this request.")
    caller = services.members.resolve(principal)
    caller.need(role)
    return caller
