"""The token refresh checker over Azurite: two instances at once make each look once, also where claims collide."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

from functions.adapters.tables import AzureTables
from functions.domain.expiry import EndKind
from functions.domain.limits import Limits
from functions.services.token_checks import TokenChecks
from functions.services.token_reports import RunTally
from local.azurite import Azurite
from tests.conformance.conftest import access
from tests.memory.checker import Checked
from tests.memory.redemptions import REVOKED

PROJECTS = 24


def test_two_instances_that_race_look_at_each_connection_once(azurite: tuple[Azurite, Path]) -> None:
    checked = Checked(Limits(token_check_workers=4), tables=AzureTables(access(azurite)))
    client_id = checked.world.client()
    projects = {checked.project(client_id) for _ in range(PROJECTS)}
    checked.clock.now += timedelta(days=7)
    gate = threading.Barrier(2)
    runs: list[RunTally] = []

    def run(checker: TokenChecks) -> None:
        gate.wait()
        runs.append(checker.run())

    threads = [threading.Thread(target=run, args=(checked.instance(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    totals = [run.totals() for run in runs]
    assert len(totals) == 2
    # The emulator is shared: projects of other tests are looked at, too.
    met = max(total["looked"] + total.get("elsewhere", 0) for total in totals)
    assert met >= PROJECTS
    assert sum(total["looked"] for total in totals) == met
    tried = {project: len(times) for project, times in checked.identity.tried.items() if project in projects}
    assert tried == dict.fromkeys(projects, 1)


def test_an_end_that_two_find_at_once_is_marked_and_mailed_once(azurite: tuple[Azurite, Path]) -> None:
    checked = Checked(tables=AzureTables(access(azurite)))
    project_id = checked.project()
    gate = threading.Barrier(4)
    row = checked.row(project_id)

    def find(number: int) -> None:
        gate.wait()
        checked.ends.found(row, EndKind.REFUSED, f"{REVOKED.detail} ({number})")

    threads = [threading.Thread(target=find, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    (letter,) = checked.letters.posted.values()
    end = checked.show(project_id).sign_in_end
    assert end is not None
    assert letter.facts["reason"] == end.reason
