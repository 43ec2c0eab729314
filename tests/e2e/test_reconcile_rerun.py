"""What a verification finds missing or different is sent again by the next run, and only that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.mission.direct import DirectMission
from local.sqlserver import SqlServer
from migrate_contract.rockrms import Verdict
from tests.harness.rock_import import RockImport, a_church, a_spec


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[RockImport]:
    church = a_church(tmp_path, people=60, seed=11)
    with SqlServer(church.path) as server:
        made = RockImport(tmp_path / "agent", server, DirectMission())
        yield made
        made.close()


def test_a_rerun_mends_what_was_found(agent: RockImport) -> None:
    agent.run()
    first = agent.report
    assert (first.financial_match, first.quality_score) == (True, 100.0), first.reason

    control = agent.mission.control
    lost, changed = control.records("contributions")[3], control.records("contributions")[9]
    person = control.records("people")[-1]
    control.delete("contributions", lost["external_id"])
    control.change("contributions", changed["external_id"], amount="1234.56")
    control.change("people", person["external_id"], last_name="Somebody Else")

    agent.run(a_spec(2))
    second = agent.report
    assert second.financial_match is False
    named = {text.split(": ")[0] for row in second.rows if row.verdict is Verdict.DIFFERS for text in row.records}
    assert {lost["external_id"], changed["external_id"], person["external_id"]} <= named

    control.forget_seen()
    agent.run(a_spec(3))
    third = agent.report
    assert (third.financial_match, third.quality_score) == (True, 100.0), third.reason
    posted = {seen["path"]: seen["records"] for seen in control.seen() if seen["method"] == "POST" and seen["records"]}
    assert posted.get("/api/import/contributions") == 2
    assert posted.get("/api/import/people") == 1
    assert control.copies("people", person["external_id"]) == [person]
