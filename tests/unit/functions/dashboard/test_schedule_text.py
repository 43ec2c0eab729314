"""A bandwidth schedule as text: what is typed comes back the same, and what is wrong is said with its line."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from functions.dashboard.bandwidth_page import LimitForm, ScheduleForm, in_force, schedule_lines, typed_from
from functions.dashboard.schedule_text import exception_lines, exceptions_of, window_lines, windows_of
from migrate_contract.schedule import BandwidthSchedule, DateException, DayWindow, Weekday, WeeklyWindow

TYPED = """
mon-fri 08:00-18:00 20
Sat,Sun all-day unlimited

daily 22:00-6:00 pause
fri-mon 12:00-24:00 1.5 Mbps
"""
DATES = """
2026-12-25 none
2026-12-24 08:00-12:00 5
"""


def test_lines_are_read_and_shown_in_the_same_words():
    schedule = ScheduleForm(zone="Europe/Berlin", windows=TYPED, exceptions=DATES, outside="3").body()
    assert schedule.windows[2] == WeeklyWindow(days=list(Weekday), start="22:00", end="06:00", limit_mbps=0.0)
    assert schedule.exceptions == [
        DateException(date=date(2026, 12, 25)),
        DateException(date=date(2026, 12, 24), windows=[DayWindow(start="08:00", end="12:00", limit_mbps=5.0)]),
    ]
    assert schedule_lines(schedule) == [
        "mon-fri 08:00-18:00 20",
        "sat,sun all-day unlimited",
        "daily 22:00-06:00 pause",
        "mon,fri-sun 12:00-00:00 1.5",
        "2026-12-24 08:00-12:00 5",
        "2026-12-25 none",
        "otherwise 3",
    ]
    again = {name: texts[0] for name, texts in typed_from(schedule).items()}
    assert schedule_lines(ScheduleForm.model_validate(again).body()) == schedule_lines(schedule)


times = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.integers(0, 59))
mbps = st.one_of(st.none(), st.floats(0, 1_000_000).map(lambda value: round(value, 3)))
windows = st.builds(DayWindow, start=times, end=times, limit_mbps=mbps)


@settings(max_examples=60)
@given(
    st.lists(
        st.builds(
            WeeklyWindow,
            start=times,
            end=times,
            limit_mbps=mbps,
            days=st.sets(st.sampled_from(list(Weekday)), min_size=1).map(
                lambda days: [d for d in Weekday if d in days]
            ),
        ),
        max_size=5,
    ),
    st.lists(
        st.builds(DateException, date=st.dates(), windows=st.lists(windows, max_size=1)),
        max_size=5,
        unique_by=lambda found: found.date,
    ),
)
def test_every_schedule_survives_its_own_words(weekly, exceptions):
    schedule = BandwidthSchedule(zone="UTC", windows=weekly, exceptions=exceptions)
    assert windows_of("\n".join(window_lines(schedule))) == weekly
    assert exceptions_of("\n".join(exception_lines(schedule))) == sorted(exceptions, key=lambda found: found.date)


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        (
            "windows",
            "mon-fri 08:00-18:00 20\nworkdays 08:00-18:00 20",
            "Line 2, 'workdays 08:00-18:00 20': workdays names",
        ),
        ("windows", "mon 8-18 20", "8-18 is no time of day"),
        ("windows", "mon 08:00-25:00 20", "08:00-25:00 is no time of day"),
        ("windows", "mon 08:00-18:00", "write days, hours and a limit"),
        ("windows", "mon 08:00-18:00 fast", "'fast' is no limit"),
        ("windows", "mon 08:00-18:00 -3", "'-3' is no limit"),
        ("windows", "mon 08:00-18:00 9999999", "'9999999' is no limit"),
        ("windows", "mon 08:00-18:00 1\n" * 51, "At most 50 weekly windows"),
        ("exceptions", "24.12. 08:00-12:00 5", "24.12. is no date"),
        ("exceptions", "2026-02-30 none", "2026-02-30 is no date"),
        ("exceptions", "2026-02-03", "write a date, hours and a limit"),
        ("exceptions", "2026-02-03 08:00-12:00", "write a date, hours and a limit"),
        ("outside", "much", "'much' is no limit"),
        ("zone", "localtime", "Choose a time zone"),
        ("zone", "Mars/Phobos", "Choose a time zone"),
        ("zone", "", "Choose a time zone"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence_at_its_field(field: str, text: str, said: str):
    with pytest.raises(ValidationError) as refused:
        ScheduleForm.model_validate({"zone": "UTC", field: text})
    (fault,) = refused.value.errors()
    assert fault["loc"] == (field,)
    assert said in fault["msg"]


def test_what_is_in_force_now_and_next_is_one_sentence():
    now = datetime(2026, 6, 5, 15, tzinfo=UTC)
    office = ScheduleForm(zone="America/Chicago", windows="mon-fri 08:00-18:00 20", outside="").body()
    assert in_force(office, now) == "20 Mbps until 18:00 (America/Chicago), then no limit"
    assert in_force(ScheduleForm(zone="America/Chicago", outside="pause").body(), now) == "Paused"
    assert in_force(office.model_copy(update={"zone": "Mars/Phobos"}), now).startswith("Not known: no zone Mars/Phobos")


@pytest.mark.parametrize(("text", "mbps"), [("", None), (None, None), ("12.5", 12.5)])
def test_a_limit_is_a_number_or_none(text: str | None, mbps: float | None):
    assert LimitForm.model_validate({"limit_mbps": text}).body().limit_mbps == mbps


@pytest.mark.parametrize("text", ["0", "-1", "x", "1e9", "nan", "inf"])
def test_what_is_no_limit_is_refused_with_a_sentence(text: str):
    with pytest.raises(ValidationError, match="A number above 0"):
        LimitForm.model_validate({"limit_mbps": text})
