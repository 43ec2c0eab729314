"""The engine's end of one lane: starts the process, gives it files, and takes what became of them."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO, cast

from migrate_agent.network import Network
from migrate_agent.store.entries import Commit, Verdict
from migrate_agent.transfer.blob_xml import BlobPage
from migrate_agent.transfer.connectivity import Outage
from migrate_agent.transfer.file_copy import FileTask
from migrate_agent.transfer.lane_wire import Frame, FrameWriter, Say, pack_task, read_frames, unpack_verdict
from migrate_agent.transfer.meter import Readings
from migrate_agent.transfer.results import EngineSettings
from migrate_agent.transfer.target_blob import TargetBlob
from migrate_contract.jobs import Grant, JobSpec

log = logging.getLogger(__name__)
_BATCH_BYTES = 4 << 20
_END_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class LaneSetup:
    """What a lane has to know from its start."""

    spec: JobSpec
    settings: EngineSettings
    network: Network
    block_bytes: int
    memory_bytes: int
    device: int | None

    def values(self) -> dict[str, Any]:
        """Result: the same as plain values for the pipe. Holds the proxy's password: never logged."""
        network = asdict(self.network)
        network["ca_file"] = str(self.network.ca_file) if self.network.ca_file else None
        return {
            "spec": self.spec.model_dump_json(),
            "settings": asdict(self.settings),
            "network": network,
            "block_bytes": self.block_bytes,
            "single_put_bytes": self.settings.single_put_max_bytes,
            "memory_bytes": self.memory_bytes,
            "device": self.device,
            "log_level": log.getEffectiveLevel(),
        }


@dataclass(frozen=True, slots=True)
class LaneEvents:
    """Who hears what a lane says; called on the lane's reading thread."""

    done: Callable[[FileTask, Verdict], None]
    committed: Callable[[Sequence[Commit]], None]
    retried: Callable[[int], None]
    refused: Callable[[str, str], None]
    ask_lease: Callable[[LaneProcess, int], None]
    metered: Callable[[str, Readings, Outage | None], None]
    fatal: Callable[[str, str], None]
    parsed: Callable[[int, BlobPage | None], None]
    """None: it could not read that page."""
    room: Callable[[], None]
    """Something was done: there may be room for more."""
    crashed: Callable[[LaneProcess, Sequence[FileTask]], None]
    """The process has ended without being asked; these files have no verdict."""


