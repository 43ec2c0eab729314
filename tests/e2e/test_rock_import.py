"""An import of a small church by the agent's own engine: clean, again, from a second agent, and through every fault."""

from __future__ import annotations

import dataclasses
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from local.church import Church
from local.church.mutations import (
    Change,
    delete_gift,
    differing,
    edit_amount,
    edit_date,
    enter_gift,
    merge_people,
)
from local.mission.direct import DirectMission
from local.sqlserver import SqlServer
from migrate_agent.engine_results import EngineResult
from migrate_agent.rockrms.import_engine import ImportEngine
from migrate_agent.rockrms.import_run import ImportPorts
from migrate_agent.rockrms.mission.patience import Patience
from migrate_agent.rockrms.mission.port import BatchAnswer, Envelope
from migrate_agent.stop import StopKind, StopSignal
from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import JobPhase, Outcome
from migrate_contract.rockrms import Entity, FundAnswer, FundChoice, GoneAnswer, GoneDecision, Stage, Verdict
from tests.harness.rock_import import RockImport, a_church, a_spec

ENTITIES = [entity.value for entity in Entity]


@pytest.fixture
def church(tmp_path: Path) -> Church:
    return a_church(tmp_path)


@pytest.fixture
def server(church: Church) -> Iterator[SqlServer]:
    with SqlServer(church.path) as running:
        yield running


@pytest.fixture
def mission() -> DirectMission:
    return DirectMission()


@pytest.fixture
def agent(tmp_path: Path, server: SqlServer, mission: DirectMission) -> Iterator[RockImport]:
    made = RockImport(tmp_path / "agent", server, mission)
    yield made
    made.close()


def held(mission: DirectMission) -> dict[str, list[str]]:
    """Result: everything that Mission holds, each copy, without the order in which it came."""
    return {name: sorted(map(repr, mission.control.records(name))) for name in ENTITIES}


def sent(mission: DirectMission) -> int:
    """Result: how many records were sent since `forget_seen`."""
    paths = {f"/api/import/{name}" for name in ENTITIES}
    return sum(seen["records"] for seen in mission.control.seen() if seen["method"] == "POST" and seen["path"] in paths)


def clean(tmp_path: Path, server: SqlServer) -> tuple[RockImport, DirectMission]:
    """Result: the import that nothing disturbed, by another agent into another Mission."""
    mission = DirectMission()
    made = RockImport(tmp_path / "clean", server, mission)
    whole(made.run())
    return made, mission


def whole(result: EngineResult) -> None:
    assert (result.phase, result.outcome, result.fault) == (JobPhase.COMPLETED, Outcome.COMPLETE, None)


class Watched:
    """A Mission's client that tells of every batch, before and after it is sent."""

    def __init__(self, client: Any, before: Callable[[Entity], None], after: Callable[[Entity], None]) -> None:
        self._client, self._before, self._after = client, before, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def send(self, entity: Entity, envelope: Envelope, bodies: Sequence[bytes], key: str) -> BatchAnswer:
        self._before(entity)
        answer = self._client.send(entity, envelope, bodies, key)
        self._after(entity)
        return answer


class WatchedImport(RockImport):
    before: Callable[[Entity], None] = staticmethod(lambda _: None)
    after: Callable[[Entity], None] = staticmethod(lambda _: None)

    def ports(self) -> ImportPorts:
        real = super().ports()
        assert real.open_mission is not None
        opens = real.open_mission

        def open_mission(patience: Patience) -> Any:
            return Watched(opens(patience), self.before, self.after)

        return dataclasses.replace(real, open_mission=open_mission)


def test_a_church_is_imported_verified_and_a_rerun_sends_nothing(agent: RockImport, mission: DirectMission) -> None:
    whole(agent.run())
    report = agent.report
    assert (report.stage, report.financial_match, report.quality_score) == (Stage.VERIFIED, True, 100.0)
    first = {found.entity: found for found in agent.progress}
    assert all(found.pending == found.errored == 0 for found in first.values())
    assert mission.control.counts()["contributions"] == first[Entity.CONTRIBUTIONS].imported
    before = held(mission)
    mission.control.forget_seen()
    whole(agent.run(a_spec(2)))
    assert sent(mission) == 0
    assert held(mission) == before
    for found in agent.progress:
        assert (found.imported, found.updated, found.unchanged) == (0, 0, first[found.entity].imported)
    assert agent.report.financial_match is True
    assert {found.code: found.count for found in agent.report.already_in_mission}["people"] > 0


