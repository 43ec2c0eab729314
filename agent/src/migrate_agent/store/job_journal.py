"""One attempt's files, counters and ledger, on the disk.

Verdicts are collected in memory and written in batches: files, counters and ledger rows of one verdict always go into
the same transaction, so a crash at any moment neither loses a row nor counts a file twice. What `counters` and
`ledger_rows` return is on the disk already.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from migrate_agent.store.beside import BesideFiles
from migrate_agent.store.database import add_missing, open_database, transaction, translated
from migrate_agent.store.entries import (
    Commit,
    Counters,
    Entry,
    FileState,
    Found,
    Listed,
    Stored,
    Verdict,
    path_key,
    path_of,
)
from migrate_agent.store.ledger import (
    Remark,
    Row,
    insert_rows,
    read_faults,
    read_lines,
    read_remarks,
    read_rows,
    row_of,
)
from migrate_agent.store.schema import (
    ATTEMPT_ADDED_COLUMNS,
    ATTEMPT_ADDED_TABLES,
    ATTEMPT_MIGRATIONS,
    ATTEMPT_SCHEMA,
    ATTEMPT_SCHEMA_VERSION,
)
from migrate_agent.store.tallies import Tallies, bucket_of
from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import Bucket, FileFault, LedgerRow, Preflight, Verification

_KNOWN_RIGHT = (Verification.STORED, Verification.READBACK)
_ENTRY = "id, path, size, mtime_ns, state, tries, note, etag, md5, blocks, code"
_INSERT = "INSERT OR IGNORE INTO files (path, size, mtime_ns, state, note) VALUES (?, ?, ?, ?, ?)"
_UPDATE = (
    "UPDATE files SET size = ?, mtime_ns = coalesce(?, mtime_ns), state = ?, tries = ?, code = ?, etag = ?, md5 = ?,"
    " blocks = ? WHERE id = ?"
)
_COMMIT = (
    "UPDATE files SET mtime_ns = ?, state = 2, tries = tries + 1, code = NULL, etag = ?, md5 = ?, blocks = ''"
    " WHERE id = ? AND size = ? AND state < 2"
)
_IDS_A_QUERY = 500
_MAKE_PROVED = "CREATE TEMP TABLE IF NOT EXISTS proved (id INTEGER PRIMARY KEY)"
_PROVE = (
    "INSERT OR IGNORE INTO proved SELECT id FROM files"
    " WHERE path = ? AND size = ? AND etag = ? AND md5 = ? AND state = 2 AND ifnull(blocks, '') = ''"
)
"""A COMMITTED file whose stored copy is what was committed (transfer/verify.py says the same of one file).

