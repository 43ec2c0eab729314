"""Which tables and columns a church's database has: the releases of RockRMS whose layouts differ.

The columns come from the schema's CSV files; the release that brought a column stands in its note ("v12.4+").
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from enum import StrEnum, unique
from functools import cache
from pathlib import Path

SCHEMA_FOLDER = Path(__file__).parent / "schema"
ATTENDANCE = "Attendance"
OCCURRENCE = "AttendanceOccurrence"
_BROUGHT_BY = re.compile(
    r"\bv(?P<since>\d+)(?:\.\d+)?(?:[-/]\d+)?\+|added v(?P<about>\d+)-v\d+"
    r"|added in (?P<added>\d+)|\(v(?P<maybe>\d+)\.\d+ or"
)
_ONLY_UNTIL = re.compile(r"^v(\d+)-(\d+)$")


@unique
class Shape(StrEnum):
    """The layout of the database; set by whoever generates a church."""

    V7 = "v7"
    """Before v8: attendance names its group itself, nothing is archived, no family is marked as primary."""
    V8_MIXED = "v8-mixed"
    """v8 in the middle of its upgrade: both layouts of attendance, rows still at placeholder occurrence 1."""
    CURRENT = "current"
    """v17."""

    @property
    def release(self) -> int:
        """Result: the major release whose columns it has."""
        return {Shape.V7: 7, Shape.V8_MIXED: 8, Shape.CURRENT: 17}[self]

    @property
    def has_occurrences(self) -> bool:
        """Result: whether AttendanceOccurrence exists."""
        return self is not Shape.V7

    @property
    def has_archive(self) -> bool:
        """Result: whether groups and members can be archived (v8)."""
        return self is not Shape.V7


@dataclass(frozen=True, slots=True)
class Column:
    """One column as SQL Server declares it."""

    name: str
    sql_type: str
    nullable: bool
    note: str = ""

    @property
    def default(self) -> str | None:
        """Result: the SQL literal that a row without this column gets, None for NULL."""
        if self.nullable:
            return None
        if self.sql_type.startswith("nvarchar"):
            return "''"
        if self.sql_type.startswith("date"):
            return "'1900-01-01'" if self.sql_type == "date" else "'1900-01-01 00:00:00.000'"
        return "0"


def _read(name: str) -> dict[str, list[Column]]:
    tables: dict[str, list[Column]] = {}
    with (SCHEMA_FOLDER / name).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            column = Column(row["column"], row["sql_type"], row["nullable"] == "YES", row["note"])
            tables.setdefault(row["table"], []).append(column)
    return tables


def _exists(column: Column, release: int) -> bool:
    until = _ONLY_UNTIL.match(column.note.split(";")[0].strip())
    if until:
        return int(until[1]) <= release <= int(until[2])
    brought = _BROUGHT_BY.search(column.note)
    return brought is None or int(next(filter(None, brought.groups()))) <= release


@cache
def tables_of(shape: Shape) -> dict[str, list[Column]]:
    """Result: per table its columns in order."""
    tables = {
        table: [column for column in columns if _exists(column, shape.release)]
        for table, columns in (_read("rock_tables.csv") | _read("extra_tables.csv")).items()
    }
    old = _read("rock_tables_attendance_v7.csv")[ATTENDANCE]
    if shape is Shape.V7:
        tables[ATTENDANCE] = old
        del tables[OCCURRENCE]
    elif shape is Shape.V8_MIXED:
        known = {column.name for column in tables[ATTENDANCE]}
        tables[ATTENDANCE] += [Column(column.name, column.sql_type, True) for column in old if column.name not in known]
    if shape is not Shape.CURRENT:
        tables["FinancialTransaction"].append(Column("IsNonCash", "bit", False, "dropped in v9"))
    return tables
