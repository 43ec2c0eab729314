"""The demonstration of an import: a generated church goes to Mission through the whole system, to the cent.

Own stack in a temporary folder; both connections typed in as in the dashboard (the connection string is sealed to the
agent) and tested by the agent; a dry run, the funds, the import. The agent is killed once on the way and started again.
The verdict is not the product's alone: every field of what Mission holds is compared with the generator's own model.
Nothing is left behind but the certificate.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.agent_process import AgentProcess
from local.church.church import build
from local.church.expected import Difference, compare
from local.church.expecting import expect
from local.demo import ENDED, STALLED_SECONDS, DemoFailed
from local.demo_display import DemoDisplay
from local.operator_api import OperatorApi
from local.processes import wait_until
from local.stack import CHURCH_SEED, Stack
from migrate_contract.certificate import certificate_html
from migrate_contract.rockrms import Entity, FundAnswer, ImportReport, ImportSettings, TraceReport

CLIENT, PROJECT = "Grace Community Church", "RockRMS to Mission"
PEOPLE = 600
KILL_AFTER_BATCHES = 7
"""In the middle of the gifts, for a church of that size."""
_CHECK_SECONDS = 60.0
_POLL_SECONDS = 0.3


@dataclass
class RockDemoReport:
    """What came of it."""

    report: ImportReport
    dry_run: ImportReport
    certificate: Path
    trace: TraceReport
    """Of one gift, from Rock to Mission."""
    killed: bool
    differences: list[Difference]
    """Between Mission and the generator's model."""
    records: int
    seconds: float
    problems: list[str] = field(default_factory=list)


def run_rock_demo(
    display: DemoDisplay,
    certificate: Path,
    *,
    people: int = PEOPLE,
    kill_after: int | None = KILL_AFTER_BATCHES,
    before_verdict: Callable[[Stack], None] = lambda stack: None,
    check: Callable[[], None] = lambda: None,
) -> RockDemoReport:
    """Import a church of about `people` and judge; raises DemoFailed, and whatever the stack's parts raise.

    `kill_after`: batches after which the agent is killed once, None: never. `check` is called now and then; what it
    raises ends the demonstration. Cleans up after itself, but for the certificate.
    """
    started_at = time.monotonic()
    with ExitStack() as cleanup:
        directory = Path(tempfile.mkdtemp(prefix="onemigrate-rock-demo-"))
        cleanup.callback(shutil.rmtree, directory, ignore_errors=True)
        display.step(f"Starting the local stack, with a generated church of about {people:,} people and a Mission")
        stack = cleanup.enter_context(Stack(directory / "stack", church_people=people))
        api = cleanup.enter_context(stack.operator_api())
        run = _Run(stack, api, AgentProcess(directory / "agent", stack.api_url, stack.ca_file), display, check)
        cleanup.callback(run.agent.stop)
        run.connect()
        dry_run = run.dry_run()
        killed, report = run.import_all(kill_after)
        trace = run.trace_a_gift()
        before_verdict(stack)
        display.step("Comparing every field of what Mission holds with the church's own model")
        differences, records = _compared(stack, run.settings, people)
        certificate.parent.mkdir(parents=True, exist_ok=True)
        certificate.write_text(certificate_html(report, project=PROJECT, client=CLIENT, signed_for=None), "utf-8")
        display.step("Stopping the agent and the stack")
    found = RockDemoReport(
        report, dry_run, certificate, trace, killed, differences, records, time.monotonic() - started_at
    )
    found.problems = _problems(found, wanted_kill=kill_after is not None)
    return found


