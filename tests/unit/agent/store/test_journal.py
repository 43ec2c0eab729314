"""The agent's journal: jobs, commands, sequence numbers, errors."""

from __future__ import annotations

import json

import pytest

from migrate_agent.store.entries import Found
from migrate_agent.store.journal import Journal
from migrate_contract.commands import CommandResult, CommandStatus
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.jobs import JobFault, JobPhase, JobSpec, Outcome

JOB = "job_abcdefghijkl000000000001"
OTHER = "job_abcdefghijkl000000000002"
ACCEPTED = CommandResult(status=CommandStatus.ACCEPTED)


def spec(job_id: str = JOB, attempt: int = 1, **more) -> JobSpec:
    body = {
        "job_id": job_id,
        "attempt": attempt,
        "name": "n",
        "type": "migrate_files",
        "source": {"path": "/s"},
        "destination": {"container": "abc"},
    }
    return JobSpec.model_validate_json(json.dumps(body | more))


@pytest.fixture
def journal(tmp_path):
    opened = Journal(tmp_path / "state")
    yield opened
    opened.close()


def test_a_job_and_its_answer_are_written_together_and_survive(tmp_path):
    journal = Journal(tmp_path)
    record = journal.accept(spec(), "cmd_1", ACCEPTED)
    assert (record.phase, record.confirmed, record.reported, record.approved) == (JobPhase.QUEUED, False, False, False)
    journal.close()
    journal = Journal(tmp_path)
    assert journal.job(JOB) == record
    assert journal.handled("cmd_1") == ACCEPTED
    assert journal.handled("cmd_2") is None
    journal.close()


def test_jobs_keep_the_order_of_their_acceptance(journal):
    journal.accept(spec(OTHER), "cmd_1", ACCEPTED)
    journal.accept(spec(JOB), "cmd_2", ACCEPTED)
    assert [record.job_id for record in journal.jobs()] == [OTHER, JOB]
    journal.accept(spec(OTHER), "cmd_3", ACCEPTED)
    assert [record.job_id for record in journal.jobs()] == [JOB, OTHER]


def test_phases_reports_and_sequence(journal):
    journal.accept(spec(), "cmd_1", ACCEPTED)
    journal.confirm(JOB, 1)
    journal.approve(JOB, 1)
    assert [journal.next_sequence(JOB, 1) for _ in range(3)] == [1, 2, 3]
    journal.set_phase(JOB, 1, JobPhase.FAILED, fault=JobFault(code="disk-full", detail="d"))
    record = journal.job(JOB)
    assert record is not None
    assert (record.fault, record.confirmed, record.approved, record.sequence) == (
        JobFault(code="disk-full", detail="d"),
        True,
        True,
        3,
    )
    journal.mark_reported(JOB, 1, JobPhase.RUNNING)
    assert not journal.job(JOB).reported
    journal.mark_reported(JOB, 1, JobPhase.FAILED)
    assert journal.job(JOB).reported
    journal.set_phase(JOB, 1, JobPhase.COMPLETED, outcome=Outcome.COMPLETE)
    assert (journal.job(JOB).reported, journal.job(JOB).outcome) == (False, Outcome.COMPLETE)
    with pytest.raises(KeyError):
        journal.next_sequence(JOB, 7)


def test_the_same_attempt_again_keeps_its_files_and_sequence(journal):
    journal.accept(spec(), "cmd_1", ACCEPTED)
    journal.next_sequence(JOB, 1)
    journal.open_attempt(JOB, 1).add_found([Found("a", 1, 1)])
    journal.set_phase(JOB, 1, JobPhase.PAUSED)
    record = journal.accept(spec(approved=True), "cmd_2", ACCEPTED)
    assert (record.phase, record.sequence, record.approved, record.confirmed) == (JobPhase.QUEUED, 1, True, False)
    assert journal.open_attempt(JOB, 1).counters().files.scanned == 1


def test_a_newer_attempt_begins_empty_and_an_older_is_refused(journal, tmp_path):
    journal.accept(spec(), "cmd_1", ACCEPTED)
    journal.open_attempt(JOB, 1).add_found([Found("a", 1, 1)])
    record = journal.accept(spec(attempt=2), "cmd_2", ACCEPTED)
    assert (record.attempt, record.sequence) == (2, 0)
    assert journal.open_attempt(JOB, 2).counters().files.scanned == 0
    assert [path.name for path in (tmp_path / "state" / "attempts").glob("*.db")] == [f"{JOB}.000002.db"]
    with pytest.raises(Fatal) as raised:
        journal.accept(spec(attempt=1), "cmd_3", ACCEPTED)
    assert raised.value.code is ErrorCode.ATTEMPT_SUPERSEDED
    assert journal.handled("cmd_3") is None


def test_a_dropped_job_leaves_nothing(journal, tmp_path):
    journal.accept(spec(), "cmd_1", ACCEPTED)
    journal.open_attempt(JOB, 1).add_found([Found("a", 1, 1)])
    journal.drop(JOB, 2)
    assert journal.job(JOB) is not None
    journal.drop(JOB, 1)
    assert journal.job(JOB) is None
    assert list((tmp_path / "state" / "attempts").iterdir()) == []


def test_commands_without_a_job_are_remembered(journal):
    failed = CommandResult(status=CommandStatus.FAILED, code="command-unknown", detail="d")
    journal.remember("cmd_9", failed)
    assert journal.handled("cmd_9") == failed


def test_a_damaged_journal_is_named(tmp_path):
    (tmp_path / "journal.db").write_bytes(b"x" * 5000)
    with pytest.raises(Fatal) as raised:
        Journal(tmp_path)
    assert raised.value.code is ErrorCode.JOURNAL_UNREADABLE
