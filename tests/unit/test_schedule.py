"""The bandwidth schedule against a reference that asks the wall clock minute by minute, mostly where clocks change."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.schedule import (
    BandwidthSchedule,
    DateException,
    DayWindow,
    LimitOwner,
    ScheduledLimit,
    Weekday,
    WeeklyWindow,
    in_words,
    known_zones,
    limit_at,
    lowest,
    strictest,
)

MINUTE = timedelta(minutes=1)
CHANGES = {
    "America/Chicago": [date(2026, 3, 8), date(2026, 11, 1)],
    "Europe/Berlin": [date(2026, 3, 29), date(2026, 10, 25)],
    "Australia/Lord_Howe": [date(2026, 4, 5), date(2026, 10, 4)],
    "America/Havana": [date(2026, 3, 8), date(2026, 11, 1)],
    "America/St_Johns": [date(2010, 3, 14), date(2010, 11, 7)],
    "Asia/Beirut": [date(2026, 3, 29), date(2026, 10, 25)],
    "Pacific/Apia": [date(2011, 12, 30)],
    "Asia/Pyongyang": [date(2015, 8, 15), date(2018, 5, 5)],
    "Asia/Kathmandu": [date(2026, 1, 1)],
    "UTC": [date(2026, 12, 31)],
}
"""Zones with the dates at which their clocks are put forward or back: by an hour or half of one, at midnight or a
minute after it, and (Apia) over a whole day."""
EVERY_DAY = list(Weekday)
BERLIN = "Europe/Berlin"


def window(start: str, end: str, mbps: float | None, days: list[Weekday] | None = None) -> WeeklyWindow:
    return WeeklyWindow(days=days or EVERY_DAY, start=start, end=end, limit_mbps=mbps)


def hours(start: str, end: str, mbps: float | None) -> DayWindow:
    return DayWindow(start=start, end=end, limit_mbps=mbps)


def at(text: str, zone: str = BERLIN, *, fold: int = 0) -> datetime:
    """The instant of this wall time; `fold` 1: the second time that it comes."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def reference(schedule: BandwidthSchedule, instant: datetime) -> float | None:
    """The rule in the words of the documentation, for one instant."""
    wall = instant.astimezone(ZoneInfo(schedule.zone))
    clock = wall.strftime("%H:%M")
    exceptions: dict[date, list[DayWindow]] = {}
    for exception in schedule.exceptions:
        exceptions.setdefault(exception.date, []).extend(exception.windows)

    def windows_of(day: date) -> list[DayWindow]:
        if day in exceptions:
            return exceptions[day]
        return [found for found in schedule.windows if EVERY_DAY[day.weekday()] in found.days]

    holding = []
    for found in windows_of(wall.date()):
        over_midnight = found.end <= found.start
        if found.start <= clock and (over_midnight or clock < found.end):
            holding.append(found.limit_mbps)
    if wall.date() not in exceptions:
        for found in windows_of(wall.date() - timedelta(days=1)):
            if found.end <= found.start and clock < found.end:
                holding.append(found.limit_mbps)
    if not holding:
        return schedule.outside_mbps
    limits = [limit for limit in holding if limit is not None]
    return min(limits) if limits else None


wall_times = st.one_of(
    st.sampled_from(
        ["00:00", "00:01", "00:30", "01:00", "01:30", "02:00", "02:15", "02:30", "03:00", "23:00", "23:59"]
    ),
    st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.integers(0, 59)),
)
limits = st.sampled_from([None, 0.0, 1.0, 5.0, 20.0])


