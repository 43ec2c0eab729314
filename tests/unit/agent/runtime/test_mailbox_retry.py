"""A retry of failed files takes its list from the older attempt, if that is still in the journal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from migrate_agent.runtime.mailbox import Mailbox
from migrate_agent.runtime.status import Status
from migrate_agent.store.entries import FileState, Found, Verdict
from migrate_agent.store.journal import Journal
from migrate_contract.agents import HeartbeatResponse
from migrate_contract.commands import Command, CommandResult, CommandResultAnswer
from migrate_contract.jobs import BlobDestination, Bucket, JobPhase, JobSpec, JobType, LocalSource

JOB = "job_abcdefghijkl000000000001"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Idle:
    """A runner that forgets at once, and a control plane that says `proceed`."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def forget(self, job_id: str, attempt: int) -> bool:
        self._journal.drop(job_id, attempt)
        return True

    def settle(self, job_id: str) -> bool:
        return True

    def wake(self) -> None:
        """Nothing runs here."""

    def post_result(self, command_id: str, result: CommandResult) -> CommandResultAnswer:
        return CommandResultAnswer(proceed=True)


def start(attempt: int, failed_of: int | None = None) -> HeartbeatResponse:
    spec = JobSpec(
        job_id=JOB,
        attempt=attempt,
        name="n",
        type=JobType.MIGRATE_FILES,
        source=LocalSource(path="/s"),
        destination=BlobDestination(container="files"),
        failed_of=failed_of,
    )
    command = Command(
        command_id=f"cmd_start-{attempt}", kind="start_job", job_id=JOB, attempt=attempt, spec=spec, issued_at=NOW
    )
    return HeartbeatResponse(server_time=NOW, session_epoch=1, next_heartbeat_seconds=9, commands=[command])


@pytest.mark.parametrize(("phase", "wanted"), [(JobPhase.COMPLETED, ["bad"]), (JobPhase.RUNNING, None)])
def test_the_list_is_taken_before_the_older_attempt_is_forgotten(tmp_path: Any, phase: JobPhase, wanted: Any) -> None:
    journal = Journal(tmp_path)
    idle: Any = Idle(journal)
    mailbox = Mailbox(
        idle,
        idle,
        journal,
        idle,
        Status(tmp_path, {}),
        on_change=lambda: None,
        on_lost=lambda job_id, attempt: None,
        on_limits=lambda limits: None,
        on_check=lambda command: None,
    )
    mailbox.handle(start(1))
    failed, fine = (Verdict(FileState.FINAL, bucket, 1) for bucket in (Bucket.FAILED, Bucket.UNCHANGED))
    journal.open_attempt(JOB, 1).add_found([Found("bad", verdict=failed), Found("good", verdict=fine)])
    journal.set_phase(JOB, 1, phase)
    mailbox.handle(start(2, failed_of=1))
    record = journal.job(JOB)
    assert record is not None
    assert (record.attempt, record.confirmed) == (2, True)
    assert journal.open_attempt(JOB, 2).beside.wanted() == wanted
    journal.close()
