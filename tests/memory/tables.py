"""The Tables port in memory, as strict as the service: key characters, sizes, etags, entity group transactions."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from functions.domain.ports import (
    Condition,
    Operation,
    PageTokenRefused,
    Row,
    RowChanged,
    RowExists,
    RowMissing,
    RowPage,
    Value,
    Write,
)

_BAD_KEY = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f]")
_MAX_TEXT_UNITS = 32 * 1024
_MAX_ROW_BYTES = 1024 * 1024
type _Table = dict[tuple[str, str], Row]


class MemoryTables:
    """Rows in dictionaries. `calls` is a list of what was asked, e.g. ("merge", "agents", "beat")."""

    def __init__(self) -> None:
        self._tables: dict[str, _Table] = {}
        self._lock = threading.RLock()
        self._version = 0
        self.calls: list[tuple[str, str, str]] = []
        self.before_write: Callable[[str, str, str], None] | None = None
        """Called before each write with its table, pk and rk: tests let somebody else write first, or raise."""

    def get(self, table: str, pk: str, rk: str) -> Row | None:
        self.calls.append(("get", table, rk))
        with self._lock:
            return self._table(table).get((pk, rk))

    def partition(self, table: str, pk: str, *, prefix: str = "") -> list[Row]:
        self.calls.append(("partition", table, prefix))
        with self._lock:
            return [row for (p, r), row in sorted(self._table(table).items()) if p == pk and r.startswith(prefix)]

    def page(
        self,
        table: str,
        *,
        pk_from: str = "",
        pk_to: str = "",
        rk_prefix: str = "",
        where: Mapping[str, Condition] | None = None,
        limit: int = 100,
        continuation: str | None = None,
    ) -> RowPage:
        self.calls.append(("page", table, rk_prefix))
        start = _start(continuation)
        with self._lock:
            rows = [row for _, row in sorted(self._table(table).items())]
        matching = [
            row
            for row in rows
            if (row.pk, row.rk) >= start
            and _in_range(row.pk, pk_from, pk_to)
            and row.rk.startswith(rk_prefix)
            and all(_fits(row, column, wanted) for column, wanted in (where or {}).items())
        ]
        limit = min(limit, 1000)
        following = matching[limit] if len(matching) > limit else None
        return RowPage(matching[:limit], json.dumps([following.pk, following.rk]) if following else None)

    def insert(self, table: str, pk: str, rk: str, values: Mapping[str, Value]) -> str:
        self._announce("insert", table, pk, rk)
        with self._lock:
            self._apply(self._table(table), pk, Operation(Write.INSERT, rk, values))
            return self._table(table)[(pk, rk)].etag

    def merge(self, table: str, pk: str, rk: str, values: Mapping[str, Value], etag: str | None) -> str:
        self._announce("merge", table, pk, rk)
        with self._lock:
            self._apply(self._table(table), pk, Operation(Write.MERGE, rk, values, etag))
            return self._table(table)[(pk, rk)].etag

    def replace(self, table: str, pk: str, rk: str, values: Mapping[str, Value], etag: str) -> str:
        self._announce("replace", table, pk, rk)
        with self._lock:
            self._apply(self._table(table), pk, Operation(Write.REPLACE, rk, values, etag))
            return self._table(table)[(pk, rk)].etag

    def upsert(self, table: str, pk: str, rk: str, values: Mapping[str, Value]) -> str:
        self._announce("upsert", table, pk, rk)
        with self._lock:
            self._apply(self._table(table), pk, Operation(Write.UPSERT, rk, values))
            return self._table(table)[(pk, rk)].etag

    def delete(self, table: str, pk: str, rk: str, etag: str | None = None) -> None:
        self._announce("delete", table, pk, rk)
        with self._lock:
            if (pk, rk) in self._table(table):
                self._apply(self._table(table), pk, Operation(Write.DELETE, rk, etag=etag))

    def transact(self, table: str, pk: str, operations: Sequence[Operation]) -> None:
        if not 1 <= len(operations) <= 100:
            raise ValueError("a transaction has 1 to 100 operations")
        if len({operation.rk for operation in operations}) != len(operations):
            raise ValueError("a transaction names a row once")
        self._announce("transact", table, pk, operations[0].rk)
        with self._lock:
            draft = dict(self._table(table))
            for operation in operations:
                self._apply(draft, pk, operation)
            self._tables[table] = draft

    def everything(self) -> dict[str, list[Row]]:
        """All rows, for tests that look for what must not be there."""
        with self._lock:
            return {name: list(table.values()) for name, table in self._tables.items()}

    def copy(self) -> dict[str, _Table]:
        """A backup."""
        with self._lock:
            return {name: dict(table) for name, table in self._tables.items()}

    def restore(self, backup: dict[str, _Table]) -> None:
        """Everything as it was when the backup was made; etags are new, as after a real restore."""
        with self._lock:
            self._tables = {
                name: {key: Row(row.pk, row.rk, row.values, self._etag()) for key, row in table.items()}
                for name, table in backup.items()
            }

    def _table(self, table: str) -> _Table:
        return self._tables.setdefault(table, {})

    def _announce(self, operation: str, table: str, pk: str, rk: str) -> None:
        self.calls.append((operation, table, rk))
        if self.before_write is not None:
            self.before_write(table, pk, rk)

    def _apply(self, table: _Table, pk: str, operation: Operation) -> None:
        key = (pk, operation.rk)
        present = table.get(key)
        if operation.write is Write.INSERT and present is not None:
            raise RowExists
        if operation.write in (Write.REPLACE, Write.MERGE, Write.DELETE):
            if present is None:
                raise RowMissing
            if operation.etag is not None and operation.etag != present.etag:
                raise RowChanged
        if operation.write is Write.DELETE:
            del table[key]
            return
        kept = dict(present.values) if present is not None and operation.write is Write.MERGE else {}
        row = Row(pk, operation.rk, {**kept, **_stored(operation.values)}, self._etag())
        _check(row)
        table[key] = row

    def _etag(self) -> str:
        self._version += 1
        return f"v{self._version}"


def _stored(values: Mapping[str, Value]) -> dict[str, Value]:
    stored: dict[str, Value] = {}
    for name, value in values.items():
        if value is None:
            continue
        if isinstance(value, datetime):
            if value.tzinfo is None:
                raise ValueError(f"{name} is a time without a zone")
            value = value.astimezone(UTC)
        if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
            raise ValueError(f"{name} does not fit 64 bits")
        if not isinstance(value, str | int | float | bool | datetime | bytes):
            raise TypeError(f"{name} is a {type(value).__name__}")
        if isinstance(value, str) and len(value.encode("utf-16-le")) // 2 > _MAX_TEXT_UNITS:
            raise ValueError(f"{name} is longer than a column holds")
        stored[name] = value
    return stored


def _check(row: Row) -> None:
    for key in (row.pk, row.rk):
        if not key or len(key) > 512 or _BAD_KEY.search(key):
            raise ValueError(f"a key must not be {key!r}")
    size = sum(len(value.encode("utf-16-le")) if isinstance(value, str) else 8 for value in row.values.values())
    if size > _MAX_ROW_BYTES or len(row.values) > 252:
        raise ValueError("the row is too large")


def _start(continuation: str | None) -> tuple[str, str]:
    if continuation is None:
        return ("", "")
    try:
        pk, rk = json.loads(continuation)
    except (ValueError, TypeError) as error:
        raise PageTokenRefused from error
    return (str(pk), str(rk))


def _in_range(pk: str, low: str, high: str) -> bool:
    if low and low == high:
        return pk == low
    return pk >= low and (not high or pk < high)


def _fits(row: Row, column: str, wanted: Condition) -> bool:
    value = row.values.get(column)
    return value in wanted if isinstance(wanted, tuple) else value == wanted and type(value) is type(wanted)
