"""Limits in time: the weekly bandwidth schedule, and which of several limits is in force. Pure.

Nouns: a *limit* is megabits per second of upload payload, 0 pauses, None is no limit; control traffic is exempt.
A *window* holds while the clock on the wall of the schedule's zone is in it, whatever that clock does: where clocks
are put forward the skipped minutes never come, where they are put back the repeated minutes count twice. A window
whose end is at or before its start ends on the next day, and belongs to the day of its start. A *date exception*
rules its whole date alone: weekly windows and what began the day before do not hold on it; its own windows may run
into the next day, unless that is an exception too. Where windows overlap, the lowest limit holds.
"""

from __future__ import annotations

import functools
import zoneinfo
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum, unique
from typing import Annotated, NamedTuple

from pydantic import Field, StringConstraints

from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.wire import JobId, Label, Timestamp, WireModel

BITS_PER_MEGABIT = 1_000_000

MAX_MBPS = 1_000_000

PositiveMbps = Annotated[float, Field(gt=0, le=MAX_MBPS)]
"""A limit that lets something through."""
Mbps = Annotated[float, Field(ge=0, le=MAX_MBPS)]
"""A limit in a schedule: 0 pauses."""

WallTime = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""Hours and minutes of a wall clock, 00:00 to 23:59."""
ZoneName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_+/-]{0,63}$")]
"""An IANA zone. Whether there is such a zone is asked where an operator names it (`known_zones`), not on the wire: an
agent with older zone data must still be able to read the rest of an answer."""

CalendarDate = date

_NO_ZONES = frozenset({"localtime", "Factory", "posixrules"})
"""Entries of the zone database that are no zone, or mean the machine's own."""
_DAYS_AHEAD = 16
"""In so many days without exceptions every minute of the week comes at least once, also across a change of clocks."""
_LAST_YEAR = 9_000
"""Exceptions beyond are not looked for as the next change: dates end at 9999."""


def bytes_per_second(limit_mbps: float) -> float:
    """Result: the limit in bytes per second."""
    return limit_mbps * BITS_PER_MEGABIT / 8


@unique
class Weekday(StrEnum):
    """Set by the operator; in the order of `date.weekday()`."""

    MONDAY = "mon"
    TUESDAY = "tue"
    WEDNESDAY = "wed"
    THURSDAY = "thu"
    FRIDAY = "fri"
    SATURDAY = "sat"
    SUNDAY = "sun"


class DayWindow(WireModel):
    """Hours of one day and what holds in them. Equal times mean 24 hours. `limit_mbps` 0 pauses, null: no limit."""

    start: WallTime
    end: WallTime
    limit_mbps: Mbps | None


class WeeklyWindow(DayWindow):
    """The same hours on each of these days."""

    days: list[Weekday] = Field(min_length=1, max_length=7)


class DateException(WireModel):
    """What holds on one date instead of the weekly windows; without windows: what holds outside of them.

    Several entries of one date are taken together.
    """

    date: CalendarDate
    windows: list[DayWindow] = Field(default_factory=list, max_length=6)


class BandwidthSchedule(WireModel):
    """The weekly schedule of a project, in local wall times of `zone`.

    `outside_mbps` holds where no window does; null: no limit.
    """

    zone: ZoneName
    windows: list[WeeklyWindow] = Field(default_factory=list, max_length=50)
    exceptions: list[DateException] = Field(default_factory=list, max_length=60)
    outside_mbps: Mbps | None = None


@unique
class LimitOwner(StrEnum):
    """Whose limit is in force; set by the agent."""

    JOB = "job"
    SCHEDULE = "schedule"
    SITE = "site"


class LimitInForce(WireModel):
    """The lowest limit that holds now. `mbps` 0: transfers are paused. `until`: when the schedule changes next, None: no end known."""  # noqa: E501 - shared text

    mbps: Annotated[float, Field(ge=0)]
    owner: LimitOwner
    until: Timestamp | None = None
    zone: str | None = None


class JobLimits(WireModel):
    """The limits of one job as the control plane has them now; they replace those of the job's spec."""

    job_id: JobId
    limit_mbps: PositiveMbps | None = None
    schedule: BandwidthSchedule | None = None
    site_share_mbps: Annotated[float, Field(gt=0)] | None = None
    """This agent's part of what all agents of its client may send together."""