class _Run:
    """One demonstration's project and its jobs."""

    def __init__(
        self, stack: Stack, api: OperatorApi, agent: AgentProcess, display: DemoDisplay, check: Callable[[], None]
    ) -> None:
        self.stack, self.api, self.agent, self._display, self._check = stack, api, agent, display, check
        self.settings = ImportSettings(time_zone=stack.rock.time_zone)
        self._project_id = self._job_id = ""

    def connect(self) -> None:
        """Client, project and agent; both connections, tested from the agent's machine."""
        display, api = self._display, self.api
        display.step(f"Control plane at {self.stack.api_url}: creating client and project; registering an agent")
        client_id = api.create_client(CLIENT)["client_id"]
        self._project_id = str(api.create_unconnected_project(client_id, PROJECT)["project_id"])
        self.agent.register(api.create_code(client_id), "demonstration agent")
        self.agent.start()
        agent_id = self._agent_online()
        display.step("Keeping the connection string on the agent, sealed to its key; testing RockRMS")
        body = {"agent_id": agent_id, "connection_string": self.stack.rock.connection_string}
        self._put("rockrms-connection", body)
        self._checked("keep")
        self._post("rockrms-test", {"agent_id": agent_id})
        rock = self._checked("rock_test")["rock"]
        rows = ", ".join(f"{each['entity']} {each['rows']:,}" for each in rock["entities"])
        display.step(f"RockRMS {rock['rock_version']} on {rock['sql_version'][:40]}: {rows}")
        display.step("Connecting Mission and testing it")
        self._put(
            "mission-connection", {"url": self.stack.mission.url, "integration_key": self.stack.identity.mission_key}
        )
        self._post("mission-test", {"agent_id": agent_id})
        mission = self._checked("mission_test")["mission"]
        display.step(f"Mission of {mission['organization_name']}, contract version {mission['contract_version']}")

    def _agent_online(self) -> str:
        """The agent's id, once it has sent a heartbeat."""
        found: list[dict[str, Any]] = []

        def is_online() -> bool:
            self._check()
            found[:] = self.api.call("GET", "/api/agents")["items"]
            return any(agent["state"] == "online" for agent in found)

        wait_until(is_online, seconds=_CHECK_SECONDS, what="the agent's first heartbeat")
        return str(found[0]["agent_id"])

    def dry_run(self) -> ImportReport:
        """Everything but the sending, then the funds as it suggests them."""
        self._display.step("Dry run: everything but the sending")
        job_id = self._create("Dry run", self.settings.model_copy(update={"dry_run": True}))
        self._watch(job_id)
        report = self._report(job_id)
        funds = [
            {"account_guid": fund.account_guid, "choice": FundAnswer.NEW.value}
            for fund in report.funds
            if fund.suggested is FundAnswer.NEW
        ]
        self._display.step(f"Choosing funds: {len(funds)} new ones, as the dry run suggests")
        self._put("funds", {"funds": funds})
        return report

    def import_all(self, kill_after: int | None) -> tuple[bool, ImportReport]:
        """Whether the agent was killed on the way, and the report."""
        control = self.stack.mission.control
        if kill_after is not None:
            control.hold_after(kill_after)
        self._display.step("Importing")
        job_id = self._job_id = self._create("Import", self.settings)
        killed = False
        if kill_after is not None:
            killed = control.wait_held(STALLED_SECONDS, check=self._check)
            self._display.step(f"kill -9 of the agent after {kill_after} batches, in the middle of its work")
            self.agent.process.kill()
            control.release()
            self._display.step("Starting the agent again: it goes on where its journal ends")
            self.agent.start()
        self._watch(job_id)
        return killed, self._report(job_id)

    def trace_a_gift(self) -> TraceReport:
        """One gift's way, as the agent finds it when somebody asks."""
        gift = self.stack.mission.control.records(Entity.CONTRIBUTIONS.value)[0]
        source_id = int(str(gift["external_id"]).rsplit(":", 1)[1])
        self._post("trace", {"entity": Entity.CONTRIBUTIONS.value, "source_id": source_id, "job_id": self._job_id})
        found = TraceReport.model_validate_json(json.dumps(self._checked("trace")["trace"]))
        self._display.step(
            f"Trace of one gift: {found.source_table} {found.source_id}, {len(found.source)} values in Rock, "
            f"{found.status} with batch {(found.batch_key or '')[:8]}, {found.copies} copy in Mission, "
            f"{found.code or 'equal in every field'}"
        )
        return found

    def _create(self, name: str, settings: ImportSettings) -> str:
        asked = settings.model_dump(mode="json", exclude_defaults=True, exclude={"funds", "gone"})
        body = {"project_id": self._project_id, "name": name, "type": "rockrms_import", "rockrms": asked}
        return str(self.api.call("POST", "/api/jobs", body)["job_id"])

    def _report(self, job_id: str) -> ImportReport:
        document = self.api.call("GET", f"/api/jobs/{job_id}/import-report")["report"]
        return ImportReport.model_validate(document, strict=False)

    def _put(self, what: str, body: dict[str, Any]) -> None:
        self.api.call("PUT", f"/api/projects/{self._project_id}/{what}", body)

    def _post(self, what: str, body: dict[str, Any]) -> None:
        self.api.call("POST", f"/api/projects/{self._project_id}/{what}", body)

    def _checked(self, name: str) -> dict[str, Any]:
        """The check by this name once it is over. Raises DemoFailed."""
        found: dict[str, Any] = {}

        def is_over() -> bool:
            self._check()
            found.update(self.api.call("GET", f"/api/projects/{self._project_id}/rockrms")[name] or {})
            return bool(found) and found["state"] != "waiting"

        wait_until(is_over, seconds=_CHECK_SECONDS, what=f"the agent's answer to {name}")
        said = found.get("rock") or found.get("mission") or found.get("trace") or {}
        if found["fault"] or said.get("code"):
            fault = found["fault"] or {"title": said["code"], "detail": said["detail"], "fix": said["fix"]}
            raise DemoFailed(f"{name}: {fault['title']}: {fault.get('detail', '')}", fault.get("fix", ""))
        return found

    def _watch(self, job_id: str) -> None:
        """Returns when the job is completed. Raises DemoFailed."""
        last_change_at, last_seen = time.monotonic(), ""
        while True:
            self._check()
            job = self.api.job(job_id)
            self._display.records(job)
            if job["state"] in ENDED:
                break
            if not self.agent.process.is_running:
                raise DemoFailed(
                    f"the agent ended with exit code {self.agent.process.returncode}\n{self.agent.process.log_tail()}",
                    "Read the agent's last output above.",
                )
            seen = f"{job['state']} {(job['progress'] or {}).get('entities')}"
            if seen != last_seen:
                last_change_at, last_seen = time.monotonic(), seen
            elif time.monotonic() - last_change_at > STALLED_SECONDS:
                raise DemoFailed(
                    f"nothing has changed for {STALLED_SECONDS} s; the job is {job['state']}\n"
                    f"{self.agent.process.log_tail()}",
                    "Read the last output of the agent above.",
                )
            time.sleep(_POLL_SECONDS)
        if job["state"] != "completed":
            fault = job["fault"] or {}
            said = f"the job is {job['state']}: {fault.get('title', '')} {fault.get('detail', '')}".strip()
            raise DemoFailed(f"{said}\n{self.agent.process.log_tail()}", fault.get("fix") or "Read the job's history.")


def _compared(stack: Stack, settings: ImportSettings, people: int) -> tuple[list[Difference], int]:
    """Differences between Mission and the generator's model, and how many records were compared."""
    expected = expect(build(seed=CHURCH_SEED, people=people), settings, {})
    held = {entity.value: stack.mission.control.records(entity.value) for entity in Entity}
    return compare(expected, held), sum(len(records) for records in held.values())


def _problems(found: RockDemoReport, *, wanted_kill: bool) -> list[str]:
    problems = []
    if found.differences:
        first = found.differences[0]
        problems.append(
            f"{len(found.differences):,} fields differ from the church's model, the first: {first.external_id} "
            f"{first.field or 'as a whole'}: expected {str(first.expected)[:80]}, found {str(first.found)[:80]}"
        )
    if found.report.financial_match is not True:
        problems.append(f"the money does not match: {found.report.reason or 'the report says why'}")
    errored = sum(entity.errored for entity in found.report.entities)
    if errored:
        problems.append(f"{errored:,} records are not in Mission")
    if wanted_kill and not found.killed:
        problems.append("the import was over before the agent could be killed")
    return problems
