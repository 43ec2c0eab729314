"""Faults while a job runs: in each, nothing is lost, nothing is counted twice, and the job ends right by itself."""

from __future__ import annotations

import contextlib
import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient, TextBase64EncodePolicy

from local.stack import Stack
from tests.harness.agent_process import AgentProcess
from tests.harness.conditions import eventually
from tests.harness.container import blobs, files, open_container
from tests.harness.operator import Engagement, Operator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
BUCKETS = ("excluded", "unchanged", "transferred", "failed", "unsupported", "pending")
FILES = 400


@dataclass
class Site:
    """One stack of its own with a client, a connected project, a registered agent and a tree."""

    stack: Stack
    operator: Operator
    engagement: Engagement
    agent: AgentProcess
    tree: Path

    def start_copy(self, container: str, **more: Any) -> str:
        """Result: the id of a job over the tree."""
        return str(self.operator.create_job(self.engagement.project_id, str(self.tree), container, **more)["job_id"])

    def transferred(self, job_id: str) -> int:
        """Result: files that the newest report says are transferred."""
        progress = self.operator.api.job(job_id)["progress"]
        return int(progress["files"]["transferred"]) if progress else 0

    def assert_right(self, job_id: str, container: str, *, attempt: int = 1) -> None:
        """The container equals the tree, buckets and ledger agree, and each file is in the ledger once."""
        view = self.operator.api.job(job_id)
        assert view["state"] == "completed", view
        assert view["outcome"] == "complete", view
        assert view["attempt"] == attempt, view
        tally = view["progress"]["files"]
        assert tally["scanned"] == FILES == sum(tally[bucket] for bucket in BUCKETS)
        assert tally["transferred"] + tally["unchanged"] == FILES
        stored = open_container(self.stack.data_account.connection_string, str(self.stack.ca_file), container)
        assert blobs(stored) == files(self.tree)
        paths = Counter(row["path"] for row in self.operator.ledger(job_id))
        assert len(paths) == FILES
        assert set(paths.values()) == {1}


@pytest.fixture
def site(fresh_stack: Callable[..., Stack], tmp_path: Path) -> Iterator[Site]:
    """A system that this test may break."""
    stack = fresh_stack()
    operator = Operator(stack)
    tree = tmp_path / "tree"
    for index in range(FILES):
        path = tree / f"{index % 20:02}" / f"{index:04}.dat"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(random.randrange(20_000)))
    (tree / "00" / "0000.dat").write_bytes(os.urandom(20 * 1024 * 1024))
    engagement = operator.engagement("Faults")
    agent = AgentProcess(tmp_path / "agent", stack.api_url, str(stack.ca_file))
    agent.register(operator.api.create_code(engagement.client_id))
    yield Site(stack, operator, engagement, agent, tree)
    agent.close()


def slowed(seconds: float) -> dict[str, Any]:
    """Result: transfer settings under which the tree takes about so long."""
    megabits = (FILES * 10_000 + 20 * 1024 * 1024) * 8 / 1_000_000
    return {"bandwidth_limit_mbps": round(megabits / seconds, 2)}


def test_an_agent_killed_twenty_times_still_ends_with_a_complete_copy(site: Site) -> None:
    job_id = site.start_copy("kill-twenty", transfer=slowed(30))
    chance = random.Random(20)
    for _ in range(20):
        site.agent.start()
        time.sleep(chance.uniform(0.3, 3.0))  # the random moment of the kill is what is tested
        site.agent.kill()
    site.agent.start()
    site.operator.wait_for(job_id, "completed", seconds=200)
    site.assert_right(job_id, "kill-twenty")


def test_copying_goes_on_without_a_control_plane_and_is_reported_afterwards(site: Site) -> None:
    job_id = site.start_copy("no-control-plane", transfer=slowed(20))
    site.agent.start()
    site.operator.wait_for(job_id, "running", seconds=60)
    site.stack.host.stop()
    stored = open_container(site.stack.data_account.connection_string, str(site.stack.ca_file), "no-control-plane")
    eventually(lambda: len(list(stored.list_blob_names())) == FILES, seconds=120, what="all files copied meanwhile")
    site.stack.host.start()
    back = time.monotonic()
    site.operator.wait_for(job_id, "completed", seconds=60)
    assert time.monotonic() - back < 60
    site.assert_right(job_id, "no-control-plane")


@pytest.mark.parametrize("kill", [False, True], ids=["in order", "killed"])
def test_the_control_plane_is_restarted_while_a_job_runs(site: Site, kill: bool) -> None:
    job_id = site.start_copy("restarted-host", transfer=slowed(12))
    site.agent.start()
    for _ in range(2):
        site.operator.wait_for(job_id, "running", seconds=60)
        site.stack.restart_control_plane(kill=kill)
    site.operator.wait_for(job_id, "completed", seconds=120)
    site.assert_right(job_id, "restarted-host")


