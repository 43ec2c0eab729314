"""Folders of the source, for the blobs that mark them; a folder's path ends in '/'."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from types import TracebackType

from migrate_agent.transfer.source import FileStat, SourceFile, fault_of, stat_file, system_path
from migrate_contract.errors import ErrorCode, SkipRecord


def stat_entry(root: str, path: str, *, follow: bool) -> FileStat:
    """Result: the state of a regular file or folder. Raises SkipRecord(source-...)."""
    if path.endswith("/"):
        return SourceFolder(root, path, follow=follow).state
    return stat_file(root, path, follow=follow)


def open_file(
    root: str, path: str, *, follow: bool, racy_seconds: float, check: Callable[[], None] = lambda: None
) -> SourceFile:
    """Result: the open file or folder. Raises SkipRecord(source-...)."""
    if path.endswith("/"):
        return SourceFolder(root, path, follow=follow)
    return SourceFile(root, path, follow=follow, racy_seconds=racy_seconds, check=check)


class SourceFolder(SourceFile):
    """A folder, for the blob that marks it: it has no content, and files come and go in it while it stays the same."""

    def __init__(self, root: str, path: str, *, follow: bool) -> None:
        self._path, self._follow = system_path(root, path.rstrip("/")), follow
        self.found = self._look()
        self.state = FileStat(0, self.found.st_mtime_ns, 0, self.found.st_dev, self.found.st_ino)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is open."""

    def read(self, size_bytes: int) -> bytes:
        """Result: nothing."""
        return b""

    def rewind(self) -> None:
        """Nothing has been read."""

    def hash(self) -> bytes:
        """Result: the MD5 of nothing."""
        return hashlib.md5(usedforsecurity=False).digest()

    def confirm(self, md5: bytes) -> None:
        """Returns if it is still a folder. Raises SkipRecord(source-...)."""
        self._look()

    def _look(self) -> os.stat_result:
        try:
            found = os.stat(self._path, follow_symlinks=self._follow)  # noqa: PTH116 - may be bytes
        except OSError as error:
            raise fault_of(error, self._path) from error
        if not stat.S_ISDIR(found.st_mode):
            raise SkipRecord(ErrorCode.SOURCE_CHANGED, "it is not a folder any more")
        return found
