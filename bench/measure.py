"""One run of a client: wall time to its exit, CPU seconds and peak memory of its whole process tree."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_SAMPLE_SECONDS = 0.2
_TREE_SAMPLES, _PSS_SAMPLES = 3, 5
"""Every how many samples the tree is looked through and shared pages are split (PSS): both cost a little."""
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
_OUTPUT_TAIL = 2000


class ClientFailed(Exception):
    """A client ended with an error or took too long; the message ends with its last output."""


@dataclass
class ProcessCosts:
    """What one run cost."""

    began_at: float
    """Seconds since 1970, like the endpoint's times."""
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    """User and system, of the process and all that it waited for; or what was sampled of its tree, if that is more,
    so that a process whose parent does not wait for it is counted."""
    peak_rss_bytes: int = 0
    """Highest sum over the tree of resident memory; pages shared between its processes count for each."""
    peak_pss_bytes: int = 0
    """The same with shared pages split between those that share them."""
    read_bytes: int = 0
    """Read calls of files and sockets, of processes that lived to a sample."""
    rss_series: list[int] = field(default_factory=list)
    """Sums of resident memory, one a sample of 0.2 s."""


def run_measured(
    command: Sequence[str | Path],
    environment: Mapping[str, str],
    *,
    log_file: Path,
    timeout_seconds: float,
    watch: Callable[[float], None] = lambda seconds: None,
) -> ProcessCosts:
    """Run to the end. `watch` hears how long it has run, at every sample. Raises ClientFailed."""
    with log_file.open("wb") as log:
        costs = ProcessCosts(time.time())
        began = time.monotonic()
        process = subprocess.Popen(
            [str(part) for part in command],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    waiter = _Waiter(process.pid)
    sampler = _Sampler(process.pid, costs)
    try:
        while not waiter.ended.wait(_SAMPLE_SECONDS):
            sampler.sample()
            watch(time.monotonic() - began)
            if time.monotonic() - began > timeout_seconds:
                raise ClientFailed(f"{command[0]} did not end within {timeout_seconds:g} s\n{_tail(log_file)}")
    finally:
        if not waiter.ended.is_set():
            # Its own session: the whole of it, also when we are broken off by Ctrl-C.
            os.killpg(process.pid, signal.SIGKILL)
            waiter.ended.wait(10)
    process.returncode = waiter.exit_code
    costs.wall_seconds = waiter.ended_at - began
    costs.cpu_seconds = max(waiter.cpu_seconds, sum(sampler.cpu_seconds.values()))
    costs.read_bytes = sum(sampler.read_bytes.values())
    if waiter.exit_code != 0:
        raise ClientFailed(f"{command[0]} ended with exit code {waiter.exit_code}\n{_tail(log_file)}")
    return costs


def _tail(log_file: Path) -> str:
    return log_file.read_bytes()[-_OUTPUT_TAIL:].decode("utf-8", "replace")


class _Waiter(threading.Thread):
    """Waits in the kernel, so that the end is seen at once, and takes the tree's CPU time with it."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.ended = threading.Event()
        self.ended_at = self.cpu_seconds = 0.0
        self.exit_code = 0
        self._pid = pid
        self.start()

    def run(self) -> None:
        _, status, used = os.wait4(self._pid, 0)
        self.ended_at = time.monotonic()
        self.exit_code = os.waitstatus_to_exitcode(status)
        self.cpu_seconds = used.ru_utime + used.ru_stime
        self.ended.set()


class _Sampler:
    def __init__(self, root: int, costs: ProcessCosts) -> None:
        self._root, self._costs = root, costs
        self._tree = {root}
        self._count = 0
        self.read_bytes: dict[int, int] = {}
        self.cpu_seconds: dict[int, float] = {}

    def sample(self) -> None:
        if self._count % _TREE_SAMPLES == 0:
            self._tree = _tree_of(self._root)
        if self._count % _PSS_SAMPLES == 0:
            pss = sum(_pss_bytes(pid) for pid in self._tree)
            self._costs.peak_pss_bytes = max(self._costs.peak_pss_bytes, pss)
        self._count += 1
        rss = sum(_rss_bytes(pid) for pid in self._tree)
        self._costs.rss_series.append(rss)
        self._costs.peak_rss_bytes = max(self._costs.peak_rss_bytes, rss)
        for pid in self._tree:
            self.read_bytes[pid] = max(self.read_bytes.get(pid, 0), _read_bytes(pid))
            self.cpu_seconds[pid] = max(self.cpu_seconds.get(pid, 0.0), _cpu_seconds(pid))


def _tree_of(root: int) -> set[int]:
    children: dict[int, list[int]] = {}
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        stat = _proc_text(int(entry.name), "stat")
        if stat:
            parent = int(stat.rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.name))
    tree, found = set[int](), [root]
    while found:
        pid = found.pop()
        tree.add(pid)
        found += children.get(pid, [])
    return tree


def _proc_text(pid: int, file: str) -> str:
    """Empty when the process is gone: between a look at the tree and this one it may end."""
    try:
        return Path(f"/proc/{pid}/{file}").read_text("utf-8", errors="replace")
    except OSError:
        return ""


def _rss_bytes(pid: int) -> int:
    statm = _proc_text(pid, "statm").split()
    return int(statm[1]) * _PAGE if statm else 0


def _pss_bytes(pid: int) -> int:
    for line in _proc_text(pid, "smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _cpu_seconds(pid: int) -> float:
    fields = _proc_text(pid, "stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS if fields else 0.0


def _read_bytes(pid: int) -> int:
    first = _proc_text(pid, "io").splitlines()
    return int(first[0].split()[1]) if first else 0
