"""The processes of one session, from /proc: who belongs to it, what each holds. Zombies do not count."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Process:
    """One live process."""

    pid: int
    parent: int
    session: int
    rss_bytes: int

    def open_files(self) -> int:
        """Result: how many descriptors it has open; 0 if it has just ended."""
        with contextlib.suppress(OSError):
            return sum(1 for _ in Path(f"/proc/{self.pid}/fd").iterdir())
        return 0

    def kill(self) -> None:
        """SIGKILL, if it is still there."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


def session_of(leader: int) -> list[Process]:
    """Result: the live processes of the session that `leader` began, with the leader; also after its end."""
    return [process for process in _all() if process.session == leader]


def children_of(pid: int) -> list[Process]:
    """Result: the live descendants of `pid`, in the order of their start."""
    found, known = [], {pid}
    for process in sorted(_all(), key=lambda one: one.pid):
        if process.parent in known:
            known.add(process.pid)
            found.append(process)
    return found


def _all() -> Iterator[Process]:
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            text = (entry / "stat").read_text()
        except OSError:
            continue  # ended meanwhile
        # The name in brackets may hold anything, brackets too.
        fields = text.rsplit(")", 1)[1].split()
        if fields[0] not in "ZX":
            yield Process(int(entry.name), int(fields[1]), int(fields[3]), int(fields[21]) * _PAGE)
