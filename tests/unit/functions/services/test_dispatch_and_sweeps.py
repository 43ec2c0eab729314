"""Dispatch by hints, poison, and the watchdogs that guarantee progress without them."""

from __future__ import annotations

import json

import pytest

from functions.domain.ports import RowPage
from functions.domain.views import AzureConnectionBody, ConnectionKind, JobReassign, ListQuery
from migrate_contract.errors import ErrorCode, Fatal, Retryable
from migrate_contract.jobs import JobPhase
from tests.memory.world import ADMIN, DEPLOYMENT, World, limited, refused, running_job, taken_job, tally


def alerts(world: World) -> list[tuple[str, str]]:
    found = world.services.alerts.list(ADMIN, ListQuery()).items
    return [(alert.code, alert.alert_id.split("|")[1]) for alert in found]


def test_a_message_handled_twice_writes_once() -> None:
    world = World()
    client_id = world.client()
    agent = world.online_agent(client_id)
    world.new_job(world.project(client_id), agent_id=agent.agent_id)
    message = world.queues.take("dispatch")
    assert message is not None
    world.services.dispatch.handle(message)
    first = agent.beat().commands
    before = world.tables.everything()
    world.services.dispatch.handle(message)
    assert world.tables.everything() == before
    assert agent.beat().commands == first


def test_two_messages_handled_at_once_write_once_and_keep_the_delivery() -> None:
    world = World()
    client_id = world.client()
    agent = world.online_agent(client_id)
    job = world.new_job(world.project(client_id), agent_id=agent.agent_id)
    message = world.queues.take("dispatch")
    assert message is not None

    def race(table: str, pk: str, rk: str) -> None:
        if table == "agents":
            world.tables.before_write = None
            world.services.dispatch.handle(message)
            assert len(agent.beat().commands) == 1

    world.tables.before_write = race
    world.services.dispatch.handle(message)
    assert "Delivered to agent" in str(world.job(job.job_id).waiting_because)
    agent.take(job)


def test_a_late_message_for_a_job_that_went_on_changes_nothing() -> None:
    running = running_job()
    message = json.dumps({"organization": "acme", "job_id": running.job_id})
    for phase in (None, JobPhase.COMPLETED):
        if phase is not None:
            running.agent.report(running.job, phase)
        before = running.world.tables.everything()
        running.world.services.dispatch.handle(message)
        assert running.world.tables.everything() == before


def test_a_message_for_a_deleted_job_is_done() -> None:
    running = taken_job()
    running.world.services.jobs.delete(ADMIN, running.job_id)
    running.world.services.dispatch.handle(json.dumps({"organization": "acme", "job_id": running.job_id}))


@pytest.mark.parametrize("message", ["", "{", "[]", "{}", '{"organization": "a|b", "job_id": "x"}', '{"job_id": 7}'])
def test_a_message_that_is_none_is_refused_and_recorded(message: str) -> None:
    world = World()
    refused(ErrorCode.REQUEST_MALFORMED, lambda: world.services.dispatch.handle(message))
    world.services.poison.record(message)
    (blob,) = world.blobs.list("poison", "")
    assert world.blobs.get("poison", blob.name) == message.encode()
    assert alerts(world) == [("dispatch-poisoned", "unreadable")]


def test_without_a_connection_the_job_fails_with_the_seeds_code_and_its_fix() -> None:
    world = World()
    client_id = world.client()
    world.online_agent(client_id)
    project_id = world.project(client_id, connected=False)
    job = world.new_job(project_id)
    world.drain()
    view = world.job(job.job_id)
    assert view.state == "failed"
    assert view.fault is not None
    assert (view.fault.code, view.fault.title) == ("NO_AZURE_CONNECTION", "Project has no Azure connection")
    assert view.fault.fix
    world.services.connections.connect(ADMIN, project_id, AzureConnectionBody(kind=ConnectionKind.DEPLOYMENT))
    world.services.lifecycle.rerun(ADMIN, job.job_id)
    world.drain()
    assert world.job(job.job_id).state == "created"


