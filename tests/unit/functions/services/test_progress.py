"""Progress: duplicates, order, attempts, lost work, the lease, and what a crash leaves."""

from __future__ import annotations

from itertools import product

import pytest

from functions.domain.views import ListQuery
from migrate_contract.agents import HeartbeatJob
from migrate_contract.errors import ErrorCode, Retryable
from migrate_contract.jobs import (
    Bucket,
    FileFault,
    Finding,
    JobPhase,
    JobState,
    Outcome,
    Preflight,
    Waiting,
    WaitReason,
)
from tests.memory.world import ADMIN, Running, refused, running_job, taken_job, tally


def test_numbers_are_shown_as_of_when_they_were_true() -> None:
    running = running_job()
    fault = FileFault(path="a", code="source-locked", detail="d")
    running.agent.report(
        running.job,
        JobPhase.RUNNING,
        measured_seconds_ago=12.0,
        files=tally(transferred=1, failed=1),
        recent_faults=[fault],
        speed_bytes_per_second=5.0,
        eta_seconds=7.0,
        waiting=Waiting(reason=WaitReason.DISK, detail="slow disk"),
    )
    progress = running.job.progress
    assert progress is not None
    assert (running.world.clock.now - progress.as_of).total_seconds() == 12
    assert (progress.files.transferred, progress.recent_faults, progress.eta_seconds) == (1, [fault], 7.0)
    assert running.job.waiting_because == "slow disk"


@pytest.mark.parametrize("sequence", [2, 3, 9, 10])
def test_a_duplicate_or_an_old_report_changes_nothing(sequence: int) -> None:
    running = running_job()
    running.agent.report(running.job, JobPhase.RUNNING, sequence=10, files=tally(transferred=10))
    before = running.job
    answer = running.agent.report(running.job, JobPhase.PAUSED, sequence=sequence, files=tally(transferred=1))
    assert (answer.applied, answer.state) == (False, "running")
    assert running.job == before


def test_reports_buffered_offline_are_replayed_in_any_order_to_the_same_end() -> None:
    running = running_job()
    reports = [(n, JobPhase.RUNNING) for n in range(10, 20)] + [(20, JobPhase.COMPLETED)]
    for sequence, phase in [reports[-1], *reversed(reports[:-1]), *reports]:
        files = tally(transferred=sequence)
        running.agent.report(running.job, phase, sequence=sequence, files=files, bytes=files)
    assert (running.job.state, running.job.progress.files.transferred if running.job.progress else 0) == (
        "completed",
        20,
    )


def test_a_late_pause_report_does_not_pause_a_resumed_job() -> None:
    running = running_job()
    lifecycle = running.world.services.lifecycle
    lifecycle.pause(ADMIN, running.job_id)
    running.agent.report(running.job, JobPhase.PAUSED, sequence=10)
    running.agent.report(running.job, JobPhase.PAUSED, sequence=11)
    lifecycle.resume(ADMIN, running.job_id)
    for sequence in (10, 11, 12):
        running.agent.report(running.job, JobPhase.PAUSED, sequence=sequence)
        assert running.job.state == "created"
    running.world.drain()
    running.agent.take(running.job)
    running.agent.report(running.job, JobPhase.PAUSED, sequence=12)
    assert running.job.state == "created"
    running.agent.report(running.job, JobPhase.RUNNING, sequence=13)
    running.agent.report(running.job, JobPhase.PAUSED, sequence=12)
    assert running.job.state == "running"


def test_a_late_pause_report_does_not_fulfil_the_next_pause() -> None:
    running = running_job()
    lifecycle = running.world.services.lifecycle
    lifecycle.pause(ADMIN, running.job_id)
    running.agent.report(running.job, JobPhase.PAUSED, sequence=10)
    lifecycle.resume(ADMIN, running.job_id)
    running.world.drain()
    running.agent.take(running.job)
    lifecycle.pause(ADMIN, running.job_id)
    running.agent.report(running.job, JobPhase.PAUSED, sequence=10)
    assert running.job.state == "created"
    assert running.job.wish is not None
    running.agent.report(running.job, JobPhase.PAUSED, sequence=11)
    assert running.job.state == "paused"


@pytest.mark.parametrize(
    ("start", "phase"), list(product(["created", "scanning", "ready", "running", "paused"], JobPhase))
)
def test_every_report_in_every_state_is_answered(start: str, phase: JobPhase) -> None:
    running = taken_job(hold_after_scan=True)
    if start != "created":
        running.agent.report(running.job, JobPhase.SCANNING)
        running.agent.report(running.job, JobPhase(start))
    assert running.job.state == start
    answer = running.agent.report(running.job, phase, attempt=1)
    assert answer.applied
    assert answer.state is running.job.state
    if phase is JobPhase.LOST:
        assert running.job.attempt == 2
        assert running.job.state == ("paused" if start == "paused" else "created")
    elif phase in (JobPhase.COMPLETED, JobPhase.FAILED, JobPhase.CANCELLED):
        assert running.job.state == phase.value