@st.composite
def schedules_and_instants(draw: st.DrawFn) -> tuple[BandwidthSchedule, datetime]:
    """A schedule, and an instant within some days of a change of its zone's clocks."""
    zone = draw(st.sampled_from(sorted(CHANGES)))
    change = draw(st.sampled_from(CHANGES[zone]))
    day_windows = st.builds(DayWindow, start=wall_times, end=wall_times, limit_mbps=limits)
    weekly = st.builds(
        WeeklyWindow,
        start=wall_times,
        end=wall_times,
        limit_mbps=limits,
        days=st.lists(st.sampled_from(EVERY_DAY), min_size=1, max_size=7, unique=True),
    )
    exceptions = st.builds(
        DateException,
        date=st.integers(-2, 2).map(lambda days: change + timedelta(days=days)),
        windows=st.lists(day_windows, max_size=2),
    )
    schedule = BandwidthSchedule(
        zone=zone,
        windows=draw(st.lists(weekly, max_size=4)),
        exceptions=draw(st.lists(exceptions, max_size=2)),
        outside_mbps=draw(limits),
    )
    minutes = draw(st.integers(-2 * 24 * 60, 2 * 24 * 60))
    seconds = draw(st.sampled_from([0, 0, 1, 59]))
    midnight = datetime.combine(change, datetime.min.time(), UTC)
    return schedule, midnight + timedelta(minutes=minutes, seconds=seconds)


@settings(max_examples=40, deadline=None)
@given(schedules_and_instants())
def test_it_agrees_with_the_wall_clock_minute_by_minute(case):
    schedule, instant = case
    found = limit_at(schedule, instant)
    assert found.mbps == reference(schedule, instant)
    moment = instant.replace(second=0) + MINUTE
    last = min(found.until or moment + timedelta(days=2), moment + timedelta(days=2))
    while moment < last:
        assert reference(schedule, moment) == found.mbps, f"changed at {moment}, not at {found.until}"
        moment += MINUTE
    if found.until is not None:
        assert found.until > instant
        assert reference(schedule, found.until) != found.mbps


@settings(max_examples=30, deadline=None)
@given(schedules_and_instants())
def test_following_the_changes_covers_all_time_without_gap_or_overlap(case):
    schedule, instant = case
    found = limit_at(schedule, instant)
    for _ in range(12):
        if found.until is None:
            break
        just_before = limit_at(schedule, found.until - timedelta(seconds=1))
        assert just_before == ScheduledLimit(found.mbps, found.until) or found.until - instant < timedelta(seconds=1)
        following = limit_at(schedule, found.until)
        assert following.mbps != found.mbps
        assert following.until is None or following.until > found.until
        found, instant = following, found.until


@settings(max_examples=30, deadline=None)
@given(
    st.one_of(st.none(), st.floats(0.1, 100)),
    schedules_and_instants(),
    st.booleans(),
    st.one_of(st.none(), st.floats(0.1, 100)),
    st.integers(1, 3),
)
def test_the_lowest_wins_and_says_whose_it_is(job, case, scheduled, share, sharers):
    schedule, instant = case
    said = limit_at(schedule, instant) if scheduled else ScheduledLimit(None, None)
    found = lowest(job, schedule if scheduled else None, share, instant, sharers=sharers)
    parts = {
        LimitOwner.JOB: job,
        LimitOwner.SCHEDULE: None if said.mbps is None else said.mbps / sharers,
        LimitOwner.SITE: None if share is None else share / sharers,
    }
    given_limits = [limit for limit in parts.values() if limit is not None]
    assert (found is None) == (not given_limits)
    if found is not None:
        assert found.mbps == min(given_limits)
        assert parts[found.owner] == found.mbps
        assert (found.until, found.zone) == (
            (said.until, schedule.zone) if found.owner is LimitOwner.SCHEDULE else (None, None)
        )


def changes(schedule: BandwidthSchedule, begin: str, count: int) -> list[tuple[float | None, str]]:
    """What the schedule says from this wall time on, with the wall times at which it changes."""
    zone, instant, found = ZoneInfo(schedule.zone), at(begin, schedule.zone), []
    for _ in range(count):
        said = limit_at(schedule, instant)
        assert said.until is not None
        found.append((said.mbps, said.until.astimezone(zone).strftime("%m-%d %H:%M %Z")))
        instant = said.until
    return found


