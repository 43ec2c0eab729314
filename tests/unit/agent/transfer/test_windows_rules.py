"""Windows' rules as pure functions: paths, names, attributes, reparse tags, error numbers and binary records."""

from __future__ import annotations

import errno
import struct

import pytest

from migrate_agent.transfer.source import fault_code
from migrate_agent.transfer.windows_codes import (
    OFFLINE,
    RECALL_ON_DATA_ACCESS,
    RECALL_ON_OPEN,
    ReparseKind,
    is_placeholder,
    reparse_kind,
    special_words,
)
from migrate_agent.transfer.windows_paths import behind_drive, drive_letter, extended_path, reserved_name
from migrate_agent.transfer.windows_records import Stream, own_entries, parse_streams
from migrate_contract.errors import ErrorCode
from tests.harness.windows_records import descriptor, stream_record


@pytest.mark.parametrize(
    ("root", "path", "expected"),
    [
        ("C:\\Files", "", "\\\\?\\C:\\Files"),
        ("C:\\Files\\", "a/b.txt", "\\\\?\\C:\\Files\\a\\b.txt"),
        ("c:/Files/./x/../y", "a", "\\\\?\\c:\\Files\\y\\a"),
        ("C:\\", "", "\\\\?\\C:\\"),
        ("C:\\", "a", "\\\\?\\C:\\a"),
        ("\\\\server\\share", "", "\\\\?\\UNC\\server\\share"),
        ("\\\\server\\share\\", "a/b", "\\\\?\\UNC\\server\\share\\a\\b"),
        ("//server/share/folder", "a", "\\\\?\\UNC\\server\\share\\folder\\a"),
        ("\\\\?\\C:\\Files", "a", "\\\\?\\C:\\Files\\a"),
        ("\\\\?\\UNC\\server\\share", "a", "\\\\?\\UNC\\server\\share\\a"),
        ("\\\\.\\C:\\Files", "a", "\\\\.\\C:\\Files\\a"),
        ("C:\\Files", "NUL", "\\\\?\\C:\\Files\\NUL"),
        ("C:\\Files", "draft.", "\\\\?\\C:\\Files\\draft."),
        ("C:\\Files", "end /in it", "\\\\?\\C:\\Files\\end \\in it"),
    ],
)
def test_extended_paths_open_every_file_by_its_true_name(root: str, path: str, expected: str) -> None:
    assert extended_path(root, path) == expected


def test_a_long_path_stays_whole() -> None:
    path = "/".join(["d" * 100] * 20)
    assert extended_path("C:\\Files", path) == "\\\\?\\C:\\Files\\" + path.replace("/", "\\")


@pytest.mark.parametrize(
    "name",
    ["CON", "con", "Nul.txt", "NUL .txt", "COM1", "COM1.tar.gz", "lpt9", "com¹.log", "AUX:", "CONIN$", "prn ", "CON "],
)
def test_names_of_devices(name: str) -> None:
    assert "device" in (reserved_name(name) or "")


@pytest.mark.parametrize(
    "name", ["CONTRACT", "console.txt", "COM10", "nulls", "LPT", "xCON", ".con", "a.NUL", "CO N", "é"]
)
def test_names_that_only_look_like_devices(name: str) -> None:
    assert reserved_name(name) is None


def test_a_space_at_the_end_is_dropped_by_windows() -> None:
    assert "space" in (reserved_name("report ") or "")
    assert reserved_name(" report") is None


@pytest.mark.parametrize(
    ("root", "letter"),
    [("Z:\\x", "Z"), ("z:/x", "Z"), ("\\\\?\\Z:\\x", "Z"), ("\\\\server\\share", None), ("/srv", None), ("Z", None)],
)
def test_drive_letters(root: str, letter: str | None) -> None:
    assert drive_letter(root) == letter


@pytest.mark.parametrize(
    ("root", "expected"),
    [("Z:\\a\\b", "\\\\nas\\data\\a\\b"), ("Z:\\", "\\\\nas\\data"), ("\\\\?\\z:/a/", "\\\\nas\\data\\a")],
)
def test_the_unc_path_behind_a_drive(root: str, expected: str) -> None:
    assert behind_drive(root, "\\\\nas\\data\\") == expected


