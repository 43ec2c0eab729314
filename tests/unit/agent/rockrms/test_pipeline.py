"""The pipeline between a database and a Mission in memory: order, resume, faults, stop, what is sent and what not."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from migrate_agent.control.retry import Backoff
from migrate_agent.rockrms.pipeline import Pipeline, PipelineSettings
from migrate_agent.rockrms.records import Mapped
from migrate_agent.stop import StopKind, StopSignal
from migrate_agent.store.import_entries import Checkpoint, Fixed, ImportPass, RecordStatus
from migrate_agent.store.import_journal import ImportJournal
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.rockrms import Entity, LogKind
from tests.memory.rock import INSTALL, MemoryMapper, MemoryMission, MemoryRock, lost

QUICK = PipelineSettings(batch_size=3, backoff=Backoff(first_seconds=0.0, ceiling_seconds=0.0), full_disk_seconds=0.0)
JOB = "job_000000000000000000000001"


def a_rock(count: int = 40) -> MemoryRock:
    rock = MemoryRock()
    for entity in Entity:
        rock.fill(entity, count)
    return rock


def a_journal(folder: Path, attempt: int = 1, target: str = "mission") -> ImportJournal:
    journal = ImportJournal(folder / "project.db", JOB, attempt)
    journal.start(Fixed(target, INSTALL, "{}", "{}", "1", {}, "2026-01-01T00:00:00Z"))
    return journal


def a_pipeline(
    rock: MemoryRock,
    mission: MemoryMission | None,
    journal: ImportJournal,
    *,
    stop: StopSignal | None = None,
    scope: str = "1",
) -> Pipeline:
    source = rock.open()
    return Pipeline(
        rock.open,
        MemoryMapper(),
        mission.sender(scope) if mission else None,
        journal,
        stop or StopSignal(),
        which=ImportPass.IMPORT if mission else ImportPass.DRY_RUN,
        entities=list(Entity),
        high_water={entity: source.high_water(entity) for entity in Entity},
        settings=QUICK,
    )


def totals(journal: ImportJournal) -> dict[Entity, tuple[int, int, int, int, int]]:
    return {
        found.entity: (found.imported, found.updated, found.unchanged, found.skipped, found.errored)
        for found in journal.progress()
    }


def test_everything_is_sent_once_and_entities_follow_each_other(tmp_path: Path) -> None:
    rock, mission, journal = a_rock(), MemoryMission(), a_journal(tmp_path)
    assert a_pipeline(rock, mission, journal).run() is None
    assert totals(journal) == dict.fromkeys(Entity, (40, 0, 0, 0, 0))
    assert {entity: len(held) for entity, held in mission.held.items()} == dict.fromkeys(Entity, 40)
    assert mission.order == sorted(mission.order, key=list(Entity).index)
    assert all(found.pending == 0 for found in journal.progress())


def test_a_rerun_sends_what_is_new_or_changed_and_what_was_refused(tmp_path: Path) -> None:
    rock, mission = a_rock(), MemoryMission()
    rock.edit(Entity.PEOPLE, 5, refuse=True)
    journal = a_journal(tmp_path)
    a_pipeline(rock, mission, journal).run()
    assert totals(journal)[Entity.PEOPLE] == (39, 0, 0, 0, 1)
    journal.close()
    mission.order.clear()
    rock.edit(Entity.PEOPLE, 5, refuse=False)
    rock.edit(Entity.PEOPLE, 6, name="another")
    rock.fill(Entity.PEOPLE, 1, first=41)
    again = a_journal(tmp_path, attempt=2)
    a_pipeline(rock, mission, again, scope="2").run()
    assert totals(again)[Entity.PEOPLE] == (2, 1, 38, 0, 0)
    assert totals(again)[Entity.CONTRIBUTIONS] == (0, 0, 40, 0, 0)
    assert set(mission.order) == {Entity.PEOPLE}


def test_a_second_agent_without_a_journal_doubles_nothing(tmp_path: Path) -> None:
    rock, mission = a_rock(), MemoryMission()
    a_pipeline(rock, mission, a_journal(tmp_path)).run()
    (tmp_path / "other").mkdir()
    other = a_journal(tmp_path / "other")
    a_pipeline(rock, mission, other, scope="other").run()
    assert totals(other) == dict.fromkeys(Entity, (0, 0, 40, 0, 0))
    assert set(mission.sent.values()) == {1}


def test_another_mission_is_sent_everything(tmp_path: Path) -> None:
    rock = a_rock()
    journal = a_journal(tmp_path)
    a_pipeline(rock, MemoryMission(), journal).run()
    journal.close()
    other = a_journal(tmp_path, attempt=2, target="another mission")
    a_pipeline(rock, MemoryMission(), other, scope="2").run()
    assert totals(other) == dict.fromkeys(Entity, (40, 0, 0, 0, 0))


def test_what_is_skipped_flagged_and_refused_is_logged_and_counted(tmp_path: Path) -> None:
    rock, mission, journal = a_rock(10), MemoryMission(), a_journal(tmp_path)
    rock.edit(Entity.PEOPLE, 2, skip=True)
    rock.edit(Entity.PEOPLE, 3, flag=True)
    rock.edit(Entity.PEOPLE, 4, refuse=True)
    a_pipeline(rock, mission, journal).run()
    assert totals(journal)[Entity.PEOPLE] == (8, 0, 0, 1, 1)
    assert journal.progress()[0].flagged == 1
    rows = journal.log_rows(1, 100)
    assert [row.row for row in rows] == [1, 2, 3]
    assert {(row.kind, row.source_id, row.code) for row in rows} == {
        (LogKind.SKIPPED, 2, "record-type-not-moved"),
        (LogKind.FLAGGED, 3, "person-unnamed"),
        (LogKind.ERRORED, 4, "mission-record-refused"),
    }
    assert all(row.fix for row in rows)


def test_a_dry_run_sends_nothing_and_counts_what_it_would(tmp_path: Path) -> None:
    rock, mission, journal = a_rock(10), MemoryMission(), a_journal(tmp_path)
    rock.edit(Entity.PEOPLE, 2, skip=True)
    journal.begin_pass(ImportPass.DRY_RUN)
    assert a_pipeline(rock, None, journal).run() is None
    people = journal.progress()[0]
    assert (people.in_scope, people.pending, people.skipped) == (10, 9, 1)
    journal.begin_pass(ImportPass.IMPORT)
    a_pipeline(rock, mission, journal).run()
    assert totals(journal)[Entity.PEOPLE] == (9, 0, 0, 1, 0)
    assert journal.last_row == 1, "what the dry run logged is not logged again"


def test_a_lost_database_goes_on_at_its_key(tmp_path: Path) -> None:
    rock, mission, journal = a_rock(), MemoryMission(), a_journal(tmp_path)
    chance, cut = random.Random(5), 0

    def fault(_entity: Entity, _after: int) -> None:
        nonlocal cut
        if chance.random() < 0.4:
            cut += 1
            raise lost()

    rock.fault = fault
    assert a_pipeline(rock, mission, journal).run() is None
    assert totals(journal) == dict.fromkeys(Entity, (40, 0, 0, 0, 0))
    assert set(mission.sent.values()) == {1}
    assert cut > 3


@pytest.mark.parametrize("kind", [StopKind.PAUSE, StopKind.STOP, StopKind.CANCEL])
def test_a_stopped_import_goes_on_where_it_was(tmp_path: Path, kind: StopKind) -> None:
    rock, mission, journal = a_rock(), MemoryMission(), a_journal(tmp_path)
    stop = StopSignal()
    batches = 0

    def fault(entity: Entity, _records: Sequence[Mapped]) -> None:
        nonlocal batches
        batches += 1
        if batches == 20:
            stop.request(kind)

    mission.fault = fault
    assert a_pipeline(rock, mission, journal, stop=stop).run() is kind
    assert sum(found.imported for found in journal.progress()) < 240
    assert a_pipeline(rock, mission, journal).run() is None
    assert totals(journal) == dict.fromkeys(Entity, (40, 0, 0, 0, 0))


def test_a_crash_at_any_moment_loses_and_doubles_nothing(tmp_path: Path) -> None:
    rock, mission = a_rock(), MemoryMission()
    chance = random.Random(9)

    def fault(_entity: Entity, _records: Sequence[Mapped]) -> None:
        if chance.random() < 0.05:
            raise RuntimeError("as if the process were gone")

    mission.fault = fault
    rounds = 0
    while True:
        rounds += 1
        journal = a_journal(tmp_path)
        try:
            assert a_pipeline(rock, mission, journal).run() is None
            break
        except RuntimeError:
            journal.close()
    assert rounds > 2
    assert totals(journal) == dict.fromkeys(Entity, (40, 0, 0, 0, 0))
    assert set(mission.sent.values()) == {1}
    (tmp_path / "clean").mkdir()
    clean = a_journal(tmp_path / "clean")
    a_pipeline(rock, MemoryMission(), clean).run()
    assert journal.ledger_sha256() == clean.ledger_sha256()


def test_a_revoked_key_ends_it_and_keeps_what_was_answered(tmp_path: Path) -> None:
    rock, mission, journal = a_rock(), MemoryMission(), a_journal(tmp_path)
    refused = threading.Event()

    def fault(entity: Entity, _records: Sequence[Mapped]) -> None:
        if entity is Entity.GROUPS:
            refused.set()
            raise Fatal(ErrorCode.MISSION_KEY_REVOKED, "403")

    mission.fault = fault
    with pytest.raises(Fatal) as caught:
        a_pipeline(rock, mission, journal).run()
    assert caught.value.code is ErrorCode.MISSION_KEY_REVOKED
    assert totals(journal)[Entity.FAMILIES] == (40, 0, 0, 0, 0)
    assert journal.checkpoint(ImportPass.IMPORT, Entity.GROUPS) == Checkpoint(0, False)


def test_the_journal_finds_records_and_what_it_no_longer_meets(tmp_path: Path) -> None:
    rock, mission = a_rock(10), MemoryMission()
    journal = a_journal(tmp_path)
    a_pipeline(rock, mission, journal).run()
    found = journal.find(Entity.CONTRIBUTIONS, [3, 99])
    assert found[3].status is RecordStatus.IMPORTED
    assert found[3].held
    assert found[3].batch
    assert 99 not in found
    assert [record.source_id for record in journal.records(Entity.PEOPLE, 8, 100)] == [9, 10]
    journal.close()
    del rock.rows[Entity.CONTRIBUTIONS][4]
    again = a_journal(tmp_path, attempt=2)
    a_pipeline(rock, mission, again, scope="2").run()
    assert again.unseen(Entity.CONTRIBUTIONS, 0, 100) == [4]
    again.forget(Entity.CONTRIBUTIONS, [4])
    assert again.unseen(Entity.CONTRIBUTIONS, 0, 100) == []
