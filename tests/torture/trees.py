"""Source trees for torture: every block of a large file is unlike any other, and big ones take no room on the disk."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

MIB = 1 << 20
_STAMP_BYTES = 64


def torture_tree(root: Path, chance: random.Random, *, small: int, large: int, large_mib: int) -> Path:
    """Result: `root` with small files (0 to 40 KB), and large ones of about `large_mib` that end within a block."""
    for index in range(small):
        path = root / f"folder {index % 11}" / f"small-{index:04d}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(chance.randbytes(chance.choice((0, 1, chance.randrange(4_000), chance.randrange(40_000)))))
    for index in range(large):
        size = large_mib * MIB - chance.randrange(MIB)
        stamped_file(root / f"large {index}.bin", size, seed=chance.randrange(1 << 30))
    return root


def stamped_file(path: Path, size_bytes: int, *, seed: int, step_bytes: int = MIB) -> Path:
    """Result: a sparse file with a few bytes of its own at the begin of every step."""
    with path.open("wb") as file:
        file.truncate(size_bytes)
        for start in range(0, size_bytes, step_bytes):
            file.seek(start)
            stamp = hashlib.blake2b(f"{seed} {start}".encode(), digest_size=_STAMP_BYTES).digest()
            file.write(stamp[: size_bytes - start])
    return path