@pytest.mark.parametrize(("end", "phase"), list(product(["completed", "failed", "cancelled"], JobPhase)))
def test_an_ended_job_stays_ended(end: str, phase: JobPhase) -> None:
    running = running_job()
    running.agent.report(running.job, JobPhase(end))
    answer = running.agent.report(running.job, phase)
    assert answer.state is JobState(end)
    assert running.job.attempt == 1


def test_lost_work_is_a_new_attempt_that_is_dispatched() -> None:
    running = running_job()
    assert [found.job_id for found in running.agent.beat().assignments] == [running.job_id]
    running.agent.restart()
    answer = running.agent.report(running.job, JobPhase.LOST, sequence=0)
    assert answer.state is JobState.CREATED
    refused(ErrorCode.ATTEMPT_SUPERSEDED, lambda: running.agent.report(running.job, JobPhase.LOST, attempt=1))
    running.world.drain()
    running.agent.reports = 0
    running.agent.take(running.job)
    running.agent.report(running.job, JobPhase.COMPLETED)
    assert (running.job.state, running.job.attempt) == ("completed", 2)


def test_work_lost_while_a_cancel_was_asked_is_cancelled() -> None:
    running = running_job()
    running.world.services.lifecycle.cancel(ADMIN, running.job_id)
    assert running.agent.report(running.job, JobPhase.LOST).state is JobState.CANCELLED


def test_a_lease_that_runs_out_moves_nothing_and_the_agent_goes_on() -> None:
    running = running_job()
    running.world.clock.forward(600)
    assert not running.job.unconfirmed
    running.world.clock.forward(1)
    view = running.job
    assert (view.state, view.unconfirmed) == ("running", True)
    assert (running.world.clock.now - view.unconfirmed_since).total_seconds() == 601  # type: ignore[operator]
    assert str(view.waiting_because).startswith("Unconfirmed: nothing heard about it since 14:00:00 UTC")
    running.agent.report(view, JobPhase.RUNNING)
    assert not running.job.unconfirmed
    assert running.job.attempt == 1


def test_a_heartbeat_that_names_the_job_confirms_it() -> None:
    running = running_job()
    running.world.clock.forward(601)
    running.agent.beat()
    assert running.job.unconfirmed
    running.agent.beat(jobs=[HeartbeatJob(job_id=running.job_id, attempt=2, phase=JobPhase.RUNNING)])
    assert running.job.unconfirmed
    running.agent.beat(jobs=[HeartbeatJob(job_id=running.job_id, attempt=1, phase=JobPhase.RUNNING)])
    assert not running.job.unconfirmed


def test_a_crash_between_the_numbers_and_the_move_is_made_good_by_the_repetition() -> None:
    running = running_job()
    world = running.world

    def crash(table: str, pk: str, rk: str) -> None:
        if rk.startswith("job|"):
            raise Retryable(ErrorCode.STORAGE_UNAVAILABLE, "gone")

    world.tables.before_write = crash
    refused(ErrorCode.STORAGE_UNAVAILABLE, lambda: running.agent.report(running.job, JobPhase.COMPLETED, sequence=50))
    world.tables.before_write = None
    assert running.job.state == "running"
    answer = running.agent.report(running.job, JobPhase.COMPLETED, sequence=50)
    assert (answer.applied, answer.state) == (False, "completed")


def test_two_reports_at_once_keep_the_newer() -> None:
    running = running_job()
    world = running.world

    def race(table: str, pk: str, rk: str) -> None:
        if rk.startswith("prog|"):
            world.tables.before_write = None
            running.agent.report(running.job, JobPhase.RUNNING, sequence=31, files=tally(transferred=31))

    world.tables.before_write = race
    answer = running.agent.report(running.job, JobPhase.RUNNING, sequence=30, files=tally(transferred=30))
    assert not answer.applied
    assert running.job.progress is not None
    assert running.job.progress.files.transferred == 31


def test_progress_does_not_disturb_the_jobs_row() -> None:
    running = running_job()
    before = running.world.store().find("acme", running.job_id)
    for _ in range(5):
        running.agent.report(running.job, JobPhase.RUNNING)
    assert running.world.store().find("acme", running.job_id) == before


def test_the_largest_report_fits_its_row() -> None:
    running = running_job()
    fault = FileFault(path="\U0001f600" * 4096, code="x" * 256, detail="\u00e9" * 2000)
    running.agent.report(running.job, JobPhase.RUNNING, recent_faults=[fault] * 10)
    assert running.job.progress is not None
    assert running.job.progress.recent_faults == [fault] * 10


