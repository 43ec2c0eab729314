"""One sentence on what would make the copy faster, or why nothing would. Pure: facts in, words out.

Nouns: a *share* is a reason's part of all worker-seconds in the recent window (transfer/wait_window.py); a request is
*answer-bound* if its time is the round trip, *line-bound* if its time is the sending of its bytes. The runbook
("Slow transfer") says what to do about each sentence. Where nothing is worth saying, nothing is said: what the job
waits for is told beside the advice anyway (`Waiting`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from migrate_contract.jobs import WaitReason
from migrate_contract.limit_words import mbps_words, owner_words, until_words
from migrate_contract.schedule import BITS_PER_MEGABIT, LimitInForce, bytes_per_second

MOST_CONCURRENCY = 64
"""What a job's settings allow (migrate_contract/jobs.py)."""

SETTLED_SECONDS = 5.0
"""A window shorter than that shows how a job begins, not how it runs."""
BUSY_SHARE = 0.10
"""Pauses after a 503 are worth naming early: each one also keeps a worker from everything else."""
BUSY_ANSWERS = 3
"""So many 503 in half a minute are no accident, however short the pauses after them are."""
THROTTLED_SHARE = 0.25
"""Of a quarter on the limit shapes the rate. Below, it only smooths bursts."""
AT_LIMIT = 0.95
"""Of the limit: the rate is the limit's, whatever the workers wait for meanwhile (few workers never queue for it)."""
MOST_SHARE = 0.60
"""A reason that takes that much rules: whatever else were free, the copy would gain less than two thirds."""
WORKERS_IN_DISK = 2.0
"""With fewer workers in the disk on average, more of them could still read while others send."""
IDLE_SHARE = 0.50
"""Half of the workers without work: what feeds them is too slow."""
UNSTABLE_RETRIES = 10
"""Requests sent again in half a minute without the service being busy: the line drops or damages them."""
ANSWER_BOUND_TRIPS = 3.0
"""A request of up to three round trips (the trip itself, the service's work, some sending) is answer-bound."""
OVERHEAD_TRIPS = 8.0
"""A chunk that takes less than eight round trips loses over a tenth of its time to the answer that it waits for."""
LINE_PAYLOAD_BYTES = 256 * 1024
"""Smaller requests say nothing of the line: when they take long, it is the service's work, or a queue before it."""
GAIN = 1.5
"""More concurrency is named from half as much again: less is within what auto goes up and down."""
ADVISED_CHUNK_MIB = 32
"""For large files (product page, symptom 8)."""
LARGE_FILE_CHUNKS = 4
"""Files of so many advised chunks on average are large: smaller ones would not be cut into enough of them."""


@dataclass(frozen=True, slots=True)
class AdviceFacts:
    """What the engine knows. Defaults mean "not known"; what is not known is not spoken of."""

    now: datetime
    """For the words of a time only."""
    shares: Mapping[WaitReason, float] = field(default_factory=dict)
    """Of `WaitWindow.shares()`: parts of 1 in the recent window."""
    window_seconds: float = 0.0
    """How much time the shares are of."""
    limit: LimitInForce | None = None
    """Which limit holds now, and whose it is."""
    speed_bytes_per_second: float = 0.0
    """Payload over the last seconds."""
    concurrency: int = 0
    """Requests in flight that are allowed now."""
    fixed: bool = False
    """An operator has set the concurrency; False: `auto` tunes it."""
    auto_would_use: int | None = None
    """What the tuning would go to, where it knows; None: estimated from the shares."""
    chunk_bytes: int = 8 << 20
    """As the job's settings ask for."""
    block_bytes: int | None = None
    """As it is used, where memory or a limit has made it smaller; None: as asked for."""
    average_file_bytes: float = 0.0
    """Of the files that were sent or are to be sent."""
    round_trip_seconds: float | None = None
    """The shortest time from a request to its answer: what no request can be faster than."""
    retries: int = 0
    """Requests sent again within the window, for whatever reason."""
    busy_answers: int = 0
    """503 among what they were sent again for."""
    scan_complete: bool = True
    memory_limit_bytes: int = 192 << 20
    processors: int = 1

    def share(self, *reasons: WaitReason) -> float:
        """Result: these reasons' part of the workers' time."""
        return sum(self.shares.get(reason, 0.0) for reason in reasons)


def advise(facts: AdviceFacts) -> str:
    """Result: the sentence that matters most, or ''. It begins in lower case and ends without a full stop."""
    if facts.limit is not None and facts.limit.mbps == 0:
        return _limited("paused", facts.limit, facts.now)
    if facts.window_seconds < SETTLED_SECONDS or not facts.shares:
        return ""
    if facts.share(WaitReason.NO_CONNECTION, WaitReason.GRANT, WaitReason.APPROVAL) >= MOST_SHARE:
        return ""  # what it waits for says it all, with since when
    return _service(facts) or _throttled(facts) or _line(facts) or _work(facts) or _disk(facts) or _sending(facts)


def service_is_busy(shares: Mapping[WaitReason, float], busy_answers: int) -> bool:
    """Result: whether 503 is what holds the copy: by the share of pauses after it, or by how often it came."""
    return shares.get(WaitReason.SERVICE_BUSY, 0.0) >= BUSY_SHARE or busy_answers >= BUSY_ANSWERS


