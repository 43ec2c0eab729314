"""How a large file is cut into blocks, and how blocks are named. Pure.

A block's id says everything that makes it the right one: its place, the state of the file it was read from, and a
digest of its content. So a block that the service still holds from an earlier process, attempt or machine is known for
what it is, and two writers can only ever share blocks that are equal.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Sequence

from migrate_contract.errors import ErrorCode, SkipRecord

MAX_BLOCKS = 50_000
"""Of one blob (Put Block List)."""
MAX_BLOCK_BYTES = 4000 << 20
"""Of one Put Block."""
ID_BYTES = 36
"""Of a block's id before base64; the service takes up to 64, and wants one length for all blocks of a blob."""
_SHORTEST_ID_BYTES = 21
_INDEX_DIGITS = 5
_MIB = 1 << 20


def block_bytes_for(size_bytes: int, chunk_bytes: int) -> int:
    """Result: the block size: the chunk size asked for, or the next MiB with which 50,000 blocks suffice.

    Raises SkipRecord(target-refused) for a file that no blob can hold.
    """
    if size_bytes <= chunk_bytes * MAX_BLOCKS:
        return chunk_bytes
    needed = -(-size_bytes // MAX_BLOCKS)
    block_bytes = -(-needed // _MIB) * _MIB
    if block_bytes > MAX_BLOCK_BYTES:
        raise SkipRecord(ErrorCode.TARGET_REFUSED, f"a blob holds at most {MAX_BLOCKS} blocks of 4,000 MiB")
    return block_bytes


def block_sizes(size_bytes: int, block_bytes: int) -> list[int]:
    """Result: the size of each block, in order; the last one holds the rest."""
    full, rest = divmod(size_bytes, block_bytes)
    return [block_bytes] * full + ([rest] if rest else [])


def upload_id(name: str, size_bytes: int, mtime_ns: int, block_bytes: int) -> bytes:
    """Result: what all blocks of one state of one file have in common, 16 bytes; the same after any restart."""
    said = f"{size_bytes}|{mtime_ns}|{block_bytes}|{name}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(said).digest()[:16]


def block_id(index: int, upload: bytes, digest: bytes, id_bytes: int = ID_BYTES) -> str:
    """Result: the block's id in base64: index, and a hash of the upload's id and the content's digest."""
    said = hashlib.sha256(upload + digest).hexdigest()[: id_bytes - _INDEX_DIGITS]
    return base64.b64encode(f"{index:0{_INDEX_DIGITS}d}{said}".encode("ascii")).decode("ascii")


def id_bytes_beside(staged: Iterable[str]) -> int:
    """Result: how long our ids must be so that the service takes them beside the blocks that wait there already.

    Another program (or an older agent) may have begun and left this blob; its blocks vanish after a week by themselves.
    Raises SkipRecord(target-refused) where they are too short for ids of ours.
    """
    for found in staged:
        try:
            length = len(base64.b64decode(found, validate=True))
        except (binascii.Error, ValueError):
            length = 0
        if length < _SHORTEST_ID_BYTES:
            raise SkipRecord(
                ErrorCode.TARGET_REFUSED,
                "unfinished blocks of another program wait under this name; they vanish a week after the last of them "
                "was sent, or when the blob is written by that program or deleted",
            )
        return length
    return ID_BYTES


def blocks_digest(blocks: Sequence[tuple[str, int]]) -> str:
    """Result: one hash over ids and sizes in order, to compare what was committed with what is stored."""
    digest = hashlib.md5(usedforsecurity=False)
    for name, size in blocks:
        digest.update(f"{name}:{size}\n".encode("ascii", "replace"))
    return digest.hexdigest()
