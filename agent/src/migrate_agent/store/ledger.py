"""Rows of the ledger as they lie in the journal, and as they go over the wire."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from migrate_agent.store.entries import Verdict
from migrate_agent.store.notes import unpacked
from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import AccessTier, Bucket, FileFault, LedgerRow, Verification

_LONGEST_PATH = 8192
_LONGEST_SHOWN = 4096
_LONGEST_DETAIL = 2000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_INSERT = (
    "INSERT INTO ledger (row, path, bucket, size, mtime_ns, md5, verification, code, detail, tries, finished_at,"
    " access_tier, safe_to_delete) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_SELECT = (
    "SELECT row, path, bucket, size, mtime_ns, md5, verification, code, detail, tries, finished_at, access_tier,"
    " safe_to_delete FROM ledger WHERE row >= ? ORDER BY row LIMIT ?"
)
_SELECT_OF = (
    "SELECT row, path, bucket, size, mtime_ns, md5, verification, code, detail, tries, finished_at, access_tier,"
    " safe_to_delete FROM ledger WHERE row >= ? AND bucket IN ({}) ORDER BY row LIMIT ?"
)
_SELECT_REMARKS = (
    "SELECT row, path, bucket, size, code, detail FROM ledger WHERE row >= ? AND code IS NOT NULL ORDER BY row LIMIT ?"
)
_SELECT_FAILED = "SELECT path, code, detail FROM ledger WHERE bucket = 'failed' ORDER BY row DESC LIMIT ?"


Row = tuple[
    int, str, str, int, int | None, str | None, str | None, str | None, str | None, int, float, str | None, bool
]
"""One row in the order of the columns."""


class Remark(NamedTuple):
    """A row of which there is something to say, in short."""

    row: int
    path: str
    bucket: str
    size_bytes: int
    code: str
    detail: str | None


def row_of(row: int, key: bytes, verdict: Verdict, *, note: str | None, tries: int, finished_at: float) -> Row:
    """Result: one row; `note` (store/notes.py) stands beside the outcome, and gives the code where it has none."""
    code, detail = verdict.code, verdict.detail
    if note:
        note_code, sentences = unpacked(note)
        code = code or note_code
        detail = f"{detail}; {sentences}" if detail else sentences
    return (
        row,
        _cut(key.decode("utf-8", "backslashreplace"), _LONGEST_PATH),
        verdict.bucket.value,
        verdict.size_bytes,
        verdict.mtime_ns,
        verdict.md5 or (verdict.stored.md5 if verdict.stored else None),
        verdict.verification.value if verdict.verification else None,
        code.value if code else None,
        _cut(detail, _LONGEST_DETAIL) if detail else None,
        tries,
        finished_at,
        verdict.access_tier.value if verdict.access_tier else None,
        verdict.safe_to_delete,
    )


def insert_rows(db: sqlite3.Connection, rows: list[Row]) -> None:
    """Writes them; part of the caller's transaction."""
    if rows:
        db.executemany(_INSERT, rows)


def read_rows(
    db: sqlite3.Connection, first: int, limit: int, buckets: Collection[Bucket] | None = None
) -> list[LedgerRow]:
    """Result: rows from `first` on, in order, at most `limit`; only those in `buckets`, if given."""
    query, chosen = _SELECT, [bucket.value for bucket in buckets or ()]
    if buckets is not None:
        query = _SELECT_OF.format(",".join("?" * len(chosen)))
    return [
        LedgerRow(
            row=row,
            path=path,
            bucket=Bucket(bucket),
            size_bytes=size,
            mtime=moment(mtime_ns),
            md5=md5,
            verification=Verification(verification) if verification else None,
            code=code,
            detail=detail,
            tries=tries,
            finished_at=_EPOCH + timedelta(seconds=finished_at),
            access_tier=AccessTier(tier) if tier else None,
            safe_to_delete=bool(safe),
        )
        for row, path, bucket, size, mtime_ns, md5, verification, code, detail, tries, finished_at, tier, safe in (
            db.execute(query, (first, *chosen, limit))
        )
    ]


def read_remarks(db: sqlite3.Connection, first: int, limit: int) -> list[Remark]:
    """Result: rows with a code from `first` on, in order, at most `limit`."""
    return [Remark(*row) for row in db.execute(_SELECT_REMARKS, (first, limit))]


def read_lines(db: sqlite3.Connection, first: int, limit: int) -> list[str]:
    """Result: rows as JSON lines, as `LedgerRow.model_dump_json` would write them, at a tenth of the cost."""
    return [
        f'{{"row":{row},"path":{_quoted(path)},"bucket":"{bucket}","size_bytes":{size},"mtime":{_iso(mtime_ns)},'
        f'"md5":{_plain(md5)},"verification":{_plain(verification)},"code":{_plain(code)},'
        f'"detail":{"null" if detail is None else _quoted(detail)},"tries":{tries},'
        f'"finished_at":{_iso(int(finished_at * 1_000_000) * 1000)},"access_tier":{_plain(tier)},'
        f'"safe_to_delete":{"true" if safe else "false"}}}\n'
        for row, path, bucket, size, mtime_ns, md5, verification, code, detail, tries, finished_at, tier, safe in (
            db.execute(_SELECT, (first, limit))
        )
    ]


_quoted = json.JSONEncoder(ensure_ascii=False).encode
_NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC by what it is used for


def _plain(value: str | None) -> str:
    """Hashes, levels and codes hold nothing to be escaped."""
    return "null" if value is None else f'"{value}"'


@lru_cache(maxsize=512)
def _iso(nanoseconds: int | None) -> str:
    if nanoseconds is None:
        return "null"
    try:
        return f'"{(_NAIVE_EPOCH + timedelta(microseconds=nanoseconds // 1000)).isoformat()}Z"'
    except OverflowError:
        return "null"


def read_failed_paths(db: sqlite3.Connection, after: int, limit: int) -> list[tuple[int, str]]:
    """Result: row and path of failed files after row `after`, in order, at most `limit`."""
    return db.execute(
        "SELECT row, path FROM ledger WHERE bucket = 'failed' AND row > ? ORDER BY row LIMIT ?", (after, limit)
    ).fetchall()


def read_faults(db: sqlite3.Connection, limit: int) -> list[FileFault]:
    """Result: the newest failed files, newest first."""
    return [
        FileFault(path=_cut(path, _LONGEST_SHOWN), code=code or ErrorCode.INTERNAL.value, detail=detail or "")
        for path, code, detail in db.execute(_SELECT_FAILED, (limit,))
    ]


def moment(mtime_ns: int | None) -> datetime | None:
    """Result: a file's time for people, to the microsecond; None where the calendar does not reach."""
    if mtime_ns is None:
        return None
    try:
        return _EPOCH + timedelta(microseconds=mtime_ns // 1000)
    except OverflowError:
        return None


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
