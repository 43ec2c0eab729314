"""The engine's parts for one job, put together in one place."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime

from migrate_agent.network import Network
from migrate_agent.stop import StopSignal
from migrate_agent.store.job_journal import JobJournal
from migrate_agent.transfer.access import GrantSource
from migrate_agent.transfer.adviser import Adviser
from migrate_agent.transfer.concurrency import AUTO_MOST, Concurrency
from migrate_agent.transfer.connectivity import Outage
from migrate_agent.transfer.content_check import fastest_check
from migrate_agent.transfer.crew import CrewParts, Means
from migrate_agent.transfer.file_facts import system_facts
from migrate_agent.transfer.keeper import JournalKeeper
from migrate_agent.transfer.lane_process import LaneSetup
from migrate_agent.transfer.listing import Lister
from migrate_agent.transfer.meter import Meter
from migrate_agent.transfer.mirror import Mirror
from migrate_agent.transfer.pace import BucketPace
from migrate_agent.transfer.pacing import TokenBucket
from migrate_agent.transfer.passes import ReadBack
from migrate_agent.transfer.progress import Rates, WaitTeller
from migrate_agent.transfer.results import EngineSettings
from migrate_agent.transfer.scanner import Scanner, open_source
from migrate_agent.transfer.sizing import Plan, Sizes, block_bytes_in_memory, memory_for, reduction, under_limit
from migrate_agent.transfer.target import TargetIndex
from migrate_agent.transfer.workforce import Hears, Workforce, can_start_lanes, lanes_for, usable_cores
from migrate_contract.jobs import JobSpec
from migrate_contract.schedule import LimitInForce, LimitOwner, bytes_per_second


def until_cancelled(stop: StopSignal) -> Callable[[float], None]:
    """Result: the bucket's wait; a cancel ends it by StopRequested, a mere stop lets what is being sent go through."""

    def wait(seconds: float) -> None:
        if stop.wait_cancelled(seconds):
            stop.raise_if_requested()

    return wait


