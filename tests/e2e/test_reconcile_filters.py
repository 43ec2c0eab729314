"""Filters raise no false alarm; what Rock does during an import is explained by name."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from local.church import Church, Shape, generate
from local.mission.direct import DirectMission
from migrate_contract.rockrms import Entity, ImportReport, ImportSettings, Verdict
from tests.harness.reconciled import ZONE, Reconciled, wishes

BOOKSTORE = "8f5c40fc-2ff0-4f89-a6d2-84b7cf1a3034"
EVENTS = "33cb96dd-8752-4bee-a142-88db7de538f0"

COMBINATIONS: dict[str, dict[str, Any]] = {
    "one campus": {"campus_ids": [2]},
    "one campus, nothing without": {"campus_ids": [3], "include_without_campus": False},
    "two campuses": {"campus_ids": [2, 4]},
    "a campus that nobody has": {"campus_ids": [99], "include_without_campus": False},
    "since a date": {"date_range_start": date(2024, 1, 1)},
    "since a date in the future": {"date_range_start": date(2030, 1, 1)},
    "since a date, one campus": {"date_range_start": date(2023, 7, 1), "campus_ids": [2]},
    "more types": {"transaction_types": [EVENTS, BOOKSTORE]},
    "statuses decided": {"statuses": {"Voided?": "not_gift", "PENDING": "not_gift", " failed": "gift"}},
    "types and statuses": {"transaction_types": [EVENTS], "statuses": {"pending": "not_gift"}},
    "types, date, campus, nothing without": {
        "transaction_types": [EVENTS, BOOKSTORE],
        "date_range_start": date(2024, 3, 1),
        "campus_ids": [2, 3],
        "include_without_campus": False,
    },
    "gifts alone after all people": {"entities": [Entity.PEOPLE, Entity.CONTRIBUTIONS], "campus_ids": [4]},
}


def _settings(given: dict[str, Any]) -> ImportSettings:
    return ImportSettings.model_validate_json(json.dumps({"time_zone": ZONE, **given}, default=str))


@pytest.fixture(scope="module")
def church(tmp_path_factory: pytest.TempPathFactory) -> Church:
    return generate(tmp_path_factory.mktemp("church") / "rock.sqlite", seed=11, people=80)


@pytest.fixture
def mission() -> Iterator[DirectMission]:
    made = DirectMission()
    yield made
    made.close()


def _unlike(report: ImportReport) -> list[tuple[str, str, str, str | None, list[str]]]:
    return [
        (row.measure, row.key, row.source_value, row.target_value, row.records)
        for row in report.rows
        if row.verdict is not Verdict.MATCH
    ]


@pytest.mark.parametrize("name", list(COMBINATIONS))
def test_no_false_alarm(church: Church, mission: DirectMission, tmp_path: Path, name: str) -> None:
    settings = _settings(COMBINATIONS[name])
    run = Reconciled(church, tmp_path, settings, mission)
    try:
        run.run()
        report = run.verify()
    finally:
        run.close()
    assert _unlike(report) == []
    assert (report.financial_match, report.quality_score, report.unexplained) == (True, 100.0, "0.00")
    expected = church.expected(settings).totals
    assert report.totals.gross == f"{expected.gross / 100:.2f}"
    assert report.totals.net == f"{expected.net / 100:.2f}"


@pytest.mark.parametrize("shape", [Shape.V7, Shape.V8_MIXED])
def test_older_shapes(mission: DirectMission, tmp_path: Path, shape: Shape) -> None:
    church = generate(tmp_path / "rock.sqlite", seed=5, people=60, shape=shape)
    run = Reconciled(church, tmp_path, wishes(), mission)
    try:
        run.run()
        report = run.verify()
    finally:
        run.close()
    assert _unlike(report) == []
    assert (report.financial_match, report.quality_score) == (True, 100.0)


def test_a_narrower_import_after_a_wide_one(church: Church, mission: DirectMission, tmp_path: Path) -> None:
    """What an earlier import brought stands in the bridge, and is no difference."""
    wide = Reconciled(church, tmp_path, wishes(), mission)
    try:
        wide.run()
        wide.settings = _settings({"date_range_start": date(2024, 1, 1), "campus_ids": [2]})
        report = wide.verify()
    finally:
        wide.close()
    assert report.financial_match is True
    outside = next(line for line in report.bridge if line.code == "outside")
    assert outside.count > 0
    assert outside.records
    assert report.unexplained == "0.00"


@pytest.fixture
def moving(mission: DirectMission, tmp_path: Path) -> Iterator[Reconciled]:
    made = generate(tmp_path / "rock.sqlite", seed=11, people=60)
    run = Reconciled(made, tmp_path, wishes(), mission)
    yield run
    run.close()


def _rock(run: Reconciled, *statements: str) -> None:
    with sqlite3.connect(run.church.path) as database:
        for statement in statements:
            database.execute(statement)
    database.close()


def _line(run: Reconciled, wanted: str = "d.Amount > 500") -> int:
    """Result: a line in scope."""
    with sqlite3.connect(run.church.path) as database:
        rows = database.execute(
            "SELECT d.Id FROM FinancialTransactionDetail d JOIN FinancialTransaction t ON t.Id = d.TransactionId"
            " JOIN DefinedValue v ON v.Id = t.TransactionTypeValueId"
            f" WHERE {wanted} AND v.Guid = '2D607262-52D6-4724-910D-5C6E8FB89ACC' AND t.Status IS NULL"
            " AND t.FutureProcessingDateTime IS NULL ORDER BY d.Id"
        ).fetchall()
    database.close()
    return int(rows[len(rows) // 2][0])


def test_gifts_entered_during_the_import(moving: Reconciled) -> None:
    """Beyond the high-water mark: the next run's. Below it (an identity that was taken and committed late): sent."""
    moving.take_before()
    moving.run()
    line = _line(moving)
    columns = "TransactionId, AccountId, Amount"
    copy = (
        f"INSERT INTO FinancialTransactionDetail (Id, {columns}, Guid) SELECT {{}}, {columns}, 'X' || Guid"
        f" FROM FinancialTransactionDetail WHERE Id = {line}"
    )
    free = _free_id(moving)
    _rock(moving, copy.format(free), copy.format(10_000))
    report = moving.verify()
    name = moving.facts.external_id("FinancialTransactionDetail", free)
    assert [text for text in report.changed_during if text.startswith(name)] == [
        f"{name}: entered in Rock during the import; read again"
    ]
    assert report.financial_match is True
    assert not any(":10000" in text for text in report.changed_during)


