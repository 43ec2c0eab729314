"""Rules F1 to F11 (contributions), T1 to T9 (attendance) and Y1 to Y6 (prayer requests)."""

# ruff: noqa: DTZ001 - church-local times
import datetime as dt
from decimal import Decimal
from typing import Any

import orjson
import pytest

from migrate_agent.rockrms.mapping import Mapper
from migrate_agent.rockrms.records import ERRORED, AttendanceLayout, Mapped, Page
from migrate_contract.errors import ErrorCode
from migrate_contract.rockrms import Entity, FundAnswer, FundChoice
from tests.harness import rock_rows as rows
from tests.harness.rock_rows import GENERAL_FUND, NOON, ROCK, attended, facts, line, mapped, prayer, settings, skipped

GIFTS, ATTENDANCE, PRAYERS = Entity.CONTRIBUTIONS, Entity.ATTENDANCE, Entity.PRAYER_REQUESTS


def test_a_gift() -> None:
    row = line(
        batch=9,
        batch_name=' The "Sunday"\u2028 Ä',
        batch_campus=1,
        method=rows.CHECK,
        source=rows.WEBSITE,
        amount=Decimal("12.30"),
    )
    record, notes = mapped(GIFTS, row)
    assert record == {
        "external_id": f"{ROCK}FinancialTransactionDetail:70",
        "transaction_external_id": f"{ROCK}FinancialTransaction:60",
        "external_person_id": f"{ROCK}Person:5",
        "person_missing": None,
        "giving_unit": f"{ROCK}giving:G44",
        "fund_external_id": f"{ROCK}FinancialAccount:{GENERAL_FUND}",
        "amount": "12.30",
        "currency": "USD",
        "gift_date": "2024-03-10",
        "gift_date_source": "transaction",
        "class": "gift",
        "refund_of": None,
        "transaction_type": "Contribution",
        "payment_method": "Check",
        "payment_source": 'The "Website"',
        "batch": {"external_id": f"{ROCK}FinancialBatch:9", "name": 'The "Sunday"\u2028 Ä'},
        "campus": {"external_id": f"{ROCK}Campus:1", "name": "Main"},
        "is_foreign_currency": False,
        "notes": [],
    }
    assert notes == []


@pytest.mark.parametrize("row", [line(), line(amount=Decimal("-5.00"), foreign=rows.EUR, given=None, created=NOON)])
def test_its_bytes_are_those_of_orjson(row: tuple[Any, ...]) -> None:
    (found,) = Mapper(facts(), settings()).map(GIFTS, Page([row], 70))
    assert isinstance(found, Mapped)
    assert found.body == orjson.dumps(orjson.loads(found.body))
    assert len(found.digest) == 16


@pytest.mark.parametrize(
    ("amount", "refund", "text", "kind", "notes"),
    [
        ("0.01", None, "0.01", "gift", []),
        ("9999999999999999.99", None, "9999999999999999.99", "gift", []),
        ("1E+2", None, "100.00", "gift", []),
        ("5", None, "5.00", "gift", []),
        ("0.00", None, "0.00", "zero", ["gift-not-positive"]),
        ("-0.00", None, "0.00", "zero", ["gift-not-positive"]),
        ("-10.50", None, "-10.50", "correction", ["gift-not-positive"]),
        ("-10.50", 60, "-10.50", "refund", ["gift-not-positive"]),
        ("10.50", 60, "10.50", "refund", []),
        ("0.00", 60, "0.00", "refund", ["gift-not-positive"]),
    ],
)
def test_amounts_and_classes(amount: str, refund: int | None, text: str, kind: str, notes: list[str]) -> None:
    record, found = mapped(GIFTS, line(amount=Decimal(amount), refund=refund))
    assert (record["amount"], record["class"]) == (text, kind)
    assert found == record["notes"] == notes


