"""The last steps of a verified file, before its verdict is final: its access tier, and a last look at its source.

Both come after the verification that the job asks for, whichever level that is. A tier that is refused fails the file
with a code of its own: the copy is right, but not where it should be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from migrate_agent.store.entries import Entry, FileState, Verdict
from migrate_agent.transfer import outcomes
from migrate_agent.transfer.courier import Courier, Tries
from migrate_agent.transfer.names import blob_name
from migrate_agent.transfer.source import stat_file
from migrate_agent.transfer.tier import SERVICE_NAMES, tier_after
from migrate_contract.errors import ErrorCode, Fatal, MigrateError, SkipRecord
from migrate_contract.jobs import AccessTier, Bucket, JobSpec, JobType, SymlinkPolicy, Verification, WaitReason

_VERIFIED = (Verification.STORED, Verification.READBACK)
_AT_ONCE = 16


class Finisher:
    """Shared by all workers of a job."""

    def __init__(self, spec: JobSpec, courier: Courier) -> None:
        self._spec, self._courier = spec, courier
        self._looks_back = spec.type is JobType.ARCHIVE

    @property
    def active(self) -> bool:
        """Result: whether verified files need anything more."""
        return self._looks_back or self._spec.transfer.access_tier is not None

    def finish(self, entry: Entry, verdict: Verdict, tries: Tries) -> Verdict:
        """Result: the verdict with what was done; one that is not of a verified copy as it is.

        Raises StopRequested, SkipRecord(tier-not-set), and what the courier raises.
        """
        held = verdict.bucket in (Bucket.TRANSFERRED, Bucket.UNCHANGED)
        if not self.active or verdict.state is not FileState.FINAL or not held:
            return verdict
        tier = tier_after(self._spec.transfer.access_tier, verdict.access_tier)
        if tier is not None:
            self._set(entry, tier, tries)
            verdict = verdict._replace(access_tier=tier)
        safe = self._looks_back and verdict.verification in _VERIFIED and self._is_unchanged(entry, verdict)
        return verdict._replace(safe_to_delete=safe)

    def finish_all(
        self, verified: Sequence[tuple[Entry, Verdict]], *, last_pass: bool
    ) -> Iterator[tuple[Entry, Verdict]]:
        """Yields each entry with its verdict, several worked on at once. Raises StopRequested, Fatal."""

        def one(found: tuple[Entry, Verdict]) -> tuple[Entry, Verdict]:
            entry, verdict = found
            tries = Tries()
            try:
                return entry, self.finish(entry, verdict, tries)
            except Fatal:
                raise
            except MigrateError as error:
                return entry, outcomes.failed_by(entry, error, tries=0, last_pass=last_pass)

        if not self.active or not verified:
            yield from verified
            return
        with ThreadPoolExecutor(min(_AT_ONCE, len(verified)), thread_name_prefix="finish") as pool:
            yield from pool.map(one, verified)

    def _set(self, entry: Entry, tier: AccessTier, tries: Tries) -> None:
        name = blob_name(self._spec.blob.prefix, entry.path)
        try:
            self._courier.send(
                lambda grant: self._courier.client.set_tier(grant, name, SERVICE_NAMES[tier]),
                tries,
                waiting=WaitReason.COMMIT,
            )
        except SkipRecord as refused:
            detail = f"the copy is verified, but the tier {tier.value} was refused: {refused.detail}"
            raise SkipRecord(ErrorCode.TIER_NOT_SET, detail) from refused

    def _is_unchanged(self, entry: Entry, verdict: Verdict) -> bool:
        """Result: whether the source still has the size and time that were copied."""
        follow = self._spec.transfer.symlinks is SymlinkPolicy.FOLLOW
        try:
            state = stat_file(self._spec.folder.path, entry.path, follow=follow)
        except SkipRecord:
            return False
        return (state.size_bytes, state.storable_mtime_ns) == (verdict.size_bytes, verdict.mtime_ns)
