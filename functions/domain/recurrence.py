"""When a sync runs again: a cron expression in a time zone. Pure.

Nouns: the *wall time* is what the clock in the zone shows. A wall time that a change to summer time skips is taken as
the moment that much later; one that comes twice is taken once, the first time. So a nightly run is one per night.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from croniter import CroniterBadCronError, CroniterBadDateError, croniter

_FIELDS = 5
_HOUR_SECONDS = 3600.0
_PLAIN = re.compile(r"[0-9*/,-]+")
_NAMES = re.compile(r"jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat", re.IGNORECASE)
_YEARS = 8
"""Between two 29ths of February there are up to eight."""


def checked_cron(text: str, least_seconds: float) -> str:
    """Result: the expression with single spaces, if its runs are at least `least_seconds` (at most an hour) apart.

    Raises ValueError with a sentence that says what is wrong.
    """
    fields = text.split()
    if len(fields) != _FIELDS:
        raise ValueError(f"'{text}' has {len(fields)} fields, and five are needed.")
    for field in fields:
        if not _PLAIN.fullmatch(_NAMES.sub("0", field)):
            raise ValueError(f"'{field}' is not a number, a range, a list, a step, '*' or the name of a month or day.")
    cron = " ".join(fields)
    try:
        expanded, _ = croniter.expand(cron)
    except (CroniterBadCronError, ValueError) as error:
        raise ValueError(f"'{cron}' is not a schedule: a field is out of its range or not well formed.") from error
    gap = _least_gap_seconds(expanded[0])
    if gap < min(least_seconds, _HOUR_SECONDS):
        raise ValueError(
            f"'{cron}' runs every {gap / 60:g} minutes at times, and at least {least_seconds / 60:g} are needed."
        )
    try:
        _after(cron, datetime(2024, 1, 1))  # noqa: DTZ001 - a wall time
    except CroniterBadDateError as error:
        raise ValueError(f"'{cron}' names a day that never comes.") from error
    return cron


def next_run(cron: str, zone: str, after: datetime) -> datetime:
    """Result: the first run later than `after`, aware and in UTC. `cron` was checked before."""
    local = ZoneInfo(zone)
    wall = after.astimezone(local).replace(tzinfo=None)
    while True:
        wall = _after(cron, wall)
        at = wall.replace(tzinfo=local).astimezone(UTC)
        if at > after:
            return at


def _after(cron: str, wall: datetime) -> datetime:
    found: datetime = croniter(cron, wall, max_years_between_matches=_YEARS).get_next(datetime)
    return found


def _least_gap_seconds(minutes: Sequence[int | str]) -> float:
    """Result: seconds between the closest two runs of one hour; an hour where there is one run in it."""
    listed = sorted({minute for minute in minutes if isinstance(minute, int)})
    if len(listed) != len(set(minutes)):
        return timedelta(minutes=1).total_seconds()
    return min((60.0 * (later - earlier) for earlier, later in pairwise(listed)), default=_HOUR_SECONDS)
