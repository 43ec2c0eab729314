"""Knowing who calls: agents by key and session, operators by the platform's principal and the members' table."""

from __future__ import annotations

import re
from collections.abc import Mapping

from functions.bootstrap import Services
from functions.domain.caller import AgentCaller, OperatorCaller, Role
from functions.triggers.principal import Trust, read_principal
from migrate_contract.agents import AGENT_KEY_HEADER, SESSION_HEADER
from migrate_contract.errors import ErrorCode, Fatal


def agent_caller(headers: Mapping[str, str], services: Services, *, session: bool) -> AgentCaller:
    """Result: the agent whose key this is; raises agent-key-missing, request-invalid and what enrolment refuses.

    `session`: the call must carry the epoch of its session (every call but the heartbeat, which asks for one).
    """
    key = headers.get(AGENT_KEY_HEADER, "")
    if not key:
        raise Fatal(ErrorCode.AGENT_KEY_MISSING, f"The header {AGENT_KEY_HEADER} is missing.")
    return services.enrolment.authenticate(key, _session_epoch(headers) if session else None)


def _session_epoch(headers: Mapping[str, str]) -> int:
    text = headers.get(SESSION_HEADER, "")
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise Fatal(ErrorCode.REQUEST_INVALID, f"The header {SESSION_HEADER} must be the session's number.")
    return int(text)


def operator_caller(headers: Mapping[str, str], services: Services, role: Role) -> OperatorCaller:
    """Result: the signed-in member; raises sign-in-required, not-a-member, role-insufficient."""
    settings = services.settings
    trust = Trust(settings.platform_authentication, settings.tenant_id, settings.client_id)
    principal = read_principal(headers, trust)
    if principal is None:
        raise Fatal(ErrorCode.SIGN_IN_REQUIRED, "Nobody is signed in on this request.")
    caller = services.members.caller(principal)
    caller.need(role)
    return caller
