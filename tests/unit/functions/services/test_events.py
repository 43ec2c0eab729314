"""Events: each once, found again after a crash, announced to mail and webhooks, and listed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from functions.domain.event import EventKind
from functions.domain.event_views import EventView, WebhookCreate
from functions.domain.mail_views import RecipientBody
from functions.domain.views import ListQuery
from functions.services import assemble
from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import JobFault, JobPhase
from tests.memory.checker import Checked
from tests.memory.redemptions import UNREACHABLE
from tests.memory.world import ADMIN, DEPLOYMENT, ORGANIZATION, Running, World, refused, running_job, taken_job, tally

LIST = ListQuery()
FAULT = JobFault(code="source-not-found", detail="/data is not there.")


def events(world: World, project_id: str) -> list[EventView]:
    return world.services.events.list(ADMIN, project_id, LIST).items


def swept(running: Running) -> list[EventView]:
    """Twice: whatever was found is found again."""
    running.world.services.sweeps.run()
    running.world.services.sweeps.run()
    return events(running.world, running.project_id)


def test_a_job_that_failed_is_one_event() -> None:
    running = running_job()
    running.agent.report(running.job, JobPhase.FAILED, fault=FAULT)
    [event] = swept(running)
    assert (event.kind, event.subject, event.code) == (EventKind.JOB_FAILED, running.job_id, "source-not-found")
    assert event.summary == "Job Copy failed: /data is not there."
    assert event.fix
    assert event.link == f"/jobs/{running.job_id}"
    assert event.at == running.job.ended_at
    assert event.announced_at is not None


def test_each_attempt_that_fails_is_an_event_of_its_own_newest_first() -> None:
    running = running_job()
    running.agent.report(running.job, JobPhase.FAILED, fault=FAULT)
    running.world.clock.forward(60)
    running.world.services.lifecycle.rerun(ADMIN, running.job_id)
    running.world.drain()
    running.agent.take(running.job)
    running.agent.report(running.job, JobPhase.SCANNING)
    running.agent.report(running.job, JobPhase.FAILED, fault=FAULT)
    found = swept(running)
    assert [event.kind for event in found] == [EventKind.JOB_FAILED] * 2
    assert found[0].at - found[1].at == timedelta(seconds=60)


def test_a_job_that_completed_with_failures_says_how_many() -> None:
    running = running_job()
    running.agent.report(running.job, JobPhase.COMPLETED, files=tally(transferred=7, failed=2), scan_complete=True)
    [event] = swept(running)
    assert event.kind is EventKind.JOB_COMPLETED_WITH_FAILURES
    assert event.summary == "Job Copy completed, and 2 files could not be copied."


@pytest.mark.parametrize("phase", [JobPhase.COMPLETED, JobPhase.CANCELLED, JobPhase.PAUSED])
def test_a_good_end_and_an_operators_own_are_none(phase: JobPhase) -> None:
    running = running_job()
    running.agent.report(running.job, phase, files=tally(transferred=7), scan_complete=True)
    assert swept(running) == []


@pytest.mark.parametrize("dies_at", ["events", "jobs"])
def test_a_failure_is_told_whatever_dies_in_between(dies_at: str) -> None:
    running = running_job()
    running.agent.report(running.job, JobPhase.FAILED, fault=FAULT)
    world = running.world

    def dies(table: str, pk: str, rk: str) -> None:
        if table == dies_at:
            raise KeyboardInterrupt

    world.tables.before_write = dies
    with pytest.raises(KeyboardInterrupt):
        world.services.sweeps.run()
    world.tables.before_write = None
    assert [event.kind for event in swept(running)] == [EventKind.JOB_FAILED]


def test_a_failure_that_two_sweeps_find_at_once_is_one_event_and_one_delivery() -> None:
    running = running_job()
    world = running.world
    world.deliverer.receiver("hooks.customer.example")
    hook = WebhookCreate(url="https://hooks.customer.example/")
    webhook_id = world.services.webhooks.create(ADMIN, hook).webhook_id
    running.agent.report(running.job, JobPhase.FAILED, fault=FAULT)
    other = assemble(world.ports, DEPLOYMENT, world.limits)

    def other_is_faster(table: str, pk: str, rk: str) -> None:
        if table == "events":
            world.tables.before_write = None
            other.sweeps.run()

    world.tables.before_write = other_is_faster
    assert len(swept(running)) == 1
    assert len(world.deliverer.posted) == 1
    assert len(world.services.deliveries.list(ADMIN, webhook_id, LIST).items) == 1


def test_an_agent_that_is_silent_for_fifteen_minutes_with_work_is_one_event_for_the_project() -> None:
    running = running_job()
    world = running.world
    world.new_job(running.project_id, container="second", agent_id=running.agent.agent_id)
    world.drain()
    world.clock.forward(899)
    assert not [event for event in swept(running) if event.kind is EventKind.AGENT_OFFLINE]
    world.clock.forward(1)
    swept(running)
    world.clock.forward(400)
    [event] = [event for event in swept(running) if event.kind is EventKind.AGENT_OFFLINE]
    assert event.subject == running.agent.agent_id
    assert "is offline since" in event.summary
    running.agent.beat()
    world.clock.forward(901)
    kinds = [event.kind for event in swept(running)]
    assert kinds.count(EventKind.AGENT_OFFLINE) == 2


def test_an_agent_without_work_may_be_silent() -> None:
    running = running_job()
    running.agent.report(running.job, JobPhase.COMPLETED, files=tally(transferred=1), scan_complete=True)
    running.world.clock.forward(3600)
    assert swept(running) == []


def test_an_undelivered_job_is_one_event_per_dispatch() -> None:
    world = World()
    project_id = world.project(world.client())
    job = world.new_job(project_id)
    for _ in range(3):
        world.clock.forward(601)
        world.services.sweeps.run()
    [event] = events(world, project_id)
    assert (event.kind, event.subject) == (EventKind.JOB_UNDELIVERED, job.job_id)
    assert event.at == job.created_at + timedelta(seconds=600)


def test_a_stalled_scan_is_an_event_each_time_that_it_stalls() -> None:
    running = taken_job()
    running.agent.report(running.job, JobPhase.SCANNING)
    running.world.clock.forward(1801)
    stalled = [event for event in swept(running) if event.kind is EventKind.SCAN_STALLED]
    assert len(stalled) == 1
    running.agent.report(running.job, JobPhase.SCANNING, files=tally(pending=5))
    running.world.clock.forward(1801)
    stalled = [event for event in swept(running) if event.kind is EventKind.SCAN_STALLED]
    assert len(stalled) == 2


def fail_sign_in(world: World, project_id: str, number: int, client_id: str = "") -> None:
    world.services.sign_in_failures.failed(
        ORGANIZATION, client_id, project_id, f"flow{number}", ErrorCode.TARGET_ACCESS_DENIED, detail="Role missing."
    )


def failing(world: World, project_id: str) -> list[EventView]:
    return [event for event in events(world, project_id) if event.kind is EventKind.SIGN_IN_FAILING]


def test_three_failed_sign_ins_in_an_hour_alert_the_operator_once_and_until_an_hour_is_quiet() -> None:
    world = World()
    project_id = world.project(world.client())
    for number, wait in enumerate([1, 1700, 1700, 1700]):
        world.clock.forward(wait)
        fail_sign_in(world, project_id, number)
    [event] = failing(world, project_id)
    assert "3 sign-ins within an hour did not succeed; the last one: Role missing." in event.summary
    assert len(events(world, project_id)) == 5
    assert [alert.code for alert in world.services.alerts.list(ADMIN, LIST).items] == ["sign-in-failing"]
    world.clock.forward(3599)
    world.services.sweeps.run()
    assert len(world.services.alerts.list(ADMIN, LIST).items) == 1
    world.clock.forward(1)
    world.services.sweeps.run()
    assert world.services.alerts.list(ADMIN, LIST).items == []


def test_failed_sign_ins_that_are_far_apart_alert_nobody() -> None:
    world = World()
    project_id = world.project(world.client())
    for number in range(6):
        world.clock.forward(1801)
        fail_sign_in(world, project_id, number)
    assert failing(world, project_id) == []
    assert world.services.alerts.list(ADMIN, LIST).items == []


def test_the_same_failed_sign_in_counts_once() -> None:
    world = World()
    project_id = world.project(world.client())
    for _ in range(5):
        fail_sign_in(world, project_id, 1)
    assert len(events(world, project_id)) == 1


def test_events_are_paged_and_forgotten_after_eighteen_months() -> None:
    world = World()
    project_id = world.project(world.client())
    for number in range(5):
        world.clock.forward(1801)
        fail_sign_in(world, project_id, number)
    first = world.services.events.list(ADMIN, project_id, ListQuery(limit=3))
    rest = world.services.events.list(ADMIN, project_id, ListQuery(limit=3, continuation=first.continuation))
    assert len(first.items) == 3
    assert len(rest.items) == 2
    times = [event.at for event in first.items + rest.items]
    assert times == sorted(times, reverse=True)
    other = world.project(world.client(name="Other"))
    refused(
        ErrorCode.REQUEST_INVALID,
        lambda: world.services.events.list(ADMIN, other, ListQuery(continuation=first.continuation)),
    )
    world.clock.forward(world.limits.event_retention_seconds + 1)
    world.services.sweeps.run()
    assert events(world, project_id) == []


def mails(world: World) -> list[str]:
    """The subjects of what was sent so far."""
    world.services.sweeps.run()
    return [mail.message.subject for mail in world.mailer.sent]


def told(running: Running, address: str = "it@customer.example") -> World:
    """The project's recipients are one address."""
    running.world.services.recipients.add(ADMIN, running.project_id, RecipientBody(address=address))
    return running.world


