"""The copy of one attempt: drives the stages, records what became of each file, and alone decides how it ends.

Threads: the caller's (plans and feeds), one for the scan, one that tends the journal and the stop, and the workforce
(transfer/workforce.py), which may be processes. A stage raises; here it is decided what that means: for one file a
verdict, for the job its end.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from migrate_agent.engine_results import EngineResult, Snapshot
from migrate_agent.network import Network
from migrate_agent.stop import StopKind, StopRequested, StopSignal
from migrate_agent.store.entries import Counters, Entry, FileState, Found
from migrate_agent.store.job_journal import JobJournal
from migrate_agent.transfer import outcomes
from migrate_agent.transfer.access import GrantSource
from migrate_agent.transfer.dry_run import HeldFiles, dry_run
from migrate_agent.transfer.file_copy import FileTask
from migrate_agent.transfer.names import blob_name
from migrate_agent.transfer.parts import Parts
from migrate_agent.transfer.passes import entries_in, pages_in, record_scan
from migrate_agent.transfer.planner import NEW_BLOB, Compare, Settled, Unchanged
from migrate_agent.transfer.results import DryRun, DryRunFile, EngineSettings
from migrate_agent.transfer.target import TargetIndex
from migrate_agent.transfer.target_blob import TargetBlob
from migrate_agent.transfer.workforce import Hears, Workforce
from migrate_contract.errors import ErrorCode, Fatal, MigrateError, Retryable, SkipRecord
from migrate_contract.jobs import JobFault, JobPhase, JobSpec, Outcome
from migrate_contract.schedule import LimitInForce, bytes_per_second
from migrate_contract.sync import MirrorMode

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.2


class CopyEngine:
    """One attempt's copy. `run` (or `dry_run`) is called once; the other methods from any thread at any time."""

    def __init__(
        self,
        spec: JobSpec,
        journal: JobJournal,
        access: GrantSource,
        stop: StopSignal,
        *,
        network: Network,
        approved: bool = False,
        settings: EngineSettings | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
        on_phase: Callable[[], None] = lambda: None,
        mirror_access: GrantSource | None = None,
        failed_paths: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        """`approved`: `hold_after_scan` was answered already. `on_phase` is called after each change of phase.

        `mirror_access` gives the mirror's own grant. `failed_paths` names the files of a retry (`spec.failed_of`) where
        the journal does not know them; it may take as long as it likes, and raises StopRequested.

        The journal stays open: whoever opened it closes it.
        """
        self._spec, self._journal = spec, journal
        self._settings = settings or EngineSettings()
        self._asked = stop
        self._halt = stop.child()
        """Also given by a failure inside, and at the end of a stop's grace."""
        self._monotonic = monotonic
        self._on_phase = on_phase
        self._approved = threading.Event()
        if approved or spec.approved or not spec.hold_after_scan:
            self._approved.set()
        before = journal.counters().files
        """What an earlier process of this attempt has done."""
        self._resumed = before.scanned > 0
        went_on = before.transferred > 0 or (journal.scan_complete and self._approved.is_set())
        self._phase = JobPhase.RUNNING if went_on else JobPhase.SCANNING
        self._failure: MigrateError | None = None
        self._scanning = False
        self._scanned = threading.Condition()
        self._ended = threading.Event()
        self._parts = Parts(
            spec,
            journal,
            access,
            self._halt,
            network,
            self._settings,
            clock=clock,
            monotonic=monotonic,
            chance=chance,
            mirror_access=mirror_access,
        )
        self._failed_paths = failed_paths
        self._keeper = self._parts.keeper
        self._workforce: Workforce | None = None
        self._index: TargetIndex | None = None
        self._indexed = threading.Event()
        """The index is there: what the scan meets can be compared at once."""
        if self._parts.reduced:
            log.info("%s", self._parts.reduced, extra={"job_id": spec.job_id})

    def run(self) -> EngineResult:
        """Result: how the attempt ended. Raises nothing of the catalogue: a Fatal becomes phase `failed`."""
        tending = threading.Thread(target=self._tend, name="journal", daemon=True)
        tending.start()
        try:
            self._copy()
            counters = self._journal.counters()
            outcome = Outcome.COMPLETE_WITH_FAILURES if counters.files.failed else Outcome.COMPLETE
            result = EngineResult(JobPhase.COMPLETED, outcome)
        except StopRequested:
            result = self._stopped()
        except MigrateError as error:
            result = self._failed(error)
        except Exception as error:
            log.exception("the copy ended by a fault of the agent", extra={"job_id": self._spec.job_id})
            result = self._failed(Fatal(ErrorCode.INTERNAL, f"{type(error).__name__} in the agent; see its log"))
        finally:
            self._ended.set()
            tending.join()
            self._parts.close()
        self._set_phase(result.phase)
        return result

    def dry_run(self, *, excluded: Callable[[DryRunFile], None] | None = None) -> DryRun:
        """Result: what `run` would do; nothing is written to the destination. Raises Fatal, StopRequested.

        `excluded` hears of every file that is left out.
        """
        try:
            self._scan_into_journal()
            return dry_run(self._journal, self._parts, excluded=excluded)
        finally:
            self._parts.close()

    def approve(self) -> None:
        """Goes on after `hold_after_scan`; remembered if the scan is not complete yet."""
        self._approved.set()

    def set_limit(self, limit: LimitInForce | None) -> None:
        """Payload is sent no faster from now on; None: as fast as it goes, 0 Mbps: not at all, and no file fails."""
        self._parts.limit_in_force = self._parts.teller.limit = limit
        self._parts.limit(None if limit is None else bytes_per_second(limit.mbps))

    def snapshot(self) -> Snapshot:
        """Result: how far it is; takes no lock for long and never fails."""
        counters, parts, phase = self._journal.counters(), self._parts, self._phase
        complete = self._journal.scan_complete
        speed = parts.meter.speed() if not self._ended.is_set() else 0.0
        plan = parts.plan()
        advice = parts.adviser.advice(
            phase,
            counters,
            scan_complete=complete,
            speed_bytes_per_second=speed,
            limit=parts.limit_in_force,
            concurrency=plan.workers,
            block_bytes=plan.block_bytes,
            round_trip_seconds=parts.meter.shortest_answer_seconds,
        )
        return Snapshot(
            phase=phase,
            scan_complete=complete,
            files=counters.files,
            bytes=counters.bytes,
            verified_files=counters.verified_files,
            retries=counters.retries,
            speed_bytes_per_second=speed,
            average_bytes_per_second=parts.adviser.average_bytes_per_second(),
            staged_bytes=parts.meter.staged_bytes,
            limit=parts.limit_in_force,
            concurrency=plan.workers,
            advice=advice or parts.reduced,
            eta_seconds=parts.rates.eta_seconds(counters, parts.meter.staged_bytes, speed) if complete else None,
            waiting=parts.teller.now(phase, self._keeper.disk_full, service_busy=parts.adviser.service_is_busy()),
            recent_faults=self._journal.recent_faults(),
            waited_seconds={reason.value: spent for reason, spent in parts.meter.seconds().items() if spent},
        )

    # The caller's thread

    def _copy(self) -> None:
        self._parts.open_source()
        # Where somebody is to approve first, there is no index before the scan is complete.
        settle = self._settle if self._approved.is_set() and not self._parts.crew.finisher.active else None
        scan = threading.Thread(target=self._scan, args=(settle,), name="scan", daemon=True)
        if not self._journal.scan_complete:
            self._scanning = True
            scan.start()
        try:
            if not self._approved.is_set():
                self._wait_for_approval()
            # Processes start while the destination is listed.
            workforce = self._hire()
            try:
                with self._parts.open_index() as index:
                    self._index = index
                    self._indexed.set()
                    self._passes(index, workforce)
            finally:
                # Also where there is none after all: the scan must not wait for it.
                self._indexed.set()
                if self._halt.kind is not None:
                    workforce.tell_stop(self._halt.kind)
                workforce.close()
            self._raise_failure()
            if self._parts.mirror is not None:
                self._parts.mirror.run()
        finally:
            if scan.is_alive():
                scan.join()
        self._raise_failure()
        self._keeper.persist(self._journal.flush)

    def _wait_for_approval(self) -> None:
        """What needs no bytes is settled before: who approves sees what would fail, and what would be sent."""
        while self._scanning:
            self._wait_for_scan()
        self._raise_failure()
        held = HeldFiles(self._parts)
        with self._parts.open_index() as index:
            for entry in entries_in(self._journal, FileState.PENDING):
                self._halt.raise_if_requested()
                target = index.get(blob_name(self._spec.blob.prefix, entry.path))
                if (task := self._plan(entry, target, last_pass=False)) is not None:
                    held.look_at(entry, compared=isinstance(task.decision, Compare))
        self._keeper.persist(self._journal.flush)
        preflight = held.report(self._journal)
        self._keeper.persist(lambda: self._journal.keep_preflight(preflight))
        if self._parts.mirror is not None and self._spec.mirror and self._spec.mirror.mode is MirrorMode.PREVIEW:
            self._parts.mirror.run()
        self._set_phase(JobPhase.READY)
        while not self._approved.is_set():
            if self._halt.wait(_LOOK_SECONDS):
                self._halt.raise_if_requested()

    def _hire(self) -> Workforce:
        """Waits a moment for the scan to show how much there is to do."""
        began = self._monotonic()
        settings, pending = self._settings, self._journal.counters()
        while self._scanning and settings.lanes is None and not self._is_many(pending):
            if self._monotonic() - began >= _LOOK_SECONDS * 2:
                break
            self._wait_for_scan()
            pending = self._journal.counters()
        hears = Hears(
            verdict=lambda task, verdict: self._keeper.record(task.entry.file_id, verdict),
            committed=self._keeper.record_commits,
            retried=self._journal.count_retries,
            fatal=self._fail,
            begun=lambda: self._set_phase(JobPhase.RUNNING),
        )
        self._workforce = self._parts.hire(hears, many=self._scanning or self._is_many(pending))
        return self._workforce

    def _is_many(self, found: Counters) -> bool:
        return found.files.pending >= self._settings.many_files or found.bytes.pending >= self._settings.many_bytes

    def _passes(self, index: TargetIndex, workforce: Workforce) -> None:
        last = self._settings.retry_passes
        for number in range(last + 1):
            if number:
                if not self._journal.count(FileState.RETRY):
                    break
                delays = self._settings.pass_delays_seconds
                if delays and self._halt.wait(delays[min(number, len(delays)) - 1]):
                    self._halt.raise_if_requested()
            self._feed(index, workforce, FileState.RETRY if number else FileState.PENDING, last_pass=number == last)
            workforce.drain()
            self._raise_failure()
            self._keeper.persist(self._journal.flush)
            self._set_phase(JobPhase.RUNNING)
            self._parts.read_back.run(last_pass=number == last)

    def _feed(self, index: TargetIndex, workforce: Workforce, state: FileState, *, last_pass: bool) -> None:
        for page in pages_in(self._journal, state, lambda: self._scanning, self._wait_for_scan):
            self._halt.raise_if_requested()
            if state is FileState.RETRY:
                tasks = [FileTask(entry, None, last_pass) for entry in page]
            elif not len(index) and not self._resumed:
                # Nothing is there: the planner's answer is the same for every file.
                tasks = [FileTask(entry, NEW_BLOB, last_pass) for entry in page]
            else:
                tasks = self._plan_all(page, index, last_pass=last_pass)
            workforce.put_all(tasks)

    def _plan_all(self, page: list[Entry], index: TargetIndex, *, last_pass: bool) -> list[FileTask]:
        prefix = self._spec.blob.prefix
        targets = index.get_all([blob_name(prefix, entry.path) for entry in page])
        tasks = [self._plan(entry, target, last_pass=last_pass) for entry, target in zip(page, targets, strict=True)]
        return [task for task in tasks if task is not None]

    def _plan(self, entry: Entry, target: TargetBlob | None, *, last_pass: bool) -> FileTask | None:
        """Result: work for the uploader, or None where the first look gave the verdict already."""
        copy, known_bytes = self._parts.copy, entry.size_bytes
        try:
            if self._resumed:
                entry = copy.refreshed(entry)
                if entry.size_bytes != known_bytes:
                    # The journal still has the other size: the worker's own look brings a verdict with both.
                    return FileTask(entry, None, last_pass)
        except SkipRecord as error:
            self._keeper.record(entry.file_id, copy.fault(entry, error, 0, last_pass=last_pass))
            return None
        decision = copy.decide(entry, target)
        if isinstance(decision, Settled):
            self._keeper.record(entry.file_id, outcomes.settled(entry, decision))
        elif isinstance(decision, Unchanged) and not self._parts.crew.finisher.active:
            self._keeper.record(entry.file_id, outcomes.unchanged(entry, decision.md5))
        else:
            return FileTask(entry, decision, last_pass)
        return None

    def _wait_for_scan(self) -> None:
        with self._scanned:
            if self._scanning:
                self._scanned.wait(_LOOK_SECONDS)
        self._halt.raise_if_requested()

    # Other threads

    def _scan(self, settle: Callable[[list[Found]], list[Found]] | None) -> None:
        try:
            self._scan_into_journal(settle)
        except StopRequested:
            return
        except MigrateError as error:
            self._fail(error)
        except Exception as error:
            log.exception("the scan ended by a fault of the agent", extra={"job_id": self._spec.job_id})
            self._fail(Fatal(ErrorCode.INTERNAL, f"{type(error).__name__} in the scan; see the agent's log"))
        finally:
            with self._scanned:
                self._scanning = False
                self._scanned.notify_all()

    def _scan_into_journal(self, settle: Callable[[list[Found]], list[Found]] | None = None) -> None:
        parts = self._parts
        record_scan(
            parts.scanner.walk() if self._spec.failed_of is None else parts.scanner.walk_only(self._wanted()),
            self._journal,
            self._keeper.persist,
            stop=self._halt,
            check=parts.open_source,
            found=self._announce_found,
            **({"settle": settle} if settle is not None else {}),
        )

    def _settle(self, batch: list[Found]) -> list[Found]:
        """The same files, with the verdict where the destination holds them already.

        Waits for the index, but not before there are so many files that lanes are worth their start.
        """
        if not self._indexed.is_set() and not self._is_many(self._journal.counters()):
            return batch
        while not self._indexed.wait(_LOOK_SECONDS):
            self._halt.raise_if_requested()
        index, copy = self._index, self._parts.copy
        if index is None or not len(index):
            return batch
        prefix = self._spec.blob.prefix
        targets = index.get_all([blob_name(prefix, found.path) for found in batch])
        settled: list[Found] = []
        for found, target in zip(batch, targets, strict=True):
            if target is not None and found.verdict is None:
                entry = Entry(0, found.path, found.size_bytes, found.mtime_ns, FileState.PENDING)
                decision = copy.decide(entry, target)
                if isinstance(decision, Unchanged):
                    settled.append(found._replace(verdict=outcomes.unchanged(entry, decision.md5)))
                    continue
                if isinstance(decision, Settled):
                    settled.append(found._replace(verdict=outcomes.settled(entry, decision)))
                    continue
            settled.append(found)
        return settled

    def _wanted(self) -> Iterable[str]:
        """Result: the paths that a retry of failed files is about; asked for once, then in the journal."""
        beside = self._journal.beside
        if beside.wanted() is None:
            paths = list(self._failed_paths())
            self._keeper.persist(lambda: beside.want(paths))
        return beside.wanted() or ()

    def _announce_found(self) -> None:
        with self._scanned:
            self._scanned.notify_all()

    def _tend(self) -> None:
        """Writes verdicts in batches, keeps the rates, and cuts requests off when a stop's grace is over."""
        deadline: float | None = None
        while not self._ended.wait(self._settings.flush_seconds):
            self._flush()
            self._sample()
            self._parts.observe(self._monotonic())
            if self._halt.kind is not None and self._workforce is not None:
                self._workforce.tell_stop(self._halt.kind)
            if self._halt.requested and deadline is None:
                deadline = self._monotonic() + self._settings.stop_grace_seconds
                self._parts.crew.queue.wake()
            if deadline is not None and (self._halt.cancelled or self._monotonic() >= deadline):
                self._halt.request(StopKind.CANCEL)
                self._parts.abort()
        self._flush()

    def _sample(self) -> None:
        counters, parts = self._journal.counters(), self._parts
        parts.rates.sample(counters)
        parts.adviser.sample(
            parts.meter.seconds(),
            sent_bytes=parts.meter.sent_bytes,
            retries=counters.retries,
            busy_answers=parts.meter.busy_answers,
        )

    def _flush(self) -> None:
        try:
            self._keeper.flush()
        except MigrateError as error:
            self._fail(error)

    # Ends

    def _set_phase(self, phase: JobPhase) -> None:
        if self._phase is not phase:
            self._phase = phase
            try:
                self._on_phase()
            except Retryable as error:
                # The listener cannot write it down now; the next report carries it.
                log.warning("the change to %s was not noted: %s", phase.value, error.detail)

    def _fail(self, error: MigrateError) -> None:
        """The job ends by `error`; the first one counts."""
        if self._failure is None:
            self._failure = error
        self._halt.request(StopKind.CANCEL)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _failed(self, error: MigrateError) -> EngineResult:
        log.error("the copy failed: %s: %s", error.title, error.detail, extra={"job_id": self._spec.job_id})
        return EngineResult(JobPhase.FAILED, fault=JobFault(code=error.code.value, detail=error.detail[:2000]))

    def _stopped(self) -> EngineResult:
        if self._failure is not None:
            return self._failed(self._failure)
        if self._asked.kind is StopKind.CANCEL:
            return EngineResult(JobPhase.CANCELLED)
        if self._asked.kind is StopKind.PAUSE:
            return EngineResult(JobPhase.PAUSED)
        return EngineResult(self._phase, stopped=True)
