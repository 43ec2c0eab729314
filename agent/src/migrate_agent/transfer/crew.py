"""The workers of one process: threads that take files to their verdicts, and the parts that they share.

A crew works in the agent's own process for a small copy, and in each lane (transfer/lane.py) for a large one.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from migrate_agent.network import Network
from migrate_agent.stop import StopRequested, StopSignal
from migrate_agent.store.entries import Commit, Verdict
from migrate_agent.transfer.access import GrantSource
from migrate_agent.transfer.blob_http import BlobClient
from migrate_agent.transfer.committer import Committer
from migrate_agent.transfer.connectivity import Connectivity
from migrate_agent.transfer.content_check import ContentCheck
from migrate_agent.transfer.convoy import Convoy, ConvoyEvents, is_quick
from migrate_agent.transfer.courier import Courier, RetryRules
from migrate_agent.transfer.file_copy import FileCopy, FileTask
from migrate_agent.transfer.finishing import Finisher
from migrate_agent.transfer.meter import Meter, reason_index
from migrate_agent.transfer.pace import BucketPace, LeasePace
from migrate_agent.transfer.pool import ConnectionPool
from migrate_agent.transfer.quick_put import QuickPut
from migrate_agent.transfer.results import EngineSettings
from migrate_agent.transfer.sizing import Sizes
from migrate_agent.transfer.source import system_path
from migrate_agent.transfer.target_blob import marker_of
from migrate_agent.transfer.tier import SERVICE_NAMES, tier_at_commit
from migrate_agent.transfer.uploader import Memory, SourceRules, Uploader
from migrate_agent.transfer.work_queue import Grouping, WorkQueue
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.jobs import JobSpec, SymlinkPolicy, WaitReason

_QUEUED_FILES = 4096
_IDLE, _NONE = reason_index(WaitReason.IDLE), reason_index(WaitReason.NONE)


@dataclass(frozen=True, slots=True)
class Means:
    """What a crew needs of its process: access, time, chance, and who hears of repeated requests."""

    access: GrantSource
    network: Network
    pace: BucketPace | LeasePace
    meter: Meter
    stop: StopSignal
    check: ContentCheck
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    chance: Callable[[], float]
    on_retry: Callable[[], None]


class CrewParts:
    """What the workers of one process share."""

    def __init__(self, spec: JobSpec, settings: EngineSettings, means: Means, *, sizes: Sizes, memory_bytes: int):
        """`memory_bytes`: content that this process may hold at once."""
        self._root = spec.folder.path
        self.device: int | None = None
        """Of the source's file system; None until the first look."""
        self.meter, self.stop, self.sizes = means.meter, means.stop, sizes
        self.queue: WorkQueue[FileTask] = WorkQueue(_QUEUED_FILES, memory_bytes, means.stop)
        self.pool = ConnectionPool(means.network, monotonic=means.monotonic)
        self.connectivity = Connectivity(
            means.stop,
            means.meter,
            probe_seconds=settings.probe_seconds,
            give_up_after_seconds=settings.give_up_after_seconds,
            clock=means.clock,
            monotonic=means.monotonic,
        )
        rules = RetryRules(
            settings.max_tries,
            settings.backoff_first_seconds,
            settings.backoff_ceiling_seconds,
            settings.access_patience_seconds,
            means.chance,
        )
        self._means, self._rules = means, rules
        self.courier = self.courier_with(means.access)
        self.finisher = Finisher(spec, self.courier)
        tier = tier_at_commit(spec.transfer.access_tier)
        follow = spec.transfer.symlinks is SymlinkPolicy.FOLLOW
        marker = marker_of(spec.job_id, spec.attempt)
        uploader = Uploader(
            SourceRules(
                self._root,
                follow_links=follow,
                racy_seconds=settings.racy_seconds,
                posix_properties=spec.transfer.posix_properties,
            ),
            self.courier,
            Committer(self.courier),
            Memory(self.queue.hold, self.queue.release, self.queue.put_block, self.queue.help_until),
            pace=means.pace,
            meter=means.meter,
            stop=means.stop,
            marker=marker,
            sizes=sizes,
            check=means.check,
            access_tier=SERVICE_NAMES[tier] if tier else None,
        )
        self.quick = self._quick(spec, settings, marker, SERVICE_NAMES[tier] if tier else None)
        self.prefix = spec.blob.prefix
        self.copy = FileCopy(
            spec, marker, uploader, self.courier, check_source=self.check_source, finisher=self.finisher
        )

    def _quick(self, spec: JobSpec, settings: EngineSettings, marker: str, tier: str | None) -> QuickPut | None:
        """The quick way, where files can go it."""
        root, means = system_path(self._root, ""), self._means
        if not isinstance(root, bytes) or spec.transfer.posix_properties:
            return None
        return QuickPut(
            root.rstrip(b"/") + b"/",
            self.pool,
            means.access,
            means.meter,
            marker=marker,
            access_tier=tier,
            racy_ns=int(settings.racy_seconds * 1e9),
            may_pass=lambda: means.pace.free and self.connectivity.outage is None and not means.stop.cancelled,
        )

    def courier_with(self, access: GrantSource) -> Courier:
        """Result: a courier that brings another grant (the mirror's)."""
        means = self._means
        return Courier(
            BlobClient(self.pool),
            access,
            self.connectivity,
            means.meter,
            means.stop,
            self._rules,
            on_retry=means.on_retry,
            monotonic=means.monotonic,
        )

    def check_source(self) -> None:
        """Raises Fatal if the source folder is not there (any more), or another disk lies in its place."""
        try:
            device = os.stat(system_path(self._root, "")).st_dev  # noqa: PTH116 - may be bytes
        except OSError as error:
            words = error.strerror or type(error).__name__
            raise Fatal(ErrorCode.SOURCE_NOT_FOUND, f"{self._root} went away during the copy: {words}") from error
        if self.device is None:
            self.device = device
        if device != self.device:
            raise Fatal(ErrorCode.SOURCE_NOT_FOUND, f"{self._root} was unmounted during the copy")

    def abort(self) -> None:
        """Cuts every request off."""
        self.pool.abort()
        self.queue.wake()

    def close(self) -> None:
        """Closes what is kept open."""
        self.pool.close()


