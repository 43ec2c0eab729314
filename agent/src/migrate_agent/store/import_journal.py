"""One project's imports, on the disk: what Mission holds of which version, and one run's records, counters and log.

One file per project, beside the agent's journal. `record` outlives the runs: it says which version of each record
Mission has acknowledged, so that a rerun sends only what changed. Records, counters, log rows and the checkpoint of
a page always go into the same transaction, after Mission's answer: a crash at any moment neither loses nor doubles one.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from migrate_agent.store.database import open_database, transaction, translated
from migrate_agent.store.import_entries import (
    ACKNOWLEDGED,
    OVER,
    Checkpoint,
    Decided,
    EntityCounts,
    Fixed,
    ImportPass,
    Known,
    LogEntry,
    Record,
    RecordStatus,
)
from migrate_agent.store.import_log import insert_log, read_flags, read_log
from migrate_agent.store.import_schema import IMPORT_SCHEMA, IMPORT_SCHEMA_VERSION
from migrate_contract.rockrms import Entity, EntityProgress, ImportLogRow, LogKind, QualityFinding

_ENTITIES = tuple(Entity)
_NUMBER = {entity: number for number, entity in enumerate(_ENTITIES)}
_STATUS = {status.value: status for status in RecordStatus}
_UPSERT = (
    "INSERT INTO record (entity, source_id, run, status, held, digest, batch)"
    " SELECT ?1, value, ?2, ?3, ?4, coalesce(substr(?5, key * ?6 + 1, ?6), x''), ?7 FROM json_each(?8) WHERE true"
    " ON CONFLICT (entity, source_id) DO UPDATE SET run = excluded.run, status = excluded.status,"
    " held = max(held, excluded.held), digest = excluded.digest, batch = excluded.batch"
)
"""One statement for all records of a batch: with one a row, the interpreter's lock would change hands at every row, and
this thread would wait for those that read and map each time. The digests, all of one length, come as one value."""
_RECORD = (
    "SELECT record.source_id, record.status, record.digest, batch.key, batch.request_id, record.held"
    " FROM record LEFT JOIN batch ON batch.id = record.batch WHERE record.entity = ? AND record.run = ? "
)
_IDS_A_QUERY = 500
_HASH_PAGE = 20_000


class ImportJournal:
    """The journal of one run (`job_id`, `attempt`) within its project's file. Safe for all threads.

    Every method that writes may raise Retryable(disk-full): nothing is lost then, and the same call may be repeated.
    """

    def __init__(
        self, path: Path, job_id: str, attempt: int, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Opens or makes the file, and the run in it."""
        self.path = path
        self._clock = clock
        self._lock = threading.RLock()
        self._closed = False
        self._db = open_database(path, IMPORT_SCHEMA, IMPORT_SCHEMA_VERSION)
        with self._transaction():
            self._db.execute("INSERT OR IGNORE INTO run (job_id, attempt) VALUES (?, ?)", (job_id, attempt))
        with translated(path):
            self._run, fixed, current, self._next_row, self._shipped_row = self._db.execute(
                "SELECT id, fixed, current_pass, next_row, shipped_row FROM run WHERE job_id = ? AND attempt = ?",
                (job_id, attempt),
            ).fetchone()
            self._counts = self._load()
        self._fixed = _fixed(fixed) if fixed else None
        self._current = ImportPass(current)

    def _transaction(self) -> Any:
        return transaction(self._db, self.path)

    def _load(self) -> dict[tuple[ImportPass, Entity], EntityCounts]:
        rows = self._db.execute(
            "SELECT pass, entity, expected, counts, flagged, last_id, complete FROM tally WHERE run = ?", (self._run,)
        )
        loaded = {}
        for name, entity, expected, counts, flagged, last_id, complete in rows:
            by_status = dict.fromkeys(RecordStatus, 0) | {_STATUS[int(k)]: v for k, v in json.loads(counts).items()}
            loaded[ImportPass(name), _ENTITIES[entity]] = EntityCounts(
                expected, by_status, flagged, last_id, bool(complete)
            )
        return loaded

    @property
    def closed(self) -> bool:
        """Result: whether `close` was called."""
        return self._closed

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._db.close()

    # The run's start

    @property
    def fixed(self) -> Fixed | None:
        """Result: what `start` kept; None before the first start."""
        return self._fixed

    def start(self, fixed: Fixed) -> Fixed:
        """Result: what this run goes by: `fixed` at its first start, what was kept then at every later one.

        Another target or install than the file's: what was acknowledged there is forgotten.
        """
        with self._lock:
            if self._fixed is not None:
                return self._fixed
            with self._transaction():
                known = self._db.execute("SELECT target, install FROM project").fetchone()
                if known != (fixed.target, fixed.install):
                    self._db.execute("DELETE FROM record")
                    self._db.execute("DELETE FROM batch")
                    self._db.execute("UPDATE project SET target = ?, install = ?", (fixed.target, fixed.install))
                self._db.execute("UPDATE run SET fixed = ? WHERE id = ?", (_json(fixed), self._run))
            self._fixed = fixed
            return fixed

    def begin_pass(self, which: ImportPass) -> None:
        """From now on `which` is the pass whose counts are shown."""
        with self._lock:
            with self._transaction():
                self._db.execute("UPDATE run SET current_pass = ? WHERE id = ?", (which.value, self._run))
            self._current = which

    # For the pipeline

    def checkpoint(self, which: ImportPass, entity: Entity) -> Checkpoint:
        """Result: how far the entity is in that pass."""
        counts = self._counts.get((which, entity))
        return Checkpoint(counts.last_id, counts.complete) if counts else Checkpoint()

    def checkpoint_any(self, which: ImportPass) -> bool:
        """Result: whether any page of that pass is in the journal."""
        return any(counts.decided for (known, _), counts in self._counts.items() if known is which)

    def expect(self, which: ImportPass, entity: Entity, rows: int) -> None:
        """So many rows are in scope, as counted before reading."""
        with self._lock:
            counts = self._copy(which, entity)
            counts.expected = rows
            with self._transaction():
                self._save(which, entity, counts)
            self._counts[which, entity] = counts

    def known(self, entity: Entity, first_id: int, last_id: int) -> dict[int, Known]:
        """Result: what is known of the records from `first_id` to `last_id`, by source id."""
        query = "SELECT source_id, status, digest, held FROM record WHERE entity = ? AND source_id BETWEEN ? AND ?"
        with self._lock, translated(self.path):
            rows = self._db.execute(query, (_NUMBER[entity], first_id, last_id)).fetchall()
        return {
            source_id: Known(digest if held and status in ACKNOWLEDGED else None, bool(held))
            for source_id, status, digest, held in rows
        }

    def commit(
        self,
        which: ImportPass,
        entity: Entity,
        decided: Sequence[Decided],
        log: Sequence[LogEntry] = (),
        *,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        """Writes what became of records, with counters, log rows and checkpoint; on the disk when it returns.

        A record that this run has decided before moves from its former status to the new one (it is counted once).
        """
        with self._lock:
            counts = self._copy(which, entity)
            if checkpoint is not None:
                counts.last_id, counts.complete = checkpoint
            with self._transaction():
                if which is ImportPass.IMPORT:
                    self._write(entity, decided, counts)
                else:
                    for status, records in Counter([record[1] for record in decided]).items():
                        counts.by_status[status] += records
                next_row, flagged = insert_log(
                    self._db, self._run, _NUMBER[entity], log, self._next_row, self._clock().timestamp()
                )
                counts.flagged += self._flagged(which, entity, log, flagged) if checkpoint else flagged
                self._save(which, entity, counts)
                if next_row != self._next_row:
                    self._db.execute("UPDATE run SET next_row = ? WHERE id = ?", (next_row, self._run))
            self._counts[which, entity] = counts
            self._next_row = next_row

    def _flagged(self, which: ImportPass, entity: Entity, log: Sequence[LogEntry], flagged: int) -> int:
        """Result: how many more records are flagged. What the dry run logged counts in the import's pass too."""
        dry = self._counts.get((ImportPass.DRY_RUN, entity))
        if which is ImportPass.DRY_RUN or dry is None or not dry.flagged:
            return flagged
        return len({entry.source_id for entry in log if entry.kind is LogKind.FLAGGED})

    def _write(self, entity: Entity, decided: Sequence[Decided], counts: EntityCounts) -> None:
        if not decided:
            return
        number, run = _NUMBER[entity], self._run
        before = self._decided_before(number, [record.source_id for record in decided])
        if before:
            decided = [
                d._replace(status=_together(before[d.source_id], d.status)) if d.source_id in before else d
                for d in decided
            ]
        for status, records in Counter(before[d[0]] for d in decided if d[0] in before).items():
            counts.by_status[status] -= records
        batches: dict[str, int] = {"": 0}
        for (status, key, request), group in _grouped(decided).items():
            if key not in batches:
                batches[key] = self._batch(key, request)
            counts.by_status[status] += len(group)
            ids = f"[{','.join([str(record[0]) for record in group])}]"
            digests = b"".join([record[2] for record in group])
            held = status <= RecordStatus.UNCHANGED
            self._db.execute(
                _UPSERT, (number, run, status, held, digests, len(digests) // len(group), batches[key], ids)
            )

    def _batch(self, key: str, request_id: str) -> int:
        made = self._db.execute("INSERT INTO batch (key, request_id) VALUES (?, ?)", (key, request_id))
        return int(made.lastrowid or 0)

    def _decided_before(self, number: int, ids: Sequence[int]) -> dict[int, RecordStatus]:
        """Result: those that this run has decided already, with their status."""
        rows = self._db.execute(
            "SELECT source_id, status FROM record WHERE entity = ? AND source_id BETWEEN ? AND ? AND run = ?",
            (number, min(ids), max(ids), self._run),
        )
        return {source_id: _STATUS[status] for source_id, status in rows}

    def unseen(self, entity: Entity, after_id: int, limit: int) -> list[int]:
        """Result: records that Mission holds from earlier runs and that this run has not met, by source id."""
        query = (
            "SELECT source_id FROM record WHERE entity = ? AND source_id > ? AND run <> ? AND held = 1"
            " ORDER BY source_id LIMIT ?"
        )
        with self._lock, translated(self.path):
            return [row[0] for row in self._db.execute(query, (_NUMBER[entity], after_id, self._run, limit))]

    def forget(self, entity: Entity, source_ids: Sequence[int]) -> None:
        """Mission does not hold these as they were sent (voided, lost, changed): a later run sends them again."""
        with self._lock, self._transaction():
            self._db.executemany(
                "UPDATE record SET held = 0 WHERE entity = ? AND source_id = ?",
                [(_NUMBER[entity], source_id) for source_id in source_ids],
            )

    # For the reconciliation and the reports

    def counts(self, which: ImportPass | None = None) -> dict[Entity, EntityCounts]:
        """Result: the counts as on the disk, by entity, of that pass or of the current one; cheap."""
        wanted = which or self._current
        return {entity: self._counts[wanted, entity] for entity in _ENTITIES if (wanted, entity) in self._counts}

    def progress(self) -> list[EntityProgress]:
        """Result: the current pass's counts, in the order of import."""
        return [counts.progress(entity) for entity, counts in self.counts().items()]

    def records(self, entity: Entity, after_id: int, limit: int, status: RecordStatus | None = None) -> list[Record]:
        """Result: this run's records of an entity after `after_id`, by source id; of one status, where named."""
        narrowed = "AND record.status = ? " if status is not None else ""
        query = f"{_RECORD}AND record.source_id > ? {narrowed}ORDER BY record.source_id LIMIT ?"
        values = (_NUMBER[entity], self._run, after_id, *((status,) if status is not None else ()), limit)
        with self._lock, translated(self.path):
            return [_record(row) for row in self._db.execute(query, values)]

    def seen(self, entity: Entity, after_id: int, limit: int) -> list[int]:
        """Result: the source ids after `after_id` that this run has decided on, in order."""
        query = "SELECT source_id FROM record WHERE entity = ? AND source_id > ? AND run = ? ORDER BY source_id LIMIT ?"
        with self._lock, translated(self.path):
            return [row[0] for row in self._db.execute(query, (_NUMBER[entity], after_id, self._run, limit))]

    def find(self, entity: Entity, source_ids: Iterable[int]) -> dict[int, Record]:
        """Result: these records, where the run has decided on them."""
        wanted, found = list(source_ids), {}
        with self._lock, translated(self.path):
            for start in range(0, len(wanted), _IDS_A_QUERY):
                part = wanted[start : start + _IDS_A_QUERY]
                query = f"{_RECORD}AND record.source_id IN ({','.join('?' * len(part))})"
                for row in self._db.execute(query, (_NUMBER[entity], self._run, *part)):
                    found[row[0]] = _record(row)
        return found

    def reasons(self, entity: Entity, status: RecordStatus) -> Iterator[tuple[int, str]]:
        """Yields (source id, code) of the records that this run has skipped or that were refused.

        In a dry run no record is kept: what it skipped is read from the log.
        """
        kind = LogKind.ERRORED if status is RecordStatus.ERRORED else LogKind.SKIPPED
        recorded = (
            "JOIN record ON record.entity = log.entity AND record.source_id = log.source_id AND record.run = log.run"
            f" AND record.status = {status.value} "
        )
        query = (
            f"SELECT log.source_id, max(log.code) FROM log {recorded if self._current is ImportPass.IMPORT else ''}"  # noqa: S608 - our own names
            "WHERE log.run = ? AND log.entity = ? AND log.kind = ? AND log.source_id > ?"
            " GROUP BY log.source_id ORDER BY log.source_id LIMIT ?"
        )
        after = -1
        while True:
            with self._lock, translated(self.path):
                page = self._db.execute(query, (self._run, _NUMBER[entity], kind.value, after, _IDS_A_QUERY)).fetchall()
            if not page:
                return
            yield from page
            after = page[-1][0]

    def flagged(self) -> list[QualityFinding]:
        """Result: what was flagged in this run, by entity and code, most first, each with its first records."""
        with self._lock, translated(self.path):
            return read_flags(self._db, self._run, _ENTITIES)

    def keep(self, name: str, text: str) -> None:
        """Keeps one named JSON document of the run."""
        with self._lock, self._transaction():
            self._db.execute("INSERT OR REPLACE INTO document VALUES (?, ?, ?)", (self._run, name, text))

    def kept(self, name: str) -> str | None:
        """Result: the document, None where it was not kept."""
        with self._lock, translated(self.path):
            row = self._db.execute("SELECT json FROM document WHERE run = ? AND name = ?", (self._run, name)).fetchone()
        return str(row[0]) if row else None

    def ledger_sha256(self) -> str:
        """Result: hash over a line `entity,source id,status,digest` for every record of the run, in that order."""
        hashed = hashlib.sha256()
        for entity, number in _NUMBER.items():
            after = -1
            query = (
                "SELECT source_id, ? || source_id || CASE status WHEN 1 THEN ',imported,' WHEN 2 THEN ',updated,'"
                " WHEN 3 THEN ',unchanged,' WHEN 4 THEN ',skipped,' ELSE ',errored,' END || lower(hex(digest))"
                " || char(10) FROM record WHERE entity = ? AND source_id > ? AND run = ? ORDER BY source_id LIMIT ?"
            )
            while True:
                with self._lock, translated(self.path):
                    page = self._db.execute(
                        query, (f"{entity.value},", number, after, self._run, _HASH_PAGE)
                    ).fetchall()
                if not page:
                    break
                hashed.update("".join([line for _, line in page]).encode())
                after = page[-1][0]
        return hashed.hexdigest()

    # For shipping

    @property
    def last_row(self) -> int:
        """Result: the last log row on the disk; 0 at first. Rows are numbered from 1, without gaps."""
        return int(self._next_row) - 1

    @property
    def shipped_row(self) -> int:
        """Result: the last log row that the control plane has confirmed; 0 at first."""
        return int(self._shipped_row)

    def log_rows(self, first: int, limit: int, kinds: Sequence[LogKind] = ()) -> list[ImportLogRow]:
        """Result: log rows from `first` on, in order, at most `limit`; of these kinds, or of all."""
        with self._lock, translated(self.path):
            return read_log(self._db, self._run, _ENTITIES, first, limit, kinds)

    def mark_shipped(self, row: int) -> None:
        """The control plane holds every log row up to `row`; may go back, if it asks for rows again."""
        with self._lock:
            with self._transaction():
                self._db.execute("UPDATE run SET shipped_row = ? WHERE id = ?", (row, self._run))
            self._shipped_row = row

    def _copy(self, which: ImportPass, entity: Entity) -> EntityCounts:
        known = self._counts.get((which, entity))
        return known.copy() if known else EntityCounts()

    def _save(self, which: ImportPass, entity: Entity, counts: EntityCounts) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO tally (run, pass, entity, expected, counts, flagged, last_id, complete)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self._run,
                which.value,
                _NUMBER[entity],
                counts.expected,
                json.dumps({status.value: number for status, number in counts.by_status.items() if number}),
                counts.flagged,
                counts.last_id,
                counts.complete,
            ),
        )


