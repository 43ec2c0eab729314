"""Multiplies the gifts and the attendance of a church's file, for measurements: millions of rows in seconds.

Each copy has ids of its own beyond the last one and names the same people, funds and batches; occurrences move back in
time. The church's model does not follow: what a larger import must give is counted, not told field by field.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from local.church.church import Church
from local.church.database import INDEXES
from local.church.shapes import Shape, tables_of

_GUID = "printf('%08X-{table:04X}-4000-A000-%012X', c.n, x.Id)"
_GIFTS = ("FinancialTransaction", "FinancialTransactionRefund", "FinancialTransactionDetail")
_ATTENDED = ("AttendanceOccurrence", "Attendance")
_REFERENCES = {
    "FinancialTransactionRefund": ("OriginalTransactionId",),
    "FinancialTransactionDetail": ("TransactionId",),
    "Attendance": ("OccurrenceId",),
}
"""Columns that name a row of the same copy."""
_WEEKS_BACK = 60


@dataclass(frozen=True)
class Enlarged:
    """What the file holds now."""

    lines: int
    attendances: int
    cents: int
    """Of all lines together."""


def enlarge(church: Church, *, lines: int, attendances: int) -> Enlarged:
    """Copy until there are so many gift lines and attendance rows; fewer than there are take nothing away."""
    with sqlite3.connect(church.path, isolation_level=None) as rock:
        rock.execute("PRAGMA synchronous = OFF")
        rock.execute("BEGIN")
        indexes = [
            (name, sql)
            for name, sql in rock.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
            )
            if any(name == f"IX_{table}_{column}" for table, column in INDEXES if table in (*_GIFTS, *_ATTENDED))
        ]
        for name, _ in indexes:
            rock.execute(f"DROP INDEX [{name}]")
        _multiply(rock, church, _GIFTS, lines)
        _multiply(rock, church, [table for table in _ATTENDED if table in tables_of(church.shape)], attendances)
        for _, sql in indexes:
            rock.execute(sql)
        rock.execute("COMMIT")
        rock.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        gifts = rock.execute("SELECT COUNT(*), SUM(Amount) FROM FinancialTransactionDetail").fetchone()
        attended = rock.execute("SELECT COUNT(*) FROM Attendance").fetchone()
    rock.close()
    return Enlarged(gifts[0], attended[0], gifts[1])


def _multiply(rock: sqlite3.Connection, church: Church, tables: tuple[str, ...] | list[str], wanted: int) -> None:
    """Copy all tables as often as the last one needs to have the wanted number of rows, and cut that one off there."""
    there = rock.execute(f"SELECT COUNT(*) FROM [{tables[-1]}]").fetchone()[0]  # noqa: S608
    copies = -(-wanted // there) - 1
    if copies < 1:
        return
    spans = {table: rock.execute(f"SELECT MAX(Id) FROM [{table}]").fetchone()[0] for table in tables}  # noqa: S608
    spans["FinancialTransactionRefund"] = spans.get("FinancialTransaction", 0)
    for table in tables:
        limit = wanted - there if table == tables[-1] else -1
        rock.execute(_copy(church, table, spans), (copies, limit))


def _copy(church: Church, table: str, spans: dict[str, int]) -> str:
    """Result: the statement that copies a table so many times, up to so many rows."""
    parent = "FinancialTransaction" if table in _GIFTS else "AttendanceOccurrence"
    days = f"'-' || (c.n * {_WEEKS_BACK * 7}) || ' days'"
    expressions = {
        "Id": f"x.Id + c.n * {spans[table]}",
        "Guid": _GUID.format(table=len(table)),
        "OccurrenceDate": f"date(x.OccurrenceDate, {days})",
        "OccurrenceDateKey": f"CAST(strftime('%Y%m%d', x.OccurrenceDate, {days}) AS INTEGER)",
        "StartDateTime": f"strftime('%Y-%m-%d %H:%M:%f', x.StartDateTime, {days})",
    }
    for column in _REFERENCES.get(table, ()):
        expressions[column] = f"x.[{column}] + c.n * {spans.get(parent, 0)}"
    is_mixed = church.shape is Shape.V8_MIXED
    if table == "Attendance" and is_mixed:
        expressions["OccurrenceId"] = f"CASE x.OccurrenceId WHEN 1 THEN 1 ELSE {expressions['OccurrenceId']} END"
    names = [column.name for column in tables_of(church.shape)[table]]
    values = ", ".join(expressions.get(name, f"x.[{name}]") for name in names)
    is_placeholder = " WHERE x.Id > 1" if table == "AttendanceOccurrence" and is_mixed else ""
    return (
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ?)"  # noqa: S608
        f" INSERT INTO [{table}] ({', '.join(f'[{name}]' for name in names)})"
        f" SELECT {values} FROM c CROSS JOIN [{table}] x{is_placeholder} LIMIT ?"
    )
