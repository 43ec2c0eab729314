"""Counts of one attempt while a transaction is being put together; kept in the journal's `tally` table.

A file is counted in exactly one bucket, so moving it is the only operation there is: the sums cannot come apart.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

from migrate_agent.store.entries import Counters, FileState
from migrate_contract.jobs import FOUND_BUCKETS, Bucket, Tally


def bucket_of(state: FileState, bucket: Bucket) -> Bucket:
    """Result: where a file in `state` is counted; `bucket` is its verdict's."""
    if state in (FileState.PENDING, FileState.RETRY):
        return Bucket.PENDING
    return bucket if state is FileState.FINAL else Bucket.TRANSFERRED


@dataclass(slots=True)
class Tallies:
    """Mutable counts. `files` and `bytes` map each bucket to its sum."""

    files: dict[Bucket, int] = field(default_factory=lambda: dict.fromkeys(FOUND_BUCKETS, 0))
    bytes: dict[Bucket, int] = field(default_factory=lambda: dict.fromkeys(FOUND_BUCKETS, 0))
    verified_files: int = 0
    retries: int = 0

    @classmethod
    def load(cls, db: sqlite3.Connection) -> Tallies:
        """Result: the counts on the disk."""
        loaded = cls()
        for bucket, files, size in db.execute("SELECT bucket, files, bytes FROM tally"):
            loaded.files[Bucket(bucket)], loaded.bytes[Bucket(bucket)] = files, size
        loaded.verified_files, loaded.retries = db.execute("SELECT verified_files, retries FROM attempt").fetchone()
        return loaded

    @classmethod
    def of(cls, counters: Counters) -> Tallies:
        """Result: the same counts, to be changed."""
        files = {bucket: getattr(counters.files, bucket.value) for bucket in FOUND_BUCKETS}
        sizes = {bucket: getattr(counters.bytes, bucket.value) for bucket in FOUND_BUCKETS}
        return cls(files, sizes, counters.verified_files, counters.retries)

    def copy(self) -> Tallies:
        """Result: counts that can be changed without changing these."""
        return Tallies(dict(self.files), dict(self.bytes), self.verified_files, self.retries)

    def add(self, bucket: Bucket, size_bytes: int) -> None:
        """A file not counted before."""
        self.files[bucket] += 1
        self.bytes[bucket] += size_bytes

    def move(self, old: Bucket, old_bytes: int, new: Bucket, new_bytes: int) -> None:
        """A counted file changes its bucket, its size, or both."""
        self.files[old] -= 1
        self.bytes[old] -= old_bytes
        self.add(new, new_bytes)

    def move_all(self, old: Bucket, new: Bucket, files: int, size_bytes: int) -> None:
        """So many counted files, of so many bytes together, change their bucket."""
        self.files[old] -= files
        self.bytes[old] -= size_bytes
        self.files[new] += files
        self.bytes[new] += size_bytes

    def save(self, db: sqlite3.Connection) -> None:
        """Writes them; part of the caller's transaction."""
        db.executemany(
            "INSERT OR REPLACE INTO tally (bucket, files, bytes) VALUES (?, ?, ?)",
            [(bucket.value, self.files[bucket], self.bytes[bucket]) for bucket in FOUND_BUCKETS],
        )
        db.execute("UPDATE attempt SET verified_files = ?, retries = ?", (self.verified_files, self.retries))

    def counters(self) -> Counters:
        """Result: the counts for others."""
        return Counters(_tally(self.files), _tally(self.bytes), self.verified_files, self.retries)


def _tally(sums: dict[Bucket, int]) -> Tally:
    found = {bucket.value: sums[bucket] for bucket in FOUND_BUCKETS}
    return Tally(scanned=sum(found.values()), **found)
