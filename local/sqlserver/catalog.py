"""Tables and columns of the SQLite file, with the SQL Server types that its CREATE TABLE statements declare."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from local.sqlserver.sql_types import MAX, TEXTS, Kind, SqlType, UnknownType, declared

COLUMNS_VIEW = "information_schema_columns"
TABLES_VIEW = "information_schema_tables"
DATABASES_VIEW = "sys_databases"
_NAME = SqlType(Kind.NVARCHAR, length=128)
_VIEWS: dict[str, dict[str, SqlType]] = {
    COLUMNS_VIEW: {
        "TABLE_CATALOG": _NAME,
        "TABLE_SCHEMA": _NAME,
        "TABLE_NAME": _NAME,
        "COLUMN_NAME": _NAME,
        "ORDINAL_POSITION": SqlType(Kind.INT),
        "IS_NULLABLE": SqlType(Kind.VARCHAR, length=3),
        "DATA_TYPE": _NAME,
        "CHARACTER_MAXIMUM_LENGTH": SqlType(Kind.INT),
        "NUMERIC_PRECISION": SqlType(Kind.TINYINT),
        "NUMERIC_SCALE": SqlType(Kind.INT),
    },
    TABLES_VIEW: {
        "TABLE_CATALOG": _NAME,
        "TABLE_SCHEMA": _NAME,
        "TABLE_NAME": _NAME,
        "TABLE_TYPE": SqlType(Kind.VARCHAR, length=10),
    },
    DATABASES_VIEW: {
        "name": _NAME,
        "compatibility_level": SqlType(Kind.TINYINT),
        "snapshot_isolation_state": SqlType(Kind.TINYINT),
        "is_read_committed_snapshot_on": SqlType(Kind.BIT),
    },
}


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column; `type` is None for one of a type that this server cannot send (geography)."""

    name: str
    type: SqlType | None
    written: str
    nullable: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A table by its name as Rock writes it; columns by lower-case name, in order."""

    name: str
    columns: dict[str, TableColumn]


class Catalog:
    """What one file holds, by lower-case names."""

    def __init__(self, connection: sqlite3.Connection, database: str) -> None:
        """Look into the file once; `database` is what clients call it."""
        self.database = database
        self.tables: dict[str, Table] = {}
        names = connection.execute(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        ).fetchall()
        for (name,) in names:
            self.tables[name.lower()] = Table(name, _columns(connection, name))
        self.views = {
            view: Table(view, {name.lower(): TableColumn(name, kind, "", True) for name, kind in columns.items()})
            for view, columns in _VIEWS.items()
        }

    def publish(self, connection: sqlite3.Connection) -> None:
        """Result: INFORMATION_SCHEMA's views and sys.databases, as temporary ones of this connection."""
        for view in (COLUMNS_VIEW, TABLES_VIEW):
            connection.execute(f"CREATE TEMP TABLE {view} ({', '.join(_VIEWS[view])})")
        connection.execute(
            f"CREATE TEMP VIEW {DATABASES_VIEW} AS SELECT session_db_name() AS name, 160 AS compatibility_level, "
            "session_variable('SNAPSHOT') AS snapshot_isolation_state, 1 AS is_read_committed_snapshot_on"
        )
        for table in self.tables.values():
            connection.execute(
                f"INSERT INTO {TABLES_VIEW} VALUES (?, 'dbo', ?, 'BASE TABLE')",
                (self.database, table.name),
            )
            connection.executemany(
                f"INSERT INTO {COLUMNS_VIEW} VALUES (?, 'dbo', ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (self.database, table.name, column.name, place, "YES" if column.nullable else "NO", *_facts(column))
                    for place, column in enumerate(table.columns.values(), start=1)
                ],
            )
        connection.commit()


def _columns(connection: sqlite3.Connection, table: str) -> dict[str, TableColumn]:
    found = {}
    for _, name, written, required, _, key in connection.execute(f'PRAGMA table_info("{table}")').fetchall():
        try:
            kind = declared(written)
        except UnknownType:
            kind = None
        found[name.lower()] = TableColumn(name, kind, written, nullable=not required and not key)
    return found


def _facts(column: TableColumn) -> tuple[str, int | None, int | None, int | None]:
    kind = column.type
    if kind is None:
        return column.written.lower(), None, None, None
    length = (-1 if kind.length == MAX else kind.length) if kind.kind in TEXTS else None
    exact = kind.kind is Kind.DECIMAL
    return kind.kind.value, length, kind.precision if exact else None, kind.scale if exact else None
