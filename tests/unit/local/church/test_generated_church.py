"""The generated church: the same for the same seed, sound where Rock is sound, and with every trap."""

from __future__ import annotations

import re
import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest

from local.church import Shape, generate
from local.church.church import Church, build
from local.church.database import cell
from local.church.shapes import tables_of
from local.sqlserver import to_cell

EVERYWHERE = {
    *("both-names-null", "both-names-blank", "first-name-null", "last-name-blank", "nick-name-null", "unusual-name"),
    *("email-invalid", "email-shared", "email-with-blanks", "email-blank", "birth-without-year", "deceased"),
    *("birth-impossible-day", "birth-impossible-month", "record-type-null", "rest-user", "business", "foreign-key"),
    *("merged-alias", "merged-row-still-there", "person-without-alias", "alias-of-nobody", "alias-without-row"),
    *("two-families", "family-member-twice", "family-empty", "family-of-nobody", "two-mapped-homes", "second-home"),
    *("home-not-mapped", "location-shared", "address-without-type", "phone-malformed", "phone-without-type"),
    *("security-role", "relationship-group", "group-type-event", "group-type-application", "excluded-parent"),
    *("parents-in-a-circle", "group-inactive", "member-twice", "member-with-two-roles", "closed-group-with-attendance"),
    *("gift-without-alias", "gift-of-nobody", "gift-anonymous", "gift-through-merged-alias", "gift-without-date"),
    *("refund-whole", "refund-partial", "refund-over", "refund-original-null", "manual-correction", "zero-line"),
    *("batch-missing", "payment-detail-missing", "event-registration", "other-transaction-type", "odd-status"),
    *("several-lines", "fund-of-the-same-name", "fund-inactive", "around-new-year", "control-amount-wrong"),
    *("did-attend-null", "did-attend-0", "did-not-occur", "attendance-doubled", "doubled-through-two-aliases"),
    *("attendance-without-alias", "schedule-null", "time-in-a-gap", "prayer-is-public-null", "prayer-without-alias"),
    *("category-of-another-entity-type", "control-characters", "campus-is-active-null", "renamed-label"),
}
ONLY_CURRENT = {
    *("nameless", "visitor-alias", "gift-of-nameless", "future-processing", "foreign-currency", "fee"),
    *("giving-id-stale", "anonymous-visitor-type", "group-type-lms", "group-type-chat-direct"),
}
SINCE_V8 = {"group-archived", "member-archived", "family-archived", "anonymous-count", "show-as-anonymous"}
NOBODYS = {("PersonAlias", "PersonId"), ("FinancialTransaction", "AuthorizedPersonAliasId")}
NOBODYS |= {("Attendance", "PersonAliasId"), ("PrayerRequest", "RequestedByPersonAliasId")}


@pytest.fixture(scope="module", params=list(Shape))
def church(request, tmp_path_factory) -> Church:
    return generate(tmp_path_factory.mktemp("church") / "rock.db", seed=11, people=700, shape=request.param)


def rows(church: Church, sql: str) -> list[tuple]:
    with sqlite3.connect(church.path) as database:
        found = database.execute(sql).fetchall()
    database.close()
    return found


def everything(path: Path) -> list[str]:
    with sqlite3.connect(path) as database:
        found = [line for line in database.iterdump() if "sqlite_stat" not in line]
    database.close()
    return found


def test_same_seed_same_rows(tmp_path):
    one = generate(tmp_path / "one.db", seed=5, people=60)
    two = generate(tmp_path / "two.db", seed=5, people=60)
    other = generate(tmp_path / "other.db", seed=6, people=60)
    assert everything(one.path) == everything(two.path)
    assert everything(one.path) != everything(other.path)
    assert one.install == two.install != other.install


def test_size_is_what_was_asked_for():
    for people in (50, 400):
        model = build(seed=1, people=people)
        assert people * 0.9 < len(model.people) < people * 1.15 + 10
        assert len(list(model.lines)) > people * 3
        assert len(model.attendances) >= people * 5


def test_every_trap_is_there(church):
    wanted = EVERYWHERE
    if church.shape is not Shape.V7:
        wanted = wanted | SINCE_V8
    if church.shape is Shape.CURRENT:
        wanted = wanted | ONLY_CURRENT
    if church.shape is Shape.V8_MIXED:
        wanted = wanted | {"placeholder-occurrence"}
    assert wanted - church.model.traps.keys() == set()


def test_traps_stay_rare_enough_for_a_real_church(church):
    expected = church.expected(Settings())
    people = len(expected.records["people"])
    flagged = sum(len(flags & {"person-unnamed", "email-invalid"}) for flags in expected.flagged["people"].values())
    assert 0 < flagged < people * 0.06
    gifts = len(expected.records["contributions"])
    assert gifts * 0.9 < expected.totals.counts["gift"] < gifts
    assert len(expected.skipped["attendance"]) < len(expected.records["attendance"]) * 0.1