def _together(was: RecordStatus, now: RecordStatus) -> RecordStatus:
    """Result: what a record that this run sent twice has come to: a new one stays `imported`."""
    if was in ACKNOWLEDGED and now in ACKNOWLEDGED:
        return min(was, now)
    return now


def _grouped(decided: Sequence[Decided]) -> dict[tuple[RecordStatus, str, str], list[Decided]]:
    """Result: the records by what became of them and their batch."""
    groups: dict[tuple[RecordStatus, str, str], list[Decided]] = {}
    for record in decided:
        name = (record[1], record[3], record[4])
        group = groups.get(name)
        if group is None:
            groups[name] = [record]
        else:
            group.append(record)
    return groups


class Newest(NamedTuple):
    """The last run of a job in a file: whether everything of it is done, and the settings it goes by."""

    attempt: int
    over: bool
    settings: str | None


def newest_run(path: Path, job_id: str) -> Newest | None:
    """Result: it, None where the job has none."""
    db = open_database(path, IMPORT_SCHEMA, IMPORT_SCHEMA_VERSION)
    try:
        found = db.execute(
            "SELECT attempt, fixed, EXISTS (SELECT 1 FROM document WHERE run = run.id AND name = ?) FROM run"
            " WHERE job_id = ? ORDER BY attempt DESC LIMIT 1",
            (OVER, job_id),
        ).fetchone()
    finally:
        db.close()
    if found is None:
        return None
    attempt, fixed, over = found
    return Newest(attempt, bool(over), _fixed(fixed).settings if fixed else None)


def drop_run(path: Path, job_id: str, attempt: int) -> None:
    """Forgets a run's log, counters and documents; what Mission holds stays known to later runs."""
    db = open_database(path, IMPORT_SCHEMA, IMPORT_SCHEMA_VERSION)
    try:
        with transaction(db, path):
            found = db.execute("SELECT id FROM run WHERE job_id = ? AND attempt = ?", (job_id, attempt)).fetchone()
            for table in ("tally", "log", "document") if found else ():
                db.execute(f"DELETE FROM {table} WHERE run = ?", found)  # noqa: S608 - our own names
            db.execute("DELETE FROM run WHERE job_id = ? AND attempt = ?", (job_id, attempt))
    finally:
        db.close()


def _record(row: sqlite3.Row | tuple[Any, ...]) -> Record:
    source_id, status, digest, key, request_id, held = row
    return Record(source_id, _STATUS[status], digest, key or "", request_id or "", bool(held))


def _json(fixed: Fixed) -> str:
    return json.dumps(dataclasses.asdict(fixed))


def _fixed(text: str) -> Fixed:
    values = json.loads(text)
    for name in ("high_water", "marks"):
        values[name] = {Entity(entity): mark for entity, mark in values[name].items()}
    return Fixed(**values)
