"""Numbers and times as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from functions.dashboard import formatting

NOW = datetime(2026, 5, 12, 14, 32, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (1024, "1.00 KiB"),
        (1536, "1.50 KiB"),
        (10 * 1024, "10.0 KiB"),
        (100 * 1024**2, "100 MiB"),
        (1023 * 1024, "1,023 KiB"),
        (1024**2 - 1, "1.00 MiB"),
        (12.4 * 1024**3, "12.4 GiB"),
        (5000 * 1024**5, "5,000 PiB"),
    ],
)
def test_sizes_have_three_or_four_digits(value, expected):
    assert formatting.size(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, "0 Mbps"), (1000, "< 0.1 Mbps"), (125_000, "1.0 Mbps"), (10_525_000, "84.2 Mbps"), (187.5e6, "1,500 Mbps")],
)
def test_speeds_are_in_the_unit_of_limits(value, expected):
    assert formatting.speed(value) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-3, "0 s"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (11 * 60 + 20, "11 min"),
        (7_500, "2 h 05 min"),
        (86_400, "1 d"),
        (86_400 * 3 + 4 * 3600, "3 d 4 h"),
    ],
)
def test_durations_name_what_matters(seconds, expected):
    assert formatting.duration(seconds) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "just now"),
        (12, "12 s ago"),
        (59.9, "59 s ago"),
        (240, "4 min ago"),
        (7_300, "2 h ago"),
        (86_400 * 3, "3 days ago"),
        (-40, "in 40 s"),
    ],
)
def test_ages_are_in_one_unit(seconds, expected):
    assert formatting.age(NOW - timedelta(seconds=seconds), NOW) == expected


def test_a_number_is_stale_after_half_a_minute():
    assert not formatting.is_stale(NOW - timedelta(seconds=30), NOW)
    assert formatting.is_stale(NOW - timedelta(seconds=31), NOW)


def test_an_age_is_never_negative():
    assert formatting.age_seconds(NOW + timedelta(seconds=5), NOW) == 0


def test_times_are_utc_whatever_zone_they_come_in():
    at = datetime(2026, 5, 12, 1, 2, 3, tzinfo=timezone(timedelta(hours=-5)))
    assert formatting.iso(at) == "2026-05-12T06:02:03Z"
    assert formatting.clock(at) == "2026-05-12 06:02:03 UTC"
    assert formatting.moment(at, NOW) == "06:02 UTC"


def test_a_moment_is_as_short_as_it_is_clear():
    assert formatting.moment(NOW - timedelta(days=1), NOW) == "11 May 14:32 UTC"
    assert formatting.moment(NOW - timedelta(days=400), NOW) == "7 Apr 2025"


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [(0, 0, "0%"), (0, 10, "0%"), (1, 1000, "1%"), (5, 10, "50%"), (999, 1000, "99%"), (10, 10, "100%")],
)
def test_percent_says_100_only_at_the_end(part, whole, expected):
    assert formatting.percent(part, whole) == expected


def test_plural():
    assert formatting.plural(1, "file") == "1 file"
    assert formatting.plural(1204, "file") == "1,204 files"
    assert formatting.plural(2, "thing needs", "things need") == "2 things need"


def test_the_agents_phrase_becomes_a_sentence():
    assert formatting.right_now("the bandwidth limit") == "Right now: the bandwidth limit"
    assert formatting.right_now("Agent x is offline.") == "Agent x is offline."
