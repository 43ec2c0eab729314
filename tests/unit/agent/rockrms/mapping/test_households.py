"""Rules G1 to G7 (families) and R1 to R6 (groups)."""

from typing import Any

import pytest

from migrate_contract.rockrms import Entity
from tests.harness import rock_rows as rows
from tests.harness.rock_rows import ADULT, CHILD, GRANDPARENT, ROCK, mapped, skipped

FAMILIES, GROUPS = Entity.FAMILIES, Entity.GROUPS
FAMILY = (44, " Decker Family ", 1, 0)


def member(person: int, role: int = ADULT, *, kind: int = 0, primary: int | None = 44) -> tuple[Any, ...]:
    """kind: 0 moved, 1 dropped, 2 anonymous."""
    return (44, person, role, person, kind, primary)


def family(members: list[tuple[Any, ...]], addresses: list[tuple[Any, ...]] | None = None) -> dict[str, Any]:
    families = {each[1]: [(each[1], 44, None, 1)] for each in members}
    return {"members": {44: members}, "families": families, "addresses": {44: addresses or []}}


def address(
    id_: int, location: int, *, mapped: bool = False, mailing: bool = False, street: str | None = "1 Main St"
) -> tuple[Any, ...]:
    return (44, id_, location, mapped, mailing, street, None, " Phoenix ", "AZ", None, "US")


def test_a_family() -> None:
    parts = family([member(5), member(6, CHILD), member(7, GRANDPARENT, primary=None)], [address(1, 1)])
    parts["families"][7] = [(7, 44, 1, 1), (7, 30, 0, 1)]
    record, notes = mapped(FAMILIES, FAMILY, parts)
    assert record == {
        "external_id": f"{ROCK}Group:44",
        "name": "Decker Family",
        "campus": {"external_id": f"{ROCK}Campus:1", "name": "Main"},
        "address": {
            "street1": "1 Main St",
            "street2": None,
            "city": "Phoenix",
            "state": "AZ",
            "postal_code": None,
            "country": "US",
        },
        "members": [
            {"external_person_id": f"{ROCK}Person:5", "role": "adult", "is_primary": True},
            {"external_person_id": f"{ROCK}Person:6", "role": "child", "is_primary": True},
            {"external_person_id": f"{ROCK}Person:7", "role": "other", "is_primary": False},
        ],
    }
    assert notes == []


def test_twice_in_a_family_is_once_with_the_stronger_role() -> None:
    record, notes = mapped(FAMILIES, FAMILY, family([member(5, CHILD), member(5, ADULT), member(5, GRANDPARENT)]))
    assert [each["role"] for each in record["members"]] == ["adult"]
    assert notes == ["membership-doubled"]


def test_placeholders_and_the_anonymous_in_a_family() -> None:
    members = [member(5), member(6, kind=1), member(rows.VISITOR, kind=2), (44, 99, ADULT, None, 0, None)]
    record, _ = mapped(FAMILIES, FAMILY, family(members))
    assert [(each["external_person_id"][-1], each["is_primary"]) for each in record["members"]] == [
        ("5", True),
        ("6", False),
    ]


def test_families_that_are_skipped() -> None:
    assert skipped(FAMILIES, (44, "x", None, 1), family([member(5)])) == "family-archived"
    assert skipped(FAMILIES, FAMILY, family([member(6, kind=1)])) == "family-of-nobody"
    assert skipped(FAMILIES, FAMILY, family([member(rows.VISITOR, kind=2)])) == "family-of-nobody"
    assert skipped(FAMILIES, (990, "Anonymous Family", None, 0)) == "family-of-nobody"


def test_an_empty_family_is_sent() -> None:
    record, notes = mapped(FAMILIES, (44, "  ", 77, 0))
    assert (record["name"], record["campus"], record["address"], record["members"]) == (None, None, None, [])
    assert notes == []


