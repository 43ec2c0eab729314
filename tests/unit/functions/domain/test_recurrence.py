"""Schedules of syncs: what is refused, and when the next run is, also where a clock changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from functions.domain.recurrence import checked_cron, next_run
from functions.domain.views import KnownZone

HOUR = 3600.0


@pytest.mark.parametrize(
    "cron", ["0 2 * * *", "30 */2 * * mon-fri", "59 0-23 1,15 JAN-jun *", "0 0 29 2 *", "0  2 *  * 7"]
)
def test_an_hourly_or_rarer_schedule_is_taken(cron: str) -> None:
    assert checked_cron(cron, HOUR) == " ".join(cron.split())


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("0 2 * *", "4 fields, and five are needed"),
        ("0 0 2 * * *", "6 fields"),
        ("@daily", "1 fields"),
        ("*/30 * * * *", "runs every 30 minutes at times, and at least 60 are needed"),
        ("* 2 * * *", "every 1 minutes"),
        ("0,59 2 * * *", "every 59 minutes"),
        ("0 25 * * *", "out of its range"),
        ("61 2 * * *", "out of its range"),
        ("0 0 30 2 *", "never comes"),
        ("0 2 * * someday", "'someday' is not a number"),
        ("R 2 * * *", "'R' is not a number"),
        ("H 2 * * *", "'H' is not a number"),
        ("0 2 L * *", "'L' is not a number"),
    ],
)
def test_anything_else_is_refused_with_a_sentence(cron: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"\.$") as refused:
        checked_cron(cron, HOUR)
    assert said in str(refused.value)


def test_the_least_gap_is_a_setting() -> None:
    assert checked_cron("* * * * *", 60.0) == "* * * * *"
    assert checked_cron("*/30 * * * *", 1800.0) == "*/30 * * * *"


def runs(cron: str, zone: str, after: datetime, count: int) -> list[str]:
    found = []
    for _ in range(count):
        after = next_run(cron, zone, after)
        found.append(f"{after:%m-%d %H:%M}")
    return found


def test_a_nightly_run_is_one_per_night_when_the_clock_changes() -> None:
    berlin = "Europe/Berlin"
    spring = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert runs("30 2 * * *", berlin, spring, 3) == ["03-29 01:30", "03-30 00:30", "03-31 00:30"]
    autumn = datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert runs("30 2 * * *", berlin, autumn, 3) == ["10-25 00:30", "10-26 01:30", "10-27 01:30"]
    assert runs("0 2 * * *", "UTC", autumn, 2) == ["10-25 02:00", "10-26 02:00"]


@given(
    st.sampled_from(["0 * * * *", "30 2 * * *", "15 */6 * * 1-5", "45 23 1 * *"]),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    st.integers(1_704_067_200, 1_893_456_000),
)
def test_runs_go_forward_by_an_hour_at_least_and_show_the_minute_asked_for(cron: str, zone: str, at: int) -> None:
    after = datetime.fromtimestamp(at, UTC)
    first = next_run(cron, zone, after)
    second = next_run(cron, zone, first)
    assert after < first < second
    assert second - first >= timedelta(minutes=30 if zone == "Australia/Lord_Howe" else 60)
    shown = first.astimezone(ZoneInfo(zone)).minute
    assert shown == int(cron.split(maxsplit=1)[0]) or zone == "Australia/Lord_Howe"


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("Europe/Berlin", True),
        ("UTC", True),
        ("Europe", False),
        ("Nowhere/Here", False),
        ("../etc", False),
        ("", False),
    ],
)
def test_a_projects_zone_is_one_that_there_is(name: str, known: bool) -> None:
    zone: TypeAdapter[str] = TypeAdapter(KnownZone)
    if known:
        assert zone.validate_python(name) == name
    else:
        with pytest.raises(ValidationError):
            zone.validate_python(name)