def test_a_job_that_failed_is_mailed_once() -> None:
    running = running_job()
    world = told(running)
    running.agent.report(running.job, JobPhase.FAILED, fault=FAULT)
    mails(world)
    [mail] = world.mailer.sent
    assert mail.message.to == "it@customer.example"
    assert "Copy" in mail.message.subject
    assert "/data is not there." in mail.message.plain
    assert f"/jobs/{running.job_id}" in mail.message.plain
    assert len(mails(world)) == 1


def test_a_job_that_completed_with_failures_a_silent_agent_and_a_stuck_job_are_mailed() -> None:
    running = running_job()
    world = told(running)
    running.agent.report(running.job, JobPhase.COMPLETED, files=tally(transferred=7, failed=2), scan_complete=True)
    job = world.new_job(running.project_id, container="second", agent_id=running.agent.agent_id)
    world.drain()
    world.clock.forward(901)
    assert len(mails(world)) == 3
    said = "\n".join(mail.message.plain for mail in world.mailer.sent)
    assert job.name in said
    assert "is offline" in said
    world.clock.forward(60)
    assert len(mails(world)) == 3


def test_a_job_that_failed_for_expired_credentials_is_an_event_and_no_second_mail() -> None:
    running = running_job()
    world = told(running)
    running.agent.report(
        running.job, JobPhase.FAILED, fault=JobFault(code="azure-credentials-expired", detail="Ended.")
    )
    assert mails(world) == []
    [event] = events(world, running.project_id)
    assert event.kind is EventKind.JOB_FAILED


