"""One running agent per state folder: a lock held by the process, with its pid inside.

The operating system releases the lock when the process ends, however it ends; so a held lock proves that its pid is
alive and ours, which a pid file alone never does.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from migrate_agent.private_file import private_folder
from migrate_contract.errors import ErrorCode, Fatal

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

LOCK_FILE = "agent.lock"
_TRIES = 10
_TRY_SECONDS = 0.05
_BYTE_FAR_AWAY = 1 << 30
"""Windows locks forbid reading: the locked byte is far behind the content."""


class InstanceLock:
    """`with InstanceLock(folder):` holds it; Fatal(already-running) names the process that does."""

    def __init__(self, state_dir: Path) -> None:
        self.path = private_folder(state_dir) / LOCK_FILE
        self._stream: IO[str] | None = None

    def __enter__(self) -> InstanceLock:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def acquire(self, facts: dict[str, Any] | None = None) -> None:
        """Result: this process holds the lock, and the file says so together with `facts`."""
        stream = _open(self.path)
        if not _take_soon(stream):
            stream.close()
            raise Fatal(ErrorCode.ALREADY_RUNNING, f"process {holder(self.path.parent).get('pid', '?')} runs it")
        stream.seek(0)
        stream.truncate()
        stream.write(json.dumps({"pid": os.getpid()} | (facts or {})))
        stream.flush()
        self._stream = stream

    def release(self) -> None:
        """Result: another process can take it."""
        if self._stream is not None:
            self._stream.seek(0)
            self._stream.truncate()
            self._stream.flush()
            _drop(self._stream)
            self._stream.close()
            self._stream = None


def holder(state_dir: Path) -> dict[str, Any]:
    """Result: what the holder wrote ({"pid": ...}); empty where no process holds the lock."""
    path = state_dir / LOCK_FILE
    if not path.exists() or not is_held(state_dir):
        return {}
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
    return {}


def is_held(state_dir: Path) -> bool:
    """Result: True while a process holds it."""
    path = state_dir / LOCK_FILE
    if not path.exists():
        return False
    try:
        stream = _open(path)
    except PermissionError:
        return True
    with stream:
        if not _take(stream):
            return True
        _drop(stream)
        return False


def _take_soon(stream: IO[str]) -> bool:
    """Somebody who only asks whether it is held (`status`) holds it for an instant: try for a moment."""
    for _ in range(_TRIES):
        if _take(stream):
            return True
        time.sleep(_TRY_SECONDS)
    return False


def _open(path: Path) -> IO[str]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    return os.fdopen(descriptor, "r+", encoding="utf-8")


if sys.platform == "win32":

    def _take(stream: IO[str]) -> bool:
        stream.seek(_BYTE_FAR_AWAY)
        try:
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            stream.seek(0)
        return True

    def _drop(stream: IO[str]) -> None:
        stream.seek(_BYTE_FAR_AWAY)
        msvcrt.locking(stream.fileno(), msvcrt.LK_UNLCK, 1)
        stream.seek(0)

else:

    def _take(stream: IO[str]) -> bool:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _drop(stream: IO[str]) -> None:
        fcntl.flock(stream, fcntl.LOCK_UN)
