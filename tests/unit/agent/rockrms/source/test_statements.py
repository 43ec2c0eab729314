"""Every statement that is sent: T-SQL, one SELECT, only tables and columns that Rock has in that shape."""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from functools import cache

import pytest
import sqlglot
from sqlglot import exp

from local.church.shapes import Shape, tables_of
from migrate_agent.rockrms import guids
from migrate_agent.rockrms.mapping.columns import COLUMNS, OLD_ATTENDANCE, Left
from migrate_agent.rockrms.quality import shared_email_statements
from migrate_agent.rockrms.records import AttendanceLayout, LookupRow, RockFacts
from migrate_agent.rockrms.source.facts import read_facts
from migrate_agent.rockrms.source.scope import Scope
from migrate_agent.rockrms.source.statements import Range, Statements, compiled
from migrate_contract.rockrms import Entity, ImportSettings, StatusMeaning

OF_THE_SERVER = {
    "COLUMNS": {"TABLE_NAME", "COLUMN_NAME", "TABLE_SCHEMA"},
    "databases": {"snapshot_isolation_state", "name"},
}
PLAIN = ImportSettings(time_zone="UTC")
NARROW = ImportSettings(
    time_zone="UTC",
    campus_ids=[1, 3],
    date_range_start=date(2024, 1, 1),
    statuses={"Declined": StatusMeaning.NOT_GIFT},
)
ONLY_CAMPUS = ImportSettings(time_zone="UTC", campus_ids=[2], include_without_campus=False)
SETTINGS = (PLAIN, NARROW, ONLY_CAMPUS)


@cache
def columns_of(shape: Shape) -> dict[str, set[str]]:
    return {table: {column.name for column in columns} for table, columns in tables_of(shape).items()}


def facts_of(shape: Shape) -> RockFacts:
    columns = frozenset((table, column) for table, names in columns_of(shape).items() for column in names)
    layout = {
        Shape.V7: AttendanceLayout.OLD,
        Shape.V8_MIXED: AttendanceLayout.MIXED,
        Shape.CURRENT: AttendanceLayout.CURRENT,
    }[shape]
    guid = "00000000-0000-4000-8000-00000000000"
    values = [
        (guids.RECORD_TYPES, guids.PERSON),
        (guids.RECORD_TYPES, guids.BUSINESS),
        (guids.RECORD_TYPES, f"{guid}1"),
        (guids.TRANSACTION_TYPES, guids.CONTRIBUTION),
        (f"{guid}2", guids.HOME_ADDRESS),
    ]
    return RockFacts(
        install=f"{guid}9",
        sql_version="",
        rock_version=None,
        server="",
        database="",
        columns=columns,
        attendance=layout,
        campuses={},
        lookups={id_: LookupRow(id_, type_, value, "") for id_, (type_, value) in enumerate(values, 1)},
        accounts={},
        group_types=dict(enumerate(guids.NOT_GROUPS, 1)),
        anonymous=frozenset({7, 8}),
        anonymous_family=9,
        prayer_entity_type=4,
        has_placeholder=shape is Shape.V8_MIXED,
    )


def statements_of(shape: Shape, settings: ImportSettings) -> Iterator[tuple[str, str, dict[str, object]]]:
    facts = facts_of(shape)
    scope = Scope(facts, settings)
    every = Statements(facts, scope)
    pages, some = Range(0, 100), Range(ids=[3, 5])
    values = every.values(pages)
    for entity, statement in every.entities.items():
        tables, changed = every.modified(entity)
        yield f"{entity} page", statement.page(pages), values
        yield f"{entity} page as bytes", statement.page(pages, as_bytes=True), values
        yield f"{entity} reread", statement.page(some), values
        yield f"{entity} ids", statement.ids(pages, 100), values
        yield f"{entity} changed", statement.ids(pages, 100, changed), values
        yield f"{entity} count", statement.count(), values
        yield f"{entity} high water", statement.high_water(), values
        for table in tables:
            yield f"{entity} mark {table}", f"SELECT MAX(m.ModifiedDateTime) FROM {table} m", values
        for rows in (pages, some):
            for name, part in every.parts(entity, rows).items():
                yield f"{entity} {name}", part, values
    yield "ancestors", every.ancestors([1, 2]), values
    for sql in shared_email_statements(scope):
        yield "shared emails", sql, scope.values
    for sql in facts_statements(shape):
        yield "facts", sql, {}


def facts_statements(shape: Shape) -> list[str]:
    asked: list[str] = []
    answers: dict[str, list[Sequence[object]]] = {
        "columns": [(table, name) for table, names in columns_of(shape).items() for name in names],
        "install": [],
        "group types": [(1, guids.FAMILY.upper())],
        "placeholder occurrence": [(date(1900, 1, 1),)],
    }

    def ask(sql: str, values: Sequence[object], what: str) -> list[Sequence[object]]:
        asked.append(sql)
        if what == "install" and "PersonAlias" in sql:
            return [("ABCDEF00-0000-4000-8000-000000000000",)]
        return list(answers.get(what, []))

    facts = read_facts(ask, server="s", database="d")
    assert facts.install == "abcdef00-0000-4000-8000-000000000000"
    return asked


