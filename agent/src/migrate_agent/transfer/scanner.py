"""Walks the source and names every file of it once, in a settled order, with flat memory.

What the walk alone can settle comes with its verdict: filtered out, a link that is not followed, no regular file, a
name that Blob cannot hold, a folder that cannot be read. Nothing is left out silently. Memory holds the names of the
folders on the way down, never the tree.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from migrate_agent.store.entries import FileState, Found, Verdict, path_of
from migrate_agent.transfer.filters import PathFilter
from migrate_agent.transfer.names import look_alikes, name_problem
from migrate_agent.transfer.source import fault_code, stat_of, system_path
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.jobs import Bucket, FileFilters, SymlinkPolicy

_LISTING_TRIES = 3
_LISTING_PAUSE_SECONDS = 1.0
_TRANSIENT = (ErrorCode.SOURCE_READ_FAILED, ErrorCode.SOURCE_LOCKED)
_KINDS = (
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISBLK, "a block device"),
    (stat.S_ISCHR, "a character device"),
)


_ESCAPED = re.compile(r"\\x[0-9a-f]{2}")
"""How a ledger shows bytes that are no text."""


class _Named:
    """A path that was not met in a listing, with what the walk asks of a listing's entry."""

    def __init__(self, root: str, path: str) -> None:
        """Raises OSError."""
        self._found = os.lstat(system_path(root, path))
        self.name = path.rsplit("/", 1)[-1]

    def is_symlink(self) -> bool:
        return stat.S_ISLNK(self._found.st_mode)

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        return stat.S_ISDIR(self._found.st_mode)

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        return self._found


_Listed = os.DirEntry[str] | os.DirEntry[bytes] | _Named


@dataclass(frozen=True, slots=True)
class _Folder:
    """One folder on the way down. `trail` holds the identities of the folders above, to cut cycles of links."""

    path: str
    note: str | None
    trail: tuple[tuple[int, int], ...]


def open_source(root: str) -> os.stat_result:
    """Result: the stat of the source folder. Raises Fatal(source-not-found), Fatal(source-not-readable)."""
    where = system_path(root, "")
    try:
        found = os.stat(where)  # noqa: PTH116 - may be bytes
        if not stat.S_ISDIR(found.st_mode):
            raise Fatal(ErrorCode.SOURCE_NOT_FOUND, f"{root} is not a folder")
        with os.scandir(where) as listing:
            next(listing, None)
    except OSError as error:
        readable = fault_code(error) is not ErrorCode.SOURCE_DENIED
        code = ErrorCode.SOURCE_NOT_FOUND if readable else ErrorCode.SOURCE_NOT_READABLE
        raise Fatal(code, f"{root}: {error.strerror or type(error).__name__}") from error
    return found


