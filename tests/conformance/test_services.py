"""The control plane's services over real tables, queues and blobs: one job's whole life, seen from both sides."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from functions.adapters.blobs import AzureBlobs
from functions.adapters.data_accounts import AzureDataAccounts
from functions.adapters.randomness import SystemTokens
from functions.adapters.tables import AzureTables
from functions.domain.views import JobEdit, JobReassign, ListQuery
from functions.services import assemble
from local.azurite import Azurite
from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import Bucket, JobPhase, JobState, LedgerChunk, LedgerRow
from tests.conformance.conftest import DATA_ACCOUNT, access
from tests.memory.world import ADMIN, DEPLOYMENT, STRANGER, World, limited, refused, tally


@pytest.fixture
def world(azurite: tuple[Azurite, Path]) -> World:
    """Rows, blobs and the data account are real; the queue is in memory, so that a test can play its trigger."""
    world = World()
    accounts = AzureDataAccounts(access(azurite, DATA_ACCOUNT), world.clock)
    world.ports = replace(
        world.ports,
        tables=AzureTables(access(azurite)),
        blobs=AzureBlobs(access(azurite)),
        data_accounts=accounts,
        tokens=SystemTokens(),
    )
    world.services = assemble(world.ports, DEPLOYMENT, world.limits)
    return world


def test_a_job_from_creation_to_deletion(world: World) -> None:
    services = world.services
    client_id = world.client()
    agent, other = world.online_agent(client_id), world.online_agent(client_id)
    project_id = world.project(client_id)
    container = "c" + client_id.removeprefix("cli_")
    job = world.new_job(project_id, container=container)
    services.jobs.edit(ADMIN, job.job_id, JobEdit(name="Größe 😀"))
    services.lifecycle.reassign(ADMIN, job.job_id, JobReassign(agent_id=agent.agent_id))
    world.drain()
    agent.take(job)
    assert agent.grant(job)
    agent.report(job, JobPhase.SCANNING, files=tally(pending=2), bytes=tally(pending=2))
    services.lifecycle.pause(ADMIN, job.job_id)
    (pause,) = agent.beat().commands
    assert agent.answer(pause.command_id)
    agent.report(job, JobPhase.PAUSED)
    services.lifecycle.resume(ADMIN, job.job_id)
    world.drain()
    agent.take(job)
    world.clock.forward(601)
    assert world.job(job.job_id).unconfirmed is False
    agent.report(job, JobPhase.RUNNING)
    world.clock.forward(601)
    assert world.job(job.job_id).unconfirmed is True
    other.beat()
    services.lifecycle.reassign(ADMIN, job.job_id, JobReassign(agent_id=other.agent_id))
    refused(ErrorCode.ATTEMPT_SUPERSEDED, lambda: agent.report(job, JobPhase.RUNNING, attempt=1))
    world.drain()
    other.take(job)
    rows = [
        LedgerRow(row=n, path=f"f{n}", bucket=Bucket.TRANSFERRED, size_bytes=1, finished_at=world.clock())
        for n in (1, 2)
    ]
    assert services.ledgers.append(other.caller(), job.job_id, LedgerChunk(attempt=2, rows=rows)).next_row == 3
    other.report(job, JobPhase.COMPLETED, files=tally(transferred=2), bytes=tally(transferred=2))
    report = services.reports.job_report(ADMIN, job.job_id)
    assert (report.job.state, report.job.name, report.adds_up) == ("completed", "Größe 😀", True)
    assert len(services.jobs.history(ADMIN, job.job_id, ListQuery(limit=200)).items) > 10
    assert services.ledgers.files(ADMIN, job.job_id, ListQuery(limit=1)).continuation is not None
    services.jobs.delete(ADMIN, job.job_id)
    refused(ErrorCode.NOT_FOUND, lambda: world.job(job.job_id))
    assert world.ports.tables.partition("jobs", f"acme|{project_id}") == []
    assert world.ports.blobs.list("ledgers", f"acme/{job.job_id}/") == []
    services.projects.delete(ADMIN, project_id)
    for hand in (agent, other):
        services.agents.revoke(ADMIN, hand.agent_id)
    services.clients.delete(ADMIN, client_id)


def test_lists_page_and_stay_within_organization_and_client(world: World) -> None:
    services = world.services
    client_id, hidden = world.client(), world.client()
    project_id = world.project(client_id)
    world.project(hidden)
    ids = {world.new_job(project_id, container=f"c{n}{client_id.removeprefix('cli_')}").job_id for n in range(5)}
    mine = limited(client_id)
    found: list[str] = []
    query = ListQuery(limit=2)
    while True:
        page = services.jobs.list(mine, query, state=JobState.CREATED)
        found += [view.job_id for view in page.items]
        if page.continuation is None:
            break
        query = ListQuery(limit=2, continuation=page.continuation)
    assert sorted(found) == sorted(ids)
    assert [view.client_id for view in services.projects.list(mine, ListQuery()).items] == [client_id]
    assert [view.client_id for view in services.clients.list(mine, ListQuery()).items] == [client_id]
    assert services.jobs.list(STRANGER, ListQuery()).items == []
    refused(ErrorCode.REQUEST_INVALID, lambda: services.jobs.list(ADMIN, query, state=JobState.CREATED))


def test_the_sweep_finds_what_stalled(world: World) -> None:
    client_id = world.client()
    agent = world.online_agent(client_id)
    job = world.new_job(world.project(client_id), container="c" + client_id.removeprefix("cli_"))
    world.queues.messages.clear()
    world.clock.forward(601)
    world.services.sweeps.run()
    world.drain()
    mine = limited(client_id)
    assert [alert.code for alert in world.services.alerts.list(mine, ListQuery()).items] == ["job-undelivered"]
    agent.take(job)
    world.services.sweeps.run()
    assert world.services.alerts.list(mine, ListQuery()).items == []
    assert [code.client_id for code in world.services.codes.list(mine, ListQuery()).items] == [client_id]