class LaneProcess:
    """One lane. Safe for all threads."""

    def __init__(self, name: str, setup: LaneSetup, events: LaneEvents) -> None:
        """Starts the process. Raises OSError where the system refuses one."""
        self.name = name
        self._events, self._job_id = events, setup.spec.job_id
        self._lock = threading.Lock()
        self._given: dict[int, FileTask] = {}
        self._given_bytes = 0
        self._workers = 0
        self._ending = self._gone = False
        self.ready = threading.Event()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "migrate_agent.transfer.lane"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(),
            close_fds=True,
        )
        # Both were asked for, so both are there.
        self._input, self._output = cast("BinaryIO", self._process.stdin), cast("BinaryIO", self._process.stdout)
        self._writer = FrameWriter(self._input)
        self._reader = threading.Thread(target=self._read, name=f"lane-{name}", daemon=True)
        self._reader.start()
        self.say(Say.SETUP, setup.values())

    @property
    def pid(self) -> int:
        """Result: the process' id."""
        return self._process.pid

    @property
    def given(self) -> int:
        """Result: files that have no verdict yet."""
        return len(self._given)

    @property
    def given_bytes(self) -> int:
        """Result: their bytes."""
        return self._given_bytes

    def say(self, *frame: Any) -> None:
        """Sends one frame; a lane that is gone is noticed by its reader, not here."""
        try:
            self._writer.send(*frame)
        except (OSError, ValueError):
            log.debug("lane %s takes no more", self.name)

    def grant(self, grant: Grant) -> None:
        """The grant to use from now on."""
        self.say(Say.GRANT, grant.container_url, grant.sas_token, grant.seconds_left, grant.renew_in_seconds)

    def set_workers(self, workers: int) -> None:
        """How many files or blocks it sends at once."""
        if workers != self._workers:
            self._workers = workers
            self.say(Say.WORKERS, workers)

    def put(self, tasks: Sequence[FileTask]) -> int:
        """Gives it files, together.

        Result: how many it took of them, in order: those after a large one stay, for they may be another's. 0: the
        process has ended.
        """
        number = 0
        with self._lock:
            if self._gone:
                return 0
            before = self._given_bytes
            for task in tasks:
                self._given[task.entry.file_id] = task
                self._given_bytes += task.entry.size_bytes
                number += 1
                if self._given_bytes - before >= _BATCH_BYTES:
                    break
        self.say(Say.FILES, [pack_task(task) for task in tasks[:number]])
        return number

    def end(self) -> None:
        """Lets it finish what it is at and end; `join` waits for that."""
        self._ending = True
        self.say(Say.END)

    def join(self, seconds: float = _END_SECONDS) -> None:
        """Waits for its end; one that does not come by then is killed: it holds nothing that could be lost."""
        # Its pipe ends when it does, which is told at once; waiting for a process by itself is looking again and again.
        self._reader.join(seconds)
        if self._reader.is_alive():
            log.warning("lane %s did not end in time and is killed", self.name)
            self._process.kill()
            self._reader.join()
        self._process.wait()
        self._close_pipes()

    def _close_pipes(self) -> None:
        for stream in (self._input, self._output):
            try:
                stream.close()
            except OSError:
                log.debug("lane %s left its pipe full", self.name)

    # The reading thread

    def _read(self) -> None:
        try:
            for kind, *values in read_frames(self._output):
                self._hear(kind, values)
        except Exception:
            log.exception("lane %s cannot be understood and is ended", self.name)
            self._process.kill()
        with self._lock:
            # From here on nobody hears of what it is given.
            self._gone = True
            left = list(self._given.values())
            self._given.clear()
            self._given_bytes = 0
        if not self._ending:
            self._events.crashed(self, left)
            # Nobody joins a lane that ended by itself.
            self._process.wait()
            self._close_pipes()
        self._events.room()

    def _hear(self, kind: str, values: list[Any]) -> None:
        events = self._events
        if kind == Say.DONE.value:
            self._take_done(*values)
        elif kind == Say.COMMITTED.value:
            self._take_commits(*values)
        elif kind == Say.LEFT.value:
            self._take_back(values[0])
        elif kind == Say.METER.value:
            readings, outage = values
            host_since_reason = None if outage is None else _outage(*outage)
            events.metered(self.name, Readings(*readings), host_since_reason)
        elif kind == Say.ASK_LEASE.value:
            events.ask_lease(self, values[0])
        elif kind == Say.REFUSED.value:
            events.refused(*values)
        elif kind == Say.PARSED.value:
            number, blobs, marker = values
            read = None if blobs is None else BlobPage([TargetBlob._make(blob) for blob in blobs], marker)
            events.parsed(number, read)
        elif kind == Say.FATAL.value:
            events.fatal(*values)
        elif kind == Say.LOG.value:
            name, level, text = values
            logging.getLogger(name).log(level, "%s", text, extra={"job_id": self._job_id})
        elif kind == Say.READY.value:
            self.ready.set()

    def _take_done(self, packed: list[Frame], retries: int) -> None:
        if retries:
            self._events.retried(retries)
        for one in packed:
            file_id, verdict = unpack_verdict(one)
            task = self._take_back(file_id)
            if task is not None:
                self._events.done(task, verdict)
        self._events.room()

    def _take_commits(self, packed: list[Frame]) -> None:
        commits = [Commit._make(one) for one in packed]
        with self._lock:
            given = self._given
            known = [commit for commit in commits if given.pop(commit.file_id, None) is not None]
            self._given_bytes -= sum(commit.size_bytes for commit in known)
        self._events.committed(known)
        self._events.room()

    def _take_back(self, file_id: int) -> FileTask | None:
        with self._lock:
            task = self._given.pop(file_id, None)
            if task is not None:
                self._given_bytes -= task.entry.size_bytes
        return task


def _environment() -> dict[str, str]:
    """The lane imports what this process imports, however this one found it."""
    known = [entry for entry in sys.path if entry and os.path.isdir(entry)]  # noqa: PTH112 - as the import system sees it
    return {**_MEMORY, **os.environ, "PYTHONPATH": os.pathsep.join(known), "PYTHONUNBUFFERED": "1"}


_MEMORY = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "1048576"}
"""For glibc: blocks of many threads come from one place and go back to the system at once. Left alone, each thread's
own arena keeps what it has freed, and a lane holds several times what the job's memory limit allows."""


def _outage(host: str, since: float, reason: str) -> Outage:
    return Outage(host, datetime.fromtimestamp(since, UTC), reason)
