"""The comparison with the expected mission can fail: whatever differs is named with its record and field."""

from __future__ import annotations

import copy

import pytest

from local.church import ExpectedMission, Shape, compare
from local.church.church import build
from local.church.expecting import expect
from tests.unit.local.church.test_generated_church import Settings


@pytest.fixture(scope="module")
def expected() -> ExpectedMission:
    return expect(build(seed=2, people=120, shape=Shape.CURRENT), Settings(), {})


def sent(expected: ExpectedMission) -> dict:
    return {entity: copy.deepcopy(list(records.values())) for entity, records in expected.records.items()}


def test_equal_is_no_difference(expected):
    assert compare(expected, sent(expected)) == []


@pytest.mark.parametrize(
    ("entity", "path", "value"),
    [
        ("people", "email", "other@example.org"),
        ("people", "phones[0].number", "1"),
        ("people", "birth_year", 1901),
        ("people", "is_deceased", 0),
        ("families", "members[0].role", "other"),
        ("groups", "members[0].is_leader", None),
        ("contributions", "amount", "12.3"),
        ("contributions", "gift_date", "2019-12-31"),
        ("contributions", "external_person_id", None),
        ("attendance", "first_time", "no"),
        ("prayer-requests", "is_public", None),
    ],
)
def test_a_planted_difference_is_named(expected, entity, path, value):
    found = sent(expected)
    record = next(one for one in found[entity] if holds(one, path))
    put(record, path, value)
    (difference,) = compare(expected, found)
    assert (difference.entity, difference.external_id, difference.field) == (entity, record["external_id"], path)
    assert difference.found == value


def holds(record: dict, path: str) -> bool:
    head = path.partition("[")[0]
    return bool(record[head]) if "[" in path else record[head] is not None or path == "first_time"


def put(record: dict, path: str, value: object) -> None:
    head, _, rest = path.partition("[0].")
    if rest:
        record[head][0][rest] = value
    else:
        record[head] = value


def test_lost_doubled_and_strange_records_are_named(expected):
    found = sent(expected)
    lost = found["contributions"].pop(3)
    found["people"].append(copy.deepcopy(found["people"][0]))
    found["groups"].append({"external_id": "rock:x:Group:9"})
    names = {(one.entity, one.external_id, one.field) for one in compare(expected, found)}
    assert names == {
        ("contributions", lost["external_id"], ""),
        ("people", found["people"][0]["external_id"], ""),
        ("groups", "rock:x:Group:9", ""),
    }


def test_a_missing_and_a_strange_field_are_named(expected):
    found = sent(expected)
    del found["people"][0]["suffix"]
    found["people"][1]["shoe_size"] = 44
    found["families"][0]["members"].append({})
    assert {one.field for one in compare(expected, found)} == {"suffix", "shoe_size", "members"}


def test_entities_that_were_not_imported_are_not_compared(expected):
    assert compare(expected, {"people": sent(expected)["people"]}) == []
