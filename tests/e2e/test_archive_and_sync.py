"""Archive and sync through the whole system: a real control plane, a real agent, a real container."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.operator_api import ApiRefused
from local.stack import Stack
from tests.harness.agent_process import AgentProcess
from tests.harness.conditions import eventually
from tests.harness.container import blobs, open_container
from tests.harness.operator import Engagement, Operator

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def minutely(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose schedules may run every minute."""
    settings = {"ONEMIGRATE_SYNC_INTERVAL_SECONDS": "60", "ONEMIGRATE_SWEEP_SCHEDULE": "*/2 * * * * *"}
    with Stack(tmp_path_factory.mktemp("minutely"), settings=settings) as stack:
        yield stack


@pytest.fixture(scope="module")
def operator(minutely: Stack) -> Operator:
    return Operator(minutely)


@pytest.fixture(scope="module")
def site(minutely: Stack, operator: Operator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engagement]:
    """A client with a connected project and a running agent."""
    engagement = operator.engagement("Archive and sync")
    agent = AgentProcess(tmp_path_factory.mktemp("agent"), minutely.api_url, str(minutely.ca_file))
    agent.register(operator.api.create_code(engagement.client_id))
    agent.start()
    yield engagement
    agent.close()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "share"
    for index in range(20):
        (root / f"folder {index % 3}").mkdir(parents=True, exist_ok=True)
        (root / f"folder {index % 3}" / f"{index:02d}.txt").write_bytes(b"content" * index)
    return root


def container(stack: Stack, name: str) -> Any:
    return open_container(stack.data_account.connection_string, str(stack.ca_file), name)


def download(stack: Stack, operator: Operator, path: str) -> str:
    answer = httpx.get(
        stack.api_url + path, headers={"Authorization": stack.authorization(stack.operators[0])}, trust_env=False
    )
    answer.raise_for_status()
    return answer.text


def refusal(call: Any) -> str:
    with pytest.raises(ApiRefused) as refused:
        call()
    return refused.value.code


def test_an_archive_ends_in_its_tier_lists_what_is_safe_and_retries_what_failed(
    minutely: Stack, operator: Operator, site: Engagement, tree: Path
) -> None:
    target = container(minutely, "archive-run")
    target.create_container()
    target.upload_blob("folder 0/00.txt", b"somebody else's")
    job_id = operator.create_job(
        site.project_id, str(tree), "archive-run", type="archive", transfer={"access_tier": "archive"}
    )["job_id"]
    done = operator.wait_for(job_id, "completed", seconds=120)
    assert done["outcome"] == "complete_with_failures"
    assert {str(blob.blob_tier) for blob in target.list_blobs() if blob.name != "folder 0/00.txt"} == {"Archive"}
    assert len(list(tree.rglob("*.txt"))) == 20
    report = operator.api.call("GET", f"/api/jobs/{job_id}/report")
    assert (report["adds_up"], report["safe_files"]) == (True, 19)

    target.delete_blob("folder 0/00.txt")
    assert "retry-failed" in done["actions"]
    retried = operator.act(job_id, "retry-failed")
    assert (retried["attempt"], retried["failed_of"]) == (2, 1)
    done = operator.wait_for(job_id, "completed", seconds=120)
    assert done["outcome"] == "complete"
    assert (done["progress"]["files"]["scanned"], done["progress"]["files"]["transferred"]) == (1, 1)
    listed = list(csv.DictReader(io.StringIO(download(minutely, operator, f"/api/jobs/{job_id}/safe-to-delete.csv"))))
    assert sorted(row["path"] for row in listed) == sorted(
        path.relative_to(tree).as_posix() for path in tree.rglob("*.txt")
    )
    assert {(row["verification"], row["access_tier"]) for row in listed} == {("stored", "archive")}

    (tree / "folder 1/01.txt").write_bytes(b"changed after it was archived")
    operator.act(job_id, "rerun")
    done = operator.wait_for(job_id, "completed", seconds=120)
    failed = operator.api.call("GET", f"/api/jobs/{job_id}/files", bucket="failed")["items"]
    assert [(row["path"], row["code"]) for row in failed] == [("folder 1/01.txt", "target-archived")]
    listed = list(csv.DictReader(io.StringIO(download(minutely, operator, f"/api/jobs/{job_id}/safe-to-delete.csv"))))
    assert len(listed) == 19


