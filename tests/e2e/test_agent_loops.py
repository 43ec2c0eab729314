"""The running agent against a control plane over a real socket; its engine is scripted, its journal is real."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from migrate_agent.config import Config, load_config
from migrate_agent.identity import Credentials, load_credentials, save_credentials
from migrate_agent.logs import write_logs
from migrate_agent.runtime.agent import Agent
from migrate_agent.runtime.status import read_status
from migrate_agent.stop import StopKind, StopSignal
from migrate_agent.store.journal import Journal
from migrate_contract.agents import ProcessMode
from migrate_contract.commands import CommandStatus
from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import JobPhase, TransferSettings
from migrate_contract.schedule import BandwidthSchedule, JobLimits, LimitInForce, LimitOwner, LimitSet
from tests.harness.conditions import eventually
from tests.harness.fake_control_plane import AGENT, FakeControlPlane
from tests.harness.scripted_engine import Script, a_spec

JOB = a_spec().job_id
WORKING = [JobPhase.SCANNING, JobPhase.RUNNING]


class Running:
    """One agent process's life on a thread."""

    def __init__(self, config: Config, script: Script) -> None:
        self.stop = StopSignal()
        self.agent = Agent(config, self.stop, progress_seconds=0.1, make_engine=script.make)
        self.exit_code: int | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        self.exit_code = self.agent.run()

    def end(self) -> int | None:
        self.stop.request(StopKind.STOP)
        return self.ended()

    def ended(self) -> int | None:
        self.thread.join(20)
        assert not self.thread.is_alive(), "the agent did not end"
        return self.exit_code


@pytest.fixture
def plane() -> Iterator[FakeControlPlane]:
    with FakeControlPlane() as running:
        running.keys.append(f"acme.{AGENT}.first-secret-of-this-agent")
        yield running


@pytest.fixture
def config(tmp_path: Path, plane: FakeControlPlane) -> Config:
    save_credentials(
        tmp_path, Credentials(agent_key=plane.keys[0], api_url=plane.url, agent_id=AGENT, agent_name="agent 1")
    )
    write_logs(tmp_path / "logs" / "agent.log", level="debug")
    return load_config(home=tmp_path, environment={})


@pytest.fixture
def script() -> Script:
    made = Script()
    made.go.set()
    return made


@pytest.fixture
def start(config: Config, script: Script) -> Iterator[Callable[[], Running]]:
    started: list[Running] = []

    def begin() -> Running:
        started.append(Running(config, script))
        return started[-1]

    yield begin
    script.go.set()
    for running in started:
        running.end()


def until(condition: Callable[[], Any], what: str, seconds: float = 30) -> Any:
    return eventually(condition, seconds=seconds, what=what, every=0.01)


def log_lines(config: Config) -> list[dict[str, Any]]:
    return [json.loads(line) for line in config.log_path.read_text().splitlines()]


def journalled(config: Config) -> list[tuple[str, int, JobPhase]]:
    journal = Journal(config.state_dir / "journal" / AGENT)
    try:
        return [(record.job_id, record.attempt, record.phase) for record in journal.jobs()]
    finally:
        journal.close()


def test_a_job_runs_to_its_end_and_is_forgotten(plane: FakeControlPlane, config: Config, start: Any) -> None:
    plane.send("start_job", job=a_spec())
    running = start()
    until(lambda: plane.phases(JOB)[-1:] == [JobPhase.COMPLETED], "completed")
    last = plane.progress[JOB][-1]
    assert (last.files.scanned, last.files.transferred, last.files.pending) == (3, 3, 0)
    assert sorted(plane.ledger[JOB]) == [1, 2, 3]
    assert [report.sequence for report in plane.progress[JOB]] == sorted(
        {report.sequence for report in plane.progress[JOB]}
    )
    until(lambda: not plane.heartbeats[-1].jobs, "the job left the heartbeat")
    assert running.end() == 0
    assert journalled(config) == []
    assert plane.heartbeats[-1].mode is ProcessMode.STOPPING