def test_a_deployment_without_a_data_account_says_so() -> None:
    world = World()
    client_id = world.client()
    project_id = world.project(client_id)
    world.accounts.account = None
    body = AzureConnectionBody(kind=ConnectionKind.DEPLOYMENT)
    refused(ErrorCode.DEPLOYMENT_STORAGE_MISSING, lambda: world.services.connections.connect(ADMIN, project_id, body))
    job = world.new_job(project_id)
    world.drain()
    view = world.job(job.job_id)
    assert view.fault is not None
    assert (view.state, view.fault.code) == ("failed", "deployment-storage-missing")


def test_a_destination_that_was_taken_before_the_connection_fails_at_dispatch() -> None:
    world = World()
    client_id = world.client()
    world.online_agent(client_id)
    unconnected = world.project(client_id, connected=False)
    late = world.new_job(unconnected)
    world.new_job(world.project(client_id))
    world.services.connections.connect(ADMIN, unconnected, AzureConnectionBody(kind=ConnectionKind.DEPLOYMENT))
    world.drain()
    view = world.job(late.job_id)
    assert view.fault is not None
    assert (view.state, view.fault.code) == ("failed", "destination-overlap")


def test_a_job_without_an_agent_says_what_to_do_and_takes_the_first_that_comes() -> None:
    world = World()
    client_id = world.client()
    job = world.new_job(world.project(client_id))
    world.drain()
    assert "register an agent" in str(world.job(job.job_id).waiting_because)
    agent = world.online_agent(client_id)
    world.clock.forward(61)
    world.services.sweeps.run()
    world.drain()
    agent.take(job)


def test_with_two_agents_an_operator_chooses() -> None:
    world = World()
    client_id = world.client()
    first, _ = world.online_agent(client_id), world.online_agent(client_id)
    job = world.new_job(world.project(client_id))
    world.drain()
    assert "the client has 2" in str(world.job(job.job_id).waiting_because)
    view = world.services.lifecycle.reassign(ADMIN, job.job_id, JobReassign(agent_id=first.agent_id))
    assert view.attempt == 1
    world.drain()
    first.take(job)


def test_poison_is_kept_counted_and_alerted_and_the_job_does_not_fail() -> None:
    running = taken_job()
    world = running.world
    message = json.dumps({"organization": "acme", "job_id": running.job_id})
    world.services.poison.record(message)
    world.services.poison.record(message)
    assert len(world.blobs.list("poison", "")) == 2
    (alert,) = world.services.alerts.list(ADMIN, ListQuery()).items
    assert (alert.code, alert.count, alert.client_id) == ("dispatch-poisoned", 2, running.client_id)
    assert running.job.state == "created"
    assert world.services.alerts.list(limited("cli_zzzzzzzzzzzz"), ListQuery()).items == []


def test_the_alert_of_a_poison_message_ends_after_a_day_without_another() -> None:
    world = World()
    world.services.poison.record("garbage")
    world.clock.forward(world.limits.poison_alert_seconds - 60)
    world.services.poison.record("garbage")
    world.clock.forward(60)
    assert world.services.sweeps.run().resolved == 0
    assert alerts(world) == [("dispatch-poisoned", "unreadable")]
    world.clock.forward(world.limits.poison_alert_seconds)
    assert world.services.sweeps.run().resolved == 1
    assert alerts(world) == []
    world.services.poison.record("garbage")
    assert alerts(world) == [("dispatch-poisoned", "unreadable")]


def test_a_lost_message_is_sent_again_by_the_sweep() -> None:
    world = World()
    client_id = world.client()
    agent = world.online_agent(client_id)
    job = world.new_job(world.project(client_id))
    world.queues.messages.clear()
    assert world.services.sweeps.run().hinted == 0
    world.clock.forward(60)
    assert world.services.sweeps.run().hinted == 1
    world.drain()
    assert world.services.sweeps.run().hinted == 0
    agent.take(job)


