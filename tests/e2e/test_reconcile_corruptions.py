"""One thing at a time is wrong in Mission after an import: each turns the verdict and is named."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest

from local.church import Church, generate
from local.mission.control import MissionControl
from local.mission.direct import DirectMission
from migrate_contract.rockrms import Entity, ImportReport, ImportSettings, Verdict
from tests.harness.reconciled import Reconciled, wishes

Record = dict[str, Any]
Found = list[str]


class Planter:
    """Changes what Mission holds, behind the import's back."""

    def __init__(self, control: MissionControl) -> None:
        self._control = control
        self._records: dict[str, list[Record]] = {}

    def all(self, entity: str) -> list[Record]:
        if entity not in self._records:
            self._records[entity] = self._control.records(entity)
        return self._records[entity]

    def pick(self, entity: str, wanted: Callable[[Record], object] = bool) -> Record:
        found = [record for record in self.all(entity) if wanted(record)]
        return found[len(found) // 2]

    def change(self, entity: str, record: Record, **changes: Any) -> Found:
        assert any(record[name] != value for name, value in changes.items())
        self._control.change(entity, record["external_id"], **changes)
        return [record["external_id"]]

    def lose(self, entity: str, record: Record) -> Found:
        self._control.delete(entity, record["external_id"])
        return [record["external_id"]]

    def double(self, entity: str, record: Record) -> Found:
        self._control.double(entity, record["external_id"])
        return [record["external_id"]]

    def add(self, entity: str, record: Record, external_id: str) -> Found:
        self._control.add(entity, {**record, "external_id": external_id})
        return [external_id]


def _gift(record: Record) -> bool:
    return record["class"] == "gift"


def _cents(record: Record, by: int) -> str:
    whole = int(record["amount"].replace(".", "")) + by
    return f"{whole // 100}.{whole % 100:02d}"


def _other(plant: Planter, record: Record, field: str) -> Any:
    return next(each[field] for each in plant.all("contributions") if each[field] not in (record[field], None))


def _line(**changes: Callable[[Planter, Record], Any]) -> Callable[[Planter], Found]:
    def planted(plant: Planter) -> Found:
        record = plant.pick("contributions", lambda each: _gift(each) and each["external_person_id"] and each["batch"])
        made = {name: change(plant, record) for name, change in changes.items()}
        return plant.change("contributions", record, **made)

    return planted


def _over_new_year(plant: Planter, record: Record) -> str:
    day = date.fromisoformat(record["gift_date"])
    return date(day.year + 1, 1, 1).isoformat() if day.month > 6 else date(day.year - 1, 12, 31).isoformat()


def _next_day(plant: Planter, record: Record) -> str:
    day = date.fromisoformat(record["gift_date"])
    return (day + timedelta(days=1 if day.day < 28 else -1)).isoformat()


def _sign(kind: str) -> Callable[[Planter], Found]:
    def planted(plant: Planter) -> Found:
        record = plant.pick("contributions", lambda each: each["class"] == kind and each["amount"].startswith("-"))
        return plant.change("contributions", record, amount=record["amount"].removeprefix("-"))

    return planted


def _swapped_donors(plant: Planter) -> Found:
    first = plant.pick("contributions", lambda each: each["external_person_id"])
    second = plant.pick(
        "contributions", lambda each: each["external_person_id"] not in (None, first["external_person_id"])
    )
    return [
        *plant.change("contributions", first, external_person_id=second["external_person_id"]),
        *plant.change("contributions", second, external_person_id=first["external_person_id"]),
    ]


def _compensated(plant: Planter) -> Found:
    """A cent more here, a cent less there, of the same fund and year: no sum of a fund tells."""
    first = plant.pick("contributions", _gift)
    second = next(
        each
        for each in plant.all("contributions")
        if _gift(each)
        and each["external_id"] != first["external_id"]
        and each["fund_external_id"] == first["fund_external_id"]
        and each["gift_date"][:4] == first["gift_date"][:4]
    )
    return [
        *plant.change("contributions", first, amount=_cents(first, 1)),
        *plant.change("contributions", second, amount=_cents(second, -1)),
    ]


def _ten_lost(plant: Planter) -> Found:
    return [name for record in plant.all("contributions")[20:30] for name in plant.lose("contributions", record)]


def _lost(entity: str, wanted: Callable[[Record], object] = bool) -> Callable[[Planter], Found]:
    return lambda plant: plant.lose(entity, plant.pick(entity, wanted))


def _doubled(entity: str) -> Callable[[Planter], Found]:
    return lambda plant: plant.double(entity, plant.pick(entity))


def _added(entity: str, suffix: str) -> Callable[[Planter], Found]:
    def planted(plant: Planter) -> Found:
        record = plant.pick(entity)
        return plant.add(entity, record, record["external_id"].rpartition(":")[0] + ":" + suffix)

    return planted


def _changed(
    entity: str, wanted: Callable[[Record], object], change: Callable[[Record], Record]
) -> Callable[[Planter], Found]:
    def planted(plant: Planter) -> Found:
        record = plant.pick(entity, wanted)
        return plant.change(entity, record, **change(copy.deepcopy(record)))

    return planted


def _reparented(plant: Planter) -> Found:
    child = plant.pick("groups", lambda each: each["parent_external_id"])
    other = plant.pick(
        "groups", lambda each: each["external_id"] not in (child["external_id"], child["parent_external_id"])
    )
    return plant.change("groups", child, parent_external_id=other["external_id"])


def _another_person(plant: Planter) -> Found:
    record = plant.pick("attendance")
    other = plant.pick("people", lambda each: each["external_id"] != record["external_person_id"])
    return plant.change("attendance", record, external_person_id=other["external_id"])


MONEY: dict[str, Callable[[Planter], Found]] = {
    "a line lost": _lost("contributions", _gift),
    "a refund lost": _lost("contributions", lambda each: each["class"] == "refund"),
    "a zero line lost": _lost("contributions", lambda each: each["class"] == "zero"),
    "ten lines lost": _ten_lost,
    "a line doubled": _doubled("contributions"),
    "a cent more": _line(amount=lambda plant, record: _cents(record, 1)),
    "a cent less": _line(amount=lambda plant, record: _cents(record, -1)),
    "two cents that cancel out": _compensated,
    "the sign of a refund": _sign("refund"),
    "the sign of a correction": _sign("correction"),
    "the fund": _line(fund_external_id=lambda plant, record: _other(plant, record, "fund_external_id")),
    "the date over New Year": _line(gift_date=_over_new_year),
    "the date by a day": _line(gift_date=_next_day),
    "the class": _line(**{"class": lambda plant, record: "correction"}),
    "the donor": _line(external_person_id=lambda plant, record: _other(plant, record, "external_person_id")),
    "two donors swapped": _swapped_donors,
    "the donor lost": _line(external_person_id=lambda plant, record: None),
    "the giving unit": _line(giving_unit=lambda plant, record: _other(plant, record, "giving_unit")),
    "the batch": _line(batch=lambda plant, record: _other(plant, record, "batch")),
    "the batch lost": _line(batch=lambda plant, record: None),
    "the payment method": _line(payment_method=lambda plant, record: _other(plant, record, "payment_method")),
    "a line that Rock does not have": _added("contributions", "99999999"),
    "an id that means nothing": _added("contributions", "abc"),
    "a person lost": _lost("people"),
    "a family lost": _lost("families"),
    "an attendance lost": _lost("attendance"),
    "an attendance doubled": _doubled("attendance"),
    "a prayer lost": _lost("prayer-requests"),
    "a person doubled": _doubled("people"),
}
"""What a sum or a list of Mission's tells, however large the church is."""
MONEY_FIELDS: dict[str, Callable[[Planter], Found]] = {
    "the currency": _line(currency=lambda plant, record: "EUR"),
    "the header": _line(transaction_external_id=lambda plant, record: _other(plant, record, "transaction_external_id")),
    "the flag of foreign money": _line(is_foreign_currency=lambda plant, record: not record["is_foreign_currency"]),
    "what is refunded": _changed("contributions", lambda each: each["refund_of"], lambda each: {"refund_of": None}),
}
COUNTED: dict[str, Callable[[Planter], Found]] = {
    "a phone lost": _changed("people", lambda each: each["phones"], lambda each: {"phones": each["phones"][1:]}),
    "an email lost": _changed("people", lambda each: each["email"], lambda each: {"email": None}),
    "a birth date lost": _changed("people", lambda each: each["birth_date"], lambda each: {"birth_date": None}),
    "a member of a family lost": _changed(
        "families", lambda each: each["members"], lambda each: {"members": each["members"][1:]}
    ),
    "an address lost": _changed("families", lambda each: each["address"], lambda each: {"address": None}),
    "a member of a group lost": _changed(
        "groups", lambda each: each["members"], lambda each: {"members": each["members"][1:]}
    ),
    "a member of a group doubled": _changed(
        "groups", lambda each: each["members"], lambda each: {"members": [*each["members"], each["members"][0]]}
    ),
    "an attendance on another day": _changed("attendance", bool, lambda each: {"date": "2001-01-07"}),
    "an attendance of another person": _another_person,
}
"""What Mission's own counts tell."""
FIELDS: dict[str, Callable[[Planter], Found]] = {
    "a digit of a phone": _changed(
        "people",
        lambda each: each["phones"],
        lambda each: {
            "phones": [{**each["phones"][0], "number": "1" + each["phones"][0]["number"]}, *each["phones"][1:]]
        },
    ),
    "an email changed": _changed("people", lambda each: each["email"], lambda each: {"email": "x" + each["email"]}),
    "a birth date changed": _changed(
        "people", lambda each: each["birth_date"], lambda each: {"birth_date": "1950-02-03"}
    ),
    "a last name": _changed("people", bool, lambda each: {"last_name": "Somebody Else"}),
    "a death": _changed("people", bool, lambda each: {"is_deceased": not each["is_deceased"]}),
    "the number of a merged person": _changed(
        "people", lambda each: each["former_external_ids"], lambda each: {"former_external_ids": []}
    ),
    "a street": _changed(
        "families",
        lambda each: each["address"],
        lambda each: {"address": {**each["address"], "street1": "1 Elsewhere"}},
    ),
    "a role in a family": _changed(
        "families",
        lambda each: each["members"],
        lambda each: {"members": [{**each["members"][0], "role": "other"}, *each["members"][1:]]},
    ),
    "the parent of a group": _reparented,
    "a leader": _changed(
        "groups",
        lambda each: each["members"],
        lambda each: {
            "members": [{**each["members"][0], "is_leader": not each["members"][0]["is_leader"]}, *each["members"][1:]]
        },
    ),
    "a closed group": _changed(
        "groups", bool, lambda each: {"status": "active" if each["status"] == "closed" else "closed"}
    ),
    "the group of an attendance": _changed(
        "attendance", lambda each: each["group_external_id"], lambda each: {"group_external_id": None}
    ),
    "a prayer made public": _changed(
        "prayer-requests", lambda each: not each["is_public"], lambda each: {"is_public": True}
    ),
    "a prayer's text": _changed("prayer-requests", bool, lambda each: {"text": "quite another secret"}),
}
"""What only reading back tells."""


@dataclass
class Imported:
    run: Reconciled
    mission: DirectMission

    def with_settings(self, settings: ImportSettings) -> Reconciled:
        self.run.settings = settings
        return self.run


@pytest.fixture(scope="module")
def church(tmp_path_factory: pytest.TempPathFactory) -> Church:
    return generate(tmp_path_factory.mktemp("church") / "rock.sqlite", seed=11, people=80)


@pytest.fixture(scope="module")
def imported(church: Church, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Imported]:
    mission = DirectMission()
    run = Reconciled(church, tmp_path_factory.mktemp("work"), wishes(), mission)
    run.run()
    mission.service.store.snapshot()
    yield Imported(run, mission)
    run.close()
    mission.close()


@pytest.fixture
def planter(imported: Imported) -> Planter:
    imported.mission.service.store.restore()
    return Planter(imported.mission.control)


def _named(report: ImportReport) -> set[str]:
    rows = [row for row in report.rows if row.verdict is Verdict.DIFFERS]
    return {text.split(": ")[0] for row in rows for text in row.records} | {each.external_id for each in report.gone}


def _quality(report: ImportReport, entity: str) -> float:
    found = next(each.quality for each in report.entities if each.entity.value == entity)
    assert found is not None
    return found


def test_nothing_planted(imported: Imported, planter: Planter) -> None:
    report = imported.with_settings(wishes()).verify()
    assert (report.financial_match, report.quality_score, report.reason) == (True, 100.0, "")
    assert all(row.verdict is Verdict.MATCH for row in report.rows)
    assert report.unexplained == "0.00"


@pytest.mark.parametrize("planted", [*MONEY, *MONEY_FIELDS])
def test_money(imported: Imported, planter: Planter, planted: str) -> None:
    names = (MONEY | MONEY_FIELDS)[planted](planter)
    report = imported.with_settings(wishes()).verify()
    assert report.financial_match is False
    assert report.reason
    assert set(names) <= _named(report)
    assert report.quality_score is not None
    assert report.quality_score < 100


@pytest.mark.parametrize("planted", [*COUNTED, *FIELDS])
def test_records(imported: Imported, planter: Planter, planted: str) -> None:
    names = (COUNTED | FIELDS)[planted](planter)
    report = imported.with_settings(wishes()).verify()
    assert set(names) <= _named(report)
    assert report.quality_score is not None
    assert report.quality_score < 100
    assert report.financial_match is True
    assert "secret" not in report.model_dump_json()


@pytest.mark.parametrize("planted", [*MONEY, *COUNTED])
def test_found_without_any_sample(imported: Imported, planter: Planter, planted: str) -> None:
    """Above what is read back, sums narrow down what is looked up."""
    names = (MONEY | COUNTED)[planted](planter)
    report = imported.with_settings(wishes(readback_records=0, sample_records=0)).verify()
    assert set(names) <= _named(report)
    assert report.quality_score is not None
    assert report.quality_score < 100
    if planted in MONEY:
        assert report.financial_match is False


def test_acknowledged_only(imported: Imported, planter: Planter) -> None:
    report = imported.with_settings(wishes()).verify(asked=False)
    assert report.financial_match is None
    assert report.quality_score is None
    assert report.evidence.value == "acknowledged"
    assert {row.verdict for row in report.rows} == {Verdict.UNKNOWN}


def test_a_subset_of_entities_is_judged_alone(imported: Imported, planter: Planter) -> None:
    report = imported.with_settings(wishes(entities=[Entity.PEOPLE, Entity.FAMILIES])).verify()
    assert [each.entity for each in report.entities] == [Entity.PEOPLE, Entity.FAMILIES]
    assert report.bridge == []
