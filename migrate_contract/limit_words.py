"""The limit in force in words, the same on the agent's screen and on the job's page. Pure; the clock is an argument."""

from __future__ import annotations

from datetime import datetime

from migrate_contract.schedule import LimitInForce, LimitOwner, until_in_words

_OWNERS = {
    LimitOwner.JOB: "the job's own limit",
    LimitOwner.SCHEDULE: "the schedule",
    LimitOwner.SITE: "the site's share",
}
_LEAST_MBPS = 0.001


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
    return until_in_words(limit.until, limit.zone, now) if limit.owner is LimitOwner.SCHEDULE else ""