def test_the_ledger_is_over_there_before_the_end_is(plane: FakeControlPlane, start: Any) -> None:
    plane.refuse("ledger", ErrorCode.STORAGE_UNAVAILABLE, times=1)
    plane.send("start_job", job=a_spec())
    start()
    until(lambda: JobPhase.COMPLETED in plane.phases(JOB), "completed")
    assert sorted(plane.ledger[JOB]) == [1, 2, 3]


def test_a_lost_ledger_answer_sends_no_row_twice(plane: FakeControlPlane, start: Any) -> None:
    plane.lose("ledger")
    plane.send("start_job", job=a_spec())
    start()
    until(lambda: JobPhase.COMPLETED in plane.phases(JOB), "completed")
    assert sorted(plane.ledger[JOB]) == [1, 2, 3]


def test_a_command_delivered_twice_is_done_once(plane: FakeControlPlane, script: Script, start: Any) -> None:
    plane.lose("result", times=1)
    command = plane.send("start_job", job=a_spec())
    original = plane.commands[command]
    start()
    until(lambda: plane.results, "accepted")
    with plane.lock:
        plane.commands[command] = original
    until(lambda: len(plane.results) >= 2, "answered again")
    until(lambda: JobPhase.COMPLETED in plane.phases(JOB), "completed")
    assert script.runs == [(JOB, 1)]
    assert {result.status for _, result in plane.results} == {CommandStatus.ACCEPTED}


def test_a_lost_acceptance_is_settled_by_the_assignments(plane: FakeControlPlane, start: Any) -> None:
    plane.lose("result")
    plane.send("start_job", job=a_spec())
    start()
    until(lambda: JobPhase.COMPLETED in plane.phases(JOB), "completed")
    assert len(plane.results) == 1


def test_an_unknown_command_fails_alone(plane: FakeControlPlane, start: Any) -> None:
    plane.send("dance", job_id=JOB)
    plane.send("start_job", job=a_spec())
    start()
    until(lambda: JobPhase.COMPLETED in plane.phases(JOB), "completed")
    answers = dict(plane.results)
    assert answers["cmd_dance-1"].status is CommandStatus.FAILED
    assert answers["cmd_dance-1"].code == ErrorCode.COMMAND_UNKNOWN
    until(lambda: plane.heartbeats[-1].faults, "the fault is shown")
    assert plane.heartbeats[-1].faults[-1].code == ErrorCode.COMMAND_UNKNOWN


def test_a_withdrawn_command_is_not_done(plane: FakeControlPlane, config: Config, script: Script, start: Any) -> None:
    plane.proceed = False
    plane.send("start_job", job=a_spec())
    running = start()
    until(lambda: plane.results, "answered")
    until(lambda: plane.heartbeats and not plane.heartbeats[-1].jobs and not plane.commands, "dropped")
    running.end()
    assert script.runs == []
    assert journalled(config) == []


def test_pause_and_resume_keep_the_attempt(plane: FakeControlPlane, script: Script, start: Any) -> None:
    script.go.clear()
    plane.send("start_job", job=a_spec())
    start()
    until(lambda: plane.phases(JOB)[-1:] == [JobPhase.RUNNING], "running")
    plane.send("pause_job", job=a_spec())
    until(lambda: plane.phases(JOB)[-1:] == [JobPhase.PAUSED], "paused")
    script.go.set()
    plane.send("start_job", job=a_spec(), number=2)
    until(lambda: plane.phases(JOB)[-1:] == [JobPhase.COMPLETED], "completed")
    assert script.runs == [(JOB, 1), (JOB, 1)]
    assert plane.progress[JOB][-1].files.transferred == 3


