"""Files that are hard to copy: each ends in one bucket with its code, and the others are copied all the same."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from migrate_agent.engine_results import EngineResult
from migrate_contract.jobs import Bucket, JobPhase, Outcome
from tests.harness.agent_process import AgentProcess
from tests.harness.conditions import eventually
from tests.harness.container import files, rclone_check, signed_url
from tests.harness.copy_engine import JOB_ID, Container, Copy, make_tree

MIB = 1 << 20
NewCopy = Callable[..., Copy]


def between_scan_and_copy(copy: Copy, change: Callable[[], None]) -> EngineResult:
    """Result: how the copy ended, with `change` made when everything was scanned and nothing sent."""
    copy.hold_after_scan = True
    journal = copy.open_journal()
    engine = copy.engine(journal)
    results: list[EngineResult] = []
    thread = threading.Thread(target=lambda: results.append(engine.run()))
    thread.start()
    try:
        eventually(lambda: engine.snapshot().phase is JobPhase.READY, seconds=20, what="ready", every=0.01)
        change()
    finally:
        engine.approve()
        thread.join(60)
        journal.close()
    return results[0]


def test_what_happens_to_a_file_after_the_scan(tmp_path: Path, container: Container, new_copy: NewCopy) -> None:
    source = make_tree(
        tmp_path / "source",
        {
            name: name.encode()
            for name in ("stays", "deleted", "becomes-a-folder", "becomes-a-link", "in/gone", "grows")
        },
    )

    def change() -> None:
        (source / "deleted").unlink()
        (source / "becomes-a-folder").unlink()
        (source / "becomes-a-folder").mkdir()
        (source / "becomes-a-link").unlink()
        (source / "becomes-a-link").symlink_to("stays")
        shutil.rmtree(source / "in")
        (source / "grows").write_bytes(b"longer than it was")

    copy = new_copy(source)
    result = between_scan_and_copy(copy, change)
    assert (result.phase, result.outcome) == (JobPhase.COMPLETED, Outcome.COMPLETE_WITH_FAILURES)
    failed = {row.path: row.code for row in copy.ledger() if row.bucket is Bucket.FAILED}
    assert failed == {
        "deleted": "source-vanished",
        "in/gone": "source-vanished",
        "becomes-a-folder": "source-changed",
        "becomes-a-link": "source-changed",
    }
    assert container.blobs() == {"stays": b"stays", "grows": b"longer than it was"}
    assert copy.row("grows").size_bytes == len(b"longer than it was")


@contextmanager
def held(path: Path) -> Iterator[None]:
    """The file as another program's own: whoever opens it without waiting is refused (a lease, fcntl(2))."""
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        yield
    finally:
        os.close(descriptor)
        signal.signal(signal.SIGIO, before)


def test_a_file_that_another_program_holds_is_locked_and_copied_when_it_is_free(
    tmp_path: Path, container: Container, new_copy: NewCopy
) -> None:
    source = make_tree(tmp_path / "source", {"held": b"1", "free": b"2"})
    copy = new_copy(source)
    with held(source / "held"):
        assert copy.run().outcome is Outcome.COMPLETE_WITH_FAILURES
    assert (copy.row("held").bucket, copy.row("held").code) == (Bucket.FAILED, "source-locked")
    assert container.blobs() == {"free": b"2"}
    again = new_copy(source, attempt=2)
    assert again.run().outcome is Outcome.COMPLETE
    assert container.blobs() == {"free": b"2", "held": b"1"}


