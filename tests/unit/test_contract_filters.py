"""Filters on the wire: what is refused, and how sizes and times are written by people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from migrate_contract.filters import FileFilters, Inclusion, moment_text, parse_moment, parse_size, size_text

EARLY, LATE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)


def test_nothing_said_is_nothing_but_the_defaults() -> None:
    assert FileFilters.model_validate_json("{}") == FileFilters(default_excludes=True, hidden=Inclusion.INCLUDE)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"min_size_bytes": 2048, "max_size_bytes": 1024}, "smallest size (2 KiB) is above the largest (1 KiB)"),
        ({"modified_after": LATE, "modified_before": EARLY}, "(2026-02-01 00:00Z) is not earlier than"),
        ({"modified_after": EARLY, "modified_before": EARLY}, "no file can pass"),
        ({"modified_after": EARLY.replace(tzinfo=None)}, "timezone"),
        ({"manifest": "list.csv"}, "write the full path"),
        ({"max_depth": 0}, "greater than or equal to 1"),
        ({"min_size_bytes": -1}, "greater than or equal to 0"),
        ({"hidden": "maybe"}, "Inclusion"),
        ({"exclude": ["x"] * 201}, "at most 200"),
    ],
)
def test_filters_that_make_no_sense_are_refused_with_why(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        FileFilters(**wrong)
    assert words in caught.value.errors()[0]["msg"]


def test_filters_that_just_make_sense() -> None:
    FileFilters(min_size_bytes=5, max_size_bytes=5, modified_after=EARLY, modified_before=LATE, max_depth=1)
    far = timezone(timedelta(hours=14))
    FileFilters(modified_after=datetime(1, 1, 1, tzinfo=far), modified_before=datetime.max.replace(tzinfo=UTC))
    with pytest.raises(ValidationError):
        FileFilters(modified_after=datetime(1, 1, 1, 2, tzinfo=far), modified_before=datetime(1, 1, 1, tzinfo=far))


def test_the_wire_keeps_everything() -> None:
    filters = FileFilters(
        include=["a"],
        min_size_bytes=1,
        modified_after=EARLY,
        hidden=Inclusion.EXCLUDE,
        max_depth=3,
        default_excludes=False,
        manifest="C:\\lists\\one.csv",
    )
    assert FileFilters.model_validate_json(filters.model_dump_json()) == filters


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("500", 500),
        ("500B", 500),
        ("10KiB", 10_240),
        ("10 kib", 10_240),
        ("5MB", 5_000_000),
        ("1.5 GiB", 1_610_612_736),
        ("0.5KB", 500),
        ("2TB", 2 * 10**12),
        ("8 PiB", 2**53),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "KB", "10K", "10 KBit", "-1", "1e3", "1,5MB", "0.5", "9 PiB", "٣", "1 000"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match=r"size|whole number|larger than any"):
        parse_size(text)


@given(st.integers(0, 2**53))
def test_every_size_is_read_as_it_was_written(size: int) -> None:
    assert parse_size(size_text(size)) == size


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31", "2026-01-31 00:00Z"),
        ("2026-01-31 18:00", "2026-01-31 18:00Z"),
        ("2026-01-31T18:00:05", "2026-01-31 18:00:05Z"),
        ("2026-01-31T18:00+02:00", "2026-01-31 16:00Z"),
        (" 2026-01-31T18:00Z ", "2026-01-31 18:00Z"),
    ],
)
def test_moments(text: str, expected: str) -> None:
    assert moment_text(parse_moment(text, UTC)) == expected


def test_a_moment_of_this_machine_is_aware() -> None:
    assert parse_moment("2026-07-01", None).utcoffset() is not None


@pytest.mark.parametrize("text", ["", "yesterday", "31.01.2026", "2026-02-30", "2026-01-31 25:00", "0001-01-01x"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match="is no date: write 2026-01-31"):
        parse_moment(text, UTC)


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))])))
def test_every_moment_is_read_as_it_was_written(moment: datetime) -> None:
    assert parse_moment(moment_text(moment), UTC) == moment
