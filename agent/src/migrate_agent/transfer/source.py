"""The source's files: how a path becomes a file, how it is read, and proof that it did not change meanwhile.

A file is read as one *state*: size, times and identity are taken before and after, from the open file and from its
path. A file modified moments before it was read may change again within the same tick of the file system's clock, so
it is read twice and both hashes must agree.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple, Self

from migrate_agent.store.entries import path_key
from migrate_agent.transfer.windows_codes import is_placeholder, windows_fault
from migrate_agent.transfer.windows_paths import extended_path
from migrate_contract.errors import ErrorCode, SkipRecord

_READ_BYTES = 1 << 20
_LOCKED_ERRNO = {errno.EAGAIN, errno.EBUSY, errno.ETXTBSY, errno.EDEADLK, errno.ENOLCK}
_LARGEST_NS = 2**63 - 1
OFFLINE_WORDS = "its content is in the cloud or on another medium, and was not fetched from there"
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOINHERIT", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a pipe that took the file's place must not hold a worker for ever
)
OPEN_FLAGS = _FLAGS | getattr(os, "O_NOFOLLOW", 0)
"""Of a file that is read and never followed to another one."""


class FileStat(NamedTuple):
    """The state of a file that a copy is of."""

    size_bytes: int
    mtime_ns: int
    changed_ns: int
    """POSIX change time: moves even where a writer restores the modification time. 0 on Windows."""
    device: int
    inode: int

    @property
    def storable_mtime_ns(self) -> int | None:
        """Result: the time if it fits 64 bits, which a damaged or far-future one may not."""
        return self.mtime_ns if -_LARGEST_NS <= self.mtime_ns <= _LARGEST_NS else None


def stat_of(found: os.stat_result) -> FileStat:
    """Result: the parts of a stat that make the state."""
    changed = 0 if sys.platform == "win32" else found.st_ctime_ns
    return FileStat(found.st_size, found.st_mtime_ns, changed, found.st_dev, found.st_ino)


def system_path(root: str, path: str) -> str | bytes:
    """Result: the file's path for the system: bytes on POSIX, where names need not be text; else an extended path."""
    if os.name == "posix":
        base = path_key(root)
        return base.rstrip(b"/") + b"/" + path_key(path) if path else base
    return extended_path(root, path)


def fault_code(error: OSError) -> ErrorCode:
    """Result: what an error of the source means. Windows' own number says more than errno where there is one."""
    windows = windows_fault(getattr(error, "winerror", None))
    if windows is not None:
        return windows
    if error.errno in _LOCKED_ERRNO:
        return ErrorCode.SOURCE_LOCKED
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return ErrorCode.SOURCE_VANISHED
    if error.errno in (errno.EACCES, errno.EPERM):
        return ErrorCode.SOURCE_DENIED
    if error.errno == errno.ELOOP:
        return ErrorCode.SOURCE_CHANGED
    return ErrorCode.SOURCE_READ_FAILED


def fault_of(error: OSError, path: str | bytes) -> SkipRecord:
    """Result: the error as one of the catalogue; the path is in the ledger already and not repeated."""
    if sys.platform == "win32" and error.errno == errno.EACCES and getattr(error, "winerror", None) is None:
        error = _windows_cause(os.fsdecode(path)) or error
    words = error.strerror or type(error).__name__
    return SkipRecord(fault_code(error), f"the system says: {words}")


def refuse_unreadable(found: os.stat_result) -> None:
    """Raises SkipRecord for what is no regular file (source-changed), or has its content elsewhere (source-offline)."""
    if not stat.S_ISREG(found.st_mode):
        raise SkipRecord(ErrorCode.SOURCE_CHANGED, "it is not a regular file any more")
    if is_placeholder(getattr(found, "st_file_attributes", 0)):
        raise SkipRecord(ErrorCode.SOURCE_OFFLINE, OFFLINE_WORDS)


class Whole(NamedTuple):
    """A small file as it was read: its state, its bytes, and whether that reading alone proves them to belong."""

    state: FileStat
    body: bytes
    young: bool
    """Modified moments before: it must be read again to be sure."""
    found: os.stat_result
    """Its properties as they were before it was read."""


def read_whole(where: str | bytes, most_bytes: int, *, follow: bool, young_ns: int) -> Whole | None:
    """Result: the file, if it has at most `most_bytes`, with as few calls of the system as there can be.

    `young_ns`: a file modified later than this is young. Raises SkipRecord(source-...).
    """
    try:
        if sys.platform == "win32":  # see SourceFile
            refuse_unreadable(os.stat(where, follow_symlinks=follow))  # noqa: PTH116 - may be bytes
        descriptor = os.open(where, _FLAGS if follow else OPEN_FLAGS)
    except OSError as error:
        raise fault_of(error, where) from error
    try:
        found = os.fstat(descriptor)
        size = found.st_size
        if not stat.S_ISREG(found.st_mode) or size > most_bytes:
            return None
        # One byte more than there should be: what was appended meanwhile shows at once.
        body = os.read(descriptor, size + 1)
        if len(body) != size:
            return None
    except OSError as error:
        raise fault_of(error, where) from error
    finally:
        os.close(descriptor)
    state = stat_of(found)
    return Whole(state, body, state.mtime_ns >= young_ns, found)