def test_a_wish_in_a_progress_answer_is_honoured(plane: FakeControlPlane, script: Script, start: Any) -> None:
    script.go.clear()
    plane.send("start_job", job=a_spec())
    start()
    until(lambda: plane.phases(JOB)[-1:] == [JobPhase.RUNNING], "running")
    plane.wish = "cancel"
    until(lambda: plane.phases(JOB)[-1:] == [JobPhase.CANCELLED], "cancelled")


def test_a_resume_that_was_withdrawn_leaves_the_job_paused(
    plane: FakeControlPlane, config: Config, script: Script, start: Any
) -> None:
    script.go.clear()
    plane.send("start_job", job=a_spec())
    running = start()
    until(lambda: plane.phases(JOB)[-1:] == [JobPhase.RUNNING], "running")
    plane.send("pause_job", job=a_spec())
    until(lambda: plane.phases(JOB)[-1:] == [JobPhase.PAUSED], "paused")
    plane.proceed = False
    plane.send("start_job", job=a_spec(), number=2)
    until(lambda: not plane.commands and len(plane.results) == 3, "answered")
    until(lambda: [job.phase for job in plane.heartbeats[-1].jobs] == [JobPhase.PAUSED], "paused again")
    running.end()
    assert journalled(config) == [(JOB, 1, JobPhase.PAUSED)]
    assert script.runs == [(JOB, 1)]


def test_hold_after_scan_frees_the_slot_until_approval(plane: FakeControlPlane, script: Script, start: Any) -> None:
    held, other = a_spec(hold_after_scan=True), a_spec(2)
    plane.send("start_job", job=held)
    start()
    until(lambda: plane.phases(JOB)[-1:] == [JobPhase.READY], "ready")
    plane.send("start_job", job=other, number=2)
    until(lambda: plane.phases(other.job_id)[-1:] == [JobPhase.COMPLETED], "the other job completed")
    assert plane.phases(JOB)[-1] is JobPhase.READY
    plane.send("approve_job", job=held)
    until(lambda: plane.phases(JOB)[-1:] == [JobPhase.COMPLETED], "completed")


def test_one_transfer_at_a_time_and_others_have_a_position(plane: FakeControlPlane, script: Script, start: Any) -> None:
    script.go.clear()
    for number in (1, 2, 3):
        plane.send("start_job", job=a_spec(number), number=number)
    start()
    until(lambda: len(plane.heartbeats[-1].jobs) == 3 if plane.heartbeats else False, "three jobs")
    until(
        lambda: (
            [(job.phase, job.position) for job in plane.heartbeats[-1].jobs]
            == [(JobPhase.RUNNING, 0), (JobPhase.QUEUED, 1), (JobPhase.QUEUED, 2)]
        ),
        "positions",
    )
    # Heartbeats and reports are calls of two threads: the one may come before the other.
    until(lambda: JobPhase.QUEUED in plane.phases(a_spec(3).job_id), "a report of the one that waits")
    script.go.set()
    until(lambda: plane.phases(a_spec(3).job_id)[-1] is JobPhase.COMPLETED, "all completed")


@pytest.mark.parametrize(
    "code", [ErrorCode.SESSION_SUPERSEDED, ErrorCode.AGENT_CLONED, ErrorCode.AGENT_REVOKED, ErrorCode.AGENT_KEY_INVALID]
)
def test_a_process_that_is_refused_ends_with_78_and_says_why(
    plane: FakeControlPlane, config: Config, script: Script, start: Any, code: ErrorCode
) -> None:
    script.go.clear()
    plane.send("start_job", job=a_spec())
    running = start()
    until(lambda: plane.phases(JOB)[-1:] == [JobPhase.RUNNING], "running")
    plane.refuse("heartbeat", code, "because of the test")
    assert running.ended() == 78
    written = read_status(config.state_dir)
    assert written["exit"]["code"] == code
    assert "because of the test" in written["exit"]["detail"]
    assert written["exit"]["fix"]
    assert any(line.get("code") == code and line.get("fix") for line in log_lines(config))
    assert plane.phases(JOB)[-1] is JobPhase.RUNNING, "a refused process reports nothing more"
    assert journalled(config) == [(JOB, 1, JobPhase.RUNNING)]


