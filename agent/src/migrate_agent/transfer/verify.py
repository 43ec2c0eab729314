"""Compares what the service holds with what was committed. Pure but for `hash_of`, which downloads."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from migrate_agent.store.entries import Entry
from migrate_agent.transfer.blocks import block_id, block_sizes
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
    """Result: how the stored block list differs from the committed one, None if it is the same."""
    stored = entry.stored
    assert stored is not None
    sizes = block_sizes(entry.size_bytes, stored.block_bytes)
    expected = [(block_id(index, stored.upload_id), size) for index, size in enumerate(sizes)]
    if list(blocks) == expected:
        return None
    return f"the blob is made of {len(blocks)} blocks that are not the {len(expected)} committed ones"


def hash_of(download: Callable[[Callable[[bytes], None]], None]) -> str:
    """Result: MD5 in hexadecimal of what `download` gives to its sink."""
    digest = hashlib.md5(usedforsecurity=False)
    download(digest.update)
    return digest.hexdigest()