class LimitSet(WireModel):
    """The limits of every job that an agent holds or is offered. `version` names this content; '' is the empty set."""

    version: Label = ""
    jobs: list[JobLimits] = Field(default_factory=list)


class ScheduledLimit(NamedTuple):
    """What a schedule says at an instant. `until`: when it says something else (UTC), None: never."""

    mbps: float | None
    until: datetime | None


@functools.cache
def known_zones() -> frozenset[str]:
    """Result: the zones that a schedule may name, by the zone database of this machine."""
    return frozenset(zoneinfo.available_timezones() - _NO_ZONES)


def zone_of(name: str) -> zoneinfo.ZoneInfo:
    """Result: the zone. Raises Fatal(zone-unknown)."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise Fatal(ErrorCode.ZONE_UNKNOWN, f"no zone {name} in this machine's time zone data") from error


def limit_at(schedule: BandwidthSchedule, instant: datetime) -> ScheduledLimit:
    """Result: the limit at `instant` (aware), and the first later instant at which it is another one.

    Raises Fatal(zone-unknown).
    """
    zone, plan = zone_of(schedule.zone), _Plan(schedule)
    instant = instant.astimezone(UTC)
    now = plan.on_wall(instant.astimezone(zone))
    if len(plan.limits) > 1:
        for moment in _moments(plan, zone, instant):
            if plan.on_wall(moment.astimezone(zone)) != now:
                return ScheduledLimit(now, moment)
    return ScheduledLimit(now, None)


def strictest(schedule: BandwidthSchedule) -> float | None:
    """Result: the lowest limit anywhere in the schedule: what holds where its zone is not known."""
    return _lowest(_Plan(schedule).limits)


def lowest(
    job_limit: float | None,
    schedule: BandwidthSchedule | None,
    site_share: float | None,
    instant: datetime,
    *,
    sharers: int = 1,
) -> LimitInForce | None:
    """Result: the lowest of the three at `instant`, None where there is none; of equal ones the first named.

    `sharers` jobs of one agent that send at the same time have equal parts of the schedule's limit and the share.
    Raises Fatal(zone-unknown).
    """
    scheduled = limit_at(schedule, instant) if schedule is not None else ScheduledLimit(None, None)
    zone = schedule.zone if schedule is not None else None
    candidates = [
        LimitInForce(mbps=mbps / parts, owner=owner, until=until, zone=named)
        for mbps, parts, owner, until, named in (
            (job_limit, 1, LimitOwner.JOB, None, None),
            (scheduled.mbps, sharers, LimitOwner.SCHEDULE, scheduled.until, zone),
            (site_share, sharers, LimitOwner.SITE, None, None),
        )
        if mbps is not None
    ]
    return min(candidates, key=lambda limit: limit.mbps, default=None)


def mbps_in_words(mbps: float | None) -> str:
    """Result: "20 Mbps", "paused", "no limit"."""
    return "no limit" if mbps is None else "paused" if mbps == 0 else f"{mbps:,.6g} Mbps"


def in_words(mbps: float | None, until: datetime | None, zone: str | None, now: datetime) -> str:
    """Result: "20 Mbps until 18:00 (America/Chicago)", "paused until Mon 06:00 (America/Chicago)", "no limit".

    In UTC where there is no zone, or none that is known.
    """
    return " ".join(filter(None, (mbps_in_words(mbps), until_in_words(until, zone, now))))


def until_in_words(until: datetime | None, zone: str | None, now: datetime) -> str:
    """Result: "until 18:00 (America/Chicago)", with the day where it is not today there; '' where no end is known."""
    if until is None:
        return ""
    try:
        place, name = (zone_of(zone), zone) if zone else (UTC, "UTC")
    except Fatal:
        place, name = UTC, "UTC"
    try:
        then, today = until.astimezone(place), now.astimezone(place).date()
    except OverflowError:
        return ""  # the end of all dates: no end that anybody will see
    days = (then.date() - today).days
    form = "%H:%M" if days == 0 else "%a %H:%M" if 0 < days < 7 else "%Y-%m-%d %H:%M"
    return f"until {then.strftime(form)} ({name})"


class _Hours(NamedTuple):
    """A window in minutes since midnight; `end` at or below `start` is on the next day."""

    start: int
    end: int
    mbps: float | None

    @property
    def spills(self) -> bool:
        return self.end <= self.start


class _Plan:
    """A schedule, ready to be asked."""

    def __init__(self, schedule: BandwidthSchedule) -> None:
        self.outside = schedule.outside_mbps
        self.weekly: list[list[_Hours]] = [
            [_hours(window) for window in schedule.windows if day in window.days] for day in Weekday
        ]
        self.dates: dict[date, list[_Hours]] = {}
        for exception in schedule.exceptions:
            self.dates.setdefault(exception.date, []).extend(map(_hours, exception.windows))
        every = [hours for day in (*self.weekly, *self.dates.values()) for hours in day]
        self.limits: set[float | None] = {self.outside, *(hours.mbps for hours in every)}

    def on_wall(self, wall: datetime) -> float | None:
        """Result: the limit while the wall clock shows this."""
        minute, day = wall.hour * 60 + wall.minute, wall.date()
        holding = [
            hours.mbps for hours in self.begun_on(day) if hours.start <= minute and (minute < hours.end or hours.spills)
        ]
        holding += [hours.mbps for hours in self.spilled_into(day) if minute < hours.end]
        return _lowest(holding) if holding else self.outside

    def begun_on(self, day: date) -> list[_Hours]:
        """Result: the windows that begin on the date."""
        return self.dates[day] if day in self.dates else self.weekly[day.weekday()]

    def spilled_into(self, day: date) -> list[_Hours]:
        """Result: the windows of the day before that go on after midnight."""
        if day in self.dates or day == date.min:
            return []
        return [hours for hours in self.begun_on(day - timedelta(days=1)) if hours.spills]

    def minutes(self, day: date) -> set[int]:
        """Result: minutes of the date at which something may change."""
        own = {minute for hours in self.begun_on(day) for minute in (hours.start, hours.end)}
        return {0} | own | {hours.end for hours in self.spilled_into(day)}


def _hours(window: DayWindow) -> _Hours:
    return _Hours(_minute(window.start), _minute(window.end), window.limit_mbps)


def _minute(wall: str) -> int:
    return int(wall[:2]) * 60 + int(wall[3:])


def _lowest(limits: Iterable[float | None]) -> float | None:
    return min((limit for limit in limits if limit is not None), default=None)


def _moments(plan: _Plan, zone: zoneinfo.ZoneInfo, instant: datetime) -> Iterator[datetime]:
    """Result: every instant after this one at which the limit may change, in order.

    As far as one has to look: two weeks of the weekly windows from now, and from each exception.
    """
    today = instant.astimezone(zone).date()
    ahead = set(range(_DAYS_AHEAD))
    for exception in plan.dates:
        if today <= exception and exception.year <= _LAST_YEAR:
            days = (exception - today).days
            ahead.update(range(max(days - 2, 0), days + _DAYS_AHEAD + 2))
    for number in sorted(ahead):
        begin = instant + timedelta(days=number)
        yield from sorted(_moments_between(plan, zone, begin, begin + timedelta(days=1)))


def _moments_between(plan: _Plan, zone: zoneinfo.ZoneInfo, begin: datetime, end: datetime) -> set[datetime]:
    """Result: those with begin < moment <= end: where windows begin and end, and where the clocks are changed.

    A wall time that is skipped gives an instant at which nothing happens; one that comes twice gives both.
    """
    first, last = begin.astimezone(zone).date() - timedelta(days=1), end.astimezone(zone).date() + timedelta(days=1)
    found = set(_clock_changes(zone, begin, end))
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        for minute in plan.minutes(day):
            wall = datetime.combine(day, time(minute // 60, minute % 60), zone)
            found.update(wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    return {moment for moment in found if begin < moment <= end}


def _clock_changes(zone: zoneinfo.ZoneInfo, begin: datetime, end: datetime) -> Iterator[datetime]:
    """Result: the instants between at which the zone's offset changes; zones keep each of theirs for days."""
    step = 6 * 3600
    low = int(begin.timestamp())
    while low < end.timestamp():
        high = low + step
        before = _offset(zone, low)
        if _offset(zone, high) != before:
            same, other = low, high
            while other - same > 1:
                middle = (same + other) // 2
                same, other = (middle, other) if _offset(zone, middle) == before else (same, middle)
            yield datetime.fromtimestamp(other, UTC)
        low = high


def _offset(zone: zoneinfo.ZoneInfo, timestamp: int) -> timedelta | None:
    return datetime.fromtimestamp(timestamp, zone).utcoffset()