def test_a_newer_process_supersedes_this_one_in_any_call(plane: FakeControlPlane, start: Any) -> None:
    running = start()
    until(lambda: plane.heartbeats, "a heartbeat")
    plane.supersede()
    assert running.ended() == 78
    assert plane.heartbeats[-1].mode is not ProcessMode.STOPPING


def test_an_older_attempt_is_dropped_when_the_control_plane_says_so(
    plane: FakeControlPlane, config: Config, script: Script, start: Any
) -> None:
    script.go.clear()
    plane.send("start_job", job=a_spec())
    running = start()
    until(lambda: plane.phases(JOB)[-1:] == [JobPhase.RUNNING], "running")
    until(lambda: plane.heartbeats[-1].jobs, "in the heartbeat")
    plane.assignments.clear()
    plane.refuse("progress", ErrorCode.ATTEMPT_SUPERSEDED)
    until(lambda: not plane.heartbeats[-1].jobs, "dropped")
    running.end()
    assert journalled(config) == []
    assert plane.phases(JOB)[-1] is JobPhase.RUNNING


def test_a_newer_attempt_replaces_the_older(plane: FakeControlPlane, script: Script, start: Any) -> None:
    script.go.clear()
    plane.send("start_job", job=a_spec())
    start()
    until(lambda: plane.phases(JOB)[-1:] == [JobPhase.RUNNING], "running")
    plane.send("start_job", job=a_spec(attempt=2), number=2)
    until(lambda: script.runs == [(JOB, 1), (JOB, 2)], "the second attempt runs")
    script.go.set()
    until(lambda: plane.phases(JOB)[-1] is JobPhase.COMPLETED, "completed")
    assert plane.progress[JOB][-1].attempt == 2


def test_after_a_restart_jobs_go_on_by_themselves_without_a_control_plane(
    plane: FakeControlPlane, config: Config, script: Script, start: Any
) -> None:
    script.go.clear()
    plane.send("start_job", job=a_spec())
    first = start()
    until(lambda: plane.phases(JOB)[-1:] == [JobPhase.RUNNING], "running")
    sequence = plane.progress[JOB][-1].sequence
    assert first.end() == 0
    plane.stop()
    script.go.set()
    start()
    until(lambda: script.runs == [(JOB, 1), (JOB, 1)], "works again")
    until(lambda: read_status(config.state_dir)["jobs"][0]["phase"] == "completed", "completed on this side")
    plane.start()
    until(lambda: plane.phases(JOB)[-1:] == [JobPhase.COMPLETED], "reported")
    assert plane.progress[JOB][-1].sequence > sequence
    assert sorted(plane.ledger[JOB]) == [1, 2, 3]


def test_an_outage_is_survived_and_what_happened_is_replayed(
    plane: FakeControlPlane, config: Config, script: Script, start: Any
) -> None:
    script.go.clear()
    plane.send("start_job", job=a_spec())
    plane.send("start_job", job=a_spec(2), number=2)
    start()
    until(lambda: plane.phases(JOB)[-1:] == [JobPhase.RUNNING], "running")
    until(lambda: plane.phases(a_spec(2).job_id)[-1:] == [JobPhase.QUEUED], "the other queued")
    plane.stop()
    script.go.set()
    until(lambda: len(script.runs) == 2, "the second job began without a control plane")
    until(lambda: not read_status(config.state_dir)["connected"], "the status says so")
    until(
        lambda: [job["phase"] for job in read_status(config.state_dir)["jobs"]] == ["completed", "completed"],
        "both done",
    )
    before = len(plane.heartbeats)
    plane.start()
    until(lambda: plane.phases(a_spec(2).job_id)[-1] is JobPhase.COMPLETED, "replayed")
    # A phase that began and ended between two looks of the reporter has no report of its own.
    told = plane.phases(a_spec(2).job_id)
    assert told[0] is JobPhase.QUEUED
    assert told == [phase for phase in (JobPhase.QUEUED, *WORKING, JobPhase.COMPLETED) if phase in told]
    # Calls of several threads: the report may have come before the heartbeat, and before what is logged of either.
    until(lambda: len(plane.heartbeats) > before, "a heartbeat")
    until(
        lambda: any(line["message"] == "the control plane answers again" for line in log_lines(config)),
        "the log says that it is over",
    )