def _free_id(run: Reconciled) -> int:
    with sqlite3.connect(run.church.path) as database:
        taken = {row[0] for row in database.execute("SELECT Id FROM FinancialTransactionDetail")}
    database.close()
    return next(number for number in range(1, max(taken)) if number not in taken)


_LINE = "UPDATE FinancialTransactionDetail SET"
_HEADER = "UPDATE FinancialTransaction SET"
_OF_LINE = "(SELECT TransactionId FROM FinancialTransactionDetail WHERE Id = {})"
EDITS: dict[str, Callable[[int], str]] = {
    "amount": lambda line: f"{_LINE} Amount = Amount + 1 WHERE Id = {line}",
    "fund": lambda line: (
        f"{_LINE} AccountId = (SELECT MIN(Id) FROM FinancialAccount WHERE Id <> AccountId) WHERE Id = {line}"
    ),
    "year": lambda line: (
        f"{_HEADER} TransactionDateTime = '2019-12-31 23:59:59.000' WHERE Id = {_OF_LINE.format(line)}"
    ),
}


@pytest.mark.parametrize("edited", list(EDITS))
def test_a_gift_edited_during_the_import(moving: Reconciled, edited: str) -> None:
    moving.take_before()
    moving.run()
    line = _line(moving)
    _rock(moving, EDITS[edited](line))
    report = moving.verify()
    name = moving.facts.external_id("FinancialTransactionDetail", line)
    assert f"{name}: edited in Rock during the import; read again" in report.changed_during
    assert (report.financial_match, report.unexplained) == (True, "0.00")
    assert _unlike(report) == []


