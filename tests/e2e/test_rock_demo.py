"""The demonstration of an import, with a small church: through the whole system, with a kill in the middle."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from local.demo_display import DemoDisplay
from local.rock_demo import run_rock_demo
from local.stack import Stack
from migrate_agent.rockrms.connection_store import CONNECTIONS_FILE
from migrate_contract.rockrms import Evidence, Stage

pytestmark = pytest.mark.slow


def leaks(stack: Stack) -> list[str]:
    """Files of the agent, and logs of all, that hold a secret or a prayer; the connection's own file is not one."""
    agent = stack.directory.parent / "agent"
    secrets = [stack.identity.mission_key.encode(), stack.identity.rock_password.encode()]
    prayers = stack.mission.control.records("prayer-requests")
    texts = [str(prayer["text"]).encode() for prayer in prayers if len(prayer["text"]) > 20]
    assert texts
    files = [*agent.rglob("*"), *stack.directory.rglob("*.log")]
    found = []
    for path in (each for each in files if each.is_file() and each.name != CONNECTIONS_FILE):
        content = path.read_bytes()
        found += [f"{path}: {what[:12]!r}" for what in (*secrets, *texts) if what in content]
    return found


def test_a_small_church_arrives_to_the_cent_although_the_agent_is_killed(tmp_path: Path) -> None:
    output = io.StringIO()
    certificate = tmp_path / "certificate.html"
    leaked: list[str] = []
    with DemoDisplay(Console(file=output, width=120)) as display:
        found = run_rock_demo(
            display, certificate, people=120, kill_after=3, before_verdict=lambda stack: leaked.extend(leaks(stack))
        )
        display.import_report(found)
    assert leaked == []
    assert found.problems == []
    assert found.killed
    assert (found.dry_run.stage, found.report.stage) == (Stage.DRY_RUN, Stage.VERIFIED)
    assert (found.report.evidence, found.report.financial_match) == (Evidence.MISSION, True)
    assert found.report.unexplained == "0.00"
    assert found.records == sum(entity.mission or 0 for entity in found.report.entities)
    page = certificate.read_text("utf-8")
    assert found.report.totals.net.removeprefix("-").rpartition(".")[2] in page
    assert found.report.ledger_sha256 in page
    assert (found.trace.code, found.trace.copies, found.trace.status) == (None, 1, "imported")
    assert [value.name for value in found.trace.sent] == [value.name for value in found.trace.mission]
    assert any(value.name == "FinancialTransactionDetail.Amount" for value in found.trace.source)
    assert "PASSED" in output.getvalue()
    assert "mk_" not in output.getvalue() + page
