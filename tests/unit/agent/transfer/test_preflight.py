"""What is found before the first byte: added up by kind, kept for reports, and small enough for one."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from migrate_agent.runtime.progress_report import progress_of
from migrate_agent.store.entries import Entry, FileState
from migrate_agent.store.job_journal import JobJournal
from migrate_agent.store.journal import JobRecord
from migrate_agent.store.ledger import Remark
from migrate_agent.transfer.dry_run import Attention
from migrate_agent.transfer.preflight import Findings, seconds_at, why_unreadable
from migrate_agent.transfer.results import DryRunFile
from migrate_contract.errors import ErrorCode, SkipRecord
from migrate_contract.jobs import (
    BlobDestination,
    Bucket,
    Finding,
    JobPhase,
    JobSpec,
    JobType,
    LocalSource,
    Preflight,
)
from migrate_contract.wire import MAX_PROGRESS_BODY_BYTES

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def row(path: str, bucket: Bucket, code: str, detail: str = "", size: int = 1) -> Remark:
    return Remark(1, path, bucket.value, size, code, detail)


def test_findings_are_kinds_with_the_rule_only_where_a_filter_has_one() -> None:
    findings = Findings()
    for number in range(5):
        findings.add_remark(row(f"{number}.tmp", Bucket.EXCLUDED, "filtered-out", "excluded by '*.tmp'", 10))
    findings.add_remark(row("x.bak", Bucket.EXCLUDED, "filtered-out", "excluded by '*.bak'"))
    findings.add_remark(row("bad.", Bucket.UNSUPPORTED, "name-unsupported", "'bad.' ends with a dot"))
    findings.add_remark(row("worse.", Bucket.UNSUPPORTED, "name-unsupported", "'worse.' ends with a dot"))
    entry = Entry(1, "A", 7, None, FileState.PENDING, note="'A' differs only by case from 'a' beside it")
    findings.add_pending(entry, SkipRecord(ErrorCode.SOURCE_DENIED, "no"))
    assert [(found.bucket.value, found.code, found.rule, found.files, found.bytes) for found in findings.all()] == [
        ("excluded", "filtered-out", "excluded by '*.tmp'", 5, 50),
        ("unsupported", "name-unsupported", "", 2, 2),
        ("excluded", "filtered-out", "excluded by '*.bak'", 1, 1),
        ("pending", "name-collision", "", 1, 7),
        ("pending", "source-denied", "", 1, 7),
    ]
    assert findings.all()[0].examples == ["0.tmp", "1.tmp", "2.tmp"]


def test_a_report_stays_small_and_says_what_it_leaves_off() -> None:
    findings = Findings()
    for number in range(400):
        rule = f"excluded by '{number}{'\U0001f600' * 200}'"
        for _ in range(3):
            findings.add_remark(row("\U0001f600" * 8000, Bucket.EXCLUDED, "filtered-out", rule))
    report = findings.report(compared_files=3, checked_readable=True)
    assert report.left_off == 400 - len(report.findings)
    assert 0 < len(report.findings) <= 50
    assert len(report.model_dump_json().encode()) < MAX_PROGRESS_BODY_BYTES // 3
    assert all(len(path) == 200 and path.startswith("…") for path in report.findings[0].examples)
    assert Preflight.model_validate_json(report.model_dump_json()) == report


def test_the_journal_keeps_it_and_only_a_ready_job_reports_it(tmp_path: Path) -> None:
    report = Preflight(findings=[Finding(bucket=Bucket.FAILED, code="source-denied", files=1, bytes=2)])
    journal = JobJournal(tmp_path / "attempt.db")
    assert journal.preflight() is None
    journal.keep_preflight(Preflight(left_off=9))
    journal.keep_preflight(report)
    journal.close()
    journal = JobJournal(tmp_path / "attempt.db")
    assert journal.preflight() == report
    spec = JobSpec(
        job_id="job_000000000001000000000002",
        attempt=1,
        name="copy",
        type=JobType.MIGRATE_FILES,
        source=LocalSource(path="/x"),
        destination=BlobDestination(container="abc"),
    )
    for phase, expected in ((JobPhase.READY, report), (JobPhase.RUNNING, None)):
        record = JobRecord(
            job_id=spec.job_id,
            attempt=1,
            spec=spec,
            phase=phase,
            sequence=1,
            approved=False,
            confirmed=True,
            reported=False,
            outcome=None,
            fault=None,
            accepted_at=NOW,
        )
        assert progress_of(record, 1, None, journal).preflight == expected
    journal.close()


@pytest.fixture
def leased(tmp_path: Path) -> Iterator[Path]:
    """A file that no one can open for now, root included."""
    path = tmp_path / "leased"
    path.write_bytes(b"held")
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    with path.open("r+b") as held:
        fcntl.fcntl(held.fileno(), fcntl.F_SETLEASE, fcntl.F_WRLCK)
        yield path
    signal.signal(signal.SIGIO, before)


def test_what_cannot_be_opened_is_found_and_nothing_is_read(tmp_path: Path, leased: Path) -> None:
    fine = tmp_path / "fine"
    fine.write_bytes(b"content")
    os.utime(fine, (1_000_000, 2_000_000))
    assert why_unreadable(str(tmp_path), "fine", follow=False) is None
    assert fine.stat().st_atime == 1_000_000
    (tmp_path / "folder").mkdir()
    assert why_unreadable(str(tmp_path), "folder/", follow=False) is None, "a folder to be marked"
    for name, code in (("leased", ErrorCode.SOURCE_LOCKED), ("gone", ErrorCode.SOURCE_VANISHED)):
        fault = why_unreadable(str(tmp_path), name, follow=False)
        assert fault is not None
        assert fault.code is code


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_is_forbidden_is_denied(tmp_path: Path) -> None:
    (tmp_path / "secret").touch(mode=0)
    fault = why_unreadable(str(tmp_path), "secret", follow=False)
    assert fault is not None
    assert fault.code is ErrorCode.SOURCE_DENIED


def test_what_needs_a_look_is_shown_worst_first_and_counted_whole() -> None:
    left_out: list[DryRunFile] = []
    attention = Attention(left_out.append)
    for number in range(20):
        attention.add(DryRunFile(f"A{number}", "transferred", 1, "name-collision"))
        attention.add(DryRunFile(f"{number}.tmp", "excluded", 1, "filtered-out"))
        attention.add(DryRunFile(f"link {number}", "excluded", 1, "symlink-skipped"))
    for number in range(9_990):
        attention.add(DryRunFile(f"bad {number}.", "unsupported", 1, "name-unsupported"))
    shown = attention.shown()
    assert (len(shown), attention.total) == (10_000, 10_030)
    assert {file.bucket for file in shown[:9_990]} == {"unsupported"}
    assert not any(file.code == "filtered-out" for file in shown), "counted by rule instead"
    assert len(left_out) == 40, "those who ask hear of every one"


def test_time_at_a_speed() -> None:
    assert seconds_at(125_000_000, 100) == 10
