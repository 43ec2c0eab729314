"""Compares what the service holds with what was committed. Pure but for `hash_of`, which downloads."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from migrate_agent.store.entries import Entry
from migrate_agent.transfer.blocks import blocks_digest
from migrate_agent.transfer.target_blob import TargetBlob


def difference(entry: Entry, blob: TargetBlob | None) -> str | None:
    """Result: how the stored blob differs from the commit, None if it is the same."""
    stored = entry.stored
    assert stored is not None
    if blob is None:
        return "the blob is not there any more"
    if blob.size_bytes != entry.size_bytes:
        return f"the blob has {blob.size_bytes} bytes, {entry.size_bytes} were committed"
    if blob.md5 != stored.md5:
        return f"the blob's Content-MD5 is {blob.md5 or 'missing'}, {stored.md5} was committed"
    if blob.etag != stored.etag:
        return "the blob was written again after the commit"
    return None


def block_difference(entry: Entry, blocks: Sequence[tuple[str, int]]) -> str | None:
    """Result: how the stored block list differs from the committed one, None if it is the same.

    Each block's id holds a hash of its content, so an equal list is equal content.
    """
    stored = entry.stored
    assert stored is not None
    if blocks_digest(blocks) == stored.blocks:
        return None
    return f"the blob is made of {len(blocks)} blocks that are not the ones that were committed"


def in_sample(path: str, percent: float) -> bool:
    """Result: whether this file is among the `percent` of a hundred that are downloaded again; always the same ones."""
    if percent >= 100:
        return True
    drawn = int.from_bytes(hashlib.sha256(path.encode("utf-8", "surrogatepass")).digest()[:4], "big")
    return drawn / 2**32 * 100 < percent


def hash_of(download: Callable[[Callable[[bytes], None]], None]) -> str:
    """Result: MD5 in hexadecimal of what `download` gives to its sink."""
    digest = hashlib.md5(usedforsecurity=False)
    download(digest.update)
    return digest.hexdigest()
