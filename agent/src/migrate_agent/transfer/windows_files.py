"""Windows' implementation of the file facts: one open for each file, without its content and without recalling it.

Sources: CreateFileW, GetFileInformationByHandleEx, GetKernelObjectSecurity (Win32 reference). The calls are a port of
their own, so that everything but the calls is tested on any system. Not verified on Windows.
"""

from __future__ import annotations

import ctypes
import os
import struct
from typing import Any, Protocol

from migrate_agent.transfer.file_facts import Look, Marks
from migrate_agent.transfer.windows_records import own_entries, parse_streams

_READ_CONTROL, _READ_ATTRIBUTES = 0x20000, 0x80
_SHARE_ALL, _OPEN_EXISTING = 7, 3
_FLAGS = 0x02000000 | 0x00200000 | 0x00100000
"""FILE_FLAG_BACKUP_SEMANTICS (folders too), OPEN_REPARSE_POINT (not what is behind it), OPEN_NO_RECALL."""
_STANDARD_INFO, _STREAM_INFO = 1, 7
_DACL = 4
_MORE_DATA, _HANDLE_EOF, _INSUFFICIENT_BUFFER = 234, 38, 122
_NOT_SUPPORTED = {1, 50, 87}
"""ERROR_INVALID_FUNCTION, ERROR_NOT_SUPPORTED, ERROR_INVALID_PARAMETER: file systems that have no such thing."""
_FIRST_BYTES, _MOST_BYTES = 4096, 4 << 20
_STANDARD = struct.Struct("<qqI")


class FileCalls(Protocol):
    """The four calls that are used; a test's or Windows' own. Errors are Windows' numbers, 0 for none."""

    def open(self, path: str) -> int:
        """Result: a handle. Raises OSError."""
        ...

    def information(self, handle: int, kind: int, size_bytes: int) -> tuple[int, bytes]:
        """Result: error and record."""
        ...

    def security(self, handle: int, size_bytes: int) -> tuple[int, bytes]:
        """Result: error and the descriptor with the access list."""
        ...

    def close(self, handle: int) -> None:
        """The handle is given back."""
        ...


class WindowsFacts:
    """See FileFacts."""

    def __init__(self, calls: FileCalls | None = None) -> None:
        self._calls = calls or WindowsCalls()

    def marks(self, name: str, found: os.stat_result) -> Marks:
        """See FileFacts: Python's stat has both on Windows."""
        return Marks(getattr(found, "st_file_attributes", 0), getattr(found, "st_reparse_tag", 0))

    def look(self, where: str | bytes) -> Look:
        """See FileFacts."""
        calls = self._calls
        handle = calls.open(os.fsdecode(where))
        try:
            standard = self._record(lambda size: calls.information(handle, _STANDARD_INFO, size))
            streams = self._record(lambda size: calls.information(handle, _STREAM_INFO, size))
            descriptor = self._record(lambda size: calls.security(handle, size))
            links = _STANDARD.unpack_from(standard)[2] if len(standard) >= _STANDARD.size else 1
            own = own_entries(descriptor) if descriptor else 0
            return Look(links, parse_streams(streams), own > 0)
        except ValueError as error:
            raise OSError(0, str(error)) from error
        finally:
            calls.close(handle)

    @staticmethod
    def _record(ask: Any) -> bytes:
        """Result: the record, in as many bytes as it needs; empty where the file system has no such thing."""
        size = _FIRST_BYTES
        while True:
            error, record = ask(size)
            if error == 0:
                found: bytes = record
                return found
            if error == _HANDLE_EOF or error in _NOT_SUPPORTED:
                return b""
            if error not in (_MORE_DATA, _INSUFFICIENT_BUFFER) or size >= _MOST_BYTES:
                raise OSError(0, f"Windows' error {error}")
            size *= 4


class WindowsCalls:
    """Windows' own calls."""

    def __init__(self) -> None:
        load = getattr(ctypes, "WinDLL")  # noqa: B009 - Windows only
        self._kernel: Any = load("kernel32", use_last_error=True)
        self._security: Any = load("advapi32", use_last_error=True)
        self._kernel.CreateFileW.restype = ctypes.c_void_p
        self._last_error: Any = getattr(ctypes, "get_last_error")  # noqa: B009

    def open(self, path: str) -> int:
        """See FileCalls."""
        access = _READ_CONTROL | _READ_ATTRIBUTES
        handle = self._kernel.CreateFileW(path, access, _SHARE_ALL, None, _OPEN_EXISTING, _FLAGS, None)
        if handle is None or handle == ctypes.c_void_p(-1).value:
            raise getattr(ctypes, "WinError")(self._last_error())  # noqa: B009
        return int(handle)

    def information(self, handle: int, kind: int, size_bytes: int) -> tuple[int, bytes]:
        """See FileCalls."""
        buffer = ctypes.create_string_buffer(size_bytes)
        done = self._kernel.GetFileInformationByHandleEx(ctypes.c_void_p(handle), kind, buffer, size_bytes)
        return (0, buffer.raw) if done else (int(self._last_error()), b"")

    def security(self, handle: int, size_bytes: int) -> tuple[int, bytes]:
        """See FileCalls."""
        buffer, needed = ctypes.create_string_buffer(size_bytes), ctypes.c_uint32()
        done = self._security.GetKernelObjectSecurity(
            ctypes.c_void_p(handle), _DACL, buffer, size_bytes, ctypes.byref(needed)
        )
        return (0, buffer.raw) if done else (int(self._last_error()), b"")

    def close(self, handle: int) -> None:
        """See FileCalls."""
        self._kernel.CloseHandle(ctypes.c_void_p(handle))
