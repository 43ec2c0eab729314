"""Whole imports of a church into a Mission: what Mission then holds is what the church's own model says.

Nothing of the comparison comes from the import: not its journal, not its counts, not its SQL. The sums of the church's
model are put beside Mission's totals and beside the report, so that all three agree or a test fails.
"""

from __future__ import annotations

import dataclasses
import random
import threading
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.church import ENTITIES, Church, ExpectedMission, Shape, compare, mutations
from local.church.making import TODAY
from local.church.reading import money
from local.mission.direct import DirectMission
from local.sqlserver import SqlServer
from migrate_agent.rockrms.import_run import ImportPorts
from migrate_agent.rockrms.mission.patience import Patience
from migrate_agent.rockrms.mission.port import Dimension, Envelope
from migrate_contract.rockrms import Entity, ImportReport, ImportSettings
from tests.harness.church_import import listed
from tests.harness.rock_import import RockImport, a_church, a_spec


@pytest.fixture
def mission():
    found = DirectMission()
    yield found
    found.close()


def wishes(**settings: Any) -> ImportSettings:
    found = a_spec(**settings).rockrms
    assert found is not None
    return found


def held(mission: DirectMission) -> dict[str, list[dict[str, Any]]]:
    return {entity: mission.control.records(entity) for entity in ENTITIES}


def imported(church: Church, mission: DirectMission, folder: Path, **settings: Any) -> ImportReport:
    with SqlServer(church.path) as server:
        work = RockImport(folder, server, mission)
        try:
            assert work.run(a_spec(**settings)).fault is None
            return work.report
        finally:
            work.close()


@pytest.mark.parametrize("shape", list(Shape))
def test_a_whole_import_gives_the_expected_mission(shape, mission, tmp_path):
    church = a_church(tmp_path, people=500, seed=31, shape=shape)
    report = imported(church, mission, tmp_path / "agent")
    expected = church.expected(wishes())
    different = compare(expected, held(mission))
    assert not different, listed(different)
    assert by_id(mission.service.store.funds()) == by_id(expected.funds.values())
    assert (report.financial_match, report.quality_score, report.unexplained) == (True, 100.0, "0.00")
    counts_agree(expected, report)
    sums_agree(expected, report, mission, church)


def test_a_filtered_import_gives_the_expected_mission(mission, tmp_path):
    church = a_church(tmp_path, people=500, seed=32)
    filters: dict[str, Any] = {
        "campus_ids": [church.model.campuses[0].id],
        "date_range_start": date(2023, 1, 1),
        "transaction_types": [church.model.values["pledge-gift"].guid.lower()],
        "currency": "CAD",
    }
    report = imported(church, mission, tmp_path / "agent", **filters)
    expected = church.expected(wishes(**filters))
    different = compare(expected, held(mission))
    assert not different, listed(different)
    assert report.financial_match is True
    counts_agree(expected, report)
    sums_agree(expected, report, mission, church)


def test_a_rerun_follows_what_people_did_in_rock(mission, tmp_path):
    church = a_church(tmp_path, people=250, seed=33)
    rng, at = random.Random(5), TODAY
    with SqlServer(church.path) as server:
        work = RockImport(tmp_path / "agent", server, mission)
        assert work.run(a_spec()).fault is None
        before = church.expected(wishes())
        for mutate in mutations.ALL * 2:
            at += timedelta(minutes=1)
            mutate(church, rng, at)
        assert work.run(a_spec(2)).fault is None
        report = work.report
        work.close()
    after = church.expected(wishes())
    gone = {
        before.records[entity][row]["external_id"]
        for entity, one in mutations.differing(before, after).items()
        for row in one.gone
    }
    assert gone
    assert {record.external_id for record in report.gone} == gone
    kept = {
        entity: [one for one in records if one["external_id"] not in gone] for entity, records in held(mission).items()
    }
    different = compare(after, kept)
    assert not different, listed(different)
    assert report.financial_match is False, "gifts that Rock has no more are undecided"


def test_one_field_changed_in_mission_is_seen_by_the_comparison(mission, tmp_path):
    church = a_church(tmp_path, people=100, seed=34)
    imported(church, mission, tmp_path / "agent")
    expected = church.expected(wishes())
    record = next(iter(expected.records["contributions"].values()))
    mission.control.change(Entity.CONTRIBUTIONS, record["external_id"], gift_date="2019-12-31")
    (difference,) = compare(expected, held(mission))
    assert (difference.external_id, difference.field) == (record["external_id"], "gift_date")