def test_a_window_in_the_hour_that_is_skipped():
    schedule = BandwidthSchedule(zone=BERLIN, windows=[window("01:30", "02:30", 5.0)])
    assert changes(schedule, "2026-03-28T12:00", 4) == [
        (None, "03-29 01:30 CET"),
        (5.0, "03-29 03:00 CEST"),
        (None, "03-30 01:30 CEST"),
        (5.0, "03-30 02:30 CEST"),
    ]


def test_a_window_that_lies_wholly_in_the_skipped_hour_does_not_come():
    schedule = BandwidthSchedule(zone=BERLIN, windows=[window("02:15", "02:45", 5.0)])
    assert changes(schedule, "2026-03-28T12:00", 1) == [(None, "03-30 02:15 CEST")]


def test_a_window_in_the_hour_that_comes_twice():
    schedule = BandwidthSchedule(zone=BERLIN, windows=[window("01:30", "02:30", 5.0)])
    assert changes(schedule, "2026-10-24T12:00", 4) == [
        (None, "10-25 01:30 CEST"),
        (5.0, "10-25 02:30 CEST"),
        (None, "10-25 02:00 CET"),
        (5.0, "10-25 02:30 CET"),
    ]


def test_a_zone_whose_clocks_change_by_half_an_hour():
    schedule = BandwidthSchedule(zone="Australia/Lord_Howe", windows=[window("01:30", "02:15", 5.0)])
    assert changes(schedule, "2026-10-03T12:00", 2) == [(None, "10-04 01:30 +1030"), (5.0, "10-04 02:30 +11")]
    assert changes(schedule, "2026-04-04T12:00", 2) == [(None, "04-05 01:30 +11"), (5.0, "04-05 02:15 +1030")]


def test_a_window_over_midnight_belongs_to_the_day_of_its_start():
    schedule = BandwidthSchedule(zone=BERLIN, windows=[window("22:00", "06:00", 0.0, [Weekday.FRIDAY])])
    assert changes(schedule, "2026-06-05T12:00", 2) == [(None, "06-05 22:00 CEST"), (0.0, "06-06 06:00 CEST")]
    assert limit_at(schedule, at("2026-06-05T05:00")).mbps is None


def test_equal_times_are_a_whole_day():
    schedule = BandwidthSchedule(zone=BERLIN, windows=[window("00:00", "00:00", 3.0, [Weekday.SUNDAY])])
    assert changes(schedule, "2026-06-06T12:00", 2) == [(None, "06-07 00:00 CEST"), (3.0, "06-08 00:00 CEST")]


def test_a_date_rules_its_whole_day_and_may_run_into_the_next():
    schedule = BandwidthSchedule(
        zone=BERLIN,
        windows=[window("20:00", "08:00", 5.0)],
        exceptions=[DateException(date=date(2026, 12, 25), windows=[hours("18:00", "02:00", 0.0)])],
    )
    assert changes(schedule, "2026-12-24T21:00", 4) == [
        (5.0, "12-25 00:00 CET"),
        (None, "12-25 18:00 CET"),
        (0.0, "12-26 02:00 CET"),
        (None, "12-26 20:00 CET"),
    ]


def test_an_exception_cuts_what_an_exception_before_it_left():
    schedule = BandwidthSchedule(
        zone=BERLIN,
        outside_mbps=9.0,
        exceptions=[
            DateException(date=date(2026, 12, 24), windows=[hours("18:00", "06:00", 0.0)]),
            DateException(date=date(2026, 12, 25)),
        ],
    )
    assert limit_at(schedule, at("2026-12-24T20:00")) == ScheduledLimit(0.0, at("2026-12-25T00:00"))
    assert limit_at(schedule, at("2026-12-25T03:00")) == ScheduledLimit(9.0, None)


