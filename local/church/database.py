"""A church's model as rows of a SQLite file whose CREATE TABLEs declare the SQL Server types.

A cell lies there as local/sqlserver/cells.py says: decimals as whole hundredths, times as text, Guids in upper case.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from local.church import guids, left_behind
from local.church.columns import COLUMNS
from local.church.model import Model
from local.church.shapes import Column, tables_of

type Cells = tuple[Any, ...]

INDEXES = (
    ("PersonAlias", "PersonId"),
    ("PersonAlias", "AliasPersonId"),
    ("PhoneNumber", "PersonId"),
    ("GroupMember", "GroupId"),
    ("GroupMember", "PersonId"),
    ("GroupLocation", "GroupId"),
    ("Group", "ParentGroupId"),
    ("Group", "GroupTypeId"),
    ("FinancialTransaction", "AuthorizedPersonAliasId"),
    ("FinancialTransaction", "BatchId"),
    ("FinancialTransactionDetail", "TransactionId"),
    ("FinancialTransactionDetail", "AccountId"),
    ("FinancialTransactionRefund", "OriginalTransactionId"),
    ("Attendance", "OccurrenceId"),
    ("Attendance", "PersonAliasId"),
    ("Attendance", "GroupId"),
    ("AttendanceOccurrence", "GroupId"),
    ("PrayerRequest", "RequestedByPersonAliasId"),
)
"""Those of RockRMS that a join of an import uses; each where its column is there."""
KEYLESS = "__MigrationHistory"


def create(path: Path, model: Model) -> None:
    """Write the file anew."""
    path.unlink(missing_ok=True)
    with sqlite3.connect(path, isolation_level=None) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = OFF")
        database.execute("BEGIN")
        tables = tables_of(model.shape)
        for table, columns in tables.items():
            database.execute(_create_table(table, columns))
        for table in tables:
            write(database, model, table, rows_of(model, table))
        for table, column in INDEXES:
            if any(known.name == column for known in tables.get(table, ())):
                database.execute(f"CREATE INDEX [IX_{table}_{column}] ON [{table}] ([{column}])")
        # Without statistics SQLite picks indexes that are a hundred times slower than those of a SQL Server.
        database.execute("ANALYZE")
        database.execute("COMMIT")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


def _create_table(table: str, columns: Sequence[Column]) -> str:
    parts = []
    for column in columns:
        if column.name == "Id":
            parts.append("[Id] INTEGER NOT NULL PRIMARY KEY")
            continue
        default = f" DEFAULT {column.default}" if column.default is not None else ""
        parts.append(f'[{column.name}] "{column.sql_type}" {"NULL" if column.nullable else "NOT NULL"}{default}')
    return f"CREATE TABLE [{table}] ({', '.join(parts)})"


def names_of(model: Model, table: str) -> list[str]:
    """Result: the columns that are written of a table; the others keep their defaults."""
    there = {column.name for column in tables_of(model.shape)[table]}
    return [name for name in COLUMNS[table] if name in there]


def cells(model: Model, table: str, thing: Any) -> Cells:
    """Result: one object's row, in the order of `names_of`."""
    return tuple(cell(COLUMNS[table][name](model, thing)) for name in names_of(model, table))


def cell(value: object) -> object:
    """Result: how a value lies in the file."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03}" if value.year > 999 else _early(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return int(value)
    return value


def _early(value: datetime) -> str:
    return f"{value.isoformat(' ', 'milliseconds')}"


def write(database: sqlite3.Connection, model: Model, table: str, things: Iterable[Any]) -> None:
    """Insert objects as rows of a table, or replace the rows of their ids."""
    if table not in COLUMNS:
        return
    names = names_of(model, table)
    getters: list[Callable[[Model, Any], object]] = [COLUMNS[table][name] for name in names]
    marks = ", ".join("?" * len(names))
    database.executemany(
        f"INSERT OR REPLACE INTO [{table}] ({', '.join(f'[{name}]' for name in names)}) VALUES ({marks})",  # noqa: S608
        (tuple(cell(getter(model, thing)) for getter in getters) for thing in things),
    )


def rows_of(model: Model, table: str) -> Iterable[Any]:
    """Result: the objects that are the rows of a table."""
    match table:
        case "Person":
            return model.people
        case "PersonAlias":
            return (alias for alias in model.aliases if alias.has_row)
        case "PhoneNumber":
            return ((person, phone) for person in model.people for phone in person.phones)
        case "GroupType":
            return model.group_types.values()
        case "GroupTypeRole":
            return ((kind, role) for kind in model.group_types.values() for role in kind.roles.values())
        case "Group":
            return model.groups
        case "GroupMember":
            return (member for group in model.groups for member in group.members)
        case "GroupLocation":
            return ((group, place) for group in model.groups for place in group.places)
        case _:
            return _other_rows(model, table)


def _other_rows(model: Model, table: str) -> Iterable[Any]:
    payments = (header.payment for header in model.headers if header.payment is not None)
    others: dict[str, Iterable[Any]] = {
        "Location": model.locations,
        "Campus": model.campuses,
        "Schedule": model.schedules,
        "DefinedType": ((row, guid) for guid, row in model.defined_types.items()),
        "DefinedValue": model.values.values(),
        "EntityType": ((1, "Rock.Model.Person", None), (2, "Rock.Model.PrayerRequest", guids.PRAYER_ENTITY)),
        "Category": model.categories,
        "FinancialAccount": model.accounts,
        "FinancialBatch": model.batches,
        "FinancialPaymentDetail": payments,
        "FinancialTransaction": model.headers,
        "FinancialTransactionDetail": model.lines,
        "FinancialTransactionRefund": (header for header in model.headers if header.is_refund),
        "AttendanceOccurrence": model.occurrences,
        "Attendance": model.attendances,
        "PrayerRequest": model.prayers,
        "Attribute": left_behind.attributes(model),
        "AttributeValue": left_behind.attribute_values(model),
        "FinancialScheduledTransaction": left_behind.recurring_gifts(model),
        "FinancialPledge": left_behind.pledges(model),
        "Note": left_behind.notes(model),
        KEYLESS: _migrations(model),
    }
    return others.get(table, ())


def _migrations(model: Model) -> Iterable[tuple[str]]:
    release = model.shape.release
    last = {7: "201709261718412_V7_Rollup", 8: "201901151738259_V8_Rollup", 17: "202503062041237_Rollup_V17"}[release]
    return (("201401010000000_CreateDatabase",), (last,))
