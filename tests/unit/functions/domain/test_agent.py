"""Agent states and sessions: restart, lost answer, clone, and tables restored from a backup."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from functions.domain.agent import (
    Beat,
    SessionChange,
    SessionVerdict,
    changes_json,
    judge_session,
    state_of,
    suspended_at,
)
from functions.domain.limits import Limits
from functions.domain.ports import Row, Value
from migrate_contract.agents import AgentState, HeartbeatRequest, MachineFacts, ProcessMode

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
LIMITS = Limits()


def agent(**columns: Value) -> Row:
    return Row("acme|agt", "agent", columns, "e")


def beat(**columns: Value) -> Beat:
    return Beat(Row("acme|agt", "beat", {"epoch": 0, "sequence": -1, **columns}, "e"))


def heartbeat(
    instance: str = "instance-1", epoch: int | None = None, sequence: int = 1, machine: str = "machine-1"
) -> HeartbeatRequest:
    return HeartbeatRequest(
        instance_id=instance,
        session_epoch=epoch,
        sequence=sequence,
        mode=ProcessMode.SERVICE,
        machine=MachineFacts(machine_id=machine, hostname="h", os="Linux", agent_version="1"),
        agent_time=NOW,
    )


@pytest.mark.parametrize(
    ("columns", "age_seconds", "expected"),
    [
        ({}, 0, AgentState.REGISTERED),
        ({"last_seen_at": NOW, "mode": "enrolment"}, 0, AgentState.REGISTERED),
        ({"running_at": NOW, "mode": "service"}, 0, AgentState.ONLINE),
        ({"running_at": NOW, "mode": "foreground"}, 90, AgentState.ONLINE),
        ({"running_at": NOW, "mode": "service"}, 91, AgentState.LATE),
        ({"running_at": NOW, "mode": "service", "interval_seconds": 60.0}, 179, AgentState.ONLINE),
        ({"running_at": NOW, "mode": "service", "interval_seconds": 60.0}, 181, AgentState.LATE),
        ({"running_at": NOW, "mode": "service"}, 300, AgentState.LATE),
        ({"running_at": NOW, "mode": "service"}, 301, AgentState.OFFLINE),
        ({"running_at": NOW, "mode": "stopping"}, 0, AgentState.OFFLINE),
        ({"running_at": NOW, "mode": "service", "cloned_at": NOW}, 0, AgentState.SUSPENDED),
    ],
)
def test_the_state_is_computed(columns: dict[str, Value], age_seconds: float, expected: AgentState) -> None:
    assert state_of(agent(), beat(**columns), NOW + timedelta(seconds=age_seconds), LIMITS) is expected


def test_revoked_is_revoked_whatever_else_is_true() -> None:
    row = beat(running_at=NOW, mode="service", cloned_at=NOW)
    assert state_of(agent(revoked_at=NOW), row, NOW, LIMITS) is AgentState.REVOKED


def test_a_suspension_ends_when_it_is_lifted_and_not_before() -> None:
    cloned = beat(cloned_at=NOW)
    assert suspended_at(agent(), cloned) == NOW
    assert suspended_at(agent(clone_cleared_at=NOW - timedelta(seconds=1)), cloned) == NOW
    assert suspended_at(agent(clone_cleared_at=NOW + timedelta(seconds=1)), cloned) is None


def test_a_process_gets_an_epoch_and_the_newest_wins() -> None:
    first = judge_session(agent(), beat(), heartbeat(), NOW, LIMITS)
    assert (first.verdict, first.epoch) == (SessionVerdict.MINTED, 1)
    row = beat(epoch=1, instance_id="instance-1", sequence=5)
    second = judge_session(agent(), row, heartbeat("instance-2"), NOW, LIMITS)
    assert (second.verdict, second.epoch) == (SessionVerdict.MINTED, 2)
    row = beat(epoch=2, instance_id="instance-2", sequence=1)
    assert judge_session(agent(), row, heartbeat(epoch=1, sequence=6), NOW, LIMITS).verdict is SessionVerdict.SUPERSEDED


def test_a_lost_answer_is_told_the_same_epoch() -> None:
    row = beat(epoch=4, instance_id="instance-1", sequence=1)
    again = judge_session(agent(), row, heartbeat(sequence=1), NOW, LIMITS)
    assert (again.verdict, again.epoch) == (SessionVerdict.REPEAT, 4)
    later = judge_session(agent(), row, heartbeat(sequence=2), NOW, LIMITS)
    assert (later.verdict, later.epoch) == (SessionVerdict.CURRENT, 4)


@pytest.mark.parametrize(("sequence", "verdict"), [(4, "repeat"), (5, "repeat"), (6, "current")])
def test_a_late_duplicate_changes_nothing(sequence: int, verdict: str) -> None:
    row = beat(epoch=4, instance_id="instance-1", sequence=5)
    assert judge_session(agent(), row, heartbeat(epoch=4, sequence=sequence), NOW, LIMITS).verdict == verdict


def test_after_a_restore_of_our_tables_the_higher_epoch_goes_on_and_the_highest_wins() -> None:
    restored = beat(epoch=3, instance_id="instance-0", sequence=50)
    adopted = judge_session(agent(), restored, heartbeat(epoch=7, sequence=2), NOW, LIMITS)
    assert (adopted.verdict, adopted.epoch) == (SessionVerdict.ADOPTED, 7)
    row = beat(epoch=7, instance_id="instance-1", sequence=2)
    newer = judge_session(agent(), row, heartbeat("instance-2", epoch=8, sequence=1), NOW, LIMITS)
    assert (newer.verdict, newer.epoch) == (SessionVerdict.ADOPTED, 8)
    assert judge_session(agent(), row, heartbeat("instance-9", epoch=7), NOW, LIMITS).verdict == "superseded"


def test_an_epoch_that_no_server_ever_minted_is_not_adopted() -> None:
    row = beat(epoch=3, instance_id="instance-1", sequence=5)
    refused = judge_session(agent(), row, heartbeat(epoch=2**53, sequence=6), NOW, LIMITS)
    assert (refused.verdict, refused.epoch) == (SessionVerdict.SUPERSEDED, 3)
    highest = judge_session(agent(), row, heartbeat(epoch=2**52, sequence=6), NOW, LIMITS)
    row = beat(epoch=highest.epoch, instance_id="instance-1", sequence=6)
    minted = judge_session(agent(), row, heartbeat("instance-2"), NOW, LIMITS)
    row = beat(epoch=minted.epoch, instance_id="instance-2", sequence=1)
    assert judge_session(
        agent(), row, heartbeat("instance-2", epoch=minted.epoch, sequence=2), NOW, LIMITS
    ).verdict == (SessionVerdict.CURRENT)


def test_three_changes_from_two_machines_in_ten_minutes_are_a_clone() -> None:
    changes = [
        SessionChange(at=NOW - timedelta(seconds=500), machine_id="machine-2"),
        SessionChange(at=NOW - timedelta(seconds=200), machine_id="machine-1"),
    ]
    row = beat(
        epoch=3,
        instance_id="x",
        session_changes=changes_json(changes),
        machine=heartbeat().machine.model_dump_json(),
    )
    other = heartbeat("instance-3", machine="machine-2")
    third = judge_session(agent(), row, other, NOW, LIMITS)
    assert third.verdict is SessionVerdict.CLONED
    assert len(third.changes) == 3
    assert judge_session(agent(), row, heartbeat("instance-4"), NOW, LIMITS).verdict is SessionVerdict.MINTED
    assert judge_session(agent(), row, other, NOW + timedelta(seconds=101), LIMITS).verdict is SessionVerdict.MINTED
    lifted = agent(clone_cleared_at=NOW - timedelta(seconds=100))
    assert judge_session(lifted, row, other, NOW, LIMITS).verdict is SessionVerdict.MINTED


def test_one_machine_may_restart_as_often_as_it_likes() -> None:
    row = beat(epoch=1, instance_id="x")
    for number in range(2, 40):
        session = judge_session(agent(), row, heartbeat(f"instance-{number}"), NOW, LIMITS)
        assert session.verdict is SessionVerdict.MINTED
        machine = heartbeat().machine.model_dump_json()
        row = beat(epoch=session.epoch, instance_id="y", session_changes=changes_json(session.changes), machine=machine)
    assert row.changes == []
