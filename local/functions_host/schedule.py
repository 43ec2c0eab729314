"""Timer schedules: NCRONTAB expressions and time spans, in UTC as on Flex Consumption.

NCRONTAB has six fields (seconds first; with five, seconds are 0) and joins day of month AND day of week,
where Unix cron takes either. `7`, `L`, `W`, `#` and `?` do not exist in it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from croniter import CroniterError, croniter

from local.functions_host.host_json import time_span

_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_FIELDS: tuple[tuple[str, int, int, list[str]], ...] = (
    ("second", 0, 59, []),
    ("minute", 0, 59, []),
    ("hour", 0, 23, []),
    ("day", 1, 31, []),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 6, _DAYS),
)


class ScheduleInvalid(Exception):
    """The expression is not a schedule that the Functions host accepts."""


class Schedule(Protocol):
    """When a timer is due."""

    def after(self, moment: datetime) -> datetime:
        """The first due time later than the moment."""
        ...


@dataclass(frozen=True)
class CronSchedule:
    """A checked six-field NCRONTAB expression."""

    expression: str

    def after(self, moment: datetime) -> datetime:
        """The first matching second later than the moment."""
        following = croniter(self.expression, moment, second_at_beginning=True, day_or=False)
        return datetime.fromtimestamp(following.get_next(float), moment.tzinfo)


@dataclass(frozen=True)
class IntervalSchedule:
    """A fixed distance between runs."""

    seconds: float

    def after(self, moment: datetime) -> datetime:
        """The moment plus the interval."""
        return moment + timedelta(seconds=self.seconds)


def parse(expression: str) -> Schedule:
    """A schedule from a binding's text; raises ScheduleInvalid."""
    if ":" in expression:
        try:
            seconds = time_span(expression.strip())
        except ValueError as fault:
            raise ScheduleInvalid(str(fault)) from fault
        if seconds <= 0:
            raise ScheduleInvalid("an interval must be longer than nothing")
        return IntervalSchedule(seconds)
    fields = expression.split()
    if len(fields) == len(_FIELDS) - 1:
        fields.insert(0, "0")
    if len(fields) != len(_FIELDS):
        raise ScheduleInvalid(f"{expression!r} has {len(fields)} fields, not 6")
    for text, (name, low, high, words) in zip(fields, _FIELDS, strict=True):
        for part in text.split(","):
            _check_part(part, name, low, high, words)
    normal = " ".join(fields)
    try:
        croniter(normal, second_at_beginning=True, day_or=False)
    except CroniterError as fault:
        raise ScheduleInvalid(str(fault)) from fault
    return CronSchedule(normal)


def _check_part(part: str, field: str, low: int, high: int, words: list[str]) -> None:
    """One element of a field's list: `*`, `n`, `a-b`, each with an optional `/step`."""
    match = re.fullmatch(r"(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>\d+))?", part)
    if match is None:
        raise ScheduleInvalid(f"{part!r} is not valid for {field}")
    numbers = [_number(match[name], low, words) for name in ("first", "last") if match[name]]
    if any(number is None or not low <= number <= high for number in numbers):
        raise ScheduleInvalid(f"{part!r} is not valid for {field}: use {low} to {high}")
    if match["step"] and int(match["step"]) < 1:
        raise ScheduleInvalid(f"{part!r} is not valid for {field}: the step is zero")


def _number(text: str, low: int, words: list[str]) -> int | None:
    if text.isdigit():
        return int(text)
    return words.index(text.upper()) + low if text.upper() in words else None
