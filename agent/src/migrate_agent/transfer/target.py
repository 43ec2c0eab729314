"""What the destination holds below the job's prefix, before the run: listed once, kept on disk, asked by name.

SQLite's own temporary database: it spills to disk by itself, so memory stays flat however many blobs there are, and it
is gone with the process.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import gettempdir

from migrate_agent.store.database import translated
from migrate_agent.transfer.blob_xml import BlobPage
from migrate_agent.transfer.target_blob import TargetBlob

_SCHEMA = """
CREATE TABLE blobs (
    name TEXT PRIMARY KEY, size INTEGER, etag TEXT, md5 TEXT, mtime_ns INTEGER, modified_ns INTEGER, marker TEXT,
    archived INTEGER NOT NULL, folder INTEGER NOT NULL, tier TEXT
) WITHOUT ROWID
"""
_INSERT = f"INSERT OR REPLACE INTO blobs VALUES ({', '.join('?' * len(TargetBlob._fields))})"  # noqa: S608 - question marks
"""The columns are TargetBlob's fields, in their order."""


_LARGEST = 1 << 63


class TargetIndex:
    """Filled by one thread, then read by any."""

    def __init__(self) -> None:
        # The empty name is SQLite's temporary database on disk.
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute(_SCHEMA)
        self._lock = threading.Lock()
        self._size = 0
        self._closed = False

    def __len__(self) -> int:
        return self._size

    def load(self, pages: Iterable[BlobPage]) -> None:
        """Takes every blob of `pages`. Raises Retryable(disk-full) if the temporary folder's disk is full."""
        for page in pages:
            with self._lock, translated(Path(gettempdir()) / "index"):
                self._db.execute("BEGIN")
                self._db.executemany(
                    _INSERT,
                    (_storable(blob) for blob in page.blobs),
                )
                self._db.execute("COMMIT")
            self._size += len(page.blobs)

    def get(self, name: str) -> TargetBlob | None:
        """Result: the blob of that name as it was listed."""
        if not self._size:
            return None
        with self._lock:
            row = self._db.execute("SELECT * FROM blobs WHERE name = ?", (name,)).fetchone()
        return TargetBlob(*row) if row else None

    def get_all(self, names: Sequence[str]) -> list[TargetBlob | None]:
        """Result: the same for several names, in their order; at most some hundred."""
        if not self._size:
            return [None] * len(names)
        with self._lock:
            if self._closed:  # the copy is ending, and its scan has not noticed yet
                return [None] * len(names)
            rows = self._db.execute(
                f"SELECT * FROM blobs WHERE name IN ({','.join('?' * len(names))})",  # noqa: S608 - question marks
                names,
            ).fetchall()
        found = {row[0]: TargetBlob._make(row) for row in rows}
        return [found.get(name) for name in names]

    def close(self) -> None:
        """Removes it from the disk."""
        with self._lock:
            self._closed = True
            self._db.close()


def _storable(blob: TargetBlob) -> TargetBlob:
    """Times beyond SQLite's 64 bits are as good as none."""
    if -_LARGEST < (blob.mtime_ns or 0) < _LARGEST and -_LARGEST < (blob.modified_ns or 0) < _LARGEST:
        return blob
    return blob._replace(mtime_ns=_within(blob.mtime_ns), modified_ns=_within(blob.modified_ns))


def _within(time_ns: int | None) -> int | None:
    return time_ns if time_ns is not None and -_LARGEST < time_ns < _LARGEST else None