def _service(facts: AdviceFacts) -> str:
    if not service_is_busy(facts.shares, facts.busy_answers):
        return ""
    return "the storage service is busy (503): other jobs and programs that use this account share its limits"


def _throttled(facts: AdviceFacts) -> str:
    limit = facts.limit
    if limit is None:
        return ""
    at_limit = facts.speed_bytes_per_second >= AT_LIMIT * bytes_per_second(limit.mbps)
    if not at_limit and facts.share(WaitReason.THROTTLE) < THROTTLED_SHARE:
        return ""
    return _limited(f"throttled to {mbps_words(limit.mbps)}", limit, facts.now)


def _limited(what: str, limit: LimitInForce, now: datetime) -> str:
    return " ".join(filter(None, (what, "by", owner_words(limit.owner), until_words(limit, now))))


def _line(facts: AdviceFacts) -> str:
    broken = facts.retries - facts.busy_answers
    if broken < UNSTABLE_RETRIES:
        return ""
    window = f"{facts.window_seconds:.0f} seconds"
    return f"the connection is unstable: {broken} requests broke and were sent again in the last {window}"


def _work(facts: AdviceFacts) -> str:
    if facts.scan_complete or facts.share(WaitReason.IDLE) < IDLE_SHARE:
        return ""
    return "scan-bound: files are sent faster than the scan finds them, and raising concurrency will not help"


def _disk(facts: AdviceFacts) -> str:
    share = facts.share(WaitReason.DISK)
    if share < MOST_SHARE:
        return ""
    if facts.concurrency * share >= WORKERS_IN_DISK:
        return "disk-bound: raising concurrency will not help"
    if facts.fixed:
        return f"disk-bound at a concurrency of {facts.concurrency}: auto would read some files while it sends others"
    return ""


def _sending(facts: AdviceFacts) -> str:
    """Requests on their way take most of the time: is it the trip, or the bytes?"""
    if facts.share(WaitReason.NETWORK, WaitReason.COMMIT) < MOST_SHARE:
        return ""
    trips = _trips_per_request(facts)
    if trips is None:
        return ""
    if trips <= ANSWER_BOUND_TRIPS:
        return _latency(facts)
    return _chunk(facts, trips) or _bandwidth(facts)


def _trips_per_request(facts: AdviceFacts) -> float | None:
    """Result: how many round trips a request takes; None where the facts do not tell.

    Concurrency x share are the requests on their way at any time, speed / payload those that end each second: their
    quotient is the time of one (Little's law).
    """
    payload = _payload(facts)
    if not facts.round_trip_seconds or facts.speed_bytes_per_second <= 0 or payload <= 0 or facts.concurrency <= 0:
        return None
    on_their_way = facts.concurrency * facts.share(WaitReason.NETWORK, WaitReason.COMMIT)
    seconds = on_their_way * payload / facts.speed_bytes_per_second
    return seconds / facts.round_trip_seconds


def _payload(facts: AdviceFacts) -> float:
    """Result: bytes of a usual request: a small file, or a block of a large one."""
    return min(facts.average_file_bytes, float(facts.block_bytes or facts.chunk_bytes))


def _latency(facts: AdviceFacts) -> str:
    """`auto` is at it already: only who has fixed the number can do something."""
    better = _auto_would_use(facts)
    if not facts.fixed or better < facts.concurrency * GAIN:
        return ""
    about = "" if facts.auto_would_use is not None else "about "
    return f"latency-bound: concurrency auto would use {about}{better} instead of {facts.concurrency}"


def _auto_would_use(facts: AdviceFacts) -> int:
    """Result: the concurrency at which the machine itself is the bound.

    What a worker does while it does not wait for an answer (reading, hashing, encrypting) keeps one processor busy;
    so many workers fill all of them.
    """
    if facts.auto_would_use is not None:
        return facts.auto_would_use
    own_work = 1.0 - facts.share(WaitReason.NETWORK, WaitReason.COMMIT, WaitReason.IDLE)
    room = MOST_CONCURRENCY if own_work <= 0 else min(round(facts.processors / own_work), MOST_CONCURRENCY)
    fits = int(facts.memory_limit_bytes / max(_payload(facts), 1.0))
    return max(min(room, fits), 1)


def _chunk(facts: AdviceFacts, trips: float) -> str:
    """A larger chunk must fit into memory as often as there are requests, or it would cost concurrency."""
    advised = ADVISED_CHUNK_MIB << 20
    large = facts.average_file_bytes >= LARGE_FILE_CHUNKS * advised
    reduced = facts.block_bytes is not None and facts.block_bytes < facts.chunk_bytes
    fits = facts.concurrency * advised <= facts.memory_limit_bytes and not reduced
    if facts.chunk_bytes >= advised or not large or not fits or trips >= OVERHEAD_TRIPS:
        return ""
    return f"large files: a chunk size of {ADVISED_CHUNK_MIB} MiB would reduce overhead"


def _bandwidth(facts: AdviceFacts) -> str:
    if _payload(facts) < LINE_PAYLOAD_BYTES:
        return ""
    rate = mbps_words(facts.speed_bytes_per_second * 8 / BITS_PER_MEGABIT)
    if facts.fixed:
        return f"network-bound at {rate} with {facts.concurrency} requests in flight: concurrency auto would try more"
    return f"network-bound: the line to the storage service carries {rate}"