def test_a_sync_runs_again_by_its_schedule_and_the_cutover_is_its_last(
    minutely: Stack, operator: Operator, site: Engagement, tree: Path
) -> None:
    every_minute = {"schedule": "* * * * *"}
    job = operator.create_job(site.project_id, str(tree), "sync-run", type="sync", sync=every_minute)
    job_id = job["job_id"]
    assert job["sync"]["zone"] == "UTC"
    operator.wait_for(job_id, "completed", seconds=120)
    (tree / "new.txt").write_bytes(b"new")

    def second_attempt() -> Any:
        view = operator.api.job(job_id)
        return view if view["attempt"] >= 2 and view["state"] == "completed" else None

    done = eventually(second_attempt, seconds=150, what="the scheduled run to complete")
    assert done["sync"]["next_run_at"] is not None
    assert blobs(container(minutely, "sync-run"))["new.txt"] == b"new"
    history = operator.api.call("GET", f"/api/jobs/{job_id}/history")["items"]
    assert any(entry["by"] == "schedule" for entry in history)

    def cut_over() -> Any:
        try:
            return operator.act(job_id, "cutover")
        except ApiRefused as refused:
            # A scheduled run may have begun this moment.
            if refused.code != "job-state-conflict":
                raise
            return None

    last = eventually(cut_over, seconds=90, what="a moment between two runs")
    assert (last["final"], last["sync"]["schedule"], last["sync"]["next_run_at"]) == (True, None, None)
    done = operator.wait_for(job_id, "completed", seconds=120)
    assert done["attempt"] == last["attempt"]
    assert done["progress"]["files"]["unchanged"] == 21
    assert done["progress"]["verified_files"] == 21


def test_a_mirror_lists_then_brakes_then_deletes_after_a_typed_confirmation(
    minutely: Stack, operator: Operator, site: Engagement, tree: Path
) -> None:
    mirror = {"mirror": {"max_delete_files": 1, "max_delete_percent": 50}}
    job_id = operator.create_job(site.project_id, str(tree), "mirror-run", type="sync", sync=mirror)["job_id"]
    operator.wait_for(job_id, "completed", seconds=120)
    for name in ("folder 0/00.txt", "folder 1/01.txt"):
        (tree / name).unlink()
    container(minutely, "mirror-run").upload_blob("stranger", b"stays")

    operator.act(job_id, "rerun")
    listed = operator.wait_for(job_id, "completed", seconds=120)
    found = listed["progress"]["mirror"]
    assert (found["complete"], found["ours_files"], found["surplus_files"], found["deleted_files"]) == (True, 20, 2, 0)
    surplus = operator.api.call("GET", f"/api/jobs/{job_id}/files", bucket="surplus")["items"]
    assert {row["path"] for row in surplus} == {"folder 0/00.txt", "folder 1/01.txt"}
    assert len(blobs(container(minutely, "mirror-run"))) == 21

    def confirm(name: str) -> Any:
        return operator.api.call("POST", f"/api/jobs/{job_id}/mirror/confirm", {"container": name})

    assert refusal(lambda: confirm("mirror")) == "confirmation-mismatch"
    assert confirm("mirror-run")["sync"]["mirror_confirmed_at"]
    operator.act(job_id, "rerun")
    failed = operator.wait_for(job_id, "failed", seconds=120)
    assert failed["fault"]["code"] == "mirror-brake"
    assert len(blobs(container(minutely, "mirror-run"))) == 21

    wider = {"mirror": {"max_delete_files": 2, "max_delete_percent": 50}}
    changed = operator.api.call("PUT", f"/api/jobs/{job_id}/sync", wider)
    assert changed["sync"]["mirror_confirmed_at"] is None
    assert refusal(lambda: confirm("mirror-run")) == "mirror-not-previewed"
    operator.act(job_id, "rerun")
    operator.wait_for(job_id, "completed", seconds=120)
    confirm("mirror-run")
    operator.act(job_id, "rerun")
    done = operator.wait_for(job_id, "completed", seconds=120)
    assert done["progress"]["mirror"]["deleted_files"] == 2
    deleted = operator.api.call("GET", f"/api/jobs/{job_id}/files", bucket="deleted")["items"]
    assert {row["path"] for row in deleted} == {"folder 0/00.txt", "folder 1/01.txt"}
    left = blobs(container(minutely, "mirror-run"))
    assert len(left) == 19
    assert left["stranger"] == b"stays"
    report = operator.api.call("GET", f"/api/jobs/{job_id}/report")
    assert report["adds_up"] is True
