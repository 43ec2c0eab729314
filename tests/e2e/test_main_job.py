"""The main job through the whole system: a real agent copies a real tree, and an independent client agrees."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from local.stack import Stack
from tests.harness.agent_process import AgentProcess
from tests.harness.conditions import eventually
from tests.harness.container import blobs, files, open_container, rclone_check, signed_url
from tests.harness.operator import Engagement, Operator

BUCKETS = ("excluded", "unchanged", "transferred", "failed", "unsupported", "pending")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder as people have them: nested, odd names, empty and larger files, a link."""
    root = tmp_path / "share"
    for index in range(60):
        folder = root / f"year {index % 5}" / "ü & ö"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"note #{index} 100%.txt").write_bytes(os.urandom(index * 37))
    (root / "empty.bin").write_bytes(b"")
    (root / "large.bin").write_bytes(os.urandom(9 * 1024 * 1024))
    (root / "trailing dot.").write_bytes(b"blob storage cannot hold this name")
    (root / "link").symlink_to(root / "large.bin")
    return root


@pytest.fixture
def operator(stack: Stack) -> Operator:
    return Operator(stack)


@pytest.fixture
def site(stack: Stack, operator: Operator, tmp_path: Path) -> Any:
    """A client with a connected project and a running agent."""
    engagement = operator.engagement("Main job")
    agent = AgentProcess(tmp_path / "agent", stack.api_url, str(stack.ca_file))
    agent.register(operator.api.create_code(engagement.client_id))
    agent.start()
    yield engagement
    agent.close()


def adds_up(tally: dict[str, int]) -> bool:
    return tally["scanned"] == sum(tally[bucket] for bucket in BUCKETS)


def test_a_folder_arrives_byte_for_byte_and_every_file_is_accounted_for(
    stack: Stack, operator: Operator, site: Engagement, tree: Path
) -> None:
    account = stack.data_account
    container = open_container(account.connection_string, str(stack.ca_file), "main-job")
    container.create_container()
    container.upload_blob("somebody/else.txt", b"was here before")
    untouched = container.get_blob_client("somebody/else.txt").get_blob_properties().etag

    job = operator.create_job(site.project_id, str(tree), "main-job", prefix="share")
    done = operator.wait_for(job["job_id"], "completed", seconds=120)

    assert done["outcome"] == "complete"
    tally = done["progress"]["files"]
    assert adds_up(tally)
    assert adds_up(done["progress"]["bytes"])
    assert tally["transferred"] == 62
    assert tally["unsupported"] == 1
    assert tally["excluded"] == 1
    assert not tally["pending"]
    assert done["progress"]["verified_files"] == 62

    stored = {name: content for name, content in blobs(container).items() if name.startswith("share/")}
    expected = {f"share/{path}": content for path, content in files(tree).items() if not path.endswith(".")}
    assert stored == expected
    assert container.get_blob_client("somebody/else.txt").get_blob_properties().etag == untouched

    rows = operator.ledger(job["job_id"])
    assert len(rows) == tally["scanned"]
    assert Counter(row["bucket"] for row in rows) == {bucket: tally[bucket] for bucket in BUCKETS if tally[bucket]}
    assert all(row["code"] for row in rows if row["bucket"] in ("excluded", "failed", "unsupported"))
    report = operator.api.call("GET", f"/api/jobs/{job['job_id']}/report")
    assert report["adds_up"] is True
    assert report["ledger_complete"] is True
    history = operator.api.call("GET", f"/api/jobs/{job['job_id']}/history")["items"]
    states = [entry["to_state"] for entry in reversed(history)]
    assert states.index("created") < states.index("scanning") < states.index("running") < states.index("completed")


def test_an_independent_client_finds_the_container_equal(
    stack: Stack, operator: Operator, site: Engagement, tree: Path
) -> None:
    (tree / "trailing dot.").unlink()
    job = operator.create_job(site.project_id, str(tree), "main-job-rclone")
    operator.wait_for(job["job_id"], "completed", seconds=120)
    checked = rclone_check(tree, signed_url(stack.data_account, "main-job-rclone"), str(stack.ca_file))
    assert checked.returncode == 0, checked.stderr
    assert "62 matching files" in checked.stderr, checked.stderr


def test_a_rerun_sends_nothing_that_is_verified(stack: Stack, operator: Operator, site: Engagement, tree: Path) -> None:
    job = operator.create_job(site.project_id, str(tree), "main-job-rerun")
    operator.wait_for(job["job_id"], "completed", seconds=120)
    (tree / "new.txt").write_text("new")
    changed = next(tree.glob("year 1/*/*.txt"))
    changed.write_bytes(changed.read_bytes() + b"!")

    assert operator.act(job["job_id"], "rerun")["attempt"] == 2
    done = operator.wait_for(job["job_id"], "completed", seconds=120)
    tally = done["progress"]["files"]
    assert adds_up(tally)
    assert (tally["transferred"], tally["unchanged"]) == (2, 61)


