"""Walks the source and names every file of it once, in a settled order, with flat memory.

What the walk alone can settle comes with its verdict: filtered out, a link that is not followed, no regular file, a
name that Blob cannot hold, a folder that is empty or cannot be read. Nothing is left out silently. Memory holds the
names of the folders on the way down, never the tree.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from migrate_agent.store.entries import FileState, Found, Verdict, path_of
from migrate_agent.store.notes import Note, packed
from migrate_agent.transfer.beside import link_note, name_note, permissions_note, stream_rows, unseen_note
from migrate_agent.transfer.file_facts import FileFacts, Look
from migrate_agent.transfer.filters import PathFilter
from migrate_agent.transfer.mapped_drives import Drives, refuse_mapped_drive, system_drives
from migrate_agent.transfer.names import look_alikes, name_problem
from migrate_agent.transfer.source import OFFLINE_WORDS, fault_code, stat_of, system_path
from migrate_agent.transfer.windows_codes import ReparseKind, is_placeholder, reparse_kind, special_words
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
    """One folder on the way down. `trail` holds the identities of the folders above, to cut cycles of links.

    `note` is of its name, and holds for all in it; `own` is of the folder itself.
    """

    path: str
    note: Note | None
    trail: tuple[tuple[int, int], ...]
    mtime_ns: int | None = None
    own: Note | None = None


def open_source(root: str, drives: Drives | None = None) -> os.stat_result:
    """Result: the stat of the source folder. `drives`: Windows' drive letters; this system's where left out.

    Raises Fatal(source-not-found), Fatal(source-not-readable), Fatal(source-mapped-drive).
    """
    drives = drives or system_drives()
    if drives is not None:
        refuse_mapped_drive(root, drives)
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
        folder_markers: bool = False,
        facts: FileFacts | None = None,
    ) -> None:
        """`folder_markers`: folders are found, too. `facts`: what is asked beside size and time; None: nothing is."""
        self._markers, self._facts = folder_markers, facts
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
        if folder.path:
            yield from self._folder_itself(folder, empty=not entries)
        notes = look_alikes(entry[0] for entry in entries)
        # Reversed and popped: what has been looked at does not stay in memory while its subfolders are walked.
        entries.reverse()
        while entries:
            name, entry = entries.pop()
            path = f"{folder.path}/{name}" if folder.path else name
            note = name_note(notes.get(name), name) or folder.note
            try:
                found = self._look_at(path, entry, note, folder)
                if self._facts is None:
                    yield found
                else:
                    yield from self._with_facts(found, self._facts, note)
            except OSError as error:
                verdict = Verdict(
                    FileState.FINAL,
                    Bucket.FAILED,
                    0,
                    code=fault_code(error),
                    detail=f"the system says: {error.strerror}",
                )
                yield Found(path, note=packed([note] if note else ()), verdict=verdict)

    def _folder_itself(self, folder: _Folder, *, empty: bool) -> Iterator[Found]:
        """The folder as a row of its own: with markers, where it is empty, or where it has what is not carried."""
        path, own, left_out = folder.path, folder.own, self._filter.left_out_by(folder.path)
        row = path + "/"
        if left_out is not None:
            if empty:
                yield self._settled(path, Bucket.EXCLUDED, ErrorCode.FILTERED_OUT, left_out, row=row)
        elif self._markers:
            problem = name_problem(self._prefix, path)
            if problem is not None:
                yield self._settled(path, Bucket.UNSUPPORTED, ErrorCode.NAME_UNSUPPORTED, problem, row=row)
            else:
                yield Found(row, 0, folder.mtime_ns, packed(note for note in (folder.note, own) if note))
        elif empty:
            detail = "; ".join(filter(None, ("nothing is in it", own.sentence if own else None)))
            yield self._settled(path, Bucket.EXCLUDED, ErrorCode.FOLDER_EMPTY, detail, row=row)
        elif own is not None:
            yield self._settled(path, Bucket.EXCLUDED, own.code, own.sentence, row=row)

    def _with_facts(self, found: Found | _Folder, facts: FileFacts, note: Note | None) -> Iterator[Found | _Folder]:
        """What was found, with what is said beside it; then a row for each of its alternate data streams."""
        if isinstance(found, Found) and found.verdict is not None:
            yield found
            return
        try:
            look, unseen = facts.look(system_path(self._root, found.path)), None
        except OSError as error:
            look, unseen = Look(), unseen_note(error)
        own = permissions_note() if look.own_permissions else unseen
        if isinstance(found, _Folder):
            yield replace(found, own=own)
        else:
            links = link_note(look.links) if look.links > 1 else None
            kept = found.note if links is None and own is None else packed(each for each in (note, own, links) if each)
            yield Found(found.path, found.size_bytes, found.mtime_ns, kept)
        yield from stream_rows(found.path, look.streams)

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

    def _look_at(self, path: str, entry: _Listed, note: Note | None, folder: _Folder) -> Found | _Folder:
        if entry.is_symlink():
            return self._link(path, entry, note, folder)
        if self._facts is not None:
            tag = self._facts.marks(path, entry.stat(follow_symlinks=False)).reparse_tag
            kind = reparse_kind(tag)
            if kind is ReparseKind.LINK:
                return self._link(path, entry, note, folder)
            if kind is ReparseKind.SPECIAL:
                return self._settled(path, Bucket.UNSUPPORTED, ErrorCode.SPECIAL_FILE, f"it is {special_words(tag)}")
        if entry.is_dir(follow_symlinks=False):
            if not (self._follow or self._markers):
                return _Folder(path, note, ())
            found = entry.stat(follow_symlinks=False)
            trail = (*folder.trail, _identity(found, self._root, path)) if self._follow else ()
            return _Folder(path, note, trail, stat_of(found).storable_mtime_ns)
        return self._file(path, entry.stat(follow_symlinks=False), note)

    def _link(self, path: str, entry: _Listed, note: Note | None, folder: _Folder) -> Found | _Folder:
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
        return _Folder(path, note, (*folder.trail, identity), stat_of(target).storable_mtime_ns)

    def _file(self, path: str, found: os.stat_result, note: Note | None) -> Found:
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
        if self._facts is not None and is_placeholder(self._facts.marks(path, found).attributes):
            return self._settled(path, Bucket.FAILED, ErrorCode.SOURCE_OFFLINE, OFFLINE_WORDS, found)
        if found.st_nlink > 1:
            notes = (note, link_note(found.st_nlink)) if note else (link_note(found.st_nlink),)
            return Found(path, state.size_bytes, state.storable_mtime_ns, packed(notes))
        return Found(path, state.size_bytes, state.storable_mtime_ns, packed((note,)) if note else None)

    def _settled(
        self,
        path: str,
        bucket: Bucket,
        code: ErrorCode,
        detail: str,
        found: os.stat_result | None = None,
        *,
        row: str | None = None,
    ) -> Found:
        """A file that needs no look at the destination. A filter wins over the reasons that come before it.

        `row`: its path in the ledger, where that is not `path`.
        """
        left_out = self._filter.left_out_by(path)
        if left_out is not None:
            bucket, code, detail = Bucket.EXCLUDED, ErrorCode.FILTERED_OUT, left_out
        size = found.st_size if found is not None else 0
        mtime_ns = stat_of(found).storable_mtime_ns if found is not None else None
        verdict = Verdict(FileState.FINAL, bucket, size, mtime_ns, code, detail)
        return Found(row or path, size, mtime_ns, None, verdict)


def _identity(found: os.stat_result, root: str, path: str) -> tuple[int, int]:
    """Windows' folder entries carry no identity: ask the folder itself."""
    if found.st_ino:
        return (found.st_dev, found.st_ino)
    asked = os.stat(system_path(root, path))  # noqa: PTH116 - may be bytes
    return (asked.st_dev, asked.st_ino)
