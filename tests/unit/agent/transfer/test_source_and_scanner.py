"""Reading a file as one state, what the system's errors mean, and the walk."""

from __future__ import annotations

import errno
import hashlib
import os
import time
from pathlib import Path

import pytest

from migrate_agent.store.entries import Entry, FileState
from migrate_agent.transfer.outcomes import failed
from migrate_agent.transfer.scanner import Scanner, open_source
from migrate_agent.transfer.source import SourceFile, fault_code, stat_file
from migrate_contract.errors import ErrorCode, Fatal, SkipRecord
from migrate_contract.jobs import Bucket, FileFilters, SymlinkPolicy


def opened(folder: Path, name: str = "f", *, racy: float = 0.0, wall=time.time) -> SourceFile:
    return SourceFile(str(folder), name, follow=False, racy_seconds=racy, wall=wall)


def md5(content: bytes) -> bytes:
    return hashlib.md5(content).digest()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "f").write_bytes(b"content")
    os.utime(tmp_path / "f", (1_000_000, 1_000_000))
    return tmp_path


def test_an_unchanged_file_is_confirmed(folder):
    with opened(folder) as file:
        assert file.read(4) + file.read(100) == b"content"
        file.confirm(md5(b"content"))
        file.rewind()
        assert file.read(7) == b"content"
    assert stat_file(str(folder), "f", follow=False) == file.state


def rewrite_in_disguise(path: Path) -> None:
    """The modification time is put back, as some programs do."""
    path.write_bytes(b"CONTENT")
    os.utime(path, (1_000_000, 1_000_000))


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_bytes(b"longer content"),
        lambda path: path.write_bytes(b"CONTENT"),
        lambda path: (path.unlink(), path.write_bytes(b"content")),
        rewrite_in_disguise,
    ],
    ids=["grown", "rewritten", "replaced", "rewritten-in-disguise"],
)
def test_a_change_while_reading_is_found(folder, change):
    with opened(folder) as file:
        file.read(3)
        change(folder / "f")
        with pytest.raises(SkipRecord) as raised:
            file.confirm(md5(b"content"))
    assert raised.value.code is ErrorCode.SOURCE_CHANGED


def test_a_file_that_goes_away_while_reading(folder):
    with opened(folder) as file:
        (folder / "f").unlink()
        with pytest.raises(SkipRecord) as raised:
            file.confirm(md5(b"content"))
    assert raised.value.code is ErrorCode.SOURCE_CHANGED or raised.value.code is ErrorCode.SOURCE_VANISHED


def test_a_young_file_is_read_twice(folder):
    """The clock of the file system may not tick between two writes: only the content tells."""
    young = (folder / "f").stat().st_mtime + 1
    with opened(folder, racy=2.0, wall=lambda: young) as file:
        with pytest.raises(SkipRecord):
            file.confirm(md5(b"something else was read"))
        file.confirm(md5(b"content"))
    with opened(folder, racy=2.0, wall=lambda: young + 100) as file:
        file.confirm(md5(b"not looked at: the file has rested for long"))


def test_odd_things_at_the_path(folder):
    with pytest.raises(SkipRecord) as raised:
        opened(folder, "none")
    assert raised.value.code is ErrorCode.SOURCE_VANISHED
    os.mkfifo(folder / "pipe")
    with pytest.raises(SkipRecord) as raised:
        opened(folder, "pipe")
    assert raised.value.code is ErrorCode.SOURCE_CHANGED
    (folder / "link").symlink_to("f")
    with pytest.raises(SkipRecord) as raised:
        opened(folder, "link")
    assert raised.value.code is ErrorCode.SOURCE_CHANGED


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.EACCES, ErrorCode.SOURCE_DENIED),
        (errno.EPERM, ErrorCode.SOURCE_DENIED),
        (errno.EAGAIN, ErrorCode.SOURCE_LOCKED),
        (errno.ETXTBSY, ErrorCode.SOURCE_LOCKED),
        (errno.EBUSY, ErrorCode.SOURCE_LOCKED),
        (errno.ENOENT, ErrorCode.SOURCE_VANISHED),
        (errno.ENOTDIR, ErrorCode.SOURCE_VANISHED),
        (errno.EIO, ErrorCode.SOURCE_READ_FAILED),
        (errno.ESTALE, ErrorCode.SOURCE_READ_FAILED),
        (errno.ENAMETOOLONG, ErrorCode.SOURCE_READ_FAILED),
    ],
)
def test_the_systems_errors(number, code):
    assert fault_code(OSError(number, "x")) is code


