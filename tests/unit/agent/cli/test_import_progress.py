"""What `migrate-agent rockrms import` shows while it runs."""

from __future__ import annotations

from migrate_agent.cli.import_progress import entity_lines, in_one_line
from migrate_agent.engine_results import Snapshot
from migrate_contract.jobs import JobPhase, Waiting, WaitReason
from migrate_contract.rockrms import Entity, EntityProgress

PEOPLE = EntityProgress(entity=Entity.PEOPLE, in_scope=1200, imported=700, skipped=100, pending=400)


def test_one_line_says_how_far_how_fast_and_what_it_waits_for() -> None:
    waiting = Waiting(reason=WaitReason.NO_CONNECTION, detail="no connection to mission.test since 14:02 UTC")
    snapshot = Snapshot(
        JobPhase.RUNNING, entities=[PEOPLE], records_per_second=250.0, eta_seconds=90.0, waiting=waiting
    )
    assert in_one_line(snapshot) == (
        "running: 800 of 1,200 records, 250 a second, 1:30 left, no connection to mission.test since 14:02 UTC"
    )


def test_the_table_has_a_line_for_each_entity() -> None:
    head, line = entity_lines([PEOPLE])
    assert head.split() == ["in", "scope", "imported", "updated", "unchanged", "skipped", "errored", "pending"]
    assert line.split() == ["people", "1,200", "700", "0", "0", "100", "0", "400"]
