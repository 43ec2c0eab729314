"""Bandwidth limits through the whole system: an operator's word reaches a running job within one heartbeat."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.stack import Stack
from migrate_agent.runtime.status import read_status
from tests.harness.agent_process import AgentProcess
from tests.harness.conditions import eventually
from tests.harness.container import blobs, open_container
from tests.harness.operator import Engagement, Operator

FILES = 40
FILE_BYTES = 100_000
WITHIN_SECONDS = 3 * 1.2 + 1 + 4
"""The stack's heartbeat with its jitter, the governor's and the status file's second, and some for a busy machine."""
ALL_WEEK = {
    "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
    "start": "00:00",
    "end": "00:00",
    "limit_mbps": 0,
}
PAUSE = {"zone": "America/Chicago", "windows": [ALL_WEEK]}


@pytest.fixture
def operator(stack: Stack) -> Operator:
    return Operator(stack)


@pytest.fixture
def engagement(operator: Operator) -> Engagement:
    return operator.engagement("Bandwidth")


@pytest.fixture
def agent(stack: Stack, operator: Operator, engagement: Engagement, tmp_path: Path) -> Iterator[AgentProcess]:
    process = AgentProcess(tmp_path / "agent", stack.api_url, str(stack.ca_file))
    process.register(operator.api.create_code(engagement.client_id))
    process.start()
    yield process
    process.close()


def waits_for(agent: AgentProcess) -> str:
    """What the agent itself says that its job waits for."""
    jobs: list[dict[str, Any]] = read_status(agent.home).get("jobs", [])
    return str(jobs[0].get("waiting", {}).get("detail", "")) if jobs else ""


def hears(agent: AgentProcess, words: str) -> None:
    """The change was made just now: the agent obeys it within one heartbeat."""
    began = time.monotonic()
    eventually(lambda: words in waits_for(agent), seconds=60, what=f"{words!r}, not {waits_for(agent)!r}")
    assert time.monotonic() - began <= WITHIN_SECONDS


@pytest.mark.slow
def test_a_running_job_obeys_a_new_limit_a_pause_and_a_share_within_one_heartbeat(
    stack: Stack, operator: Operator, engagement: Engagement, agent: AgentProcess, tmp_path: Path
) -> None:
    source = tmp_path / "share"
    source.mkdir()
    for number in range(FILES):
        (source / f"{number}.bin").write_bytes(os.urandom(FILE_BYTES))
    api, project = operator.api, f"/api/projects/{engagement.project_id}/bandwidth-schedule"
    limited = {"bandwidth_limit_mbps": 0.8}
    job_id = operator.create_job(engagement.project_id, str(source), "bandwidth", transfer=limited)["job_id"]
    operator.wait_for(job_id, "running", seconds=60)
    hears_limit = "the job's bandwidth limit: 0.8 Mbps"
    eventually(lambda: hears_limit in waits_for(agent), seconds=30, what=hears_limit)

    changed = api.call("PUT", f"/api/jobs/{job_id}/bandwidth-limit", {"limit_mbps": 0.4})
    assert changed["transfer"]["bandwidth_limit_mbps"] == 0.4
    hears(agent, "the job's bandwidth limit: 0.4 Mbps")

    api.call("PUT", f"/api/clients/{engagement.client_id}/bandwidth-limit", {"limit_mbps": 0.2})
    hears(agent, "this agent's share of the site's bandwidth limit: 0.2 Mbps")

    view = api.call("PUT", project, PAUSE)
    assert view["bandwidth_schedule"]["zone"] == "America/Chicago"
    hears(agent, "the project's bandwidth schedule: paused")

    container = open_container(stack.data_account.connection_string, str(stack.ca_file), "bandwidth")
    before, agent_id = set(blobs(container)), operator.api.job(job_id)["agent_id"]
    assert len(before) < FILES
    seen = {api.call("GET", f"/api/agents/{agent_id}")["last_seen_at"]}

    def three_more_heartbeats() -> bool:
        seen.add(api.call("GET", f"/api/agents/{agent_id}")["last_seen_at"])
        return len(seen) > 3

    eventually(three_more_heartbeats, seconds=60, what="heartbeats during the pause")
    assert set(blobs(container)) == before
    assert "paused" in waits_for(agent)

    agent.kill()
    agent.start()
    eventually(lambda: "paused" in waits_for(agent), seconds=60, what="a restarted agent obeys the pause")
    assert set(blobs(container)) == before

    api.call("DELETE", project)
    api.call("PUT", f"/api/clients/{engagement.client_id}/bandwidth-limit", {"limit_mbps": None})
    api.call("PUT", f"/api/jobs/{job_id}/bandwidth-limit", {"limit_mbps": None})
    done = operator.wait_for(job_id, "completed", seconds=60)
    assert done["outcome"] == "complete"
    tally = done["progress"]["files"]
    assert (tally["transferred"], tally["failed"], tally["pending"]) == (FILES, 0, 0)
    reasons = [entry["reason"] for entry in api.call("GET", f"/api/jobs/{job_id}/history")["items"]]
    assert "Bandwidth limit of the job: 0.4 Mbps" in reasons
    assert done["attempt"] == 1