def test_a_second_agent_with_an_empty_journal_doubles_nothing(
    tmp_path: Path, agent: RockImport, server: SqlServer, mission: DirectMission
) -> None:
    whole(agent.run())
    before, imported = held(mission), {found.entity: found.imported for found in agent.progress}
    other = RockImport(tmp_path / "other", server, mission)
    whole(other.run(a_spec(2)))
    assert held(mission) == before
    assert {found.entity: found.unchanged for found in other.progress} == imported
    other.close()


def test_a_dry_run_sends_nothing_and_has_the_page_of_data_quality(agent: RockImport, mission: DirectMission) -> None:
    choice = FundChoice(
        account_guid="4410306f-3fb5-4a57-9a80-09a3f9d40d0c", choice=FundAnswer.OTHER, external_fund_id="no-such-fund"
    )
    whole(agent.run(a_spec(dry_run=True, funds=[choice])))
    report = agent.report
    assert report.stage is Stage.DRY_RUN
    assert sum(mission.control.counts().values()) == 0
    codes = {finding.code for finding in report.quality}
    assert {"fund-missing", "email-invalid", "gift-without-donor", "person-unnamed", "no-person-alias"} <= codes
    assert all(found.in_scope == found.pending + found.skipped for found in agent.progress)
    assert sum(fund.lines for fund in report.funds) == report.entities[3].in_scope
    ended = agent.run(a_spec(2, funds=[choice]))
    assert ended.phase is JobPhase.FAILED
    assert ended.fault is not None
    assert ended.fault.code == ErrorCode.FUND_MISSING.value
    assert sum(mission.control.counts().values()) == 0, "a missing fund is found before anything is sent"


def test_a_held_import_waits_for_approval_after_its_dry_run(agent: RockImport, mission: DirectMission) -> None:
    stop = StopSignal()

    def on_phase(engine: ImportEngine) -> None:
        if engine.snapshot().phase is JobPhase.READY:
            stop.request(StopKind.STOP)

    rests = agent.run(a_spec(hold=True), stop=stop, on_phase=on_phase)
    assert (rests.phase, rests.stopped) == (JobPhase.READY, True)
    assert agent.report.stage is Stage.DRY_RUN
    assert sum(mission.control.counts().values()) == 0
    whole(agent.run(a_spec(hold=True), approved=True))
    assert agent.report.financial_match is True


def test_mission_failing_at_random_changes_nothing_in_the_end(
    tmp_path: Path, agent: RockImport, server: SqlServer, mission: DirectMission
) -> None:
    reference, target = clean(tmp_path, server)
    mission.control.misbehave(seed=3, busy=0.1, fail=0.05, drop_before=0.08, drop_after=0.1, fail_after=0.05)
    whole(agent.run(a_spec(batch_size=40)))
    assert held(mission) == held(target)
    assert agent.report.financial_match is True
    assert [found.in_scope for found in agent.progress] == [found.in_scope for found in reference.progress]
    assert [found.imported for found in agent.progress] == [found.imported for found in reference.progress]
    reference.close()


def test_a_database_that_drops_its_connections_changes_nothing_in_the_end(
    tmp_path: Path, agent: RockImport, server: SqlServer, mission: DirectMission
) -> None:
    reference, target = clean(tmp_path, server)
    server.faults.drop_at_random(seed=4, share=0.08)
    whole(agent.run(a_spec(batch_size=40)))
    assert server.faults.dropped > 3
    assert held(mission) == held(target)
    assert agent.progress == reference.progress
    reference.close()


@pytest.mark.parametrize("kind", [StopKind.PAUSE, StopKind.CANCEL, StopKind.STOP])
def test_a_stopped_import_goes_on_and_ends_as_the_clean_one(
    tmp_path: Path, server: SqlServer, mission: DirectMission, kind: StopKind
) -> None:
    agent = WatchedImport(tmp_path / "agent", server, mission)
    stop, batches = StopSignal(), 0

    def before(_: Entity) -> None:
        nonlocal batches
        batches += 1
        if batches == 12:
            stop.request(kind)

    agent.before = before
    ended = agent.run(a_spec(batch_size=40), stop=stop)
    phases = {StopKind.PAUSE: JobPhase.PAUSED, StopKind.CANCEL: JobPhase.CANCELLED, StopKind.STOP: JobPhase.RUNNING}
    assert ended.phase is phases[kind]
    assert ended.stopped is (kind is StopKind.STOP)
    assert mission.control.counts()["people"] > 0
    whole(agent.run(a_spec(batch_size=40)))
    assert agent.report.financial_match is True
    assert all(found.unchanged == found.pending == 0 for found in agent.progress)
    agent.close()