def confirm_state(where: str | bytes, state: FileStat, *, follow: bool) -> None:
    """Returns if the path still leads to the same file in the same state. Raises SkipRecord(source-...)."""
    try:
        now = stat_of(os.stat(where, follow_symlinks=follow))  # noqa: PTH116 - may be bytes
    except OSError as error:
        raise fault_of(error, where) from error
    if now == state:
        return
    if (now.device, now.inode) != (state.device, state.inode):
        raise SkipRecord(ErrorCode.SOURCE_CHANGED, "another file took its place while it was read")
    raise SkipRecord(ErrorCode.SOURCE_CHANGED, _difference(state, now))


def stat_file(root: str, path: str, *, follow: bool) -> FileStat:
    """Result: the state of a regular file. Raises SkipRecord(source-...)."""
    where = system_path(root, path)
    try:
        found = os.stat(where, follow_symlinks=follow)  # noqa: PTH116 - may be bytes
    except OSError as error:
        raise fault_of(error, where) from error
    refuse_unreadable(found)
    return stat_of(found)


class SourceFile:
    """One open source file. Raises SkipRecord(source-...) from every method."""

    def __init__(
        self,
        root: str,
        path: str,
        *,
        follow: bool,
        racy_seconds: float,
        check: Callable[[], None] = lambda: None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """`check` is called between reads; what it raises ends the reading."""
        self._path = system_path(root, path)
        self._follow = follow
        self._racy_ns = int(racy_seconds * 1e9)
        self._check = check
        flags = _FLAGS if follow else OPEN_FLAGS
        try:
            if sys.platform == "win32":  # before it is opened: that alone recalls some placeholders
                refuse_unreadable(os.stat(self._path, follow_symlinks=follow))  # noqa: PTH116 - may be bytes
            self._descriptor = os.open(self._path, flags)
        except OSError as error:
            raise fault_of(error, self._path) from error
        try:
            found = os.fstat(self._descriptor)
            refuse_unreadable(found)
        except OSError as error:
            os.close(self._descriptor)
            raise fault_of(error, self._path) from error
        except SkipRecord:
            os.close(self._descriptor)
            raise
        self.found = found
        """The file's properties as they were before it was read."""
        self.state = stat_of(found)
        self._opened_ns = int(wall() * 1e9)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def read(self, size_bytes: int) -> bytes:
        """Result: the next `size_bytes` of the state; fewer only at its end. Raises source-changed if it shrank."""
        pieces: list[bytes] = []
        missing = size_bytes
        try:
            while missing:
                self._check()
                piece = os.read(self._descriptor, missing)
                if not piece:
                    break
                pieces.append(piece)
                missing -= len(piece)
        except OSError as error:
            raise fault_of(error, self._path) from error
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def rewind(self) -> None:
        """The next `read` begins at the start again, in the same state."""
        try:
            os.lseek(self._descriptor, 0, os.SEEK_SET)
        except OSError as error:
            raise fault_of(error, self._path) from error

    def confirm(self, md5: bytes) -> None:
        """Returns if the file is still in the state that was read, and `md5` is that state's hash.

        Raises SkipRecord(source-changed), or what reading it again raises.
        """
        self._compare()
        # Young at any time of the reading: between two writes the clock of the file system may not have ticked.
        if self.state.mtime_ns >= self._opened_ns - self._racy_ns:
            if self.hash() != md5:
                raise SkipRecord(ErrorCode.SOURCE_CHANGED, "it was written to while it was read")
            self._compare()

    def hash(self) -> bytes:
        """Result: the MD5 of the whole content, read anew."""
        digest = hashlib.md5(usedforsecurity=False)
        try:
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            while piece := os.read(self._descriptor, _READ_BYTES):
                self._check()
                digest.update(piece)
        except OSError as error:
            raise fault_of(error, self._path) from error
        return digest.digest()

    def _compare(self) -> None:
        try:
            now = stat_of(os.fstat(self._descriptor))
            named = stat_of(os.stat(self._path, follow_symlinks=self._follow))  # noqa: PTH116 - may be bytes
        except OSError as error:
            raise fault_of(error, self._path) from error
        if now != self.state:
            raise SkipRecord(ErrorCode.SOURCE_CHANGED, _difference(self.state, now))
        if (named.device, named.inode) != (now.device, now.inode):
            raise SkipRecord(ErrorCode.SOURCE_CHANGED, "another file took its place while it was read")


def _difference(before: FileStat, after: FileStat) -> str:
    if before.size_bytes != after.size_bytes:
        return f"its size went from {before.size_bytes} to {after.size_bytes} bytes while it was read"
    return "it was written to while it was read"


def _windows_cause(path: str) -> OSError | None:
    """The C runtime hides whether a file is locked or forbidden; the system's own call tells."""
    if sys.platform == "win32":
        import _winapi

        try:
            handle = _winapi.CreateFile(path, 0x80000000, 7, 0, 3, 0, 0)
        except OSError as error:
            return error
        _winapi.CloseHandle(handle)
    return None