def test_columns_have_the_declared_types(church):
    for table, columns in tables_of(church.shape).items():
        declared = {row[1]: row[2] for row in rows(church, f"PRAGMA table_info([{table}])")}
        assert list(declared) == [column.name for column in columns]
        for column in columns:
            if column.name != "Id":
                assert declared[column.name].lower() == column.sql_type.lower(), (table, column.name)


@pytest.mark.parametrize("shape", list(Shape))
def test_columns_of_each_release(shape):
    there = {(table, column.name) for table, columns in tables_of(shape).items() for column in columns}
    assert (("Attendance", "GroupId") in there) == (shape is not Shape.CURRENT)
    assert (("AttendanceOccurrence", "GroupId") in there) == (shape is not Shape.V7)
    assert (("Person", "PrimaryFamilyId") in there) == (shape is not Shape.V7)
    assert (("Group", "IsArchived") in there) == (shape is not Shape.V7)
    for late in (("Person", "PrimaryCampusId"), ("FinancialTransaction", "FutureProcessingDateTime")):
        assert (late in there) == (shape is Shape.CURRENT)
    assert (("PhoneNumber", "IsMessagingOptedOut") in there) == (shape is Shape.CURRENT)
    assert (("FinancialTransaction", "IsNonCash") in there) == (shape is not Shape.CURRENT)


def test_rows_point_at_rows(church):
    tables = tables_of(church.shape)
    for table, columns in tables.items():
        for column in columns:
            target = re.search(r"\bFK (\w+)", column.note)
            if target is None or target[1] not in tables or (table, column.name) in NOBODYS:
                continue
            lost = rows(
                church,
                f"SELECT COUNT(*) FROM [{table}] x WHERE x.[{column.name}] <> 0 AND NOT EXISTS"
                f" (SELECT 1 FROM [{target[1]}] y WHERE y.Id = x.[{column.name}])",
            )
            assert lost == [(0,)], (table, column.name)


def test_only_the_planted_aliases_are_nobodys(church):
    ghosts = rows(church, "SELECT COUNT(*) FROM PersonAlias WHERE PersonId NOT IN (SELECT Id FROM Person)")
    assert ghosts == [(church.model.traps["alias-of-nobody"],)]


def test_guids_are_unique_and_upper_case(church):
    for table in ("Person", "PersonAlias", "Group", "FinancialAccount", "DefinedValue"):
        found = [row[0] for row in rows(church, f"SELECT Guid FROM [{table}]")]
        assert len(found) == len(set(found)) > 0
        assert all(guid == guid.upper() and len(guid) == 36 for guid in found)


def test_occurrences_are_unique_as_in_rock(church):
    if church.shape is Shape.V7:
        assert rows(church, "SELECT name FROM sqlite_master WHERE name = 'AttendanceOccurrence'") == []
        return
    doubled = rows(
        church,
        "SELECT GroupId, LocationId, ScheduleId, OccurrenceDate FROM AttendanceOccurrence"
        " GROUP BY GroupId, LocationId, ScheduleId, OccurrenceDate HAVING COUNT(*) > 1",
    )
    assert doubled == []


def test_placeholder_rows_use_the_old_columns(church):
    if church.shape is not Shape.V8_MIXED:
        return
    assert rows(church, "SELECT OccurrenceDate, GroupId FROM AttendanceOccurrence WHERE Id = 1") == [
        ("1900-01-01", None)
    ]
    many, with_group = rows(church, "SELECT COUNT(*), COUNT(GroupId) FROM Attendance WHERE OccurrenceId = 1")[0]
    assert with_group > many * 0.9 > 50


def test_lines_add_up_to_the_database(church):
    in_file = rows(church, "SELECT COUNT(*), SUM(Amount) FROM FinancialTransactionDetail")[0]
    lines = list(church.model.lines)
    assert in_file == (len(lines), sum(line.cents for line in lines))


def test_texts_fit_their_columns(church):
    for table, columns in tables_of(church.shape).items():
        for column in columns:
            size = re.fullmatch(r"nvarchar\((\d+)\)", column.sql_type)
            if size:
                values = rows(church, f"SELECT [{column.name}] FROM [{table}] WHERE [{column.name}] IS NOT NULL")
                longest = max((len(str(row[0]).encode("utf-16-le")) // 2 for row in values), default=0)
                assert longest <= int(size[1]), (table, column.name)


def test_cells_are_those_of_the_test_server(church):
    line = next(church.model.lines)
    person = church.model.people[-1]
    assert to_cell("decimal(18,2)", Decimal(line.cents) / 100) == line.cents
    assert to_cell("datetime", person.created) == cell(person.created)
    assert to_cell("bit", True) == cell(True)
    assert to_cell("uniqueidentifier", person.guid) == person.guid


class Settings:
    """The defaults of an import."""

    campus_ids = ()
    include_without_campus = True
    date_range_start = None
    currency = "USD"
    transaction_types = ()
    statuses: dict = {}
