"""The import journal's log: rows of records that were skipped, flagged or errored, numbered for shipping."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from migrate_agent.store.import_entries import LogEntry
from migrate_contract.errors import CATALOGUE, ErrorCode
from migrate_contract.rockrms import MAX_ANSWER_CHARACTERS, Entity, ImportLogRow, LogKind, QualityFinding

_CODES = frozenset(code.value for code in ErrorCode)
_SENTENCE = 2000
_LABEL = 256
_INSERT = (
    "INSERT OR IGNORE INTO log (run, row, kind, entity, source_id, code, source_table, external_id, detail, fix,"
    " request_id, answer, batch_key, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_COLUMNS = (
    "SELECT row, kind, entity, source_table, source_id, external_id, code, detail, fix, request_id, answer, batch_key,"
    " at FROM log "
)
_SELECT = f"{_COLUMNS}WHERE run = ? AND row >= ? "


def insert_log(
    db: sqlite3.Connection, run: int, entity: int, entries: Sequence[LogEntry], next_row: int, at: float
) -> tuple[int, int]:
    """Result: the next free row, and how many records of `entries` were flagged for the first time in this run."""
    flagged: set[int] = set()
    for entry in entries:
        first_flag = (
            entry.kind is LogKind.FLAGGED
            and entry.source_id not in flagged
            and not _has_flag(db, run, entity, entry.source_id)
        )
        added = db.execute(
            _INSERT,
            (
                run,
                next_row,
                entry.kind.value,
                entity,
                entry.source_id,
                entry.code,
                entry.source_table,
                entry.external_id[:_LABEL],
                entry.detail[:_SENTENCE],
                entry.fix[:_SENTENCE],
                entry.request_id,
                entry.answer[:MAX_ANSWER_CHARACTERS] if entry.answer else None,
                entry.batch_key,
                at,
            ),
        ).rowcount
        next_row += added
        if added and first_flag:
            flagged.add(entry.source_id)
    return next_row, len(flagged)


def _has_flag(db: sqlite3.Connection, run: int, entity: int, source_id: int) -> bool:
    query = "SELECT 1 FROM log WHERE run = ? AND entity = ? AND source_id = ? AND kind = 'flagged' LIMIT 1"
    return db.execute(query, (run, entity, source_id)).fetchone() is not None


def read_log(
    db: sqlite3.Connection, run: int, entities: Sequence[Entity], first: int, limit: int, kinds: Sequence[LogKind]
) -> list[ImportLogRow]:
    """Result: rows from `first` on, at most `limit`, of these kinds (none named: of all)."""
    marks = ",".join("?" * len(kinds))
    narrowed = f"AND kind IN ({marks}) " if kinds else ""
    query = f"{_SELECT}{narrowed}ORDER BY row LIMIT ?"
    return _rows(db.execute(query, (run, first, *(kind.value for kind in kinds), limit)), entities)


def read_log_of(db: sqlite3.Connection, entities: Sequence[Entity], entity: int, source_id: int) -> list[ImportLogRow]:
    """Result: the rows of one record, of all runs, the newest run's first."""
    query = f"{_COLUMNS}WHERE entity = ? AND source_id = ? ORDER BY run DESC, row"
    return _rows(db.execute(query, (entity, source_id)), entities)


def _rows(found: Iterable[tuple[Any, ...]], entities: Sequence[Entity]) -> list[ImportLogRow]:
    return [
        ImportLogRow(
            row=row,
            kind=LogKind(kind),
            entity=entities[entity],
            source_table=table,
            source_id=source_id,
            external_id=external_id or None,
            code=code,
            detail=detail,
            fix=fix,
            request_id=request_id,
            answer=answer,
            batch_key=batch_key,
            at=datetime.fromtimestamp(at, UTC),
        )
        for row, kind, entity, table, source_id, external_id, code, detail, fix, request_id, answer, batch_key, at in (
            found
        )
    ]


def read_flags(db: sqlite3.Connection, run: int, entities: Sequence[Entity]) -> list[QualityFinding]:
    """Result: how many records were flagged for what, with the first of them."""
    kinds = db.execute(
        "SELECT entity, code, count(*) FROM log WHERE run = ? AND kind = 'flagged' GROUP BY entity, code"
        " ORDER BY 3 DESC LIMIT 100",
        (run,),
    ).fetchall()
    first = (
        "SELECT external_id || ': ' || detail FROM log WHERE run = ? AND kind = 'flagged' AND entity = ? AND code = ?"
        " ORDER BY row LIMIT 20"
    )
    return [
        QualityFinding(
            code=code,
            label=CATALOGUE[ErrorCode(code)].title if code in _CODES else code,
            entity=entities[entity],
            count=count,
            examples=[text[:400] for (text,) in db.execute(first, (run, entity, code))],
        )
        for entity, code, count in kinds
    ]