def test_what_the_scan_has_found_is_shown_while_the_job_is_ready() -> None:
    running = taken_job(hold_after_scan=True, check_readable=True)
    assert running.job.check_readable
    example = ["\U0001f600" * 400] * 5
    finding = Finding(bucket=Bucket.PENDING, code="source-denied", files=2, bytes=3, examples=example)
    found = Preflight(findings=[finding] * 10, left_off=4, compared_files=5, checked_readable=True)
    running.agent.report(running.job, JobPhase.SCANNING)
    running.agent.report(running.job, JobPhase.READY, preflight=found)
    assert running.job.progress is not None
    assert running.job.progress.preflight == found
    running.agent.report(running.job, JobPhase.RUNNING)
    assert running.job.progress is not None
    assert running.job.progress.preflight is None


def test_a_job_that_was_reported_ended_is_asked_for_no_more() -> None:
    running = running_job()
    world, agent = running.world, running.agent
    backup = world.tables.get("agents", f"acme|{agent.agent_id}", f"asg|{running.job_id}")
    assert backup is not None
    agent.report(running.job, JobPhase.COMPLETED)
    world.tables.upsert("agents", backup.pk, backup.rk, backup.values)
    assert [found.job_id for found in agent.beat().assignments] == [running.job_id]
    agent.report(running.job, JobPhase.LOST)
    assert agent.beat().assignments == []
    assert running.job.state == "completed"
    assert len(world.services.jobs.history(ADMIN, running.job_id, ListQuery()).items) == 6


@pytest.mark.parametrize(
    ("said", "counted", "outcome"),
    [
        (None, {"transferred": 3}, Outcome.COMPLETE),
        (Outcome.COMPLETE, {"transferred": 3}, Outcome.COMPLETE),
        (Outcome.COMPLETE_WITH_FAILURES, {"transferred": 3}, Outcome.COMPLETE_WITH_FAILURES),
        (None, {"transferred": 2, "failed": 1}, Outcome.COMPLETE_WITH_FAILURES),
        (Outcome.COMPLETE, {"transferred": 2, "failed": 1}, Outcome.COMPLETE_WITH_FAILURES),
        (Outcome.COMPLETE, {"transferred": 2, "pending": 1}, Outcome.COMPLETE_WITH_FAILURES),
    ],
)
def test_a_job_is_complete_only_if_its_counters_say_so_too(
    said: Outcome | None, counted: dict[str, int], outcome: Outcome
) -> None:
    running = running_job()
    running.agent.report(running.job, JobPhase.COMPLETED, outcome=said, files=tally(**counted))
    assert (running.job.state, running.job.outcome) == (JobState.COMPLETED, outcome)


def waited(running: Running, seconds: float, **reasons: float) -> dict[str, float]:
    """The worker time of late after a report that comes so many seconds after the one before."""
    running.world.clock.forward(seconds)
    totals = {WaitReason(reason): total for reason, total in reasons.items()}
    running.agent.report(running.job, JobPhase.RUNNING, waited_seconds=totals)
    progress = running.job.progress
    assert progress is not None
    return {reason.value: spent for reason, spent in progress.recent_waited_seconds.items()}


def test_worker_time_of_late_is_the_difference_of_two_reports() -> None:
    running = running_job()
    assert waited(running, 10, disk=1000.0) == {}
    assert waited(running, 10, disk=1000.0, throttle=40.0) == {"throttle": 40.0}
    assert waited(running, 10, disk=1010.0, throttle=70.0) == {"disk": 10.0, "throttle": 70.0}
    for step in range(3, 12):
        recent = waited(running, 10, disk=1010.0, throttle=40.0 * step)
        assert set(recent) <= {"disk", "throttle"}
        assert 40.0 <= recent["throttle"] <= 160.0


def test_two_reports_in_one_second_still_tell_of_half_a_minute() -> None:
    running = running_job()
    waited(running, 10, disk=10.0)
    waited(running, 10, disk=50.0)
    assert waited(running, 0.2, disk=51.0) == {"disk": 41.0}


def test_a_new_process_and_a_resumed_attempt_count_from_zero() -> None:
    running = running_job()
    waited(running, 10, disk=500.0)
    running.agent.restart()
    assert waited(running, 10, disk=30.0) == {}
    assert waited(running, 10, disk=70.0) == {"disk": 40.0}
    assert waited(running, 10, disk=5.0) == {}
    assert waited(running, 10, network=5.0) == {}


def test_an_agent_that_does_not_account_for_its_time_has_none_of_late() -> None:
    running = running_job()
    assert waited(running, 10) == {}
    assert waited(running, 10) == {}
