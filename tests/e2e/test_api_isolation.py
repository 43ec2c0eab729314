"""Every operation across two organizations and across two clients: nothing is seen, nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from functions.adapters.access import StorageAccess
from functions.adapters.tables import AzureTables
from functions.domain.caller import Role
from functions.services.deployment import Deployment
from functions.services.members import Members
from functions.triggers import api
from functions.triggers.edge_endpoint import Audience, Endpoint
from local.identity import StackOperator
from local.operator_api import ApiRefused, OperatorApi
from local.stack import Stack
from tests.harness.conditions import eventually
from tests.harness.wire_agent import WireAgent

OPERATOR_ENDPOINTS = {
    endpoint.name: endpoint
    for routes in api.API
    for endpoint in routes.endpoints
    if endpoint.audience is Audience.OPERATOR
}
WITH_ID = [endpoint for endpoint in OPERATOR_ENDPOINTS.values() if endpoint.path]
LISTS = [
    "agents_list",
    "clients_list",
    "jobs_list",
    "projects_list",
    "registration_codes_list",
    "alerts_list",
    "webhooks_list",
]
BODIES: dict[str, dict[str, Any]] = {
    "clients_edit": {"name": "taken over"},
    "agents_edit": {"name": "taken over"},
    "projects_edit": {"name": "taken over"},
    "projects_connect": {"kind": "deployment"},
    "jobs_edit": {"name": "taken over"},
    "jobs_duplicate": {"name": "taken over"},
    "projects_schedule": {"zone": "UTC", "outside_mbps": 0},
    "clients_limit": {"limit_mbps": 1},
    "jobs_limit": {"limit_mbps": 1},
    "jobs_mirror_confirm": {"container": "isolation-ours"},
    "azure_sign_in_begin": {"account": "customerdata"},
    "azure_sign_in_save": {"draft_id": "draft-of-nobody", "container": "taken-over"},
    "recipients_add": {"address": "taken@over.example"},
    "mails_test": {"address": "taken@over.example"},
    "webhooks_change": {"enabled": False},
    "rockrms_connect_mission": {"url": "https://over.example", "integration_key": "taken-over"},
    "rockrms_keep": {"agent_id": "agt_000000000000", "connection_string": "Server=taken.over"},
    "rockrms_trace": {"entity": "people", "source_id": 1},
    "rockrms_funds": {"funds": []},
    "imports_change": {"rockrms": {"time_zone": "UTC"}},
}


@dataclass(frozen=True)
class Belongings:
    """One of everything, of one client."""

    client_id: str
    project_id: str
    agent_id: str
    job_id: str
    code_id: str
    draft_id: str
    recipient_id: str
    webhook_id: str
    event_id: str
    agent: WireAgent
    container: str

    def path(self, endpoint: Endpoint) -> str:
        """Result: the endpoint's address with this client's ids."""
        return "/" + endpoint.route.format(**vars(self))


def belongings(stack: Stack, operator: OperatorApi, container: str) -> Belongings:
    client_id = operator.create_client(f"Isolation {container}")["client_id"]
    project_id = operator.create_project(client_id, "Files")["project_id"]
    agent = WireAgent(stack.api_url).registered(operator.create_code(client_id)).in_session()
    made = operator.call("POST", "/api/registration-codes", {"client_id": client_id})
    job = operator.create_copy_job(project_id, "Copy", Path("/srv"), container)
    eventually(
        lambda: operator.call("GET", f"/api/agents/{agent.agent_id}")["open_commands"] == 1,
        seconds=60,
        what="the start command in the agent's mailbox",
    )
    address = {"address": "it@isolation.example"}
    operator.call("POST", f"/api/projects/{project_id}/recipients", address)
    (recipient,) = operator.call("GET", f"/api/projects/{project_id}/recipients")["items"]
    recipient_id = recipient["recipient_id"]
    hook = {"url": "https://hooks.isolation.invalid/", "project_id": project_id}
    webhook_id = operator.call("POST", "/api/webhooks", hook)["webhook_id"]
    event_id = operator.call("POST", f"/api/webhooks/{webhook_id}/test", None)["event_id"]
    return Belongings(
        client_id,
        project_id,
        agent.agent_id,
        job["job_id"],
        made["code_id"],
        "draft-of-nobody",
        recipient_id,
        webhook_id,
        event_id,
        agent,
        container,
    )


@pytest.fixture(scope="module")
def ours(stack: Stack) -> Belongings:
    with stack.operator_api() as operator:
        return belongings(stack, operator, "isolation-ours")


@pytest.fixture(scope="module")
def theirs(stack: Stack) -> Belongings:
    """Another client of the same organization."""
    with stack.operator_api() as operator:
        return belongings(stack, operator, "isolation-theirs")


@pytest.fixture(scope="module")
def foreigner(stack: Stack) -> Iterator[OperatorApi]:
    """An Admin of the other organization."""
    with stack.operator_api(outsider(stack)) as operator:
        yield operator


@pytest.fixture(scope="module")
def foreign_http(stack: Stack) -> Iterator[httpx.Client]:
    """The same Admin's bare connection, for what is refused."""
    headers = {"Authorization": stack.authorization(outsider(stack))}
    with httpx.Client(base_url=stack.api_url, headers=headers, timeout=30, trust_env=False) as client:
        yield client


