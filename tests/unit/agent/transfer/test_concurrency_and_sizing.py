"""How many requests are in flight and how large they are: found by trying, bounded by memory and bandwidth."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate_agent.transfer.concurrency import AUTO_MOST, AUTO_START, Concurrency
from migrate_agent.transfer.pacing import slice_bytes_at
from migrate_agent.transfer.sizing import block_bytes_in_memory, reduction, under_limit

MIB = 1 << 20
FILE_BYTES = 16 * 1024


def simulate(
    concurrency: Concurrency,
    files_per_second: Callable[[int, float], float],
    *,
    seconds: float,
    setbacks: Callable[[int, float], float] = lambda workers, now: 0.0,
) -> list[tuple[float, int]]:
    """Result: (time, workers) at each look, against a service that handles so many files a second."""
    now, files, broken = 0.0, 0.0, 0.0
    seen = []
    while now < seconds:
        workers = concurrency.observe(now, int(files * FILE_BYTES), int(files), int(broken))
        seen.append((now, workers))
        now += 0.2
        files += files_per_second(workers, now) * 0.2
        broken += setbacks(workers, now) * 0.2
    return seen


def test_auto_begins_with_the_source_documents_four():
    assert Concurrency("auto").workers == AUTO_START == 4


@pytest.mark.parametrize("asked", [1, 7, 64])
def test_a_number_that_a_person_chose_stays(asked):
    seen = simulate(Concurrency(asked), lambda workers, _: workers * 30.0, seconds=60, setbacks=lambda *_: 1e6)
    assert {workers for _, workers in seen} == {asked}


def test_auto_climbs_to_the_top_where_each_request_waits_for_a_long_way():
    seen = simulate(Concurrency("auto"), lambda workers, _: workers / 0.031, seconds=30)
    assert seen[-1][1] == AUTO_MOST
    assert next(at for at, workers in seen if workers == AUTO_MOST) < 12, "within seconds"


def test_auto_stays_low_where_more_brings_nothing():
    seen = simulate(Concurrency("auto"), lambda workers, _: 9000.0, seconds=120)
    after = [workers for at, workers in seen if at > 5]
    assert max(after) <= 8
    assert after.count(4) > 0.8 * len(after), "it only looks now and then"


def test_auto_stops_where_the_line_is_full():
    seen = simulate(Concurrency("auto"), lambda workers, _: min(workers * 100.0, 1600.0), seconds=60)
    last = [workers for at, workers in seen if at > 10]
    assert 14 <= sorted(last)[len(last) // 2] <= 32


def test_auto_finds_a_line_that_became_longer():
    def way(workers: int, now: float) -> float:
        return 2000.0 if now < 30 else workers / 0.05

    seen = simulate(Concurrency("auto"), way, seconds=120)
    assert seen[-1][1] >= 32


def test_a_busy_service_halves_it_and_it_comes_back():
    def busy(workers: int, now: float) -> float:
        return 200.0 if 20 <= now < 22 else 0.0

    seen = simulate(Concurrency("auto"), lambda workers, _: workers / 0.031, seconds=90, setbacks=busy)
    before = [workers for at, workers in seen if at < 20][-1]
    low = min(workers for at, workers in seen if 20 <= at < 30)
    assert before == AUTO_MOST
    assert low <= before // 4
    assert seen[-1][1] == AUTO_MOST


def test_one_broken_connection_changes_nothing():
    seen = simulate(
        Concurrency("auto"),
        lambda workers, _: workers / 0.031,
        seconds=30,
        setbacks=lambda _, now: 0.2 if now < 5 else 0,
    )
    assert seen[-1][1] == AUTO_MOST


@given(st.integers(1, 256), st.integers(16, 4096))
def test_blocks_fit_the_memory_three_times(chunk_mib, memory_mib):
    block_bytes = block_bytes_in_memory(chunk_mib * MIB, memory_mib * MIB)
    assert 0 < block_bytes <= chunk_mib * MIB
    assert block_bytes * 3 <= memory_mib * MIB
    assert (reduction(chunk_mib * MIB, block_bytes, memory_mib * MIB) == "") == (block_bytes == chunk_mib * MIB)


def test_what_was_reduced_is_said():
    assert reduction(256 * MIB, block_bytes_in_memory(256 * MIB, 192 * MIB), 192 * MIB) == (
        "Blocks of 64 MiB instead of 256 MiB, to stay within a memory limit of 192 MiB"
    )


@given(
    st.integers(1, 64),
    st.integers(1, 256),
    st.floats(0.05, 10_000, allow_nan=False),
    st.integers(1, 4),
)
def test_no_request_lasts_over_two_minutes(workers, chunk_mib, mbps, least):
    rate = mbps * 125_000
    plan = under_limit(workers, chunk_mib * MIB, rate, least=least)
    slowest = plan.block_bytes * plan.workers / rate
    assert slowest <= 120 or plan.block_bytes == 64 * 1024
    assert least <= plan.workers <= max(workers, least)
    if plan.workers > least:
        assert plan.block_bytes == chunk_mib * MIB, "blocks are made smaller only when concurrency is as low as it gets"


def test_without_a_limit_and_while_paused_nothing_is_lowered():
    assert under_limit(9, MIB, None) == under_limit(9, MIB, 0)
    assert under_limit(9, MIB, None).workers == 9


@given(st.floats(1_000, 1e9))
def test_a_send_weighs_at_most_a_tenth_of_a_second(rate):
    size = slice_bytes_at(rate)
    assert 4096 <= size <= 64 * 1024
    assert size <= rate / 10 or size == 4096
