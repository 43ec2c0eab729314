"""Everybody who works on one attempt's files: a crew in this process for a small copy, lanes for a large one.

Which of both is decided once, when the first files are given: starting processes takes a fifth of a second, which a
small copy does not earn back. The engine sees one thing that takes files and says what became of each.
"""

from __future__ import annotations

import itertools
import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from migrate_agent.stop import StopKind, StopRequested, StopSignal
from migrate_agent.store.entries import Commit, Verdict
from migrate_agent.transfer.access import GrantSource
from migrate_agent.transfer.blob_xml import BlobPage
from migrate_agent.transfer.connectivity import Outage
from migrate_agent.transfer.crew import Crew, CrewParts
from migrate_agent.transfer.file_copy import FileTask
from migrate_agent.transfer.lane_process import LaneEvents, LaneProcess, LaneSetup
from migrate_agent.transfer.lane_wire import Say
from migrate_agent.transfer.listing import Reading
from migrate_agent.transfer.meter import Meter, Readings
from migrate_agent.transfer.pacing import TokenBucket
from migrate_contract.errors import ErrorCode, Fatal, MigrateError
from migrate_contract.jobs import Grant

log = logging.getLogger(__name__)
_LOOK_SECONDS = 0.25
_FILES_A_LANE = 384
"""Given to one lane and without verdict, at most: enough to keep it busy while a batch is on its way."""
_BYTES_A_LANE = 256 << 20
"""The same by size, so that large files are shared out; one file always may."""
_BATCH = 32
"""Files that are given together: one by one costs more than the files themselves."""
_MOST_LANES = 4
_MOST_CRASHES = 3
_CRASHES_SECONDS = 600.0
"""So many within ten minutes are no accident: something is wrong with this machine or with us."""
_GRANT_SECONDS = 1.0


def lanes_for(cores: int) -> int:
    """Result: how many lanes keep `cores` busy.

    One interpreter runs one thread, so threads in one lane take turns: two lanes of two are half as fast again as one
    of four, also where two cores are all there is.
    """
    return max(1, min(cores, _MOST_LANES))


@dataclass(frozen=True, slots=True)
class Hears:
    """Who hears of the work; called on many threads."""

    verdict: Callable[[FileTask, Verdict], None]
    committed: Callable[[Sequence[Commit]], None]
    retried: Callable[[int], None]
    fatal: Callable[[MigrateError], None]
    begun: Callable[[], None]


class _Page:
    """A page of a listing that a lane reads."""

    def __init__(self, lane: LaneProcess) -> None:
        self.lane = lane
        self.read = threading.Event()
        self.found: BlobPage | None = None


