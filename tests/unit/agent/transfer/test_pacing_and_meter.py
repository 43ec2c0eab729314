"""The token bucket and the meter, on a clock that only the test moves."""

from __future__ import annotations

from dataclasses import astuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migrate_agent.transfer.meter import Meter, Readings
from migrate_agent.transfer.pacing import TokenBucket
from migrate_contract.jobs import WaitReason


class FakeTime:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds


@settings(max_examples=40)
@given(
    st.sampled_from([125_000.0, 1_250_000.0, 12_500_000.0, 125_000_000.0]),
    st.lists(st.integers(1, 65_536), min_size=20, max_size=60),
)
def test_the_average_is_exact_at_any_rate_and_slice(rate, slices):
    time = FakeTime()
    bucket = TokenBucket(rate, monotonic=time, wait=time.wait)
    for size in slices:
        bucket.take(size)
    # The last slice has been sent but not paid for; the burst was free.
    earliest = (sum(slices) - slices[-1]) / rate - 0.1
    latest = sum(slices) / rate
    assert earliest - 1e-6 <= time.now - 1000 <= latest + 1e-6


def test_a_slice_larger_than_the_rate_passes_and_is_paid_off():
    time = FakeTime()
    bucket = TokenBucket(1000, monotonic=time, wait=time.wait)
    assert bucket.take(10_000) == 0
    assert bucket.take(1) == pytest.approx(10)


def test_a_rate_of_zero_lets_nothing_pass_until_it_is_lifted():
    time = FakeTime()

    def wait(seconds: float) -> None:
        time.wait(seconds)
        if time.now >= 1600:
            bucket.set_rate(1000)

    bucket = TokenBucket(0, monotonic=time, wait=wait)
    assert bucket.limited
    assert bucket.take(1) == pytest.approx(600)


def test_a_changed_limit_holds_for_who_waits_already():
    time = FakeTime()

    def wait(seconds: float) -> None:
        time.wait(seconds)
        bucket.set_rate(None)

    bucket = TokenBucket(10, monotonic=time, wait=wait)
    bucket.take(10_000)
    assert bucket.take(1) <= 0.5
    assert not bucket.limited
    assert bucket.take(10**9) == 0


def test_idle_time_is_not_saved_up():
    time = FakeTime()
    bucket = TokenBucket(1000, monotonic=time, wait=time.wait)
    time.now += 3600
    bucket.take(1000)
    assert bucket.take(1) == pytest.approx(0.9)


def test_what_cuts_the_sender_off_is_passed_on():
    class Cut(Exception):
        pass

    def wait(_: float) -> None:
        raise Cut

    bucket = TokenBucket(1, monotonic=FakeTime(), wait=wait)
    bucket.take(100)
    with pytest.raises(Cut):
        bucket.take(1)


def test_the_innermost_reason_counts():
    time = FakeTime()
    meter = Meter(monotonic=time)
    with meter.during(WaitReason.DISK):
        time.now += 1
        with meter.during(WaitReason.NETWORK):
            assert meter.most() is WaitReason.NETWORK
            time.now += 2
        time.now += 3
        assert meter.seconds()[WaitReason.DISK] == 4
    assert meter.seconds()[WaitReason.NETWORK] == 2
    assert meter.most() is WaitReason.NONE


def test_a_worker_without_work_is_accounted_for_and_is_no_reason():
    time = FakeTime()
    meter = Meter(monotonic=time)
    with meter.during(WaitReason.IDLE):
        time.now += 3
        assert meter.most() is WaitReason.NONE
    assert meter.seconds()[WaitReason.IDLE] == 3


def test_answers_and_busy_answers_of_other_processes_count():
    here, there = Meter(monotonic=FakeTime()), Meter(monotonic=FakeTime())
    assert here.shortest_answer_seconds is None
    here.answered(0.05)
    here.setback()
    there.answered(0.2)
    there.answered(0.03)
    there.setback(busy=True)
    here.absorb("lane 1", Readings(*astuple(there.readings())))
    assert here.shortest_answer_seconds == pytest.approx(0.03)
    assert (here.setbacks, here.busy_answers) == (2, 1)


def test_speed_is_of_the_last_seconds():
    time = FakeTime()
    meter = Meter(monotonic=time)
    time.now += 5
    meter.sent(1000)
    assert meter.speed() == pytest.approx(200)
    time.now += 60
    assert meter.speed() == 0
    assert meter.sent_bytes == 1000


def test_staged_bytes_come_and_go():
    meter = Meter(monotonic=FakeTime())
    meter.staged(100)
    meter.staged(-100)
    assert meter.staged_bytes == 0
