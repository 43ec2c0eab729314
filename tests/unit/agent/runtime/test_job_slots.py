"""One transfer and one import at once; others of their kind wait, each with its place."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from migrate_agent.runtime.job_runner import JobRunner, Slot
from migrate_agent.runtime.status import Status
from migrate_agent.stop import StopKind, StopSignal
from migrate_agent.store.journal import Journal
from migrate_contract.commands import CommandResult, CommandStatus
from migrate_contract.jobs import JobPhase, JobSpec, JobType, MissionDestination, RockRmsSource
from migrate_contract.rockrms import ImportSettings
from tests.harness.conditions import eventually
from tests.harness.scripted_engine import Script, a_spec


def soon(condition: Callable[[], bool], what: str) -> None:
    eventually(condition, seconds=20, what=what)


def an_import(number: int) -> JobSpec:
    return JobSpec(
        job_id=f"job_{number:024d}",
        attempt=1,
        name=f"import {number}",
        type=JobType.ROCKRMS_IMPORT,
        source=RockRmsSource(project_id="prj_000000000001"),
        destination=MissionDestination(),
        rockrms=ImportSettings(time_zone="America/Phoenix"),
    )


class Running:
    """A runner with both of its threads."""

    def __init__(self, folder: Path, script: Script, *specs: JobSpec, max_jobs: int = 2) -> None:
        self.journal, self.stop, self.script = Journal(folder / "journal"), StopSignal(), script
        for number, spec in enumerate(specs):
            self.journal.accept(spec, f"cmd_{number}", CommandResult(status=CommandStatus.ACCEPTED))
            self.journal.confirm(spec.job_id, 1)
        self.runner = JobRunner(
            self.journal,
            script.make,
            self.stop,
            Status(folder, {}),
            on_change=lambda: None,
            on_lost=lambda job_id, attempt: None,
            max_jobs=max_jobs,
        )
        self.threads = [threading.Thread(target=self.runner.run, args=(slot,), daemon=True) for slot in Slot]
        for thread in self.threads:
            thread.start()

    def phase(self, spec: JobSpec) -> JobPhase:
        record = self.journal.job(spec.job_id)
        assert record is not None
        return record.phase

    def positions(self) -> list[int]:
        self.runner.refresh()
        return [job.position for job in self.runner.jobs()]

    def end(self) -> None:
        self.stop.request(StopKind.STOP)
        self.runner.wake()
        for thread in self.threads:
            thread.join(10)
            assert not thread.is_alive()
        self.journal.close()


def test_a_transfer_and_an_import_run_side_by_side_and_others_of_their_kind_wait(tmp_path: Path) -> None:
    script = Script()
    specs = [a_spec(1), an_import(2), a_spec(3), an_import(4), an_import(5)]
    running = Running(tmp_path, script, *specs)
    soon(lambda: len(script.runs) == 2, "two jobs begin")
    assert {job for job, _ in script.runs} == {specs[0].job_id, specs[1].job_id}
    soon(lambda: {running.phase(specs[0]), running.phase(specs[1])} == {JobPhase.RUNNING}, "both run")
    assert running.positions() == [0, 0, 1, 1, 2]
    running.runner.pause(specs[1].job_id, 1)
    soon(lambda: len(script.runs) == 3, "the next import begins")
    assert script.runs[2][0] == specs[3].job_id, "the import's slot is free for the next import alone"
    assert running.phase(specs[1]) is JobPhase.PAUSED
    script.go.set()
    ended = (specs[0], *specs[2:])
    soon(lambda: all(running.phase(spec) is JobPhase.COMPLETED for spec in ended), "all others end")
    running.end()


def test_with_one_job_at_a_time_the_slots_take_turns(tmp_path: Path) -> None:
    script = Script()
    specs = [an_import(1), a_spec(2), an_import(3)]
    running = Running(tmp_path, script, *specs, max_jobs=1)
    soon(lambda: running.phase(specs[0]) is JobPhase.RUNNING, "the first runs")
    assert running.positions() == [0, 1, 2]
    assert [job for job, _ in script.runs] == [specs[0].job_id]
    script.go.set()
    soon(lambda: all(running.phase(spec) is JobPhase.COMPLETED for spec in specs), "all end")
    assert [job for job, _ in script.runs] == [spec.job_id for spec in specs]
    running.end()