def test_gifts_entered_edited_and_deleted_during_the_import_are_each_explained(
    tmp_path: Path, church: Church, server: SqlServer, mission: DirectMission
) -> None:
    agent = WatchedImport(tmp_path / "agent", server, mission)
    chance = random.Random(11)
    changes: dict[str, Change] = {}
    once = threading.Lock()

    def after(entity: Entity) -> None:
        if entity is Entity.ATTENDANCE and once.acquire(blocking=False):
            at = datetime(2030, 1, 1, 12, 0)  # noqa: DTZ001 - church-local
            changes["entered"] = enter_gift(church, chance, at)
            changes["edited"] = edit_amount(church, chance, at)
            changes["deleted"] = delete_gift(church, chance, at)

    agent.after = after
    result = agent.run()
    assert result.phase is JobPhase.COMPLETED
    told = {text.split(": ")[0]: text for text in agent.report.changed_during}
    names = {
        kind: [f"rock:{church.install}:FinancialTransactionDetail:{number}" for number in change.records]
        for kind, change in changes.items()
    }
    assert "the next run brings it" in told[names["entered"][0]]
    assert "sent again" in told[names["edited"][0]]
    assert all("deleted" in told[name] for name in names["deleted"])
    assert sorted(gone.external_id for gone in agent.report.gone) == sorted(names["deleted"])
    first = agent.report
    assert first.financial_match is False, "a gift that is gone from Rock waits for a decision"
    void = [GoneDecision(external_id=name, decision=GoneAnswer.VOID) for name in names["deleted"]]
    whole(agent.run(a_spec(2, gone=void)))
    assert agent.report.financial_match is True
    assert {gone.decision for gone in agent.report.gone} == {GoneAnswer.VOID}
    assert not any(mission.control.copies("contributions", name) for name in names["deleted"])
    assert mission.control.copies("contributions", names["entered"][0])
    agent.close()


def test_a_rerun_brings_what_changed_between_and_moves_the_gifts_of_merged_people(
    church: Church, agent: RockImport, mission: DirectMission
) -> None:
    whole(agent.run())
    chance, at = random.Random(5), datetime(2030, 1, 1, 12, 0)  # noqa: DTZ001 - church-local
    wishes = a_spec().import_settings
    before = church.expected(wishes)
    merged = merge_people(church, chance, at)
    edit_amount(church, chance, at)
    edit_date(church, chance, at)
    enter_gift(church, chance, at)
    differing_now = differing(before, church.expected(wishes))
    mission.control.forget_seen()
    agent.run(a_spec(2))
    gifts = differing_now["contributions"]
    counted = {found.entity: found for found in agent.progress}[Entity.CONTRIBUTIONS]
    assert (counted.imported, counted.updated, counted.errored) == (len(gifts.new), len(gifts.changed), 0)
    assert sent(mission) == sum(len(each.new) + len(each.changed) for each in differing_now.values())
    report = agent.report
    money = [row for row in report.rows if row.entity is Entity.CONTRIBUTIONS]
    assert {row.verdict for row in money} == {Verdict.MATCH}
    left = {(gone.entity.value, int(gone.external_id.rsplit(":", 1)[1])) for gone in report.gone}
    assert left == {(name, number) for name, each in differing_now.items() for number in each.gone}
    assert ("people", merged.records[1]) in left, "who was merged away is named"


def test_a_revoked_key_stops_the_job_and_a_new_one_goes_on(agent: RockImport, mission: DirectMission) -> None:
    mission.control.revoke_keys()
    ended = agent.run()
    assert ended.phase is JobPhase.FAILED
    assert ended.fault is not None
    assert ended.fault.code == ErrorCode.MISSION_KEY_REVOKED.value
    mission.key = mission.control.issue_key()
    whole(agent.run(a_spec(2)))


def test_without_read_back_the_import_is_accepted_not_verified(agent: RockImport, mission: DirectMission) -> None:
    mission.key = mission.control.issue_key(may_read=False)
    assert agent.run().phase is JobPhase.COMPLETED
    assert agent.report.stage is Stage.NOT_VERIFIED
    assert agent.report.financial_match is None
