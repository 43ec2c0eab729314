"""Bandwidth limits: what operators say reaches the agents' next heartbeats, and costs an idle one nothing."""

from __future__ import annotations

import pytest

from functions.domain.views import BandwidthLimitBody, BandwidthScheduleBody, ListQuery
from functions.services.allowances import Allowances
from functions.services.mailbox import Mailbox
from migrate_contract.agents import ProcessMode
from migrate_contract.jobs import JobPhase, TransferSettings
from migrate_contract.schedule import JobLimits, Weekday, WeeklyWindow
from tests.memory.world import ADMIN, OPERATOR, AgentHand, Running, World, running_job, taken_job

NIGHT = BandwidthScheduleBody(
    zone="America/Chicago",
    windows=[WeeklyWindow(days=list(Weekday), start="22:00", end="06:00", limit_mbps=0.0)],
    outside_mbps=20.0,
)


def limit(mbps: float | None) -> BandwidthLimitBody:
    return BandwidthLimitBody(limit_mbps=mbps)


def told(agent: AgentHand) -> dict[str, JobLimits]:
    """What the agent obeys after a heartbeat of an agent that knows nothing yet."""
    answer = agent.beat()
    return {found.job_id: found for found in answer.limits.jobs} if answer.limits else {}


def another(running: Running) -> Running:
    """A second agent of the client, at work on a job of its own."""
    world = running.world
    agent = world.online_agent(running.client_id)
    job = world.new_job(running.project_id, container="second", agent_id=agent.agent_id)
    world.drain()
    agent.take(job)
    agent.report(job, JobPhase.RUNNING)
    return Running(world, running.client_id, running.project_id, agent, job.job_id)


def test_the_first_word_of_a_job_carries_its_limits() -> None:
    world = World()
    client_id = world.client()
    agent, project_id = world.online_agent(client_id), world.project(client_id)
    world.services.bandwidth.schedule_project(ADMIN, project_id, NIGHT)
    world.services.bandwidth.limit_site(ADMIN, client_id, limit(50.0))
    job = world.new_job(project_id, transfer=TransferSettings(bandwidth_limit_mbps=7.0))
    world.drain()
    answer = agent.beat()
    assert [command.kind for command in answer.commands] == ["start_job"]
    assert answer.limits is not None
    (found,) = answer.limits.jobs
    assert (found.job_id, found.limit_mbps, found.site_share_mbps) == (job.job_id, 7.0, 50.0)
    assert found.schedule is not None
    assert found.schedule.model_dump() == NIGHT.model_dump()


def test_what_the_agent_has_is_not_sent_again() -> None:
    running = running_job()
    first = running.agent.beat().limits
    assert first is not None
    assert first.version
    assert running.agent.beat(limits_version=first.version).limits is None
    running.world.services.bandwidth.limit_job(ADMIN, running.job_id, limit(3.0))
    second = running.agent.beat(limits_version=first.version).limits
    assert second is not None
    assert (second.version != first.version, second.jobs[0].limit_mbps) == (True, 3.0)


def test_a_change_reaches_a_running_job_with_the_next_heartbeat() -> None:
    running = running_job()
    bandwidth = running.world.services.bandwidth
    assert told(running.agent)[running.job_id] == JobLimits(job_id=running.job_id)
    bandwidth.schedule_project(OPERATOR, running.project_id, NIGHT)
    assert told(running.agent)[running.job_id].schedule is not None
    bandwidth.limit_job(OPERATOR, running.job_id, limit(0.5))
    bandwidth.limit_site(OPERATOR, running.client_id, limit(9.0))
    found = told(running.agent)[running.job_id]
    assert (found.limit_mbps, found.site_share_mbps) == (0.5, 9.0)
    bandwidth.clear_schedule(OPERATOR, running.project_id)
    bandwidth.limit_job(OPERATOR, running.job_id, limit(None))
    bandwidth.limit_site(OPERATOR, running.client_id, limit(None))
    assert told(running.agent)[running.job_id] == JobLimits(job_id=running.job_id)


def test_what_was_said_is_shown_and_in_the_audit_and_in_the_history() -> None:
    running = running_job()
    services = running.world.services
    running.world.clock.forward(1)
    view = services.bandwidth.schedule_project(OPERATOR, running.project_id, NIGHT)
    assert view.bandwidth_schedule is not None
    assert view.bandwidth_schedule.zone == "America/Chicago"
    assert services.bandwidth.limit_site(OPERATOR, running.client_id, limit(9.0)).bandwidth_limit_mbps == 9.0
    changed = services.bandwidth.limit_job(OPERATOR, running.job_id, limit(2.0))
    assert changed.transfer.bandwidth_limit_mbps == 2.0
    assert services.bandwidth.limit_job(OPERATOR, running.job_id, limit(2.0)) == changed
    assert services.bandwidth.clear_schedule(OPERATOR, running.project_id).bandwidth_schedule is None
    audit = [(item.action, item.detail) for item in services.audit.list(ADMIN, ListQuery(limit=4)).items]
    assert sorted(audit) == [
        ("client.bandwidth-limit", "9 Mbps"),
        ("job.bandwidth-limit", "2 Mbps"),
        ("project.schedule", "1 weekly windows, 0 dates, America/Chicago"),
        ("project.schedule-clear", ""),
    ]
    history = services.jobs.history(ADMIN, running.job_id, ListQuery()).items
    assert [(entry.event, entry.reason) for entry in history[:1]] == [
        ("limit-changed", "Bandwidth limit of the job: 2 Mbps")
    ]