def test_numbers_measured_offline_carry_their_age(plane: FakeControlPlane, script: Script, start: Any) -> None:
    plane.refuse("progress", ErrorCode.STORAGE_UNAVAILABLE, times=1)
    plane.send("start_job", job=a_spec())
    start()
    until(lambda: plane.phases(JOB)[-1:] == [JobPhase.COMPLETED], "completed")
    assert max(report.measured_seconds_ago for report in plane.progress[JOB]) > 0.5


def test_refused_progress_is_an_error_with_the_servers_answer(
    plane: FakeControlPlane, config: Config, start: Any
) -> None:
    plane.refuse("progress", ErrorCode.REQUEST_INVALID, "files.scanned is odd", times=1)
    plane.send("start_job", job=a_spec())
    start()
    until(lambda: plane.phases(JOB)[-1:] == [JobPhase.COMPLETED], "completed all the same")
    refused = [line for line in log_lines(config) if line.get("code") == ErrorCode.REQUEST_INVALID]
    assert refused[0]["level"] == "error"
    assert "files.scanned is odd" in refused[0]["detail"]
    assert refused[0]["job_id"] == JOB
    until(
        lambda: any(fault.code == ErrorCode.REQUEST_INVALID for fault in plane.heartbeats[-1].faults),
        "the fault in a heartbeat",
    )


def test_work_that_the_journal_does_not_know_is_reported_lost(plane: FakeControlPlane, start: Any) -> None:
    plane.assignments[JOB] = 4
    start()
    until(lambda: plane.progress[JOB], "reported")
    assert (plane.progress[JOB][0].phase, plane.progress[JOB][0].attempt) == (JobPhase.LOST, 4)


def test_a_new_key_is_on_the_disk_and_a_lost_answer_is_harmless(
    plane: FakeControlPlane, config: Config, start: Any
) -> None:
    plane.lose("rotate-key")
    plane.rotate = True
    start()
    until(lambda: plane.rotations >= 1, "asked")
    until(lambda: plane.rotations >= 2, "asked again after the lost answer")
    plane.rotate = False
    until(lambda: load_credentials(config.state_dir).agent_key in plane.keys[2:], "persisted")  # type: ignore[union-attr]
    with plane.lock:
        newest = load_credentials(config.state_dir)
        assert newest is not None
        plane.keys[:] = [newest.agent_key]
        heard = len(plane.heartbeats)
    until(lambda: len(plane.heartbeats) > heard + 1, "the new key is used")


def test_after_a_restored_control_plane_the_key_before_works(
    plane: FakeControlPlane, config: Config, start: Any
) -> None:
    old = plane.keys[0]
    plane.rotate = True
    start()
    until(lambda: plane.rotations >= 1, "rotated")
    plane.rotate = False
    until(lambda: (load_credentials(config.state_dir) or Credentials(agent_key="-")).agent_key != old, "persisted")
    with plane.lock:
        newest = load_credentials(config.state_dir)
        assert newest is not None
        plane.keys[:] = [newest.previous_key or ""]
        heard = len(plane.heartbeats)
    until(lambda: len(plane.heartbeats) > heard + 1, "beats with the key before")


