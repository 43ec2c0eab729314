"""Takes one file from its decision to its verdict. Runs on the workers; raises nothing about the file itself."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import NamedTuple

from migrate_agent.stop import StopRequested
from migrate_agent.store.entries import Entry, Stored, Verdict
from migrate_agent.transfer import outcomes
from migrate_agent.transfer.blob_http import Condition
from migrate_agent.transfer.courier import Courier, Tries
from migrate_agent.transfer.finishing import Finisher
from migrate_agent.transfer.names import blob_name
from migrate_agent.transfer.planner import Compare, Decision, Recognised, Settled, Unchanged, Upload, decide
from migrate_agent.transfer.quick_put import QuickCopy, Refused
from migrate_agent.transfer.source import FileStat
from migrate_agent.transfer.source_folder import stat_entry
from migrate_agent.transfer.target_blob import TargetBlob
from migrate_agent.transfer.tier import tier_at_commit, tier_named
from migrate_agent.transfer.uploader import Uploader
from migrate_agent.transfer.verify import hash_of, in_sample
from migrate_contract.errors import ErrorCode, Fatal, MigrateError, Retryable, SkipRecord
from migrate_contract.jobs import AccessTier, JobSpec, SymlinkPolicy, Verification, WaitReason

log = logging.getLogger(__name__)
_SOURCE_GONE = (ErrorCode.SOURCE_VANISHED, ErrorCode.SOURCE_READ_FAILED)


class FileTask(NamedTuple):
    """One file for a worker. Without a decision, the worker looks at source and destination itself."""

    entry: Entry
    decision: Decision | None
    last_pass: bool
    quick: QuickCopy | Refused | None = None
    """What came of the quick way (transfer/quick_put.py), where it was gone."""
    general: bool = False
    """The quick way is not for it (any more)."""


class FileCopy:
    """Shared by all workers of a job."""

    def __init__(
        self,
        spec: JobSpec,
        marker: str,
        uploader: Uploader,
        courier: Courier,
        *,
        check_source: Callable[[], None],
        finisher: Finisher,
    ) -> None:
        """`check_source` raises Fatal(source-not-found) if the whole source went away."""
        self._spec, self._marker = spec, marker
        self._uploader, self._courier = uploader, courier
        self._check_source, self._finisher = check_source, finisher
        self._follow = spec.transfer.symlinks is SymlinkPolicy.FOLLOW
        self._level, self._readback_percent = spec.transfer.verification, spec.transfer.readback_percent

    def refreshed(self, entry: Entry) -> Entry:
        """Result: the entry with the file's present size and time. Raises SkipRecord(source-...)."""
        state = stat_entry(self._spec.folder.path, entry.path, follow=self._follow)
        return entry._replace(size_bytes=state.size_bytes, mtime_ns=state.storable_mtime_ns)

    def decide(self, entry: Entry, target: TargetBlob | None) -> Decision:
        """Result: the planner's decision. A copy that was found wrong is sent again over our own blob."""
        if entry.code is ErrorCode.VERIFY_MISMATCH and target is not None and target.marker == self._marker:
            return Upload(Condition(target.etag))
        return decide(
            entry.size_bytes,
            entry.mtime_ns,
            target,
            rule=self._spec.transfer.overwrite,
            marker=self._marker,
            folder=entry.path.endswith("/"),
            by_hash=self._spec.final,
        )

    @property
    def ends_with_commit(self) -> bool:
        """Result: whether a file that is committed needs nothing more before it is read back."""
        return self._level is Verification.STORED and not self._finisher.active

    def work(self, task: FileTask) -> Verdict:
        """Result: the verdict. Raises StopRequested and Fatal only."""
        tries = Tries()
        try:
            try:
                return self._finisher.finish(task.entry, self._work(task, tries), tries)
            except Fatal:
                raise
            except MigrateError as error:
                return self.fault(task.entry, error, tries.total, last_pass=task.last_pass)
        except (StopRequested, Fatal):
            raise
        except Exception as error:
            # One file that trips over a bug of ours must not keep a million others from being copied.
            log.exception("a file could not be handled", extra={"job_id": self._spec.job_id})
            detail = f"{type(error).__name__} in the agent; its log has the details"
            return outcomes.failed(task.entry, ErrorCode.INTERNAL, detail, tries=tries.total, last_pass=task.last_pass)

    def fault(self, entry: Entry, error: MigrateError, tries: int, *, last_pass: bool) -> Verdict:
        """Result: the verdict of a failed file. Raises Fatal if it failed because the whole source went away."""
        if error.code in _SOURCE_GONE:
            self._check_source()
        return outcomes.failed_by(entry, error, tries=tries, last_pass=last_pass)

    def _work(self, task: FileTask, tries: Tries) -> Verdict:
        entry, decision = task.entry, task.decision
        name = blob_name(self._spec.blob.prefix, entry.path)
        if isinstance(task.quick, QuickCopy):
            mtime_ns, etag, md5_text = task.quick
            state = FileStat(entry.size_bytes, mtime_ns, changed_ns=0, device=0, inode=0)
            tier = tier_at_commit(self._spec.transfer.access_tier)
            return self._committed(entry.path, name, state, Stored(etag, md5_text), tries, tier)
        if decision is None:
            entry = self.refreshed(entry)
            target = self._courier.send(
                lambda grant: self._courier.client.head(grant, name), tries, waiting=WaitReason.NETWORK
            )
            decision = self.decide(entry, target)
        if isinstance(decision, Compare):
            state, md5 = self._uploader.hash(entry)
            if md5.hex() == decision.md5 and state.size_bytes == entry.size_bytes:
                return outcomes.unchanged(entry._replace(mtime_ns=state.storable_mtime_ns), decision.md5, decision.tier)
            if (state.size_bytes, state.storable_mtime_ns) != (entry.size_bytes, entry.mtime_ns):
                raise SkipRecord(ErrorCode.SOURCE_CHANGED, "it was written to after the scan")
            decision = decision.otherwise
        if isinstance(decision, Settled):
            return outcomes.settled(entry, decision)
        if isinstance(decision, Unchanged):
            return outcomes.unchanged(entry, decision.md5, decision.tier)
        if isinstance(decision, Recognised):
            assert decision.blob.md5 is not None
            mtime_ns = entry.mtime_ns or 0
            state = FileStat(entry.size_bytes, mtime_ns, changed_ns=0, device=0, inode=0)
            stored = Stored(decision.blob.etag, decision.blob.md5)
            return self._committed(entry.path, name, state, stored, tries, tier_named(decision.blob.tier))
        return self._upload(entry, name, decision, tries, task.quick.error if task.quick is not None else None)

    def _upload(self, entry: Entry, name: str, decision: Upload, tries: Tries, first: MigrateError | None) -> Verdict:
        uploaded = self._uploader.upload(entry, name, decision.condition, tries, first)
        tier = tier_at_commit(self._spec.transfer.access_tier)
        return self._committed(entry.path, name, uploaded.state, uploaded.stored, tries, tier)

    def _committed(
        self, path: str, name: str, state: FileStat, stored: Stored, tries: Tries, tier: AccessTier | None
    ) -> Verdict:
        level = self._level
        if level is Verification.READBACK and not in_sample(path, self._readback_percent):
            level = Verification.STORED
        # An archived blob of this attempt was downloaded before it was archived, and cannot be now.
        if level is Verification.READBACK and tier is not AccessTier.ARCHIVE:
            found = self._courier.send(
                lambda grant: hash_of(lambda sink: self._courier.client.download(grant, name, stored.etag, sink)),
                tries,
                waiting=WaitReason.COMMIT,
            )
            if found != stored.md5:
                raise Retryable(
                    ErrorCode.VERIFY_MISMATCH, f"downloaded again its MD5 is {found}, {stored.md5} was sent"
                )
        return outcomes.committed(state, stored, level, tries=tries.total, tier=tier)
