"""The copy engine against a real emulator: what arrives, what the ledger says, and the overwrite rules."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import socket
import threading
import time
import unicodedata
from dataclasses import replace

import pytest

from migrate_agent.stop import StopKind
from migrate_agent.transfer.engine import CopyEngine
from migrate_contract.jobs import Bucket, JobPhase, Outcome, Verification, WaitReason
from migrate_contract.schedule import LimitInForce, LimitOwner
from tests.harness.conditions import eventually
from tests.harness.copy_engine import JOB_ID, QUICK, make_tree

MIB = 1 << 20


def some_files(count: int = 40, seed: int = 1) -> dict[str, bytes]:
    chance = random.Random(seed)
    return {f"folder {index % 5}/file-{index:03d}.txt": chance.randbytes(index * 97) for index in range(count)}


def test_a_tree_arrives_whole_and_the_ledger_adds_up(tmp_path, container, new_copy):
    files = some_files() | {
        "zero": b"",
        "large.bin": random.Random(2).randbytes(3 * MIB + 17),
        "Ünïcödé/日本語 & +%?#.txt": b"name",
        "page.html": b"<p>",
    }
    source = make_tree(tmp_path / "source", files)
    os.utime(source / "zero", ns=(1, 1_600_000_000_123_456_789))
    copy = new_copy(source, prefix="a/b", transfer={"chunk_size_mib": 1})

    result = copy.run()

    assert (result.phase, result.outcome) == (JobPhase.COMPLETED, Outcome.COMPLETE)
    assert container.blobs() == {f"a/b/{path}": content for path, content in files.items()}
    rows = {row.path: row for row in copy.ledger()}
    assert {row.bucket for row in rows.values()} == {Bucket.TRANSFERRED}
    assert {path: row.md5 for path, row in rows.items()} == {
        path: hashlib.md5(content).hexdigest() for path, content in files.items()
    }
    assert {row.verification for row in rows.values()} == {Verification.STORED}
    properties = {blob.name: blob for blob in container.client.list_blobs(include=["metadata"])}
    for path, content in files.items():
        blob = properties[f"a/b/{path}"]
        assert bytes(blob.content_settings.content_md5) == hashlib.md5(content).digest()
        assert blob.metadata["onemigrate"] == f"{JOB_ID}.1"
    assert properties["a/b/zero"].metadata["mtime"] == "2020-09-13T12:26:40.123456789Z"
    assert properties["a/b/page.html"].content_settings.content_type == "text/html"
    blocks, _ = container.client.get_blob_client("a/b/large.bin").get_block_list("committed")
    assert [block.size for block in blocks] == [MIB, MIB, MIB, 17]
    assert [str(block.id)[:5] for block in blocks] == ["00000", "00001", "00002", "00003"]


def test_a_second_attempt_sends_nothing_and_a_stranger_journal_is_enough(tmp_path, container, new_copy):
    source = make_tree(tmp_path / "source", some_files(20))
    first = new_copy(source)
    first.run()
    etags = {blob.name: blob.etag for blob in container.client.list_blobs()}
    again = new_copy(source, attempt=2)
    result = again.run()
    assert result.outcome is Outcome.COMPLETE
    assert set(again.buckets().values()) == {"unchanged"}
    assert {blob.name: blob.etag for blob in container.client.list_blobs()} == etags


def test_only_what_changed_is_sent_again(tmp_path, container, new_copy):
    source = make_tree(tmp_path / "source", some_files(6))
    new_copy(source).run()
    changed = source / "folder 1/file-001.txt"
    changed.write_bytes(b"newer")
    touched = source / "folder 2/file-002.txt"
    os.utime(touched)
    (source / "new.txt").write_bytes(b"new")
    copy = new_copy(source, attempt=2)
    copy.run()
    assert {path for path, bucket in copy.buckets().items() if bucket == "transferred"} == {
        "folder 1/file-001.txt",
        "new.txt",
    }
    assert container.blobs()["folder 1/file-001.txt"] == b"newer"


def test_a_strangers_blob_is_not_overwritten_unless_always(tmp_path, container, new_copy):
    source = make_tree(tmp_path / "source", {"same": b"equal", "other": b"source", "sized": b"source"})
    container.client.upload_blob("same", b"equal")
    container.client.upload_blob("other", b"theirs and longer")
    container.client.upload_blob("sized", b"theirs")
    copy = new_copy(source)
    result = copy.run()
    assert result.outcome is Outcome.COMPLETE_WITH_FAILURES
    assert copy.buckets() == {"same": "unchanged", "other": "failed", "sized": "failed"}
    assert {copy.row("other").code, copy.row("sized").code} == {"target-exists"}
    assert container.blobs()["other"] == b"theirs and longer"

    copy = new_copy(source, attempt=2, transfer={"overwrite": "never"})
    assert copy.run().outcome is Outcome.COMPLETE
    assert copy.buckets() == {"same": "unchanged", "other": "excluded", "sized": "excluded"}
    assert copy.row("other").code == "target-kept"

    copy = new_copy(source, attempt=3, transfer={"overwrite": "always"})
    assert copy.run().outcome is Outcome.COMPLETE
    assert copy.buckets() == {"same": "unchanged", "other": "transferred", "sized": "transferred"}
    assert container.blobs() == {"same": b"equal", "other": b"source", "sized": b"source"}


def test_an_older_source_is_kept_out(tmp_path, container, new_copy):
    source = make_tree(tmp_path / "source", {"a": b"one"})
    new_copy(source).run()
    (source / "a").write_bytes(b"older but different")
    os.utime(source / "a", (1_000_000_000, 1_000_000_000))
    copy = new_copy(source, attempt=2)
    copy.run()
    assert (copy.row("a").bucket, copy.row("a").code) == (Bucket.EXCLUDED, "target-kept")
    assert container.blobs() == {"a": b"one"}


def test_hard_names_and_odd_files_are_each_in_one_bucket(tmp_path, container, new_copy):
    source = make_tree(
        tmp_path / "source",
        {
            "plain": b"1",
            "Case": b"2",
            "case": b"3",
            unicodedata.normalize("NFC", "é"): b"4",
            unicodedata.normalize("NFD", "é"): b"5",
            "dot.": b"6",
            "folder./inside": b"7",
            "back\\slash": b"8",
            "new\nline": b"9",
        },
    )
    os.close(os.open(os.fsencode(source) + b"/bytes\xff.txt", os.O_CREAT))
    deep = source / "/".join(["d" * 200] * 6)
    deep.mkdir(parents=True)
    (deep / "file").write_bytes(b"11")
    (source / "link").symlink_to("plain")
    (source / "loop").symlink_to(".")
    (source / "broken").symlink_to("nowhere")
    os.mkfifo(source / "pipe")
    with socket.socket(socket.AF_UNIX) as unix, contextlib.chdir(source):  # a socket's address is short
        unix.bind("sock")
    os.link(source / "plain", source / "hard")
    copy = new_copy(source, filters={"exclude": ["hard"]})

    assert copy.run().outcome is Outcome.COMPLETE

    rows = {row.path: row for row in copy.ledger()}
    codes = {path: (row.bucket.value, row.code) for path, row in rows.items()}
    collision = ("transferred", "name-collision")
    assert codes == {
        "plain": ("transferred", "hard-link"),
        "Case": collision,
        "case": collision,
        "é": collision,
        unicodedata.normalize("NFD", "é"): collision,
        "hard": ("excluded", "filtered-out"),
        "dot.": ("unsupported", "name-unsupported"),
        "folder./inside": ("unsupported", "name-unsupported"),
        "back\\slash": ("unsupported", "name-unsupported"),
        "new\nline": ("unsupported", "name-unsupported"),
        "bytes\\xff.txt": ("unsupported", "name-unsupported"),
        str((deep / "file").relative_to(source)): ("unsupported", "name-unsupported"),
        "link": ("excluded", "symlink-skipped"),
        "loop": ("excluded", "symlink-skipped"),
        "broken": ("excluded", "symlink-skipped"),
        "pipe": ("unsupported", "special-file"),
        "sock": ("unsupported", "special-file"),
    }
    assert all(rows[path].detail for path, (bucket, _) in codes.items() if bucket != "transferred")
    assert len(container.blobs()) == 5


def test_links_are_followed_and_cycles_cut(tmp_path, container, new_copy):
    source = make_tree(tmp_path / "source", {"folder/file": b"1", "plain": b"2"})
    make_tree(tmp_path / "elsewhere", {"outside": b"3"})
    (source / "link").symlink_to("plain")
    (source / "more").symlink_to(tmp_path / "elsewhere")
    (source / "folder/up").symlink_to("..")
    (source / "self").symlink_to("self")
    (source / "broken").symlink_to("nowhere")
    copy = new_copy(source, transfer={"symlinks": "follow"})
    assert copy.run().outcome is Outcome.COMPLETE_WITH_FAILURES
    assert container.blobs() == {"folder/file": b"1", "plain": b"2", "link": b"2", "more/outside": b"3"}
    codes = {row.path: row.code for row in copy.ledger() if row.code}
    assert codes == {"folder/up": "symlink-cycle", "self": "symlink-cycle", "broken": "symlink-broken"}


def test_filters_leave_out_and_count(tmp_path, container, new_copy):
    source = make_tree(
        tmp_path / "source", {"a.txt": b"1", "b.tmp": b"22", "cache/x.txt": b"333", "deep/er/c.txt": b"4"}
    )
    copy = new_copy(source, filters={"include": ["*.txt"], "exclude": ["cache", "deep/**"]})
    copy.run()
    assert copy.buckets() == {
        "a.txt": "transferred",
        "b.tmp": "excluded",
        "cache/x.txt": "excluded",
        "deep/er/c.txt": "excluded",
    }
    assert set(container.blobs()) == {"a.txt"}


@pytest.mark.parametrize("missing", [True, False])
def test_a_source_that_is_no_folder_fails_the_job(tmp_path, new_copy, missing):
    source = tmp_path / "source"
    if not missing:
        source.write_bytes(b"a file")
    result = new_copy(source).run()
    assert result.phase is JobPhase.FAILED
    assert result.fault is not None
    assert result.fault.code == "source-not-found"


def test_a_missing_container_fails_the_job(tmp_path, container, new_copy):
    source = make_tree(tmp_path / "source", {"a": b"1"})
    copy = new_copy(source)
    url = copy.container.sas_url
    container.client.delete_container()
    result = copy.run()
    container.client.create_container()
    assert result.fault is not None, url.split("?")[0]
    assert result.fault.code == "target-container-missing"


def test_an_empty_folder_is_a_complete_copy(tmp_path, new_copy):
    source = tmp_path / "source"
    source.mkdir()
    copy = new_copy(source)
    assert copy.run().outcome is Outcome.COMPLETE
    assert copy.ledger() == []


def test_readback_downloads_and_block_does_not(tmp_path, container, new_copy, front):
    source = make_tree(tmp_path / "source", some_files(5))
    copy = new_copy(source, container=container.behind(front.endpoint), transfer={"verification": "readback"})
    copy.run()
    assert front.count("get") == 5
    assert {row.verification for row in copy.ledger()} == {Verification.READBACK}
    front.seen.clear()
    source = make_tree(tmp_path / "more", {"new": b"1"})
    copy = new_copy(source, container=container.behind(front.endpoint), transfer={"verification": "block"})
    copy.run()
    assert (front.count("get"), front.count("list"), front.count("head")) == (0, 1, 0)
    assert copy.row("new").verification is Verification.BLOCK


def test_a_blob_that_changes_after_its_commit_is_sent_again(tmp_path, container, new_copy, front):
    """The one whose copy vanishes between commit and reading back is copied again in the next pass."""
    source = make_tree(tmp_path / "source", some_files(30))
    victim = "folder 1/file-001.txt"
    harmed = threading.Event()

    def script(request):
        if request.kind == "list" and front.count("put_blob") and not harmed.is_set():
            harmed.set()
            container.client.delete_blob(victim)

    front.script = script
    copy = new_copy(source, container=container.behind(front.endpoint))
    assert copy.run().outcome is Outcome.COMPLETE
    assert harmed.is_set()
    assert container.blobs() == some_files(30)
    assert copy.row(victim).verification is Verification.STORED


def test_a_blob_that_somebody_always_damages_fails_verification(tmp_path, container, new_copy, front):
    source = make_tree(tmp_path / "source", {"a": b"1"})

    def script(request):
        if request.kind == "head":
            container.client.upload_blob("a", b"x", overwrite=True, metadata={"onemigrate": f"{JOB_ID}.1"})

    front.script = script
    copy = new_copy(source, container=container.behind(front.endpoint))
    assert copy.run().outcome is Outcome.COMPLETE_WITH_FAILURES
    assert copy.row("a").code in ("verify-mismatch", "target-changed")
    assert copy.row("a").bucket is Bucket.FAILED


def test_hold_after_scan_shows_the_plan_and_waits(tmp_path, container, new_copy):
    source = make_tree(tmp_path / "source", {"a": b"1", "b.": b"2", "theirs": b"3", "same": b"4"})
    new_copy(make_tree(tmp_path / "before", {"same": b"4"})).run()
    os.utime(source / "same", ns=(0, (tmp_path / "before/same").stat().st_mtime_ns))
    container.client.upload_blob("theirs", b"a stranger's")
    copy = new_copy(source, hold_after_scan=True, attempt=2)
    journal = copy.open_journal()
    engine = copy.engine(journal)
    results = []
    thread = threading.Thread(target=lambda: results.append(engine.run()))
    thread.start()
    eventually(lambda: engine.snapshot().phase is JobPhase.READY, seconds=10, what="ready", every=0.01)
    shown = engine.snapshot()
    assert shown.scan_complete
    assert (shown.files.pending, shown.files.unsupported, shown.files.failed, shown.files.unchanged) == (1, 1, 1, 1)
    assert [fault.code for fault in shown.recent_faults] == ["target-exists"]
    assert shown.waiting.reason is WaitReason.APPROVAL
    assert "a" not in container.blobs()
    engine.approve()
    thread.join(20)
    journal.close()
    assert results[0].outcome is Outcome.COMPLETE_WITH_FAILURES
    assert container.blobs() == {"a": b"1", "same": b"4", "theirs": b"a stranger's"}
    assert len(copy.ledger()) == 4


@pytest.mark.parametrize(
    ("kind", "phase"),
    [(StopKind.PAUSE, JobPhase.PAUSED), (StopKind.STOP, JobPhase.RUNNING), (StopKind.CANCEL, JobPhase.CANCELLED)],
)
def test_a_stop_leaves_the_rest_pending_and_the_same_attempt_goes_on(tmp_path, container, new_copy, front, kind, phase):
    files = some_files(60) | {"z-large.bin": os.urandom(4 * MIB)}
    source = make_tree(tmp_path / "source", files)
    copy = new_copy(source, container=container.behind(front.endpoint), transfer={"chunk_size_mib": 1})

    def script(request):
        if request.kind == "put_blob" and front.count("put_blob") == 10:
            copy.stop.request(kind)

    front.script = script
    began = time.monotonic()
    result = copy.run()
    assert time.monotonic() - began < 15
    assert result.phase is phase
    assert result.stopped is (kind is StopKind.STOP)
    journal = copy.open_journal()
    counters = journal.counters()
    journal.close()
    assert counters.files.pending > 30
    if kind is StopKind.CANCEL:
        return
    front.script = lambda _: None
    copy.stop = type(copy.stop)()
    assert copy.run().outcome is Outcome.COMPLETE
    assert container.blobs() == files
    assert set(copy.buckets().values()) == {"transferred"}
    assert len(copy.ledger()) == 61


def test_a_dry_run_says_what_would_be_and_writes_nothing(tmp_path, container, new_copy):
    source = make_tree(tmp_path / "source", {"new": b"123", "theirs": b"1", "bad.": b"1", "left.tmp": b"1"})
    container.client.upload_blob("theirs", b"different")
    copy = new_copy(source, filters={"exclude": ["*.tmp"]})
    journal = copy.open_journal()
    plan = copy.engine(journal).dry_run()
    journal.close()
    assert (plan.files.transferred, plan.files.failed, plan.files.unsupported, plan.files.excluded) == (1, 1, 1, 1)
    assert plan.bytes.transferred == 3
    assert {item.path: item.code for item in plan.attention} == {
        "theirs": "target-exists",
        "bad.": "name-unsupported",
    }
    assert {(found.code, found.rule): found.examples for found in plan.findings} == {
        ("target-exists", ""): ["theirs"],
        ("name-unsupported", ""): ["bad."],
        ("filtered-out", "excluded by '*.tmp'"): ["left.tmp"],
    }
    assert set(container.blobs()) == {"theirs"}


def test_a_limit_holds_and_says_so(tmp_path, container, new_copy):
    source = make_tree(tmp_path / "source", {"a.bin": os.urandom(700_000)})
    copy = new_copy(source, transfer={"bandwidth_limit_mbps": 4.0})
    journal = copy.open_journal()
    engine: CopyEngine = copy.engine(journal)
    seen = set()
    thread = threading.Thread(target=engine.run)
    began = time.monotonic()
    thread.start()
    while thread.is_alive():
        seen.add(engine.snapshot().waiting.reason)
        thread.join(0.02)
    elapsed = time.monotonic() - began
    journal.close()
    assert WaitReason.THROTTLE in seen
    # 700,000 bytes at 500,000 bytes a second, less the last slice, which nobody waits for.
    assert 1.2 <= elapsed < 5
    assert engine.snapshot().waited_seconds["throttle"] > 1


def test_a_pause_sends_nothing_and_fails_nothing_and_a_change_holds_at_once(tmp_path, container, new_copy):
    source = make_tree(tmp_path / "source", {f"{number}.bin": os.urandom(200_000) for number in range(8)})
    copy = new_copy(source, transfer={"concurrency": 2})
    journal = copy.open_journal()
    engine: CopyEngine = copy.engine(journal)
    engine.set_limit(LimitInForce(mbps=0.5, owner=LimitOwner.JOB))
    thread = threading.Thread(target=engine.run)
    thread.start()
    eventually(lambda: engine.snapshot().waiting.reason is WaitReason.THROTTLE, seconds=10, what="throttled")
    engine.set_limit(LimitInForce(mbps=0, owner=LimitOwner.SCHEDULE))
    eventually(lambda: engine.snapshot().speed_bytes_per_second == 0, seconds=20, what="nothing was sent for 10 s")
    paused = engine.snapshot()
    assert paused.files.pending > 0
    assert paused.waiting.reason is WaitReason.THROTTLE
    assert paused.waiting.detail == "the project's bandwidth schedule: paused"
    began = time.monotonic()
    engine.set_limit(None)
    thread.join(20)
    assert time.monotonic() - began < 5
    journal.close()
    assert set(copy.buckets().values()) == {"transferred"}
    assert len(container.blobs()) == 8


@pytest.mark.parametrize("kind", [StopKind.STOP, StopKind.PAUSE, StopKind.CANCEL])
def test_a_stop_during_a_pause_is_heard_and_fails_nothing(tmp_path, container, new_copy, kind):
    source = make_tree(tmp_path / "source", {f"{number}.bin": os.urandom(200_000) for number in range(4)})
    copy = new_copy(source)
    journal = copy.open_journal()
    engine: CopyEngine = copy.engine(journal)
    engine.set_limit(LimitInForce(mbps=0, owner=LimitOwner.SCHEDULE))
    results = []
    thread = threading.Thread(target=lambda: results.append(engine.run()))
    thread.start()
    eventually(lambda: engine.snapshot().files.pending == 4, seconds=10, what="scanned")
    copy.stop.request(kind)
    thread.join(20)
    assert not thread.is_alive()
    journal.close()
    assert results[0].stopped is (kind is StopKind.STOP)
    assert copy.ledger() == []
    assert container.blobs() == {}


def test_a_file_that_is_written_to_all_the_time_is_never_committed_torn(tmp_path, container, new_copy):
    """Each state that the file ever has is one value up to some place and the value before it from there on.

    What is read across two of them has the older value first, or more than two.
    """
    source = tmp_path / "source"
    source.mkdir()
    path = source / "busy.bin"
    size = 2 * MIB + 5
    path.write_bytes(bytes(size))
    done = threading.Event()

    def write():
        value = 0
        with path.open("r+b", buffering=0) as file:
            while not done.is_set():
                value = (value + 1) % 256
                file.seek(0)
                for _ in range(0, size, 65536):
                    file.write(bytes([value]) * min(65536, size - file.tell()))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        copy = new_copy(
            source,
            transfer={"chunk_size_mib": 1},
            settings=replace(QUICK, racy_seconds=2.0, pass_delays_seconds=(0.05,)),
        )
        result = copy.run()
    finally:
        done.set()
        writer.join()
    row = copy.row("busy.bin")
    if row.bucket is Bucket.FAILED:
        assert result.outcome is Outcome.COMPLETE_WITH_FAILURES
        assert row.code == "source-changed"
        assert container.blobs() == {}
    else:
        stored = container.blobs()["busy.bin"]
        first, last = stored[0], stored[-1]
        assert stored == bytes([first]) * stored.count(first) + bytes([last]) * (size - stored.count(first))
        assert last in (first, (first - 1) % 256)


def test_an_appended_file_is_retried_until_it_rests(tmp_path, container, new_copy):
    source = make_tree(tmp_path / "source", {"log.txt": b"start\n"})
    path = source / "log.txt"
    stop_at = time.monotonic() + 0.6

    def append():
        while time.monotonic() < stop_at:
            with path.open("ab") as file:
                file.write(b"line\n" * 1000)

    writer = threading.Thread(target=append)
    writer.start()
    copy = new_copy(source, settings=replace(QUICK, racy_seconds=2.0, pass_delays_seconds=(0.1, 0.8, 0.8)))
    result = copy.run()
    writer.join()
    assert result.outcome is Outcome.COMPLETE
    # The journal may have caught a state between two lines' writes, but never half of one state and half of another.
    assert path.read_bytes().startswith(container.blobs()["log.txt"])