class Parts:
    """What one attempt's engine drives."""

    def __init__(
        self,
        spec: JobSpec,
        journal: JobJournal,
        access: GrantSource,
        stop: StopSignal,
        network: Network,
        settings: EngineSettings,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
        chance: Callable[[], float],
        mirror_access: GrantSource | None = None,
    ) -> None:
        """`mirror_access`: the mirror's own grant, which allows to delete; None: the copy's."""
        transfer, prefix = spec.transfer, spec.blob.prefix
        self.spec, self._settings, self._access, self._network, self._stop = spec, settings, access, network, stop
        self.meter = Meter(monotonic=monotonic)
        self.keeper = JournalKeeper(journal, stop, self.meter)
        limit = transfer.bandwidth_limit_mbps
        self.limit_in_force = LimitInForce(mbps=limit, owner=LimitOwner.JOB) if limit else None
        """Which limit holds now, and whose it is; its rate is the bucket's."""
        self.bucket = TokenBucket(
            bytes_per_second(limit) if limit else None,
            monotonic=monotonic,
            wait=until_cancelled(stop),
        )
        self._memory_bytes = settings.memory_limit_bytes or transfer.memory_limit_mib << 20
        self._lanes = self._most_lanes()
        chunk_bytes = transfer.chunk_size_mib << 20
        self._block_bytes = block_bytes_in_memory(chunk_bytes, self._memory_bytes // max(self._lanes, 1))
        self.reduced = reduction(chunk_bytes, self._block_bytes, self._memory_bytes)
        """What was made smaller to stay within the memory limit; '' for nothing."""
        self.concurrency = Concurrency(transfer.concurrency, most=AUTO_MOST)
        means = Means(
            access=access,
            network=network,
            pace=BucketPace(self.bucket, self.meter, stop),
            meter=self.meter,
            stop=stop,
            check=fastest_check(),
            clock=clock,
            monotonic=monotonic,
            chance=chance,
            on_retry=journal.count_retry,
        )
        self.crew = CrewParts(
            spec,
            settings,
            means,
            sizes=Sizes(self._block_bytes, settings.single_put_max_bytes),
            memory_bytes=self._memory_bytes,
        )
        self.copy, self.connectivity = self.crew.copy, self.crew.connectivity
        self.scanner = Scanner(
            spec.folder.path,
            prefix=prefix,
            filters=spec.filters,
            symlinks=transfer.symlinks,
            wait=stop.wait,
            folder_markers=transfer.folder_markers,
            facts=system_facts(posix_properties=transfer.posix_properties),
        )
        self.lister = Lister(self.crew.courier, prefix=prefix, page_size=settings.list_page_size)
        self.read_back = ReadBack(
            journal,
            self.crew.courier,
            self.keeper.persist,
            lister=self.lister,
            prefix=prefix,
            head_limit=settings.head_verify_limit,
            finisher=self.crew.finisher,
        )
        self.mirror: Mirror | None = None
        if spec.mirror is not None:
            self.mirror = Mirror(
                spec,
                spec.mirror,
                journal.beside,
                self.crew.courier_with(mirror_access or access),
                list_pages=self.lister.pages,
                check_source=self.open_source,
                persist=self.keeper.persist,
                stop=stop,
            )
        self.rates = Rates(monotonic=monotonic)
        self.adviser = Adviser(
            transfer, self._memory_bytes, clock=clock, monotonic=monotonic, processors=usable_cores()
        )
        self.teller = WaitTeller(self.meter, lambda: self.outage, clock=clock)
        self.teller.limit = self.limit_in_force
        self._workforce: Workforce | None = None

    def _most_lanes(self) -> int:
        wanted = self._settings.lanes
        lanes = lanes_for(usable_cores()) if wanted is None else wanted
        asked = self.spec.transfer.concurrency
        lanes = min(lanes, asked) if isinstance(asked, int) else lanes
        # Memory is shared out: rather fewer lanes than smaller blocks.
        return min(lanes, max(self._memory_bytes // memory_for(self.spec.transfer.chunk_size_mib << 20), 1))

    @property
    def outage(self) -> Outage | None:
        """Result: the connection that is lost, here or in a lane; None while there is none."""
        if self.connectivity.outage is not None or self._workforce is None:
            return self.connectivity.outage
        return next(iter(self._workforce.outages), None)

    def hire(self, hears: Hears, *, many: bool) -> Workforce:
        """Result: who works on the files. `many`: there are enough of them for processes of their own."""
        lanes = self._lanes if (many or self._settings.lanes is not None) and can_start_lanes() else 0
        setup = LaneSetup(
            self.spec,
            self._settings,
            self._network,
            self._block_bytes,
            self._memory_bytes // max(lanes, 1),
            self.crew.device,
        )
        self._workforce = Workforce(self.crew, setup, self._access, self.bucket, self._stop, hears, lanes=lanes)
        self.lister.readers = self._workforce
        self.steer()
        return self._workforce

    def plan(self) -> Plan:
        """Result: workers and block size under the limit in force."""
        least = max(self._workforce.lanes, 1) if self._workforce is not None else 1
        return under_limit(self.concurrency.workers, self._block_bytes, self.bucket.rate, least=least)

    def steer(self) -> None:
        """Brings the workforce to the plan."""
        if self._workforce is not None:
            plan = self.plan()
            self._workforce.set_workers(plan.workers)
            if plan.block_bytes != self.crew.sizes.block_bytes:
                self._workforce.set_block_bytes(plan.block_bytes)

    def limit(self, rate: float | None) -> None:
        """The bandwidth limit from now on in bytes per second; None: none, 0: nothing is sent."""
        self.bucket.set_rate(rate)
        if self._workforce is not None:
            self._workforce.set_rate()
        self.steer()

    def observe(self, now: float) -> None:
        """Lets `auto` look at what the last moments brought."""
        if self.bucket.rate is None:
            self.concurrency.observe(now, self.meter.sent_bytes, self.meter.requests, self.meter.setbacks)
        self.steer()

    def open_source(self) -> None:
        """Raises Fatal if the source folder cannot be opened, or (later) is another one."""
        if self.crew.device is None:
            self.crew.device = open_source(self.spec.folder.path).st_dev
        else:
            self.crew.check_source()

    @contextlib.contextmanager
    def open_index(self) -> Iterator[TargetIndex]:
        """What the destination holds now."""
        index = TargetIndex()
        try:
            index.load(self.lister.pages())
            yield index
        finally:
            index.close()

    def abort(self) -> None:
        """Cuts every request off."""
        self.crew.abort()
        if self._workforce is not None:
            self._workforce.abort()

    def close(self) -> None:
        """Closes what is kept open."""
        self.crew.close()