@pytest.mark.parametrize("lost", ["pause", "approve", "assignment"])
def test_what_a_crash_kept_from_the_mailbox_is_put_there_by_the_sweep(lost: str) -> None:
    running = taken_job(hold_after_scan=True)
    world, agent = running.world, running.agent
    agent.report(running.job, JobPhase.READY)

    def crash(table: str, pk: str, rk: str) -> None:
        if table == "agents":
            raise Retryable(ErrorCode.STORAGE_UNAVAILABLE, "gone")

    if lost == "assignment":
        world.tables.delete("agents", f"acme|{agent.agent_id}", f"asg|{running.job_id}")
    else:
        world.tables.before_write = crash
        action = getattr(world.services.lifecycle, lost)
        refused(ErrorCode.STORAGE_UNAVAILABLE, lambda: action(ADMIN, running.job_id))
        world.tables.before_write = None
    assert agent.beat().commands == []
    world.clock.forward(61)
    assert world.services.sweeps.run().hinted == 1
    world.drain()
    answer = agent.beat()
    assert [command.kind for command in answer.commands] == ([] if lost == "assignment" else [f"{lost}_job"])
    assert [found.job_id for found in answer.assignments] == [running.job_id]
    world.clock.forward(61)
    assert world.services.sweeps.run().hinted == 0


def test_what_a_crash_left_in_a_mailbox_is_taken_out_by_the_sweep() -> None:
    running = running_job()
    world, agent = running.world, running.agent
    row = world.tables.get("agents", f"acme|{agent.agent_id}", f"asg|{running.job_id}")
    assert row is not None
    agent.report(running.job, JobPhase.COMPLETED)
    world.tables.upsert("agents", row.pk, row.rk, row.values)
    world.tables.upsert("agents", row.pk, "asg|job_" + "9" * 24, {"attempt": 1})
    assert world.services.sweeps.run().removed_rows == 2
    assert agent.beat().assignments == []


def test_a_revocation_that_was_cut_off_is_finished_by_the_sweep() -> None:
    running = running_job()
    world = running.world

    def crash(table: str, pk: str, rk: str) -> None:
        if table == "jobs":
            raise Retryable(ErrorCode.STORAGE_UNAVAILABLE, "gone")

    world.tables.before_write = crash
    refused(ErrorCode.STORAGE_UNAVAILABLE, lambda: world.services.agents.revoke(ADMIN, running.agent.agent_id))
    world.tables.before_write = None
    refused(ErrorCode.AGENT_REVOKED, running.agent.caller)
    assert running.job.state == "running"
    world.services.sweeps.run()
    assert (running.job.state, running.job.attempt, running.job.agent_id) == ("created", 2, None)


def test_an_agent_that_registered_during_the_sweep_keeps_its_job() -> None:
    running = running_job()
    world = running.world
    page = world.tables.page

    def miss_agents(table: str, **query: object) -> RowPage:
        return RowPage([], None) if table == "agents" else page(table, **query)  # type: ignore[arg-type]

    world.tables.page = miss_agents  # type: ignore[method-assign]
    world.services.sweeps.run()
    assert (running.job.state, running.job.agent_id) == ("running", running.agent.agent_id)


def test_a_hint_that_cannot_be_sent_is_left_to_the_sweep() -> None:
    world = World()
    client_id = world.client()
    agent = world.online_agent(client_id)
    project_id = world.project(client_id)
    send = world.queues.send

    def down(queue: str, message: object, delay_seconds: int = 0) -> None:
        raise Retryable(ErrorCode.STORAGE_UNAVAILABLE, "gone")

    world.queues.send = down  # type: ignore[method-assign]
    job = world.new_job(project_id)
    world.queues.send = send  # type: ignore[method-assign]
    world.clock.forward(61)
    world.services.sweeps.run()
    world.drain()
    agent.take(job)


def test_an_offline_agent_whose_work_went_elsewhere_is_no_alert_any_more() -> None:
    running = taken_job()
    world = running.world
    other = world.online_agent(running.client_id)
    world.clock.forward(301)
    world.services.sweeps.run()
    assert ("agent-offline", running.agent.agent_id) in alerts(world)
    other.beat()
    world.services.lifecycle.reassign(ADMIN, running.job_id, JobReassign(agent_id=other.agent_id))
    world.services.sweeps.run()
    assert alerts(world) == []