def test_a_mail_that_cannot_be_posted_keeps_the_webhooks_and_is_posted_later() -> None:
    running = running_job()
    world = told(running)
    world.deliverer.receiver("hooks.customer.example")
    world.services.webhooks.create(ADMIN, WebhookCreate(url="https://hooks.customer.example/"))
    running.agent.report(running.job, JobPhase.FAILED, fault=FAULT)

    def breaks(table: str, pk: str, rk: str) -> None:
        if table == "mails":
            raise OSError

    world.tables.before_write = breaks
    with pytest.raises(ExceptionGroup):
        world.services.sweeps.run()
    world.tables.before_write = None
    assert len(world.deliverer.posted) == 1
    assert len(mails(world)) == 1
    assert len(world.deliverer.posted) == 1


def test_failing_sign_ins_are_mailed_to_the_operators() -> None:
    world = World()
    project_id = world.project(world.client())
    for number in range(3):
        world.clock.forward(60)
        fail_sign_in(world, project_id, number)
    mails(world)
    assert {mail.message.to for mail in world.mailer.sent} == set(DEPLOYMENT.operator_mail)
    assert len(world.mailer.sent) == len(DEPLOYMENT.operator_mail) > 0


def test_a_connection_that_ends_is_an_event_at_each_notice_and_at_its_end() -> None:
    checked = Checked()
    project_id = checked.project()
    checked.identity.fault = UNREACHABLE
    for _ in range(100):
        checked.day()
        checked.checker.run()
    found = [event.kind for event in events(checked.world, project_id)]
    assert found == [EventKind.CONNECTION_EXPIRED, *[EventKind.CONNECTION_EXPIRING] * 4]
    assert "customerdata" in events(checked.world, project_id)[0].summary
