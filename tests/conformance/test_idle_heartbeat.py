"""What an idle heartbeat costs, counted where requests leave the process (product page, Limits: at most 2)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from functions.adapters.randomness import SystemTokens
from functions.adapters.tables import AzureTables
from functions.domain.limits import Limits
from functions.services import assemble
from local.azurite import Azurite
from tests.conformance.conftest import access
from tests.memory.world import DEPLOYMENT, AgentHand, World


class AzureWorld(World):
    """The world with its rows in Azurite."""

    def __init__(self, emulator: tuple[Azurite, Path]) -> None:
        super().__init__()
        self.requests: list[tuple[str, str]] = []
        tables = AzureTables(access(emulator), lambda method, url: self.requests.append((method, url)))
        self.ports = replace(self.ports, tables=tables, tokens=SystemTokens())
        self.services = assemble(self.ports, DEPLOYMENT, Limits())


@pytest.fixture
def world(azurite: tuple[Azurite, Path]) -> AzureWorld:
    return AzureWorld(azurite)


def _beat(world: AzureWorld, agent: AgentHand) -> list[tuple[str, str]]:
    world.requests.clear()
    world.clock.forward(60)
    agent.beat()
    return [(method, unquote(urlsplit(url).path).rsplit("/", 1)[1]) for method, url in world.requests]


def test_an_idle_heartbeat_is_one_query_and_one_merge(world: AzureWorld) -> None:
    agent = world.online_agent(world.client())
    cost = _beat(world, agent)
    merge = f"agents(PartitionKey='acme|{agent.agent_id}',RowKey='beat')"
    assert cost == [("GET", "agents()"), ("PATCH", merge)]
    query = unquote(urlsplit(world.requests[0][1]).query)
    assert f"PartitionKey eq 'acme|{agent.agent_id}'" in query.replace("+", " ")


def test_a_job_that_is_held_costs_no_more(world: AzureWorld) -> None:
    client_id = world.client()
    agent = world.online_agent(client_id)
    job = world.new_job(world.project(client_id), container="held" + agent.agent_id[-6:])
    world.drain()
    agent.take(job)
    assert [method for method, _ in _beat(world, agent)] == ["GET", "PATCH"]
    assert agent.beat().assignments[0].job_id == job.job_id
