"""The engine's parts for one job, put together in one place."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from datetime import datetime

from migrate_agent.network import Network
from migrate_agent.stop import StopSignal
from migrate_agent.store.job_journal import JobJournal
from migrate_agent.transfer.access import GrantSource
from migrate_agent.transfer.blob_http import BlobClient
from migrate_agent.transfer.committer import Committer
from migrate_agent.transfer.concurrency import Concurrency
from migrate_agent.transfer.connectivity import Connectivity
from migrate_agent.transfer.courier import Courier, RetryRules
from migrate_agent.transfer.file_copy import FileCopy, FileTask
from migrate_agent.transfer.keeper import JournalKeeper
from migrate_agent.transfer.meter import Meter
from migrate_agent.transfer.pacing import SLICE_BYTES, TokenBucket
from migrate_agent.transfer.passes import ReadBack
from migrate_agent.transfer.pool import ConnectionPool
from migrate_agent.transfer.progress import Rates, WaitTeller
from migrate_agent.transfer.results import EngineSettings
from migrate_agent.transfer.scanner import Scanner, open_source
from migrate_agent.transfer.source import system_path
from migrate_agent.transfer.target import TargetIndex
from migrate_agent.transfer.target_blob import marker_of
from migrate_agent.transfer.uploader import Memory, SourceRules, Uploader
from migrate_agent.transfer.work_queue import WorkQueue
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.jobs import JobSpec, SymlinkPolicy, WaitReason
from migrate_contract.schedule import bytes_per_second

_UNLIMITED_SLICE_BYTES = 256 * 1024


class UploadPace:
    """Charges each slice to the job's bucket, counts it, and cuts cancelled requests off between slices."""

    def __init__(self, bucket: TokenBucket, meter: Meter, stop: StopSignal) -> None:
        self._bucket, self._meter, self._stop = bucket, meter, stop

    @property
    def slice_bytes(self) -> int:
        """Result: small under a limit, so that the average is smooth."""
        return SLICE_BYTES if self._bucket.limited else _UNLIMITED_SLICE_BYTES

    def before_sending(self, size_bytes: int) -> None:
        """Waits until `size_bytes` may be sent. Raises StopRequested after a cancel."""
        if self._stop.cancelled:
            self._stop.raise_if_requested()
        if self._bucket.limited:
            with self._meter.during(WaitReason.THROTTLE):
                self._bucket.take(size_bytes)
        self._meter.sent(size_bytes)


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
    ) -> None:
        transfer, prefix = spec.transfer, spec.destination.prefix
        self.spec = spec
        self._root = spec.source.path
        self._device: int | None = None
        self.meter = Meter(monotonic=monotonic)
        self.keeper = JournalKeeper(journal, stop, self.meter)
        limit = transfer.bandwidth_limit_mbps
        self.bucket = TokenBucket(
            bytes_per_second(limit) if limit else None,
            monotonic=monotonic,
            wait=until_cancelled(stop),
        )
        self._pace = UploadPace(self.bucket, self.meter, stop)
        self.concurrency = Concurrency(transfer.concurrency)
        self.queue: WorkQueue[FileTask] = WorkQueue(self.concurrency.workers * 4, settings.memory_limit_bytes, stop)
        self._pool = ConnectionPool(network, monotonic=monotonic)
        self.connectivity = Connectivity(
            stop,
            self.meter,
            probe_seconds=settings.probe_seconds,
            give_up_after_seconds=settings.give_up_after_seconds,
            clock=clock,
            monotonic=monotonic,
        )
        rules = RetryRules(
            settings.max_tries,
            settings.backoff_first_seconds,
            settings.backoff_ceiling_seconds,
            settings.access_patience_seconds,
            chance,
        )
        self.courier = Courier(
            BlobClient(self._pool), access, self.connectivity, self.meter, stop, rules, on_retry=journal.count_retry
        )
        follow = transfer.symlinks is SymlinkPolicy.FOLLOW
        marker = marker_of(spec.job_id, spec.attempt)
        chunk_bytes = transfer.chunk_size_mib << 20
        uploader = Uploader(
            SourceRules(self._root, follow, settings.racy_seconds),
            self.courier,
            Committer(self.courier),
            Memory(self.queue.hold, self.queue.release, self.queue.put_block, self.queue.help_until),
            pace=self._pace,
            meter=self.meter,
            stop=stop,
            marker=marker,
            chunk_bytes=chunk_bytes,
            single_put_max_bytes=min(settings.single_put_max_bytes or chunk_bytes, chunk_bytes),
        )
        self.copy = FileCopy(spec, marker, uploader, self.courier, check_source=self.check_source)
        self.scanner = Scanner(
            self._root, prefix=prefix, filters=spec.filters, symlinks=transfer.symlinks, wait=stop.wait
        )
        self.read_back = ReadBack(
            journal,
            self.courier,
            self.keeper.persist,
            prefix=prefix,
            page_size=settings.list_page_size,
            head_limit=settings.head_verify_limit,
        )
        self.rates = Rates(monotonic=monotonic)
        self.teller = WaitTeller(self.meter, self.connectivity, clock=clock)

    def check_source(self) -> None:
        """Raises Fatal if the source folder is not there (any more), or another disk lies in its place."""
        if self._device is None:
            self._device = open_source(self._root).st_dev
            return
        try:
            device = os.stat(system_path(self._root, "")).st_dev  # noqa: PTH116 - may be bytes
        except OSError as error:
            words = error.strerror or type(error).__name__
            raise Fatal(ErrorCode.SOURCE_NOT_FOUND, f"{self._root} went away during the copy: {words}") from error
        if device != self._device:
            raise Fatal(ErrorCode.SOURCE_NOT_FOUND, f"{self._root} was unmounted during the copy")

    @contextlib.contextmanager
    def open_index(self) -> Iterator[TargetIndex]:
        """What the destination holds now."""
        index = TargetIndex()
        try:
            index.load(self.read_back.list_pages())
            yield index
        finally:
            index.close()

    def abort(self) -> None:
        """Cuts every request off."""
        self._pool.abort()
        self.queue.wake()

    def close(self) -> None:
        """Closes what is kept open."""
        self._pool.close()
