"""The folders that are copied: made from a seed, so that every machine copies the same bytes."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

_SEED = 20_261_125
_POOL_BYTES = 8 << 20
_FOLDER_FILES = 1000
_MTIME = 1_750_000_000
"""Long before any run, so that nobody takes a file for one that is being written."""


@dataclass(frozen=True)
class TreeKind:
    """`files` files of a size between the two bounds, in folders of a thousand."""

    name: str
    files: int
    least_bytes: int
    most_bytes: int

    @property
    def expected_bytes(self) -> int:
        """What it takes in memory, roughly: pages and inodes."""
        return self.files * ((self.least_bytes + self.most_bytes) // 2 + 4096)


@dataclass(frozen=True)
class Tree:
    """A made folder."""

    kind: TreeKind
    path: Path
    size_bytes: int


def room_bytes(directory: Path) -> int:
    """What fits there: free space, and for a folder in memory also available memory less 4 GiB for the programs."""
    free = shutil.disk_usage(directory).free
    if not directory.resolve().is_relative_to("/dev/shm"):
        return free
    lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text("ascii").splitlines())
    return min(free, int(lines["MemAvailable"].split()[0]) * 1024 - (4 << 30))


class NoRoom(Exception):
    """A tree does not fit into the folder for sources."""


class Trees:
    """Trees under one folder: made when asked for, and removed when a later one needs the room."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory

    def tree(self, kind: TreeKind, progress: Callable[[int, int], None] = lambda done, total: None) -> Tree:
        """That tree; `progress` hears of files made. Raises NoRoom."""
        path = self._directory / f"{kind.name}-{kind.files}"
        finished = path.with_suffix(".json")
        if finished.exists() and json.loads(finished.read_text("utf-8"))["kind"] == asdict(kind):
            return Tree(kind, path, int(json.loads(finished.read_text("utf-8"))["size_bytes"]))
        self._remove(path)
        for other in sorted(self._directory.glob("*.json")):
            if room_bytes(self._directory) < kind.expected_bytes:
                self._remove(other.with_suffix(""))
        if room_bytes(self._directory) < kind.expected_bytes:
            raise NoRoom(
                f"{kind.files:,} files need {kind.expected_bytes / 2**30:.1f} GiB in {self._directory}, which has "
                f"{room_bytes(self._directory) / 2**30:.1f}. Choose another folder with --sources, or --scale less."
            )
        size = _make(kind, path, progress)
        finished.write_text(json.dumps({"kind": asdict(kind), "size_bytes": size}), "utf-8")
        return Tree(kind, path, size)

    def remove_all(self) -> None:
        """Nothing is left of them."""
        shutil.rmtree(self._directory, ignore_errors=True)

    def _remove(self, path: Path) -> None:
        path.with_suffix(".json").unlink(missing_ok=True)
        shutil.rmtree(path, ignore_errors=True)


def _make(kind: TreeKind, path: Path, progress: Callable[[int, int], None]) -> int:
    chance = random.Random(f"{_SEED} {kind.name} {kind.files}")
    pool = random.Random(_SEED).randbytes(_POOL_BYTES)
    total = 0
    for index in range(kind.files):
        folder = path / f"folder-{index // _FOLDER_FILES:04}"
        if index % _FOLDER_FILES == 0:
            folder.mkdir(parents=True)
            progress(index, kind.files)
        size = chance.randint(kind.least_bytes, kind.most_bytes)
        file = folder / f"file-{index % _FOLDER_FILES:04}.bin"
        with file.open("wb", buffering=0) as out:
            _fill(out.write, size, chance, pool)
        os.utime(file, (_MTIME, _MTIME))
        total += size
    progress(kind.files, kind.files)
    return total


def _fill(write: Callable[[bytes], int | None], size: int, chance: random.Random, pool: bytes) -> None:
    """Slices of the pool from random places on: no two files, and no two blocks of a file, are equal."""
    while size > 0:
        start = chance.randrange(_POOL_BYTES)
        piece = pool[start : start + size]
        write(piece)
        size -= len(piece)
