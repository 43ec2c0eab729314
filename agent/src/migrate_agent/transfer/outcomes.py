"""Verdicts: what a decision, a commit or a fault means for one file. Pure."""

from __future__ import annotations

from migrate_agent.store.entries import Entry, FileState, Stored, Verdict
from migrate_agent.transfer.planner import Settled
from migrate_agent.transfer.source import FileStat
from migrate_agent.transfer.tier import tier_named
from migrate_contract.errors import CATALOGUE, ErrorCode, MigrateError
from migrate_contract.jobs import AccessTier, Bucket, Verification

_WORTH_ANOTHER_PASS = {ErrorCode.SOURCE_VANISHED}
"""Beside the codes that the catalogue calls retryable: programs replace files, which are away for a moment."""


def failed(entry: Entry, code: ErrorCode, detail: str, *, tries: int, last_pass: bool) -> Verdict:
    """Result: another try in a later pass, or the end in bucket failed."""
    again = not last_pass and (CATALOGUE[code].retryable or code in _WORTH_ANOTHER_PASS)
    return Verdict(
        FileState.RETRY if again else FileState.FINAL,
        Bucket.PENDING if again else Bucket.FAILED,
        entry.size_bytes,
        entry.mtime_ns,
        code,
        detail,
        tries=tries,
    )


def failed_by(entry: Entry, error: MigrateError, *, tries: int, last_pass: bool) -> Verdict:
    """Result: what `error` means for the file."""
    return failed(entry, error.code, error.detail, tries=tries, last_pass=last_pass)


def settled(entry: Entry, decision: Settled) -> Verdict:
    """Result: kept or failed, as the overwrite rule says."""
    return Verdict(FileState.FINAL, decision.bucket, entry.size_bytes, entry.mtime_ns, decision.code, decision.detail)


def unchanged(entry: Entry, md5: str, tier: str | None = None) -> Verdict:
    """Result: the destination holds it, as the service itself has just said, in this access tier."""
    return Verdict(
        FileState.FINAL,
        Bucket.UNCHANGED,
        entry.size_bytes,
        entry.mtime_ns,
        verification=Verification.STORED,
        md5=md5,
        access_tier=tier_named(tier),
    )


def committed(
    state: FileStat,
    stored: Stored,
    verification: Verification,
    *,
    tries: int,
    tier: AccessTier | None = None,
) -> Verdict:
    """Result: transferred; at level `stored` the file is not final before it was read back."""
    waits = verification is Verification.STORED
    return Verdict(
        FileState.COMMITTED if waits else FileState.FINAL,
        Bucket.TRANSFERRED,
        state.size_bytes,
        state.storable_mtime_ns,
        verification=None if waits else verification,
        stored=stored,
        tries=tries,
        access_tier=tier,
    )


def read_back(entry: Entry, tier: str | None = None) -> Verdict:
    """Result: a committed file whose stored copy is right, in this access tier."""
    return Verdict(
        FileState.FINAL,
        Bucket.TRANSFERRED,
        entry.size_bytes,
        entry.mtime_ns,
        verification=Verification.STORED,
        stored=entry.stored,
        access_tier=tier_named(tier),
    )
