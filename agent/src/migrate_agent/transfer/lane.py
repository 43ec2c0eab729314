"""A lane: a process of its own in which a crew works, because one interpreter runs on one core only.

Started by the engine (transfer/lane_process.py) as `python -m migrate_agent.transfer.lane`; it speaks frames over its
standard input and output and holds no state that a crash could lose: the journal is the engine's. It ends when its
input ends, so a lane never outlives its engine, however that ends. Signals are the engine's to hear.
"""

from __future__ import annotations

import contextlib
import logging
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from migrate_agent.network import Network
from migrate_agent.stop import StopKind, StopSignal
from migrate_agent.store.entries import Commit, Verdict
from migrate_agent.transfer.blob_xml import parse_page
from migrate_agent.transfer.content_check import fastest_check
from migrate_agent.transfer.crew import Crew, CrewParts, Means
from migrate_agent.transfer.file_copy import FileTask
from migrate_agent.transfer.lane_wire import Frame, FrameWriter, Say, pack_verdict, read_frames, unpack_task
from migrate_agent.transfer.meter import Meter
from migrate_agent.transfer.pace import LeasePace
from migrate_agent.transfer.results import EngineSettings
from migrate_agent.transfer.sizing import Sizes
from migrate_contract.errors import ErrorCode, Fatal, MigrateError
from migrate_contract.jobs import Grant, JobSpec

log = logging.getLogger(__name__)
_REPORT_SECONDS = 0.02
_METER_SECONDS = 0.05
_MOST_UNREPORTED = 64
_LOOK_SECONDS = 0.25


class LaneAccess:
    """A GrantSource (transfer/access.py): grants come from the engine, which alone can ask for them."""

    def __init__(self, writer: FrameWriter, stop: StopSignal) -> None:
        self._writer, self._stop = writer, stop
        self._changed = threading.Condition()
        self._grant: Grant | None = None
        self._failure: Fatal | None = None

    def bring(self, grant: Grant) -> None:
        """The engine has a grant that is newer than the last one."""
        with self._changed:
            self._grant = grant
            self._changed.notify_all()

    def fail(self, failure: Fatal) -> None:
        """There will be none."""
        with self._changed:
            self._failure = failure
            self._changed.notify_all()

    def current(self) -> Grant:
        """Result: the newest grant; waits for one. Raises StopRequested, Fatal."""
        grant = self._grant
        if grant is not None:
            return grant
        with self._changed:
            while self._grant is None:
                if self._failure is not None:
                    raise self._failure
                self._stop.raise_if_requested()
                self._changed.wait(_LOOK_SECONDS)
            return self._grant

    def renew(self, refused: Grant, reason: str) -> None:
        """The first report of a grant goes to the engine."""
        with self._changed:
            if self._grant is not refused:
                return
            self._grant = None
        self._writer.send(Say.REFUSED, refused.sas_token, reason)


class _Records(logging.Handler):
    """Sends what the lane logs to the engine's process, whose handlers redact and write it."""

    def __init__(self, writer: FrameWriter) -> None:
        super().__init__()
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        with contextlib.suppress(OSError, ValueError):  # the engine is gone, and so is who would read it
            self._writer.send(Say.LOG, record.name, record.levelno, text)


