"""The governor: the lowest limit reaches each engine, at the second in which it changes, also after a restart."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from migrate_agent.runtime.engine_port import Engine
from migrate_agent.runtime.governor import Governor
from migrate_agent.runtime.status import Status
from migrate_agent.store.journal import JobRecord
from migrate_agent.store.limits_file import LimitsFile
from migrate_contract.jobs import JobPhase, TransferSettings
from migrate_contract.schedule import (
    BandwidthSchedule,
    JobLimits,
    LimitInForce,
    LimitOwner,
    LimitSet,
    Weekday,
    WeeklyWindow,
)
from tests.harness.scripted_engine import a_spec

BEGIN = datetime(2026, 6, 1, 15, 59, 58, tzinfo=UTC)
NIGHT = BandwidthSchedule(
    zone="Europe/Berlin",
    windows=[WeeklyWindow(days=list(Weekday), start="18:00", end="20:00", limit_mbps=0.0)],
    outside_mbps=20.0,
)
EVENING = datetime(2026, 6, 1, 16, 0, tzinfo=UTC)


class Engines:
    """What a runner would have: engines that only remember what they were told."""

    def __init__(self) -> None:
        self.working: list[tuple[JobRecord, Engine]] = []

    def __call__(self) -> list[tuple[JobRecord, Engine]]:
        return self.working

    def add(self, number: int = 1, mbps: float | None = None) -> list[LimitInForce | None]:
        """Result: what a new engine of job `number` hears."""
        spec = a_spec(number, transfer=TransferSettings(bandwidth_limit_mbps=mbps))
        record = JobRecord(spec.job_id, 1, spec, JobPhase.RUNNING, 1, True, True, True, None, None, BEGIN)
        heard: list[LimitInForce | None] = []

        class Listening:
            def set_limit(self, limit: LimitInForce | None) -> None:
                heard.append(limit)

        self.working.append((record, Listening()))  # type: ignore[arg-type]  # nothing else is called
        return heard


class Clock:
    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def engines() -> Engines:
    return Engines()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def status(tmp_path: Path) -> Status:
    return Status(tmp_path, {})


@pytest.fixture
def governor(tmp_path: Path, engines: Engines, clock: Clock, status: Status) -> Governor:
    return Governor(LimitsFile(tmp_path), status, working=engines, clock=clock)


def limits(*jobs: JobLimits, version: str = "one") -> LimitSet:
    return LimitSet(version=version, jobs=list(jobs))


def of_job(number: int = 1, **more: object) -> JobLimits:
    return JobLimits(job_id=a_spec(number).job_id, **more)  # type: ignore[arg-type]


def test_the_specs_own_limit_holds_until_the_control_plane_says_another(governor: Governor, engines: Engines) -> None:
    heard = engines.add(mbps=5.0)
    governor.enforce()
    governor.take(limits(of_job(limit_mbps=3.0)))
    governor.take(limits(of_job()))
    governor.enforce()
    assert heard == [
        LimitInForce(mbps=5.0, owner=LimitOwner.JOB),
        LimitInForce(mbps=3.0, owner=LimitOwner.JOB),
        None,
    ]


def test_an_engine_without_any_limit_is_told_so_once(governor: Governor, engines: Engines) -> None:
    heard = engines.add()
    for _ in range(3):
        governor.enforce()
    assert heard == [None]


def test_the_schedule_changes_at_its_second_and_says_until_when(
    governor: Governor, engines: Engines, clock: Clock
) -> None:
    heard = engines.add()
    governor.take(limits(of_job(schedule=NIGHT, site_share_mbps=30.0)))
    for _ in range(4):
        clock.now += timedelta(seconds=1)
        governor.enforce()
    assert heard == [
        LimitInForce(mbps=20.0, owner=LimitOwner.SCHEDULE, until=EVENING, zone="Europe/Berlin"),
        LimitInForce(mbps=0.0, owner=LimitOwner.SCHEDULE, until=EVENING + timedelta(hours=2), zone="Europe/Berlin"),
    ]


def test_a_clock_that_is_set_back_is_followed(governor: Governor, engines: Engines, clock: Clock) -> None:
    heard = engines.add()
    governor.take(limits(of_job(schedule=NIGHT)))
    clock.now = EVENING
    governor.enforce()
    clock.now = BEGIN
    governor.enforce()
    assert [limit.mbps for limit in heard if limit] == [20.0, 0.0, 20.0]


def test_the_lowest_wins_and_is_named(governor: Governor, engines: Engines) -> None:
    heard = engines.add()
    governor.take(limits(of_job(limit_mbps=40.0, schedule=NIGHT, site_share_mbps=15.0)))
    assert heard == [LimitInForce(mbps=15.0, owner=LimitOwner.SITE)]


def test_jobs_of_one_agent_share_its_budget(governor: Governor, engines: Engines) -> None:
    first, second = engines.add(1), engines.add(2)
    governor.take(limits(of_job(1, site_share_mbps=30.0), of_job(2, limit_mbps=4.0, site_share_mbps=30.0)))
    assert [heard[-1].mbps for heard in (first, second) if heard[-1]] == [15.0, 4.0]
    del engines.working[1]
    governor.enforce()
    assert first[-1] == LimitInForce(mbps=30.0, owner=LimitOwner.SITE)


def test_a_restart_goes_on_obeying_what_was_said_last(
    governor: Governor, engines: Engines, clock: Clock, status: Status, tmp_path: Path
) -> None:
    governor.take(limits(of_job(schedule=NIGHT), version="kept"))
    heard = engines.add()
    later = Governor(LimitsFile(tmp_path), status, working=engines, clock=clock)
    assert later.version == "kept"
    later.enforce()
    assert [limit.mbps for limit in heard if limit] == [20.0]


def test_limits_that_cannot_be_read_are_asked_for_again(
    engines: Engines, status: Status, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "limits.json").write_text('{"version": "torn", "jobs": [{"job')
    with caplog.at_level(logging.WARNING):
        governor = Governor(LimitsFile(tmp_path), status, working=engines)
    assert governor.version == ""
    assert "cannot be read" in caplog.text


def test_limits_that_cannot_be_kept_are_obeyed_and_the_fault_is_told(
    engines: Engines, status: Status, tmp_path: Path
) -> None:
    governor = Governor(LimitsFile(tmp_path / "missing"), status, working=engines)
    heard = engines.add()
    governor.take(limits(of_job(limit_mbps=3.0)))
    assert heard == [LimitInForce(mbps=3.0, owner=LimitOwner.JOB)]
    assert [fault.code for fault in status.faults()] == ["config-invalid"]


def test_a_zone_that_this_machine_does_not_know_holds_the_lowest_of_its_limits_and_is_told_once(
    governor: Governor, engines: Engines, status: Status
) -> None:
    heard = engines.add()
    foreign = NIGHT.model_copy(update={"zone": "Mars/Phobos", "outside_mbps": 8.0, "windows": []})
    governor.take(limits(of_job(schedule=foreign)))
    governor.enforce()
    assert heard == [LimitInForce(mbps=8.0, owner=LimitOwner.SCHEDULE)]
    governor.take(limits(of_job(schedule=foreign, limit_mbps=2.0)))
    assert heard[1:] == [LimitInForce(mbps=2.0, owner=LimitOwner.JOB)]
    assert [fault.code for fault in status.faults()] == ["zone-unknown"]
