"""Answers kept as they went over the wire, for a benchmark: the second time a page costs a copy of bytes.

Two files in one folder: `answers.bin` has the tokens, one answer after the other; `answers.idx` says which bytes belong
to which statement and values. Nobody notices a change of the database: the folder goes with one that does not change.
"""

from __future__ import annotations

import hashlib
import mmap
import struct
import threading
from collections.abc import Mapping
from pathlib import Path

from local.sqlserver.cells import Cell

_ENTRY = struct.Struct("<16sQQQ")


class PreparedAnswers:
    """Safe for all threads of one process; one process at a time adds to a folder."""

    def __init__(self, folder: Path) -> None:
        """Open the folder, or make it."""
        folder.mkdir(parents=True, exist_ok=True)
        self._data_path, self._index_path = folder / "answers.bin", folder / "answers.idx"
        self._data_path.touch()
        self._index_path.touch()
        index = self._index_path.read_bytes()
        size = len(index) // _ENTRY.size * _ENTRY.size
        self._known = {key: rest for key, *rest in _ENTRY.iter_unpack(index[:size])}
        self._lock = threading.Lock()
        self._map: mmap.mmap | None = None

    @staticmethod
    def key(sql: str, values: Mapping[str, Cell]) -> bytes:
        """Result: what names the answer of a statement with these values."""
        return hashlib.blake2b(repr((sql, sorted(values.items()))).encode(), digest_size=16).digest()

    def find(self, key: bytes) -> tuple[bytes | memoryview, int] | None:
        """Result: the answer's tokens and its number of rows, None if it is not kept."""
        place = self._known.get(key)
        if place is None:
            return None
        start, length, rows = place
        with self._lock:
            if self._map is None or len(self._map) < start + length:
                with self._data_path.open("rb") as file:
                    self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            return memoryview(self._map)[start : start + length], rows

    def keep(self, key: bytes, data: bytes, rows: int) -> tuple[bytes, int]:
        """Result: the same answer, which is kept from now on."""
        with self._lock:
            start = self._data_path.stat().st_size
            with self._data_path.open("ab") as file:
                file.write(data)
            with self._index_path.open("ab") as file:
                file.write(_ENTRY.pack(key, start, len(data), rows))
            self._known[key] = [start, len(data), rows]
        return data, rows