def test_agents_at_work_share_the_site_limit_equally() -> None:
    one = running_job()
    one.world.services.bandwidth.limit_site(ADMIN, one.client_id, limit(60.0))
    assert told(one.agent)[one.job_id].site_share_mbps == 60.0
    two = another(one)
    assert [told(site.agent)[site.job_id].site_share_mbps for site in (one, two)] == [30.0, 30.0]
    two.agent.report(two.job, JobPhase.COMPLETED)
    assert told(one.agent)[one.job_id].site_share_mbps == 60.0
    assert told(two.agent) == {}


def test_who_waits_for_approval_or_another_client_takes_no_share() -> None:
    one = running_job()
    one.world.services.bandwidth.limit_site(ADMIN, one.client_id, limit(60.0))
    held = another(one)
    held.world.services.lifecycle.pause(ADMIN, held.job_id)
    held.agent.report(held.job, JobPhase.PAUSED)
    elsewhere = running_job(one.world, container="elsewhere")
    assert told(one.agent)[one.job_id].site_share_mbps == 60.0
    assert told(elsewhere.agent)[elsewhere.job_id].site_share_mbps is None


def test_a_job_that_goes_elsewhere_takes_its_limits_along() -> None:
    one = taken_job()
    spare = one.world.online_agent(one.client_id)
    one.world.services.lifecycle.cancel(ADMIN, one.job_id)
    one.agent.report(one.job, JobPhase.CANCELLED)
    assert told(one.agent) == {}
    job = one.world.new_job(one.project_id, container="next", agent_id=spare.agent_id)
    one.world.drain()
    assert list(told(spare)) == [job.job_id]
    assert told(one.agent) == {}


def test_heartbeats_cost_no_more_for_it() -> None:
    running = running_job()
    running.world.services.bandwidth.schedule_project(ADMIN, running.project_id, NIGHT)
    running.world.services.bandwidth.limit_site(ADMIN, running.client_id, limit(9.0))
    running.world.tables.calls.clear()
    assert running.agent.beat().limits is not None
    assert running.world.tables.calls == [("partition", "agents", ""), ("merge", "agents", "beat")]


@pytest.mark.parametrize("lost", ["changed", "gone"])
def test_the_sweep_puts_right_what_was_lost(lost: str) -> None:
    running = running_job()
    world, key = running.world, f"lim|{running.job_id}"
    before = world.tables.copy()
    world.services.bandwidth.limit_site(ADMIN, running.client_id, limit(9.0))
    stale = next(row for row in before["agents"].values() if row.rk == key)
    if lost == "gone":
        world.tables.delete("agents", stale.pk, key)
    else:
        world.tables.upsert("agents", stale.pk, key, stale.values)
    world.services.sweeps.run()
    assert told(running.agent)[running.job_id].site_share_mbps == 9.0
    world.tables.calls.clear()
    world.services.sweeps.run()
    assert not [call for call in world.tables.calls if call[0] == "transact"]


def test_the_sweep_has_a_waiting_jobs_limits_dispatched_again() -> None:
    world = World()
    client_id = world.client()
    agent, project_id = world.online_agent(client_id), world.project(client_id)
    job = world.new_job(project_id)
    world.drain()
    world.services.bandwidth.schedule_project(ADMIN, project_id, NIGHT)
    while world.queues.take("dispatch") is not None:
        pass  # The hint is lost.
    assert told(agent)[job.job_id].schedule is None
    world.services.sweeps.run()
    assert world.drain() == 1
    assert told(agent)[job.job_id].schedule is not None


def test_an_older_view_of_a_job_replaces_no_newer_limit() -> None:
    running = running_job()
    world = running.world
    found = world.store().find("acme", running.job_id)
    assert found is not None
    world.services.bandwidth.limit_job(ADMIN, running.job_id, limit(2.0))
    Mailbox(world.tables, world.clock, Allowances(world.tables, world.store())).reconcile(found[0])
    assert told(running.agent)[running.job_id].limit_mbps == 2.0


def test_a_process_that_ends_is_told_nothing() -> None:
    running = running_job()
    assert running.agent.beat(ProcessMode.STOPPING).limits is None


def test_a_limit_may_be_changed_in_any_state_and_holds_for_the_next_attempt() -> None:
    running = running_job()
    world, bandwidth = running.world, running.world.services.bandwidth
    running.agent.report(running.job, JobPhase.COMPLETED)
    assert bandwidth.limit_job(ADMIN, running.job_id, limit(4.0)).state == "completed"
    world.services.lifecycle.rerun(ADMIN, running.job_id)
    world.drain()
    bandwidth.limit_job(ADMIN, running.job_id, limit(6.0))
    world.drain()
    answer = running.agent.beat()
    (start,) = answer.commands
    assert start.spec is not None
    assert start.spec.transfer.bandwidth_limit_mbps == 4.0
    assert answer.limits is not None
    assert answer.limits.jobs[0].limit_mbps == 6.0, "what is told of the job goes before its spec"
