"""What an attempt keeps beside its files: the paths that it is about, if not all, and the mirror's list.

Part of the attempt's journal: the same database, lock and ledger. A surplus blob is written here before anything is
deleted, and its ledger row in the same transaction as that it is settled: a crash loses no row of a deletion.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from migrate_agent.store.database import transaction, translated
from migrate_agent.store.entries import Surplus, Verdict, path_key
from migrate_agent.store.ledger import read_failed_paths
from migrate_contract.sync import MirrorTally

_PAGE = 1000
_WANTED = "wanted"
_MIRROR = "mirror"


class Append(Protocol):
    """Writes ledger rows in the caller's transaction."""

    def __call__(self, rows: Sequence[tuple[str, Verdict]]) -> Callable[[], None]:
        """Result: what is to be called once the transaction is on the disk."""
        ...


class BesideFiles:
    """Safe for all threads. Every method that writes may raise Retryable(disk-full) and can be repeated then."""

    def __init__(self, db: sqlite3.Connection, path: Path, lock: threading.RLock, append: Append) -> None:
        self._db, self._path, self._lock, self._append = db, path, lock, append

    # Which files the attempt is about

    def failed_paths(self) -> list[str]:
        """Result: the paths of failed files, as the ledger has them."""
        found: list[str] = []
        after = 0
        with self._lock, translated(self._path):
            while page := read_failed_paths(self._db, after, _PAGE):
                found += [path for _, path in page]
                after = page[-1][0]
        return found

    def want(self, paths: Iterable[str]) -> None:
        """The attempt is about these paths, all of them."""
        with self._lock, transaction(self._db, self._path):
            self._db.execute("DELETE FROM wanted")
            self._db.executemany("INSERT OR IGNORE INTO wanted (path) VALUES (?)", ((path,) for path in paths))
            self._mark(_WANTED, "1")

    def wanted(self) -> list[str] | None:
        """Result: what `want` was given, in order; None before that."""
        with self._lock, translated(self._path):
            if self._marked(_WANTED) is None:
                return None
            return [path for (path,) in self._db.execute("SELECT path FROM wanted ORDER BY path")]

    # The mirror

    def mirror_tally(self) -> MirrorTally | None:
        """Result: what the mirror has come to, as on the disk."""
        with self._lock, translated(self._path):
            text = self._marked(_MIRROR)
        return MirrorTally.model_validate_json(text) if text else None

    def keep_tally(self, tally: MirrorTally) -> None:
        """Writes what the mirror has come to."""
        with self._lock, transaction(self._db, self._path):
            self._mark(_MIRROR, tally.model_dump_json())

    def unknown(self, paths: Iterable[str]) -> list[str]:
        """Result: those of `paths` that the scan has not met."""
        with self._lock, translated(self._path):
            return [
                path
                for path in paths
                if self._db.execute("SELECT 1 FROM files WHERE path = ?", (path_key(path),)).fetchone() is None
            ]

    def unreadable_folder(self) -> str | None:
        """Result: a folder that the scan could not read; None where it has read them all."""
        with self._lock, translated(self._path):
            row = self._db.execute(
                "SELECT path FROM ledger WHERE bucket = 'failed' AND substr(path, -1) = '/' ORDER BY row LIMIT 1"
            ).fetchone()
        return str(row[0]) if row else None

    def forget_surplus(self) -> None:
        """A list that was not completed is begun anew."""
        with self._lock, transaction(self._db, self._path):
            self._db.execute("DELETE FROM surplus")

    def add_surplus(self, found: Iterable[tuple[str, int, str]]) -> None:
        """Adds blobs to the list, as (path, size, ETag)."""
        with self._lock, transaction(self._db, self._path):
            self._db.executemany("INSERT OR REPLACE INTO surplus (path, size, etag) VALUES (?, ?, ?)", found)

    def open_surplus(self, limit: int = _PAGE) -> list[Surplus]:
        """Result: the first blobs of the list that are not settled."""
        with self._lock, translated(self._path):
            rows = self._db.execute(
                "SELECT id, path, size, etag FROM surplus WHERE settled = 0 ORDER BY id LIMIT ?", (limit,)
            ).fetchall()
        return [Surplus(*row) for row in rows]

    def surplus_pages(self) -> Iterator[list[Surplus]]:
        """Yields the list page by page, as each is settled by the caller."""
        while page := self.open_surplus():
            yield page

    def settle_surplus(self, settled: Sequence[tuple[Surplus, Verdict]], tally: MirrorTally) -> None:
        """What became of these blobs goes into the ledger."""
        with self._lock:
            with transaction(self._db, self._path):
                confirm = self._append([(surplus.path, verdict) for surplus, verdict in settled])
                self._db.executemany(
                    "UPDATE surplus SET settled = 1 WHERE id = ?", ((surplus.surplus_id,) for surplus, _ in settled)
                )
                self._mark(_MIRROR, tally.model_dump_json())
            confirm()

    def _mark(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO marks (name, value) VALUES (?, ?)", (name, value))

    def _marked(self, name: str) -> str | None:
        row = self._db.execute("SELECT value FROM marks WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else None
