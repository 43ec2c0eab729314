"""The mirror by the engine against the emulator: what is listed, what is deleted, and what never is."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from migrate_contract.jobs import JobPhase, Outcome
from tests.harness.conditions import eventually
from tests.harness.copy_engine import JOB_ID, QUICK, make_tree
from tests.harness.fault_front import Drop, Refuse

FILES = {f"folder/{index:02d}.txt": f"content {index}".encode() for index in range(20)}
PREVIEW = {"mode": "preview", "max_delete_files": 100, "max_delete_percent": 50.0}
DELETE = {**PREVIEW, "mode": "delete"}


def sync(order):
    return {"type": "sync", "mirror": order}


@pytest.fixture
def filled(tmp_path, container, new_copy):
    """A source of which 20 files are copied below `to`, and three are gone since."""
    source = make_tree(tmp_path / "source", FILES)
    assert new_copy(source, prefix="to").run().outcome is Outcome.COMPLETE
    for index in (3, 4, 5):
        (source / f"folder/{index:02d}.txt").unlink()
    container.client.upload_blob("to/stranger", b"not ours", metadata={"mtime": "2020-01-01T00:00:00Z"})
    container.client.upload_blob("elsewhere", b"ours, not below the prefix", metadata={"onemigrate": f"{JOB_ID}.1"})
    return source


def gone(copy):
    return {row.path: (row.bucket.value, row.code) for row in copy.ledger() if row.bucket in ("surplus", "deleted")}


@pytest.mark.parametrize("lanes", [0, 2])
def test_a_preview_lists_and_deletes_nothing_by_a_grant_that_cannot_delete(filled, container, new_copy, lanes):
    before = container.blobs()
    copy = new_copy(filled, attempt=2, prefix="to", more=sync(PREVIEW))
    # Lanes have ended when the mirror lists: it reads the pages itself.
    copy.settings = replace(QUICK, lanes=lanes, many_files=1)
    assert copy.run().outcome is Outcome.COMPLETE
    assert gone(copy) == {f"folder/0{n}.txt": ("surplus", "mirror-preview") for n in (3, 4, 5)}
    tally = mirror_tally(copy)
    assert (tally.complete, tally.ours_files, tally.surplus_files, tally.deleted_files) == (True, 20, 3, 0)
    assert tally.surplus_bytes == sum(len(FILES[f"folder/0{n}.txt"]) for n in (3, 4, 5))
    assert container.blobs() == before


def test_the_preview_is_there_before_a_byte_moves(filled, container, new_copy):
    copy = new_copy(filled, attempt=2, prefix="to", more=sync(PREVIEW), hold_after_scan=True)
    journal = copy.open_journal()
    engine = copy.engine(journal)
    runner = threading.Thread(target=engine.run)
    runner.start()
    try:
        eventually(lambda: engine.snapshot().phase is JobPhase.READY, seconds=30, what="the scan to be complete")
        assert journal.beside.mirror_tally().surplus_files == 3
    finally:
        engine.approve()
        runner.join(30)
        journal.close()
    assert len(gone(copy)) == 3


def test_what_is_gone_from_the_source_is_deleted_and_each_deletion_is_a_row(filled, container, new_copy):
    (filled / "new.txt").write_bytes(b"new")
    copy = new_copy(
        filled, attempt=2, prefix="to", more=sync(DELETE), options={"mirror_access": container.mirror_access}
    )
    assert copy.run().outcome is Outcome.COMPLETE
    assert gone(copy) == {f"folder/0{n}.txt": ("deleted", None) for n in (3, 4, 5)}
    left = set(container.blobs())
    kept = {f"to/{path}" for path in FILES} - {f"to/folder/0{n}.txt" for n in (3, 4, 5)}
    assert left == kept | {"to/new.txt", "to/stranger", "elsewhere"}
    tally = mirror_tally(copy)
    assert (tally.surplus_files, tally.deleted_files) == (3, 3)


def test_the_ordinary_grant_cannot_delete(filled, container, new_copy):
    impatient = replace(QUICK, access_patience_seconds=0.0)
    copy = new_copy(filled, attempt=2, prefix="to", more=sync(DELETE), settings=impatient)
    result = copy.run()
    assert (result.phase, result.fault.code) == (JobPhase.FAILED, "target-access-denied")
    assert {f"to/folder/0{n}.txt" for n in (3, 4, 5)} <= set(container.blobs())


@pytest.mark.parametrize("brake", [{"max_delete_files": 2}, {"max_delete_percent": 14.9}])
def test_beyond_the_brake_nothing_is_deleted(filled, container, new_copy, brake):
    before = container.blobs()
    copy = new_copy(
        filled,
        attempt=2,
        prefix="to",
        more=sync({**DELETE, **brake}),
        options={"mirror_access": container.mirror_access},
    )
    result = copy.run()
    assert (result.phase, result.fault.code) == (JobPhase.FAILED, "mirror-brake")
    assert "3 of 20 blobs (15.0 %)" in result.fault.detail
    assert gone(copy) == {f"folder/0{n}.txt": ("surplus", "mirror-brake") for n in (3, 4, 5)}
    assert container.blobs() == before


def test_a_blob_that_was_written_after_it_was_listed_stays(filled, container, new_copy, front):
    def script(seen):
        if seen.method == "DELETE" and seen.name.endswith("03.txt"):
            container.client.upload_blob("to/folder/03.txt", b"a new one", overwrite=True)
        return

    front.script = script
    through = container.behind(front.endpoint)
    copy = new_copy(
        filled,
        attempt=2,
        prefix="to",
        container=through,
        more=sync(DELETE),
        options={"mirror_access": through.mirror_access},
    )
    assert copy.run().outcome is Outcome.COMPLETE
    assert gone(copy)["folder/03.txt"] == ("surplus", "mirror-kept")
    assert container.blobs()["to/folder/03.txt"] == b"a new one"
    assert gone(copy)["folder/04.txt"] == ("deleted", None)


def test_a_lost_answer_and_a_busy_service_lose_no_row(filled, container, new_copy, front):
    hits: dict[str, int] = {}

    def script(seen):
        if seen.method != "DELETE":
            return None
        hits[seen.name] = hits.get(seen.name, 0) + 1
        if hits[seen.name] > 1:
            return None
        return Drop(after=True) if seen.name.endswith("03.txt") else Refuse(503, "ServerBusy")

    front.script = script
    through = container.behind(front.endpoint)
    copy = new_copy(
        filled,
        attempt=2,
        prefix="to",
        container=through,
        more=sync(DELETE),
        options={"mirror_access": through.mirror_access},
    )
    assert copy.run().outcome is Outcome.COMPLETE
    assert {bucket for bucket, _ in gone(copy).values()} == {"deleted"}
    assert copy.row("folder/03.txt").detail == "it was gone already"
    assert mirror_tally(copy).deleted_files == 3


def test_a_file_that_came_back_and_one_that_a_filter_leaves_out_are_not_surplus(filled, container, new_copy):
    (filled / "folder/03.txt").mkdir()  # something is there again, whatever it is
    copy = new_copy(
        filled,
        attempt=2,
        prefix="to",
        filters={"exclude": ["**/1*.txt"]},
        more=sync(DELETE),
        options={"mirror_access": container.mirror_access},
    )
    assert copy.run().phase is JobPhase.COMPLETED
    assert set(gone(copy)) == {"folder/04.txt", "folder/05.txt"}


def test_a_retry_of_failed_files_never_mirrors(filled, container, new_copy):
    # The control plane gives such an attempt no mirror; its spec says so.
    copy = new_copy(
        filled,
        attempt=2,
        prefix="to",
        more={"type": "sync", "failed_of": 1},
        options={"failed_paths": lambda: ["folder/00.txt"]},
    )
    assert copy.run().outcome is Outcome.COMPLETE
    assert gone(copy) == {}


def mirror_tally(copy):
    journal = copy.open_journal()
    try:
        return journal.beside.mirror_tally()
    finally:
        journal.close()
