"""The walk on what a file system says beyond size and time: folders, links, placeholders, streams, permissions."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from migrate_agent.store.entries import Found
from migrate_agent.store.notes import Note, packed, unpacked
from migrate_agent.transfer.file_facts import FileFacts, Look, Marks, PosixFacts, system_facts
from migrate_agent.transfer.scanner import Scanner
from migrate_agent.transfer.windows_codes import RECALL_ON_DATA_ACCESS
from migrate_agent.transfer.windows_records import Stream
from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import Bucket, FileFilters, SymlinkPolicy

JUNCTION, ONEDRIVE, SOCKET = 0xA0000003, 0x9000601A, 0x80000023


class ScriptedFacts:
    """Facts by path; `look` counts what was opened."""

    def __init__(self, marks: dict[str, Marks] | None = None, looks: dict[str, Look | OSError] | None = None) -> None:
        self._marks, self._looks = marks or {}, looks or {}
        self.opened: list[str] = []

    def marks(self, name: str, found: os.stat_result) -> Marks:
        return self._marks.get(name, Marks())

    def look(self, where: str | bytes) -> Look:
        name = Path(os.fsdecode(where)).name
        self.opened.append(name)
        look = self._looks.get(name, Look())
        if isinstance(look, OSError):
            raise look
        return look


def walk(
    root: Path,
    *,
    filters: FileFilters | None = None,
    symlinks: SymlinkPolicy = SymlinkPolicy.SKIP,
    folder_markers: bool = False,
    facts: FileFacts | None = None,
) -> dict[str, Found]:
    scanner = Scanner(
        str(root),
        prefix="",
        filters=filters or FileFilters(),
        symlinks=symlinks,
        folder_markers=folder_markers,
        facts=facts,
    )
    rows = list(scanner.walk())
    found = {row.path: row for row in rows}
    assert len(found) == len(rows), "a path is there twice"
    return found


def said(row: Found) -> tuple[Bucket | None, ErrorCode | None]:
    """Bucket and code as the ledger will have them."""
    if row.verdict is None:
        return None, unpacked(row.note)[0]
    return row.verdict.bucket, row.verdict.code


def tree(root: Path, *files: str) -> Path:
    for path in files:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"12345")
    return root


def test_empty_folders_are_counted_and_the_source_itself_is_none(tmp_path: Path) -> None:
    tree(tmp_path, "full/file")
    (tmp_path / "empty" / "deep").mkdir(parents=True)
    found = walk(tmp_path)
    assert set(found) == {"full/file", "empty/deep/"}
    assert said(found["empty/deep/"]) == (Bucket.EXCLUDED, ErrorCode.FOLDER_EMPTY)
    assert walk(tmp_path / "empty" / "deep") == {}


def test_a_filter_says_why_an_empty_folder_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    found = walk(tmp_path, filters=FileFilters(exclude=["cache"]), folder_markers=True)
    assert said(found["cache/"]) == (Bucket.EXCLUDED, ErrorCode.FILTERED_OUT)


def test_with_markers_every_folder_is_found_with_its_time(tmp_path: Path) -> None:
    tree(tmp_path, "a/b/file", "skipped/file")
    (tmp_path / "empty").mkdir()
    (tmp_path / "dot.").mkdir()
    os.utime(tmp_path / "a", ns=(1, 1_600_000_000_123_456_789))
    found = walk(tmp_path, folder_markers=True, filters=FileFilters(exclude=["skipped"]))
    assert set(found) == {"a/", "a/b/", "a/b/file", "empty/", "dot./", "skipped/file"}
    assert (found["a/"].size_bytes, found["a/"].mtime_ns, found["a/"].verdict) == (0, 1_600_000_000_123_456_789, None)
    assert said(found["dot./"]) == (Bucket.UNSUPPORTED, ErrorCode.NAME_UNSUPPORTED)


def test_markers_through_followed_links(tmp_path: Path) -> None:
    tree(tmp_path / "source", "file")
    tree(tmp_path / "elsewhere", "in/file")
    (tmp_path / "source" / "link").symlink_to(tmp_path / "elsewhere")
    found = walk(tmp_path / "source", folder_markers=True, symlinks=SymlinkPolicy.FOLLOW)
    assert set(found) == {"file", "link/", "link/in/", "link/in/file"}
    assert found["link/"].mtime_ns == (tmp_path / "elsewhere").stat().st_mtime_ns


def test_each_name_of_a_hard_link_is_a_file_and_says_so(tmp_path: Path) -> None:
    tree(tmp_path, "one", "alone")
    os.link(tmp_path / "one", tmp_path / "two")
    found = walk(tmp_path)
    assert said(found["one"]) == said(found["two"]) == (None, ErrorCode.HARD_LINK)
    assert "2 names" in (found["one"].note or "")
    assert found["alone"].note is None


def test_reserved_names_are_copied_with_a_note_also_as_folders(tmp_path: Path) -> None:
    tree(tmp_path, "aux/file", "NUL.txt", "end ", "Case", "case")
    found = walk(tmp_path)
    assert {path: said(row)[1] for path, row in found.items()} == {
        "aux/file": ErrorCode.NAME_RESERVED,
        "NUL.txt": ErrorCode.NAME_RESERVED,
        "end ": ErrorCode.NAME_RESERVED,
        "Case": ErrorCode.NAME_COLLISION,
        "case": ErrorCode.NAME_COLLISION,
    }
    assert all(row.verdict is None for row in found.values())


def test_placeholders_are_not_opened_and_fail_with_their_own_code(tmp_path: Path) -> None:
    tree(tmp_path, "cloud", "here")
    facts = ScriptedFacts({"cloud": Marks(RECALL_ON_DATA_ACCESS, ONEDRIVE), "here": Marks(0, ONEDRIVE)})
    found = walk(tmp_path, facts=facts)
    assert said(found["cloud"]) == (Bucket.FAILED, ErrorCode.SOURCE_OFFLINE)
    assert found["cloud"].size_bytes == 5
    assert said(found["here"]) == (None, None)
    assert facts.opened == ["here"]


def test_junctions_follow_the_links_policy_and_special_points_are_unsupported(tmp_path: Path) -> None:
    tree(tmp_path, "junction/file", "sock")
    facts = ScriptedFacts({"junction": Marks(0x10, JUNCTION), "sock": Marks(0, SOCKET)})
    found = walk(tmp_path, facts=facts)
    assert {path: said(row) for path, row in found.items()} == {
        "junction": (Bucket.EXCLUDED, ErrorCode.SYMLINK_SKIPPED),
        "sock": (Bucket.UNSUPPORTED, ErrorCode.SPECIAL_FILE),
    }
    assert "junction/file" in walk(tmp_path, facts=facts, symlinks=SymlinkPolicy.FOLLOW)


def test_streams_have_rows_of_their_own_and_their_files_are_copied(tmp_path: Path) -> None:
    tree(tmp_path, "a.doc", "folder/b")
    streams = (Stream("Zone.Identifier", 26), Stream("summary", 1000))
    facts = ScriptedFacts(looks={"a.doc": Look(streams=streams), "folder": Look(streams=(Stream("x", 1),))})
    found = walk(tmp_path, facts=facts)
    assert said(found["a.doc"]) == (None, None)
    assert said(found["a.doc:Zone.Identifier"]) == (Bucket.EXCLUDED, ErrorCode.STREAM_NOT_CARRIED)
    assert said(found["a.doc:summary"]) == (Bucket.UNSUPPORTED, ErrorCode.STREAM_NOT_CARRIED)
    assert found["a.doc:summary"].size_bytes == 1000
    assert said(found["folder:x"]) == (Bucket.UNSUPPORTED, ErrorCode.STREAM_NOT_CARRIED)


@pytest.mark.parametrize("markers", [False, True])
def test_permissions_of_their_own_are_counted_for_files_and_folders(tmp_path: Path, markers: bool) -> None:
    tree(tmp_path, "file", "folder/plain")
    (tmp_path / "bare").mkdir()
    own = Look(own_permissions=True)
    facts = ScriptedFacts(looks={"file": own, "folder": own, "bare": own})
    found = walk(tmp_path, facts=facts, folder_markers=markers)
    assert said(found["file"]) == (None, ErrorCode.PERMISSIONS_NOT_CARRIED)
    assert said(found["folder/plain"]) == (None, None)
    if markers:
        assert said(found["folder/"]) == said(found["bare/"]) == (None, ErrorCode.PERMISSIONS_NOT_CARRIED)
        return
    assert said(found["folder/"]) == (Bucket.EXCLUDED, ErrorCode.PERMISSIONS_NOT_CARRIED)
    assert said(found["bare/"]) == (Bucket.EXCLUDED, ErrorCode.FOLDER_EMPTY)
    verdict = found["bare/"].verdict
    assert verdict is not None
    assert "access entries" in (verdict.detail or "")


def test_what_the_system_does_not_tell_is_said_and_the_file_is_copied(tmp_path: Path) -> None:
    tree(tmp_path, "shy")
    found = walk(tmp_path, facts=ScriptedFacts(looks={"shy": OSError(13, "Access is denied")}))
    assert found["shy"].verdict is None
    code, sentences = unpacked(found["shy"].note)
    assert code is ErrorCode.PERMISSIONS_NOT_CARRIED
    assert "unknown: Access is denied" in (sentences or "")


def test_links_that_only_a_look_tells(tmp_path: Path) -> None:
    tree(tmp_path, "CON")
    found = walk(tmp_path, facts=ScriptedFacts(looks={"CON": Look(links=2)}))
    code, sentences = unpacked(found["CON"].note)
    assert code is ErrorCode.NAME_RESERVED
    assert "device" in (sentences or "")
    assert "2 names" in (sentences or "")


def test_posix_access_lists_are_asked_for_where_permissions_are_carried(tmp_path: Path) -> None:
    assert system_facts(posix_properties=False) is None
    assert isinstance(system_facts(posix_properties=True), PosixFacts)
    tree(tmp_path, "plain", "shared")
    assert PosixFacts().look(str(tmp_path / "plain")) == Look()
    owner, person, group, mask, other = (1, 6, -1), (2, 4, 1000), (4, 4, -1), (16, 4, -1), (32, 0, -1)
    entries = b"".join(struct.pack("<HHi", *entry) for entry in (owner, person, group, mask, other))
    try:
        os.setxattr(tmp_path / "shared", "system.posix_acl_access", struct.pack("<I", 2) + entries)
    except OSError as error:
        pytest.skip(f"no access lists on this file system: {error}")
    found = walk(tmp_path, facts=system_facts(posix_properties=True))
    assert said(found["shared"]) == (None, ErrorCode.PERMISSIONS_NOT_CARRIED)
    assert said(found["plain"]) == (None, None)


def test_notes_keep_the_first_code_and_every_sentence() -> None:
    both = packed([Note(ErrorCode.HARD_LINK, "a\x1fb"), Note(ErrorCode.NAME_RESERVED, "c")])
    assert unpacked(both) == (ErrorCode.HARD_LINK, "a\x1fb; c")
    assert packed([]) is None
    assert unpacked(None) == (None, None)
    assert unpacked("'A\x1fb' differs only by case") == (ErrorCode.NAME_COLLISION, "'A\x1fb' differs only by case")
