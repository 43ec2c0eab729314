"""A copy engine that is killed with SIGKILL, at chosen and at random moments, and goes on."""

from __future__ import annotations

import random
import threading

from migrate_contract.jobs import Outcome
from tests.harness.conditions import eventually
from tests.harness.copy_engine import make_tree
from tests.harness.engine_process import EngineProcess
from tests.harness.fault_front import Drop, Shape

MIB = 1 << 20


def files_for(seed: int, count: int) -> dict[str, bytes]:
    chance = random.Random(seed)
    files = {f"d{index % 7}/f{index:03d}": chance.randbytes(chance.randrange(3000)) for index in range(count)}
    return files | {"large": chance.randbytes(3 * MIB + 9)}


def finished(copy, container, files):
    """The same attempt, run to its end: everything is there, and in the ledger once."""
    assert copy.run().outcome is Outcome.COMPLETE
    assert container.blobs() == files
    rows = copy.ledger()  # checks numbers, sums and doubles
    assert {row.path for row in rows} == set(files)
    assert {row.bucket.value for row in rows} == {"transferred"}


def test_killed_between_stage_and_commit(tmp_path, container, new_copy, front):
    files = files_for(1, 10)
    source = make_tree(tmp_path / "source", files)
    copy = new_copy(source, container=container.behind(front.endpoint), transfer={"chunk_size_mib": 1})
    staged, killed = threading.Event(), threading.Event()

    def script(request):
        if request.kind == "put_block_list" and not killed.is_set():
            staged.set()
            killed.wait(20)
            return Drop()
        return None

    front.script = script
    engine = EngineProcess(copy)
    assert staged.wait(30)
    engine.kill()
    killed.set()
    assert "large" not in container.blobs()
    finished(copy, container, files)


def test_killed_between_commit_and_journal(tmp_path, container, new_copy, front):
    """The service has committed and the journal does not know: recognised, not sent again, counted once."""
    files = files_for(2, 10)
    source = make_tree(tmp_path / "source", files)
    copy = new_copy(source, container=container.behind(front.endpoint), transfer={"chunk_size_mib": 1})
    front.script = lambda request: Shape(delay_seconds=8) if request.kind == "put_block_list" else None
    engine = EngineProcess(copy)
    eventually(lambda: "large" in container.client.list_blob_names(), seconds=30, what="committed", every=0.05)
    engine.kill()
    etag = container.client.get_blob_client("large").get_blob_properties().etag
    front.script = lambda _: None
    front.seen.clear()
    finished(copy, container, files)
    assert front.count("put_block") == 0
    assert container.client.get_blob_client("large").get_blob_properties().etag == etag


def test_killed_at_random_moments(tmp_path, container, new_copy, front):
    files = files_for(3, 150)
    source = make_tree(tmp_path / "source", files)
    copy = new_copy(source, container=container.behind(front.endpoint), transfer={"chunk_size_mib": 1})
    front.script = lambda _: Shape(delay_seconds=0.02)
    chance = random.Random(4)
    kills = 0
    for _ in range(8):
        front.seen.clear()
        engine = EngineProcess(copy)
        eventually(lambda: front.seen, seconds=30, what="it has begun", every=0.005)
        if engine.finish(chance.uniform(0, 0.4)) is not None:
            break
        engine.kill()
        kills += 1
        copy.ledger()  # after each kill, what is on the disk adds up
    assert kills >= 3
    finished(copy, container, files)