def outsider(stack: Stack) -> StackOperator:
    return next(one for one in stack.operators if one.organization != "local")


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, Belongings, Belongings]]:
    """A stack whose second operator may see the second client only."""
    with Stack(tmp_path_factory.mktemp("limited")) as stack:
        with stack.operator_api() as operator:
            hidden = belongings(stack, operator, "isolation-hidden")
            seen = belongings(stack, operator, "isolation-seen")
        limit_member(stack, seen.client_id)
        yield stack, hidden, seen


def limit_member(stack: Stack, client_id: str) -> None:
    """The second operator (role Operator becomes Admin) is limited to one client."""
    access = StorageAccess(connection_string=stack.state_account.connection_string, ca_file=str(stack.ca_file))
    deployment = Deployment("local", "Local", "", "", b"")
    members = Members(AzureTables(access), lambda: datetime.now(UTC), deployment)
    person = second(stack).person
    members.install("local", person.tenant_id, person.object_id, Role.ADMIN, person.name, [client_id])


def second(stack: Stack) -> StackOperator:
    return next(one for one in stack.operators if one.role == "Operator")


def ask(stack: Stack, authorization: str, endpoint: Endpoint, owner: Belongings) -> httpx.Response:
    body = {"agent_id": owner.agent_id} if endpoint.name == "jobs_reassign" else BODIES.get(endpoint.name, {})
    return httpx.request(
        endpoint.method,
        stack.api_url + owner.path(endpoint),
        json=body,
        headers={"Authorization": authorization},
        trust_env=False,
        timeout=30,
    )


def state_of(operator: OperatorApi, owner: Belongings) -> list[Any]:
    """Result: everything that an operation of somebody else might have changed."""
    job = operator.job(owner.job_id)
    agent = operator.call("GET", f"/api/agents/{owner.agent_id}")
    return [
        operator.call("GET", f"/api/clients/{owner.client_id}"),
        operator.call("GET", f"/api/projects/{owner.project_id}"),
        [agent[name] for name in ("name", "revoked_at", "open_commands")],
        [job[name] for name in ("name", "transfer", "state", "attempt", "wish", "agent_id", "approved_at")],
        operator.call("GET", f"/api/projects/{owner.project_id}/recipients"),
        operator.call("GET", f"/api/webhooks/{owner.webhook_id}"),
        operator.call("GET", f"/api/webhooks/{owner.webhook_id}/deliveries"),
        [code["state"] for code in operator.call("GET", "/api/registration-codes", client_id=owner.client_id)["items"]],
    ]


@pytest.mark.parametrize("endpoint", WITH_ID, ids=lambda endpoint: endpoint.name)
def test_no_operation_reaches_another_organization(endpoint: Endpoint, stack: Stack, ours: Belongings):
    with stack.operator_api() as operator:
        before = state_of(operator, ours)
        answer = ask(stack, stack.authorization(outsider(stack)), endpoint, ours)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found"), answer.text
        assert state_of(operator, ours) == before


@pytest.mark.parametrize("endpoint", WITH_ID, ids=lambda endpoint: endpoint.name)
def test_no_operation_reaches_a_client_that_a_member_may_not_see(endpoint: Endpoint, limited):
    stack, hidden, _seen = limited
    with stack.operator_api() as operator:
        before = state_of(operator, hidden)
        answer = ask(stack, stack.authorization(second(stack)), endpoint, hidden)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found"), answer.text
        assert state_of(operator, hidden) == before


@pytest.mark.parametrize("name", LISTS)
def test_lists_hold_nothing_of_another_organization(name: str, stack: Stack, ours: Belongings, foreigner: OperatorApi):
    text = str(everything(foreigner, "/" + OPERATOR_ENDPOINTS[name].route))
    assert not [mine for mine in (ours.client_id, ours.project_id, ours.agent_id, ours.job_id) if mine in text]


@pytest.mark.parametrize("name", LISTS)
def test_lists_hold_nothing_of_a_client_that_a_member_may_not_see(name: str, limited):
    stack, hidden, seen = limited
    with stack.operator_api(second(stack)) as operator:
        text = str(everything(operator, "/" + OPERATOR_ENDPOINTS[name].route))
    assert not [
        theirs for theirs in (hidden.client_id, hidden.project_id, hidden.agent_id, hidden.job_id) if theirs in text
    ]
    if name != "alerts_list":
        assert seen.client_id in text