class Workforce:
    """`put`, `drain` and `close` are called by the engine's feeding thread, the rest by any."""

    def __init__(
        self,
        parts: CrewParts,
        setup: LaneSetup,
        access: GrantSource,
        bucket: TokenBucket,
        stop: StopSignal,
        hears: Hears,
        *,
        lanes: int,
    ) -> None:
        """`lanes`: processes beside this one; 0: the crew in this process works."""
        self._setup, self._access, self._bucket, self._stop, self._hears = setup, access, bucket, stop, hears
        self._meter: Meter = parts.meter
        self._crew = Crew(
            parts,
            on_verdict=hears.verdict,
            on_fatal=hears.fatal,
            on_begin=hears.begun,
            on_commits=hears.committed,
        )
        self._changed = threading.Condition()
        self._lanes: list[LaneProcess] = []
        self._again: deque[FileTask] = deque()
        self._crashes: deque[float] = deque(maxlen=_MOST_CRASHES + 1)
        self._workers = 1
        self._closed = False
        self._grant: Grant | None = None
        self._grant_due = threading.Event()
        self._leases: deque[tuple[LaneProcess, int]] = deque()
        self._lease_due = threading.Event()
        self._outages: dict[str, Outage | None] = {}
        self._pages: dict[int, _Page] = {}
        self._pages_given = itertools.count()
        self._threads: list[threading.Thread] = []
        self._many = lanes > 0
        if self._many:
            self._start(lanes)

    def _start(self, lanes: int) -> None:
        self._threads = [
            threading.Thread(target=self._bring_grants, name="grants", daemon=True),
            threading.Thread(target=self._lease, name="leases", daemon=True),
        ]
        for number in range(lanes):
            self._add_lane(str(number + 1))
        for thread in self._threads:
            thread.start()

    def _add_lane(self, name: str) -> LaneProcess:
        events = LaneEvents(
            done=self._hears.verdict,
            committed=self._hears.committed,
            retried=self._hears.retried,
            refused=self._refused,
            ask_lease=self._ask_lease,
            metered=self._metered,
            parsed=self._parsed,
            fatal=lambda code, detail: self._hears.fatal(Fatal(ErrorCode(code), detail)),
            room=self._room,
            crashed=self._crashed,
        )
        lane = LaneProcess(name, self._setup, events)
        with self._changed:
            self._lanes = [*self._lanes, lane]
            grant = self._grant
        lane.say(Say.PACE, self._bucket.rate)
        if grant is not None:
            lane.grant(grant)
        self._share_workers()
        return lane

    @property
    def lanes(self) -> int:
        """Result: worker processes now; each sends something at any time."""
        return len(self._lanes)

    @property
    def outages(self) -> list[Outage]:
        """Result: what lanes cannot reach now."""
        return [outage for outage in self._outages.values() if outage is not None]

    # The feeding thread

    def put(self, task: FileTask) -> None:
        """Gives a file to whoever has most room for it; waits while nobody has. Raises StopRequested."""
        self.put_all([task])

    def put_all(self, tasks: Sequence[FileTask]) -> None:
        """Gives files to whoever has most room for them; waits while nobody has. Raises StopRequested."""
        if not self._many:
            for task in tasks:
                self._crew.put(task)
            return
        if tasks:
            self._hears.begun()
        given = 0
        while given < len(tasks):
            self._stop.raise_if_requested()
            size_bytes = tasks[given].entry.size_bytes
            lane = self._roomiest(size_bytes)
            if lane is not None:
                most = -(-(len(tasks) - given) // len(self._lanes)) if self._lanes else 1
                taken = lane.put(tasks[given : given + min(most, _FILES_A_LANE - lane.given, _BATCH)])
                given += taken
                if taken:
                    continue
            with self._changed:
                if self._roomiest(size_bytes) is None:
                    self._changed.wait(_LOOK_SECONDS)

    def _roomiest(self, size_bytes: int) -> LaneProcess | None:
        lanes = self._lanes
        if not lanes:
            return None
        lane = min(lanes, key=lambda found: (found.given_bytes >> 20, found.given))
        if lane.given >= _FILES_A_LANE or (lane.given and lane.given_bytes + size_bytes > _BYTES_A_LANE):
            return None
        return lane

    def drain(self) -> None:
        """Waits until every file that was put has its verdict. Raises StopRequested."""
        if not self._many:
            self._crew.drain()
            return
        while True:
            self._stop.raise_if_requested()
            while self._again:
                self.put(self._again.popleft())
            with self._changed:
                if not self._again and not any(lane.given for lane in self._lanes):
                    return
                self._changed.wait(_LOOK_SECONDS)

    def close(self) -> None:
        """Ends everybody and waits for them; what nobody has begun stays pending."""
        self._closed = True
        for lane in self._lanes:
            lane.end()
        for lane in self._lanes:
            lane.join()
        for event in (self._grant_due, self._lease_due):
            event.set()
        for thread in self._threads:
            thread.join()
        self._crew.close()

    # Any thread

    def read_page(self, body: bytes, *, times: bool) -> Reading | None:
        """See transfer/listing.py: lanes read in turn; None where there is none that is up."""
        lanes = [lane for lane in self._lanes if lane.ready.is_set()]
        if not lanes or self._closed:
            return None
        number = next(self._pages_given)
        page = self._pages[number] = _Page(lanes[number % len(lanes)])
        page.lane.say(Say.PARSE, number, body, times)

        def wait() -> BlobPage | None:
            while not page.read.wait(_LOOK_SECONDS):
                if self._closed or page.lane not in self._lanes:
                    break
            self._pages.pop(number, None)
            return page.found

        return wait

    def _parsed(self, number: int, found: BlobPage | None) -> None:
        page = self._pages.get(number)
        if page is not None:
            page.found = found
            page.read.set()

    def set_workers(self, workers: int) -> None:
        """How many files or blocks may be on their way at once, over all."""
        self._workers = workers
        if self._many:
            self._share_workers()
        else:
            self._crew.set_workers(workers)

    def _share_workers(self) -> None:
        lanes = self._lanes
        for number, lane in enumerate(lanes):
            share = self._workers // len(lanes) + (number < self._workers % len(lanes))
            # One at least: a lane that has files must be able to end them.
            lane.set_workers(max(share, 1))

    def set_rate(self) -> None:
        """The bucket has another rate."""
        for lane in self._lanes:
            lane.say(Say.PACE, self._bucket.rate)

    def set_block_bytes(self, block_bytes: int) -> None:
        """The block size of files that begin from now on."""
        self._crew.parts.sizes.block_bytes = block_bytes
        for lane in self._lanes:
            lane.say(Say.SIZES, block_bytes)

    def tell_stop(self, kind: StopKind) -> None:
        """Lanes do not hear the engine's stop signal by themselves."""
        for lane in self._lanes:
            lane.say(Say.STOP, kind.value)
        self._room()

    def abort(self) -> None:
        """Cuts every request off."""
        self._crew.parts.abort()
        for lane in self._lanes:
            lane.say(Say.ABORT)
        self._room()

    # What lanes say

    def _room(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _metered(self, name: str, readings: Readings, outage: Outage | None) -> None:
        self._meter.absorb(name, readings)
        self._outages[name] = outage

    def _crashed(self, lane: LaneProcess, left: Sequence[FileTask]) -> None:
        """Killed, or out of memory: its files are looked at again by another one, for it may have sent some."""
        with self._changed:
            self._lanes = [known for known in self._lanes if known is not lane]
            self._again.extend(task._replace(decision=None) for task in left)
            self._crashes.append(time.monotonic())
            too_many = len(self._crashes) > _MOST_CRASHES and self._crashes[-1] - self._crashes[0] < _CRASHES_SECONDS
        self._outages.pop(lane.name, None)
        self._meter.forget(lane.name)
        if self._closed or self._stop.requested:
            return
        if too_many:
            detail = f"{len(self._crashes)} worker processes of the copy ended by themselves within ten minutes"
            self._hears.fatal(Fatal(ErrorCode.INTERNAL, detail))
            return
        log.warning("worker process %s ended by itself; another one takes its %d files", lane.name, len(left))
        try:
            self._add_lane(f"{lane.name}+")
        except OSError as error:
            self._hears.fatal(Fatal(ErrorCode.INTERNAL, f"a worker process cannot be started: {error.strerror}"))

    # Grants

    def _refused(self, token: str, reason: str) -> None:
        grant = self._grant
        try:
            if grant is not None and grant.sas_token == token:
                self._access.renew(grant, reason)
        except MigrateError as error:
            self._hears.fatal(error)
        self._grant_due.set()

    def _bring_grants(self) -> None:
        """Asks for the grant whenever it may have changed: every second, and when a lane's was refused."""
        while not self._closed:
            try:
                grant = self._access.current()
            except StopRequested:
                return
            except MigrateError as error:
                for lane in self._lanes:
                    lane.say(Say.NO_GRANT, error.code.value, error.detail)
                self._hears.fatal(error)
                return
            if grant is not self._grant:
                with self._changed:
                    self._grant, lanes = grant, self._lanes
                for lane in lanes:
                    lane.grant(grant)
            self._grant_due.wait(_GRANT_SECONDS)
            self._grant_due.clear()

    # Leases of the bucket

    def _ask_lease(self, lane: LaneProcess, size_bytes: int) -> None:
        self._leases.append((lane, size_bytes))
        self._lease_due.set()

    def _lease(self) -> None:
        """In the order in which lanes asked: the one bucket decides, as for the threads of one process."""
        while not self._closed:
            while self._leases:
                lane, size_bytes = self._leases.popleft()
                try:
                    self._bucket.take(size_bytes)
                except StopRequested:
                    return
                lane.say(Say.LEASE, size_bytes)
            self._lease_due.wait(_LOOK_SECONDS)
            self._lease_due.clear()


def usable_cores() -> int:
    """Result: the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def can_start_lanes() -> bool:
    """Result: whether this installation can start a Python of its own; a frozen single file cannot."""
    return bool(sys.executable) and not getattr(sys, "frozen", False)