@pytest.mark.parametrize(
    ("tag", "kind"),
    [
        (0, ReparseKind.NONE),
        (0xA000000C, ReparseKind.LINK),  # symbolic link
        (0xA0000003, ReparseKind.LINK),  # junction
        (0xA000001D, ReparseKind.LINK),  # a link of the Linux subsystem
        (0x80000023, ReparseKind.SPECIAL),
        (0x80000024, ReparseKind.SPECIAL),
        (0x80000013, ReparseKind.CONTENT),  # deduplicated
        (0x9000601A, ReparseKind.CONTENT),  # OneDrive
        (0x8000001E, ReparseKind.CONTENT),  # Azure File Sync
        (0x80001234, ReparseKind.CONTENT),
    ],
)
def test_reparse_tags(tag: int, kind: ReparseKind) -> None:
    assert reparse_kind(tag) is kind
    if kind is ReparseKind.SPECIAL:
        assert special_words(tag).startswith("a ")


def test_placeholders_are_told_by_their_attributes() -> None:
    archive_and_hidden = 0x22
    assert not is_placeholder(archive_and_hidden)
    for bit in (OFFLINE, RECALL_ON_OPEN, RECALL_ON_DATA_ACCESS):
        assert is_placeholder(archive_and_hidden | bit)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (32, ErrorCode.SOURCE_LOCKED),
        (53, ErrorCode.SOURCE_READ_FAILED),
        (64, ErrorCode.SOURCE_READ_FAILED),
        (362, ErrorCode.SOURCE_OFFLINE),
        (398, ErrorCode.SOURCE_OFFLINE),
        (4350, ErrorCode.SOURCE_OFFLINE),
        (2, ErrorCode.SOURCE_VANISHED),
    ],
)
def test_a_share_that_is_away_is_no_vanished_file(number: int, code: ErrorCode) -> None:
    """Python calls ERROR_BAD_NETPATH and its like ENOENT."""
    error = OSError(errno.ENOENT, "x")
    error.winerror = number  # type: ignore[attr-defined,unused-ignore]
    assert fault_code(error) is code


def test_streams_beside_the_unnamed_one() -> None:
    record = stream_record(("::$DATA", 5), (":Zone.Identifier:$DATA", 26), (":notes\u00e9:$DATA", 7000))
    found = parse_streams(record + bytes(4096))
    assert found == (Stream("Zone.Identifier", 26), Stream("notesé", 7000))
    assert [stream.is_mark_of_the_web for stream in found] == [True, False]
    assert parse_streams(b"") == ()
    assert parse_streams(stream_record(("::$DATA", 5))) == ()


@pytest.mark.parametrize(
    "record",
    [
        b"short",
        stream_record((":a:$DATA", 1))[:30],
        struct.pack("<IIqq", 0, 3, 1, 1) + b"abc",
        struct.pack("<IIqq", 8, 0, 1, 1),
        struct.pack("<IIqq", 4000, 0, 1, 1),
    ],
)
def test_a_damaged_record_of_streams(record: bytes) -> None:
    with pytest.raises(ValueError, match="record"):
        parse_streams(record)


def test_access_entries_of_its_own() -> None:
    assert own_entries(descriptor(0x10, 0x13)) == 0
    assert own_entries(descriptor(0x10, 0x00, 0x03)) == 2
    assert own_entries(descriptor(0x10, 0x10, control=0x9004)) == 2, "inheritance is cut off"
    assert own_entries(descriptor(0x00, control=0x8000)) == 0, "no access list"
    assert own_entries(struct.pack("<BBHIIII", 1, 0, 0x8004, 0, 0, 0, 0)) == 0, "an access list that is null"
    assert own_entries(descriptor(0x00) + bytes(4000)) == 1


@pytest.mark.parametrize("cut", [10, 22, 30, 36])
def test_a_damaged_access_list(cut: int) -> None:
    with pytest.raises(ValueError, match="cut off"):
        own_entries(descriptor(0x00)[:cut])
