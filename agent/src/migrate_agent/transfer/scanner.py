"""Walks the source and names every file of it once, in a settled order, with flat memory.

What the walk alone can settle comes with its verdict: filtered out, a link that is not followed, no regular file, a
name that Blob cannot hold, a folder that is empty or cannot be read. Nothing is left out silently: a folder that a
filter leaves out is walked all the same, and each of its files counted. Memory holds the names of the folders on the
way down, never the tree. With a manifest, only what it lists is looked at.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from migrate_agent.store.entries import FileState, Found, Verdict, path_of
from migrate_agent.store.notes import Note, packed
from migrate_agent.transfer.beside import link_note, name_note, permissions_note, stream_rows, unseen_note
from migrate_agent.transfer.file_facts import FileFacts, Look
from migrate_agent.transfer.filters import FileFilter, Place
from migrate_agent.transfer.listed_walk import ListedWalk
from migrate_agent.transfer.manifest import Listed, Manifest
from migrate_agent.transfer.mapped_drives import Drives, refuse_mapped_drive, system_drives
from migrate_agent.transfer.names import look_alikes, name_problem
from migrate_agent.transfer.source import OFFLINE_WORDS, fault_code, stat_of, system_path
from migrate_agent.transfer.walk_entries import Entry, Folder
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
        self._filter = FileFilter(filters)
        self._asks_attributes = self._filter.asks_attributes
        self._manifest = filters.manifest
        self._follow = symlinks is SymlinkPolicy.FOLLOW
        self._wait = wait

    def walk(self) -> Iterator[Found]:
        """Yields every file, link and unreadable folder. Raises Fatal for the source folder itself and the manifest."""
        top = open_source(self._root)
        folder = Folder("", None, ((top.st_dev, top.st_ino),), self._filter.top())
        if self._manifest is None:
            yield from self._below(folder)
            return
        with Manifest(self._manifest, ends=lambda: self._wait(0)) as manifest:
            listed = ListedWalk(self._root, folder, look_at=self._look_at, below=self._below, told=self._told)
            yield from listed.walk(manifest)

    def _below(self, folder: Folder) -> Iterator[Found]:
        stack = [self._listing(folder)]
        while stack:
            found = next(stack[-1], None)
            if found is None:
                stack.pop()
            elif isinstance(found, Folder):
                stack.append(self._listing(found))
            else:
                yield found

    def walk_only(self, paths: Iterable[str]) -> Iterator[Found]:
        """Yields these paths as the walk would, a folder's ('/' at its end) with what is in it.

        What is gone is named, too: left out, or failed where its name, as a ledger shows it, cannot be looked for.
        Raises Fatal for the source folder itself.
        """
        top = open_source(self._root)
        folder = Folder("", None, ((top.st_dev, top.st_ino),), self._filter.top())
        listed = ListedWalk(
            self._root, folder, look_at=self._look_at, below=self._below, told=self._told, not_there=_gone_since
        )
        yield from listed.walk(Listed(path.rstrip("/"), line=0) for path in paths)

    def _listing(self, folder: Folder) -> Iterator[Found | Folder]:
        try:
            entries = self._entries(folder.path)
        except OSError as error:
            yield _unread(folder, error)
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
                found = self._look_at(path, name, entry, note, folder)
                if self._facts is None:
                    yield found
                else:
                    yield from self._told(found, note)
            except OSError as error:
                verdict = Verdict(
                    FileState.FINAL,
                    Bucket.FAILED,
                    0,
                    code=fault_code(error),
                    detail=f"the system says: {error.strerror}",
                )
                yield Found(path, note=packed([note] if note else ()), verdict=verdict)

    def _folder_itself(self, folder: Folder, *, empty: bool) -> Iterator[Found]:
        """The folder as a row of its own: with markers, where it is empty, or where it has what is not carried."""
        path, own, left_out = folder.path, folder.own, self._filter.folder_rule(folder.place)
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

    def _told(self, found: Found | Folder, note: Note | None) -> Iterator[Found | Folder]:
        """What was found, with what is said beside it; then a row for each of its alternate data streams."""
        facts = self._facts
        decided = found.verdict if isinstance(found, Found) else found.place.left_out
        if facts is None or decided is not None:
            yield found
            return
        try:
            look, unseen = facts.look(system_path(self._root, found.path)), None
        except OSError as error:
            look, unseen = Look(), unseen_note(error)
        own = permissions_note() if look.own_permissions else unseen
        if isinstance(found, Folder):
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

    def _look_at(self, path: str, name: str, entry: Entry, note: Note | None, folder: Folder) -> Found | Folder:
        if entry.is_symlink():
            return self._link(path, name, entry, note, folder)
        if self._facts is not None:
            tag = self._facts.marks(path, entry.stat(follow_symlinks=False)).reparse_tag
            kind = reparse_kind(tag)
            if kind is ReparseKind.LINK:
                return self._link(path, name, entry, note, folder)
            if kind is ReparseKind.SPECIAL:
                return self._special(path, name, entry, f"it is {special_words(tag)}", folder.place)
        if entry.is_dir(follow_symlinks=False):
            place = self._filter.below(folder.place, path, name, self._attributes_of(path, entry))
            if not (self._follow or self._markers):
                return Folder(path, note, (), place)
            found = entry.stat(follow_symlinks=False)
            trail = (*folder.trail, _identity(found, self._root, path)) if self._follow else ()
            return Folder(path, note, trail, place, stat_of(found).storable_mtime_ns)
        return self._file(path, name, entry.stat(follow_symlinks=False), note, folder.place)

    def _attributes(self, path: str, found: os.stat_result) -> int:
        """Windows' attributes, for filters that ask for them: a listing has brought them already."""
        if self._facts is not None:
            return self._facts.marks(path, found).attributes
        return getattr(found, "st_file_attributes", 0)

    def _attributes_of(self, path: str, entry: Entry) -> int:
        return self._attributes(path, entry.stat(follow_symlinks=False)) if self._asks_attributes else 0

    def _name_rule(self, path: str, name: str, attributes: int, place: Place) -> str | None:
        """The rule that leaves a file out by its name, its kind or where it lies."""
        if place.left_out is not None or self._filter.rule is None:
            return place.left_out
        return self._filter.rule(place, path, name, attributes)

    def _special(self, path: str, name: str, entry: Entry, words: str, place: Place) -> Found:
        left_out = self._name_rule(path, name, self._attributes_of(path, entry), place)
        if left_out is not None:
            return self._settled(path, Bucket.EXCLUDED, ErrorCode.FILTERED_OUT, left_out)
        return self._settled(path, Bucket.UNSUPPORTED, ErrorCode.SPECIAL_FILE, words)

    def _link(self, path: str, name: str, entry: Entry, note: Note | None, folder: Folder) -> Found | Folder:
        left_out = self._name_rule(path, name, self._attributes_of(path, entry), folder.place)
        if left_out is not None:
            return self._settled(path, Bucket.EXCLUDED, ErrorCode.FILTERED_OUT, left_out)
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
            return self._file(path, name, target, note, folder.place)
        identity = (target.st_dev, target.st_ino)
        if identity in folder.trail:
            detail = "the link leads to a folder that it lies in; that folder is copied once"
            return self._settled(path, Bucket.EXCLUDED, ErrorCode.SYMLINK_CYCLE, detail)
        attributes = self._attributes(path, target) if self._asks_attributes else 0
        place = self._filter.below(folder.place, path, name, attributes)
        return Folder(path, note, (*folder.trail, identity), place, stat_of(target).storable_mtime_ns)

    def _file(self, path: str, name: str, found: os.stat_result, note: Note | None, place: Place) -> Found:
        state = stat_of(found)
        attributes = self._attributes(path, found) if self._asks_attributes else 0
        left_out = self._name_rule(path, name, attributes, place)
        if left_out is None and self._filter.state_rule is not None and stat.S_ISREG(found.st_mode):
            left_out = self._filter.state_rule(state.size_bytes, state.mtime_ns)
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
        """A file that needs no look at the destination. `row`: its path in the ledger, where that is not `path`."""
        size = found.st_size if found is not None else 0
        mtime_ns = stat_of(found).storable_mtime_ns if found is not None else None
        verdict = Verdict(FileState.FINAL, bucket, size, mtime_ns, code, detail)
        return Found(row or path, size, mtime_ns, None, verdict)


