"""The limit in force in words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from migrate_contract.limit_words import mbps_words, owner_words, until_words
from migrate_contract.schedule import LimitInForce, LimitOwner

NOW = datetime(2026, 5, 12, 14, 32, tzinfo=UTC)


def limit(
    until: datetime | None, zone: str | None = "America/Chicago", owner: LimitOwner = LimitOwner.SCHEDULE
) -> LimitInForce:
    return LimitInForce(mbps=20, owner=owner, until=until, zone=zone)


@pytest.mark.parametrize(
    ("until", "zone", "words"),
    [
        (datetime(2026, 5, 12, 23, 0, tzinfo=UTC), "America/Chicago", "until 18:00 (America/Chicago)"),
        (datetime(2026, 5, 13, 4, 59, tzinfo=UTC), "America/Chicago", "until 23:59 (America/Chicago)"),
        (datetime(2026, 5, 13, 5, 0, tzinfo=UTC), "America/Chicago", "until Wed 00:00 (America/Chicago)"),
        (datetime(2026, 5, 18, 12, 0, tzinfo=UTC), "America/Chicago", "until Mon 07:00 (America/Chicago)"),
        (datetime(2026, 5, 19, 12, 0, tzinfo=UTC), "America/Chicago", "until 2026-05-19 07:00 (America/Chicago)"),
        (datetime(2026, 5, 12, 23, 0, tzinfo=UTC), None, "until 23:00 (UTC)"),
        (datetime(2026, 5, 12, 23, 0, tzinfo=UTC), "Mars/Olympus", "until 23:00 (UTC)"),
        (datetime(2026, 5, 12, 23, 0, tzinfo=UTC), "../../etc/passwd", "until 23:00 (UTC)"),
        (datetime(2026, 5, 12, 23, 0, tzinfo=UTC), "x" * 5000, "until 23:00 (UTC)"),
        (datetime(9999, 12, 31, 23, 0, tzinfo=UTC), "Pacific/Kiritimati", ""),
        (None, "America/Chicago", ""),
    ],
)
def test_the_end_is_said_in_the_zone_of_the_schedule(until, zone, words):
    assert until_words(limit(until, zone), NOW) == words


@pytest.mark.parametrize("owner", [LimitOwner.JOB, LimitOwner.SITE])
def test_only_a_schedule_has_hours(owner):
    assert until_words(limit(datetime(2026, 5, 12, 23, 0, tzinfo=UTC), owner=owner), NOW) == ""


@pytest.mark.parametrize(
    ("mbps", "words"),
    [
        (20, "20 Mbps"),
        (2.5, "2.5 Mbps"),
        (0.125, "0.125 Mbps"),
        (100, "100 Mbps"),
        (1000, "1,000 Mbps"),
        (0, "0 Mbps"),
        (0.00004, "< 0.001 Mbps"),
    ],
)
def test_a_rate_has_as_many_digits_as_it_needs(mbps, words):
    assert mbps_words(mbps) == words


def test_every_owner_has_words():
    assert len({owner_words(owner) for owner in LimitOwner}) == len(LimitOwner)
