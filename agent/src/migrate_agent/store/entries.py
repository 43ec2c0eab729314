"""What the journal keeps about files: the words that the store and the transfer engine share.

Nouns: a *found file* is what the scan met, by its path relative to the source (as the system spells it, kept as
bytes); an *entry* is the journal's row of it; a *verdict* is what became of it. A file is *pending* until a verdict
is *final*; *committed* files count as transferred and wait for the stored copy to be read back.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from enum import IntEnum, unique
from typing import NamedTuple

from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import AccessTier, Bucket, Tally, Verification

_UNDECODABLE = "surrogateescape" if os.name == "posix" else "surrogatepass"
"""POSIX names are bytes, which may be no text; Windows names are UTF-16, which may hold half a pair."""


@unique
class FileState(IntEnum):
    """Set by the journal from the engine's verdicts."""

    PENDING = 0
    RETRY = 1
    """Failed in this pass; a later pass tries again. Counted as pending."""
    COMMITTED = 2
    """Committed, counted as transferred, not yet read back."""
    FINAL = 3
    """In the ledger. Never touched again in this attempt."""


class Stored(NamedTuple):
    """What the service confirmed at the commit; compared with what is read back."""

    etag: str
    md5: str
    """Of the whole file, 32 hexadecimal digits."""
    blocks: str = ""
    """Digest of the committed block list (transfer/blocks.py); empty for one Put Blob."""


class Verdict(NamedTuple):
    """What became of one file, as the engine decided. `size_bytes` and `mtime_ns` are those of the copied state."""

    state: FileState
    bucket: Bucket
    size_bytes: int
    mtime_ns: int | None = None
    code: ErrorCode | None = None
    detail: str | None = None
    verification: Verification | None = None
    stored: Stored | None = None
    md5: str | None = None
    tries: int = 0
    access_tier: AccessTier | None = None
    """The blob's, as set or found; None where the job names none."""
    safe_to_delete: bool = False
    """After the copy was verified, the source still had the size and time that were copied."""


class Commit(NamedTuple):
    """A pending file that was committed by one Put Blob, at the size that the journal knows; it is to be read back."""

    file_id: int
    size_bytes: int
    mtime_ns: int
    etag: str
    md5: str
    """32 hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class Surplus:
    """A blob with our mark whose file is gone from the source; what the mirror is about."""

    surplus_id: int
    path: str
    """Relative to the source."""
    size_bytes: int
    etag: str


class Found(NamedTuple):
    """One file, link or unreadable folder as the scan met it. `verdict` where the scan alone settles it."""

    path: str
    """Relative to the source, with '/' as separator, undecodable bytes as surrogates; a folder's ends in '/'."""
    size_bytes: int = 0
    mtime_ns: int | None = None
    note: str | None = None
    """Warnings that go into the ledger beside the outcome, as `store/notes.py` packs them."""
    verdict: Verdict | None = None


class Entry(NamedTuple):
    """One row of the journal's files. `file_id` grows in the order of the scan."""

    file_id: int
    path: str
    size_bytes: int
    mtime_ns: int | None
    state: FileState
    tries: int = 0
    note: str | None = None
    stored: Stored | None = None
    code: ErrorCode | None = None
    """Why the last pass failed, for a file in RETRY."""


class Listed(NamedTuple):
    """One blob as the service listed it after the commit, by its source path's key."""

    key: bytes
    size_bytes: int
    etag: str
    md5: str | None


@dataclass(frozen=True, slots=True)
class Counters:
    """Absolute counts of one attempt, as they are on the disk. Committed files count as transferred."""

    files: Tally = field(default_factory=Tally)
    bytes: Tally = field(default_factory=Tally)
    verified_files: int = 0
    """Files whose copy is known to be right: transferred and read back, or unchanged."""
    retries: int = 0


def path_key(path: str) -> bytes:
    """Result: the path as the journal's key; two different names never share one."""
    return path.encode("utf-8", _UNDECODABLE)


def path_of(key: bytes) -> str:
    """Result: the path that `path_key` came from."""
    return key.decode("utf-8", _UNDECODABLE)


def shown_path(path: str) -> str:
    r"""Result: the path for people: what is not text is shown as \xNN."""
    return path_key(path).decode("utf-8", "backslashreplace")