@pytest.mark.parametrize(
    ("given", "batch", "created", "date", "source"),
    [
        (dt.datetime(2023, 12, 31, 23, 59, 59, 997000), NOON, NOON, "2023-12-31", "transaction"),
        (None, dt.datetime(2023, 1, 1), NOON, "2023-01-01", "batch"),
        (None, None, NOON, "2024-03-10", "created"),
        (dt.datetime(999, 1, 2), None, None, "0999-01-02", "transaction"),
    ],
)
def test_dates(given: Any, batch: Any, created: Any, date: str, source: str) -> None:
    record, notes = mapped(GIFTS, line(given=given, batch_start=batch, created=created))
    assert (record["gift_date"], record["gift_date_source"]) == (date, source)
    assert notes == ([] if given else ["gift-date-missing"])


def test_lines_that_should_be_in_mission_and_cannot() -> None:
    assert skipped(GIFTS, line(given=None)) == ErrorCode.GIFT_UNDATED
    assert skipped(GIFTS, line(account=3)) == ErrorCode.FUND_MISSING
    assert {ErrorCode.GIFT_UNDATED, ErrorCode.FUND_MISSING} <= ERRORED


@pytest.mark.parametrize(
    ("alias", "person", "missing"),
    [
        (8, 5, None),
        (None, None, "no-alias"),
        (8, None, "alias-of-nobody"),
        (8, rows.GIVER_ANONYMOUS, "anonymous"),
        (8, rows.VISITOR, "anonymous"),
    ],
)
def test_donors(alias: int | None, person: int | None, missing: str | None) -> None:
    record, notes = mapped(GIFTS, line(alias=alias, person=person))
    assert record["person_missing"] == missing
    assert record["external_person_id"] == (None if missing else f"{ROCK}Person:5")
    assert record["giving_unit"] == (None if missing else f"{ROCK}giving:G44")
    assert notes == []


def test_giving_units_are_remembered_by_what_names_them_only() -> None:
    mapper = Mapper(facts(), settings())
    donors = [("G1", 5, None), ("X", 6, 7), ("X", 8, None), (None, 9, None), ("G1", 6, 3), ("", 11, 2)]
    page = Page([line(giving_id=unit, person=who, giving_group=group) for unit, who, group in donors], 0)
    found = [orjson.loads(each.body)["giving_unit"] for each in mapper.map(GIFTS, page) if isinstance(each, Mapped)]
    assert found == [f"{ROCK}giving:{unit}" for unit in ("G1", "G7", "P8", "P9", "G1", "G2")]


def test_a_batch_that_is_renamed_has_its_new_name() -> None:
    mapper = Mapper(facts(), settings())
    page = Page([line(batch=9, batch_name=name) for name in ("A", "A ", "B", "A")], 0)
    found = [orjson.loads(each.body)["batch"]["name"] for each in mapper.map(GIFTS, page) if isinstance(each, Mapped)]
    assert found == ["A", "A", "B", "A"]


def test_funds_and_campuses() -> None:
    building = "cccccccc-0000-4000-8000-000000000002"
    chosen = settings(funds=[FundChoice(account_guid=building, choice=FundAnswer.OTHER, external_fund_id="fund-7")])
    record, _ = mapped(GIFTS, line(account=2, batch_campus=1), by=chosen)
    assert record["fund_external_id"] == "fund-7"
    assert record["campus"]["name"] == "North"
    assert mapped(GIFTS, line(), funds={GENERAL_FUND: "fund-1"})[0]["fund_external_id"] == "fund-1"
    assert mapped(GIFTS, line(batch_campus=77))[0]["campus"] is None


def test_refunds_currencies_and_wishes() -> None:
    record, notes = mapped(
        GIFTS,
        line(
            refund=60,
            original=58,
            amount=Decimal("-1.00"),
            foreign=rows.EUR,
            given=None,
            batch_start=NOON,
            show_as_anonymous=True,
        ),
    )
    assert record["refund_of"] == f"{ROCK}FinancialTransaction:58"
    assert record["is_foreign_currency"] is True
    assert notes == ["gift-not-positive", "gift-date-missing", "foreign-currency"]
    assert record["notes"] == [*notes, "show-as-anonymous"]


