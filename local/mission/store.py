"""What Mission holds: records, funds, integration keys and answered batches, in one SQLite file (or in memory).

A record is kept as it came, beside the few fields by which it is found and added up. Money is kept in cents.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson

_SCHEMA = """
CREATE TABLE IF NOT EXISTS record (
    row INTEGER PRIMARY KEY, entity TEXT NOT NULL, external_id TEXT NOT NULL, install TEXT NOT NULL,
    body TEXT NOT NULL, digest BLOB NOT NULL, cents INTEGER NOT NULL DEFAULT 0, voided INTEGER NOT NULL DEFAULT 0,
    batch_key TEXT, updated_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS record_id ON record (entity, external_id);
CREATE TABLE IF NOT EXISTS fund (external_id TEXT PRIMARY KEY, name TEXT NOT NULL, parent TEXT, is_active INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS batch (key TEXT PRIMARY KEY, digest BLOB NOT NULL, answer BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS integration_key (key TEXT PRIMARY KEY, may_read INTEGER NOT NULL DEFAULT 1);
"""  # noqa: E501 - one table a line
_TABLES = ("record", "fund", "batch", "integration_key")
DIMENSIONS = {
    "fund": "json_extract(body, '$.fund_external_id')",
    "class": "json_extract(body, '$.class')",
    "batch": "json_extract(body, '$.batch.external_id')",
    "payment_method": "json_extract(body, '$.payment_method')",
    "campus": "json_extract(body, '$.campus.external_id')",
    "giving_unit": "json_extract(body, '$.giving_unit')",
    "person": "json_extract(body, '$.external_person_id')",
    "transaction_type": "json_extract(body, '$.transaction_type')",
    "group": "json_extract(body, '$.group_external_id')",
}
"""By what records are added up, as SQL; `date` and `year` differ by entity."""
_DATES = {"contributions": "$.gift_date", "attendance": "$.date"}
_MEASURES = {
    "people": {
        "phones": "SUM(json_array_length(body, '$.phones'))",
        "emails": "SUM(json_extract(body, '$.email') IS NOT NULL)",
        "birth_dates": "SUM(json_extract(body, '$.birth_date') IS NOT NULL)",
    },
    "families": {
        "members": "SUM(json_array_length(body, '$.members'))",
        "addresses": "SUM(json_extract(body, '$.address') IS NOT NULL)",
    },
    "groups": {"members": "SUM(json_array_length(body, '$.members'))"},
}
ENTITIES = ("people", "families", "groups", "contributions", "attendance", "prayer-requests")


class Held(NamedTuple):
    """One copy of a record."""

    row: int
    body: str
    digest: bytes
    voided: bool
    batch_key: str | None
    updated_at: str


def canonical_digest(record: dict[str, Any]) -> bytes:
    """Result: equal for records of equal content, whatever the order of their keys."""
    return hashlib.blake2b(orjson.dumps(record, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()


def cents_of(record: dict[str, Any]) -> int:
    """Result: the amount of a contribution in cents; 0 for another record."""
    amount = record.get("amount")
    return int(str(amount).replace(".", "")) if amount is not None else 0


class MissionStore:
    """One connection. Its callers take turns."""

    def __init__(self, file: Path | None = None) -> None:
        """`file` None: in memory, gone with the process."""
        self._database = sqlite3.connect(file or ":memory:", check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        # A power cut may cost the last batches of a test server; nobody minds.
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.executescript(_SCHEMA)
        self._snapshot: sqlite3.Connection | None = None

    def close(self) -> None:
        """Ends the connection."""
        self._database.close()

    def begin(self) -> None:
        """What follows is kept whole or not at all, at `commit`."""
        self._database.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Keep it."""
        self._database.execute("COMMIT")

    def roll_back(self) -> None:
        """Forget it."""
        self._database.execute("ROLLBACK")

    # Keys

    def keys(self) -> dict[str, bool]:
        """Result: each valid integration key, and whether it may read."""
        return {key: bool(may) for key, may in self._database.execute("SELECT key, may_read FROM integration_key")}

    def set_keys(self, keys: dict[str, bool]) -> None:
        """These are valid from now on, no others."""
        self._database.execute("DELETE FROM integration_key")
        self._database.executemany("INSERT INTO integration_key VALUES (?, ?)", list(keys.items()))

    # Records

    def held(self, entity: str, external_ids: Sequence[str]) -> dict[str, list[Held]]:
        """Result: every copy, voided ones too, by external id."""
        found: dict[str, list[Held]] = {}
        marks = ",".join("?" * len(external_ids))
        rows = self._database.execute(
            f"SELECT external_id, row, body, digest, voided, batch_key, updated_at FROM record "  # noqa: S608
            f"WHERE entity = ? AND external_id IN ({marks}) ORDER BY row",
            (entity, *external_ids),
        )
        for external_id, *values in rows:
            found.setdefault(external_id, []).append(Held(*values))
        return found

    def known(self, entity: str, external_ids: Iterable[str]) -> set[str]:
        """Result: those that there are."""
        asked = list(set(external_ids))
        found: set[str] = set()
        for start in range(0, len(asked), 500):
            part = asked[start : start + 500]
            marks = ",".join("?" * len(part))
            sql = f"SELECT external_id FROM record WHERE entity = ? AND voided = 0 AND external_id IN ({marks})"  # noqa: S608
            found.update(each for (each,) in self._database.execute(sql, (entity, *part)))
        return found

    def add(self, entity: str, record: dict[str, Any], batch_key: str | None) -> None:
        """One copy more."""
        external_id = str(record["external_id"])
        parts = external_id.split(":")
        self._database.execute(
            "INSERT INTO record (entity, external_id, install, body, digest, cents, batch_key, updated_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                entity,
                external_id,
                parts[1] if len(parts) == 4 else "",
                orjson.dumps(record).decode(),
                canonical_digest(record),
                cents_of(record),
                batch_key,
                _now(),
            ),
        )

    def replace(self, row: int, record: dict[str, Any], batch_key: str | None) -> None:
        """Another content of one copy; a voided one is valid again."""
        self._database.execute(
            "UPDATE record SET body = ?, digest = ?, cents = ?, batch_key = ?, updated_at = ?, voided = 0 "
            "WHERE row = ?",
            (orjson.dumps(record).decode(), canonical_digest(record), cents_of(record), batch_key, _now(), row),
        )

    def void(self, external_id: str) -> int:
        """Result: how many copies of a contribution are voided by this."""
        sql = "UPDATE record SET voided = 1 WHERE entity = 'contributions' AND external_id = ? AND voided = 0"
        return self._database.execute(sql, (external_id,)).rowcount

    def remove(self, entity: str, external_id: str, *, copies: int) -> int:
        """Result: how many of at most `copies` copies are gone, the newest first."""
        sql = (
            "DELETE FROM record WHERE row IN "
            "(SELECT row FROM record WHERE entity = ? AND external_id = ? ORDER BY row DESC LIMIT ?)"
        )
        return self._database.execute(sql, (entity, external_id, copies)).rowcount

    def page_of_ids(self, entity: str, install: str, after: str, limit: int) -> list[str]:
        """Result: ids in order, each as often as it is held; all copies of one id are on one page."""
        sql = (
            "SELECT external_id FROM record WHERE entity = ? AND install = ? AND external_id > ? AND voided = 0 "
            "ORDER BY external_id LIMIT ?"
        )
        found = [each for (each,) in self._database.execute(sql, (entity, install, after, limit))]
        if len(found) == limit:
            copies = "SELECT COUNT(*) FROM record WHERE entity = ? AND external_id = ? AND voided = 0"
            (whole,) = self._database.execute(copies, (entity, found[-1])).fetchone()
            found += [found[-1]] * (whole - found.count(found[-1]))
        return found

    def counts(self, install: str) -> dict[str, dict[str, int]]:
        """Result: per entity its measures."""
        found: dict[str, dict[str, int]] = {}
        for entity in ENTITIES:
            measures = _MEASURES.get(entity, {})
            columns = ", ".join(["COUNT(*)", *measures.values()])
            sql = f"SELECT {columns} FROM record WHERE entity = ? AND install = ? AND voided = 0"  # noqa: S608
            values = self._database.execute(sql, (entity, install)).fetchone()
            (everybody,) = self._database.execute(
                "SELECT COUNT(*) FROM record WHERE entity = ? AND voided = 0", (entity,)
            ).fetchone()
            named = zip(("records", *measures), values, strict=True)
            found[entity] = {**{name: int(value or 0) for name, value in named}, "all_records": everybody}
        return found

    def totals(
        self,
        entity: str,
        install: str,
        by: Sequence[str],
        date_from: str | None,
        date_to: str | None,
        page: tuple[int, int],
    ) -> list[tuple[list[str | None], int, int]]:
        """Result: (key, number, cents), ordered by key. `page`: how many to pass over, how many at most."""
        date = f"json_extract(body, '{_DATES[entity]}')"
        known = {**DIMENSIONS, "date": date, "year": f"substr({date}, 1, 4)"}
        keys = [known[name] for name in by]
        numbers = ", ".join(str(at + 1) for at in range(len(keys)))
        where, values = "entity = ? AND install = ? AND voided = 0", [entity, install]
        for bound, sign in ((date_from, ">="), (date_to, "<=")):
            if bound is not None:
                where, values = f"{where} AND {date} {sign} ?", [*values, bound]
        grouping = f"GROUP BY {numbers} ORDER BY {numbers}" if keys else ""
        sql = (
            f"SELECT {', '.join([*keys, 'COUNT(*)', 'SUM(cents)'])} FROM record "  # noqa: S608 - names from a list of ours
            f"WHERE {where} {grouping} LIMIT ? OFFSET ?"
        )
        rows = self._database.execute(sql, (*values, page[1], page[0]))
        return [(list(row[: len(keys)]), row[-2], row[-1] or 0) for row in rows]

    # Funds and batches

    def funds(self) -> list[dict[str, Any]]:
        """Result: every fund."""
        rows = self._database.execute("SELECT external_id, name, parent, is_active FROM fund ORDER BY rowid")
        return [
            {"external_id": external_id, "name": name, "parent": parent, "is_active": bool(active)}
            for external_id, name, parent, active in rows
        ]

    def put_fund(self, fund: dict[str, Any]) -> str:
        """Result: created, updated or unchanged."""
        known = {each["external_id"]: each for each in self.funds()}.get(fund["external_id"])
        if known == fund:
            return "unchanged"
        self._database.execute(
            "INSERT INTO fund VALUES (?, ?, ?, ?) ON CONFLICT (external_id) DO UPDATE "
            "SET name = excluded.name, parent = excluded.parent, is_active = excluded.is_active",
            (fund["external_id"], fund["name"], fund["parent"], fund["is_active"]),
        )
        return "created" if known is None else "updated"

    def answered(self, key: str) -> tuple[bytes, bytes] | None:
        """Result: digest and answer of the batch with this key, None if there was none."""
        found: tuple[bytes, bytes] | None = self._database.execute(
            "SELECT digest, answer FROM batch WHERE key = ?", (key,)
        ).fetchone()
        return found

    def remember(self, key: str, digest: bytes, answer: bytes) -> None:
        """The same key is answered the same from now on."""
        self._database.execute("INSERT INTO batch VALUES (?, ?, ?)", (key, digest, answer))

    # For tests

    def sql(self, statement: str, values: Sequence[Any] = ()) -> list[list[Any]]:
        """Result: the rows of any statement."""
        return [list(row) for row in self._database.execute(statement, values)]

    def snapshot(self) -> None:
        """Keeps a copy of everything, for `restore`."""
        self._snapshot = sqlite3.connect(":memory:", check_same_thread=False)
        self._database.backup(self._snapshot)

    def restore(self) -> None:
        """Everything is again as at the snapshot."""
        if self._snapshot is None:
            raise ValueError("there is no snapshot")
        self._snapshot.backup(self._database)

    def clear(self) -> None:
        """Holds nothing but its keys."""
        for table in _TABLES[:3]:
            self._database.execute(f"DELETE FROM {table}")  # noqa: S608 - names of ours


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