def test_no_permission_fails_the_file_and_the_folder_and_nothing_else(tmp_path: Path, container: Container) -> None:
    """Root reads everything, so the command runs without the capabilities that let it."""
    source = make_tree(tmp_path / "source", {"secret": b"1", "open": b"2", "closed/inside": b"3"})
    (source / "secret").chmod(0)
    (source / "closed").chmod(0)
    agent = AgentProcess(tmp_path / "home", "", str(container.ca_file))
    agent.environment["MIGRATE_SAS_URL"] = container.sas_url
    as_anybody = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
    ended = subprocess.run(
        [*as_anybody, sys.executable, "-m", "migrate_agent", "copy", str(source), "--json"],
        env=agent.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    (source / "closed").chmod(0o700)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    report = json.loads(ended.stdout)
    assert {(found["path"], found["bucket"], found["code"]) for found in report["attention"]} == {
        ("secret", "failed", "source-denied"),
        ("closed/", "failed", "source-denied"),
    }
    assert container.blobs() == {"open": b"2"}


def test_sparse_and_empty_files_are_their_content(tmp_path: Path, container: Container, new_copy: NewCopy) -> None:
    source = make_tree(tmp_path / "source", {"zero": b"", "in/zero": b""})
    with (source / "sparse").open("wb") as file:
        file.write(b"begin")
        file.seek(5 * MIB)
        file.write(b"middle")
        file.truncate(9 * MIB + 1)
    with (source / "hole").open("wb") as file:
        file.truncate(2 * MIB)
    assert (source / "sparse").stat().st_blocks * 512 < 9 * MIB
    copy = new_copy(source, transfer={"chunk_size_mib": 1})
    assert copy.run().outcome is Outcome.COMPLETE
    assert container.blobs() == files(source)
    assert {row.code for row in copy.ledger()} == {None}


def test_every_kind_of_thing_that_is_no_file(tmp_path: Path, container: Container, new_copy: NewCopy) -> None:
    source = make_tree(tmp_path / "source", {"file": b"1"})
    os.mkfifo(source / "pipe")
    expected = {"pipe": ("unsupported", "special-file"), "bare/deep/": ("excluded", "folder-empty")}
    (source / "bare" / "deep").mkdir(parents=True)
    for name, target in (("link", "file"), ("loop", "loop"), ("up", ".."), ("nowhere", "none")):
        (source / name).symlink_to(target)
        expected[name] = ("excluded", "symlink-skipped")
    os.link(source / "file", source / "second")
    expected["file"] = expected["second"] = ("transferred", "hard-link")
    if os.geteuid() == 0:
        os.mknod(source / "null", 0o600 | stat.S_IFCHR, os.makedev(1, 3))
        os.mknod(source / "disk", 0o600 | stat.S_IFBLK, os.makedev(7, 200))
        expected["null"] = expected["disk"] = ("unsupported", "special-file")
    copy = new_copy(source)
    assert copy.run().outcome is Outcome.COMPLETE
    rows = {row.path: row for row in copy.ledger()}
    assert {path: (row.bucket.value, row.code) for path, row in rows.items()} == expected
    assert all(row.detail for row in rows.values())
    assert "2 names" in (rows["second"].detail or "")
    assert container.blobs() == {"file": b"1", "second": b"1"}


@contextmanager
def mounted(folder: Path) -> Iterator[Callable[[], None]]:
    """A file system of its own at `folder`; yields what takes it away."""
    folder.mkdir(parents=True, exist_ok=True)
    made = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(folder)], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"nothing can be mounted here: {made.stderr.strip()}")

    def take_away() -> None:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)

    try:
        yield take_away
    finally:
        if folder.is_mount():
            take_away()


def test_a_source_whose_mount_vanishes_fails_the_job_and_no_file(tmp_path: Path, new_copy: NewCopy) -> None:
    source = tmp_path / "share"
    with mounted(source) as take_away:
        make_tree(source, {f"{index}": b"x" for index in range(30)})
        copy = new_copy(source)
        result = between_scan_and_copy(copy, take_away)
    assert result.phase is JobPhase.FAILED
    assert result.fault is not None
    assert result.fault.code == "source-not-found"
    assert "unmounted" in result.fault.detail
    assert copy.ledger() == []


def test_a_mount_inside_the_source_that_vanishes_fails_its_files(
    tmp_path: Path, container: Container, new_copy: NewCopy
) -> None:
    source = make_tree(tmp_path / "source", {"own": b"1"})
    with mounted(source / "other") as take_away:
        make_tree(source / "other", {"theirs": b"2"})
        copy = new_copy(source)
        assert between_scan_and_copy(copy, take_away).outcome is Outcome.COMPLETE_WITH_FAILURES
    assert (copy.row("other/theirs").bucket, copy.row("other/theirs").code) == (Bucket.FAILED, "source-vanished")
    assert container.blobs() == {"own": b"1"}


def metadata(container: Container) -> dict[str, dict[str, str]]:
    """Name -> metadata of every blob."""
    return {blob.name: dict(blob.metadata) for blob in container.client.list_blobs(include=["metadata"])}


