"""What the engine and its lanes say to each other over a pipe: frames of plain values.

A frame is its length (4 bytes) and `marshal` data, which is the fastest that there is and safe here: both ends are one
installation of one Python, parent and child, and nobody else holds the pipe. A frame's first value says what it is.
"""

from __future__ import annotations

import marshal
import struct
import threading
from collections.abc import Iterator
from enum import StrEnum, unique
from typing import Any, BinaryIO

from migrate_agent.store.entries import Entry, FileState, Stored, Verdict
from migrate_agent.transfer.blob_http import Condition
from migrate_agent.transfer.file_copy import FileTask
from migrate_agent.transfer.planner import NEW_BLOB, Compare, Decision, Recognised, Settled, Unchanged, Upload
from migrate_agent.transfer.target_blob import TargetBlob
from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import AccessTier, Bucket, Verification

_LENGTH = struct.Struct("<I")
Frame = tuple[Any, ...]


@unique
class Say(StrEnum):
    """The first value of a frame. To a lane: SETUP to END; from a lane: READY to LOG."""

    SETUP = "setup"
    FILES = "files"
    GRANT = "grant"
    NO_GRANT = "no_grant"
    STOP = "stop"
    ABORT = "abort"
    WORKERS = "workers"
    PACE = "pace"
    LEASE = "lease"
    SIZES = "sizes"
    PARSE = "parse"
    END = "end"
    READY = "ready"
    DONE = "done"
    COMMITTED = "committed"
    LEFT = "left"
    PARSED = "parsed"
    REFUSED = "refused"
    ASK_LEASE = "ask_lease"
    METER = "meter"
    FATAL = "fatal"
    LOG = "log"


_STATES = tuple(FileState)
_PACKED_NEW = ("upload", None)
"""The decision about nearly every file."""


class FrameWriter:
    """Writes whole frames; safe for all threads."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._lock = stream, threading.Lock()

    def send(self, *frame: Any) -> None:
        """Writes one frame. Raises OSError where the other end is gone, ValueError where the pipe was closed."""
        data = marshal.dumps(tuple(value.value if isinstance(value, Say) else value for value in frame))
        with self._lock:
            self._stream.write(_LENGTH.pack(len(data)) + data)
            self._stream.flush()


def read_frames(stream: BinaryIO) -> Iterator[Frame]:
    """Yields each frame until the other end closes the pipe."""
    while len(head := stream.read(_LENGTH.size)) == _LENGTH.size:
        size = _LENGTH.unpack(head)[0]
        data = stream.read(size)
        if len(data) < size:
            return
        yield marshal.loads(data)  # noqa: S302 - our own child or parent, see above


def pack_task(task: FileTask) -> Frame:
    """Result: a file to work on, as plain values."""
    file_id, path, size, mtime_ns, state, tries, _, _, code = task.entry
    packed = _PACKED_NEW if task.decision is NEW_BLOB else _pack_decision(task.decision)
    return (
        file_id,
        path,
        size,
        mtime_ns,
        int(state),
        tries,
        None if code is None else code.value,
        packed,
        task.last_pass,
    )


def unpack_task(packed: Frame) -> FileTask:
    """Result: what `pack_task` was given, but for the entry's note and stored blob, which only the journal needs."""
    file_id, path, size, mtime_ns, state, tries, code, decision, last_pass = packed
    known = None if code is None else ErrorCode(code)
    entry = Entry(file_id, path, size, mtime_ns, _STATES[state], tries, None, None, known)
    return FileTask(entry, NEW_BLOB if decision == _PACKED_NEW else _unpack_decision(decision), last_pass)


def _pack_decision(decision: Decision | None) -> Frame | None:
    if decision is None:
        return None
    if isinstance(decision, Upload):
        return ("upload", decision.condition.etag)
    if isinstance(decision, Compare):
        return ("compare", decision.md5, _pack_decision(decision.otherwise), decision.tier)
    if isinstance(decision, Unchanged):
        return ("unchanged", decision.md5, decision.tier)
    if isinstance(decision, Recognised):
        return ("recognised", tuple(decision.blob))
    if isinstance(decision, Settled):
        return ("settled", decision.bucket.value, decision.code.value, decision.detail)
    raise TypeError(f"{type(decision).__name__} is no work")


def _unpack_decision(packed: Frame | None) -> Decision | None:
    if packed is None:
        return None
    kind, *values = packed
    if kind == "upload":
        return Upload(Condition(values[0]))
    if kind == "compare":
        otherwise = _unpack_decision(values[1])
        assert isinstance(otherwise, Upload | Settled)
        return Compare(values[0], otherwise, values[2])
    if kind == "unchanged":
        return Unchanged(*values)
    if kind == "recognised":
        return Recognised(TargetBlob(*values[0]))
    bucket, code, detail = values
    return Settled(Bucket(bucket), ErrorCode(code), detail)


def pack_verdict(file_id: int, verdict: Verdict) -> Frame:
    """Result: what became of one file, as plain values."""
    state, bucket, size, mtime_ns, code, detail, verification, stored, md5, tries, tier, safe = verdict
    return (
        file_id,
        int(state),
        bucket.value,
        size,
        mtime_ns,
        None if code is None else code.value,
        detail,
        None if verification is None else verification.value,
        None if stored is None else tuple(stored),
        md5,
        tries,
        None if tier is None else tier.value,
        safe,
    )


_BUCKETS = {bucket.value: bucket for bucket in Bucket}


def unpack_verdict(packed: Frame) -> tuple[int, Verdict]:
    """Result: what `pack_verdict` was given."""
    file_id, state, bucket, size, mtime_ns, code, detail, verification, stored, md5, tries, tier, safe = packed
    return file_id, Verdict(
        _STATES[state],
        _BUCKETS[bucket],
        size,
        mtime_ns,
        None if code is None else ErrorCode(code),
        detail,
        None if verification is None else Verification(verification),
        None if stored is None else Stored(*stored),
        md5,
        tries,
        None if tier is None else AccessTier(tier),
        safe,
    )
