"""The customer's sign-in ends under a running job: a real agent stops sending, fails no file, and is run again."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import Bucket, JobPhase, Outcome
from tests.harness.blob_endpoint import BlobEndpoint, blob_endpoint
from tests.harness.conditions import eventually
from tests.harness.fake_control_plane import Refusal
from tests.harness.fault_front import Shape
from tests.harness.granting_plane import GrantingPlane, registered_agent
from tests.torture.trees import torture_tree
from tests.torture.verdict import wrongly_reported

GRANT_SECONDS = 4.0
REASON = "AADSTS50173: the grant was revoked on 2026-03-02"


@pytest.fixture
def endpoint(certificates) -> Iterator[BlobEndpoint]:
    with blob_endpoint(certificates) as started:
        yield started


@pytest.fixture
def source(tmp_path) -> Path:
    return torture_tree(tmp_path / "source", random.Random(11), small=40, large=1, large_mib=24)


def test_the_job_fails_within_one_grant_life_and_its_rerun_sends_only_what_is_missing(endpoint, source, tmp_path):
    slow = Shape(delay_seconds=0.3)
    endpoint.script = lambda seen: slow if seen.kind in ("put_block", "put_blob") else None
    with GrantingPlane(endpoint, grant_seconds=GRANT_SECONDS) as plane:
        agent = registered_agent(tmp_path / "home", plane, endpoint)
        try:
            job = plane.start_copy(source, chunk_size_mib=1, concurrency=2)
            agent.start()
            eventually(lambda: endpoint.record.count("put_blob") >= 6, seconds=60, what="files are sent")
            with plane.lock:
                plane.no_grant = Refusal(ErrorCode.AZURE_CREDENTIALS_EXPIRED, REASON)
            expired_at = time.monotonic()
            eventually(lambda: plane.ended(job), seconds=60, what=f"the job has ended\n{agent.output()[-3000:]}")
            took = time.monotonic() - expired_at
            last = plane.last(job)
            assert last is not None
            assert last.phase is JobPhase.FAILED
            assert last.fault is not None
            assert last.fault.code == ErrorCode.AZURE_CREDENTIALS_EXPIRED
            assert last.fault.detail.startswith(REASON)
            assert (last.files.failed, last.files.pending > 0) == (0, True), last
            assert took < GRANT_SECONDS + 2, took
            endpoint.settle()
            complete = set(endpoint.store.blobs)
            assert complete
            assert not [row for row in plane.ledger[job].values() if row.bucket is Bucket.FAILED]

            plane.no_grant = None
            plane.forget(job)
            endpoint.script = lambda _: None
            sent_before = len(endpoint.record.events)
            plane.start_copy(source, job_id=job, attempt=2, chunk_size_mib=1, concurrency=2)
            eventually(lambda: plane.ended(job), seconds=60, what=f"the rerun has ended\n{agent.output()[-3000:]}")
        finally:
            agent.close()
        last = plane.last(job)
        assert last is not None
        assert (last.phase, last.outcome, last.files.failed) == (JobPhase.COMPLETED, Outcome.COMPLETE, 0)
        assert last.files.unchanged == len(complete)
        again = {event.name for event in endpoint.record.events[sent_before:] if event.kind.startswith("put_")}
        assert again & complete == set()
        assert wrongly_reported(list(plane.ledger[job].values()), endpoint, source) == []