def test_storage_is_restarted_while_a_job_runs(site: Site) -> None:
    job_id = site.start_copy("restarted-storage", transfer=slowed(15))
    site.agent.start()
    site.operator.wait_for(job_id, "running", seconds=60)
    site.stack.restart_azurite()
    site.operator.wait_for(job_id, "completed", seconds=200)
    site.assert_right(job_id, "restarted-storage")


def dispatch_queue(site: Site) -> QueueClient:
    """Result: the queue that start messages go through, opened as any stranger could."""
    return QueueClient.from_connection_string(
        site.stack.state_account.connection_string,
        "dispatch",
        message_encode_policy=TextBase64EncodePolicy(),
        connection_verify=str(site.stack.ca_file),
    )


def test_a_start_message_delivered_twice_starts_the_job_once(site: Site) -> None:
    job_id = site.start_copy("twice", transfer=slowed(6))
    organization = site.operator.api.call("GET", "/api/me")["organization_id"]
    queue = dispatch_queue(site)
    for _ in range(3):
        queue.send_message(json.dumps({"organization": organization, "job_id": job_id, "attempt": "1"}))
    site.agent.start()
    site.operator.wait_for(job_id, "running", "completed", seconds=60)
    queue.send_message(json.dumps({"organization": organization, "job_id": job_id, "attempt": "1"}))
    site.operator.wait_for(job_id, "completed", seconds=120)
    site.assert_right(job_id, "twice")
    moves = [entry["to_state"] for entry in site.operator.api.call("GET", f"/api/jobs/{job_id}/history")["items"]]
    assert moves.count("scanning") == 1


def test_a_poison_message_is_kept_counted_and_alerted_and_disturbs_no_job(
    fresh_stack: Callable[..., Stack], tmp_path: Path
) -> None:
    stack = fresh_stack()
    operator = Operator(stack)
    queue = QueueClient.from_connection_string(
        stack.state_account.connection_string,
        "dispatch-poison",
        message_encode_policy=TextBase64EncodePolicy(),
        connection_verify=str(stack.ca_file),
    )
    with contextlib.suppress(ResourceExistsError):
        queue.create_queue()
    queue.send_message("this is no message of ours")

    def copies() -> list[str]:
        service = BlobServiceClient.from_connection_string(
            stack.state_account.connection_string, connection_verify=str(stack.ca_file)
        )
        container = service.get_container_client("poison")
        return list(container.list_blob_names()) if container.exists() else []

    eventually(lambda: len(copies()) == 1, seconds=60, what="a copy of the poison message")
    engagement = operator.engagement("After the poison")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "file").write_text("content")
    job = operator.create_job(engagement.project_id, str(tmp_path / "tree"), "after-poison")
    agent = AgentProcess(tmp_path / "agent", stack.api_url, str(stack.ca_file))
    try:
        agent.register(operator.api.create_code(engagement.client_id))
        agent.start()
        operator.wait_for(job["job_id"], "completed", seconds=60)
    finally:
        agent.close()


def test_an_agent_that_was_offline_is_swept_and_comes_back_by_its_next_heartbeat(
    fresh_stack: Callable[..., Stack], tmp_path: Path
) -> None:
    stack = fresh_stack(settings={"ONEMIGRATE_LATE_SECONDS": "6", "ONEMIGRATE_OFFLINE_SECONDS": "20"})
    operator = Operator(stack)
    engagement = operator.engagement("Offline")
    agent = AgentProcess(tmp_path / "agent", stack.api_url, str(stack.ca_file))

    def state() -> str:
        items = operator.api.call("GET", "/api/agents", client_id=engagement.client_id)["items"]
        return str(items[0]["state"])

    try:
        agent.register(operator.api.create_code(engagement.client_id))
        assert state() == "registered"
        agent.start()
        eventually(lambda: state() == "online", seconds=30, what="online")
        agent.kill()
        eventually(lambda: state() == "late", seconds=30, what="late")
        eventually(lambda: state() == "offline", seconds=60, what="offline")
        agent.start()
        eventually(lambda: state() == "online", seconds=30, what="back online")
        assert agent.stop() == 0
        eventually(lambda: state() == "offline", seconds=10, what="offline at once after an orderly stop")
    finally:
        agent.close()


def test_an_agent_whose_clock_is_off_by_ten_minutes_works_and_its_skew_is_shown(site: Site) -> None:
    site.agent.environment |= {
        "LD_PRELOAD": str(next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))),
        "FAKETIME": "-10m",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    job_id = site.start_copy("skewed")
    site.agent.start()
    site.operator.wait_for(job_id, "completed", seconds=120)
    site.assert_right(job_id, "skewed")
    shown = site.operator.api.call("GET", "/api/agents", client_id=site.engagement.client_id)["items"][0]
    assert shown["state"] == "online"
    assert -660 < shown["clock_skew_seconds"] < -540
