"""Access tiers, the list of files that are safe to delete, cutover and retry, by the engine against the emulator."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from migrate_contract.jobs import JobPhase, Outcome
from tests.harness.copy_engine import QUICK, make_tree
from tests.harness.fault_front import Refuse

FILES = {f"folder/{index:02d}.txt": f"content {index}".encode() for index in range(25)}
ARCHIVE = {"type": "archive"}


def tiers(container):
    return {blob.name: str(blob.blob_tier).lower() for blob in container.client.list_blobs()}


@pytest.mark.parametrize("verification", ["block", "stored", "readback"])
def test_an_archive_job_archives_after_the_verification_and_says_what_is_safe(
    tmp_path, container, new_copy, verification
):
    source = make_tree(tmp_path / "source", FILES | {"large.bin": b"x" * (3 << 20)})
    transfer = {"access_tier": "archive", "verification": verification, "chunk_size_mib": 1}
    copy = new_copy(source, transfer=transfer, more=ARCHIVE)
    assert copy.run().outcome is Outcome.COMPLETE
    assert set(tiers(container).values()) == {"archive"}
    rows = copy.ledger()
    assert {row.access_tier for row in rows} == {"archive"}
    assert {row.verification for row in rows} == {verification}
    assert {row.safe_to_delete for row in rows} == {verification != "block"}
    assert {path.name for path in source.rglob("*") if path.is_file()} >= {"00.txt", "large.bin"}

    again = new_copy(source, attempt=2, transfer=transfer, more=ARCHIVE)
    assert again.run().outcome is Outcome.COMPLETE
    assert set(again.buckets().values()) == {"unchanged"}
    assert {row.safe_to_delete for row in again.ledger()} == {True}

    (source / "folder/00.txt").write_bytes(b"changed")
    third = new_copy(source, attempt=3, transfer=transfer, more=ARCHIVE)
    assert third.run().outcome is Outcome.COMPLETE_WITH_FAILURES
    changed = third.row("folder/00.txt")
    assert (changed.bucket, changed.code, changed.safe_to_delete) == ("failed", "target-archived", False)


def test_processes_of_their_own_archive_too(tmp_path, container, new_copy):
    source = make_tree(tmp_path / "source", FILES)
    lanes = replace(QUICK, lanes=2)
    for attempt, bucket in ((1, "transferred"), (2, "unchanged")):
        copy = new_copy(source, attempt=attempt, transfer={"access_tier": "archive"}, more=ARCHIVE, settings=lanes)
        assert copy.run().outcome is Outcome.COMPLETE
        assert set(copy.buckets().values()) == {bucket}
        assert {(row.access_tier, row.safe_to_delete) for row in copy.ledger()} == {("archive", True)}
    assert set(tiers(container).values()) == {"archive"}


@pytest.mark.parametrize("tier", ["hot", "cool", "cold"])
def test_other_tiers_go_along_with_the_commit(tmp_path, container, new_copy, tier):
    source = make_tree(tmp_path / "source", {"small": b"s", "large": b"l" * (3 << 20)})
    copy = new_copy(source, transfer={"access_tier": tier, "chunk_size_mib": 1})
    assert copy.run().outcome is Outcome.COMPLETE
    assert set(tiers(container).values()) == {tier}
    assert {(row.access_tier, row.safe_to_delete) for row in copy.ledger()} == {(tier, False)}


def test_what_an_earlier_copy_left_in_another_tier_is_moved_and_an_archived_blob_is_never_brought_back(
    tmp_path, container, new_copy
):
    source = make_tree(tmp_path / "source", FILES)
    new_copy(source).run()
    assert set(tiers(container).values()) == {"hot"}
    archived = new_copy(source, attempt=2, transfer={"access_tier": "archive"}, more=ARCHIVE)
    archived.run()
    assert set(archived.buckets().values()) == {"unchanged"}
    assert set(tiers(container).values()) == {"archive"}
    back = new_copy(source, attempt=3, transfer={"access_tier": "hot"})
    assert back.run().outcome is Outcome.COMPLETE
    assert set(tiers(container).values()) == {"archive"}
    assert {row.access_tier for row in back.ledger()} == {"archive"}


def test_a_refused_tier_fails_the_file_and_the_copy_stays(tmp_path, container, new_copy, front):
    source = make_tree(tmp_path / "source", {"a": b"one"})
    refused = Refuse(400, "AccessTierNotSupportedForBlobType")
    front.script = lambda seen: refused if seen.headers.get("x-ms-access-tier") == "Archive" else None
    copy = new_copy(
        source, container=container.behind(front.endpoint), transfer={"access_tier": "archive"}, more=ARCHIVE
    )
    assert copy.run().outcome is Outcome.COMPLETE_WITH_FAILURES
    assert copy.row("a").code == "tier-not-set"
    assert "AccessTierNotSupportedForBlobType" in (copy.row("a").detail or "")
    assert container.blobs() == {"a": b"one"}


def test_a_cutover_compares_by_hash_what_an_equal_time_would_hide(tmp_path, container, new_copy):
    source = make_tree(tmp_path / "source", {"a": b"one", "b": b"two"})
    new_copy(source).run()
    before = (source / "a").stat()
    (source / "a").write_bytes(b"eno")
    os.utime(source / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
    fooled = new_copy(source, attempt=2)
    fooled.run()
    assert fooled.buckets() == {"a": "unchanged", "b": "unchanged"}
    cutover = new_copy(source, attempt=3, more={"final": True})
    assert cutover.run().outcome is Outcome.COMPLETE
    assert cutover.buckets() == {"a": "transferred", "b": "unchanged"}
    assert container.blobs() == {"a": b"eno", "b": b"two"}


def test_a_retry_is_about_the_files_that_failed(tmp_path, container, new_copy):
    source = make_tree(tmp_path / "source", {"good": b"g", "sub/bad": b"b", "gone": b"x", "folder/in it": b"y"})
    container.client.upload_blob("sub/bad", b"a stranger's")
    first = new_copy(source)
    assert first.run().outcome is Outcome.COMPLETE_WITH_FAILURES
    container.client.delete_blob("sub/bad")
    (source / "gone").unlink()
    (source / "new").write_bytes(b"not asked for")
    asked = []

    def paths():
        asked.append(1)
        return ["sub/bad", "gone", "folder/", "odd\\xff"]

    retry = new_copy(source, attempt=2, more={"failed_of": 1}, options={"failed_paths": paths})
    result = retry.run()
    assert (result.phase, result.outcome) == (JobPhase.COMPLETED, Outcome.COMPLETE_WITH_FAILURES)
    assert retry.buckets() == {
        "sub/bad": "transferred",
        "gone": "excluded",
        "folder/in it": "unchanged",
        "odd\\xff": "failed",
    }
    assert retry.row("gone").code == "source-vanished"
    assert container.blobs()["sub/bad"] == b"b"
    assert "new" not in container.blobs()
    assert len(asked) == 1