class Lane:
    """One lane's life, from its set-up to its end."""

    def __init__(self, setup: dict[str, Any], writer: FrameWriter) -> None:
        self._writer = writer
        self._stop = StopSignal()
        self._access = LaneAccess(writer, self._stop)
        self._meter = Meter()
        self._pace = LeasePace(lambda size: writer.send(Say.ASK_LEASE, size), self._meter, self._stop)
        self._retries = 0
        self._unreported: list[Frame] = []
        self._unreported_commits: list[Frame] = []
        self._report_lock = threading.Lock()
        self._report_due = threading.Event()
        self._told_end, self._ended = threading.Event(), threading.Event()
        means = Means(
            access=self._access,
            network=_network(setup["network"]),
            pace=self._pace,
            meter=self._meter,
            stop=self._stop,
            check=fastest_check(),
            clock=lambda: datetime.now(UTC),
            monotonic=time.monotonic,
            chance=random.random,
            on_retry=self._count_retry,
        )
        self._sizes = Sizes(setup["block_bytes"], setup["single_put_bytes"])
        parts = CrewParts(
            JobSpec.model_validate_json(setup["spec"]),
            EngineSettings(**setup["settings"]),
            means,
            sizes=self._sizes,
            memory_bytes=setup["memory_bytes"],
        )
        parts.device = setup["device"]
        self._parts = parts
        self._crew = Crew(
            parts,
            on_verdict=self._verdict,
            on_fatal=self._fatal,
            on_left=self._left,
            on_commits=self._commits,
        )
        self._hear: dict[str, Callable[..., None]] = {
            Say.FILES.value: self._files,
            Say.GRANT.value: self._grant,
            Say.NO_GRANT.value: self._no_grant,
            Say.STOP.value: lambda kind: self._stop.request(StopKind(kind)),
            Say.ABORT.value: parts.abort,
            Say.WORKERS.value: self._crew.set_workers,
            Say.PACE.value: self._pace.set_rate,
            Say.LEASE.value: self._pace.grant,
            Say.SIZES.value: self._set_block_bytes,
            Say.PARSE.value: self._parse,
        }

    def run(self, stream: BinaryIO) -> None:
        """Works until the engine says END; ends the process where the engine is gone."""
        for target, values in ((self._report_on, ()), (self._listen, (stream,))):
            threading.Thread(target=target, args=values, daemon=True).start()
        self._writer.send(Say.READY, os.getpid())
        self._told_end.wait()
        # What is begun is finished, and for that grants, leases and a stop must still be heard.
        self._crew.close()
        self._ended.set()
        self._report()
        self._report_meter()
        self._parts.close()

    def _listen(self, stream: BinaryIO) -> None:
        try:
            for kind, *values in read_frames(stream):
                if kind == Say.END.value:
                    self._told_end.set()
                else:
                    self._hear[kind](*values)
        except Exception:
            log.exception("the lane cannot do what it was told, and ends")
        finally:
            # Whoever could take the results is gone: what is half sent must not be committed any more.
            os._exit(1)

    # What the engine says

    def _files(self, packed: list[Frame]) -> None:
        self._crew.put_all([unpack_task(one) for one in packed])

    def _grant(self, url: str, token: str, seconds_left: float, renew_in: float) -> None:
        self._access.bring(
            Grant(container_url=url, sas_token=token, seconds_left=seconds_left, renew_in_seconds=renew_in)
        )

    def _no_grant(self, code: str, detail: str) -> None:
        self._access.fail(Fatal(ErrorCode(code), detail))

    def _set_block_bytes(self, block_bytes: int) -> None:
        self._sizes.block_bytes = block_bytes

    def _parse(self, number: int, body: bytes, times: bool) -> None:
        try:
            page = parse_page(body, times=times)
        except MigrateError as error:
            # What is wrong with it is said where it was fetched.
            log.debug("a page of a listing cannot be read: %s", error.detail)
            self._writer.send(Say.PARSED, number, None, "")
            return
        self._writer.send(Say.PARSED, number, [tuple(blob) for blob in page.blobs], page.marker)

    # What the workers say

    def _count_retry(self) -> None:
        with self._report_lock:
            self._retries += 1

    def _verdict(self, task: FileTask, verdict: Verdict) -> None:
        packed = pack_verdict(task.entry.file_id, verdict)
        with self._report_lock:
            self._unreported.append(packed)
            due = len(self._unreported) == _MOST_UNREPORTED
        if due:
            self._report_due.set()

    def _commits(self, commits: Sequence[Commit]) -> None:
        with self._report_lock:
            self._unreported_commits += [tuple(commit) for commit in commits]
            due = len(self._unreported_commits) >= _MOST_UNREPORTED
        if due:
            self._report()

    def _left(self, task: FileTask) -> None:
        self._writer.send(Say.LEFT, task.entry.file_id)

    def _fatal(self, error: Fatal) -> None:
        self._report()
        self._writer.send(Say.FATAL, error.code.value, error.detail)

    def _report_on(self) -> None:
        metered = 0.0
        while not self._ended.is_set():
            self._report_due.wait(_REPORT_SECONDS)
            self._report_due.clear()
            self._report()
            now = time.monotonic()
            if now - metered >= _METER_SECONDS:
                metered = now
                self._report_meter()

    def _report(self) -> None:
        with self._report_lock:
            done, self._unreported = self._unreported, []
            commits, self._unreported_commits = self._unreported_commits, []
            retries, self._retries = self._retries, 0
        if done or retries:
            self._writer.send(Say.DONE, done, retries)
        if commits:
            self._writer.send(Say.COMMITTED, commits)

    def _report_meter(self) -> None:
        found = self._meter.readings()
        outage = self._parts.connectivity.outage
        said = None if outage is None else (outage.host, outage.since.timestamp(), outage.reason)
        self._writer.send(Say.METER, astuple(found), said)


def _network(values: dict[str, Any]) -> Network:
    ca_file = values.pop("ca_file")
    return Network(ca_file=Path(ca_file) if ca_file else None, **values)


def main() -> None:
    """Speaks with the engine until either ends."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    stream, output = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # A stray print must not fall between the frames.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    writer = FrameWriter(output)
    logging.basicConfig(handlers=[_Records(writer)], format="%(message)s", level=logging.INFO, force=True)
    try:
        first = next(read_frames(stream), None)
        if first is None or first[0] != Say.SETUP.value:
            return
        logging.getLogger().setLevel(first[1]["log_level"])
        Lane(first[1], writer).run(stream)
    except BrokenPipeError:
        os._exit(1)  # the engine is gone
    # Without the interpreter's own end: it would wait for the thread that reads what nobody says any more.
    os._exit(0)


if __name__ == "__main__":
    main()
