"""The running API against its own description, by an independent tool that makes up requests from it.

Left out of its checks, each for the platform's sake:
  unsupported_method        the Functions host answers 404 to a method that no route has, where the check wants 405
  allow_header_conformance  the same answer, which has no Allow header
  ignored_auth              an invalid bearer token is answered 401 by the platform in front of the app, with no body;
                            tests/e2e/test_api_access.py walks every route without one
For some operations also positive_data_acceptance: that buckets add up, that rows are consecutive, that a text is a
schedule, that settings fit the type of a job and that its filters let something pass (a
smallest size below the largest), that nothing is named twice, what an address of Mission may be, and that an agent can
be asked at all is no part of what JSON Schema can say.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from local.stack import Stack
from tests.harness.app_functions import SAMPLES
from tests.harness.conditions import eventually
from tests.harness.wire_agent import WireAgent

LEFT_OUT = ("unsupported_method", "allow_header_conformance", "ignored_auth")
SECONDS = 280
EXAMPLES = "4"

BEYOND_JSON_SCHEMA = (
    "agent_jobs_progress",
    "agent_jobs_ledger",
    "jobs_create",
    "jobs_edit",
    "jobs_sync",
    "agent_jobs_import_log",
    "agent_jobs_import_report",
    "imports_change",
    "imports_decide",
    "rockrms_connect_mission",
    "rockrms_forget",
    "rockrms_funds",
    "rockrms_keep",
    "rockrms_test",
    "rockrms_test_mission",
    "rockrms_trace",
)


COVERED_BY_ANOTHER = ("imports_change", "jobs_edit")
"""Their bodies are parts of that of jobs_create, whose every field is tried: once is enough. All three are fuzzed."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of this module's own: made-up registration codes end in a throttle that others would feel."""
    with Stack(tmp_path_factory.mktemp("described")) as own:
        yield own


HOOKS = '''
"""A continuation is sealed by the server: one that was made up is refused whatever its form."""

import schemathesis


@schemathesis.hook
def before_call(context, case, kwargs):
    made_up = (case.query or {}).get("continuation")
    if isinstance(made_up, str) and made_up:
        del case.query["continuation"]
'''


def run(stack: Stack, folder: Path, names: Mapping[str, Sequence[str]], *arguments: str) -> None:
    """Fails with the tool's whole report. `names` are identifiers that are there, by parameter."""
    (folder / "hooks_of_api.py").write_text(HOOKS)
    (folder / "schemathesis.toml").write_text(configuration(names))
    ended = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("st")), "run", f"{stack.api_url}/api/openapi.json"),
            *("--url", stack.api_url),
            *("--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES, "--workers", "4", "--seed", "20"),
            *("--no-color", "--warnings", "off", "--generation-database", "none", "--request-timeout", "30"),
            *arguments,
        ],
        cwd=folder,
        env={**os.environ, "NO_PROXY": "127.0.0.1", "SCHEMATHESIS_HOOKS": "hooks_of_api", "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-20_000:] + ended.stderr[-4000:]


def configuration(names: Mapping[str, Sequence[str]]) -> str:
    """Result: schemathesis.toml; seven of ten identifiers are those of things that are there."""
    lines: list[str] = []
    for name, values in names.items():
        lines += [f"[dictionaries.{name}]", f"values = {json.dumps(list(values))}"]
    lines.append("[parameters]")
    for name in names:
        lines += [f'"{place}.{name}" = {{ dictionary = "{name}", probability = 0.7 }}' for place in ("path", "query")]
    lines += [f"[checks.{name}]\nenabled = false" for name in LEFT_OUT]
    for name in BEYOND_JSON_SCHEMA:
        lines += ["[[operations]]", f'include-operation-id = "{name}"']
        lines.append("checks.positive_data_acceptance.enabled = false")
        if name in COVERED_BY_ANOTHER:
            lines.append("phases.coverage.enabled = false")
    return "\n".join(lines) + "\n"


def belongings(stack: Stack, word: str) -> tuple[dict[str, list[str]], list[WireAgent]]:
    """Result: several of everything, and the agents."""
    with stack.operator_api() as operator:
        client_id = operator.create_client("Description")["client_id"]
        project_id = operator.create_project(client_id, "Description")["project_id"]
        agents = [WireAgent(stack.api_url).registered(operator.create_code(client_id)) for _ in range(3)]
        body = {"project_id": project_id, "source": {"path": "/srv"}, "name": "Description"}
        jobs = [
            operator.call(
                "POST",
                "/api/jobs",
                body | {"destination": {"container": f"{word}-{n}"}, "agent_id": agents[0].agent_id},
            )["job_id"]
            for n in range(8)
        ]
        operator.call(
            "PUT",
            f"/api/projects/{project_id}/mission-connection",
            {"url": "https://mission.example", "integration_key": "of-the-description"},
        )
        body = {"project_id": project_id, "name": "Description", "agent_id": agents[0].agent_id}
        body |= {"type": "rockrms_import", "rockrms": {"time_zone": "UTC"}}
        jobs.append(operator.call("POST", "/api/jobs", body)["job_id"])
        codes = [operator.call("POST", "/api/registration-codes", {"client_id": client_id}) for _ in range(3)]
    names = {
        "client_id": [client_id],
        "project_id": [project_id],
        "job_id": jobs,
        "agent_id": [agent.agent_id for agent in agents],
        "code_id": [code["code_id"] for code in codes],
    }
    return names, agents


@pytest.mark.slow
@pytest.mark.timeout(2 * SECONDS)
def test_what_an_operator_may_send(stack: Stack, tmp_path: Path):
    names, _ = belongings(stack, "operators")
    run(stack, tmp_path, names, "--header", f"Authorization: {stack.authorization()}", "--exclude-tag", "agent")


@pytest.mark.slow
@pytest.mark.timeout(2 * SECONDS)
def test_what_an_agent_may_send(stack: Stack, tmp_path: Path):
    names, (agent, other, *_) = belongings(stack, "agents")
    agent.in_session()
    jobs = set(names["job_id"])

    def all_accepted() -> bool:
        jobs.difference_update(command["job_id"] for command in agent.accept_commands())
        return not jobs

    eventually(all_accepted, seconds=60, what="every start command delivered")
    key = ("--header", f"X-Agent-Key: {agent.key}", "--header", f"X-Agent-Session: {agent.epoch}")
    apart = ("agent_heartbeat", "agent_rotate_key", "agent_unregister", "agent_register")
    left_out = [argument for name in apart for argument in ("--exclude-operation-id", name)]
    known = {"job_id": names["job_id"], "command_id": [SAMPLES["command_id"]]}
    run(stack, tmp_path, known, *key, "--include-tag", "agent", *left_out)
    key = ("--header", f"X-Agent-Key: {other.key}", "--header", "X-Agent-Session: 0")
    included = [argument for name in apart for argument in ("--include-operation-id", name)]
    run(stack, tmp_path, {}, *key, *included)
