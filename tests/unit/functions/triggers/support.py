"""Requests and the few services that the edge itself calls."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import azure.functions as func

from functions.bootstrap import Services
from functions.domain.caller import OperatorCaller, Principal, Role
from functions.settings import read_settings
from migrate_contract.errors import ErrorCode, Fatal

TENANT = "11111111-2222-3333-4444-555555555555"
APP = "99999999-8888-7777-6666-555555555555"
PEOPLE = {
    "00000000-0000-0000-0000-00000000000a": Role.ADMIN,
    "00000000-0000-0000-0000-00000000000b": Role.OPERATOR,
    "00000000-0000-0000-0000-00000000000c": Role.READER,
}
ADMIN, OPERATOR, READER = PEOPLE
STRANGER = "00000000-0000-0000-0000-00000000000d"
NOW = datetime(2025, 3, 1, 12, 30, tzinfo=UTC)
SITE = "https://migrate.example.com"
AGENT_KEY = "acme.agt_000000000000.secret"

ENVIRONMENT = {
    "ONEMIGRATE_ORGANIZATION": "acme",
    "ONEMIGRATE_ORGANIZATION_NAME": "Acme",
    "ONEMIGRATE_FIRST_ADMIN": f"{TENANT}/{ADMIN}",
    "ONEMIGRATE_TENANT_ID": TENANT,
    "ONEMIGRATE_CLIENT_ID": APP,
    "ONEMIGRATE_SECRET_KEY": base64.b64encode(bytes(32)).decode(),
    "ONEMIGRATE_PUBLIC_URL": SITE,
    "ONEMIGRATE_SWEEP_SCHEDULE": "*/30 * * * * *",
    "ONEMIGRATE_TOKEN_REFRESH_SCHEDULE": "0 17 * * * *",
    "ONEMIGRATE_STORAGE": "UseDevelopmentStorage=true",
    "ONEMIGRATE_SUPPORT_URL": "https://support.example.com",
    "WEBSITE_AUTH_ENABLED": "true",
}


class FakeMembers:
    """Knows three people."""

    def resolve(self, principal: Principal) -> OperatorCaller:
        if principal.object_id not in PEOPLE:
            raise Fatal(ErrorCode.NOT_A_MEMBER)
        return OperatorCaller("acme", principal.tenant_id, principal.object_id, "Ann", PEOPLE[principal.object_id])


class FakeEnrolment:
    """Knows one agent's key; remembers which session was shown."""

    def __init__(self) -> None:
        self.sessions: list[tuple[str | None, bool]] = []

    def authenticate(self, key: str | None, session: str | None, *, session_required: bool) -> Any:
        self.sessions.append((session, session_required))
        if not key:
            raise Fatal(ErrorCode.AGENT_KEY_MISSING)
        if key != AGENT_KEY:
            raise Fatal(ErrorCode.AGENT_KEY_INVALID)
        return SimpleNamespace(agent_id="agt_000000000000")


def fake_services(**more: Any) -> Services:
    named = {
        "settings": read_settings({**ENVIRONMENT, **more.pop("environment", {})}),
        "clock": lambda: NOW,
        "csrf_key": b"k" * 32,
        "members": FakeMembers(),
        "enrolment": FakeEnrolment(),
    }
    return cast("Services", SimpleNamespace(**{**named, **more}))


def principal_header(object_id: str, **changes: str) -> dict[str, str]:
    claims = {"aud": APP, "tid": TENANT, "oid": object_id, "name": "Ann", **changes}
    document = {"claims": [{"typ": typ, "val": val} for typ, val in claims.items()]}
    return {"X-MS-CLIENT-PRINCIPAL": base64.b64encode(json.dumps(document).encode()).decode()}


def request(
    method: str = "GET",
    path: str = "/api/things",
    *,
    body: bytes | dict[str, Any] | str = b"",
    person: str | None = None,
    headers: dict[str, str] | None = None,
    params: dict[str, str] | None = None,
) -> func.HttpRequest:
    """A request as the host hands it over; a dict body is JSON, a str body is a form."""
    kinds: dict[str, str] = {}
    raw = body
    if isinstance(body, dict):
        raw, kinds = json.dumps(body).encode(), {"Content-Type": "application/json"}
    elif isinstance(body, str):
        raw, kinds = body.encode(), {"Content-Type": "application/x-www-form-urlencoded"}
    identity = principal_header(person) if person else {}
    return func.HttpRequest(
        method=method,
        url=SITE + path,
        headers={**kinds, **identity, **(headers or {})},
        params={},
        route_params=params or {},
        body=cast("bytes", raw),
    )


def problem(response: func.HttpResponse) -> dict[str, Any]:
    assert response.headers["Content-Type"] == "application/problem+json"
    parsed: dict[str, Any] = json.loads(response.get_body())
    assert parsed["status"] == response.status_code
    assert parsed["correlation_id"] == response.headers["X-Correlation-Id"]
    assert parsed["fix"]
    return parsed
