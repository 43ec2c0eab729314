"""The limit in force in words, the same on the agent's screen and on the job's page. Pure; the clock is an argument."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from migrate_contract.schedule import LimitInForce, LimitOwner

_OWNERS = {
    LimitOwner.JOB: "the job's own limit",
    LimitOwner.SCHEDULE: "the schedule",
    LimitOwner.SITE: "the site's share",
}
_LEAST_MBPS = 0.001
_WEEK = timedelta(days=6)


def owner_words(owner: LimitOwner) -> str:
    """Result: whose limit it is, as the end of "by ..."."""
    return _OWNERS[owner]


def mbps_words(mbps: float) -> str:
    """Result: "20 Mbps", "2.5 Mbps"."""
    if 0 < mbps < _LEAST_MBPS:
        return f"< {_LEAST_MBPS} Mbps"
    return f"{mbps:,.0f} Mbps" if mbps >= 100 else f"{mbps:.3g} Mbps"


def until_words(limit: LimitInForce, now: datetime) -> str:
    """Result: "until 18:00 (America/Chicago)", with the day where it is not today there; empty where no end is known.

    Only a schedule has hours: a job's or site's own limit ends when somebody changes it, whatever the schedule does.
    A machine that does not know the zone says the time in UTC.
    """
    if limit.until is None or limit.owner is not LimitOwner.SCHEDULE:
        return ""
    zone, name = _zone(limit.zone)
    try:
        at, today = limit.until.astimezone(zone), now.astimezone(zone)
    except OverflowError:
        return ""  # the end of all dates: no end that anybody will see
    day = ""
    if at.date() != today.date():
        near = timedelta(0) <= at.date() - today.date() <= _WEEK
        day = f"{at:%A} " if near else f"{at.day} {at:%B %Y} "
    return f"until {day}{at:%H:%M} ({name})"


def _zone(name: str | None) -> tuple[tzinfo, str]:
    if name:
        try:
            return ZoneInfo(name), name
        except (ZoneInfoNotFoundError, ValueError, OSError):
            # No zone data on this machine, or a name that it does not know (ValueError: one that is no name at all).
            return UTC, "UTC"
    return UTC, "UTC"