@pytest.mark.parametrize("shape", Shape)
def test_every_statement_is_one_select_of_what_is_there(shape: Shape) -> None:
    there = columns_of(shape)
    seen: set[str] = set()
    read: set[tuple[str, str]] = set()
    for name, named, values in (each for settings in SETTINGS for each in statements_of(shape, settings)):
        sql, given = compiled(named, values)
        assert sql.count("?") == len(given), name
        if sql not in seen:
            read |= check(name, sql, there)
            seen.add(sql)
    assert len(seen) > 100
    used, left = decided()
    assert not read & left, "the page of columns says that they are not read"
    of_rock = {key for key in read if key[0] not in (*OF_THE_SERVER, "Attribute")}
    if shape is Shape.CURRENT:
        assert of_rock == used
    else:
        assert of_rock <= used | {("Attendance", column) for column in OLD_ATTENDANCE}


def decided() -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Result: the columns that the page of columns says are read, and those that are not."""
    fates = {(table, column): fate for table, columns in COLUMNS.items() for column, fate in columns.items()}
    left = {key for key, fate in fates.items() if isinstance(fate, Left)}
    return fates.keys() - left, left


def check(name: str, sql: str, there: dict[str, set[str]]) -> set[tuple[str, str]]:
    """Result: the columns that it reads."""
    read = set()
    parsed = sqlglot.parse_one(sql, dialect="tsql")
    assert isinstance(parsed, exp.Select), name
    assert not list(parsed.find_all(exp.Star)) or "COUNT(*)" in sql, name
    assert "NOLOCK" not in sql.upper()
    bare = re.sub(r"'[^']*'", "", sql)
    assert re.search(r"(?<!\[)\b(Group|Key|Order)\b", bare) is None, (name, sql)
    derived = {each.alias for each in parsed.find_all(exp.Subquery)} - {""}
    tables: dict[str, str] = {}
    for table in parsed.find_all(exp.Table):
        assert table.name in there or table.name in OF_THE_SERVER, (name, table.name)
        assert tables.setdefault(table.alias or table.name, table.name) == table.name, (name, table.alias)
    for column in parsed.find_all(exp.Column):
        if column.table in derived:
            continue
        if column.table:
            table_name = tables[column.table]
        else:
            assert len(tables) == 1, (name, column.sql())
            table_name = next(iter(tables.values()))
        known = OF_THE_SERVER.get(table_name) or there[table_name]
        assert column.name in known, (name, column.sql())
        read.add((table_name, column.name))
    return read


@pytest.mark.parametrize("shape", Shape)
def test_no_column_of_another_shape_is_missed(shape: Shape) -> None:
    """What this database has and the rules use is read."""
    sql = " ".join(named for _, named, _ in statements_of(shape, PLAIN))
    assert ("IsArchived" in sql) == (shape is not Shape.V7)
    assert ("PrimaryFamilyId" in sql) == (shape is not Shape.V7)
    assert ("x.ScheduleId" in sql) == (shape is not Shape.CURRENT)
    assert ("OccurrenceDate" in sql) == (shape is not Shape.V7)
    assert ("ForeignCurrencyCodeValueId" in sql) == (shape is Shape.CURRENT)


def test_what_people_typed_goes_as_a_value() -> None:
    sql = " ".join(named for _, named, _ in statements_of(Shape.CURRENT, NARROW))
    assert "declined" not in sql.lower()
    assert "2024" not in sql
    scope = Scope(facts_of(Shape.CURRENT), NARROW)
    assert scope.values == {"start": date(2024, 1, 1), "status0": "declined", "status1": "failed"}


def test_a_failed_status_that_is_decided_to_be_a_gift_is_one() -> None:
    settings = ImportSettings(time_zone="UTC", statuses={" FAILED ": StatusMeaning.GIFT})
    scope = Scope(facts_of(Shape.CURRENT), settings)
    assert scope.values == {}
    assert "Status" not in scope.gift("d", "t", "b", "c")


def test_keys_are_bounded_on_both_sides() -> None:
    every = Statements(facts_of(Shape.CURRENT), Scope(facts_of(Shape.CURRENT), PLAIN))
    for entity in Entity:
        statement = every.entities[entity]
        sql, given = compiled(statement.page(Range(10, 20)), every.values(Range(10, 20)))
        assert f"{statement.key} > ? AND {statement.key} <= ?" in sql
        assert {10, 20} <= set(given)
        assert sql.endswith(f"ORDER BY {statement.key}")
        assert "TOP (" in sql
