"""Compares a folder with a container byte for byte, by a listing and downloads of its own.

It shares nothing with the agent: the folder is read with the standard library, the container with
Microsoft's SDK. Nouns: an *entry* is anything in the folder that is not itself a folder; a *difference* is
one name on which the two sides disagree.
"""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum, unique
from pathlib import Path

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import ContainerClient

_READ_BYTES = 1024 * 1024
_THREADS = 8
# Bounds what is in memory: names are submitted in batches, not all at once.
_BATCH = 256


@unique
class DifferenceKind(StrEnum):
    """What is wrong with one name; set by the comparison."""

    MISSING = "missing"
    """In the folder, not in the container."""
    ADDED = "added"
    """In the container, not in the folder."""
    SIZE = "size"
    CONTENT = "content"
    UNREADABLE = "unreadable"
    """The folder's side cannot be read, so nothing can be said."""


@dataclass(frozen=True, order=True)
class Difference:
    """One name on which the sides disagree; `detail` says how."""

    name: str
    kind: DifferenceKind
    detail: str


@dataclass(frozen=True)
class Listing:
    r"""The folder's entries: regular files with their sizes, and how many other entries there are.

    Bytes of a name that are not UTF-8 are written `\xNN`, as the product writes them; no blob has such a name.
    """

    file_bytes: dict[str, int]
    other_entries: int

    @property
    def entries(self) -> int:
        """All entries."""
        return len(self.file_bytes) + self.other_entries


@dataclass
class Comparison:
    """The result: how much was compared equal, what was left out on purpose, what differs."""

    equal_files: int = 0
    equal_bytes: int = 0
    left_out_files: int = 0
    entries: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def is_equal(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


type OnProgress = Callable[[int, int], None]
"""Called with files done and files in all, from one thread."""


def list_folder(root: Path) -> Listing:
    """What is in a folder, links not followed. Raises OSError when a folder in it cannot be read."""
    files: dict[str, int] = {}
    others = 0
    for path, status in _walk(root):
        if stat.S_ISREG(status.st_mode):
            name = os.fsencode(path.relative_to(root)).decode("utf-8", "backslashreplace")
            files[name.replace(os.sep, "/")] = status.st_size
        else:
            others += 1
    return Listing(files, others)


def _walk(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path))
            else:
                yield Path(entry.path), entry.stat(follow_symlinks=False)


def blob_can_hold(name: str) -> bool:
    """Whether a blob may have this name and give it back unchanged.

    Rules of the service: 1 to 1,024 characters, at most 254 segments, none of them ending in a dot
    (https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata);
    a backslash comes back as a slash, control characters and what is not Unicode cannot be sent.
    """
    try:
        units = len(name.encode("utf-16-le")) // 2
    except UnicodeEncodeError:
        return False
    segments = name.split("/")
    return (
        1 <= units <= 1024
        and len(segments) <= 254
        and not any(segment.endswith(".") for segment in segments)
        and not any(unicodedata.category(each) == "Cc" or each in "\\\ufffe\uffff" for each in name)
    )


def compare(
    root: Path,
    container: ContainerClient,
    *,
    left_out: Collection[str] = (),
    on_progress: OnProgress = lambda done, total: None,
) -> Comparison:
    """Compare every file of the folder with the blob of its name, and every blob with the folder.

    `left_out` are files that are known not to have been copied, with a reason told elsewhere: they are
    counted, and a blob of such a name is a difference. Raises OSError or an Azure SDK error when a whole
    side cannot be listed.
    """
    listing = list_folder(root)
    blob_bytes = {blob.name: blob.size for blob in container.list_blobs()}
    expected = {name: size for name, size in listing.file_bytes.items() if name not in left_out}
    result = Comparison(entries=listing.entries, left_out_files=sum(name in listing.file_bytes for name in left_out))
    for name in sorted(blob_bytes.keys() - expected.keys()):
        result.differences.append(
            Difference(name, DifferenceKind.ADDED, f"{blob_bytes[name]} bytes that the folder does not have")
        )
    names = sorted(expected)
    done = 0
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="compare") as threads:
        for start in range(0, len(names), _BATCH):
            batch = names[start : start + _BATCH]
            found = threads.map(lambda name: _difference(root, container, name, blob_bytes.get(name)), batch)
            for name, difference in zip(batch, found, strict=True):
                if difference is None:
                    result.equal_files += 1
                    result.equal_bytes += expected[name]
                else:
                    result.differences.append(difference)
                done += 1
                on_progress(done, len(names))
    result.differences.sort()
    return result


def _difference(root: Path, container: ContainerClient, name: str, blob_size: int | None) -> Difference | None:
    """How one file differs from its blob, None if it does not: both are read to the end and hashed."""
    if blob_size is None:
        return Difference(name, DifferenceKind.MISSING, "the container has no such blob")
    try:
        file_size, file_hash = _hash_file(root / name)
    except OSError as fault:
        return Difference(name, DifferenceKind.UNREADABLE, f"the file cannot be read: {fault.strerror}")
    try:
        read_size, blob_hash = _hash_blob(container, name)
    except ResourceNotFoundError:
        return Difference(name, DifferenceKind.MISSING, "the blob was listed, but it is gone")
    if file_size != read_size:
        return Difference(name, DifferenceKind.SIZE, f"file {file_size} bytes, blob {read_size} bytes")
    if file_hash != blob_hash:
        return Difference(name, DifferenceKind.CONTENT, f"SHA-256 of file {file_hash}, of blob {blob_hash}")
    return None


def _hash_file(path: Path) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_READ_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return size, digest.hexdigest()


def _hash_blob(container: ContainerClient, name: str) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    for chunk in container.download_blob(name).chunks():
        digest.update(chunk)
        size += len(chunk)
    return size, digest.hexdigest()
