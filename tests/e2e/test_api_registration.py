"""Registration over HTTP: each refusal has its own code, title and fix; a lost answer is not a used code."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from local.operator_api import OperatorApi
from local.stack import Stack
from migrate_contract.agents import CODE_ALPHABET
from tests.harness.conditions import eventually
from tests.harness.wire_agent import WireAgent

TRIES = 4


@pytest.fixture
def operator(stack: Stack) -> OperatorApi:
    """The first Admin."""
    return stack.operator_api()


def refusal(answer: Any, status: int, code: str, title: str) -> dict[str, Any]:
    problem: dict[str, Any] = answer.json()
    assert (answer.status_code, problem["code"], problem["title"]) == (status, code, title), problem
    assert problem["fix"]
    return problem


def fresh_code(operator: OperatorApi) -> str:
    return operator.create_code(operator.create_client("Registration")["client_id"])


def test_a_code_becomes_an_agent_of_its_client(stack: Stack, operator: OperatorApi):
    client = operator.create_client("Registration")
    code = operator.create_code(client["client_id"])
    agent = WireAgent(stack.api_url).registered(code)
    assert (agent.organization_id, agent.client_id) == ("local", client["client_id"])
    view = operator.call("GET", f"/api/agents/{agent.agent_id}")
    assert (view["state"], view["client_id"]) == ("registered", client["client_id"])
    (fate,) = operator.call("GET", "/api/registration-codes", client_id=client["client_id"])["items"]
    assert (fate["state"], fate["agent_id"]) == ("used", agent.agent_id)
    assert code.replace("-", "") not in str(fate)


@pytest.mark.parametrize("typed", [str.lower, lambda code: f" {code} ", lambda code: " ".join(code)])
def test_how_a_code_is_typed_is_forgiven(stack: Stack, operator: OperatorApi, typed):
    assert WireAgent(stack.api_url).register(typed(fresh_code(operator))).status_code == 200


def test_a_used_code_names_the_agent_and_when(stack: Stack, operator: OperatorApi):
    code = fresh_code(operator)
    first = WireAgent(stack.api_url, machine="first-machine").registered(code)
    problem = refusal(
        WireAgent(stack.api_url).register(code), 409, "registration-code-used", "Registration code already used"
    )
    assert "first-machine" in problem["detail"] or first.agent_id in problem["detail"]


def test_a_lost_answer_is_no_used_code(stack: Stack, operator: OperatorApi):
    code = fresh_code(operator)
    agent = WireAgent(stack.api_url).registered(code)
    first_key, first_id = agent.key, agent.agent_id
    agent.registered(code)
    assert agent.agent_id == first_id
    assert agent.key != first_key
    assert agent.heartbeat().status_code == 200


def test_of_two_agents_exactly_one_wins(stack: Stack, operator: OperatorApi):
    for _ in range(5):
        code = fresh_code(operator)
        racers = [WireAgent(stack.api_url) for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            statuses = sorted(answer.status_code for answer in pool.map(WireAgent.register, racers, [code] * 4))
        assert statuses == [200, 409, 409, 409]


def test_a_revoked_code(stack: Stack, operator: OperatorApi):
    client = operator.create_client("Registration")
    made = operator.call("POST", "/api/registration-codes", {"client_id": client["client_id"]})
    operator.call("DELETE", f"/api/registration-codes/{made['code_id']}")
    answer = WireAgent(stack.api_url).register(made["code"])
    assert (answer.status_code, answer.json()["code"]) == (410, "registration-code-revoked")


def test_expired_and_guessed_codes(fresh_stack):
    settings = {"ONEMIGRATE_CODE_LIFETIME_SECONDS": "2", "ONEMIGRATE_CODE_TRIES": str(TRIES)}
    stack = fresh_stack(settings=settings)
    with stack.operator_api() as operator:
        client_id = operator.create_client("Registration")["client_id"]
        code = operator.create_code(client_id)
        made = time.monotonic()

        def gone() -> Any:
            (fate,) = operator.call("GET", "/api/registration-codes", client_id=client_id)["items"]
            return fate["state"] == "expired"

        eventually(gone, seconds=10, what="the code expired")
        assert time.monotonic() - made >= 1.5
        refusal(WireAgent(stack.api_url).register(code), 410, "registration-code-expired", "Registration code expired")
        guesses = [WireAgent(stack.api_url).register(CODE_ALPHABET[n] * 8) for n in range(TRIES + 2)]
        codes = [answer.json()["code"] for answer in guesses]
        assert codes[0] == "registration-code-unknown"
        assert codes[-1] == "registration-throttled"
        assert codes.index("registration-throttled") >= TRIES - 1
        assert int(guesses[-1].headers["Retry-After"]) > 0
        good = WireAgent(stack.api_url).register(operator.create_code(client_id))
        assert good.status_code == 429
        claimed = WireAgent(stack.api_url)
        claimed.http.headers["X-Forwarded-For"] = "198.51.100.77"
        assert claimed.register(CODE_ALPHABET[0] * 8).status_code == 429
