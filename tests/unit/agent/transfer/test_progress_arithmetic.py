"""Percent, average and time left on a clock that only the test moves: what is skipped costs and promises nothing."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate_agent.store.entries import Counters
from migrate_agent.transfer.progress import AverageSpeed, Rates, copied_share
from migrate_contract.jobs import Tally

FILE = 1_000_000


class Copy:
    """A copy of equal files whose scan is complete. `sent` and `skipped` files leave what is pending."""

    def __init__(self, files: int) -> None:
        self.files, self.sent, self.skipped, self.now = files, 0, 0, 0.0
        self.rates = Rates(monotonic=lambda: self.now)
        self.speed = 0.0
        self.rates.sample(self.counters())

    def counters(self) -> Counters:
        pending = self.files - self.sent - self.skipped
        files = Tally(scanned=self.files, transferred=self.sent, unchanged=self.skipped, pending=pending)
        return Counters(files, Tally(**{name: count * FILE for name, count in files.model_dump().items()}))

    def second(self, *, sent: int = 0, skipped: int = 0) -> None:
        self.sent, self.skipped, self.now = self.sent + sent, self.skipped + skipped, self.now + 1.0
        self.speed = float(sent * FILE)
        self.rates.sample(self.counters())

    def left(self) -> float | None:
        return self.rates.eta_seconds(self.counters(), 0, self.speed)

    def fraction(self) -> float | None:
        counters = self.counters()
        return copied_share(counters.files, counters.bytes, 0, scan_complete=True).fraction

    def known_left(self) -> float:
        left = self.left()
        assert left is not None
        return left


def test_a_steady_copy_counts_down():
    copy = Copy(1000)
    for _ in range(50):
        copy.second(sent=10)
    assert copy.left() == pytest.approx(50)
    assert copy.fraction() == pytest.approx(0.5)


def test_half_of_it_skipped_at_once_promises_nothing_and_moves_no_percent():
    """A rerun: the first half is unchanged and takes five seconds, the other half is new."""
    copy = Copy(10_000)
    for _ in range(5):
        copy.second(skipped=1_000)
        assert copy.left() is None
        assert copy.fraction() == 0.0
    for _ in range(100):
        copy.second(sent=10)
        true = (5_000 - copy.sent) / 10
        assert copy.left() == pytest.approx(true)
        assert copy.fraction() == pytest.approx(copy.sent / 5_000)


def test_skipped_files_among_sent_ones_are_counted_in_as_they_come():
    """Every second file is unchanged: what is pending takes half the time that its files would take."""
    copy = Copy(10_000)
    for _ in range(40):
        copy.second(sent=10, skipped=10)
    assert copy.left() == pytest.approx((10_000 - 800) / 2 / 10)


def test_a_burst_of_skipped_files_in_the_middle_takes_off_what_they_were_and_no_more():
    copy = Copy(10_000)
    for _ in range(40):
        copy.second(sent=10)
    before = copy.known_left()
    copy.second(sent=10, skipped=5_000)
    after = copy.known_left()
    assert before == pytest.approx(960)
    # Half of it is gone: half of the time is, and not the 99 % that the rate of skipping would take off.
    assert after == pytest.approx(459, rel=0.04)
    left = [copy.known_left()]
    for _ in range(60):
        copy.second(sent=10)
        left.append(copy.known_left())
    jumps = [abs(later - (earlier - 1.0)) for earlier, later in itertools.pairwise(left)]
    assert max(jumps) < 0.05 * after
    assert left[-1] == pytest.approx((10_000 - copy.sent - copy.skipped) / 10)


def test_a_run_of_skipped_files_later_does_not_forget_the_pace_of_sending():
    copy = Copy(10_000)
    for _ in range(40):
        copy.second(sent=10)
    for _ in range(60):
        copy.second(skipped=50)
        assert copy.left() == pytest.approx((10_000 - copy.sent - copy.skipped) / 10)


def test_where_everything_is_unchanged_half_a_minute_of_it_is_an_estimate():
    copy = Copy(100_000)
    for second in range(1, 40):
        copy.second(skipped=1_000)
        if second < 30:
            assert copy.left() is None
        else:
            assert copy.left() == pytest.approx((100_000 - copy.skipped) / 1_000)


def test_a_line_that_stands_still_makes_the_rest_later_and_then_unknown():
    copy = Copy(1000)
    for _ in range(30):
        copy.second(sent=10)
    assert copy.left() == pytest.approx(70)
    for _ in range(15):
        copy.second()
    assert copy.left() == pytest.approx(140, rel=0.1)
    for _ in range(30):
        copy.second()
    assert copy.left() is None


def test_one_large_file_is_estimated_by_what_leaves_the_machine():
    now = {"at": 0.0}
    rates = Rates(monotonic=lambda: now["at"])
    counters = Counters(Tally(scanned=1, pending=1), Tally(scanned=100 * FILE, pending=100 * FILE))
    rates.sample(counters)
    assert rates.eta_seconds(counters, 0, 5e6) is None
    now["at"] = 2.0
    rates.sample(counters)
    assert rates.eta_seconds(counters, 10 * FILE, 5e6) == pytest.approx(90 * FILE / 5e6)


def test_what_the_scan_leaves_out_is_not_taken_for_skipping():
    """The scan finds 1,000 excluded files a second while ten are sent: none of those that are pending is excluded."""
    now = {"at": 0.0}
    rates = Rates(monotonic=lambda: now["at"])
    for second in range(21):
        now["at"] = float(second)
        files = Tally(
            scanned=5_000 + 1_000 * second,
            excluded=1_000 * second,
            transferred=10 * second,
            pending=5_000 - 10 * second,
        )
        counters = Counters(files, Tally(**{name: count * FILE for name, count in files.model_dump().items()}))
        rates.sample(counters)
    assert rates.eta_seconds(counters, 0, 0.0) == pytest.approx(480)


# Percent


def test_there_is_no_percent_before_the_scan_is_complete():
    files = Tally(scanned=100, transferred=90, pending=10)
    assert copied_share(files, files, 0, scan_complete=False).fraction is None
    assert copied_share(files, files, 0, scan_complete=True).fraction == pytest.approx(0.9)


def test_a_large_file_moves_the_bar_before_it_is_committed():
    files, sizes = Tally(scanned=1, pending=1), Tally(scanned=1 << 30, pending=1 << 30)
    share = copied_share(files, sizes, 1 << 29, scan_complete=True)
    assert share.fraction == pytest.approx(0.5, abs=0.001)
    assert (share.sent_bytes, share.to_send_bytes) == (1 << 29, 1 << 30)
    # Blocks that were sent twice are no more than the file.
    assert copied_share(files, sizes, 1 << 40, scan_complete=True).sent_bytes == 1 << 30


def test_files_without_content_are_work_too():
    files = Tally(scanned=4, transferred=1, pending=3)
    assert copied_share(files, Tally(), 0, scan_complete=True).fraction == pytest.approx(0.25)


def test_nothing_to_send_is_done():
    files = Tally(scanned=3, unchanged=2, excluded=1)
    share = copied_share(files, files, 0, scan_complete=True)
    assert (share.fraction, share.skipped_files) == (1.0, 3)


COUNTS = st.integers(0, 10**9)


@given(st.lists(COUNTS, min_size=6, max_size=6), COUNTS, st.integers(0, 5), st.integers(1, 5))
def test_percent_stays_within_its_bounds_and_skipping_never_lowers_it(buckets, staged, skipped, kept):
    names = ("excluded", "unchanged", "transferred", "failed", "unsupported", "pending")
    values = dict(zip(names, buckets, strict=True))
    values["pending"] = values["pending"] // (skipped + kept) * (skipped + kept)
    before = Tally(scanned=sum(values.values()), **values)
    gone = values["pending"] // (skipped + kept) * skipped
    after_values = {**values, "pending": values["pending"] - gone, "unchanged": values["unchanged"] + gone}
    after = Tally(scanned=sum(after_values.values()), **after_values)
    first = copied_share(before, before, 0, scan_complete=True).fraction
    second = copied_share(after, after, 0, scan_complete=True).fraction
    assert first is not None
    assert second is not None
    assert 0.0 <= first <= second + 1e-12
    assert second <= 1.0
    with_staged = copied_share(before, before, staged, scan_complete=True).fraction
    assert with_staged is not None
    assert with_staged <= 1.0
    assert (with_staged == 1.0) <= (not before.pending or staged >= before.pending)


# The average


def test_the_average_begins_with_the_first_upload_and_counts_pauses():
    average = AverageSpeed()
    for second in range(100):
        average.sample(float(second), 0)
    assert average.bytes_per_second() == 0.0
    for second in range(100, 111):
        average.sample(float(second), (second - 99) * 1000)
    assert average.bytes_per_second() == pytest.approx(1000)
    for second in range(111, 122):
        average.sample(float(second), 11_000)
    assert average.bytes_per_second() == pytest.approx(500)


def test_there_is_no_average_of_a_moment():
    average = AverageSpeed()
    average.sample(0.0, 5_000_000)
    average.sample(0.5, 9_000_000)
    assert average.bytes_per_second() == 0.0