def test_an_edit_that_nobody_sends_again_is_a_difference(moving: Reconciled) -> None:
    moving.run()
    line = _line(moving)
    _rock(moving, EDITS["amount"](line))
    report = moving.verify()
    name = moving.facts.external_id("FinancialTransactionDetail", line)
    assert report.financial_match is False
    assert any(name in text for row in report.rows for text in row.records)
    assert report.unexplained == "-0.01"


def test_a_gift_deleted_during_the_import(moving: Reconciled) -> None:
    moving.take_before()
    moving.run()
    line = _line(moving)
    name = moving.facts.external_id("FinancialTransactionDetail", line)
    _rock(moving, f"DELETE FROM FinancialTransactionDetail WHERE Id = {line}")
    report = moving.verify()
    assert f"{name}: deleted in Rock during the import; not in Rock any more" in report.changed_during
    assert [each.external_id for each in report.gone] == [name]
    assert report.financial_match is False
    assert report.unexplained == "0.00"
    assert next(step for step in report.bridge if step.code == "gone").records == [name]

    moving.settings = _settings({"gone": [{"external_id": name, "decision": "keep"}]})
    kept = moving.verify()
    assert kept.financial_match is True
    assert [each.decision for each in kept.gone] == ["keep"]
    assert next(step for step in kept.bridge if step.code == "kept").records == [name]

    moving.client.void(moving.envelope, [name], "void-1")
    moving.settings = wishes()
    voided = moving.verify()
    assert voided.financial_match is True
    assert voided.gone == []


def test_a_gift_that_failed_afterwards_must_not_stay(moving: Reconciled) -> None:
    moving.run()
    line = _line(moving)
    _rock(moving, f"{_HEADER} Status = 'FAILED ' WHERE Id = {_OF_LINE.format(line)}")
    report = moving.verify()
    assert report.financial_match is False
    assert moving.facts.external_id("FinancialTransactionDetail", line) in {each.external_id for each in report.gone}


def test_an_errored_gift_is_a_step_of_the_bridge(moving: Reconciled) -> None:
    moving.run()
    line = _line(moving)
    name = moving.facts.external_id("FinancialTransactionDetail", line)
    moving.mission.control.delete("contributions", name)
    moving.journal.failed[Entity.CONTRIBUTIONS] = [(line, "mission-record-refused")]
    counts = moving.journal.tallies[Entity.CONTRIBUTIONS]
    counts["imported"], counts["errored"] = counts["imported"] - 1, 1
    report = moving.verify()
    assert (report.financial_match, report.unexplained) == (False, "0.00")
    assert "1 record errored" in report.reason
    step = next(step for step in report.bridge if step.code == "errored")
    assert (step.count, step.records) == (-1, [name])
    (row,) = [row for row in report.rows if row.measure == "records" and row.verdict is Verdict.DIFFERS]
    assert row.records == [f"{name}: not in Mission: mission-record-refused"]
    assert moving.journal.forgotten == {}


def test_people_changed_during_the_import(moving: Reconciled) -> None:
    moving.take_before()
    moving.run()
    _rock(
        moving,
        "UPDATE Person SET LastName = 'Changed' WHERE Id = (SELECT PersonId FROM PhoneNumber ORDER BY Id LIMIT 1)",
    )
    report = moving.verify()
    assert len(report.changed_during) == 1
    assert "edited in Rock during the import; read again" in report.changed_during[0]
    assert (report.financial_match, report.quality_score) == (True, 100.0)


def test_a_dry_run_tells_rocks_side(moving: Reconciled) -> None:
    report = moving.dry_run()
    assert report.stage.value == "dry_run"
    assert report.financial_match is None
    expected = moving.church.expected(moving.settings).totals
    assert report.totals.net == f"{expected.net / 100:.2f}"
    assert {status.status for status in report.statuses} >= {"success"}
    assert report.other_types
    assert report.funds
    assert {found.code for found in report.quality} >= {"gift-date-missing", "batch-control-differs"}
