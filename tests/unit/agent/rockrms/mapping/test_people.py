"""Rules P1 to P17 and A4."""

from typing import Any

import pytest

from migrate_agent.rockrms.mapping.people import birth
from migrate_agent.rockrms.mapping.texts import valid_email
from migrate_contract.rockrms import Entity
from tests.harness import rock_rows as rows
from tests.harness.rock_rows import ROCK, mapped, person, skipped

PEOPLE = Entity.PEOPLE


@pytest.mark.parametrize(
    ("first", "last", "sent", "notes"),
    [
        ("Ted", "Decker", ("Ted", "Decker"), []),
        ("  Ted\t", "\u00a0Decker ", ("Ted", "Decker"), []),
        (None, "Decker", (None, "Decker"), []),
        ("Ted", "  ", ("Ted", None), []),
        (None, None, ("Unknown", "Unknown"), ["person-unnamed"]),
        ("", " \r\n", ("Unknown", "Unknown"), ["person-unnamed"]),
        ("T\ud800d", "D\x00r", ("T\ufffdd", "D\ufffdr"), []),
    ],
)
def test_names(first: str | None, last: str | None, sent: tuple[str | None, str | None], notes: list[str]) -> None:
    record, found = mapped(PEOPLE, person(first=first, last=last))
    assert (record["first_name"], record["last_name"]) == sent
    assert found == record["notes"] == notes


@pytest.mark.parametrize(
    ("address", "valid"),
    [
        ("a@b.co", True),
        ("First.Last+x@Sub.Example.org", True),
        ("ü@bücher.de", True),
        ("a@b", False),
        ("a@b.c", False),
        ("@b.co", False),
        ("a@@b.co", False),
        ("a@b@c.co", False),
        ("a@b..co", False),
        ("a@.b.co", False),
        ("a@b.co.", False),
        ("a b@c.co", False),
        ("a@b.\u2003co", False),
        ("a@b.co\x07m", False),
        ("a@b.co\x85m", False),
        ("a" * 247 + "@b.com", True),
        ("a" * 249 + "@b.com", False),
    ],
)
def test_email_addresses(address: str, valid: bool) -> None:
    assert valid_email(address) is valid
    record, notes = mapped(PEOPLE, person(email=f"  {address} "))
    assert record["email"] == (address if valid else None)
    assert notes == record["notes"] == ([] if valid else ["email-invalid"])


def test_a_blank_email_is_none() -> None:
    assert mapped(PEOPLE, person(email="  "))[0]["email"] is None
    assert mapped(PEOPLE, person(email="  "))[1] == []


@pytest.mark.parametrize(
    ("parts", "sent"),
    [
        ((1980, 2, 29), (1980, 2, 29, False)),
        ((1981, 2, 29), (1981, 2, None, True)),
        ((None, 2, 29), (None, 2, 29, False)),
        ((1, 2, 29), (None, 2, 29, False)),
        ((0, 2, 30), (None, 2, None, True)),
        ((9999, 12, 31), (None, 12, 31, False)),
        ((1980, 13, 5), (1980, None, None, True)),
        ((1980, 0, None), (1980, None, None, True)),
        ((1980, None, 5), (1980, None, None, True)),
        ((1980, 4, 31), (1980, 4, None, True)),
        ((1980, 4, 0), (1980, 4, None, True)),
        ((1980, 4, None), (1980, 4, None, False)),
        ((None, None, None), (None, None, None, False)),
    ],
)
def test_birth(parts: tuple[int | None, ...], sent: tuple[Any, ...]) -> None:
    year, month, day = parts
    assert birth(year, month, day) == sent
    record, notes = mapped(PEOPLE, person(year=year, month=month, day=day))
    assert (record["birth_year"], record["birth_month"], record["birth_day"]) == sent[:3]
    complete = None not in sent[:3]
    assert record["birth_date"] == (f"{sent[0]:04}-{sent[1]:02}-{sent[2]:02}" if complete else None)
    assert notes == (["birth-date-invalid"] if sent[3] else [])