def test_an_attendance() -> None:
    row = attended(campus=1, group_campus=2, location_name=" Room 1", schedule_name="", first_time=True)
    record, notes = mapped(ATTENDANCE, row)
    assert record == {
        "external_id": f"{ROCK}Attendance:80",
        "external_person_id": f"{ROCK}Person:5",
        "occurrence_external_id": f"{ROCK}AttendanceOccurrence:300",
        "group_external_id": f"{ROCK}Group:50",
        "date": "2024-03-10",
        "started_at": "2024-03-10T12:30:15",
        "campus": {"external_id": f"{ROCK}Campus:1", "name": "Main"},
        "location": "Room 1",
        "schedule": None,
        "first_time": True,
        "notes": [],
    }
    assert notes == []
    (found,) = Mapper(facts(), settings()).map(ATTENDANCE, Page([row], 80))
    assert isinstance(found, Mapped)
    assert found.body == orjson.dumps(record)


def test_where_an_attendance_was() -> None:
    record, _ = mapped(ATTENDANCE, attended(group_campus=2, is_group=0))
    assert record["group_external_id"] is None
    assert record["campus"]["name"] == "North"
    old = facts(attendance=AttendanceLayout.OLD)
    record, _ = mapped(ATTENDANCE, attended(occurrence=None, location=None), of=old)
    assert record["occurrence_external_id"] == f"{ROCK}AttendanceOccurrence:g50-l0-s7-2024-03-10"
    mixed = facts(attendance=AttendanceLayout.MIXED, has_placeholder=True)
    record, _ = mapped(ATTENDANCE, attended(occurrence=1, group=None), of=mixed)
    assert record["occurrence_external_id"] == f"{ROCK}AttendanceOccurrence:g0-l6-s7-2024-03-10"
    assert record["group_external_id"] is None
    assert mapped(ATTENDANCE, attended(occurrence=1))[0]["occurrence_external_id"] == f"{ROCK}AttendanceOccurrence:1"


def test_attendances_that_are_skipped() -> None:
    assert skipped(ATTENDANCE, attended(person=None)) == "attendance-without-person"
    assert skipped(ATTENDANCE, attended(person=rows.VISITOR)) == "attendance-without-person"
    assert skipped(ATTENDANCE, attended(doubled=1)) == "attendance-doubled"


def test_nothing_unknown_about_a_prayer_becomes_public() -> None:
    record, notes = mapped(PRAYERS, prayer(prayers=-3))
    assert record == {
        "external_id": f"{ROCK}PrayerRequest:90",
        "first_name": "Ann",
        "last_name": None,
        "email": None,
        "text": "Please.",
        "answer": None,
        "entered_at": "2024-03-10T12:30:15",
        "expires_on": None,
        "is_public": False,
        "is_approved": False,
        "is_active": False,
        "is_urgent": False,
        "allow_comments": False,
        "prayer_count": 0,
        "external_person_id": None,
        "category": None,
        "campus": None,
        "group_external_id": None,
    }
    assert notes == []


def test_a_whole_prayer() -> None:
    record, notes = mapped(
        PRAYERS,
        prayer(
            first="  ",
            email="nowhere",
            text=" \ud83d stays\x00 ",
            answer=" Yes ",
            expires=dt.date(2024, 4, 1),
            public=True,
            approved=True,
            active=1,
            urgent=True,
            comments=True,
            prayers=4,
            person=5,
            category=" Health ",
            campus=1,
            group=50,
            group_sent=1,
        ),
    )
    assert record["first_name"] is None
    assert record["text"] == " \ufffd stays\ufffd "
    assert record["answer"] == " Yes "
    assert (record["email"], notes) == (None, ["email-invalid"])
    assert record["expires_on"] == "2024-04-01"
    assert all(record[key] is True for key in ("is_public", "is_approved", "is_active", "is_urgent", "allow_comments"))
    assert record["external_person_id"] == f"{ROCK}Person:5"
    assert (record["category"], record["group_external_id"]) == ("Health", f"{ROCK}Group:50")


def test_what_a_prayer_does_not_name() -> None:
    assert mapped(PRAYERS, prayer(person=rows.GIVER_ANONYMOUS))[0]["external_person_id"] is None
    assert mapped(PRAYERS, prayer(group=50, group_sent=0))[0]["group_external_id"] is None
    assert mapped(PRAYERS, prayer(answer=" \n"))[0]["answer"] is None
