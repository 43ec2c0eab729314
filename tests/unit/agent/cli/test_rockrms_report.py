"""`migrate-agent rockrms report`: the files of an import that this agent holds."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from typer.testing import CliRunner

from migrate_agent.cli.app import app
from migrate_agent.identity import Credentials, save_credentials
from migrate_agent.rockrms.reconcile.workbook import Finding, Workbook
from migrate_agent.runtime.import_reports import MOST_KEPT, keep_report
from migrate_agent.store.import_entries import REPORT
from migrate_agent.store.journal import Journal
from migrate_contract.commands import CommandResult, CommandStatus
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.jobs import JobSpec, JobType, MissionDestination, RockRmsSource
from migrate_contract.rockrms import Entity, ImportReport, ImportSettings, Stage

PROJECT = "prj_000000000001"
JOB = "job_000000000001000000000001"
AGENT = "agt_000000000001"
AT = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def _spec() -> JobSpec:
    return JobSpec(
        job_id=JOB,
        attempt=1,
        name="RockRMS to Mission",
        type=JobType.ROCKRMS_IMPORT,
        source=RockRmsSource(project_id=PROJECT),
        destination=MissionDestination(url="https://mission.test"),
        rockrms=ImportSettings(time_zone="America/Phoenix"),
    )


def _held(state: Path, report: ImportReport | None) -> None:
    save_credentials(
        state, Credentials(agent_key=f"acme.{AGENT}.{'x' * 43}", api_url="https://api.test", agent_id=AGENT)
    )
    journal = Journal(state / "journal" / AGENT)
    result = CommandResult(status=CommandStatus.ACCEPTED)
    journal.accept(_spec(), "cmd_1", result)
    if report is not None:
        journal.open_import(JOB, 1).keep(REPORT, report.model_dump_json())
        with Workbook(journal.workbook(JOB, 1)) as book:
            book.find([Finding(Entity.PEOPLE, 3, "rock:x:Person:3", "missing", (), "in Rock, not in Mission")])
    journal.close()


def _run(state: Path, *words: str) -> tuple[int, str, BaseException | None]:
    found = CliRunner().invoke(app, ["--state-dir", str(state), "rockrms", "report", *words])
    return found.exit_code, found.output, found.exception


def test_every_file_is_written(tmp_path: Path) -> None:
    report = ImportReport(attempt=1, stage=Stage.VERIFIED, started_at=AT, finished_at=AT)
    _held(tmp_path, report)
    code, output, raised = _run(tmp_path, JOB, "--out", str(tmp_path / "out"), "--client-name", "Grace & Co")
    assert code == 0, raised
    assert "Accepted by Mission, not verified" in output
    assert "Grace &amp; Co" in (tmp_path / "out" / "certificate.html").read_text("utf-8")
    assert "rock:x:Person:3" in (tmp_path / "out" / "differing-records.csv").read_text("utf-8-sig")


def test_the_files_outlive_the_attempt(tmp_path: Path) -> None:
    """As the reporter does it when the control plane has everything."""
    _held(tmp_path, ImportReport(attempt=1, stage=Stage.VERIFIED, started_at=AT, finished_at=AT))
    journal = Journal(tmp_path / "journal" / AGENT)
    record = journal.job(JOB)
    assert record is not None
    keep_report(journal, record)
    journal.drop(JOB, 1)
    journal.close()
    code, _, raised = _run(tmp_path, JOB, "--out", str(tmp_path / "out"), "--signed-for", "Ruth Decker")
    assert code == 0, raised
    assert "Ruth Decker" in (tmp_path / "out" / "certificate.html").read_text("utf-8")
    assert "rock:x:Person:3" in (tmp_path / "out" / "differing-records.csv").read_text("utf-8-sig")


def test_old_reports_are_removed(tmp_path: Path) -> None:
    _held(tmp_path, ImportReport(attempt=1, stage=Stage.VERIFIED, started_at=AT, finished_at=AT))
    journal = Journal(tmp_path / "journal" / AGENT)
    for number in range(MOST_KEPT + 5):
        folder = journal.reports / f"job_{number:024d}.000001"
        folder.mkdir(parents=True)
        os.utime(folder, (number, number))
    record = journal.job(JOB)
    assert record is not None
    keep_report(journal, record)
    left = {path.name for path in journal.reports.iterdir()}
    journal.close()
    assert len(left) == MOST_KEPT
    assert f"{JOB}.000001" in left
    assert f"job_{0:024d}.000001" not in left


def test_an_import_that_is_not_held_or_has_no_report_is_said(tmp_path: Path) -> None:
    _held(tmp_path, None)
    for job in (JOB, "job_000000000001000000000002"):
        _, _, raised = _run(tmp_path, job, "--out", str(tmp_path / "out"))
        assert isinstance(raised, Fatal)
        assert raised.code is ErrorCode.NOT_FOUND
    assert not (tmp_path / "out").exists()
