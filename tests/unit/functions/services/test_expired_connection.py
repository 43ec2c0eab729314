"""A customer's sign-in ends: what happens to the jobs, what is said, and how they are run again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from functions.domain.expiry import EndKind
from functions.domain.mail import MailKind
from functions.domain.views import AzureConnectionBody, ConnectionKind, JobView, ListQuery, ProjectStatus
from functions.services.expired_jobs import ExpiredJobs
from functions.services.projects import TABLE as PROJECTS
from functions.services.sign_in_ends import SignInEnds
from migrate_contract.errors import CATALOGUE, ErrorCode, Fatal, Retryable
from migrate_contract.jobs import JobFault, JobPhase
from tests.memory.identity import OWNER
from tests.memory.letters import MemoryLetters
from tests.memory.world import ADMIN, ORGANIZATION, READER, Running, World, limited, refused, running_job, taken_job

EXPIRED = ErrorCode.AZURE_CREDENTIALS_EXPIRED
REASON = "AADSTS50173: the grant was revoked on 2026-03-02"
WORDS = "Azure credentials expired — re-authenticate via dashboard"


def end(world: World, project_id: str, kind: EndKind = EndKind.REFUSED, reason: str = REASON) -> MemoryLetters:
    """Somebody finds that the project's sign-in has ended. The letters that follow."""
    letters = MemoryLetters()
    row = world.tables.get(PROJECTS, ORGANIZATION, project_id)
    assert row is not None
    SignInEnds(world.tables, world.clock, letters, world.services.events).found(row, kind, reason)
    return letters


def reconnect(world: World, project_id: str) -> None:
    world.clock.forward(60)
    world.services.connections.connect(ADMIN, project_id, AzureConnectionBody(kind=ConnectionKind.DEPLOYMENT))


def status(world: World, project_id: str) -> ProjectStatus:
    return world.services.projects.show(ADMIN, project_id).status


def failed(running: Running) -> JobView:
    """The agent asks for access, is refused, and says so."""
    fault = refused(EXPIRED, lambda: running.agent.grant(running.job))
    said = JobFault(code=fault.code.value, detail=fault.detail)
    running.agent.report(running.job, JobPhase.FAILED, fault=said)
    return running.job


def expired_jobs(world: World) -> ExpiredJobs:
    return world.services.expired_jobs


def test_the_words_are_the_documented_ones() -> None:
    assert CATALOGUE[EXPIRED].title == WORDS


def test_a_grant_finds_the_end_and_the_project_asks_for_a_person() -> None:
    running = running_job()
    world = running.world
    running.agent.grant(running.job)
    world.account.fault = Fatal(EXPIRED, REASON)
    fault = refused(EXPIRED, lambda: running.agent.grant(running.job))
    assert fault.detail == REASON
    project = world.services.projects.show(ADMIN, running.project_id)
    assert project.status is ProjectStatus.AUTH_REQUIRED
    assert project.sign_in_end is not None
    assert (project.sign_in_end.reason, project.sign_in_end.at) == (REASON, world.clock.now)


def test_the_job_fails_with_the_code_and_the_exact_reason_and_no_file_fails() -> None:
    running = running_job()
    end(running.world, running.project_id)
    job = failed(running)
    assert job.state == "failed"
    assert job.fault is not None
    assert (job.fault.code, job.fault.title) == (EXPIRED.value, WORDS)
    assert job.fault.detail.endswith(REASON)
    assert running.world.account.granted == 0


def test_a_renewal_is_refused_without_asking_the_account_again() -> None:
    running = running_job()
    end(running.world, running.project_id)
    for _ in range(3):
        refused(EXPIRED, lambda: running.agent.grant(running.job))
    assert running.world.account.containers == set()


def test_one_mail_however_many_find_it() -> None:
    running = running_job()
    world = running.world
    posts = [end(world, running.project_id) for _ in range(3)]
    letters = MemoryLetters()
    for each in posts:
        letters.posted.update(each.posted)
    (draft,) = letters.posted.values()
    assert draft.kind is MailKind.CONNECTION_EXPIRED
    today = world.clock.now.date()
    assert draft.facts == {"reason": REASON, "account": "migrationdata", "ended_on": today.isoformat()}
    assert draft.due_on == world.clock.now.date()