def test_the_sweeper_announces_each_change_once_and_the_heartbeat_brings_the_agent_back() -> None:
    running = running_job()
    world, agent = running.world, running.agent
    assert world.services.sweeps.run().announced == 1
    assert world.services.sweeps.run().announced == 0
    for seconds, state in ((91, "late"), (210, "offline")):
        world.clock.forward(seconds)
        assert world.services.agents.show(ADMIN, agent.agent_id).state == state
        assert world.services.sweeps.run().announced == 1
        assert world.services.sweeps.run().announced == 0
    assert alerts(world) == [("agent-offline", agent.agent_id)]
    agent.beat()
    assert world.services.agents.show(ADMIN, agent.agent_id).state == "online"
    world.services.sweeps.run()
    assert alerts(world) == []
    closed = world.services.alerts.list(ADMIN, ListQuery(), open_only=False).items
    assert [alert.resolved_at for alert in closed] == [world.clock.now]


def test_an_idle_agent_that_is_switched_off_is_no_alert() -> None:
    world = World()
    world.online_agent(world.client())
    world.clock.forward(3600)
    world.services.sweeps.run()
    assert alerts(world) == []


def test_the_announcement_does_not_disturb_what_operators_wrote() -> None:
    running = running_job()
    world = running.world
    world.clock.forward(400)
    world.services.sweeps.run()
    row = world.tables.get("agents", f"acme|{running.agent.agent_id}", "agent")
    assert row is not None
    assert row.values["name"] == "files01"
    assert row.values["announced"] == "offline"


def test_a_job_undelivered_for_ten_minutes_is_alerted_and_resolved_when_it_is_taken() -> None:
    world = World()
    client_id = world.client()
    agent = world.agent(client_id)
    job = world.new_job(world.project(client_id))
    world.drain()
    world.clock.forward(599)
    world.services.sweeps.run()
    assert alerts(world) == []
    world.clock.forward(1)
    for _ in range(3):
        world.services.sweeps.run()
    assert alerts(world) == [("job-undelivered", job.job_id)]
    (alert,) = world.services.alerts.list(ADMIN, ListQuery()).items
    assert (alert.count, alert.link) == (1, f"/jobs/{job.job_id}")
    agent.restart()
    agent.take(job)
    world.services.sweeps.run()
    assert alerts(world) == []


def test_a_scan_that_finds_nothing_new_for_thirty_minutes_is_alerted() -> None:
    running = taken_job()
    world = running.world
    running.agent.report(running.job, JobPhase.SCANNING, files=tally(pending=5))
    for minutes in range(0, 30, 5):
        world.clock.forward(300)
        running.agent.beat()
        running.agent.report(running.job, JobPhase.SCANNING, files=tally(pending=5))
        world.services.sweeps.run()
        assert alerts(world) == ([("scan-stalled", running.job_id)] if minutes == 25 else [])
    running.agent.report(running.job, JobPhase.SCANNING, files=tally(pending=6))
    world.services.sweeps.run()
    assert alerts(world) == []
    assert running.job.state == "scanning"


def test_old_codes_and_addresses_are_forgotten_and_others_kept() -> None:
    world = World()
    client_id = world.client()
    world.code(client_id)
    world.clock.forward(world.limits.code_retention_seconds + world.limits.code_lifetime_seconds + 1)
    world.code(client_id)
    assert world.services.sweeps.run().removed_rows == 1
    assert len(world.services.codes.list(ADMIN, ListQuery()).items) == 1


def test_the_sweep_looks_after_every_organization() -> None:
    running = running_job()
    world = running.world
    rows = world.tables.everything()
    for table, found in rows.items():
        for row in found:
            if row.pk.startswith(DEPLOYMENT.organization):
                values = {k: "rival" if v == "acme" else v for k, v in row.values.items()}
                world.tables.insert(table, row.pk.replace("acme", "rival", 1), row.rk, values)
    world.clock.forward(700)
    result = world.services.sweeps.run()
    assert (result.agents, result.jobs) == (2, 2)


def test_a_fault_while_dispatching_is_left_to_the_host() -> None:
    world = World()
    client_id = world.client()
    world.online_agent(client_id)
    world.new_job(world.project(client_id))
    message = world.queues.take("dispatch")
    assert message is not None

    def crash(table: str, pk: str, rk: str) -> None:
        raise Retryable(ErrorCode.STORAGE_UNAVAILABLE, "gone")

    world.tables.before_write = crash
    caught = refused(ErrorCode.STORAGE_UNAVAILABLE, lambda: world.services.dispatch.handle(message))
    assert not isinstance(caught, Fatal)
