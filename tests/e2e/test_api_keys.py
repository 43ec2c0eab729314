"""Agent keys over HTTP: rotated with overlap, revoked, retired; sessions that are superseded."""

from __future__ import annotations

import pytest

from local.operator_api import OperatorApi
from local.stack import Stack
from tests.harness.app_functions import SAMPLES
from tests.harness.conditions import eventually
from tests.harness.wire_agent import WireAgent

CALLS = [
    ("/api/agent/heartbeat", {}),
    ("/api/agent/rotate-key", {}),
    (f"/api/agent/jobs/{SAMPLES['job_id']}/progress", {"attempt": 1, "sequence": 1, "phase": "running"}),
    (f"/api/agent/jobs/{SAMPLES['job_id']}/grant", {"attempt": 1}),
    (f"/api/agent/jobs/{SAMPLES['job_id']}/ledger", {"attempt": 1, "rows": []}),
    (f"/api/agent/commands/{SAMPLES['command_id']}/result", {"status": "accepted"}),
    ("/api/agent/unregister", {}),
]


@pytest.fixture
def operator(stack: Stack) -> OperatorApi:
    """The first Admin."""
    return stack.operator_api()


def new_agent(stack: Stack, operator: OperatorApi) -> WireAgent:
    code = operator.create_code(operator.create_client("Keys")["client_id"])
    return WireAgent(stack.api_url).registered(code).in_session()


@pytest.mark.parametrize(("path", "body"), CALLS)
@pytest.mark.parametrize("key", ["", "nonsense", "a.b.c", "local.agt_000000000000." + "x" * 43])
def test_every_agent_call_refuses_a_wrong_key(stack: Stack, path: str, body: dict[str, object], key: str):
    answer = WireAgent(stack.api_url).post(path, body, key=key)
    assert answer.status_code == 401
    assert answer.json()["code"] in {"agent-key-missing", "agent-key-invalid"}


def test_another_agents_id_with_this_agents_secret(stack: Stack, operator: OperatorApi):
    one, other = new_agent(stack, operator), new_agent(stack, operator)
    organization, _, secret = one.key.split(".")
    answer = one.post("/api/agent/rotate-key", {}, key=f"{organization}.{other.agent_id}.{secret}")
    assert (answer.status_code, answer.json()["code"]) == (401, "agent-key-invalid")
    answer = one.post("/api/agent/rotate-key", {}, key=f"elsewhere.{one.agent_id}.{secret}")
    assert (answer.status_code, answer.json()["code"]) == (401, "agent-key-invalid")


@pytest.mark.parametrize(("path", "body"), CALLS)
def test_every_agent_call_refuses_a_revoked_agent(stack: Stack, operator: OperatorApi, path, body):
    agent = new_agent(stack, operator)
    view = operator.call("POST", f"/api/agents/{agent.agent_id}/revoke")
    assert view["state"] == "revoked"
    answer = agent.post(path, body)
    assert (answer.status_code, answer.json()["code"]) == (403, "agent-revoked")


def test_an_agent_retires_itself(stack: Stack, operator: OperatorApi):
    agent = new_agent(stack, operator)
    answer = agent.post("/api/agent/unregister", {}, session=False)
    assert (answer.status_code, answer.content) == (204, b"")
    assert agent.heartbeat().json()["code"] == "agent-revoked"
    assert operator.call("GET", f"/api/agents/{agent.agent_id}")["state"] == "revoked"


def test_a_rotated_key_overlaps_and_then_expires(fresh_stack):
    stack = fresh_stack(settings={"ONEMIGRATE_KEY_OVERLAP_SECONDS": "3"})
    with stack.operator_api() as operator:
        agent = new_agent(stack, operator)
        old = agent.key
        said = agent.post("/api/agent/rotate-key", {}).json()
        assert said["agent_key"] != old
        assert said["old_key_valid_seconds"] == 3
        assert agent.heartbeat().status_code == 200
        agent.key = said["agent_key"]
        assert agent.heartbeat().status_code == 200
        agent.key = old
        eventually(lambda: agent.heartbeat().status_code == 401, seconds=15, what="the old key ends")
        assert agent.heartbeat().json()["code"] == "agent-key-expired"


@pytest.mark.parametrize(("path", "body"), CALLS[1:-1])
def test_every_call_in_a_session_refuses_an_older_one(stack: Stack, operator: OperatorApi, path, body):
    agent = new_agent(stack, operator)
    newer = WireAgent(stack.api_url, machine=agent.machine)
    newer.key = agent.key
    newer.in_session()
    assert newer.epoch is not None
    assert agent.epoch is not None
    assert newer.epoch > agent.epoch
    answer = agent.post(path, body)
    assert (answer.status_code, answer.json()["code"]) == (409, "session-superseded")
    assert agent.heartbeat().json()["code"] == "session-superseded"


@pytest.mark.parametrize(("path", "body"), CALLS[1:-1])
def test_every_call_in_a_session_needs_one(stack: Stack, operator: OperatorApi, path, body):
    answer = new_agent(stack, operator).post(path, body, session=False)
    assert (answer.status_code, answer.json()["code"]) == (400, "request-invalid")


def test_a_key_is_for_its_own_prefix(stack: Stack, operator: OperatorApi):
    agent = new_agent(stack, operator)
    answer = agent.http.get("/api/agents", headers={"X-Agent-Key": agent.key})
    assert (answer.status_code, answer.json()["code"]) == (401, "sign-in-required")