def _gone_since(listed: Listed, error: OSError) -> Found:
    """Result: a path of an earlier attempt that cannot be looked at now."""
    code = fault_code(error)
    if code is ErrorCode.SOURCE_VANISHED and not _ESCAPED.search(listed.path):
        detail = "it is gone since the attempt in which it failed"
        return Found(listed.path, verdict=Verdict(FileState.FINAL, Bucket.EXCLUDED, 0, code=code, detail=detail))
    detail = f"the system says: {error.strerror}; rerun the whole job if its name is no text"
    return Found(listed.path, verdict=Verdict(FileState.FINAL, Bucket.FAILED, 0, code=code, detail=detail))


def _unread(folder: Folder, error: OSError) -> Found:
    words = error.strerror or type(error).__name__
    bucket, code = Bucket.FAILED, fault_code(error)
    detail = f"the folder cannot be read, so nothing in it is known: {words}"
    if folder.place.left_out is not None:
        bucket, code = Bucket.EXCLUDED, ErrorCode.FILTERED_OUT
        detail = f"{folder.place.left_out}; the folder cannot be read, so its files are not counted: {words}"
    return Found(folder.path + "/", verdict=Verdict(FileState.FINAL, bucket, 0, code=code, detail=detail))


def _identity(found: os.stat_result, root: str, path: str) -> tuple[int, int]:
    """Windows' folder entries carry no identity: ask the folder itself."""
    if found.st_ino:
        return (found.st_dev, found.st_ino)
    asked = os.stat(system_path(root, path))  # noqa: PTH116 - may be bytes
    return (asked.st_dev, asked.st_ino)