A blob that is listed twice is proved once."""
_PROVED_TO_LEDGER = (
    "INSERT INTO ledger (row, path, bucket, size, mtime_ns, md5, verification, code, detail, tries, finished_at)"
    " SELECT ? + row_number() OVER (ORDER BY proved.id), CAST(path AS TEXT), 'transferred', size, mtime_ns, md5,"
    " 'stored', CASE WHEN instr(note, char(31)) THEN substr(note, 1, instr(note, char(31)) - 1)"
    " WHEN note IS NOT NULL THEN ? END, substr(note, instr(note, char(31)) + 1), tries, ?"
    " FROM proved JOIN files USING (id)"
)
"""Takes notes apart as `store/notes.py` does."""


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
        self._commits: list[Commit] = []
        self._uncounted_retries = 0
        self._closed = False
        self._db = open_database(path, ATTEMPT_SCHEMA, ATTEMPT_SCHEMA_VERSION, ATTEMPT_MIGRATIONS)
        add_missing(self._db, path, ATTEMPT_ADDED_COLUMNS, ATTEMPT_ADDED_TABLES)
        with self._transaction():
            self._db.execute("UPDATE files SET state = ? WHERE state = ?", (FileState.PENDING, FileState.RETRY))
        with translated(path):
            self._tallies = Tallies.load(self._db)
            self._scan_complete, self._next_row, self._shipped_row = self._db.execute(
                "SELECT scan_complete, next_row, shipped_row FROM attempt"
            ).fetchone()
        self._counters = self._tallies.counters()
        self._beside = BesideFiles(self._db, path, self._lock, self._append_rows)

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

    def ledger_rows(self, first: int, limit: int, buckets: Collection[Bucket] | None = None) -> list[LedgerRow]:
        """Result: rows from `first` (1 or more) on, at most `limit`, in order; without gaps, or those in `buckets`."""
        with self._lock, translated(self.path):
            return read_rows(self._db, first, limit, buckets)

    def remarks(self, first: int, limit: int) -> list[Remark]:
        """Result: rows with a code from `first` on, in order, at most `limit`."""
        with self._lock, translated(self.path):
            return read_remarks(self._db, first, limit)

    def ledger_pages(self, size: int) -> Iterator[list[str]]:
        """Yields the whole ledger as JSON lines (fields and values of `LedgerRow`), `size` rows at a time."""
        first = 1
        while True:
            with self._lock, translated(self.path):
                page = read_lines(self._db, first, size)
            if not page:
                return
            yield page
            first += len(page)

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

    @property
    def beside(self) -> BesideFiles:
        """Result: what the attempt keeps beside its files: which it is about, and the mirror's list."""
        return self._beside

    def preflight(self) -> Preflight | None:
        """Result: what `keep_preflight` kept last."""
        with self._lock, translated(self.path):
            if not self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'preflight'").fetchone():
                return None
            (report,) = self._db.execute("SELECT report FROM preflight").fetchone()
            return Preflight.model_validate_json(report)

    def keep_preflight(self, report: Preflight) -> None:
        """Keeps what was found before the first byte, for reports that outlive the engine."""
        with self._lock, self._transaction():
            # Made here, not by the schema: journals of an older version are taken up as they are.
            self._db.execute("CREATE TABLE IF NOT EXISTS preflight (one INTEGER PRIMARY KEY, report TEXT NOT NULL)")
            self._db.execute("INSERT OR REPLACE INTO preflight VALUES (1, ?)", (report.model_dump_json(),))

    # For the scan

    def add_found(self, batch: Sequence[Found]) -> None:
        """Adds what the scan met. A path known already is brought up to date while it is pending, else left alone."""
        with self._lock:
            tallies, row = self._tallies.copy(), self._next_row
            with self._transaction():
                add = self._add_new if self._all_new(batch) else self._add_each
                row = add(batch, tallies, row)
                self._save(tallies, row)
            self._confirm(tallies, row)

    def _all_new(self, batch: Sequence[Found]) -> bool:
        """Adds the whole batch at once, or (where a path is known already) nothing of it."""
        self._db.execute("SAVEPOINT batch")
        added = self._db.executemany(_INSERT, [_found_row(found) for found in batch]).rowcount
        whole = added == len(batch)
        self._db.execute("RELEASE batch" if whole else "ROLLBACK TO batch")
        return whole

    def _add_new(self, batch: Sequence[Found], tallies: Tallies, row: int) -> int:
        rows: list[Row] = []
        now = self._clock().timestamp()
        for found in batch:
            verdict = found.verdict
            tallies.add(verdict.bucket if verdict else Bucket.PENDING, found.size_bytes)
            if verdict is not None:
                rows.append(self._row(row, path_key(found.path), verdict, found.note, verdict.tries, now))
                row += 1
                tallies.verified_files += verdict.verification in _KNOWN_RIGHT
        insert_rows(self._db, rows)
        return row

    def _add_each(self, batch: Sequence[Found], tallies: Tallies, row: int) -> int:
        for found in batch:
            if self._db.execute(_INSERT, _found_row(found)).rowcount:
                row = self._add_new([found], tallies, row)
            else:
                row = self._refresh(found, tallies, row)
        return row

    def _refresh(self, found: Found, tallies: Tallies, row: int) -> int:
        """A path of an earlier process's scan."""
        file_id, state, size = self._db.execute(
            "SELECT id, state, size FROM files WHERE path = ?", (path_key(found.path),)
        ).fetchone()
        if state in (FileState.COMMITTED, FileState.FINAL):
            return row
        if found.verdict is not None:
            return self._apply([(file_id, found.verdict, self._clock().timestamp())], tallies, row)
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
                f"SELECT {_ENTRY} FROM files WHERE state = ? AND id > ? ORDER BY id LIMIT ?",  # noqa: S608 - our own names
                (state, after, limit),
            ).fetchall()
        return [_entry(row) for row in rows]

    def count(self, state: FileState) -> int:
        """Result: how many unfinished files are in `state`, as on the disk."""
        with self._lock, translated(self.path):
            return int(self._db.execute("SELECT count(*) FROM files WHERE state = ?", (state,)).fetchone()[0])

    def committed(self, paths: Iterable[str]) -> dict[str, Entry]:
        """Result: those of `paths` that are committed and wait to be read back."""
        keys = [path_key(path) for path in paths]
        found: list[Entry] = []
        with self._lock, translated(self.path):
            for start in range(0, len(keys), _IDS_A_QUERY):
                part = keys[start : start + _IDS_A_QUERY]
                query = f"SELECT {_ENTRY} FROM files WHERE path IN ({','.join('?' * len(part))}) AND state = 2"  # noqa: S608 - our own names
                found += [_entry(row) for row in self._db.execute(query, part)]
        return {entry.path: entry for entry in found}

    def record(self, file_id: int, verdict: Verdict) -> None:
        """Takes what became of one file; it is on the disk after the next `flush`."""
        with self._lock:
            self._buffer.append((file_id, verdict, self._clock().timestamp()))

    def record_commits(self, commits: Sequence[Commit]) -> None:
        """Takes commits of files that have no verdict of this pass; they are on the disk after the next `flush`."""
        with self._lock:
            self._commits += commits

    def count_retry(self) -> None:
        """One request was sent again."""
        self.count_retries(1)

    def count_retries(self, number: int) -> None:
        """So many requests were sent again."""
        with self._lock:
            self._uncounted_retries += number

    @property
    def buffered(self) -> int:
        """Result: verdicts that are not on the disk yet."""
        return len(self._buffer) + len(self._commits)

    def flush(self) -> None:
        """Writes every verdict taken so far. Raises Retryable(disk-full) and keeps them."""
        with self._lock:
            if self._closed or not (self._buffer or self._commits or self._uncounted_retries):
                return
            tallies, row = self._tallies.copy(), self._next_row
            tallies.retries += self._uncounted_retries
            with self._transaction():
                self._apply_commits(tallies)
                for start in range(0, len(self._buffer), _IDS_A_QUERY):
                    row = self._apply(self._buffer[start : start + _IDS_A_QUERY], tallies, row)
                self._save(tallies, row)
            self._buffer.clear()
            self._commits.clear()
            self._uncounted_retries = 0
            self._confirm(tallies, row)

    def _apply_commits(self, tallies: Tallies) -> None:
        commits = self._commits
        if not commits:
            return
        changed = self._db.executemany(
            _COMMIT, [(mtime_ns, etag, md5, file_id, size) for file_id, size, mtime_ns, etag, md5 in commits]
        ).rowcount
        if changed != len(commits):
            raise AssertionError(f"{len(commits) - changed} files were committed that were not pending")
        tallies.move_all(Bucket.PENDING, Bucket.TRANSFERRED, len(commits), sum(commit.size_bytes for commit in commits))

    def _apply(self, verdicts: Sequence[tuple[int, Verdict, float]], tallies: Tallies, row: int) -> int:
        """Brings files from what the database says of them to their verdicts. Result: the next ledger row."""
        ids = [file_id for file_id, _, _ in verdicts]
        query = f"SELECT id, path, state, size, tries, note FROM files WHERE id IN ({','.join('?' * len(ids))})"  # noqa: S608 - question marks
        known = {found[0]: found[1:] for found in self._db.execute(query, ids)}
        changes: list[tuple[Any, ...]] = []
        rows: list[Row] = []
        for file_id, verdict, at in verdicts:
            key, old_state, old_size, tries, note = known[file_id]
            if old_state == FileState.FINAL:
                raise AssertionError(f"file {file_id} is final already")
            tries += verdict.tries
            known[file_id] = (key, verdict.state, verdict.size_bytes, tries, note)
            changes.append(_change(file_id, verdict, tries))
            old = bucket_of(FileState(old_state), Bucket.PENDING)
            tallies.move(old, old_size, bucket_of(verdict.state, verdict.bucket), verdict.size_bytes)
            if verdict.state is FileState.FINAL:
                tallies.verified_files += verdict.verification in _KNOWN_RIGHT
                rows.append(self._row(row, key, verdict, note, tries, at))
                row += 1
        self._db.executemany(_UPDATE, changes)
        insert_rows(self._db, rows)
        return row

    def _row(self, row: int, key: bytes, verdict: Verdict, note: str | None, tries: int, at: float) -> Row:
        return row_of(row, key, verdict, note=note, tries=tries, finished_at=at)

    def prove(self, page: Sequence[Listed]) -> int:
        """Committed files that are listed just as they were committed become final, verified `stored`.

        Others, and blobs made of blocks, are left as they are: somebody has to look at them one by one.

        Result: how many became final.
        """
        with self._lock:
            self.flush()
            tallies, row = self._tallies.copy(), self._next_row
            with self._transaction():
                self._db.execute(_MAKE_PROVED)
                self._db.execute("DELETE FROM proved")
                proved = self._db.executemany(_PROVE, page).rowcount if page else 0
                now = self._clock().timestamp()
                self._db.execute(_PROVED_TO_LEDGER, (row - 1, ErrorCode.NAME_COLLISION.value, now))
                self._db.execute("UPDATE files SET state = 3 WHERE id IN (SELECT id FROM proved)")
                tallies.verified_files += proved
                row += proved
                self._save(tallies, row)
            self._confirm(tallies, row)
        return proved

    def _append_rows(self, rows: Sequence[tuple[str, Verdict]]) -> Callable[[], None]:
        """Ledger rows that are no found files, within the caller's transaction. Result: to be called after it."""
        first, at = self._next_row, self._clock().timestamp()
        insert_rows(
            self._db,
            [
                self._row(number, path_key(path), verdict, None, verdict.tries, at)
                for number, (path, verdict) in enumerate(rows, start=first)
            ],
        )
        following = first + len(rows)
        self._db.execute("UPDATE attempt SET next_row = ?", (following,))

        def confirm() -> None:
            self._next_row = following

        return confirm

    def _save(self, tallies: Tallies, next_row: int) -> None:
        tallies.save(self._db)
        self._db.execute("UPDATE attempt SET next_row = ?", (next_row,))

    def _confirm(self, tallies: Tallies, next_row: int) -> None:
        """The transaction is on the disk: from now on these are the counts."""
        self._tallies, self._next_row, self._counters = tallies, next_row, tallies.counters()


def _found_row(found: Found) -> tuple[Any, ...]:
    state = found.verdict.state if found.verdict else FileState.PENDING
    return (path_key(found.path), found.size_bytes, found.mtime_ns, state, found.note)


def _change(file_id: int, verdict: Verdict, tries: int) -> tuple[Any, ...]:
    stored, code = verdict.stored, verdict.code.value if verdict.code else None
    seen = (stored.etag, stored.md5, stored.blocks) if stored else ("", "", "")
    return (verdict.size_bytes, verdict.mtime_ns, verdict.state, tries, code, *seen, file_id)


def _entry(row: tuple[Any, ...]) -> Entry:
    file_id, path, size, mtime_ns, state, tries, note, etag, md5, blocks, code = row
    stored = Stored(etag, md5, blocks or "") if etag else None
    known = ErrorCode(code) if code else None
    return Entry(file_id, path_of(path), size, mtime_ns, _STATES[state], tries, note, stored, known)


_STATES = tuple(FileState)