class Scanner:
    """The walk of one job. `wait(seconds)` is true when the walk is to end: it then ends without a result."""

    def __init__(
        self,
        root: str,
        *,
        prefix: str,
        filters: FileFilters,
        symlinks: SymlinkPolicy,
        wait: Callable[[float], bool] = lambda _: False,
    ) -> None:
        self._root = root
        self._prefix = prefix
        self._filter = PathFilter(filters)
        self._follow = symlinks is SymlinkPolicy.FOLLOW
        self._wait = wait

    def walk(self) -> Iterator[Found]:
        """Yields every file, link and unreadable folder. Raises Fatal for the source folder itself."""
        top = open_source(self._root)
        stack = [self._listing(_Folder("", None, ((top.st_dev, top.st_ino),)))]
        while stack:
            found = next(stack[-1], None)
            if found is None:
                stack.pop()
            elif isinstance(found, _Folder):
                stack.append(self._listing(found))
            else:
                yield found

    def walk_only(self, paths: Iterable[str]) -> Iterator[Found]:
        """Yields these paths as the walk would, a folder's ('/' at its end) with what is in it.

        What is gone is named, too: left out, or failed where its name, as a ledger shows it, cannot be looked for.
        Raises Fatal for the source folder itself.
        """
        open_source(self._root)
        for path in paths:
            name = path.rstrip("/")
            try:
                found = self._look_at(name, _Named(self._root, name), None, _Folder("", None, ()))
            except OSError as error:
                yield self._missing(path, error)
                continue
            stack = [iter((found,))]
            while stack:
                item = next(stack[-1], None)
                if item is None:
                    stack.pop()
                elif isinstance(item, _Folder):
                    stack.append(self._listing(item))
                else:
                    yield item

    def _missing(self, path: str, error: OSError) -> Found:
        """Result: a path of an earlier attempt that cannot be looked at now."""
        code = fault_code(error)
        if code is ErrorCode.SOURCE_VANISHED and not _ESCAPED.search(path):
            detail = "it is gone since the attempt in which it failed"
            return Found(path, verdict=Verdict(FileState.FINAL, Bucket.EXCLUDED, 0, code=code, detail=detail))
        detail = f"the system says: {error.strerror}; rerun the whole job if its name is no text"
        return Found(path, verdict=Verdict(FileState.FINAL, Bucket.FAILED, 0, code=code, detail=detail))

    def _listing(self, folder: _Folder) -> Iterator[Found | _Folder]:
        try:
            entries = self._entries(folder.path)
        except OSError as error:
            detail = f"the folder cannot be read, so nothing in it is known: {error.strerror or type(error).__name__}"
            verdict = Verdict(FileState.FINAL, Bucket.FAILED, 0, code=fault_code(error), detail=detail)
            yield Found(folder.path + "/", verdict=verdict)
            return
        notes = look_alikes(entry[0] for entry in entries)
        # Reversed and popped: what has been looked at does not stay in memory while its subfolders are walked.
        entries.reverse()
        while entries:
            name, entry = entries.pop()
            path = f"{folder.path}/{name}" if folder.path else name
            note = notes.get(name) or folder.note
            try:
                yield self._look_at(path, entry, note, folder)
            except OSError as error:
                verdict = Verdict(
                    FileState.FINAL,
                    Bucket.FAILED,
                    0,
                    code=fault_code(error),
                    detail=f"the system says: {error.strerror}",
                )
                yield Found(path, note=note, verdict=verdict)

    def _entries(self, path: str) -> list[tuple[str, os.DirEntry[str] | os.DirEntry[bytes]]]:
        """One folder's entries by name. A share's hiccup is tried again. Raises OSError."""
        where = system_path(self._root, path)
        for left in range(_LISTING_TRIES - 1, -1, -1):
            try:
                with os.scandir(where) as listing:
                    found = [
                        (path_of(entry.name) if isinstance(entry.name, bytes) else entry.name, entry)
                        for entry in listing
                    ]
            except OSError as error:
                if not left or fault_code(error) not in _TRANSIENT or self._wait(_LISTING_PAUSE_SECONDS):
                    raise
            else:
                found.sort(key=lambda pair: pair[0])
                return found
        raise AssertionError("the last try returns or raises")

    def _look_at(self, path: str, entry: _Listed, note: str | None, folder: _Folder) -> Found | _Folder:
        if entry.is_symlink() or _is_junction(entry):
            return self._link(path, entry, note, folder)
        if entry.is_dir(follow_symlinks=False):
            if not self._follow:
                return _Folder(path, note, ())
            found = entry.stat(follow_symlinks=False)
            return _Folder(path, note, (*folder.trail, _identity(found, self._root, path)))
        return self._file(path, entry.stat(follow_symlinks=False), note)

    def _link(self, path: str, entry: _Listed, note: str | None, folder: _Folder) -> Found | _Folder:
        if not self._follow:
            return self._settled(path, Bucket.EXCLUDED, ErrorCode.SYMLINK_SKIPPED, "the job does not follow links")
        try:
            target = os.stat(system_path(self._root, path))  # noqa: PTH116 - may be bytes
        except OSError as error:
            if fault_code(error) is ErrorCode.SOURCE_CHANGED:  # too many links in a row
                return self._settled(path, Bucket.EXCLUDED, ErrorCode.SYMLINK_CYCLE, "the link leads to itself")
            if fault_code(error) is not ErrorCode.SOURCE_VANISHED:
                raise
            return self._settled(path, Bucket.FAILED, ErrorCode.SYMLINK_BROKEN, "the link's target does not exist")
        if not stat.S_ISDIR(target.st_mode):
            return self._file(path, target, note)
        identity = (target.st_dev, target.st_ino)
        if identity in folder.trail:
            detail = "the link leads to a folder that it lies in; that folder is copied once"
            return self._settled(path, Bucket.EXCLUDED, ErrorCode.SYMLINK_CYCLE, detail)
        return _Folder(path, note, (*folder.trail, identity))

    def _file(self, path: str, found: os.stat_result, note: str | None) -> Found:
        state = stat_of(found)
        left_out = self._filter.left_out_by(path)
        if left_out is not None:
            return self._settled(path, Bucket.EXCLUDED, ErrorCode.FILTERED_OUT, left_out, found)
        if not stat.S_ISREG(found.st_mode):
            kind = next((words for test, words in _KINDS if test(found.st_mode)), "neither file nor folder")
            return self._settled(path, Bucket.UNSUPPORTED, ErrorCode.SPECIAL_FILE, f"it is {kind}")
        problem = name_problem(self._prefix, path)
        if problem is not None:
            return self._settled(path, Bucket.UNSUPPORTED, ErrorCode.NAME_UNSUPPORTED, problem, found)
        return Found(path, state.size_bytes, state.storable_mtime_ns, note)

    def _settled(
        self, path: str, bucket: Bucket, code: ErrorCode, detail: str, found: os.stat_result | None = None
    ) -> Found:
        """A file that needs no look at the destination. A filter wins over the reasons that come before it."""
        left_out = self._filter.left_out_by(path)
        if left_out is not None:
            bucket, code, detail = Bucket.EXCLUDED, ErrorCode.FILTERED_OUT, left_out
        size = found.st_size if found is not None else 0
        mtime_ns = stat_of(found).storable_mtime_ns if found is not None else None
        verdict = Verdict(FileState.FINAL, bucket, size, mtime_ns, code, detail)
        return Found(path, size, mtime_ns, None, verdict)


def _is_junction(entry: _Listed) -> bool:
    """Windows: a folder that is another folder's second name. Python 3.11 does not call it a link."""
    if os.name != "nt":
        return False
    tag = getattr(entry.stat(follow_symlinks=False), "st_reparse_tag", 0)
    return bool(tag == getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", -1))


def _identity(found: os.stat_result, root: str, path: str) -> tuple[int, int]:
    """Windows' folder entries carry no identity: ask the folder itself."""
    if found.st_ino:
        return (found.st_dev, found.st_ino)
    asked = os.stat(system_path(root, path))  # noqa: PTH116 - may be bytes
    return (asked.st_dev, asked.st_ino)
