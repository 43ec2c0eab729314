"""Heartbeats: cost, sessions, commands until they are acknowledged, clones, restored backups."""

from __future__ import annotations

from dataclasses import replace

import pytest

from functions.domain.views import ListQuery
from migrate_contract.agents import HeartbeatJob, ProcessMode
from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import JobPhase
from tests.memory.world import ADMIN, AgentHand, World, refused, running_job, taken_job


def test_an_idle_heartbeat_is_one_partition_query_and_one_merge() -> None:
    world = World()
    agent = world.online_agent(world.client())
    world.tables.calls.clear()
    agent.beat()
    assert world.tables.calls == [("partition", "agents", ""), ("merge", "agents", "beat")]


def test_a_duplicate_is_answered_and_writes_nothing() -> None:
    world = World()
    agent = world.online_agent(world.client())
    agent.sequence -= 1
    world.tables.calls.clear()
    assert agent.beat().session_epoch == 1
    assert world.tables.calls == [("partition", "agents", "")]


def test_two_heartbeats_at_once_both_get_an_answer() -> None:
    world = World()
    agent = world.online_agent(world.client())
    other = replace(agent, sequence=agent.sequence + 5)
    raced: list[int] = []

    def race(table: str, pk: str, rk: str) -> None:
        world.tables.before_write = None
        raced.append(other.beat().session_epoch)

    world.tables.before_write = race
    assert agent.beat().session_epoch == 1
    assert raced == [1]
    assert world.tables.get("agents", f"acme|{agent.agent_id}", "beat").values["sequence"] == other.sequence  # type: ignore[union-attr]


def test_the_interval_depends_on_work_and_jitters() -> None:
    world = World()
    agent = world.online_agent(world.client())
    assert agent.beat().next_heartbeat_seconds == 60
    held = [HeartbeatJob(job_id="job_" + "0" * 24, attempt=1, phase=JobPhase.RUNNING)]
    assert agent.beat(jobs=held).next_heartbeat_seconds == 30
    world.tokens.fraction = lambda: 0.0  # type: ignore[method-assign]
    assert agent.beat().next_heartbeat_seconds == pytest.approx(48)
    world.tokens.fraction = lambda: 0.999999  # type: ignore[method-assign]
    assert agent.beat().next_heartbeat_seconds == pytest.approx(72, abs=0.01)


def test_enrolments_own_heartbeat_does_not_make_an_agent_online() -> None:
    running = taken_job()
    world = running.world
    agent = world.agent(running.client_id)
    answer = agent.beat(ProcessMode.ENROLMENT)
    assert world.services.agents.show(ADMIN, agent.agent_id).state == "registered"
    assert "process not started" in world.services.agents.show(ADMIN, agent.agent_id).state_detail
    assert answer.commands == []
    agent.restart()
    assert world.services.agents.show(ADMIN, agent.agent_id).state == "online"


def test_a_process_that_stops_in_order_is_offline_at_once_and_gets_no_work() -> None:
    world = World()
    client_id = world.client()
    agent = world.online_agent(client_id)
    world.new_job(world.project(client_id))
    world.drain()
    assert agent.beat(ProcessMode.STOPPING).commands == []
    assert world.services.agents.show(ADMIN, agent.agent_id).state == "offline"
    assert len(agent.restart().commands) == 1


def test_a_command_is_delivered_until_it_is_answered_and_marked_once() -> None:
    world = World()
    client_id = world.client()
    agent = world.online_agent(client_id)
    job = world.new_job(world.project(client_id))
    world.drain()
    first, second = agent.beat(), agent.beat()
    assert first.commands == second.commands
    assert first.commands[0].spec is not None
    assert first.commands[0].spec.job_id == job.job_id
    assert "Delivered to agent files01" in str(world.job(job.job_id).waiting_because)
    assert agent.answer(first.commands[0].command_id)
    third = agent.beat()
    assert (third.commands, [found.job_id for found in third.assignments]) == ([], [job.job_id])


def test_a_restarted_process_supersedes_the_old_one() -> None:
    running = running_job()
    old = replace(running.agent)
    running.agent.restart()
    assert running.agent.epoch == 2
    refused(ErrorCode.SESSION_SUPERSEDED, old.beat)
    refused(ErrorCode.SESSION_SUPERSEDED, old.caller)
    running.agent.report(running.job, JobPhase.RUNNING)


def test_a_lost_first_answer_is_repeated_with_the_same_epoch() -> None:
    world = World()
    agent = world.agent(world.client())
    first = agent.beat().session_epoch
    agent.epoch = None
    assert agent.beat().session_epoch == first


def test_clones_are_suspended_until_an_operator_lifts_it() -> None:
    world = World()
    one = world.online_agent(world.client())
    two = AgentHand(world, one.key, one.agent_id, one.client_id, machine_id="machine-two", instance_id="instance-two")
    world.clock.forward(60)
    two.beat()
    refused(ErrorCode.SESSION_SUPERSEDED, one.beat)
    one.restart()
    one.restart()
    refused(ErrorCode.SESSION_SUPERSEDED, two.beat)
    refused(ErrorCode.AGENT_CLONED, two.restart)
    for call in (two.beat, one.caller, one.restart):
        refused(ErrorCode.AGENT_CLONED, call)
    assert world.services.agents.show(ADMIN, one.agent_id).state == "suspended"
    alerts = world.services.alerts.list(ADMIN, ListQuery()).items
    assert [(alert.code, alert.link) for alert in alerts] == [("agent-cloned", f"/agents/{one.agent_id}")]
    world.clock.forward(1)
    world.services.agents.lift_suspension(ADMIN, one.agent_id)
    one.restart()
    assert world.services.agents.show(ADMIN, one.agent_id).state == "online"
    assert world.services.alerts.list(ADMIN, ListQuery()).items == []