class Crew:
    """The threads. `put`, `drain` and `set_workers` are called by one thread."""

    def __init__(
        self,
        parts: CrewParts,
        *,
        on_verdict: Callable[[FileTask, Verdict], None],
        on_fatal: Callable[[Fatal], None],
        on_begin: Callable[[], None] = lambda: None,
        on_left: Callable[[FileTask], None] = lambda _: None,
        on_commits: Callable[[Sequence[Commit]], None],
    ) -> None:
        """`on_begin`: a file is taken up. `on_left`: a stop came before its verdict; it stays pending.

        `on_commits`: of files that need nothing more before they are read back, in place of `on_verdict`.
        """
        self._parts = parts
        self._convoy: Convoy | None = None
        if parts.quick is not None:
            events = ConvoyEvents(on_begin, on_commits, on_left, on_fatal)
            convoy = self._convoy = Convoy(parts.quick, parts.queue, parts.copy, parts.prefix, events)
            parts.queue.group(Grouping(is_quick, lambda: convoy.shape(max(self._wanted, 1))))
        self._on_verdict, self._on_fatal = on_verdict, on_fatal
        self._on_begin, self._on_left = on_begin, on_left
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._wanted = self._alive = self._named = 0
        self._closed = False

    @property
    def parts(self) -> CrewParts:
        """Result: what the workers share."""
        return self._parts

    def set_workers(self, wanted: int) -> None:
        """So many threads from now on; those that are too many end after the piece of work that they are at."""
        with self._lock:
            if self._closed:
                return
            self._wanted = wanted
            self._parts.queue.set_most_working(wanted)
            # Half of them, so that one thread reads while another one waits for its answers.
            missing = wanted - self._alive
            for _ in range(missing):
                self._alive += 1
                self._named += 1
                thread = threading.Thread(target=self._work, name=f"upload-{self._named}", daemon=True)
                self._threads = [known for known in self._threads if known.is_alive()]
                self._threads.append(thread)
                thread.start()
        if missing < 0:
            self._parts.queue.wake()

    def _surplus(self) -> bool:
        if self._alive <= self._wanted:
            return False
        with self._lock:
            if self._alive <= self._wanted:
                return False
            self._alive -= 1
            return True

    def _work(self) -> None:
        queue, switch = self._parts.queue, self._parts.meter.switch
        try:
            while True:
                switch(_IDLE)
                work = queue.take(self._surplus)
                switch(_NONE)
                if work is None:
                    return
                if not isinstance(work, list):
                    work()
                elif self._convoy is not None and is_quick(work[0]):
                    self._convoy.run(work)
                else:
                    self._copy(work[0])
        finally:
            switch(_NONE)

    def _copy(self, task: FileTask) -> None:
        try:
            self._on_begin()
            self._on_verdict(task, self._parts.copy.work(task))
        except StopRequested:
            self._on_left(task)
        except Fatal as error:
            self._on_left(task)
            self._on_fatal(error)
        finally:
            self._parts.queue.files_done()

    def put(self, task: FileTask) -> None:
        """Adds a file; waits while there are enough. Raises StopRequested."""
        self._parts.queue.put_file(task)

    def put_all(self, tasks: Sequence[FileTask]) -> None:
        """Adds files without waiting."""
        self._parts.queue.put_files(tasks)

    def drain(self) -> None:
        """Waits until every file that was put has its verdict. Raises StopRequested."""
        self._parts.queue.drain()

    def close(self) -> None:
        """Ends the threads and waits for them; files that nobody has begun stay pending."""
        with self._lock:
            self._closed = True
            threads = self._threads
        self._parts.queue.close()
        for thread in threads:
            thread.join()