@pytest.mark.parametrize(
    ("addresses", "street", "notes"),
    [
        ([address(1, 1, street="A"), address(2, 2, mailing=True, street="B")], "B", []),
        ([address(1, 1, mapped=True, street="A"), address(2, 2, mailing=True, street="B")], "A", []),
        ([address(1, 1, street="A"), address(2, 2, street="B")], "B", ["address-ambiguous"]),
        ([address(1, 1, street="A"), address(2, 1, street="A")], "A", []),
        ([(44, 3, 3, True, True, " ", None, None, "", None, "US"), address(1, 1, street="A")], "A", []),
        ([(44, 3, 3, True, True, None, None, None, None, None, "US")], None, []),
    ],
)
def test_the_address(addresses: list[tuple[Any, ...]], street: str | None, notes: list[str]) -> None:
    record, found = mapped(FAMILIES, FAMILY, family([member(5)], addresses))
    assert (record["address"] or {}).get("street1") == street
    assert found == notes


GROUP = (50, "Choir", "Serving Team", " Sings. ", None, 2, 1)


def in_group(id_: int, person: int, *, role: int = 1, status: int = 1) -> tuple[Any, ...]:
    return (50, id_, person, role, "Leader" if role == 2 else " Member ", role == 2, status, rows.NOON)


def test_a_group() -> None:
    record, notes = mapped(GROUPS, GROUP, {"members": {50: [in_group(1, 5, role=2), in_group(2, 6, status=2)]}})
    assert record == {
        "external_id": f"{ROCK}Group:50",
        "name": "Choir",
        "type": "Serving Team",
        "description": "Sings.",
        "parent_external_id": None,
        "campus": {"external_id": f"{ROCK}Campus:2", "name": "North"},
        "status": "active",
        "members": [
            {
                "external_id": f"{ROCK}GroupMember:1",
                "external_person_id": f"{ROCK}Person:5",
                "role": "Leader",
                "is_leader": True,
                "status": "active",
                "joined_at": "2024-03-10T12:30:15",
            },
            {
                "external_id": f"{ROCK}GroupMember:2",
                "external_person_id": f"{ROCK}Person:6",
                "role": "Member",
                "is_leader": False,
                "status": "pending",
                "joined_at": "2024-03-10T12:30:15",
            },
        ],
    }
    assert notes == []


def test_doubled_memberships() -> None:
    members = [
        in_group(1, 5, status=0),
        in_group(2, 5, status=2),
        in_group(3, 5, status=1),
        in_group(4, 5, status=1),
        in_group(5, 5, role=2, status=0),
    ]
    record, notes = mapped(GROUPS, GROUP, {"members": {50: members}})
    assert [(each["external_id"][-1], each["status"]) for each in record["members"]] == [
        ("3", "active"),
        ("5", "inactive"),
    ]
    assert notes == ["membership-doubled"]


def test_closed_groups() -> None:
    assert skipped(GROUPS, (*GROUP[:6], 0)) == "group-closed"
    assert mapped(GROUPS, (*GROUP[:6], 2))[0]["status"] == "closed"


@pytest.mark.parametrize(
    ("ancestors", "parent", "notes"),
    [
        ({7: (7, None, 1)}, 7, []),
        ({7: (7, 8, 0), 8: (8, 9, 0), 9: (9, None, 1)}, 9, ["group-reparented"]),
        ({7: (7, 8, 0), 8: (8, None, 0)}, None, ["group-reparented"]),
        ({7: (7, 8, 0), 8: (8, 7, 0)}, None, ["group-reparented"]),
        ({7: (7, 50, 0)}, None, ["group-reparented"]),
        ({}, None, ["group-reparented"]),
    ],
)
def test_the_nearest_ancestor_that_is_sent(
    ancestors: dict[int, tuple[Any, ...]], parent: int | None, notes: list[str]
) -> None:
    row = (*GROUP[:4], 7, *GROUP[5:])
    record, found = mapped(GROUPS, row, {"ancestors": {id_: [each] for id_, each in ancestors.items()}})
    assert record["parent_external_id"] == (None if parent is None else f"{ROCK}Group:{parent}")
    assert found == notes