def test_a_move_to_a_new_machine_with_restarts_before_and_after_is_no_clone() -> None:
    world = World()
    agent = world.online_agent(world.client())
    agent.restart()
    agent.restart()
    agent.machine_id = "machine-two"
    agent.restart()
    agent.restart()
    assert world.services.agents.show(ADMIN, agent.agent_id).state == "online"


def test_restarts_spread_over_time_are_no_clone() -> None:
    world = World()
    agent = world.online_agent(world.client())
    for number in range(6):
        world.clock.forward(400)
        agent.machine_id = f"machine-{number % 2}xxxxxx"
        agent.restart()
    assert agent.epoch == 7


def test_tables_restored_from_a_backup_do_not_stop_a_running_agent() -> None:
    running = running_job()
    backup = running.world.tables.copy()
    running.agent.restart()
    running.agent.restart()
    assert running.agent.epoch == 3
    running.agent.report(running.job, JobPhase.RUNNING)
    running.world.tables.restore(backup)
    running.agent.report(running.job, JobPhase.RUNNING)
    assert running.agent.beat().session_epoch == 3
    running.agent.report(running.job, JobPhase.COMPLETED)
    assert running.job.state == "completed"


def test_tables_restored_to_before_the_job_was_taken_follow_the_agent() -> None:
    world = World()
    client_id = world.client()
    agent = world.online_agent(client_id)
    job = world.new_job(world.project(client_id))
    world.drain()
    backup = world.tables.copy()
    agent.take(job)
    agent.report(job, JobPhase.RUNNING)
    world.tables.restore(backup)
    agent.report(job, JobPhase.RUNNING)
    assert world.job(job.job_id).state == "running"
    assert agent.beat().commands == []


@pytest.mark.parametrize("call", ["progress", "grant"])
def test_tables_restored_to_an_older_attempt_take_a_number_above_the_agents(call: str) -> None:
    running = running_job()
    world, agent = running.world, running.agent
    backup = world.tables.copy()
    for _ in range(2):
        agent.report(running.job, JobPhase.FAILED)
        world.services.lifecycle.rerun(ADMIN, running.job_id)
        world.drain()
        agent.take(running.job)
    agent.report(running.job, JobPhase.RUNNING)
    assert running.job.attempt == 3
    world.tables.restore(backup)
    speak = {
        "progress": lambda: agent.report(running.job, JobPhase.RUNNING, attempt=3),
        "grant": lambda: agent.grant(running.job, attempt=3),
    }[call]
    refused(ErrorCode.ATTEMPT_SUPERSEDED, speak)
    assert (running.job.state, running.job.attempt) == ("created", 4)
    world.drain()
    agent.take(running.job)
    agent.report(running.job, JobPhase.COMPLETED)
    assert running.job.state == "completed"
    refused(ErrorCode.ATTEMPT_SUPERSEDED, lambda: agent.report(running.job, JobPhase.RUNNING, attempt=999_999))
    assert running.job.attempt == 4


def test_a_machine_restored_from_a_backup_goes_on_with_its_old_numbers() -> None:
    """Same attempt, an older journal: its sequence is behind, its session is newer, so that it is heard."""
    running = running_job()
    for _ in range(20):
        running.agent.report(running.job, JobPhase.RUNNING)
    running.agent.reports = 3
    running.agent.restart()
    assert running.agent.report(running.job, JobPhase.RUNNING).applied
    assert running.agent.report(running.job, JobPhase.COMPLETED).state == "completed"


def test_a_machine_restored_with_an_old_attempt_is_told_to_stop() -> None:
    running = running_job()
    running.agent.report(running.job, JobPhase.FAILED)
    running.world.services.lifecycle.rerun(ADMIN, running.job_id)
    running.world.drain()
    running.agent.restart()
    refused(ErrorCode.ATTEMPT_SUPERSEDED, lambda: running.agent.report(running.job, JobPhase.RUNNING, attempt=1))
    running.agent.take(running.job)


def test_the_agents_page_shows_what_it_said() -> None:
    running = running_job()
    world, agent = running.world, running.agent
    agent.beat(
        jobs=[HeartbeatJob(job_id=running.job_id, attempt=1, phase=JobPhase.RUNNING)],
        agent_time=world.clock.now.replace(hour=14, minute=10),
        disk_free_bytes=10**12,
        buffered_reports=3,
        max_jobs=4,
    )
    view = world.services.agents.show(ADMIN, agent.agent_id)
    assert (view.clock_skew_seconds, view.disk_free_bytes, view.buffered_reports, view.max_jobs) == (600, 10**12, 3, 4)
    assert [job.job_id for job in view.jobs] == [running.job_id]
    assert view.machine is not None
    assert view.machine.hostname == "files01"
