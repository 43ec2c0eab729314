"""The file facts of Windows over scripted calls, and the rule of mapped drives over scripted drives."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any, cast

import pytest

from migrate_agent.transfer.file_facts import Look, Marks
from migrate_agent.transfer.mapped_drives import DriveKind, refuse_mapped_drive
from migrate_agent.transfer.scanner import open_source
from migrate_agent.transfer.source import refuse_unreadable
from migrate_agent.transfer.windows_files import WindowsFacts
from migrate_agent.transfer.windows_records import Stream
from migrate_contract.errors import ErrorCode, Fatal, SkipRecord
from tests.harness.windows_records import descriptor, stream_record

STANDARD, STREAMS = 1, 7


class ScriptedCalls:
    """A file of Windows. Records that need more room than given answer the system's way."""

    def __init__(self, streams: bytes = b"", access: bytes = b"", links: int = 1, stream_error: int = 0) -> None:
        self.records = {STANDARD: struct.pack("<qqIBB", 0, 0, links, 0, 0), STREAMS: streams}
        self.access, self.stream_error = access, stream_error
        self.opened: list[str] = []
        self.closed: list[int] = []

    def open(self, path: str) -> int:
        self.opened.append(path)
        return 7

    def information(self, handle: int, kind: int, size_bytes: int) -> tuple[int, bytes]:
        assert handle == 7
        if kind == STREAMS and self.stream_error:
            return self.stream_error, b""
        record = self.records[kind]
        return (0, record.ljust(size_bytes, b"\0")) if len(record) <= size_bytes else (234, b"")

    def security(self, handle: int, size_bytes: int) -> tuple[int, bytes]:
        return (0, self.access) if len(self.access) <= size_bytes else (122, b"")

    def close(self, handle: int) -> None:
        self.closed.append(handle)


def test_one_open_tells_streams_permissions_and_links() -> None:
    streams = stream_record(("::$DATA", 1), (":hidden:$DATA", 9))
    calls = ScriptedCalls(streams, descriptor(0x10, 0x00), links=3)
    assert WindowsFacts(calls).look("\\\\?\\C:\\f") == Look(3, (Stream("hidden", 9),), own_permissions=True)
    assert (calls.opened, calls.closed) == (["\\\\?\\C:\\f"], [7])


def test_records_get_the_room_they_need() -> None:
    many = [(f":{index:04d}:$DATA", index) for index in range(500)]
    calls = ScriptedCalls(stream_record(*many), descriptor(*[0x10] * 400))
    look = WindowsFacts(calls).look("f")
    assert len(look.streams) == 500
    assert not look.own_permissions


@pytest.mark.parametrize("error", [38, 50, 87, 1])
def test_a_file_system_without_streams_has_none(error: int) -> None:
    assert WindowsFacts(ScriptedCalls(stream_error=error)).look("f") == Look()


def test_what_cannot_be_told_is_an_error_and_the_file_is_closed() -> None:
    calls = ScriptedCalls(stream_error=5)
    with pytest.raises(OSError, match="error 5"):
        WindowsFacts(calls).look("f")
    damaged = ScriptedCalls(struct.pack("<IIqq", 0, 3, 1, 1) + b"abc")
    with pytest.raises(OSError, match="cut off"):
        WindowsFacts(damaged).look("f")
    assert (calls.closed, damaged.closed) == ([7], [7])


def test_marks_are_read_off_the_stat() -> None:
    found = cast(Any, SimpleNamespace(st_file_attributes=0x400020, st_reparse_tag=0x9000601A))
    assert WindowsFacts(ScriptedCalls()).marks("f", found) == Marks(0x400020, 0x9000601A)


def test_a_file_that_became_a_placeholder_is_not_read() -> None:
    regular = 0o100644
    refuse_unreadable(cast(Any, SimpleNamespace(st_mode=regular, st_file_attributes=0x20)))
    with pytest.raises(SkipRecord) as refused:
        refuse_unreadable(cast(Any, SimpleNamespace(st_mode=regular, st_file_attributes=0x400020)))
    assert refused.value.code is ErrorCode.SOURCE_OFFLINE


class ScriptedDrives:
    """Drives as a process sees them."""

    def __init__(self, kind: DriveKind, remote: str | None = None, *, service: bool = False) -> None:
        self._kind, self._remote, self._service = kind, remote, service

    def kind(self, letter: str) -> DriveKind:
        assert letter == "Z"
        return self._kind

    def remote(self, letter: str) -> str | None:
        return self._remote

    def in_service(self) -> bool:
        return self._service


@pytest.mark.parametrize(
    ("drives", "words"),
    [
        (ScriptedDrives(DriveKind.LOCAL, service=True), None),
        (ScriptedDrives(DriveKind.MAPPED, "\\\\nas\\data"), None),
        (ScriptedDrives(DriveKind.ABSENT), None),
        (ScriptedDrives(DriveKind.ABSENT, service=True), None),
        (ScriptedDrives(DriveKind.MAPPED, "\\\\nas\\data", service=True), "\\\\nas\\data\\reports"),
        (ScriptedDrives(DriveKind.ABSENT, "\\\\nas\\data", service=True), "\\\\nas\\data\\reports"),
        (ScriptedDrives(DriveKind.ABSENT, "\\\\nas\\data"), "\\\\nas\\data\\reports"),
        (ScriptedDrives(DriveKind.MAPPED, service=True), "net use Z:"),
    ],
    ids=["local", "own session", "no drive", "no drive, service", "service", "not seen by it", "elevated", "unknown"],
)
def test_a_mapped_drive_is_refused_with_the_path_to_use(drives: ScriptedDrives, words: str | None) -> None:
    if words is None:
        refuse_mapped_drive("Z:\\reports", drives)
        return
    with pytest.raises(Fatal) as refused:
        refuse_mapped_drive("Z:\\reports", drives)
    assert refused.value.code is ErrorCode.SOURCE_MAPPED_DRIVE
    assert words in refused.value.detail


def test_a_unc_source_has_no_drive_and_the_source_is_asked_first() -> None:
    refuse_mapped_drive("\\\\nas\\data", ScriptedDrives(DriveKind.ABSENT, "\\\\other\\x"))
    with pytest.raises(Fatal) as refused:
        open_source("Z:\\reports", ScriptedDrives(DriveKind.MAPPED, "\\\\nas\\data", service=True))
    assert refused.value.code is ErrorCode.SOURCE_MAPPED_DRIVE
