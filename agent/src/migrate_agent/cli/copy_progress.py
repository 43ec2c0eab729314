"""How far `migrate-agent copy` is, on standard error while it runs.

Nouns: *sent* files are those that had to be sent, *skipped* ones needed nothing (unchanged, left out, unsupported):
percent and time left are of what has to be sent, and there is no percent before everything has been found.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from types import TracebackType

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from migrate_agent.cli.output import note, printable
from migrate_agent.cli.quantities import duration, percent, rates, size
from migrate_agent.engine_results import Snapshot
from migrate_agent.transfer.progress import CopiedShare, copied_share
from migrate_contract.jobs import WaitReason

_PLAIN_SECONDS = 30.0


def share_of(snapshot: Snapshot) -> CopiedShare:
    """Result: how much of what has to be sent is sent."""
    return copied_share(snapshot.files, snapshot.bytes, snapshot.staged_bytes, scan_complete=snapshot.scan_complete)


def how_far(snapshot: Snapshot) -> str:
    """Result: files and bytes: "38%, 1,200 of 3,400 files sent, 3.1 GiB of 8.2 GiB; 8,000 skipped"."""
    share = share_of(snapshot)
    if share.fraction is None:
        found = f"{snapshot.files.scanned:,} files, {size(snapshot.bytes.scanned)} found so far"
        text = f"{found}; {share.sent_files:,} sent, {size(share.sent_bytes)}" if share.sent_files else found
    elif not share.to_send_files:
        text = "nothing to send"
    else:
        files = f"{share.sent_files:,} of {share.to_send_files:,} files sent"
        text = f"{percent(share.fraction)}, {files}, {size(share.sent_bytes)} of {size(share.to_send_bytes)}"
    return f"{text}; {share.skipped_files:,} skipped" if share.skipped_files else text


def how_fast(snapshot: Snapshot) -> str:
    """Result: rates, the time left, and what would help or what is waited for."""
    parts = [rates(snapshot.speed_bytes_per_second, snapshot.average_bytes_per_second)]
    if snapshot.eta_seconds is not None:
        parts.append(f"{duration(snapshot.eta_seconds)} left")
    text = ", ".join(filter(None, parts))
    waits = snapshot.waiting.reason is not WaitReason.NONE
    why = snapshot.advice or (snapshot.waiting.detail if waits else "")
    return f"{text} ({printable(why)})" if text and why else text or printable(why)


class _TwoLines(Progress):
    """The bar, and below it what has no room beside it."""

    below = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        yield Text(self.below, style="dim")


class CopyProgress:
    """A bar where a person watches, a line now and then where standard error is a file."""

    def __init__(self, *, console: Console | None = None, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._console = console or (Console(stderr=True) if sys.stderr.isatty() else None)
        self._monotonic = monotonic
        self._bar: _TwoLines | None = None
        self._task: TaskID | None = None
        self._told_at = monotonic()
        self._connected = True

    def __enter__(self) -> CopyProgress:
        if self._console is not None:
            self._bar = _TwoLines(
                TextColumn("{task.description}"),
                BarColumn(bar_width=20),
                TextColumn("{task.fields[numbers]}", markup=False),
                TimeElapsedColumn(),
                console=self._console,
                transient=True,
            )
            self._task = self._bar.add_task("scanning", total=None, numbers="")
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, snapshot: Snapshot) -> None:
        """How far it is."""
        if self._bar is not None and self._task is not None:
            fraction = share_of(snapshot).fraction
            self._bar.below = how_fast(snapshot)
            self._bar.update(
                self._task,
                description=snapshot.phase.value,
                total=None if fraction is None else 1.0,
                completed=fraction or 0.0,
                numbers=how_far(snapshot),
            )
            return
        waiting = snapshot.waiting
        lost = waiting.reason is WaitReason.NO_CONNECTION and bool(waiting.detail)
        news, self._connected = lost and self._connected, not lost
        if news or self._monotonic() - self._told_at >= _PLAIN_SECONDS:
            self._told_at = self._monotonic()
            note(f"{snapshot.phase.value}: {', '.join(filter(None, (how_far(snapshot), how_fast(snapshot))))}")
