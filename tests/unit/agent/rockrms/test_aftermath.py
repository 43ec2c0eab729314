"""What Rock did during the import and what it no longer has, between a database and a Mission in memory."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import cast

from migrate_agent.rockrms.aftermath import Aftercare, Aftermath, Happened
from migrate_agent.rockrms.mission.port import Envelope, MissionClient
from migrate_agent.rockrms.pipeline import Pipeline, PipelineSettings
from migrate_agent.stop import StopSignal
from migrate_agent.store.import_entries import Fixed, ImportPass
from migrate_agent.store.import_journal import ImportJournal
from migrate_contract.rockrms import Entity, GoneAnswer, ImportSettings
from tests.memory.rock import INSTALL, MemoryClient, MemoryMapper, MemoryMission, MemoryRock, external_id

GIFTS = Entity.CONTRIBUTIONS
JOB = "job_000000000000000000000001"


class Import:
    """One run of an import of gifts, whose steps a test can put something between."""

    def __init__(self, rock: MemoryRock, mission: MemoryMission, folder: Path, attempt: int = 1) -> None:
        self.rock, self.mission, self.attempt = rock, mission, attempt
        folder.mkdir(exist_ok=True)
        self.journal = ImportJournal(folder / "project.db", JOB, attempt)
        self.journal.start(Fixed("mission", INSTALL, "{}", "{}", "1", {}, "2026-01-01T00:00:00Z"))
        self.client = MemoryClient(mission)
        source = rock.open()
        self.marks: dict[Entity, datetime | None] = {GIFTS: source.modified_mark(GIFTS) or datetime(2026, 1, 1)}  # noqa: DTZ001
        self.high_water = {GIFTS: source.high_water(GIFTS)}

    def carry(self) -> None:
        assert (
            Pipeline(
                self.rock.open,
                MemoryMapper(),
                self.mission.sender(str(self.attempt)),
                self.journal,
                StopSignal(),
                which=ImportPass.IMPORT,
                entities=[GIFTS],
                high_water=self.high_water,
                settings=PipelineSettings(batch_size=3),
            ).run()
            is None
        )

    def after(
        self,
        decisions: dict[str, GoneAnswer] | None = None,
        settings: ImportSettings | None = None,
        held_before: tuple[Entity, ...] = (),
    ) -> Aftermath:
        return Aftercare(
            self.rock.open(settings),
            self.rock.open(),
            MemoryMapper(),
            self.mission.sender(str(self.attempt)),
            cast(MissionClient, self.client),
            Envelope(INSTALL, "America/Phoenix"),
            self.journal,
            StopSignal(),
            high_water=self.high_water,
            marks=self.marks,
            external_id=external_id,
            decisions=decisions or {},
            scope=str(self.attempt),
            held_before=held_before,
        ).run([GIFTS])


def gifts(count: int = 20) -> MemoryRock:
    rock = MemoryRock()
    rock.fill(GIFTS, count)
    for row in rock.rows[GIFTS].values():
        row["amount"] = "5.00"
    return rock


def test_gifts_entered_edited_and_deleted_meanwhile_are_each_explained(tmp_path: Path) -> None:
    rock, mission = gifts(), MemoryMission()
    del rock.rows[GIFTS][9]
    run = Import(rock, mission, tmp_path)
    run.carry()
    rock.edit(GIFTS, 4, amount="12.30")
    rock.edit(GIFTS, 9, amount="1.00")
    del rock.rows[GIFTS][7]
    rock.fill(GIFTS, 1, first=21)
    found = run.after()
    assert found.named == {
        external_id(GIFTS, 4): Happened.EDITED,
        external_id(GIFTS, 9): Happened.EDITED,
        external_id(GIFTS, 7): Happened.DELETED,
        external_id(GIFTS, 21): Happened.AFTER,
    }
    assert json.loads(mission.held[GIFTS][external_id(GIFTS, 4)])["amount"] == "12.30"
    assert external_id(GIFTS, 9) in mission.held[GIFTS]
    assert external_id(GIFTS, 21) not in mission.held[GIFTS]
    assert [record.external_id for record in found.gone] == [external_id(GIFTS, 7)]
    counted = run.journal.progress()[0]
    assert (counted.in_scope, counted.imported, counted.pending) == (20, 20, 0)


def test_a_gift_of_a_transaction_that_was_open_at_the_start_is_sent(tmp_path: Path) -> None:
    rock, mission = gifts(), MemoryMission()
    del rock.rows[GIFTS][9]
    run = Import(rock, mission, tmp_path)
    run.carry()
    rock.rows[GIFTS][9] = {"name": "late"}
    assert run.after().named == {external_id(GIFTS, 9): Happened.LATE}
    assert external_id(GIFTS, 9) in mission.held[GIFTS]


def test_a_second_look_says_the_same(tmp_path: Path) -> None:
    rock, mission = gifts(), MemoryMission()
    run = Import(rock, mission, tmp_path)
    run.carry()
    rock.edit(GIFTS, 4, amount="12.30")
    del rock.rows[GIFTS][7]
    first, again = run.after(), run.after()
    assert (first.named, first.gone) == (again.named, again.gone)


def test_what_is_gone_since_the_last_run_is_listed_until_it_is_voided(tmp_path: Path) -> None:
    rock, mission = gifts(), MemoryMission()
    first = Import(rock, mission, tmp_path)
    first.carry()
    first.journal.close()
    del rock.rows[GIFTS][7], rock.rows[GIFTS][8]
    second = Import(rock, mission, tmp_path, attempt=2)
    second.carry()
    found = second.after({external_id(GIFTS, 8): GoneAnswer.KEEP})
    assert [(record.external_id, record.decision) for record in found.gone] == [
        (external_id(GIFTS, 7), None),
        (external_id(GIFTS, 8), GoneAnswer.KEEP),
    ]
    assert found.changed_count == 0
    second.journal.close()
    third = Import(rock, mission, tmp_path, attempt=3)
    third.carry()
    found = third.after({external_id(GIFTS, 7): GoneAnswer.VOID, external_id(GIFTS, 8): GoneAnswer.KEEP})
    assert third.client.voided == [external_id(GIFTS, 7)]
    assert found.voided == 1
    third.journal.close()
    fourth = Import(rock, mission, tmp_path, attempt=4)
    fourth.carry()
    assert [record.external_id for record in fourth.after().gone] == [external_id(GIFTS, 8)]


def test_a_second_agent_finds_what_is_gone_in_missions_own_list(tmp_path: Path) -> None:
    rock, mission = gifts(), MemoryMission()
    Import(rock, mission, tmp_path).carry()
    del rock.rows[GIFTS][7]
    other = Import(rock, mission, tmp_path / "other")
    other.carry()
    found = other.after(held_before=(GIFTS,))
    assert [record.external_id for record in found.gone] == [external_id(GIFTS, 7)]


def test_what_a_narrower_filter_leaves_out_is_not_gone(tmp_path: Path) -> None:
    rock, mission = gifts(), MemoryMission()
    rock.rows[GIFTS][5]["campus"] = 2
    Import(rock, mission, tmp_path).carry()
    again = Import(rock, mission, tmp_path, attempt=2)
    rows = rock.rows[GIFTS]
    hidden = rows.pop(5)
    again.carry()
    rows[5] = hidden
    settings = ImportSettings(time_zone="America/Phoenix", campus_ids=[1])
    assert again.after(settings=settings).gone == []


def test_an_edit_that_a_rule_now_leaves_out_is_named(tmp_path: Path) -> None:
    rock, mission = gifts(), MemoryMission()
    run = Import(rock, mission, tmp_path)
    run.carry()
    rock.edit(GIFTS, 4, skip=True)
    assert run.after().named == {external_id(GIFTS, 4): Happened.UNFIT}
    counted = run.journal.progress()[0]
    assert (counted.imported, counted.skipped) == (19, 1)