def by_id(funds: Any) -> dict[str, dict[str, Any]]:
    return {fund["external_id"]: fund for fund in funds}


def counts_agree(expected: ExpectedMission, report: ImportReport) -> None:
    for result in report.entities:
        wanted = len(expected.records[result.entity]), len(expected.skipped[result.entity])
        assert (result.mission, result.skipped) == wanted, result.entity


def sums_agree(expected: ExpectedMission, report: ImportReport, mission: DirectMission, church: Church) -> None:
    totals = expected.totals
    said = report.totals
    assert (said.gross, said.refunds, said.corrections, said.net) == (
        money(totals.gross),
        money(totals.refunds),
        money(totals.corrections),
        money(totals.net),
    )
    counted = (said.gifts, said.refund_lines, said.correction_lines, said.zero_lines)
    assert counted == tuple(totals.counts.get(which, 0) for which in ("gift", "refund", "correction", "zero"))
    wanted = {
        (Dimension.FUND, Dimension.YEAR): totals.by_fund_year,
        (Dimension.BATCH,): {(key,): value for key, value in totals.by_batch.items()},
        (Dimension.PAYMENT_METHOD,): {(key,): value for key, value in totals.by_payment_method.items()},
        (Dimension.GIVING_UNIT, Dimension.YEAR): totals.by_giving_unit_year,
    }
    client = mission.client()
    for dimensions, sums in wanted.items():
        rows = client.totals(Entity.CONTRIBUTIONS, church.install, dimensions)
        assert {row.key: (row.records, int(row.amount * 100)) for row in rows} == sums, dimensions


class Interrupted(RockImport):
    """An import during which something happens in Rock, once, after the first batch of an entity was taken."""

    def __init__(self, *given: Any, entity: Entity, happens: Callable[[], None]) -> None:
        super().__init__(*given)
        self._entity, self._happens, self._once = entity, happens, threading.Lock()

    def ports(self) -> ImportPorts:
        real = super().ports()
        assert real.open_mission is not None
        opens = real.open_mission

        def open_mission(patience: Patience) -> Any:
            return _Telling(opens(patience), self._sent)

        return dataclasses.replace(real, open_mission=open_mission)

    def _sent(self, entity: Entity) -> None:
        if entity is self._entity and self._once.acquire(blocking=False):
            self._happens()


class _Telling:
    """Mission's client; tells of each batch that was taken."""

    def __init__(self, client: Any, tell: Callable[[Entity], None]) -> None:
        self._client, self._tell = client, tell

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def send(self, entity: Entity, envelope: Envelope, bodies: Sequence[bytes], key: str) -> Any:
        answer = self._client.send(entity, envelope, bodies, key)
        self._tell(entity)
        return answer


BY_HAND = (mutations.edit_amount, mutations.edit_date, mutations.edit_fund, mutations.rename_person)


@pytest.mark.parametrize("entity", [Entity.PEOPLE, Entity.CONTRIBUTIONS, Entity.PRAYER_REQUESTS])
def test_what_people_do_in_rock_during_an_import(entity, mission, tmp_path):
    """Afterwards Mission is as Rock is at the end, but for rows newer than the import and for what is gone."""
    church = a_church(tmp_path, people=250, seed=35)
    before, rng = church.expected(wishes()), random.Random(6)

    def happens() -> None:
        for place, mutate in enumerate(mutations.ALL):
            mutate(church, rng, TODAY + timedelta(minutes=place))
        for by_hand in BY_HAND:
            by_hand(church, rng, None)

    with SqlServer(church.path) as server:
        work = Interrupted(tmp_path / "agent", server, mission, entity=entity, happens=happens)
        assert work.run(a_spec(batch_size=50)).fault is None
        report = work.report
        work.close()
    after = church.expected(wishes())
    changes = mutations.differing(before, after)
    gone = {before.records[name][row]["external_id"] for name, one in changes.items() for row in one.gone}
    newer = {after.records[name][row]["external_id"] for name, one in changes.items() for row in one.new}
    assert gone
    assert newer
    for name, one in changes.items():
        for row in one.new:
            del after.records[name][row]
    still = {
        name: [record for record in records if record["external_id"] not in gone]
        for name, records in held(mission).items()
    }
    different = compare(after, still)
    assert not different, listed(different)
    in_mission = {record["external_id"] for records in held(mission).values() for record in records}
    assert {record.external_id for record in report.gone} == gone & in_mission