def test_a_far_exception_is_the_next_change_of_a_schedule_that_is_else_the_same():
    days = DateException(date=date(2031, 1, 1), windows=[hours("00:00", "00:00", 0.0)])
    schedule = BandwidthSchedule(zone=BERLIN, outside_mbps=5.0, exceptions=[days])
    assert limit_at(schedule, at("2026-06-01T00:00")) == ScheduledLimit(5.0, at("2031-01-01T00:00"))
    distant = schedule.model_copy(update={"exceptions": [days.model_copy(update={"date": date.max})]})
    assert limit_at(distant, at("2026-06-01T00:00")) == ScheduledLimit(5.0, None)


def test_where_windows_overlap_the_lowest_holds_and_a_window_may_lift_what_holds_outside():
    schedule = BandwidthSchedule(
        zone=BERLIN,
        outside_mbps=2.0,
        windows=[window("08:00", "18:00", 20.0), window("12:00", "13:00", 10.0), window("22:00", "23:00", None)],
    )
    assert changes(schedule, "2026-06-01T07:00", 6) == [
        (2.0, "06-01 08:00 CEST"),
        (20.0, "06-01 12:00 CEST"),
        (10.0, "06-01 13:00 CEST"),
        (20.0, "06-01 18:00 CEST"),
        (2.0, "06-01 22:00 CEST"),
        (None, "06-01 23:00 CEST"),
    ]


@pytest.mark.parametrize("zone", ["Mars/Phobos", "America", "x"])
def test_a_zone_that_is_not_known_is_refused_when_it_is_asked(zone):
    schedule = BandwidthSchedule(zone=zone, windows=[window("08:00", "18:00", 20.0)], outside_mbps=30.0)
    with pytest.raises(Fatal) as refused:
        limit_at(schedule, at("2026-06-01T07:00"))
    assert refused.value.code is ErrorCode.ZONE_UNKNOWN
    assert strictest(schedule) == 20.0


def test_zones_are_offered_that_mean_the_same_on_every_machine():
    assert {"America/Chicago", "UTC", "Asia/Kathmandu"} <= known_zones()
    assert "localtime" not in known_zones()


@pytest.mark.parametrize(
    "wrong",
    [
        {"zone": "../../etc/passwd"},
        {"zone": "UTC", "windows": [{"days": ["mon"], "start": "24:00", "end": "06:00", "limit_mbps": 1}]},
        {"zone": "UTC", "windows": [{"days": [], "start": "08:00", "end": "06:00", "limit_mbps": 1}]},
        {"zone": "UTC", "windows": [{"days": ["mon"], "start": "08:00", "end": "09:00", "limit_mbps": -1}]},
        {"zone": "UTC", "windows": [{"days": ["mon"], "start": "08:00", "end": "09:00"}]},
        {"zone": "UTC", "exceptions": [{"date": "2026-02-30"}]},
    ],
)
def test_what_is_no_schedule_is_refused(wrong):
    with pytest.raises(ValidationError):
        BandwidthSchedule.model_validate_json(json.dumps(wrong))


def test_a_limit_in_words():
    now, chicago = at("2026-06-05T10:00", "America/Chicago"), "America/Chicago"
    assert in_words(20.0, at("2026-06-05T18:00", chicago), chicago, now) == "20 Mbps until 18:00 (America/Chicago)"
    assert in_words(0.0, at("2026-06-08T06:00", chicago), chicago, now) == "paused until Mon 06:00 (America/Chicago)"
    assert (
        in_words(None, at("2026-12-24T06:00", chicago), chicago, now)
        == "no limit until 2026-12-24 06:00 (America/Chicago)"
    )
    assert in_words(1.5, None, chicago, now) == "1.5 Mbps"
    assert in_words(1.5, at("2026-06-05T18:00", "UTC"), "Mars/Phobos", now) == "1.5 Mbps until 18:00 (UTC)"
