"""An import through the running control plane, with an agent that is nothing but its wire."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from local.operator_api import ApiRefused, OperatorApi
from local.stack import Stack
from tests.harness.conditions import eventually
from tests.harness.wire_agent import WireAgent
from tests.memory.imports import MISSION_KEY, PRIVATE_KEY, SEALING_KEY, unsealed

AT = "2026-03-02T14:00:00Z"
GENERAL = "4410306f-3fb5-4a57-9a80-09a3f9d40d0c"


@dataclass
class Church:
    """A project with an agent that keeps its RockRMS connection, and Mission."""

    operator: OperatorApi
    http: httpx.Client
    agent: WireAgent
    client_id: str
    project_id: str

    def beat(self) -> list[dict[str, Any]]:
        """The commands of one heartbeat."""
        shown = {"server": "sql01", "port": 1433, "database": "Rock", "user": "reader"}
        held = [{"project_id": self.project_id, "shown": shown, "kept_in": "file"}]
        answer = self.agent.heartbeat(rock_connections=held, sealing_key=SEALING_KEY)
        assert answer.is_success, answer.text
        found: list[dict[str, Any]] = answer.json()["commands"]
        return found

    def command(self, kind: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = eventually(
            lambda: [command for command in self.beat() if command["kind"] == kind], seconds=60, what=kind
        )
        return found[0]

    def answer(self, command: dict[str, Any], **more: Any) -> None:
        path = f"/api/agent/commands/{command['command_id']}/result"
        said = self.agent.post(path, {"status": "accepted", **more})
        assert said.json() == {"proceed": True}, said.text

    def project(self, method: str, path: str, body: object = None) -> Any:
        return self.operator.call(method, f"/api/projects/{self.project_id}/{path}", body)


@pytest.fixture(scope="module")
def church(stack: Stack) -> Iterator[Church]:
    headers = {"Authorization": stack.authorization()}
    with (
        stack.operator_api() as operator,
        httpx.Client(base_url=stack.api_url, headers=headers, timeout=30, trust_env=False) as http,
    ):
        client_id = operator.create_client("Church of the wire")["client_id"]
        project_id = operator.create_unconnected_project(client_id, "Church")["project_id"]
        agent = WireAgent(stack.api_url).registered(operator.create_code(client_id))
        made = Church(operator, http, agent, client_id, project_id)
        made.beat()
        made.project("PUT", "mission-connection", {"url": "http://127.0.0.1:9/", "integration_key": MISSION_KEY})
        yield made


def test_checks_go_to_the_agent_and_their_answers_to_the_project(church: Church):
    church.project("POST", "rockrms-test", {})
    with pytest.raises(ApiRefused) as refused:
        church.project("POST", "mission-test", {})
    assert refused.value.code == "agent-check-running"
    command = church.command("test_rockrms")
    assert command["arguments"] == {"project_id": church.project_id}
    church.answer(command, rock={"sql_version": "16.0", "rock_version": "17.1"})
    church.project("POST", "mission-test", {})
    command = church.command("test_mission")
    path = f"/api/agent/commands/{command['command_id']}/mission"
    given = church.agent.post(path, {}).json()
    assert (given["url"], given["integration_key"]) == ("http://127.0.0.1:9", MISSION_KEY)
    church.answer(command, mission={"organization_name": "St. Mary", "contract_version": "1"})
    assert church.agent.post(path, {}).json()["code"] == "grant-refused"
    seen = church.project("GET", "rockrms")
    assert (seen["rock_test"]["state"], seen["rock_test"]["rock"]["rock_version"]) == ("done", "17.1")
    assert seen["mission_test"]["mission"]["organization_name"] == "St. Mary"
    assert seen["held"][0]["shown"]["server"] == "sql01"
    assert seen["missing"] == []
    assert MISSION_KEY not in str(seen)


def test_a_connection_string_reaches_the_agent_sealed(church: Church):
    body = {"agent_id": church.agent.agent_id, "connection_string": "Server=sql01;Password=hunter2"}
    said = church.project("PUT", "rockrms-connection", body)
    assert "hunter2" not in str(said)
    command = church.command("keep_connection")
    bound_to = f"{church.agent.organization_id}|{church.agent.agent_id}|{church.project_id}".encode()
    assert unsealed(command["arguments"]["sealed"], bound_to) == body["connection_string"]
    church.answer(command)
    assert church.project("GET", "rockrms")["keep"]["state"] == "done"
    assert PRIVATE_KEY is not None


def test_an_import_from_the_form_to_the_certificate(church: Church):
    choice = {"account_guid": GENERAL, "choice": "other", "external_fund_id": "general"}
    church.project("PUT", "funds", {"funds": [choice]})
    body: dict[str, Any] = {"project_id": church.project_id, "name": "Church", "type": "rockrms_import"}
    body["rockrms"] = {"time_zone": "America/Chicago", "date_range_start": "2024-01-01"}
    job_id = church.operator.call("POST", "/api/jobs", body)["job_id"]
    with pytest.raises(ApiRefused) as refused:
        church.operator.call("POST", "/api/jobs", body)
    assert (refused.value.status, refused.value.code) == (409, "import-unfinished")
    command = church.command("start_job")
    assert command["spec"]["rockrms"]["funds"] == [choice]
    assert command["spec"]["destination"] == {"kind": "mission", "url": "http://127.0.0.1:9"}
    church.answer(command)
    agent = church.agent
    assert agent.post(f"/api/agent/jobs/{job_id}/mission", {"attempt": 1}).json()["integration_key"] == MISSION_KEY
    for sequence, phase in enumerate(("scanning", "running")):
        counted = [{"entity": "people", "in_scope": 2, "imported": sequence, "pending": 2 - sequence}]
        agent.progress(job_id, sequence, phase, entities=counted).raise_for_status()
    assert church.operator.job(job_id)["progress"]["entities"][0]["imported"] == 1
    row = {"row": 1, "kind": "errored", "entity": "people", "source_table": "Person", "source_id": 7, "at": AT}
    row |= {"code": "mission-record-refused", "detail": "Refused.", "answer": "{}"}
    for _ in range(2):
        answer = agent.post(f"/api/agent/jobs/{job_id}/import-log", {"attempt": 1, "rows": [row]})
        assert answer.json() == {"next_row": 2}
    report = {"attempt": 1, "stage": "verified", "evidence": "mission", "financial_match": False}
    report |= {"quality_score": 50.0, "started_at": AT, "finished_at": AT, "reason": "One cent."}
    said = agent.post(f"/api/agent/jobs/{job_id}/import-report", report)
    assert said.json() == {"applied": True}, said.text
    agent.progress(job_id, 9, "completed", entities=[]).raise_for_status()
    job = church.operator.job(job_id)
    assert (job["state"], job["outcome"]) == ("completed", "complete_with_failures")
    assert job["import_result"]["financial_match"] is False
    assert church.operator.call("GET", f"/api/jobs/{job_id}/import-report")["report"]["reason"] == "One cent."
    groups = church.operator.call("GET", f"/api/jobs/{job_id}/import-log/summary")["groups"]
    assert [(group["code"], group["rows"]) for group in groups] == [("mission-record-refused", 1)]
    text = church.http.get(f"/api/jobs/{job_id}/import-log.csv?kind=errored").text
    assert [line["source_id"] for line in csv.DictReader(io.StringIO(text))] == ["7"]
    certificate = church.operator.call("GET", f"/api/jobs/{job_id}/certificate")
    assert certificate["verdict"].startswith("Not equal")
    refusal = agent.post(f"/api/agent/jobs/{job_id}/mission", {"attempt": 1})
    assert refusal.json()["code"] == "grant-refused"
