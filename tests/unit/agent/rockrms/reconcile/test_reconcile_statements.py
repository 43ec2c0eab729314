"""Every statement of the verification is T-SQL, reads only, and names only tables and columns that Rock has."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from local.church import Shape
from local.church.shapes import SCHEMA_FOLDER, tables_of
from migrate_agent.rockrms.reconcile import statements
from migrate_agent.rockrms.reconcile.statements import Read
from migrate_agent.rockrms.source.facts import TABLES

BEYOND = {"FinancialScheduledTransaction", "FinancialPledge", "Note", "AttributeValue", "TABLES"}
"""Counted as a whole where they are there: not in the schema's CSV."""


def _csv() -> dict[str, set[str]]:
    tables: dict[str, set[str]] = {}
    for name in ("rock_tables.csv", "rock_tables_attendance_v7.csv"):
        with Path(SCHEMA_FOLDER, name).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                tables.setdefault(row["table"], set()).add(row["column"])
    return tables


def _has(shape: Shape) -> Callable[[str, str], bool]:
    tables = {table: {column.name for column in columns} for table, columns in tables_of(shape).items()}
    return lambda table, column: column in tables.get(table, set())


def _all(shape: Shape) -> list[str]:
    has = _has(shape)
    names = frozenset(BEYOND)
    return [
        *(statements.page(read, has) for read in Read),
        *(statements.some(read, has, 3) for read in Read),
        statements.transaction_types(),
        statements.first_occurrence(),
        statements.tables(),
        *(statement for _, _, statement in statements.not_moved(names, has) if statement is not None),
    ]


@pytest.mark.parametrize("shape", list(Shape))
def test_statements(shape: Shape) -> None:
    known = _csv()
    there = _has(shape)
    for statement in _all(shape):
        (tree,) = sqlglot.parse(statement, read="tsql")
        assert isinstance(tree, exp.Select)
        tables = {table.alias_or_name: table.name for table in tree.find_all(exp.Table)}
        for table in tables.values():
            assert table in known or table in BEYOND
        for column in tree.find_all(exp.Column):
            table = tables.get(column.table, "TABLES")
            if table == "TABLES":
                continue
            assert column.name in known[table], statement
            if not (table == "AttendanceOccurrence" and shape is Shape.V7):
                assert there(table, column.name), (table, column.name)


@pytest.mark.parametrize("shape", list(Shape))
def test_a_page_has_one_column_for_each_field(shape: Shape) -> None:
    columns = {read: statements.page(read, _has(shape)).split(" FROM ")[0].count(" AS [c") for read in Read}
    assert columns == {
        Read.PEOPLE: 24,
        Read.PHONES: 9,
        Read.GROUPS: 10,
        Read.MEMBERS: 8,
        Read.HOMES: 11,
        Read.LINES: 21,
        Read.ATTENDANCE: 14,
        Read.PRAYERS: 14,
        Read.BATCHES: 3,
    }


@pytest.mark.parametrize("shape", list(Shape))
def test_every_table_is_one_that_the_import_looks_at_and_may_read(shape: Shape) -> None:
    """Columns are found by the import's look at the database, and its login is granted its tables."""
    for statement in _all(shape):
        for table in sqlglot.parse_one(statement, read="tsql").find_all(exp.Table):
            assert table.name in {*TABLES, *BEYOND}, table.name


def test_what_cannot_be_counted_is_named_all_the_same() -> None:
    found = {code: statement for code, _, statement in statements.not_moved(frozenset({"Note"}), lambda *_: False)}
    assert found == {
        "recurring-gifts": None,
        "pledges": None,
        "notes": "SELECT COUNT(*) FROM [dbo].[Note]",
        "attributes": None,
    }


@pytest.mark.parametrize("forbidden", ["Text", "Answer", "Encrypted", "NameOnCard", "CheckMicr", "Summary", "Note]"])
def test_nothing_confidential_is_read(forbidden: str) -> None:
    for shape in Shape:
        for read in Read:
            assert f"[{forbidden}" not in statements.page(read, _has(shape))