@pytest.mark.parametrize("winerror", [32, 33])
def test_windows_tells_locked_from_forbidden_by_its_own_number(winerror):
    error = OSError(errno.EACCES, "x")
    error.winerror = winerror  # type: ignore[attr-defined,unused-ignore]
    assert fault_code(error) is ErrorCode.SOURCE_LOCKED


ENTRY = Entry(1, "p", 5, 6, FileState.PENDING)


@pytest.mark.parametrize(
    ("code", "again"),
    [
        (ErrorCode.SOURCE_CHANGED, True),
        (ErrorCode.SOURCE_LOCKED, True),
        (ErrorCode.SOURCE_VANISHED, True),
        (ErrorCode.SOURCE_READ_FAILED, True),
        (ErrorCode.SOURCE_DENIED, False),
        (ErrorCode.TARGET_EXISTS, False),
        (ErrorCode.TARGET_ARCHIVED, False),
        (ErrorCode.TARGET_CHANGED, True),
        (ErrorCode.VERIFY_MISMATCH, True),
    ],
)
def test_which_failures_are_worth_another_pass(code, again):
    assert failed(ENTRY, code, "d", tries=1, last_pass=False).state is (FileState.RETRY if again else FileState.FINAL)
    assert failed(ENTRY, code, "d", tries=1, last_pass=True).bucket is Bucket.FAILED


def walk(root: Path, symlinks: SymlinkPolicy = SymlinkPolicy.SKIP):
    return list(Scanner(str(root), prefix="", filters=FileFilters(), symlinks=symlinks).walk())


def test_the_walk_is_sorted_and_whole(tmp_path):
    for path in ("b/2", "b/1", "a", "c", "b/x/deep"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(path.encode())
    (tmp_path / "empty").mkdir()
    found = walk(tmp_path)
    assert [item.path for item in found] == ["a", "b/1", "b/2", "b/x/deep", "c", "empty/"]
    assert [item.size_bytes for item in found] == [1, 3, 3, 8, 1, 0]


def test_a_folder_that_cannot_be_read_is_a_failed_row(tmp_path):
    """Vanished between its listing and its turn; as root, permissions would not stop the test."""
    (tmp_path / "a").write_bytes(b"")
    (tmp_path / "gone").mkdir()
    (tmp_path / "z").write_bytes(b"")
    scan = Scanner(str(tmp_path), prefix="", filters=FileFilters(), symlinks=SymlinkPolicy.SKIP).walk()
    assert next(scan).path == "a"
    (tmp_path / "gone").rmdir()
    lost, last = list(scan)
    assert lost.path == "gone/"
    assert lost.verdict is not None
    assert (lost.verdict.bucket, lost.verdict.code) == (Bucket.FAILED, ErrorCode.SOURCE_VANISHED)
    assert last.path == "z"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_forbidden_folder_is_denied(tmp_path):
    (tmp_path / "secret").mkdir(mode=0)
    (found,) = walk(tmp_path)
    assert found.verdict is not None
    assert found.verdict.code is ErrorCode.SOURCE_DENIED


def test_the_source_itself(tmp_path):
    for path in (tmp_path / "none", tmp_path / "file"):
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(Fatal) as raised:
            open_source(str(path))
        assert raised.value.code is ErrorCode.SOURCE_NOT_FOUND


def test_a_trail_of_links_between_two_folders_ends(tmp_path):
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(b"")
        (tmp_path / name / "link").symlink_to(f"../{other}")
    found = walk(tmp_path, symlinks=SymlinkPolicy.FOLLOW)
    assert [item.path for item in found] == [
        "a/file",
        "a/link/file",
        "a/link/link",
        "b/file",
        "b/link/file",
        "b/link/link",
    ]
    assert {item.verdict.code for item in found if item.verdict} == {ErrorCode.SYMLINK_CYCLE}
