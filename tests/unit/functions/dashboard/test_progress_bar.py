"""The bar of six buckets fills itself exactly and hides nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.dashboard.progress_bar import (
    LEAST_WIDTH_PERCENT,
    done_percent,
    legend,
    segments,
    sentence,
)
from migrate_contract.jobs import FOUND_BUCKETS, Bucket, Tally
from tests.unit.functions.dashboard import samples

COUNTS = st.integers(min_value=0, max_value=10**15)
NAMES = [bucket.value for bucket in FOUND_BUCKETS]


@given(st.lists(COUNTS, min_size=6, max_size=6))
def test_segments_lie_side_by_side_and_show_every_bucket_that_holds_something(counts):
    tally = samples.tally(**dict(zip(NAMES, counts, strict=True)))
    placed = segments(tally)
    assert {part.bucket for part in placed} == {
        bucket for bucket in FOUND_BUCKETS if getattr(tally, bucket.value) and bucket is not Bucket.PENDING
    }
    end = 0.0
    for part in placed:
        assert part.x == pytest.approx(end, abs=0.02)
        assert part.width > LEAST_WIDTH_PERCENT / 2
        end = part.x + part.width
    assert end <= 100.02
    if placed and not tally.pending:
        assert end == pytest.approx(100, abs=0.02)


def test_nothing_found_is_an_empty_bar():
    assert segments(Tally()) == []


def test_the_legend_has_all_six_and_adds_up():
    progress = samples.progress()
    lines = legend(progress)
    assert len(lines) == 6
    assert sum(line.files for line in lines) == progress.files.scanned
    assert sum(line.bytes for line in lines) == progress.bytes.scanned


def test_percent_is_by_bytes():
    assert done_percent(samples.progress()) == "60%"


def test_percent_is_by_files_where_there_are_no_bytes():
    empty_files = samples.progress(files=samples.tally(transferred=1, pending=3), bytes=Tally())
    assert done_percent(empty_files) == "25%"


def test_pending_empty_files_keep_it_below_100():
    progress = samples.progress(files=samples.tally(transferred=99, pending=1), bytes=samples.tally(transferred=5))
    assert done_percent(progress) == "99%"


def test_the_bar_in_words():
    words = sentence(samples.progress(files=samples.tally(transferred=1200, failed=3)))
    assert words == "1,203 files found: 1,200 transferred, 3 failed"