def test_a_job_without_a_connection_fails_with_the_documented_code(operator: Operator, tmp_path: Path) -> None:
    engagement = operator.engagement("No connection", connected=False)
    job = operator.create_job(engagement.project_id, str(tmp_path), "never-made")
    failed = operator.wait_for(job["job_id"], "failed", seconds=60)
    assert failed["fault"]["code"] == "NO_AZURE_CONNECTION"
    assert failed["fault"]["title"] == "Project has no Azure connection"
    assert failed["fault"]["fix"]


def test_a_job_without_an_agent_says_what_it_waits_for_and_starts_when_one_comes(
    stack: Stack, operator: Operator, tree: Path, tmp_path: Path
) -> None:
    engagement = operator.engagement("Agent comes later")
    job = operator.create_job(engagement.project_id, str(tree), "agent-later")
    assert operator.api.job(job["job_id"])["waiting_because"]
    agent = AgentProcess(tmp_path / "late-agent", stack.api_url, str(stack.ca_file))
    try:
        agent.register(operator.api.create_code(engagement.client_id))
        agent.start()
        operator.wait_for(job["job_id"], "completed", seconds=120)
        assert agent.stop() == 0
    finally:
        agent.close()


def test_hold_after_scan_waits_for_approval_and_pause_resume_cancel_are_obeyed(
    stack: Stack, operator: Operator, site: Engagement, tree: Path
) -> None:
    job_id = operator.create_job(site.project_id, str(tree), "held", hold_after_scan=True)["job_id"]
    ready = operator.wait_for(job_id, "ready", seconds=60)
    assert ready["scan_complete"]
    assert ready["progress"]["files"]["pending"] == 62
    assert not open_container(stack.data_account.connection_string, str(stack.ca_file), "held").exists() or not blobs(
        open_container(stack.data_account.connection_string, str(stack.ca_file), "held")
    )
    operator.act(job_id, "pause")
    operator.wait_for(job_id, "paused", seconds=60)
    operator.act(job_id, "resume")
    operator.wait_for(job_id, "ready", seconds=60)
    operator.act(job_id, "approve")
    done = operator.wait_for(job_id, "completed", seconds=120)
    assert adds_up(done["progress"]["files"])
    assert done["progress"]["files"]["transferred"] == 62

    slow_settings = {"bandwidth_limit_mbps": 1.0}
    slow = operator.create_job(site.project_id, str(tree), "cancelled-half-way", transfer=slow_settings)["job_id"]
    operator.wait_for(slow, "running", seconds=60)
    operator.act(slow, "cancel")
    cancelled = operator.wait_for(slow, "cancelled", seconds=60)
    assert adds_up(cancelled["progress"]["files"])


def test_a_held_job_shows_what_was_found_and_its_files_before_a_byte_moves(
    operator: Operator, site: Engagement, tree: Path
) -> None:
    """Fewer rows than a chunk of the ledger: nothing moves that would fill one up."""
    (tree / "Year 0").mkdir()
    (tree / "Year 0" / "note").write_bytes(b"looks alike")
    (tree / "Thumbs.db").write_bytes(b"thumbs")
    filters = {"exclude": ["/year 1"], "max_size_bytes": 1_000_000}
    job = operator.create_job(
        site.project_id, str(tree), "preflight", filters=filters, hold_after_scan=True, check_readable=True
    )
    assert job["filters"]["default_excludes"] is True
    ready = operator.wait_for(job["job_id"], "ready", seconds=60)
    found = {
        (kind["bucket"], kind["code"], kind["rule"]): kind["files"]
        for kind in ready["progress"]["preflight"]["findings"]
    }
    expected = {
        ("excluded", "filtered-out", "excluded by '/year 1'"): 12,
        ("excluded", "filtered-out", "excluded by default: 'Thumbs.db'"): 1,
        ("excluded", "filtered-out", "larger than 1 MB"): 1,
        ("excluded", "symlink-skipped", ""): 1,
        ("unsupported", "name-unsupported", ""): 1,
        # The folder beside `year 0` is called `Year 0`.
        ("pending", "name-collision", ""): 13,
    }
    assert found == expected
    assert ready["progress"]["preflight"]["checked_readable"]
    job_id = job["job_id"]
    eventually(lambda: operator.ledger(job_id), seconds=30, what="the rows of what the scan has settled")
    rows = operator.ledger(job_id)
    assert Counter(row["detail"] for row in rows if row["code"] == "filtered-out") == Counter(
        {rule: files for (_, code, rule), files in expected.items() if code == "filtered-out"}
    )
    assert [row["path"] for row in rows if row["bucket"] == "unsupported"] == ["trailing dot."]
    operator.act(job_id, "approve")
    done = operator.wait_for(job_id, "completed", seconds=120)
    assert done["progress"]["preflight"] is None
    report = operator.api.call("GET", f"/api/jobs/{job_id}/report")
    assert report["adds_up"]
    reasons = {(reason["bucket"], reason["code"]): reason["files"] for reason in report["reasons"]}
    assert reasons[("excluded", "filtered-out")] == done["progress"]["files"]["excluded"] - 1 == 14
    rules = next(reason["rules"] for reason in report["reasons"] if reason["code"] == "filtered-out")
    assert {found["rule"]: found["files"] for found in rules} == {
        rule: files for (_, code, rule), files in expected.items() if code == "filtered-out"
    }
