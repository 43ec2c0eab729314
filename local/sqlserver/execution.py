"""One SELECT from its text to the tokens of its answer; and the cache of answers that a benchmark is served from."""

from __future__ import annotations

import datetime as dt
import sqlite3
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from local.sqlserver import tokens
from local.sqlserver.catalog import Catalog
from local.sqlserver.cells import Cell, to_cell
from local.sqlserver.faults import Faults
from local.sqlserver.framing import Reply
from local.sqlserver.parameters import Value
from local.sqlserver.prepared_answers import PreparedAnswers
from local.sqlserver.sql_error import SqlError
from local.sqlserver.sql_types import SqlType
from local.sqlserver.tsql import Translation, translate
from local.sqlserver.tsql.runtime import teach
from local.sqlserver.wire_types import wire_type

_ROWS_AT_ONCE = 500
_BUSY_SECONDS = 30.0


class ConnectionCut(Exception):
    """A fault: the connection ends here, in the middle of a result."""


class Attention(Exception):
    """The client does not want the rest."""


@dataclass
class Translations:
    """Statements that were translated already; shared by all sessions."""

    _known: dict[tuple[str, tuple[tuple[str, SqlType], ...]], Translation] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, catalog: Catalog, sql: str, parameters: Mapping[str, SqlType]) -> Translation:
        """Result: the statement for SQLite. Raises SqlError."""
        key = (sql, tuple(sorted(parameters.items(), key=lambda each: each[0])))
        found = self._known.get(key)
        if found is None:
            found = translate(catalog, sql, parameters)
            with self._lock:
                if len(self._known) > 2_000:
                    self._known.clear()
                self._known[key] = found
        return found


class Execution:
    """Runs SELECTs of one session on a SQLite connection of its own."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        catalog: Catalog,
        translations: Translations,
        faults: Faults,
        prepared: PreparedAnswers | None,
    ) -> None:
        self._connection = connection
        self._catalog = catalog
        self._translations = translations
        self._faults = faults
        self._prepared = prepared

    def select(
        self,
        sql: str,
        types: Mapping[str, SqlType],
        values: Mapping[str, Value],
        reply: Reply,
        unwanted: Callable[[], bool],
    ) -> int:
        """Result: how many rows were written to `reply`. Raises SqlError, ConnectionCut, Attention."""
        translation = self._translations.of(self._catalog, sql, types)
        for table in sorted(translation.tables & self._faults.denied):
            raise self._denied(table)
        binds = {bind.slot: bound(values.get(bind.parameter), bind.type) for bind in translation.binds}
        drop = self._faults.next_drop()
        if self._prepared is not None and drop is None:
            return self._from_prepared(translation, binds, reply)
        return self._run(translation, binds, reply.write, drop, reply, unwanted)

    def _denied(self, table: str) -> SqlError:
        name = self._catalog.tables[table].name
        return SqlError(
            229,
            f"The SELECT permission was denied on the object '{name}', database '{self._catalog.database}', "
            "schema 'dbo'.",
            severity=14,
            state=5,
        )

    def _from_prepared(self, translation: Translation, binds: dict[str, Cell], reply: Reply) -> int:
        assert self._prepared is not None
        key = self._prepared.key(translation.sql, binds)
        known = self._prepared.find(key)
        if known is None:
            parts: list[bytes | memoryview] = []
            rows = self._run(translation, binds, parts.append, None, None, lambda: False)
            known = self._prepared.keep(key, b"".join(parts), rows)
        reply.write(known[0])
        return known[1]

    def _run(
        self,
        translation: Translation,
        binds: dict[str, Cell],
        write: Callable[[bytes | memoryview], None],
        drop: int | None,
        reply: Reply | None,
        unwanted: Callable[[], bool],
    ) -> int:
        wires = [wire_type(kind) for _, kind in translation.columns]
        try:
            cursor = self._connection.execute(translation.sql, binds)
            write(tokens.result_columns([
                (name, wire.type_info) for (name, _), wire in zip(translation.columns, wires, strict=True)
            ]))  # fmt: skip
            coding = [(wire.encode, wire.null) for wire in wires]
            count = 0
            while rows := cursor.fetchmany(_ROWS_AT_ONCE):
                if drop is not None and count + len(rows) > drop:
                    write(encoded(rows[: max(0, drop - count)], coding))
                    if reply is not None:
                        reply.push()
                    self._faults.count_drop()
                    raise ConnectionCut
                write(encoded(rows, coding))
                count += len(rows)
                if unwanted():
                    raise Attention
        except sqlite3.Error as error:
            raise as_sql_error(error) from error
        except (ValueError, OverflowError, struct.error) as error:
            raise SqlError(8114, str(error)) from error
        if drop is not None:
            self._faults.count_drop()
            raise ConnectionCut
        return count


def encoded(rows: list[tuple[Cell, ...]], coding: list[tuple[Callable[[object], bytes], bytes]]) -> bytes:
    """Result: the rows as ROW tokens."""
    parts = []
    for cells in rows:
        parts.append(tokens.ROW)
        parts += [null if cell is None else encode(cell) for cell, (encode, null) in zip(cells, coding, strict=True)]
    return b"".join(parts)


def bound(value: Value, kind: SqlType) -> Cell:
    """Result: a parameter's value as a cell of the type it is used in. Raises SqlError(8114)."""
    try:
        if isinstance(value, str) and kind.scale and not value.strip():
            raise ValueError("an empty text is no number")
        return to_cell(kind, value.strip() if isinstance(value, str) and kind.precision else value)
    except (ValueError, TypeError, ArithmeticError):
        what = type(value).__name__ if not isinstance(value, (int, Decimal, dt.date)) else repr(value)
        raise SqlError(8114, f"Error converting a parameter ({what}) to {kind.kind.value}.") from None


def as_sql_error(error: sqlite3.Error) -> SqlError:
    """Result: what SQL Server would say."""
    text = str(error)
    if "integer overflow" in text:
        return SqlError(8115, "Arithmetic overflow error converting expression to data type.")
    if "user-defined function" in text:
        return SqlError(512, "Subquery returned more than 1 value, or a value could not be converted.")
    if "interrupted" in text:
        return SqlError(596, "Cannot continue the execution because the session is in the kill state.", severity=21)
    return SqlError(50_000, f"SQLite: {text}")


def open_connection(
    path: Path, catalog: Catalog | None, session: Mapping[str, tuple[int, Callable[..., Cell]]]
) -> sqlite3.Connection:
    """Result: a read-only connection that knows T-SQL's ways; `session` are functions as (arguments, function)."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    teach(connection)
    for name, (arguments, function) in session.items():
        connection.create_function(name, arguments, function)
    if catalog is not None:
        catalog.publish(connection)
    return connection
