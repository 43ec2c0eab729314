"""One look at a database: its install, layout and tables; answers are given here, statements are checked elsewhere."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import pytest

from local.church.shapes import Shape, tables_of
from migrate_agent.rockrms import guids
from migrate_agent.rockrms.records import AttendanceLayout, RockFacts
from migrate_agent.rockrms.source.facts import read_facts
from migrate_contract.errors import ErrorCode, Fatal

ALIAS = "ABCDEF00-0000-4000-8000-00000000000A"
INSTANCE = "ABCDEF00-0000-4000-8000-00000000000B"
Rows = Sequence[Sequence[Any]]


def look(shape: Shape = Shape.CURRENT, *, without: Sequence[str] = (), **answers: Rows | Exception) -> RockFacts:
    def ask(sql: str, values: Sequence[object], what: str) -> list[Sequence[Any]]:
        found: Rows | Exception = answers.get(what.replace(" ", "_"), [])
        if what == "columns":
            tables = tables_of(shape)
            return [(table, each.name) for table in tables if table not in without for each in tables[table]]
        if what == "install" and "PersonAlias" in sql:
            found = answers.get("alias", [(ALIAS,)])
        if isinstance(found, Exception):
            raise found
        return list(found)

    return read_facts(ask, server="sql", database="Rock")


def code_of(call: Callable[[], object]) -> tuple[ErrorCode, str]:
    with pytest.raises(Fatal) as caught:
        call()
    return caught.value.code, caught.value.detail


def test_the_install_is_rocks_own_and_else_that_of_its_first_alias() -> None:
    assert look(install=[(INSTANCE,)]).install == INSTANCE.lower()
    assert look().install == ALIAS.lower()
    assert code_of(lambda: look(alias=[]))[0] is ErrorCode.NOT_A_ROCKRMS_DATABASE


def test_layouts_are_found_by_looking() -> None:
    placeholder = [(date(1900, 1, 1),)]
    found = {shape: look(shape, placeholder_occurrence=placeholder) for shape in Shape}
    assert {shape: facts.attendance for shape, facts in found.items()} == {
        Shape.V7: AttendanceLayout.OLD,
        Shape.V8_MIXED: AttendanceLayout.MIXED,
        Shape.CURRENT: AttendanceLayout.CURRENT,
    }
    assert {shape: facts.has_placeholder for shape, facts in found.items()} == {
        Shape.V7: False,
        Shape.V8_MIXED: True,
        Shape.CURRENT: True,
    }
    assert not look(placeholder_occurrence=[(date(2020, 1, 5),)]).has_placeholder


@pytest.mark.parametrize("table", ["Attribute", "AttendanceOccurrence", "PhoneNumber"])
def test_a_table_that_rock_has_and_that_is_not_seen_may_not_be_read(table: str) -> None:
    code, detail = code_of(lambda: look(without=[table]))
    assert code is ErrorCode.SQL_NO_READ_PERMISSION
    assert table in detail


def test_another_database() -> None:
    assert code_of(lambda: look(without=list(tables_of(Shape.CURRENT))))[0] is ErrorCode.NOT_A_ROCKRMS_DATABASE


def test_versions_and_isolation() -> None:
    facts = look(
        SQL_version=[("Microsoft SQL Server 2019 - 15.0 \n\tCopyright",)],
        Rock_version=[("Rock.Model.Person, Rock, Version=1.13.2.0, Culture=neutral",)],
        snapshot_isolation=[(1,)],
    )
    assert (facts.sql_version, facts.rock_version, facts.snapshot) == (
        "Microsoft SQL Server 2019 - 15.0",
        "1.13.2.0",
        True,
    )
    facts = look(Rock_version=[(None,)], snapshot_isolation=Fatal(ErrorCode.SQL_QUERY_REFUSED, "no"))
    assert (facts.sql_version, facts.rock_version, facts.snapshot) == ("", None, False)


def test_guids_are_known_in_lower_case() -> None:
    facts = look(
        group_types=[(10, guids.FAMILY.upper()), (11, ALIAS)],
        defined_values=[
            (1, guids.RECORD_TYPES.upper(), guids.PERSON.upper(), "Person"),
            (2, guids.RECORD_TYPES, ALIAS, "x"),
        ],
        family_roles=[(3, guids.ADULT.upper()), (4, ALIAS)],
        campuses=[(1, ALIAS, "Main", None), (2, ALIAS, "North", 0)],
        accounts=[(5, ALIAS, "General", None, None, 1, 1)],
        anonymous_people=[(8,), (9,)],
        anonymous_family=[(7,)],
        entity_type_of_prayers=[(6,)],
    )
    assert facts.group_types == {10: guids.FAMILY, 11: ALIAS.lower()}
    assert facts.lookup_ids(guids.RECORD_TYPES) == {1, 2}
    assert facts.lookup_ids(guids.RECORD_TYPES, guids.PERSON) == {1}
    assert facts.family_roles == {3: "adult"}
    assert [campus.is_active for campus in facts.campuses.values()] == [None, False]
    assert facts.accounts[5].guid == ALIAS.lower()
    assert (facts.anonymous, facts.anonymous_family, facts.prayer_entity_type) == (frozenset({8, 9}), 7, 6)
    assert facts.external_id("Person", 5) == f"rock:{ALIAS.lower()}:Person:5"
    assert facts.has("Person", "GivingId")
