"""Bad requests on the running stack: each is refused with its own code, and nothing breaks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from functions.triggers import api
from functions.triggers.edge_endpoint import Audience, Endpoint
from local.stack import Stack
from migrate_contract.wire import MAX_LEDGER_BODY_BYTES, MAX_PROGRESS_BODY_BYTES
from tests.harness.app_functions import AppFunction, http_functions
from tests.harness.wire_agent import WireAgent

WITH_BODY = {endpoint.name: endpoint for routes in api.API for endpoint in routes.endpoints if endpoint.body}
FUNCTIONS = [function for function in http_functions() if function.name in WITH_BODY]


def needed(endpoint: Endpoint) -> set[str]:
    """Result: the fields that a body must have."""
    fields = endpoint.body.model_fields if endpoint.body else {}
    return {name for name, field in fields.items() if field.is_required()}


LARGE = {"agent_jobs_ledger", "agent_jobs_import_log", "agent_jobs_import_report"}
NEEDED = [function for function in FUNCTIONS if needed(WITH_BODY[function.name])]


@pytest.fixture(scope="module")
def agent(stack: Stack) -> WireAgent:
    """An agent of a client of its own."""
    with stack.operator_api() as operator:
        code = operator.create_code(operator.create_client("Bad bodies")["client_id"])
    return WireAgent(stack.api_url).registered(code).in_session()


@pytest.fixture(scope="module")
def http(stack: Stack) -> Iterator[httpx.Client]:
    """The bare connection."""
    with httpx.Client(base_url=stack.api_url, timeout=60, trust_env=False) as client:
        yield client


def send(function: AppFunction, http: httpx.Client, stack: Stack, agent: WireAgent, body: bytes, **more: str) -> Any:
    headers = {"Content-Type": "application/json", **more}
    if WITH_BODY[function.name].audience is Audience.AGENT:
        headers |= {"X-Agent-Key": agent.key, "X-Agent-Session": str(agent.epoch)}
    elif WITH_BODY[function.name].audience is Audience.OPERATOR:
        headers |= {"Authorization": stack.authorization()}
    return http.request(function.method, function.path, content=body, headers=headers)


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"null", b"\xff\xfe", b'{"a": NaN}', b"[" * 50_000])
@pytest.mark.parametrize("function", NEEDED, ids=lambda function: function.name)
def test_malformed_bodies(function, body, http, stack, agent):
    answer = send(function, http, stack, agent, body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] in {"request-malformed", "request-invalid"}


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_a_body_that_is_not_json(function, http, stack, agent):
    answer = send(function, http, stack, agent, b"a=b", **{"Content-Type": "application/x-www-form-urlencoded"})
    assert (answer.status_code, answer.json()["code"]) == (400, "request-malformed")


@pytest.mark.parametrize("function", NEEDED, ids=lambda function: function.name)
def test_missing_fields_are_named(function, http, stack, agent):
    answer = send(function, http, stack, agent, b'{"unknown": 1}')
    assert {error["field"].split(".")[0] for error in answer.json()["errors"]} == needed(WITH_BODY[function.name])


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_an_oversized_body(function, http, stack, agent):
    limit = MAX_LEDGER_BODY_BYTES if function.name in LARGE else MAX_PROGRESS_BODY_BYTES
    answer = send(function, http, stack, agent, b" " * (limit + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")
    assert str(limit) in answer.json()["detail"]


def test_unknown_fields_are_ignored(http, stack):
    headers = {"Authorization": stack.authorization()}
    answer = http.post("/api/clients", json={"name": "Unknown fields", "colour": "red"}, headers=headers)
    assert answer.status_code == 201
    assert "colour" not in answer.json()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"sequence": -1}, "sequence"),
        ({"sequence": "1"}, "sequence"),
        ({"mode": "asleep"}, "mode"),
        ({"agent_time": "2025-01-01T00:00:00"}, "agent_time"),
        ({"machine": None}, "machine"),
        ({"max_jobs": 0}, "max_jobs"),
        ({"jobs": [{"job_id": "x", "attempt": 1, "phase": "running"}]}, "jobs.0.job_id"),
    ],
)
def test_wrong_values_in_a_heartbeat_name_their_field(agent, changes, field):
    answer = agent.heartbeat(**changes)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize("header", ["", "one", "-1", "1.5", "9" * 30])
def test_a_session_that_is_no_number(agent, http, header):
    answer = http.post("/api/agent/rotate-key", json={}, headers={"X-Agent-Key": agent.key, "X-Agent-Session": header})
    assert (answer.status_code, answer.json()["code"]) == (400, "request-invalid")


@pytest.mark.parametrize(
    "path",
    [
        "/api/clients/x",
        "/api/clients/cli_00000000000O",
        "/api/jobs/job_1",
        "/api/jobs/%2e%2e",
        "/api/projects/prj_000000000000%00",
        "/api/agents/agt_000000000000%0a",
    ],
)
def test_an_address_that_is_no_id_names_nothing(http, stack, path):
    answer = http.get(path, headers={"Authorization": stack.authorization()})
    assert answer.status_code in {400, 404}
    assert answer.status_code == 400 or answer.json()["code"] == "not-found"


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=x",
        "limit=",
        "continuation=",
        "continuation=forged",
        "limit=1&limit=2",
        "limit=%ff",
    ],
)
def test_wrong_paging(http, stack, query):
    answer = http.get(f"/api/clients?{query}", headers={"Authorization": stack.authorization()})
    assert answer.status_code == 400
    assert answer.json()["code"] in {"request-invalid", "request-malformed"}


def test_pages_follow_each_other(http, stack):
    headers = {"Authorization": stack.authorization()}
    made = {
        http.post("/api/clients", json={"name": f"Page {n}"}, headers=headers).json()["client_id"] for n in range(5)
    }
    seen: list[str] = []
    query = {"limit": "2"}
    while True:
        page = http.get("/api/clients", params=query, headers=headers).json()
        assert len(page["items"]) <= 2
        seen += [item["client_id"] for item in page["items"]]
        if not page["continuation"]:
            break
        query["continuation"] = page["continuation"]
    assert made <= set(seen)
    assert len(seen) == len(set(seen))


def test_one_lists_continuation_is_no_other_lists(http, stack):
    headers = {"Authorization": stack.authorization()}
    for n in range(3):
        http.post("/api/clients", json={"name": f"Continuation {n}"}, headers=headers)
    token = http.get("/api/clients?limit=1", headers=headers).json()["continuation"]
    answer = http.get("/api/projects", params={"continuation": token}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "request-invalid")