def test_the_mail_reaches_the_outbox_of_the_deployment() -> None:
    running = running_job()
    running.world.account.fault = Fatal(EXPIRED, REASON)
    for _ in range(2):
        refused(EXPIRED, lambda: running.agent.grant(running.job))
    running.world.services.sweeps.run()
    (sent,) = running.world.mailer.sent
    assert REASON in sent.message.plain


def test_the_end_is_one_event_of_the_project() -> None:
    running = running_job()
    for _ in range(2):
        end(running.world, running.project_id)
    (event,) = running.world.services.events.list(ADMIN, running.project_id, ListQuery()).items
    assert (event.kind, event.code) == ("connection-expired", EXPIRED.value)
    assert REASON in event.summary


def test_somebody_else_writes_the_project_at_the_same_moment() -> None:
    running = running_job()
    world = running.world
    row = world.tables.get(PROJECTS, ORGANIZATION, running.project_id)
    assert row is not None

    def race(table: str, pk: str, rk: str) -> None:
        if table == PROJECTS:
            world.tables.before_write = None
            world.tables.merge(PROJECTS, pk, rk, {"description": "new"}, None)

    world.tables.before_write = race
    SignInEnds(world.tables, world.clock, MemoryLetters(), world.services.events).found(row, EndKind.REFUSED, REASON)
    project = world.services.projects.show(ADMIN, running.project_id)
    assert (project.status, project.description) == (ProjectStatus.AUTH_REQUIRED, "new")


def test_an_end_that_is_found_after_the_reconnect_ends_nothing() -> None:
    running = running_job()
    world = running.world
    row = world.tables.get(PROJECTS, ORGANIZATION, running.project_id)
    assert row is not None
    reconnect(world, running.project_id)
    letters = MemoryLetters()
    assert (
        SignInEnds(world.tables, world.clock, letters, world.services.events).found(row, EndKind.REFUSED, REASON)
        is None
    )
    assert (status(world, running.project_id), letters.asked) == (ProjectStatus.IN_PROGRESS, 0)


def test_a_closed_project_stays_closed() -> None:
    running = running_job()
    world = running.world
    running.agent.report(running.job, JobPhase.FAILED)
    end(world, running.project_id)
    world.tables.merge(PROJECTS, ORGANIZATION, running.project_id, {"closed": "completed"}, None)
    assert status(world, running.project_id) is ProjectStatus.COMPLETED


@pytest.mark.parametrize("code", [ErrorCode.STORAGE_UNAVAILABLE, ErrorCode.IDENTITY_UNAVAILABLE])
def test_a_fault_that_passes_sends_nobody_to_reconnect(code: ErrorCode) -> None:
    running = running_job()
    running.world.account.fault = Retryable(code, "503")
    refused(code, lambda: running.agent.grant(running.job))
    assert status(running.world, running.project_id) is ProjectStatus.IN_PROGRESS
    assert running.job.state == "running"


def test_a_new_job_of_such_a_project_fails_at_its_dispatch() -> None:
    running = running_job()
    world = running.world
    end(world, running.project_id)
    job = world.new_job(running.project_id, container="other", agent_id=running.agent.agent_id)
    world.drain()
    shown = world.job(job.job_id)
    assert shown.state == "failed"
    assert shown.fault is not None
    assert shown.fault.code == EXPIRED.value
    assert REASON in shown.fault.detail


def test_a_paused_job_that_is_resumed_fails_too() -> None:
    running = running_job()
    world = running.world
    running.agent.report(running.job, JobPhase.PAUSED)
    end(world, running.project_id)
    world.services.lifecycle.resume(ADMIN, running.job_id)
    world.drain()
    assert world.job(running.job_id).state == "failed"


# Run again


def test_after_the_reconnect_the_failed_jobs_are_offered_and_run_again() -> None:
    running = running_job()
    world = running.world
    end(world, running.project_id)
    failed(running)
    offer = expired_jobs(world).show(ADMIN, running.project_id)
    assert ([job.job_id for job in offer.jobs], offer.can_rerun) == ([running.job_id], False)
    refused(EXPIRED, lambda: expired_jobs(world).rerun(ADMIN, running.project_id))
    reconnect(world, running.project_id)
    assert status(world, running.project_id) is ProjectStatus.IN_PROGRESS
    assert expired_jobs(world).show(ADMIN, running.project_id).can_rerun
    answer = expired_jobs(world).rerun(ADMIN, running.project_id)
    assert ([(job.job_id, job.attempt) for job in answer.begun], answer.refused) == ([(running.job_id, 2)], [])
    assert expired_jobs(world).show(ADMIN, running.project_id).jobs == []
    world.drain()
    running.agent.take(running.job)
    assert running.agent.grant(running.job)


