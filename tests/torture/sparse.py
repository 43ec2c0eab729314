"""`python -m tests.torture.sparse --gib 200`: one huge sparse file, killed half way, to an endpoint without memory.

The endpoint keeps the digest of each block and throws the bytes away; the file takes no room on the disk. What is
looked at: its size and blocks, that no block is sent twice, and the highest resident memory of the copy's processes.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from local.certificates import Certificates, certificates_in
from tests.harness.blob_endpoint import BlobEndpoint, blob_endpoint
from tests.harness.blob_store import MOST_BLOCKS, Blob
from tests.harness.copy_process import CopyProcess
from tests.torture.trees import MIB

GIB = 1 << 30
NAME = "disk.img"
_MOST_RSS_BYTES = 700 * MIB


@dataclass
class Sparse:
    """What came of it."""

    problems: list[str] = field(default_factory=list)
    peak_bytes: int = 0
    blocks: int = 0
    seconds: float = 0.0


def sparse_copy(
    size_bytes: int, directory: Path, certificates: Certificates, *, chunk_mib: int = 1, kill: bool = True
) -> Sparse:
    """Result: what came of copying one file of zeros of that size, killed once when half of it is there."""
    found, began = Sparse(), time.monotonic()
    source = directory / "source"
    source.mkdir(parents=True)
    with (source / NAME).open("wb") as file:
        file.truncate(size_bytes)
    with (
        blob_endpoint(certificates, keep_contents=False) as endpoint,
        CopyProcess(directory / "home", endpoint, source, "--chunk-size-mib", str(chunk_mib)) as copy,
    ):
        copy.start()
        if kill and _run(copy, found, until=lambda: _staged_bytes(endpoint) > size_bytes // 2):
            copy.kill_all()
            copy.no_orphans()
            endpoint.settle()
            endpoint.record.broke()
            copy.start()
        _run(copy, found, until=lambda: False)
        if copy.finish(0) != 0:
            found.problems.append(f"it ended with {copy.finish(0)}: {copy.output()}")
        found.problems += _wrong(endpoint.store.blobs.get(NAME), size_bytes)
        # Blocks of zeros are all alike: their ids tell them apart.
        found.problems += endpoint.record.sent_twice(lambda event: event.block_id)
        found.blocks = endpoint.record.count("put_block")
    found.seconds = time.monotonic() - began
    if found.peak_bytes > _MOST_RSS_BYTES:
        found.problems.append(f"its processes held {found.peak_bytes / MIB:.0f} MiB")
    return found


def _run(copy: CopyProcess, found: Sparse, *, until) -> bool:
    """Result: whether `until` came before the copy's end."""
    while copy.ended() is None:
        if until():
            return True
        found.peak_bytes = max(found.peak_bytes, sum(process.rss_bytes for process in copy.processes()))
        time.sleep(0.1)
    return False


def _staged_bytes(endpoint: BlobEndpoint) -> int:
    with endpoint.store.lock:
        return sum(piece.size_bytes for piece in endpoint.store.staged(NAME).values())


def _wrong(blob: Blob | None, size_bytes: int) -> list[str]:
    if blob is None:
        return [f"{NAME} is not in the container"]
    found = []
    if blob.size_bytes != size_bytes:
        found.append(f"it has {blob.size_bytes} bytes, {size_bytes} are in the source")
    if len(blob.pieces) > MOST_BLOCKS:
        found.append(f"it has {len(blob.pieces)} blocks")
    expected = {size: hashlib.md5(bytes(size)).digest() for size in {piece.size_bytes for piece in blob.pieces}}
    if any(piece.md5 != expected[piece.size_bytes] for piece in blob.pieces):
        found.append("not all of its bytes are zero")
    return found


def main() -> int:
    """Result: the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture.sparse", description=__doc__)
    parser.add_argument("--gib", type=float, default=200)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sparse-") as scratch:
        found = sparse_copy(int(given.gib * GIB), Path(scratch) / "copy", certificates_in(Path(scratch) / "tls"))
    for problem in found.problems[:20]:
        print(f"LOST: {problem}")
    print(
        f"{given.gib:g} GiB in {found.seconds:.0f} s: {found.blocks} blocks, at most {found.peak_bytes / MIB:.0f} MiB "
        f"resident, {len(found.problems)} problems"
    )
    return 1 if found.problems else 0


if __name__ == "__main__":
    sys.exit(main())
