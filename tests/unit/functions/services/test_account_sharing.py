"""A job whose storage account answers 503 names the jobs that use it, too; and what is reported of waiting is shown."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from functions.domain.views import SharedAccount
from functions.services.account_sharing import _MOST_NAMED
from migrate_contract.jobs import JobPhase, Progress, Waiting, WaitReason
from migrate_contract.schedule import LimitInForce, LimitOwner
from tests.memory.world import ADMIN, OTHER_ORGANIZATION, STRANGER, Running, World, limited, running_job

BUSY = Waiting(reason=WaitReason.SERVICE_BUSY, detail="the storage service is busy")


def busy(running: Running, reason: WaitReason = WaitReason.SERVICE_BUSY) -> None:
    running.agent.report(running.job, JobPhase.RUNNING, waiting=BUSY.model_copy(update={"reason": reason}))


def shared(running: Running) -> SharedAccount:
    found = running.job.shared_account
    assert found is not None
    return found


def test_what_the_agent_says_of_its_waiting_is_shown():
    running = running_job()
    limit = LimitInForce(mbps=20, owner=LimitOwner.SITE, until=datetime(2026, 5, 12, 23, tzinfo=UTC), zone="UTC")
    running.agent.report(
        running.job,
        JobPhase.RUNNING,
        average_bytes_per_second=4.5,
        limit=limit,
        concurrency=24,
        advice="disk-bound: raising concurrency will not help",
        waited_seconds={WaitReason.DISK: 12.5, WaitReason.IDLE: 1.0},
    )
    progress = running.job.progress
    assert progress is not None
    assert (progress.average_bytes_per_second, progress.limit, progress.concurrency) == (4.5, limit, 24)
    assert progress.advice == "disk-bound: raising concurrency will not help"
    assert progress.waited_seconds == {WaitReason.DISK: 12.5, WaitReason.IDLE: 1.0}


def test_an_agent_of_before_says_none_of_it():
    running = running_job()
    old = Progress.model_validate_json('{"attempt": 1, "sequence": 90, "phase": "running"}')
    running.world.services.progress.report(running.agent.caller(), running.job_id, old)
    progress = running.job.progress
    assert progress is not None
    assert (progress.limit, progress.advice, progress.concurrency, progress.waited_seconds) == (None, "", 0, {})


def test_the_others_on_a_busy_account_are_named():
    world = World()
    first, second = running_job(world, container="one"), running_job(world, container="two")
    busy(first)
    found = shared(first)
    assert [(job.job_id, job.name, job.client_name) for job in found.jobs] == [(second.job_id, "Copy", "St. Mary")]
    assert (found.account, found.others) == (world.store().find("acme", first.job_id)[0].account, 0)  # type: ignore[index]
    assert second.job.shared_account is None


@pytest.mark.parametrize("reason", [reason for reason in WaitReason if reason is not WaitReason.SERVICE_BUSY])
def test_a_job_that_waits_for_something_else_names_nobody(reason):
    world = World()
    first, _ = running_job(world, container="one"), running_job(world, container="two")
    busy(first, reason)
    assert first.job.shared_account is None


def test_alone_on_the_account_nobody_is_named_and_that_is_said():
    running = running_job()
    busy(running)
    assert (shared(running).jobs, shared(running).others) == ([], 0)


def test_only_jobs_at_work_are_named():
    world = World()
    first, second, third = (running_job(world, container=f"box-{number}") for number in range(3))
    world.new_job(first.project_id, container="never-started")
    second.agent.report(second.job, JobPhase.COMPLETED)
    world.services.lifecycle.pause(ADMIN, third.job_id)
    third.agent.report(third.job, JobPhase.PAUSED)
    busy(first)
    assert shared(first).jobs == []
    first.agent.report(first.job, JobPhase.COMPLETED, waiting=BUSY)
    assert first.job.shared_account is None


def test_clients_that_a_member_may_not_see_are_counted_and_not_named():
    world = World()
    first, second = running_job(world, container="one"), running_job(world, container="two")
    busy(first)
    lena = limited(first.client_id)
    found = world.job(first.job_id, lena).shared_account
    assert found is not None
    assert (found.jobs, found.others) == ([], 1)
    assert second.job_id not in found.model_dump_json()


def test_another_organization_on_the_same_account_is_neither_named_nor_counted():
    world = World()
    first = running_job(world, container="one")
    client_id = world.client(STRANGER, "Theirs")
    agent = world.online_agent(client_id, STRANGER)
    theirs = world.new_job(world.project(client_id, STRANGER), caller=STRANGER, container="two")
    world.drain()
    starts = agent.beat().commands
    assert agent.answer(starts[0].command_id)
    body = Progress(attempt=1, sequence=1, phase=JobPhase.RUNNING)
    world.services.progress.report(agent.caller(), theirs.job_id, body)
    stored = world.store().find(OTHER_ORGANIZATION, theirs.job_id)
    assert stored is not None
    assert (stored[0].state, stored[0].account) == ("running", world.store().find("acme", first.job_id)[0].account)  # type: ignore[index]
    busy(first)
    assert (shared(first).jobs, shared(first).others) == ([], 0)


def test_a_crowd_is_counted():
    world = World()
    first = running_job(world, container="one")
    for number in range(_MOST_NAMED + 3):
        running_job(world, container=f"box-{number:02d}")
    busy(first)
    assert (len(shared(first).jobs), shared(first).others) == (_MOST_NAMED, 3)