def test_posix_properties_are_kept_where_azcopy_finds_them(
    tmp_path: Path, container: Container, new_copy: NewCopy
) -> None:
    source = make_tree(tmp_path / "source", {"small": b"1", "large": bytes(3 * MIB)})
    (source / "small").chmod(0o640)
    os.utime(source / "small", ns=(1_500_000_000_000_000_001, 1_600_000_000_123_456_789))
    found = (source / "small").stat()
    copy = new_copy(source, transfer={"posix_properties": True, "chunk_size_mib": 1})
    assert copy.run().outcome is Outcome.COMPLETE
    kept = metadata(container)
    assert kept["small"] == {
        "mtime": "2020-09-13T12:26:40.123456789Z",
        "onemigrate": f"{JOB_ID}.1",
        "posix_owner": str(found.st_uid),
        "posix_group": str(found.st_gid),
        "permissions": str(0o100640),
        "modtime": "1600000000123456789",
        "posix_atime": "1500000000000000001",
        "posix_ctime": str(found.st_ctime_ns),
        "posix_nlink": "1",
        "posix_ino": str(found.st_ino),
        "posix_dev": str(found.st_dev),
    }
    assert kept["large"]["permissions"] == str((source / "large").stat().st_mode)
    plain = new_copy(make_tree(tmp_path / "plain", {"other": b"1"}), attempt=2)
    plain.run()
    assert set(metadata(container)["other"]) == {"mtime", "onemigrate"}


def test_folder_markers_keep_folders_and_a_rerun_sends_none(
    tmp_path: Path, container: Container, new_copy: NewCopy
) -> None:
    source = make_tree(tmp_path / "source", {"a/b/file": b"1", "top": b"2"})
    (source / "bare" / "deep").mkdir(parents=True)
    for index in range(20):
        (source / "many" / f"{index:02d}").mkdir(parents=True)
    os.utime(source / "a", ns=(1, 1_600_000_000_123_456_789))
    markers = {"a", "a/b", "bare", "bare/deep", "many", *(f"many/{index:02d}" for index in range(20))}
    kept = {"folder_markers": True, "posix_properties": True}
    first = new_copy(source, prefix="p", transfer=kept)
    assert first.run().outcome is Outcome.COMPLETE
    assert set(first.buckets().values()) == {"transferred"}
    assert set(first.buckets()) == {"a/b/file", "top", *(f"{name}/" for name in markers)}
    assert container.blobs() == {"p/a/b/file": b"1", "p/top": b"2"} | {f"p/{name}": b"" for name in markers}
    found = metadata(container)
    assert {name for name, values in found.items() if values.get("hdi_isfolder") == "true"} == {
        f"p/{name}" for name in markers
    }
    assert found["p/a"]["mtime"] == "2020-09-13T12:26:40.123456789Z"
    assert int(found["p/a"]["permissions"]) == (source / "a").stat().st_mode

    again = new_copy(source, prefix="p", attempt=2, transfer=kept)
    assert again.run().outcome is Outcome.COMPLETE
    assert set(again.buckets().values()) == {"unchanged"}
    assert {values["onemigrate"] for values in metadata(container).values()} == {f"{JOB_ID}.1"}


def test_rclone_takes_markers_for_folders(tmp_path: Path, container: Container, new_copy: NewCopy) -> None:
    source = make_tree(tmp_path / "source", {"a/file": b"1"})
    (source / "bare").mkdir()
    assert new_copy(source, transfer={"folder_markers": True}).run().outcome is Outcome.COMPLETE
    url = signed_url(container.account, container.client.container_name)
    checked = rclone_check(source, url, str(container.ca_file))
    assert checked.returncode == 0, checked.stderr
    assert "1 matching files" in checked.stderr


def test_a_file_in_the_place_of_a_folder_replaces_its_marker(
    tmp_path: Path, container: Container, new_copy: NewCopy
) -> None:
    """Both have no bytes and one hash; only the mark tells them apart."""
    source = tmp_path / "source"
    (source / "thing").mkdir(parents=True)
    os.utime(source / "thing", (1_000_000_000, 1_000_000_000))
    new_copy(source, transfer={"folder_markers": True}).run()
    (source / "thing").rmdir()
    (source / "thing").write_bytes(b"")
    copy = new_copy(source, attempt=2, transfer={"folder_markers": True})
    assert copy.run().outcome is Outcome.COMPLETE
    assert copy.buckets() == {"thing": "transferred"}
    assert "hdi_isfolder" not in metadata(container)["thing"]
