"""One mishap at a time under `migrate-agent copy`: what is lost, what is sent again, how it ends."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from migrate_contract.jobs import Bucket, JobPhase, Outcome
from tests.harness.blob_endpoint import BlobEndpoint, Cut, HalfClose, Hang, Truncate, blob_endpoint
from tests.harness.blob_store import UNCOMMITTED_SECONDS
from tests.harness.conditions import eventually
from tests.harness.copy_engine import make_tree
from tests.harness.copy_process import CopyProcess
from tests.harness.endpoint_copy import RenewableGrants, endpoint_copy
from tests.harness.fault_front import Refuse, Seen, Shape
from tests.harness.granting_plane import GrantingPlane, registered_agent
from tests.harness.moment import Moment, killed_in_a_large_file
from tests.harness.process_tree import session_of
from tests.torture.sparse import sparse_copy
from tests.torture.trees import MIB, stamped_file, torture_tree
from tests.torture.verdict import difference, problems_at_the_end, wrongly_reported

NewCopy = Callable[..., CopyProcess]


@pytest.fixture
def endpoint(certificates) -> Iterator[BlobEndpoint]:
    with blob_endpoint(certificates) as started:
        yield started


@pytest.fixture
def new_process(tmp_path, endpoint) -> Iterator[NewCopy]:
    """A factory of copies of a folder to the endpoint, in blocks of one MiB; what still runs at the end is killed."""
    with contextlib.ExitStack() as running:

        def new(source: Path, *arguments: str, home: Path | None = None) -> CopyProcess:
            own = home or tmp_path / "home"
            return running.enter_context(CopyProcess(own, endpoint, source, "--chunk-size-mib", "1", *arguments))

        yield new


@pytest.fixture
def source(tmp_path) -> Path:
    return torture_tree(tmp_path / "source", random.Random(7), small=20, large=1, large_mib=24)


def ends_well(copy: CopyProcess, endpoint: BlobEndpoint, source: Path, *, seconds: float = 90) -> None:
    assert copy.finish(seconds) == 0, copy.output()
    endpoint.settle()
    assert problems_at_the_end(copy, endpoint, source) == []


def test_the_rest_of_a_file_is_sent_after_a_kill_and_nothing_else(endpoint, new_process, source):
    copy = new_process(source)
    killed_in_a_large_file(copy, endpoint, after_blocks=10)
    (name,) = {event.name for event in endpoint.record.events if event.kind == "put_block"}
    staged = len(endpoint.store.staged(name))
    assert 10 <= staged < 24
    copy.start()
    ends_well(copy, endpoint, source)
    assert copy.report()["resumed"]
    assert endpoint.record.count("put_block") == 24


def test_blocks_of_a_week_ago_are_sent_again(endpoint, new_process, source, tmp_path):
    copy = new_process(source)
    killed_in_a_large_file(copy, endpoint, after_blocks=10)
    staged = endpoint.record.count("put_block")
    endpoint.clock.pass_time(UNCOMMITTED_SECONDS)
    # The signature has ended, too: a person pastes a new one into the same command.
    again = new_process(source)
    again.start()
    ends_well(again, endpoint, source)
    assert endpoint.record.count("put_block") == 24 + staged


def test_blocks_that_the_service_has_lost_are_sent_again(endpoint, new_process, source):
    """Only staged, and gone: the commit is refused, and the file is not."""
    moment = Moment(endpoint, "put_block", 20)
    copy = new_process(source)
    copy.start()
    moment.wait(copy)
    endpoint.on_acted = lambda _: None
    threading.Thread(target=moment.release).start()
    endpoint.restart(forget_staged=True)
    ends_well(copy, endpoint, source)


def test_an_endpoint_that_restarts_costs_no_file_and_no_block(endpoint, new_process, source):
    moment = Moment(endpoint, "put_block", 12)
    copy = new_process(source)
    copy.start()
    moment.wait(copy)
    endpoint.on_acted = lambda _: None
    threading.Thread(target=moment.release).start()
    endpoint.restart()
    ends_well(copy, endpoint, source)


def test_a_network_that_is_cut_for_seconds_costs_no_file_and_no_block(endpoint, new_process, source):
    moment = Moment(endpoint, "put_block", 8)
    copy = new_process(source)
    copy.start()
    moment.wait(copy)
    endpoint.on_acted = lambda _: None
    endpoint.down()
    moment.release()
    time.sleep(4)  # the length of the cut is what is tested
    assert copy.ended() is None
    endpoint.up()
    ends_well(copy, endpoint, source)


def test_worker_processes_that_are_killed_cost_no_file(endpoint, new_process, tmp_path):
    """Three of them while small files are on their way: others take over, and the command ends by itself."""
    source = torture_tree(tmp_path / "many", random.Random(8), small=2500, large=1, large_mib=8)
    copy = new_process(source)
    copy.start()
    for number in range(3):
        moment = Moment(endpoint, "put_blob", 40 + 300 * number)
        moment.wait(copy)
        endpoint.on_acted = lambda _: None
        victims = eventually(copy.workers, seconds=20, what="a worker process", every=0.01)
        victims[0].kill()
        endpoint.record.broke(still_arriving_seconds=0.3)
        moment.release()
    ends_well(copy, endpoint, source, seconds=120)
    copy.no_orphans()


def test_an_orderly_stop_finishes_what_is_on_its_way(endpoint, new_process, source):
    moment = Moment(endpoint, "put_block", 8)
    copy = new_process(source)
    copy.start()
    moment.wait(copy)
    copy.interrupt()
    endpoint.on_acted = lambda _: None
    moment.release()
    assert copy.finish(30) == 2, copy.output()
    copy.no_orphans()
    endpoint.settle()
    endpoint.record.broke()
    assert wrongly_reported(copy.journal_rows(), endpoint, source) == []
    copy.start()
    ends_well(copy, endpoint, source)


@pytest.mark.parametrize("keep_times", [False, True], ids=["new time", "same size and time"])
def test_a_file_that_changed_while_nothing_ran_is_not_mixed(endpoint, new_process, source, keep_times):
    """Blocks of the old content wait at the service; the blob must be the new content, whole."""
    copy = new_process(source)
    killed_in_a_large_file(copy, endpoint, after_blocks=10)
    large = source / "large 0.bin"
    before = large.stat()
    with large.open("r+b") as file:
        for start in (0, 3 * MIB + 5, 20 * MIB):
            file.seek(start)
            file.write(b"changed while nothing ran")
    if keep_times:
        os.utime(large, ns=(before.st_atime_ns, before.st_mtime_ns))
    copy.start()
    assert copy.finish(90) == 0, copy.output()
    problems = problems_at_the_end(copy, endpoint, source)
    # With a new time it is another upload, and owes nothing to the blocks of the one before.
    assert [said for said in problems if keep_times or " was staged again: " not in said] == []


@contextlib.contextmanager
def small_disk(place: Path, mib: int) -> Iterator[Path]:
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk: Path) -> Path:
    """Result: a file that takes all the room that is left."""
    ballast = disk / "ballast"
    with ballast.open("ab") as file:
        size = 1 << 16
        while size:
            try:
                os.write(file.fileno(), bytes(size))
            except OSError:
                size //= 2
    return ballast


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="mounting a small disk needs root")
@pytest.mark.parametrize("killed", [False, True], ids=["waits", "killed meanwhile"])
def test_a_full_disk_under_the_journal_is_waited_for(endpoint, new_process, tmp_path, killed):
    files = {f"folder/{index:04d}{'x' * 180}": b"1" for index in range(3000)}
    source = make_tree(tmp_path / "many", files)
    stamped_file(source / "large", 6 * MIB + 3, seed=5)
    with small_disk(tmp_path / "disk", 8) as disk:
        copy = new_process(source, "--ledger", str(tmp_path / "ledger.jsonl"), home=disk / "home")
        copy.ledger_path = tmp_path / "ledger.jsonl"
        moment = Moment(endpoint, "put_blob", 200)
        copy.start()
        moment.wait(copy)
        ballast = fill(disk)
        endpoint.on_acted = lambda _: None
        moment.release()
        quiet_for(endpoint, seconds=1.5)
        assert copy.ended() is None, copy.output()
        if killed:
            copy.kill_all()
            copy.no_orphans()
            endpoint.settle()
            endpoint.record.broke()
        ballast.unlink()
        if killed:
            assert wrongly_reported(copy.journal_rows(), endpoint, source) == []
            copy.start()
        ends_well(copy, endpoint, source, seconds=120)
        copy.__exit__()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_under_the_ledger_is_said_and_the_same_command_goes_on(endpoint, tmp_path, source):
    with CopyProcess(tmp_path / "home", endpoint, source, "--ledger", "/dev/full", "--chunk-size-mib", "1") as copy:
        copy.start()
        assert copy.finish(60) == 2, copy.output()
        assert "disk-full" in copy.output()
        assert "Traceback" not in copy.output()
    endpoint.settle()
    endpoint.record.broke()
    # Where the ledger goes is no part of what a copy is.
    with CopyProcess(tmp_path / "home", endpoint, source, "--chunk-size-mib", "1") as again:
        again.start()
        ends_well(again, endpoint, source)


def quiet_for(endpoint: BlobEndpoint, seconds: float) -> None:
    """Returns when no request has come for so long."""
    seen, since = -1, time.monotonic()

    def quiet() -> bool:
        nonlocal seen, since
        if endpoint.record.requests != seen:
            seen, since = endpoint.record.requests, time.monotonic()
        return time.monotonic() - since > seconds

    eventually(quiet, seconds=60, what="the copy waits", every=0.05)


def test_a_signature_that_ends_within_a_file_ends_the_copy_and_a_new_one_goes_on(endpoint, new_process, source):
    """What a person typed cannot be renewed; the same command with a new signature sends what is left."""
    moment = Moment(endpoint, "put_block", 10)
    copy = new_process(source)
    copy.start()
    moment.wait(copy)
    endpoint.on_acted = lambda _: None
    endpoint.revoke()
    moment.release()
    assert copy.finish(60) == 2, copy.output()
    assert copy.report()["fault"]["code"] == "target-access-denied"
    assert all(row.bucket is Bucket.TRANSFERRED for row in copy.ledger())
    endpoint.settle()
    endpoint.record.broke()
    again = new_process(source)
    again.start()
    ends_well(again, endpoint, source)
    assert again.report()["resumed"]
    assert endpoint.record.count("put_block") == 24


# A signature that ends can be renewed only in an agent's job: the engine itself, with such access.


def test_a_grant_that_ends_within_a_file_costs_nothing(endpoint, source, tmp_path):
    grants = RenewableGrants(endpoint)
    count = {"put_block": 0}

    def revoke_at_times(seen: Seen) -> None:
        count["put_block"] += seen.kind == "put_block"
        if seen.kind == "put_block" and count["put_block"] in (5, 15):
            endpoint.revoke()

    endpoint.on_arrival = revoke_at_times
    copy = endpoint_copy(endpoint, source, tmp_path / "journal.db", access=grants)
    assert copy.run().outcome is Outcome.COMPLETE
    assert grants.renewals == 2
    assert {(row.bucket, row.tries) for row in copy.ledger()} == {(Bucket.TRANSFERRED, 1)}
    assert difference(endpoint.store.blobs.get("large 0.bin"), source / "large 0.bin") is None
    assert endpoint.record.count("put_block") == 24


@pytest.mark.parametrize("kind", ["put_blob", "put_block", "put_block_list", "list"])
@pytest.mark.parametrize(
    "fault",
    [
        Cut(0.0),
        Cut(0.5),
        Hang(20),
        Hang(20, acted=True),
        HalfClose(),
        Truncate(0.1),
        Truncate(0.9),
        Refuse(503, "ServerBusy", {"Retry-After": "1"}),
        Shape(delay_seconds=0.7),
    ],
    ids=["cut before", "cut within", "silent", "silent after", "half-closed", "torn", "torn late", "503", "slow"],
)
def test_each_fault_costs_a_retry_and_no_file(endpoint, tmp_path, kind, fault):
    source = torture_tree(tmp_path / "source", random.Random(9), small=6, large=1, large_mib=4)
    left = [fault, None, fault]

    def script(seen: Seen):
        return left.pop(0) if left and seen.kind == kind else None

    endpoint.script = script
    copy = endpoint_copy(endpoint, source, tmp_path / "journal.db")
    assert copy.run().outcome is Outcome.COMPLETE
    endpoint.settle()
    assert {row.bucket for row in copy.ledger()} == {Bucket.TRANSFERRED}
    assert wrongly_reported(copy.ledger(), endpoint, source) == []
    assert endpoint.record.sent_twice() + endpoint.record.committed_twice() == []


@pytest.mark.slow
def test_a_huge_sparse_file_is_killed_half_way_and_goes_on(certificates, tmp_path):
    """`make torture` has the 200 GB; here two, against an endpoint that keeps digests only."""
    found = sparse_copy(2048 * MIB + 12_345, tmp_path / "copy", certificates, chunk_mib=8)
    assert found.problems == []
    assert found.blocks == 257


def test_an_agent_that_is_killed_goes_on_with_grants_that_end_all_the_time(endpoint, source, tmp_path):
    """A real agent under a control plane: signatures live for two seconds, and once everything is killed."""
    endpoint.script = lambda seen: Shape(delay_seconds=0.4) if seen.kind == "put_block" else None
    with GrantingPlane(endpoint, grant_seconds=2.0) as plane:
        agent = registered_agent(tmp_path / "home", plane, endpoint)
        try:
            job = plane.start_copy(source, chunk_size_mib=1, concurrency=2)
            agent.start()
            eventually(lambda: endpoint.record.count("put_block") >= 6, seconds=60, what="blocks are staged")
            assert agent.process is not None
            leader = agent.process.pid
            os.killpg(leader, signal.SIGKILL)
            agent.process.wait(30)
            eventually(lambda: not session_of(leader), seconds=15, what="nothing of it is left")
            endpoint.settle()
            endpoint.record.broke()
            agent.start()
            eventually(lambda: plane.ended(job), seconds=90, what=f"the job has ended\n{agent.output()[-3000:]}")
        finally:
            agent.close()
        last = plane.last(job)
        assert last is not None
        assert (last.phase, last.outcome) == (JobPhase.COMPLETED, Outcome.COMPLETE), last
        assert len(plane.grants) >= 3
        eventually(lambda: len(plane.ledger[job]) == 21, seconds=20, what="the ledger has arrived")
        rows = list(plane.ledger[job].values())
        assert {(row.bucket, row.tries) for row in rows} == {(Bucket.TRANSFERRED, 1)}
        assert wrongly_reported(rows, endpoint, source) == []
        assert len({row.path for row in rows}) == 21
        assert endpoint.record.sent_twice() + endpoint.record.committed_twice() == []
