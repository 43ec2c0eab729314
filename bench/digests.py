"""What arrived equals the source: the endpoint's digests against the same cuts of the files.

The endpoint computes a digest of each body itself. Here the source is cut into bodies of the same sizes and digested by
other code (hashlib, awscrt); names, sizes, order and digests must agree, and every label must be the file's MD5.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from urllib.parse import unquote

from awscrt.checksums import crc64nvme

_READ_BYTES = 4 << 20
_TIME = re.compile(r"(?P<whole>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(?P<part>\d{1,9}))?(?:Z|\+00:00)")


class NotTheSource(Exception):
    """What arrived differs from the source; the message names the first differences."""


@dataclass(frozen=True)
class Arrived:
    """One blob as the endpoint saw it."""

    name: str
    size: int
    label: str
    """Hex of its Content-MD5, "-" if none was told."""
    modified: str
    """What its metadata has under rclone's key `mtime`, "-" if nothing."""
    bodies: tuple[tuple[int, str, str], ...]
    """Size, kind (m: MD5, c: CRC-64) and hex digest of each body, in order."""


def parse_digests(text: str) -> Iterator[Arrived]:
    """The endpoint's lines."""
    for line in text.splitlines():
        name, size, label, modified, *bodies = line.split("\t")
        parts = (body.split(":") for body in bodies)
        cut = tuple((int(length), kind, hexed) for length, kind, hexed in parts)
        yield Arrived(unquote(name, errors="surrogateescape"), int(size), label, modified, cut)


@dataclass
class SourceDigests:
    """Digests of a folder's files, kept between runs: the sources do not change."""

    root: Path
    _labels: dict[str, str] = field(default_factory=dict)
    _bodies: dict[tuple[str, tuple[tuple[int, str], ...]], tuple[str, ...]] = field(default_factory=dict)
    _names: set[str] | None = None

    def names(self) -> set[str]:
        """Every file, relative to the root, with slashes."""
        if self._names is None:
            self._names = {
                os.path.relpath(os.path.join(folder, file), self.root)  # noqa: PTH118 -- a million Paths are slow
                for folder, _, files in os.walk(self.root)
                for file in files
            }
        return self._names

    def difference(self, name: str, arrived: Arrived, *, times: bool) -> str:
        """What is wrong with that blob; empty when nothing is. `times`: its metadata must have the file's time."""
        cut = tuple((size, kind) for size, kind, _ in arrived.bodies)
        if (name, cut) not in self._bodies:
            self._read(name, cut)
        if sum(size for size, _ in cut) != arrived.size:
            return f"{name}: {arrived.size} bytes, of which bodies are {sum(size for size, _ in cut)}"
        if self._bodies[name, cut] != tuple(hexed for _, _, hexed in arrived.bodies):
            return f"{name}: its bytes differ"
        if arrived.label != self._labels[name]:
            return f"{name}: its label is {arrived.label}, its MD5 {self._labels[name]}"
        if times and nanoseconds(arrived.modified) != (self.root / name).stat().st_mtime_ns:
            return f"{name}: its time is {arrived.modified}"
        return ""

    def _read(self, name: str, cut: tuple[tuple[int, str], ...]) -> None:
        digests: list[str] = []
        whole = hashlib.md5(usedforsecurity=False)
        with (self.root / name).open("rb", buffering=0) as file:
            for size, kind in cut:
                digests.append(_digest_of_body(file, size, kind, whole))
            if file.read(1):
                digests.append("the file is longer")
        self._bodies[name, cut] = tuple(digests)
        self._labels[name] = whole.hexdigest()


def _digest_of_body(file: FileIO, size: int, kind: str, whole: hashlib._Hash) -> str:
    md5, crc, left = hashlib.md5(usedforsecurity=False), 0, size
    while left:
        piece = file.read(min(left, _READ_BYTES))
        if not piece:
            return "the file is shorter"
        whole.update(piece)
        if kind == "m":
            md5.update(piece)
        else:
            crc = crc64nvme(piece, crc)
        left -= len(piece)
    return md5.hexdigest() if kind == "m" else crc.to_bytes(8, "little").hex()


def nanoseconds(text: str) -> int | None:
    """Since 1970, of a UTC time in RFC 3339 with up to nine decimals; None for anything else."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    whole = datetime.fromisoformat(found["whole"]).replace(tzinfo=UTC)
    return int(whole.timestamp()) * 10**9 + int((found["part"] or "").ljust(9, "0"))


def compare(text: str, source: SourceDigests, prefix: str = "", *, times: bool = False) -> int:
    """How many blobs agree with the source; raises NotTheSource if any file or blob does not."""
    seen: set[str] = set()
    wrong: list[str] = []
    for arrived in parse_digests(text):
        name = arrived.name.removeprefix(prefix)
        if name not in source.names():
            wrong.append(f"{arrived.name}: no such file")
            continue
        seen.add(name)
        difference = source.difference(name, arrived, times=times)
        if difference:
            wrong.append(difference)
    missing = source.names() - seen
    wrong += [f"{name}: not in the container" for name in sorted(missing)[:3]]
    if wrong:
        raise NotTheSource(f"{len(wrong)} differences, {len(missing)} files missing:\n  " + "\n  ".join(wrong[:10]))
    return len(seen)
