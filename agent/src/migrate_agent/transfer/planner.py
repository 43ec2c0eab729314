"""Decides what to do with one file, from the file, the blob of its name and the overwrite rule. Pure.

Result is one of five decisions: *upload* (a new blob, or over the one that was seen), *compare* (equal size: the hash
decides), *unchanged*, *recognised* (this very attempt committed it, then crashed before its journal knew), or *settled*
(kept, or failed with a code). Rules: product page, "Files: what a copy promises".
"""

from __future__ import annotations

from typing import NamedTuple

from migrate_agent.transfer.blob_http import Condition
from migrate_agent.transfer.target_blob import TargetBlob
from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import Bucket, Overwrite


class Upload(NamedTuple):
    """Send it; commit only if `condition` holds."""

    condition: Condition


NEW_BLOB = Upload(Condition())
"""What is decided where there is no blob of the name."""


class Compare(NamedTuple):
    """Hash the file: equal to `md5`, it is unchanged; otherwise `otherwise` holds."""

    md5: str
    otherwise: Upload | Settled
    tier: str | None = None
    """The blob's access tier, as the service spells it."""


class Unchanged(NamedTuple):
    """The destination holds it, with this hash."""

    md5: str
    tier: str | None = None
    """The blob's access tier, as the service spells it."""


class Recognised(NamedTuple):
    """The blob is this attempt's own commit of this state of the file."""

    blob: TargetBlob


class Settled(NamedTuple):
    """Nothing is sent: `bucket` is excluded (kept) or failed."""

    bucket: Bucket
    code: ErrorCode
    detail: str


Decision = Upload | Compare | Unchanged | Recognised | Settled


def decide(
    size_bytes: int,
    mtime_ns: int | None,
    target: TargetBlob | None,
    *,
    rule: Overwrite,
    marker: str,
    folder: bool = False,
    by_hash: bool = False,
) -> Decision:
    """Result: what to do with a file (or `folder`) of this size and time. `marker` is this attempt's.

    `by_hash`: an equal time is no proof (a cutover); a blob of ours that is different all the same is replaced.
    """
    if target is None:
        return NEW_BLOB
    if target.size_bytes != size_bytes or target.md5 is None or bool(target.folder) is not folder:
        return _different(mtime_ns, target, rule)
    if target.marker is not None and mtime_ns is not None and target.mtime_ns == mtime_ns:
        if target.marker == marker:
            return Recognised(target)
        if not by_hash:
            return Unchanged(target.md5, target.tier)
        if rule is not Overwrite.NEVER and not target.archived:
            return Compare(target.md5, Upload(Condition(target.etag)), target.tier)
    return Compare(target.md5, _different(mtime_ns, target, rule), target.tier)


def _different(mtime_ns: int | None, target: TargetBlob, rule: Overwrite) -> Upload | Settled:
    """The blob is not equal, or cannot be known to be."""
    if rule is Overwrite.NEVER:
        return Settled(Bucket.EXCLUDED, ErrorCode.TARGET_KEPT, "the job never overwrites")
    if rule is Overwrite.IF_SOURCE_NEWER:
        if target.marker is None:
            unknown = " (it has no Content-MD5 to compare with)" if target.md5 is None else ""
            return Settled(
                Bucket.FAILED,
                ErrorCode.TARGET_EXISTS,
                f"a blob of {target.size_bytes} bytes without our mark is there{unknown}",
            )
        theirs = target.mtime_ns if target.mtime_ns is not None else target.modified_ns
        if mtime_ns is not None and theirs is not None and mtime_ns <= theirs:
            return Settled(Bucket.EXCLUDED, ErrorCode.TARGET_KEPT, "the source is not newer than the copy there")
    if target.archived:
        return Settled(Bucket.FAILED, ErrorCode.TARGET_ARCHIVED, "the file changed, and its copy there is archived")
    return Upload(Condition(target.etag))