def test_a_business() -> None:
    record, notes = mapped(PEOPLE, person(record_type=rows.BUSINESS, first=None, last="Decker Motors"))
    assert (record["kind"], record["first_name"], record["last_name"]) == ("business", None, "Decker Motors")
    assert notes == []


@pytest.mark.parametrize("record_type", [None, 777, rows.MEMBER])
def test_a_record_type_that_is_missing_is_a_person(record_type: int | None) -> None:
    record, notes = mapped(PEOPLE, person(record_type=record_type))
    assert record["kind"] == "person"
    assert notes == record["notes"] == ["record-type-missing"]


def test_dropped_and_anonymous_ones_are_skipped() -> None:
    assert skipped(PEOPLE, person(record_type=rows.NAMELESS, moved=0)) == "record-type-not-moved"
    assert skipped(PEOPLE, person(id=rows.GIVER_ANONYMOUS)) == "person-anonymous"
    assert skipped(PEOPLE, person(id=rows.VISITOR, record_type=rows.NAMELESS, moved=2)) == "person-anonymous"


def test_a_dropped_one_that_a_record_names_is_a_placeholder() -> None:
    row = person(
        record_type=rows.NAMELESS,
        moved=2,
        has_alias=0,
        first="Secret",
        email="a@b.co",
        gender=2,
        year=1980,
        primary_family=44,
        giving_group=44,
        deceased=True,
        created=rows.NOON,
    )
    parts: Any = {
        "families": {5: [(5, 44, None, 2)]},
        "phones": {5: [(5, 1, rows.MOBILE, "1", "6235551234", None, False, True, 0)]},
        "former": {5: [(5, 3)]},
    }
    record, notes = mapped(PEOPLE, row, parts)
    whole, _ = mapped(PEOPLE, person())
    assert list(record) == list(whole)
    assert {key: value for key, value in record.items() if value is not None} == {
        "external_id": f"{ROCK}Person:5",
        "kind": "person",
        "first_name": "Unknown",
        "last_name": "Unknown",
        "gender": "unknown",
        "is_deceased": False,
        "email_is_active": False,
        "email_preference": "none",
        "campus": {"external_id": f"{ROCK}Campus:2", "name": "North"},
        "giving_unit": f"{ROCK}giving:G44",
        "phones": [],
        "former_external_ids": [f"{ROCK}Person:3"],
        "notes": ["record-type-not-moved"],
    }
    assert notes == ["record-type-not-moved"]


def test_words_and_labels() -> None:
    record, _ = mapped(
        PEOPLE,
        person(
            gender=2,
            title=rows.DOCTOR,
            marital=rows.MARRIED,
            connection=rows.MEMBER,
            status=rows.ACTIVE,
            reason=rows.DOCTOR,
            preference=1,
            nick=" Teddy",
            middle="",
            created=rows.NOON,
        ),
    )
    assert record["gender"] == "female"
    assert (record["title"], record["marital_status"], record["connection_status"]) == ("Dr.", "Married", "Member")
    assert record["record_status"] == "active"
    assert record["inactive_reason"] == "Dr."
    assert record["email_preference"] == "no-mass"
    assert (record["nick_name"], record["middle_name"]) == ("Teddy", None)
    assert record["created_at"] == "2024-03-10T12:30:15"
    assert mapped(PEOPLE, person(status=rows.MEMBER, gender=0, preference=7))[0]["record_status"] is None
    assert mapped(PEOPLE, person(preference=7))[0]["email_preference"] == "none"


