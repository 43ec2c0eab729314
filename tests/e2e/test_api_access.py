"""Who may call what, on the running stack: every route of the app is walked."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator

import httpx
import pytest

from functions.domain.caller import Role
from functions.triggers import api
from functions.triggers.edge_endpoint import Audience, Endpoint
from local.identity import StackOperator
from local.processes import ProcessFailed
from local.stack import Stack
from tests.harness.app_functions import SAMPLES, AppFunction, http_functions

OPEN = {
    "agent_register": 400,
    "health_show": 200,
    "openapi_show": 200,
    "page_help": 200,
    "page_help_code": 200,
    "page_static": 404,
    # For customers: a signed link, or a state, stands in for the sign-in. These samples are nobody's.
    "page_approve": 200,
    "page_approved": 409,
    "page_reconnect": 404,
    "page_reconnect_begin": 404,
    "page_reconnect_check": 404,
    "page_reconnect_save": 404,
    "page_sign_in_callback": 409,
    "page_unsubscribe": 404,
    "page_unsubscribe_do": 404,
    "page_unsubscribe_undo": 404,
}
"""What answers without a key or a sign-in, and with what to an empty request."""
API = {endpoint.name: endpoint for routes in api.API for endpoint in routes.endpoints}
OPERATORS = [endpoint for endpoint in API.values() if endpoint.audience is Audience.OPERATOR]
NOBODY = "00000000-0000-0000-0000-000000000000"
RANK = {"Reader": 0, "Operator": 1, "Admin": 2}


@pytest.fixture(scope="module")
def anonymous(stack: Stack) -> Iterator[httpx.Client]:
    """A caller with nothing to show."""
    with httpx.Client(base_url=stack.api_url, timeout=30, trust_env=False) as client:
        yield client


def named(name: str) -> AppFunction:
    return next(function for function in http_functions() if function.name == name)


def member(stack: Stack, role: str) -> StackOperator:
    return next(one for one in stack.operators if one.role == role and one.organization == "local")


def forged(stack: Stack) -> dict[str, str]:
    """A principal of the first Admin, complete and right, sent by a caller instead of the platform."""
    person = stack.identity.first_admin.person
    claims = {"aud": stack.identity.audience, "tid": person.tenant_id, "oid": person.object_id, "name": person.name}
    document = {"auth_typ": "aad", "claims": [{"typ": typ, "val": val} for typ, val in claims.items()]}
    return {"X-MS-CLIENT-PRINCIPAL": base64.b64encode(json.dumps(document).encode()).decode()}


@pytest.mark.parametrize("function", http_functions(), ids=lambda function: function.name)
def test_every_route_denies_without_an_operator_or_a_key(function: AppFunction, anonymous: httpx.Client):
    answer = anonymous.request(function.method, function.path)
    assert answer.status_code == OPEN.get(function.name, 401), answer.text
    assert answer.headers["X-Correlation-Id"]
    if function.path.startswith("/api/") and function.name not in OPEN:
        code = "agent-key-missing" if function.path.startswith("/api/agent/") else "sign-in-required"
        assert answer.json()["code"] == code
        assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("function", http_functions(), ids=lambda function: function.name)
def test_a_forged_principal_is_ignored(function: AppFunction, anonymous: httpx.Client, stack: Stack):
    answer = anonymous.request(function.method, function.path, headers=forged(stack))
    assert answer.status_code == OPEN.get(function.name, 401)


@pytest.mark.parametrize("endpoint", API.values(), ids=lambda endpoint: endpoint.name)
def test_an_operator_is_no_agent_and_a_wrong_key_is_nobody(endpoint: Endpoint, anonymous: httpx.Client, stack: Stack):
    if endpoint.audience is Audience.OPEN:
        return
    function = named(endpoint.name)
    key = f"local.{SAMPLES['agent_id']}.{'x' * 43}"
    agent = anonymous.request(function.method, function.path, headers={"X-Agent-Key": key}, json={})
    operator = anonymous.request(
        function.method, function.path, headers={"Authorization": stack.authorization()}, json={}
    )
    if endpoint.audience is Audience.AGENT:
        assert (agent.status_code, agent.json()["code"]) == (401, "agent-key-invalid")
        assert (operator.status_code, operator.json()["code"]) == (401, "agent-key-missing")
    else:
        assert (agent.status_code, agent.json()["code"]) == (401, "sign-in-required")
        assert operator.status_code != 401


@pytest.mark.parametrize("role", ["Reader", "Operator"])
@pytest.mark.parametrize("endpoint", OPERATORS, ids=lambda endpoint: endpoint.name)
def test_roles(endpoint: Endpoint, role: str, anonymous: httpx.Client, stack: Stack):
    function = named(endpoint.name)
    headers = {"Authorization": stack.authorization(member(stack, role))}
    answer = anonymous.request(function.method, function.path, headers=headers, json={})
    if RANK[role] < RANK[endpoint.role.value]:
        assert (answer.status_code, answer.json()["code"]) == (403, "role-insufficient")
        assert endpoint.role.value in answer.json()["detail"]
    else:
        assert answer.status_code not in {401, 403}


def test_readers_change_nothing_and_only_admins_delete_clients():
    assert all((endpoint.role is Role.READER) <= (endpoint.method == "GET") for endpoint in OPERATORS)
    for_admins = {endpoint.name for endpoint in OPERATORS if endpoint.role is Role.ADMIN}
    assert for_admins == {"clients_delete", "audit_list", "azure_sign_in_upkeep"}


def test_a_signed_in_stranger_is_told_whom_to_ask(fresh_stack: Callable[..., Stack]):
    stack = fresh_stack(settings={"ONEMIGRATE_FIRST_ADMIN": f"{NOBODY}/{NOBODY}"})
    headers = {"Authorization": stack.authorization()}
    answer = httpx.get(f"{stack.api_url}/api/me", headers=headers, trust_env=False)
    assert (answer.status_code, answer.json()["code"]) == (403, "not-a-member")
    assert "administrator" in answer.json()["detail"]


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example.com"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}]
)
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE", "PUT"])
def test_another_sites_page_changes_nothing(method: str, headers: dict[str, str], stack: Stack):
    path = {
        "POST": "/api/clients",
        "PUT": f"/api/projects/{SAMPLES['project_id']}/azure-connection",
    }.get(method, f"/api/clients/{SAMPLES['client_id']}")
    signed = {"Authorization": stack.authorization(), **headers}
    answer = httpx.request(method, stack.api_url + path, headers=signed, json={"name": "x"}, trust_env=False)
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf-refused")


def test_health_needs_nothing_and_says_no_more_than_it_must(anonymous: httpx.Client):
    said = anonymous.get("/api/health").json()
    assert set(said) == {"status", "version", "protocol_version", "time"}


@pytest.mark.slow
def test_health_does_not_ask_storage(fresh_stack: Callable[..., Stack]):
    stack = fresh_stack()
    stack.azurite.stop()
    assert httpx.get(f"{stack.api_url}/api/health", trust_env=False).status_code == 200


def test_wrong_settings_are_named(fresh_stack: Callable[..., Stack]):
    with pytest.raises(ProcessFailed, match="A setting is missing or wrong ONEMIGRATE_LATE_SECONDS is wrong"):
        fresh_stack(settings={"ONEMIGRATE_LATE_SECONDS": "soon"})