def everything(operator: OperatorApi, path: str) -> list[Any]:
    items: list[Any] = []
    query = {"limit": "200"}
    while True:
        page = operator.call("GET", path, **query)
        items += page["items"]
        if not page["continuation"]:
            return items
        query["continuation"] = page["continuation"]


@pytest.mark.parametrize("query", ["client_id={client_id}", "project_id={project_id}", "agent_id={agent_id}"])
def test_a_filter_names_nothing_of_another_organization(query: str, ours: Belongings, foreign_http: httpx.Client):
    name, _, value = query.format(**vars(ours)).partition("=")
    for path in {"client_id": ["agents", "projects", "registration-codes"]}.get(name, ["jobs"]):
        answer = foreign_http.get(f"/api/{path}", params={name: value})
        assert answer.status_code == 404 or answer.json()["items"] == []


def test_bodies_name_nothing_of_another_organization(
    ours: Belongings, foreigner: OperatorApi, foreign_http: httpx.Client
):
    own_client = foreigner.create_client("Foreign")["client_id"]
    own_project = foreigner.create_project(own_client, "Foreign")["project_id"]
    job = {
        "name": "x",
        "source": {"path": "/srv"},
        "destination": {"container": "isolation-foreign"},
        "project_id": own_project,
    }
    tries = [
        ("/api/projects", {"client_id": ours.client_id, "name": "x"}),
        ("/api/registration-codes", {"client_id": ours.client_id}),
        ("/api/webhooks", {"url": "https://hooks.isolation.invalid/", "project_id": ours.project_id}),
        ("/api/jobs", {**job, "project_id": ours.project_id}),
        ("/api/jobs", {**job, "agent_id": ours.agent_id}),
    ]
    for path, body in tries:
        answer = foreign_http.post(path, json=body)
        assert answer.status_code == 404, (path, answer.text)


def test_a_container_of_another_organization_is_taken(
    ours: Belongings, foreigner: OperatorApi, foreign_http: httpx.Client
):
    own_client = foreigner.create_client("Foreign")["client_id"]
    own_project = foreigner.create_project(own_client, "Foreign")["project_id"]
    body = {
        "project_id": own_project,
        "name": "x",
        "source": {"path": "/srv"},
        "destination": {"container": ours.container, "prefix": "elsewhere"},
    }
    answer = foreign_http.post("/api/jobs", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "container-of-another-client")
    assert ours.client_id not in answer.text
    assert ours.job_id not in answer.text


def test_a_job_names_agents_of_its_own_client_only(stack: Stack, ours: Belongings, theirs: Belongings):
    body = {
        "project_id": ours.project_id,
        "name": "x",
        "source": {"path": "/srv"},
        "destination": {"container": "isolation-mixed"},
        "agent_id": theirs.agent_id,
    }
    with stack.operator_api() as operator:
        for path, sent in (("/api/jobs", body), (f"/api/jobs/{ours.job_id}/reassign", {"agent_id": theirs.agent_id})):
            with pytest.raises(ApiRefused) as refused:
                operator.call("POST", path, sent)
            assert (refused.value.status, refused.value.code) == (409, "agent-of-another-client")


LOG_ROW = {
    "row": 1,
    "kind": "errored",
    "entity": "people",
    "source_table": "Person",
    "code": "mission-record-refused",
    "detail": "Refused.",
    "at": "2025-01-01T00:00:00Z",
}
REPORT = {
    "attempt": 1,
    "stage": "dry_run",
    "started_at": "2025-01-01T00:00:00Z",
    "finished_at": "2025-01-01T00:00:01Z",
}
ROW = {"row": 1, "path": "a", "bucket": "transferred", "finished_at": "2025-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("progress", {"attempt": 1, "sequence": 1, "phase": "failed"}),
        ("grant", {"attempt": 1}),
        ("failed-files", {"attempt": 1}),
        ("ledger", {"attempt": 1, "rows": [ROW]}),
        ("mission", {"attempt": 1}),
        ("import-log", {"attempt": 1, "rows": [LOG_ROW]}),
        ("import-report", REPORT),
    ],
)
def test_an_agent_reaches_its_own_jobs_only(call: str, body, stack: Stack, ours: Belongings, theirs: Belongings):
    with stack.operator_api() as operator:
        before = operator.job(ours.job_id)["state"]
        answer = theirs.agent.post(f"/api/agent/jobs/{ours.job_id}/{call}", body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found"), answer.text
        assert operator.job(ours.job_id)["state"] == before


def test_an_agent_answers_its_own_commands_only(ours: Belongings, theirs: Belongings):
    def delivered() -> list[str]:
        return [command["command_id"] for command in ours.agent.heartbeat().json()["commands"]]

    (command_id,) = eventually(delivered, seconds=60, what="the job's start command")
    path = f"/api/agent/commands/{command_id}/result"
    answer = theirs.agent.post(path, {"status": "failed", "code": "command-unknown"})
    assert answer.status_code == 404 or answer.json() == {"proceed": False}
    assert delivered() == [command_id]
