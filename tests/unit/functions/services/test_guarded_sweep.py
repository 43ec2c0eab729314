"""A fault in one part of the sweep keeps no other part from running, and is raised at the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from functions.domain.ports import Value
from functions.services import assemble
from tests.memory.tables import MemoryTables
from tests.memory.world import DEPLOYMENT, World


class TableThatRefuses(MemoryTables):
    """Memory, but alerts about one subject cannot be written."""

    def __init__(self, subject: str) -> None:
        super().__init__()
        self._subject = subject

    def insert(self, table: str, pk: str, rk: str, values: Mapping[str, Value]) -> str:
        if table == "alerts" and self._subject and self._subject in rk:
            raise OSError(f"no alert about {self._subject}")
        return super().insert(table, pk, rk, values)


def test_one_job_that_cannot_be_swept_leaves_the_others_alone():
    world = World()
    tables = TableThatRefuses("")
    world.tables = tables
    world.ports = replace(world.ports, tables=tables)
    world.services = assemble(world.ports, DEPLOYMENT, world.limits)
    project = world.project(world.client())
    jobs = [world.new_job(project, container=f"files-{n}").job_id for n in range(3)]
    world.clock.forward(world.limits.undelivered_seconds + 1)
    tables._subject = jobs[1]
    with pytest.raises(ExceptionGroup) as raised:
        world.services.sweeps.run()
    assert [fault.__notes__ for fault in raised.value.exceptions] == [[f"in the sweep of job {jobs[1]}"]]
    alerted = {row.rk.partition("|")[2] for row in tables.partition("alerts", "acme", prefix="job-undelivered|")}
    assert alerted == {jobs[0], jobs[2]}
