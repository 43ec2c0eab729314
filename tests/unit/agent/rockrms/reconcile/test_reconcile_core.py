"""Properties of the pure core: classes, buckets, dates, cells, bridge, verdicts, fields."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate_agent.rockrms.reconcile.bridge import Step, bridge
from migrate_agent.rockrms.reconcile.fields import differences
from migrate_agent.rockrms.reconcile.judgement import Examined, financial_match, overall_quality, quality_of
from migrate_agent.rockrms.reconcile.lines import (
    CONTRIBUTION,
    GIVER_ANONYMOUS,
    Bucket,
    LineClass,
    LineFilter,
    SourceLine,
    bucket_of,
    campus_of,
    cents,
    class_of,
    day_of,
    decimal_of,
    donor_of,
    giving_unit_of,
    no_gift,
)
from migrate_agent.rockrms.reconcile.rows import cell_rows, in_order, merged, money_row, number_row
from migrate_agent.rockrms.reconcile.workbook import Cell
from migrate_contract.rockrms import Entity, Evidence, ReconciliationRow, Verdict

WHOLE = st.integers(-(10**14), 10**14)
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1))  # noqa: DTZ001 - church-local
CELLS = st.lists(
    st.builds(
        Cell,
        st.tuples(st.sampled_from("ab"), st.sampled_from(["2023", "2024"]), st.sampled_from(["gift", "refund"])),
        st.integers(0, 50),
        WHOLE,
        st.integers(0, 50),
        WHOLE,
    ),
    max_size=12,
)


def _line(**changes: Any) -> SourceLine:
    base: dict[str, Any] = dict.fromkeys(SourceLine._fields)
    base |= {
        "line_id": 7,
        "transaction_id": 3,
        "amount": Decimal("12.30"),
        "account_guid": "a",
        "type_guid": CONTRIBUTION,
    }
    return SourceLine(**(base | changes))


@given(WHOLE, st.booleans())
def test_a_line_has_one_class(whole: int, refund: bool) -> None:
    found = class_of(whole, refund=refund)
    assert (found is LineClass.REFUND) == refund
    if not refund:
        assert found is (LineClass.GIFT if whole > 0 else LineClass.CORRECTION if whole < 0 else LineClass.ZERO)


@given(WHOLE)
def test_cents_are_exact(whole: int) -> None:
    assert cents(decimal_of(whole)) == whole
    assert -decimal_of(whole).as_tuple().exponent == 2  # type: ignore[operator]


def test_a_third_place_is_no_money() -> None:
    with pytest.raises(ValueError, match="two decimal places"):
        cents(Decimal("1.005"))


@given(st.lists(st.none() | MOMENTS, min_size=4, max_size=4))
def test_the_date_is_the_first_that_is_there_as_stored(moments: list[datetime | None]) -> None:
    names = ("transaction_at", "batch_start_at", "transaction_created_at", "line_created_at")
    day, origin = day_of(_line(**dict(zip(names, moments, strict=True))))
    there = [
        (moment, name)
        for moment, name in zip(moments, ("transaction", "batch", "created", "created"), strict=True)
        if moment
    ]
    assert (day, origin) == ((there[0][0].date(), there[0][1]) if there else (None, "none"))


@given(
    st.none() | st.dates(date(2000, 1, 1), date(2030, 1, 1)),
    st.frozensets(st.integers(1, 4), max_size=3),
    st.booleans(),
    st.none() | st.integers(1, 4),
    st.none() | st.integers(1, 4),
    MOMENTS,
    st.sampled_from([CONTRIBUTION, "other", None]),
    st.none() | MOMENTS,
    st.sampled_from([None, "", "Failed", " FAILED ", "Pending"]),
)
def test_a_line_has_one_bucket_and_no_filter_hides_another_reason(
    first: date | None,
    campuses: frozenset[int],
    without: bool,
    account: int | None,
    batch: int | None,
    moment: datetime,
    kind: str | None,
    future: datetime | None,
    status: str | None,
) -> None:
    line = _line(
        transaction_at=moment,
        account_campus_id=account,
        batch_campus_id=batch,
        type_guid=kind,
        future_at=future,
        status=status,
    )
    day, _ = day_of(line)
    open_wide = bucket_of(line, day, LineFilter())
    found = bucket_of(line, day, LineFilter(first, campuses, without))
    assert found in {open_wide, Bucket.BEFORE, Bucket.CAMPUS}
    passes_day = first is None or moment.date() >= first
    campus = campus_of(line)
    passes_campus = not campuses or (without if campus is None else campus in campuses)
    if passes_day and passes_campus:
        assert found is open_wide
    elif not passes_day:
        assert found is Bucket.BEFORE
    else:
        assert found is Bucket.CAMPUS


@pytest.mark.parametrize(
    ("status", "decided", "left_out"),
    [
        (None, {}, False),
        ("  ", {}, False),
        ("Failed", {}, True),
        (" failed ", {"failed": "gift"}, False),
        ("Pending", {}, False),
        ("Pending", {"pending": "not_gift"}, True),
        ("Declined", {}, False),
    ],
)
def test_statuses(status: str | None, decided: dict[str, str], left_out: bool) -> None:
    assert no_gift(status, decided) is left_out


@pytest.mark.parametrize(
    ("changes", "donor", "unit"),
    [
        ({}, None, None),
        ({"person_id": 5, "person_guid": GIVER_ANONYMOUS, "giving_id": "P5"}, None, None),
        ({"person_id": 5, "person_guid": "x", "giving_id": "G12"}, 5, "G12"),
        ({"person_id": 5, "person_guid": "x", "giving_id": "nonsense", "giving_group_id": 9}, 5, "G9"),
        ({"person_id": 5, "person_guid": "x"}, 5, "P5"),
    ],
)
def test_donor_and_giving_unit(changes: dict[str, Any], donor: int | None, unit: str | None) -> None:
    assert (donor_of(_line(**changes)), giving_unit_of(_line(**changes))) == (donor, unit)


@given(CELLS)
def test_coarser_cells_keep_every_line_and_cent(cells: list[Cell]) -> None:
    coarse = merged(cells, lambda key: (key[0], "", ""))
    for place in range(1, 5):
        assert sum(cell[place] for cell in coarse) == sum(cell[place] for cell in cells)  # type: ignore[misc]
    assert [cell.key for cell in coarse] == sorted({(cell.key[0], "", "") for cell in cells})


@given(CELLS)
def test_rows_say_target_less_source(cells: list[Cell]) -> None:
    rows = list(cell_rows(cells, "batch", lambda key: (key[0], ""), lambda cell: ["x"]))
    assert len(rows) == 2 * len(cells)
    for cell, (net, lines) in zip(cells, zip(rows[::2], rows[1::2], strict=True), strict=True):
        assert Decimal(net.difference or "") == decimal_of(cell.target_cents - cell.source_cents)
        assert int(lines.difference or "") == cell.target_count - cell.source_count
        assert (net.verdict is Verdict.MATCH and lines.verdict is Verdict.MATCH) == (not cell.differs)
        assert bool(net.records) == cell.differs


@given(st.lists(st.booleans(), max_size=30), st.integers(1, 20))
def test_what_differs_is_never_left_off_first(unlike: list[bool], limit: int) -> None:
    rows = [number_row(Entity.PEOPLE, "records", 1, 2 if differs else 1) for differs in unlike]
    kept, left_off = in_order(rows, limit)
    assert len(kept) + left_off == len(rows)
    assert sum(row.verdict is Verdict.DIFFERS for row in kept) == min(limit, sum(unlike))


CODES = ("before", "campus", "type", "future", "failed", "errored", "outside", "kept", "gone")


@given(
    st.dictionaries(st.sampled_from(CODES), st.builds(Step, st.integers(0, 99), WHOLE)),
    st.integers(0, 999),
    WHOLE,
    WHOLE,
)
def test_the_bridge_leaves_what_its_lines_do_not_add_up_to(
    steps: dict[str, Step], count: int, whole: int, stray: int
) -> None:
    off = ("before", "campus", "type", "future", "failed", "errored")
    expected = whole + sum((-1 if code in off else 1) * step.cents for code, step in steps.items())
    lines = count + sum((-1 if code in off else 1) * step.count for code, step in steps.items())
    made = bridge(Step(count, whole), steps, Step(lines + 1, expected + stray))
    assert made.unexplained == decimal_of(stray)
    assert made.unexplained_lines == 1
    assert sum(Decimal(line.amount) for line in made.lines[:-1]) == decimal_of(expected)
    assert made.lines[-1].code == "mission"


def _row(measure: str, *, unlike: bool = False, entity: Entity = Entity.CONTRIBUTIONS) -> ReconciliationRow:
    return money_row(entity, measure, 100, 101 if unlike else 100)


def _match(rows: Sequence[ReconciliationRow], **changes: Any) -> bool | None:
    given: dict[str, Any] = {"errored": 0, "gone_undecided": 0, "unexplained": Decimal(0), "evidence": Evidence.MISSION}
    return financial_match(rows, **(given | changes))


@pytest.mark.parametrize(
    ("rows", "changes", "expected"),
    [
        ([_row("net")], {}, True),
        ([_row("net"), _row("batch_net", unlike=True)], {}, False),
        ([_row("net"), _row("records", entity=Entity.PEOPLE, unlike=True)], {}, False),
        ([_row("net"), _row("phones", entity=Entity.PEOPLE, unlike=True)], {}, True),
        ([_row("net")], {"errored": 1}, False),
        ([_row("net")], {"gone_undecided": 1}, False),
        ([_row("net")], {"unexplained": Decimal("0.01")}, False),
        ([_row("net")], {"evidence": Evidence.ACKNOWLEDGED}, None),
        ([_row("net"), money_row(Entity.CONTRIBUTIONS, "gross", 1, None)], {}, None),
        ([], {}, None),
    ],
)
def test_financial_match(rows: list[ReconciliationRow], changes: dict[str, Any], expected: bool | None) -> None:
    assert _match(rows, **changes) is expected


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 3_000), st.integers(0, 3_000), st.booleans())
def test_quality_is_floored_and_full_only_if_all_agree(
    scope: int, wrong: int, compared: int, compared_wrong: int, agree: bool
) -> None:
    compared_wrong = min(compared, compared_wrong)
    score = quality_of(Examined(Entity.PEOPLE, scope, wrong, compared, compared_wrong), all_agree=agree)
    assert 0 <= score <= 100
    assert round(score * 10) == pytest.approx(score * 10)
    if not agree:
        assert score <= 99.9
    if wrong or compared_wrong:
        assert score <= 99.9
    if scope:
        assert score <= 100 * max(0, scope - wrong) / scope
    if agree and not wrong and not compared_wrong:
        assert score == 100


def test_overall_quality_is_the_lowest() -> None:
    assert overall_quality([100.0, 99.9, 99.3]) == 99.3
    assert overall_quality([]) is None


LEAVES = st.none() | st.booleans() | st.integers(-5, 5) | st.text("abc", max_size=3)
RECORDS = st.dictionaries(
    st.sampled_from(
        ["external_id", "first_name", "email", "text", "campus", "phones", "members", "is_public", "notes"]
    ),
    LEAVES
    | st.dictionaries(st.sampled_from(["external_id", "name"]), LEAVES)
    | st.lists(
        st.fixed_dictionaries({"external_id": st.text("xyz", min_size=1, max_size=2), "number": LEAVES}), max_size=3
    ),
)


@given(RECORDS, st.sampled_from(list(Entity)), st.randoms())
def test_equal_records_have_no_difference_whatever_their_order(
    record: dict[str, Any], entity: Entity, rng: Any
) -> None:
    held = copy.deepcopy(record)
    for value in held.values():
        if isinstance(value, list) and len({part["external_id"] for part in value}) == len(value):
            rng.shuffle(value)
    assert differences(entity, record, {**held, "mission_note": "its own"}) == []


@given(RECORDS.filter(bool), st.sampled_from(list(Entity)), st.data())
def test_one_changed_field_is_one_difference(record: dict[str, Any], entity: Entity, data: Any) -> None:
    name = data.draw(st.sampled_from(sorted(record)))
    held = {**record, name: "quite another secret"}
    found = differences(entity, record, held)
    assert {each.field.split(".")[0].split("[")[0] for each in found} == {name}
    if entity is Entity.PRAYER_REQUESTS and name in ("text", "first_name", "email"):
        assert all("secret" not in each.said for each in found)


@pytest.mark.parametrize(
    ("sent", "held", "same"), [("12.30", "12.3", True), ("12.30", "12.31", False), ("1.00", "x", False)]
)
def test_money_is_compared_as_money(sent: str, held: str, same: bool) -> None:
    assert (differences(Entity.CONTRIBUTIONS, {"amount": sent}, {"amount": held}) == []) is same


def test_a_flag_is_no_number() -> None:
    assert differences(Entity.PRAYER_REQUESTS, {"is_public": False}, {"is_public": 0}) != []
