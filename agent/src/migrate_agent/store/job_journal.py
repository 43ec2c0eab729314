"""One attempt's files, counters and ledger, on the disk.

Verdicts are collected in memory and written in batches: files, counters and ledger rows of one verdict always go into
the same transaction, so a crash at any moment neither loses a row nor counts a file twice. What `counters` and
`ledger_rows` return is on the disk already.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from migrate_agent.store.database import open_database, transaction, translated
from migrate_agent.store.entries import Counters, Entry, FileState, Found, Stored, Verdict, path_key, path_of
from migrate_agent.store.ledger import insert_row, read_faults, read_rows
from migrate_agent.store.schema import ATTEMPT_SCHEMA, ATTEMPT_SCHEMA_VERSION
from migrate_agent.store.tallies import Tallies, bucket_of
from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import Bucket, FileFault, LedgerRow, Verification

_KNOWN_RIGHT = (Verification.STORED, Verification.READBACK)
_ENTRY = "id, path, size, mtime_ns, state, tries, note, etag, md5, upload_id, block_bytes, code"


class JobJournal:
    """The journal of one attempt. Safe for all threads.

    Every method that writes may raise Retryable(disk-full): nothing is lost then, and the same call (or `flush`) may be
    repeated once there is room.
    """

    def __init__(self, path: Path, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Opens or makes the file. What a previous process left in RETRY is pending again."""
        self.path = path
        self._clock = clock
        self._lock = threading.RLock()
        self._buffer: list[tuple[int, Verdict, float]] = []
        self._uncounted_retries = 0
        self._closed = False
        self._db = open_database(path, ATTEMPT_SCHEMA, ATTEMPT_SCHEMA_VERSION)
        with self._transaction():
            self._db.execute("UPDATE files SET state = ? WHERE state = ?", (FileState.PENDING, FileState.RETRY))
        with translated(path):
            self._tallies = Tallies.load(self._db)
            self._scan_complete, self._next_row, self._shipped_row = self._db.execute(
                "SELECT scan_complete, next_row, shipped_row FROM attempt"
            ).fetchone()
        self._counters = self._tallies.counters()

    def _transaction(self) -> Any:
        return transaction(self._db, self.path)

    @property
    def closed(self) -> bool:
        """Result: whether `close` was called."""
        return self._closed

    def close(self) -> None:
        """Flushes and closes the file; what a full disk does not take is done again by the next process."""
        with self._lock:
            if self._closed:
                return
            try:
                self.flush()
            finally:
                self._closed = True
                self._db.close()

    # For the reporter

    def counters(self) -> Counters:
        """Result: the counts as they are on the disk; cheap."""
        return self._counters

    @property
    def scan_complete(self) -> bool:
        """Result: whether every file of the source is in the journal."""
        return bool(self._scan_complete)

    @property
    def shipped_row(self) -> int:
        """Result: the last ledger row that the control plane has confirmed; 0 at first."""
        return int(self._shipped_row)

    @property
    def last_row(self) -> int:
        """Result: the last ledger row on the disk; 0 at first."""
        return int(self._next_row) - 1

    def ledger_rows(self, first: int, limit: int) -> list[LedgerRow]:
        """Result: rows from `first` (1 or more) on, at most `limit`, in order, without gaps."""
        with self._lock, translated(self.path):
            return read_rows(self._db, first, limit)

    def mark_shipped(self, row: int) -> None:
        """The control plane holds every row up to `row`; may go back, if the control plane asks for rows again."""
        with self._lock:
            with self._transaction():
                self._db.execute("UPDATE attempt SET shipped_row = ?", (row,))
            self._shipped_row = row

    def recent_faults(self, limit: int = 20) -> list[FileFault]:
        """Result: the newest failed files, newest first."""
        with self._lock, translated(self.path):
            return [] if self._closed else read_faults(self._db, limit)

    # For the scan

    def add_found(self, batch: Sequence[Found]) -> None:
        """Adds what the scan met. A path known already is brought up to date while it is pending, else left alone."""
        with self._lock:
            tallies, row = self._tallies.copy(), self._next_row
            with self._transaction():
                for found in batch:
                    row = self._add(found, tallies, row)
                self._save(tallies, row)
            self._confirm(tallies, row)

    def _add(self, found: Found, tallies: Tallies, row: int) -> int:
        state = found.verdict.state if found.verdict else FileState.PENDING
        inserted = self._db.execute(
            "INSERT OR IGNORE INTO files (path, size, mtime_ns, state, note) VALUES (?, ?, ?, ?, ?)",
            (path_key(found.path), found.size_bytes, found.mtime_ns, state, found.note),
        )
        if not inserted.rowcount:
            return self._refresh(found, tallies, row)
        tallies.add(found.verdict.bucket if found.verdict else Bucket.PENDING, found.size_bytes)
        if found.verdict is None:
            return row
        return self._to_ledger(found.path, found.verdict, found.note, found.verdict.tries, row)

    def _refresh(self, found: Found, tallies: Tallies, row: int) -> int:
        """A path of an earlier process's scan."""
        file_id, state, size = self._db.execute(
            "SELECT id, state, size FROM files WHERE path = ?", (path_key(found.path),)
        ).fetchone()
        if state in (FileState.COMMITTED, FileState.FINAL):
            return row
        if found.verdict is not None:
            return self._apply(file_id, found.verdict, tallies, row, self._clock().timestamp())
        self._db.execute(
            "UPDATE files SET size = ?, mtime_ns = ? WHERE id = ?", (found.size_bytes, found.mtime_ns, file_id)
        )
        tallies.move(Bucket.PENDING, size, Bucket.PENDING, found.size_bytes)
        return row

    def finish_scan(self) -> None:
        """Every file of the source is in the journal; nothing is scanned again in this attempt."""
        with self._lock:
            with self._transaction():
                self._db.execute("UPDATE attempt SET scan_complete = 1")
            self._scan_complete = 1

    # For the engine

    def pending(self, state: FileState, after: int, limit: int) -> list[Entry]:
        """Result: entries in `state` with an id greater than `after`, by id, at most `limit`."""
        with self._lock, translated(self.path):
            rows = self._db.execute(
                f"SELECT {_ENTRY} FROM files WHERE state = ? AND state < 3 AND id > ? ORDER BY id LIMIT ?",  # noqa: S608 - our own names
                (state, after, limit),
            ).fetchall()
        return [_entry(row) for row in rows]

    def count(self, state: FileState) -> int:
        """Result: how many unfinished files are in `state`, as on the disk."""
        with self._lock, translated(self.path):
            return int(
                self._db.execute("SELECT count(*) FROM files WHERE state = ? AND state < 3", (state,)).fetchone()[0]
            )

    def committed(self, paths: Iterable[str]) -> dict[str, Entry]:
        """Result: those of `paths` that are committed and wait to be read back."""
        found: dict[str, Entry] = {}
        with self._lock, translated(self.path):
            for path in paths:
                row = self._db.execute(
                    f"SELECT {_ENTRY} FROM files WHERE path = ? AND state = ?",  # noqa: S608 - our own names
                    (path_key(path), FileState.COMMITTED),
                ).fetchone()
                if row is not None:
                    found[path] = _entry(row)
        return found

    def record(self, file_id: int, verdict: Verdict) -> None:
        """Takes what became of one file; it is on the disk after the next `flush`."""
        with self._lock:
            self._buffer.append((file_id, verdict, self._clock().timestamp()))

    def count_retry(self) -> None:
        """One request was sent again."""
        with self._lock:
            self._uncounted_retries += 1

    @property
    def buffered(self) -> int:
        """Result: verdicts that are not on the disk yet."""
        return len(self._buffer)

    def flush(self) -> None:
        """Writes every verdict taken so far. Raises Retryable(disk-full) and keeps them."""
        with self._lock:
            if self._closed or not (self._buffer or self._uncounted_retries):
                return
            tallies, row = self._tallies.copy(), self._next_row
            tallies.retries += self._uncounted_retries
            with self._transaction():
                for file_id, verdict, at in self._buffer:
                    row = self._apply(file_id, verdict, tallies, row, at)
                self._save(tallies, row)
            self._buffer.clear()
            self._uncounted_retries = 0
            self._confirm(tallies, row)

    def _apply(self, file_id: int, verdict: Verdict, tallies: Tallies, row: int, at: float) -> int:
        path, old_state, old_size, tries, note = self._db.execute(
            "SELECT path, state, size, tries, note FROM files WHERE id = ?", (file_id,)
        ).fetchone()
        if old_state == FileState.FINAL:
            raise AssertionError(f"file {file_id} is final already")
        tries += verdict.tries
        stored = verdict.stored or Stored("", "")
        self._db.execute(
            "UPDATE files SET size = ?, mtime_ns = coalesce(?, mtime_ns), state = ?, tries = ?, code = ?, etag = ?,"
            " md5 = ?, upload_id = ?, block_bytes = ? WHERE id = ?",
            (
                verdict.size_bytes,
                verdict.mtime_ns,
                verdict.state,
                tries,
                verdict.code.value if verdict.code else None,
                stored.etag,
                stored.md5,
                stored.upload_id,
                stored.block_bytes,
                file_id,
            ),
        )
        old = bucket_of(FileState(old_state), Bucket.PENDING)
        tallies.move(old, old_size, bucket_of(verdict.state, verdict.bucket), verdict.size_bytes)
        if verdict.state is not FileState.FINAL:
            return row
        if verdict.verification in _KNOWN_RIGHT:
            tallies.verified_files += 1
        return self._to_ledger(path_of(path), verdict, note, tries, row, at)

    def _to_ledger(
        self, path: str, verdict: Verdict, note: str | None, tries: int, row: int, at: float | None = None
    ) -> int:
        finished_at = self._clock().timestamp() if at is None else at
        insert_row(self._db, row, path, verdict, note=note, tries=tries, finished_at=finished_at)
        return row + 1

    def _save(self, tallies: Tallies, next_row: int) -> None:
        tallies.save(self._db)
        self._db.execute("UPDATE attempt SET next_row = ?", (next_row,))

    def _confirm(self, tallies: Tallies, next_row: int) -> None:
        """The transaction is on the disk: from now on these are the counts."""
        self._tallies, self._next_row, self._counters = tallies, next_row, tallies.counters()


def _entry(row: tuple[Any, ...]) -> Entry:
    file_id, path, size, mtime_ns, state, tries, note, etag, md5, upload_id, block_bytes, code = row
    return Entry(
        file_id=file_id,
        path=path_of(path),
        size_bytes=size,
        mtime_ns=mtime_ns,
        state=FileState(state),
        tries=tries,
        note=note,
        stored=Stored(etag, md5, upload_id or "", block_bytes or 0) if etag else None,
        code=ErrorCode(code) if code else None,
    )
