"""Asks a running agent of this state folder to stop, and waits until it has.

POSIX: SIGTERM to the process that holds the lock. Windows has no such signal: a file in the state folder, which the
agent looks for every second, names the process that is meant.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from migrate_agent.private_file import read_private, write_private
from migrate_agent.runtime.instance_lock import holder, is_held
from migrate_contract.errors import ErrorCode, Fatal

REQUEST_FILE = "stop-request"
_WINDOWS = os.name == "nt"


def ask_to_stop(state_dir: Path) -> int:
    """Result: the pid of the process that was asked. Raises Fatal(not-running)."""
    pid = holder(state_dir).get("pid")
    if not isinstance(pid, int):
        raise Fatal(ErrorCode.NOT_RUNNING, f"no process holds {state_dir}")
    if _WINDOWS:
        write_private(state_dir / REQUEST_FILE, str(pid))
        return pid
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError as error:
        raise Fatal(ErrorCode.NOT_RUNNING, f"process {pid} has just ended") from error
    except PermissionError as error:
        raise Fatal(
            ErrorCode.ALREADY_RUNNING, f"process {pid} belongs to another account: stop it from that account"
        ) from error
    return pid


def wait_until_stopped(state_dir: Path, seconds: float) -> bool:
    """Result: True once no process holds the state folder; False after `seconds`."""
    deadline = time.monotonic() + seconds
    while is_held(state_dir):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.1)
    return True


def stop_was_asked(state_dir: Path) -> bool:
    """Result: True where this process was asked to stop by file (Windows only)."""
    if not _WINDOWS:
        return False
    path = state_dir / REQUEST_FILE
    if (read_private(path) or "").strip() != str(os.getpid()):
        return False
    path.unlink(missing_ok=True)
    return True