def test_jobs_that_failed_for_something_else_are_not_offered() -> None:
    running = running_job()
    said = JobFault(code=ErrorCode.DISK_FULL.value, detail="/data")
    running.agent.report(running.job, JobPhase.FAILED, fault=said)
    assert expired_jobs(running.world).show(ADMIN, running.project_id).jobs == []


def test_one_that_cannot_be_run_again_leaves_the_others_alone() -> None:
    running = running_job()
    world = running.world
    agent_id = running.agent.agent_id
    first = world.new_job(running.project_id, container="shared", prefix="a", agent_id=agent_id)
    end(world, running.project_id)
    failed(running)
    world.drain()
    reconnect(world, running.project_id)
    world.new_job(running.project_id, container="shared", prefix="a", agent_id=agent_id)
    answer = expired_jobs(world).rerun(ADMIN, running.project_id)
    assert [job.job_id for job in answer.begun] == [running.job_id]
    assert [(each.job_id, each.fault.code) for each in answer.refused] == [
        (first.job_id, ErrorCode.DESTINATION_OVERLAP.value)
    ]


def test_who_may_see_and_do_that() -> None:
    running = taken_job()
    world = running.world
    refused(ErrorCode.ROLE_INSUFFICIENT, lambda: expired_jobs(world).rerun(READER, running.project_id))
    other = limited(world.client(name="Another"))
    refused(ErrorCode.NOT_FOUND, lambda: expired_jobs(world).show(other, running.project_id))


def test_the_whole_way_on_a_customers_account() -> None:
    """Revoked under a running job, told once, signed in again, and run again: through the product's own redemption."""
    world = World()
    client_id = world.client()
    agent = world.online_agent(client_id)
    project_id = world.project(client_id, connected=False)
    world.connect_customer(project_id)
    job = world.new_job(project_id)
    world.drain()
    agent.take(job)
    agent.report(job, JobPhase.RUNNING)
    running = Running(world, client_id, project_id, agent, job.job_id)
    agent.grant(job)
    world.identity.revoked.add(OWNER.object_id)
    world.clock.forward(1800)
    failed(running)
    assert running.job.fault is not None
    assert "AADSTS50173" in running.job.fault.detail
    assert status(world, project_id) is ProjectStatus.AUTH_REQUIRED
    world.services.token_checks.run()
    world.services.sweeps.run()
    assert [mail.message.to for mail in world.mailer.sent] == ["operators@acme.example"]

    world.identity.revoked.clear()
    world.clock.forward(60)
    world.connect_customer(project_id)
    assert status(world, project_id) is ProjectStatus.IN_PROGRESS
    (begun,) = expired_jobs(world).rerun(ADMIN, project_id).begun
    assert begun.attempt == 2
    world.drain()
    agent.take(running.job)
    assert agent.grant(running.job)
    world.clock.forward(8 * 86_400)
    assert world.services.token_checks.run().totals() == {"looked": 1, "redeemed": 1}
    world.services.sweeps.run()
    assert len([mail for mail in world.mailer.sent if "AADSTS50173" in mail.message.plain]) == 1


def test_an_end_is_not_moved_by_a_later_finder() -> None:
    running = running_job()
    world = running.world
    end(world, running.project_id, EndKind.LAPSED, "no answer for ninety days")
    lapsed_at = world.clock.now
    world.clock.forward(86_400)
    end(world, running.project_id)
    world.clock.forward(86_400)
    end(world, running.project_id, EndKind.LAPSED, "again")
    shown = world.services.projects.show(ADMIN, running.project_id).sign_in_end
    assert shown is not None
    assert (shown.at, shown.reason) == (lapsed_at, REASON)
    assert shown.at < datetime(2100, 1, 1, tzinfo=UTC)
