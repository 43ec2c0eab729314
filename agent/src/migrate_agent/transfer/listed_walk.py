"""The walk over a manifest: each listed file, and everything in each listed folder, once; nothing else is looked at."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator

from migrate_agent.store.entries import FileState, Found, Verdict
from migrate_agent.store.notes import Note
from migrate_agent.transfer.beside import name_note
from migrate_agent.transfer.manifest import Listed
from migrate_agent.transfer.source import fault_code
from migrate_agent.transfer.walk_entries import Folder, NamedEntry
from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import Bucket

LookAt = Callable[[str, str, NamedEntry, Note | None, Folder], "Found | Folder"]
"""(path, name, entry, note, the folder it lies in) -> what it is to a copy. Raises OSError."""


class ListedWalk:
    """One walk over a sorted manifest. `below` walks a folder; `told` adds what is said beside something found."""

    def __init__(
        self,
        root: str,
        top: Folder,
        *,
        look_at: LookAt,
        below: Callable[[Folder], Iterator[Found]],
        told: Callable[[Found | Folder, Note | None], Iterator[Found | Folder]],
        not_there: Callable[[Listed, OSError], Found] | None = None,
    ) -> None:
        """`not_there`: what becomes of a listed path that cannot be looked at; None: it is missing from the source."""
        self._not_there = not_there or _not_there
        self._root = root
        self._look_at, self._told, self._below = look_at, told, below
        self._above: list[tuple[str, Folder | Found]] = [("", top)]
        """The folders from the source down to the path looked at last."""

    def walk(self, manifest: Iterable[Listed]) -> Iterator[Found]:
        """Yields what is found; what lies in a folder follows that folder in a manifest, so nothing comes twice."""
        walked: str | None = None
        for listed in manifest:
            inside = walked is not None and listed.path.startswith(walked)
            try:
                found = self._follow_down(listed)
                if inside:
                    continue
                if isinstance(found, Found) and found.path != listed.path:
                    yield self._behind(listed, found)
                    continue
                for item in self._told(found, self._note_of(listed)):
                    if isinstance(item, Folder):
                        walked = listed.path + "/"
                        yield from self._below(item)
                    else:
                        yield item
            except OSError as error:
                yield self._not_there(listed, error)

    def _note_of(self, listed: Listed) -> Note | None:
        above = self._above[-2][1] if len(self._above) > 1 else None
        name = listed.path.rsplit("/", 1)[-1]
        return name_note(listed.note, name) or (above.note if isinstance(above, Folder) else None)

    def _follow_down(self, listed: Listed) -> Folder | Found:
        """What the listed path, or the first on the way to it that is no folder, is to a copy. Raises OSError."""
        above, path = self._above, listed.path
        while above[-1][0] and above[-1][0] != path and not path.startswith(above[-1][0] + "/"):
            above.pop()
        while True:
            at, folder = above[-1]
            if at == path or not isinstance(folder, Folder):
                return folder
            name = path[len(at) + 1 if at else 0 :].partition("/")[0]
            below = f"{at}/{name}" if at else name
            look_alike = listed.note if below == path else None
            note = name_note(look_alike, name) or folder.note
            above.append((below, self._look_at(below, name, NamedEntry(self._root, below), note, folder)))

    def _behind(self, listed: Listed, found: Found) -> Found:
        """A listed path whose folder is none that the walk enters."""
        verdict = found.verdict
        if verdict is None or verdict.code is ErrorCode.SPECIAL_FILE:
            return self._not_there(listed, NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)))
        detail = f"it lies in '{found.path}': {verdict.detail}"
        return Found(listed.path, verdict=verdict._replace(size_bytes=0, mtime_ns=None, detail=detail))


def _not_there(listed: Listed, error: OSError) -> Found:
    code, detail = fault_code(error), f"the system says: {error.strerror}"
    if code is ErrorCode.SOURCE_VANISHED:
        code = ErrorCode.MANIFEST_PATH_MISSING
        detail = f"line {listed.line} of the manifest lists it; {detail}"
    return Found(listed.path, verdict=Verdict(FileState.FINAL, Bucket.FAILED, 0, code=code, detail=detail))
