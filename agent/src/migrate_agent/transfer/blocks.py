"""How a large file is cut into blocks, and how blocks are named. Pure."""

from __future__ import annotations

import base64
from collections.abc import Callable
from secrets import token_hex

from migrate_contract.errors import ErrorCode, SkipRecord

MAX_BLOCKS = 50_000
"""Of one blob (Put Block List)."""
MAX_BLOCK_BYTES = 4000 << 20
"""Of one Put Block."""
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


def block_id(index: int, upload_id: str) -> str:
    """Result: base64 of index and upload id: equal length for all, and no two uploads ever share one."""
    return base64.b64encode(f"{index:06d}-{upload_id}".encode("ascii")).decode("ascii")


def new_upload_id(token: Callable[[int], str] = token_hex) -> str:
    """Result: a random id of one upload of one file."""
    return token(8)
