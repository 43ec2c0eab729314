"""What is said about a slow copy: a table of situations, and the window that the shares come from."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate_agent.store.entries import Counters
from migrate_agent.transfer import advice
from migrate_agent.transfer.advice import AdviceFacts, advise
from migrate_agent.transfer.adviser import Adviser
from migrate_agent.transfer.wait_window import WaitWindow
from migrate_contract.jobs import JobPhase, Tally, TransferSettings, WaitReason
from migrate_contract.schedule import LimitInForce, LimitOwner

NOW = datetime(2026, 5, 12, 14, 32, tzinfo=UTC)
MIB = 1 << 20
SCHEDULE = LimitInForce(
    mbps=20,
    owner=LimitOwner.SCHEDULE,
    until=datetime(2026, 5, 12, 23, 0, tzinfo=UTC),
    zone="America/Chicago",
)
JOB = LimitInForce(mbps=20, owner=LimitOwner.JOB)


def facts(shares: dict[str, float], **more: object) -> AdviceFacts:
    """A copy of medium files without a limit: eight requests in flight, 30 ms away."""
    given = AdviceFacts(
        now=NOW,
        shares={WaitReason(reason): share for reason, share in shares.items()},
        window_seconds=30.0,
        speed_bytes_per_second=10e6,
        concurrency=8,
        average_file_bytes=64 * 1024,
        round_trip_seconds=0.03,
        processors=2,
    )
    return replace(given, **more)  # type: ignore[arg-type]


# Little's law with 0.95 of 4 workers on their way, 16 KiB each, 30 ms: 4 * 0.95 * 16384 / 0.03 bytes per second.
ANSWER_BOUND = {"concurrency": 4, "average_file_bytes": 16_384, "speed_bytes_per_second": 4 * 0.95 * 16_384 / 0.03}
# A chunk of 8 MiB takes 5 round trips of 30 ms: 0.15 s.
LARGE = {"concurrency": 4, "average_file_bytes": 900 * MIB, "speed_bytes_per_second": 4 * 0.9 * 8 * MIB / 0.15}
# A chunk of 8 MiB takes a second: 33 round trips.
FULL_LINE = {"concurrency": 8, "average_file_bytes": 90 * MIB, "speed_bytes_per_second": 8 * 0.9 * 8 * MIB}

SITUATIONS = {
    "nothing known yet": (facts({}), ""),
    "just begun": (facts({"disk": 1.0}, window_seconds=4.9), ""),
    "paused by the schedule": (
        facts({"throttle": 1.0}, limit=SCHEDULE.model_copy(update={"mbps": 0.0})),
        "paused by the schedule until 18:00 (America/Chicago)",
    ),
    "paused, and nothing else known": (
        facts({}, window_seconds=0.0, limit=LimitInForce(mbps=0, owner=LimitOwner.SITE)),
        "paused by the site's share",
    ),
    "throttled by the schedule": (
        facts({"throttle": 0.9, "network": 0.1}, limit=SCHEDULE),
        "throttled to 20 Mbps by the schedule until 18:00 (America/Chicago)",
    ),
    "throttled by the job's own limit": (
        facts({"throttle": 0.3, "network": 0.7}, limit=JOB),
        "throttled to 20 Mbps by the job's own limit",
    ),
    "at the limit with too few workers to queue for it": (
        facts({"throttle": 0.05, "network": 0.95}, limit=JOB, speed_bytes_per_second=2.45e6),
        "throttled to 20 Mbps by the job's own limit",
    ),
    "a limit far above what the disk gives": (
        facts({"throttle": 0.01, "disk": 0.99}, limit=JOB, speed_bytes_per_second=0.5e6),
        "disk-bound: raising concurrency will not help",
    ),
    "the limit was lifted a moment ago": (facts({"throttle": 0.9, "network": 0.1}), ""),
    "busy service": (
        facts({"service_busy": 0.3, "network": 0.7}),
        "the storage service is busy (503): other jobs and programs that use this account share its limits",
    ),
    "busy service with short pauses": (
        facts({"service_busy": 0.02, "network": 0.98}, retries=12, busy_answers=12),
        "the storage service is busy (503): other jobs and programs that use this account share its limits",
    ),
    "one 503": (facts({"service_busy": 0.02, "disk": 0.5, "network": 0.48}, retries=1, busy_answers=1), ""),
    "busy and throttled: lowering the rate is not what is missing": (
        facts({"service_busy": 0.3, "throttle": 0.7}, limit=JOB),
        "the storage service is busy (503): other jobs and programs that use this account share its limits",
    ),
    "unstable line": (
        facts({"network": 0.9, "disk": 0.1}, retries=14),
        "the connection is unstable: 14 requests broke and were sent again in the last 30 seconds",
    ),
    "disk-bound": (facts({"disk": 0.8, "network": 0.2}), "disk-bound: raising concurrency will not help"),
    "half disk, half network": (facts({"disk": 0.5, "network": 0.5}), ""),
    "reading and sending in turn": (
        facts({"disk": 0.7, "network": 0.3}, concurrency=1, fixed=True),
        "disk-bound at a concurrency of 1: auto would read some files while it sends others",
    ),
    "reading and sending in turn, auto climbs by itself": (facts({"disk": 0.7, "network": 0.3}, concurrency=1), ""),
    "scan-bound": (
        facts({"idle": 0.7, "network": 0.3}, scan_complete=False),
        "scan-bound: files are sent faster than the scan finds them, and raising concurrency will not help",
    ),
    "the last large file, the others are done": (facts({"idle": 0.75, "network": 0.25}), ""),
    "latency-bound": (
        facts({"network": 0.95, "disk": 0.05}, fixed=True, **ANSWER_BOUND),
        "latency-bound: concurrency auto would use about 40 instead of 4",
    ),
    "latency-bound, and the engine knows better": (
        facts({"network": 0.95, "disk": 0.05}, fixed=True, auto_would_use=24, **ANSWER_BOUND),
        "latency-bound: concurrency auto would use 24 instead of 4",
    ),
    "latency-bound in commits as well": (
        facts({"network": 0.55, "commit": 0.40, "disk": 0.05}, fixed=True, **ANSWER_BOUND),
        "latency-bound: concurrency auto would use about 40 instead of 4",
    ),
    "latency-bound, never more than a job may have": (
        facts({"network": 0.95, "disk": 0.05}, fixed=True, processors=64, **ANSWER_BOUND),
        "latency-bound: concurrency auto would use about 64 instead of 4",
    ),
    "latency-bound, auto is at it": (facts({"network": 0.95, "disk": 0.05}, **ANSWER_BOUND), ""),
    "latency-bound, but hardly more to gain": (
        facts({"network": 0.95, "disk": 0.05}, fixed=True, auto_would_use=5, **ANSWER_BOUND),
        "",
    ),
    "far away or slow: not known": (
        facts({"network": 0.95, "disk": 0.05}, fixed=True, **ANSWER_BOUND, round_trip_seconds=None),
        "",
    ),
    "large files in small chunks": (
        facts({"network": 0.9, "disk": 0.1}, chunk_bytes=8 * MIB, **LARGE),
        "large files: a chunk size of 32 MiB would reduce overhead",
    ),
    "large files in large chunks": (
        facts({"network": 0.9, "disk": 0.1}, **{**LARGE, "chunk_bytes": 32 * MIB, "speed_bytes_per_second": 101e6}),
        "network-bound: the line to the storage service carries 808 Mbps",
    ),
    "large chunks would cost concurrency": (
        facts({"network": 0.9, "disk": 0.1}, **{**LARGE, "concurrency": 16, "speed_bytes_per_second": 805e6}),
        "network-bound: the line to the storage service carries 6,440 Mbps",
    ),
    "blocks are smaller already, for the sake of memory": (
        facts({"network": 0.9, "disk": 0.1}, chunk_bytes=8 * MIB, block_bytes=4 * MIB, **LARGE),
        "",
    ),
    "full line": (
        facts({"network": 0.9, "disk": 0.1}, **FULL_LINE),
        "network-bound: the line to the storage service carries 483 Mbps",
    ),
    "small files and a slow service: not the line's fault": (
        facts({"network": 0.95, "disk": 0.05}, average_file_bytes=3_000, speed_bytes_per_second=190_000.0),
        "",
    ),
    "full line at a fixed number": (
        facts({"network": 0.9, "disk": 0.1}, fixed=True, **FULL_LINE),
        "network-bound at 483 Mbps with 8 requests in flight: concurrency auto would try more",
    ),
    "no connection": (facts({"no_connection": 1.0}), ""),
    "waits for access": (facts({"grant": 0.9, "network": 0.1}), ""),
    "nothing stands out": (facts({"disk": 0.3, "network": 0.4, "commit": 0.1, "idle": 0.2}), ""),
}


@pytest.mark.parametrize(("situation", "sentence"), SITUATIONS.values(), ids=SITUATIONS.keys())
def test_the_sentence_that_matters_most(situation, sentence):
    assert advise(situation) == sentence


REASONS = st.dictionaries(st.sampled_from(list(WaitReason)), st.floats(0.01, 1.0), max_size=10)
FACTS = st.builds(
    AdviceFacts,
    now=st.just(NOW),
    shares=REASONS.map(lambda raw: {reason: value / sum(raw.values()) for reason, value in raw.items()}),
    window_seconds=st.floats(0, 60),
    limit=st.sampled_from([None, SCHEDULE, JOB]),
    speed_bytes_per_second=st.floats(0, 1e10),
    concurrency=st.integers(0, 64),
    fixed=st.booleans(),
    auto_would_use=st.none() | st.integers(1, 64),
    chunk_bytes=st.integers(MIB, 256 * MIB),
    average_file_bytes=st.floats(0, 1e13),
    round_trip_seconds=st.none() | st.floats(0, 10),
    retries=st.integers(0, 100),
    busy_answers=st.integers(0, 100),
    scan_complete=st.booleans(),
    memory_limit_bytes=st.integers(MIB, 1 << 33),
    processors=st.integers(1, 128),
)


@given(FACTS)
def test_whatever_the_facts_it_is_one_short_sentence_or_none(situation):
    sentence = advise(situation)
    assert "\n" not in sentence
    assert not sentence.endswith(".")
    assert len(sentence) <= 140
    assert sentence == "" or sentence[0].islower()


def test_what_it_advises_is_never_less_than_what_is_used():
    for processors in (1, 2, 8):
        situation = facts({"network": 0.95, "disk": 0.05}, fixed=True, processors=processors, **ANSWER_BOUND)
        words = advise(situation)
        assert int(words.split("about ")[1].split()[0]) >= advice.GAIN * situation.concurrency


# The window


def test_shares_are_of_the_last_half_minute_not_since_the_start():
    window = WaitWindow()
    waited = {WaitReason.DISK: 0.0, WaitReason.THROTTLE: 0.0}
    for second in range(3600):
        waited[WaitReason.DISK] += 4.0
        window.feed(float(second), waited)
    for second in range(3600, 3635):
        waited[WaitReason.THROTTLE] += 3.0
        waited[WaitReason.DISK] += 1.0
        window.feed(float(second), waited)
    assert window.shares() == pytest.approx({WaitReason.THROTTLE: 0.75, WaitReason.DISK: 0.25})
    assert window.seconds() == pytest.approx(30)


def test_the_window_is_empty_before_time_has_passed():
    window = WaitWindow()
    assert (window.shares(), window.seconds(), window.retries()) == ({}, 0.0, 0)
    window.feed(5.0, {WaitReason.DISK: 100.0}, retries=7)
    assert (window.shares(), window.seconds(), window.retries()) == ({}, 0.0, 0)


def test_feeding_often_keeps_few_totals_and_the_newest():
    window = WaitWindow()
    for tick in range(1000):
        window.feed(tick * 0.2, {WaitReason.NETWORK: tick * 0.8}, retries=tick, busy_answers=tick // 2)
    assert len(window._totals) <= 33
    assert window.shares() == {WaitReason.NETWORK: 1.0}
    assert window.seconds() == pytest.approx(30, abs=1.1)
    assert window.retries() == pytest.approx(150, abs=6)
    assert window.busy_answers() == pytest.approx(75, abs=3)


def test_a_gap_in_feeding_is_no_gap_in_the_window():
    window = WaitWindow()
    window.feed(0.0, {WaitReason.DISK: 0.0})
    window.feed(500.0, {WaitReason.DISK: 10.0, WaitReason.NETWORK: 30.0})
    assert window.shares() == pytest.approx({WaitReason.DISK: 0.25, WaitReason.NETWORK: 0.75})


# The engine's side


def adviser(clock: dict[str, float], **transfer: object) -> Adviser:
    return Adviser(
        TransferSettings(**transfer),  # type: ignore[arg-type]
        192 * MIB,
        clock=lambda: NOW,
        monotonic=lambda: clock["now"],
        processors=2,
    )


def test_the_engine_is_told_what_its_totals_mean():
    clock = {"now": 100.0}
    told = adviser(clock, concurrency=4)
    counters = Counters(
        Tally(scanned=100, transferred=40, unchanged=20, pending=40),
        Tally(scanned=120 * 16_384, transferred=40 * 16_384, unchanged=40 * 16_384, pending=40 * 16_384),
    )

    def ask(phase: JobPhase = JobPhase.RUNNING) -> str:
        return told.advice(
            phase,
            counters,
            scan_complete=True,
            speed_bytes_per_second=ANSWER_BOUND["speed_bytes_per_second"],
            limit=None,
            concurrency=4,
            block_bytes=8 * MIB,
            round_trip_seconds=0.03,
        )

    assert ask() == ""
    for second in range(20):
        clock["now"] = 100.0 + second
        told.sample(
            {WaitReason.NETWORK: 3.8 * second, WaitReason.DISK: 0.2 * second}, sent_bytes=second * 1_000_000, retries=0
        )
    assert ask() == "latency-bound: concurrency auto would use about 40 instead of 4"
    assert ask(JobPhase.SCANNING) == ""
    assert told.average_bytes_per_second() == pytest.approx(1_000_000)