def test_phones() -> None:
    phones = [
        (5, 1, rows.MOBILE, "1", " 6235551234", None, False, True, 0),
        (5, 2, rows.PAGER, None, "12", " 7 ", True, True, 1),
        (5, 3, None, "", "  ", None, False, False, 0),
    ]
    record, notes = mapped(PEOPLE, person(), {"phones": {5: phones}})
    assert record["phones"] == [
        {
            "external_id": f"{ROCK}PhoneNumber:1",
            "type": "mobile",
            "number": "6235551234",
            "country_code": "1",
            "extension": None,
            "is_unlisted": False,
            "messaging_enabled": True,
        },
        {
            "external_id": f"{ROCK}PhoneNumber:2",
            "type": "other",
            "number": "12",
            "country_code": None,
            "extension": "7",
            "is_unlisted": True,
            "messaging_enabled": False,
        },
    ]
    assert notes == record["notes"] == ["phone-malformed"]


@pytest.mark.parametrize(
    ("stored", "families", "primary"),
    [
        (44, [(5, 44, None, 1), (5, 30, 0, 2)], 44),
        (99, [(5, 44, None, 1), (5, 50, 1, 2)], 50),
        (None, [(5, 44, 2, 1), (5, 30, 2, 2)], 30),
        (None, [(5, 44, None, 1), (5, 30, None, 2)], 30),
        (None, [(5, 44, 3, 1), (5, 44, 0, 1), (5, 30, 1, 2)], 44),
        (99, [], None),
    ],
)
def test_the_primary_family(stored: int | None, families: list[tuple[Any, ...]], primary: int | None) -> None:
    record, _ = mapped(PEOPLE, person(primary_family=stored), {"families": {5: families}})
    assert record["primary_family"] == (None if primary is None else f"{ROCK}Group:{primary}")
    campus = {44: 1, 30: 2, 50: 2, None: None}[primary]
    assert (record["campus"] or {}).get("external_id") == (None if campus is None else f"{ROCK}Campus:{campus}")


def test_the_own_campus_goes_before_the_familys_and_a_filter_hides_the_family() -> None:
    parts: Any = {"families": {5: [(5, 44, None, 1)]}}
    record, _ = mapped(PEOPLE, person(primary_campus=2), parts, by=rows.settings(campus_ids=[2]))
    assert record["campus"] == {"external_id": f"{ROCK}Campus:2", "name": "North"}
    assert record["primary_family"] is None
    parts = {"families": {5: [(5, 44, None, None)]}}
    assert mapped(PEOPLE, person(), parts, by=rows.settings(campus_ids=[2]))[0]["primary_family"] is not None
    narrow = rows.settings(campus_ids=[2], include_without_campus=False)
    assert mapped(PEOPLE, person(), parts, by=narrow)[0]["primary_family"] is None


@pytest.mark.parametrize(
    ("giving_id", "group", "unit"),
    [
        ("G12", 44, "G12"),
        ("P5", None, "P5"),
        ("X1", 44, "G44"),
        ("G12a", 44, "G44"),
        ("", None, "P5"),
        (None, None, "P5"),
    ],
)
def test_the_giving_unit(giving_id: str | None, group: int | None, unit: str) -> None:
    record, _ = mapped(PEOPLE, person(giving_id=giving_id, giving_group=group))
    assert record["giving_unit"] == f"{ROCK}giving:{unit}"


def test_merged_people() -> None:
    record, _ = mapped(PEOPLE, person(), {"former": {5: [(5, 9), (5, 3), (5, 9)]}})
    assert record["former_external_ids"] == [f"{ROCK}Person:3", f"{ROCK}Person:9"]
    assert mapped(PEOPLE, person(has_alias=0))[1] == ["no-person-alias"]
    assert mapped(PEOPLE, person(has_alias=0, survivor=6))[1] == ["person-merged"]


def test_flags_come_in_their_order() -> None:
    row = person(record_type=None, has_alias=0, first=None, last=None, email="x", month=13)
    record, notes = mapped(PEOPLE, row, {"phones": {5: [(5, 1, None, None, "1", None, False, False, 0)]}})
    assert record["notes"] == notes
    assert notes == [
        "record-type-missing",
        "no-person-alias",
        "person-unnamed",
        "email-invalid",
        "birth-date-invalid",
        "phone-malformed",
    ]
