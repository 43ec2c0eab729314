"""What a walk through the source has in its hands: a folder on the way down, and an entry of one."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import Protocol

from migrate_agent.store.notes import Note
from migrate_agent.transfer.filters import Place
from migrate_agent.transfer.source import system_path


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder on the way down. `trail` holds the identities of the folders above, to cut cycles of links.

    `note` is of its name, and holds for all in it; `own` is of the folder itself. `place` is what the filters say of
    everything in it.
    """

    path: str
    note: Note | None
    trail: tuple[tuple[int, int], ...]
    place: Place
    mtime_ns: int | None = None
    own: Note | None = None


class Entry(Protocol):
    """What a walk asks of a `DirEntry`. Raises OSError."""

    def is_symlink(self) -> bool:
        """Result: whether it is a symbolic link."""
        ...

    def is_dir(self, *, follow_symlinks: bool) -> bool:
        """Result: whether it is a folder."""
        ...

    def stat(self, *, follow_symlinks: bool) -> os.stat_result:
        """Result: what the system says of it."""
        ...


class NamedEntry:
    """An entry that was not listed, but asked for by its path; never follows a link."""

    def __init__(self, root: str, path: str) -> None:
        """Raises OSError where it is not there."""
        self._found = os.lstat(system_path(root, path))

    def is_symlink(self) -> bool:
        """See Entry."""
        return stat.S_ISLNK(self._found.st_mode)

    def is_dir(self, *, follow_symlinks: bool) -> bool:
        """See Entry."""
        return not follow_symlinks and stat.S_ISDIR(self._found.st_mode)

    def stat(self, *, follow_symlinks: bool) -> os.stat_result:
        """See Entry."""
        assert not follow_symlinks
        return self._found
