"""NCRONTAB: what it accepts, and when it is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from local.functions_host.schedule import ScheduleInvalid, parse

START = datetime(2026, 1, 1, 0, 0, 0, tzinfo=UTC)


def due(expression: str, count: int = 2, start: datetime = START) -> list[datetime]:
    schedule, moments = parse(expression), []
    for _ in range(count):
        start = schedule.after(start)
        moments.append(start)
    return moments


def test_seconds_come_first():
    assert due("*/30 * * * * *", 3) == [START + timedelta(seconds=each) for each in (30, 60, 90)]


def test_five_fields_mean_second_zero():
    assert due("5 * * * *") == [START.replace(minute=5), START.replace(hour=1, minute=5)]


def test_day_of_month_and_day_of_week_must_both_hold():
    assert due("0 0 0 1 * MON", 1) == [datetime(2026, 6, 1, tzinfo=UTC)]


def test_a_start_with_a_step_goes_on_to_the_end_of_the_field():
    assert [moment.second for moment in due("5/15 * * * * *", 5)] == [5, 20, 35, 50, 5]


def test_a_time_span_is_a_distance():
    assert due("00:00:10") == [START + timedelta(seconds=10), START + timedelta(seconds=20)]


def test_due_times_are_later_than_the_moment_and_keep_the_zone():
    exactly_due = START.replace(microsecond=0)
    following = parse("0 0 0 * * *").after(exactly_due)
    assert following == exactly_due + timedelta(days=1)
    assert following.tzinfo is UTC
    assert parse("* * * * * *").after(START.replace(microsecond=700_000)) == START + timedelta(seconds=1)


@pytest.mark.parametrize(
    "expression",
    [
        "0 0 0 * * 7",
        "0 0 0 L * *",
        "0 0 0 15W * *",
        "0 0 0 * * 1#2",
        "0 0 0 ? * *",
        "60 * * * * *",
        "* * 24 * * *",
        "*/0 * * * * *",
        "* * * *",
        "* * * * * * *",
        "",
        "@daily",
        "0 0 0 * * H",
        "00:00:00",
        "25:00:00",
        "0 0 0 30 2 x",
    ],
)
def test_what_the_host_refuses(expression: str):
    with pytest.raises(ScheduleInvalid):
        parse(expression)
