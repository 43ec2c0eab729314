"""How large blocks are and how many requests may be in flight, under limits of memory and bandwidth. Pure but `Sizes`.

Two promises decide: content in memory stays within the job's memory limit at every concurrency and chunk size, and
under a low bandwidth limit no request lasts longer than two minutes (a proxy or the service would give it up).
"""

from __future__ import annotations

from dataclasses import dataclass

_MIB = 1 << 20
_LONGEST_REQUEST_SECONDS = 120.0
_SMALLEST_BLOCK_BYTES = 64 * 1024
_BLOCKS_IN_MEMORY = 3
"""One is read while one is sent and one waits: fewer would make reading and sending take turns."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What holds now."""

    workers: int
    """Requests in flight at most."""
    block_bytes: int
    """Of files that begin from now on; files up to this size go up whole."""


def memory_for(block_bytes: int) -> int:
    """Result: what a process must be allowed to hold for blocks of this size."""
    return block_bytes * _BLOCKS_IN_MEMORY


def block_bytes_in_memory(chunk_bytes: int, memory_bytes: int) -> int:
    """Result: the chunk size asked for, or what fits the memory three times, in whole MiB where there is one."""
    most = memory_bytes // _BLOCKS_IN_MEMORY
    if chunk_bytes <= most:
        return chunk_bytes
    return max(most // _MIB * _MIB, min(_MIB, most))


def under_limit(workers: int, block_bytes: int, bytes_per_second: float | None, *, least: int = 1) -> Plan:
    """Result: concurrency lowered first (to `least`), then the block size, until no request takes over 120 s."""
    if not bytes_per_second:
        return Plan(max(workers, least), block_bytes)
    allowance = bytes_per_second * _LONGEST_REQUEST_SECONDS
    fitting = int(allowance // block_bytes)
    if fitting >= least:
        return Plan(max(min(workers, fitting), least), block_bytes)
    return Plan(least, max(int(allowance / least) // 4096 * 4096, _SMALLEST_BLOCK_BYTES))


def reduction(chunk_bytes: int, block_bytes: int, memory_bytes: int) -> str:
    """Result: a sentence about what was made smaller for the memory limit, '' for nothing."""
    if block_bytes >= chunk_bytes:
        return ""
    shown = f"{block_bytes // _MIB} MiB" if block_bytes >= _MIB else f"{block_bytes // 1024} KiB"
    return (
        f"Blocks of {shown} instead of {chunk_bytes // _MIB} MiB, "
        f"to stay within a memory limit of {memory_bytes // _MIB} MiB"
    )


class Sizes:
    """The sizes in force in one process; changed by one thread, read by all at the start of each file."""

    def __init__(self, block_bytes: int, single_put_bytes: int | None = None) -> None:
        """`single_put_bytes`: files up to this go up whole; None: up to the block size."""
        self._single_put = single_put_bytes
        self.block_bytes = block_bytes

    @property
    def single_put_bytes(self) -> int:
        """Result: files up to this go up by one Put Blob."""
        return self.block_bytes if self._single_put is None else min(self._single_put, self.block_bytes)