def test_no_secret_is_in_the_log_or_the_status(plane: FakeControlPlane, config: Config, start: Any) -> None:
    plane.rotate = True
    plane.send("start_job", job=a_spec())
    running = start()
    until(lambda: plane.phases(JOB)[-1:] == [JobPhase.COMPLETED], "completed")
    running.end()
    written = config.log_path.read_text() + (config.state_dir / "status.json").read_text()
    for secret in plane.keys:
        assert secret not in written
        assert secret.rsplit(".", 1)[1] not in written


def test_a_clock_that_is_off_changes_nothing_and_is_named(
    plane: FakeControlPlane, config: Config, start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = FakeControlPlane._heartbeat

    def ten_minutes_ahead(self: FakeControlPlane, body: Any) -> Any:
        return heard(self, body).model_copy(update={"server_time": datetime.now(UTC) + timedelta(minutes=10)})

    monkeypatch.setattr(FakeControlPlane, "_heartbeat", ten_minutes_ahead)
    plane.send("start_job", job=a_spec())
    start()
    until(lambda: plane.phases(JOB)[-1:] == [JobPhase.COMPLETED], "completed")
    until(lambda: [fault.code for fault in plane.heartbeats[-1].faults] == [ErrorCode.CLOCK_SKEWED], "named once")


def test_the_heartbeat_goes_on_while_a_job_blocks(plane: FakeControlPlane, script: Script, start: Any) -> None:
    script.go.clear()
    plane.send("start_job", job=a_spec())
    start()
    until(lambda: plane.phases(JOB)[-1:] == [JobPhase.RUNNING], "running")
    heard = len(plane.heartbeats)
    until(lambda: len(plane.heartbeats) >= heard + 5, "heartbeats")
    numbers = [beat.sequence for beat in plane.heartbeats]
    assert numbers == sorted(set(numbers))


def limited_to(mbps: float, version: str) -> LimitSet:
    """What the control plane would say of the job."""
    schedule = BandwidthSchedule(zone="Europe/Berlin", outside_mbps=mbps)
    return LimitSet(version=version, jobs=[JobLimits(job_id=JOB, schedule=schedule)])


def by_schedule(mbps: float) -> LimitInForce:
    return LimitInForce(mbps=mbps, owner=LimitOwner.SCHEDULE, zone="Europe/Berlin")


def test_limits_hold_before_a_job_begins_and_change_while_it_runs(
    plane: FakeControlPlane, script: Script, start: Any
) -> None:
    script.go.clear()
    plane.limits = limited_to(20.0, "first")
    plane.send("start_job", job=a_spec(transfer=TransferSettings(bandwidth_limit_mbps=99.0)))
    start()
    until(lambda: plane.phases(JOB)[-1:] == [JobPhase.RUNNING], "running")
    assert script.running[0].limits == [by_schedule(20.0)]
    until(lambda: plane.heartbeats[-1].limits_version == "first", "the agent says what it obeys")
    with plane.lock:
        plane.limits = limited_to(0.0, "second")
    until(lambda: script.running[0].limits == [by_schedule(20.0), by_schedule(0.0)], "paused")
    with plane.lock:
        plane.limits = LimitSet()
    until(lambda: script.running[0].limits[2:] == [LimitInForce(mbps=99.0, owner=LimitOwner.JOB)], "the spec's own")


def test_a_restart_without_a_control_plane_obeys_the_limits_said_last(
    plane: FakeControlPlane, script: Script, start: Any
) -> None:
    script.go.clear()
    plane.limits = limited_to(20.0, "first")
    plane.send("start_job", job=a_spec())
    running = start()
    until(lambda: plane.phases(JOB)[-1:] == [JobPhase.RUNNING], "running")
    assert running.end() == 0
    plane.stop()
    start()
    until(lambda: len(script.running) == 2 and script.running[1].limits, "the job goes on, limited")
    assert script.running[1].limits == [by_schedule(20.0)]
    plane.start()
