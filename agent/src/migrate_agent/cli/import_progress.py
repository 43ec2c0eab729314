"""How far `migrate-agent rockrms import` is, on standard error while it runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table

from migrate_agent.cli.output import note, printable
from migrate_agent.cli.quantities import duration
from migrate_agent.engine_results import Snapshot
from migrate_contract.jobs import WaitReason
from migrate_contract.rockrms import EntityProgress

_PLAIN_SECONDS = 30.0
_COLUMNS = ("in scope", "imported", "updated", "unchanged", "skipped", "errored", "pending")


def entity_lines(entities: Sequence[EntityProgress]) -> list[str]:
    """Result: the counts of each entity as lines of a table."""
    head = f"{'':16}" + "".join(f"{name:>12}" for name in _COLUMNS)
    return [head, *(f"{found.entity.value:16}" + "".join(f"{n:>12,}" for n in _numbers(found)) for found in entities)]


def _numbers(found: EntityProgress) -> tuple[int, ...]:
    return (
        found.in_scope,
        found.imported,
        found.updated,
        found.unchanged,
        found.skipped,
        found.errored,
        found.pending,
    )


def in_one_line(snapshot: Snapshot) -> str:
    """Result: "running: 120,000 of 480,000 records, 9,800 a second, 40 s left"."""
    scope = sum(found.in_scope for found in snapshot.entities)
    left = sum(found.pending for found in snapshot.entities)
    parts = [f"{scope - left:,} of {scope:,} records"]
    if snapshot.records_per_second >= 1:
        parts.append(f"{snapshot.records_per_second:,.0f} a second")
    if snapshot.eta_seconds is not None:
        parts.append(f"{duration(snapshot.eta_seconds)} left")
    if snapshot.waiting.reason is not WaitReason.NONE and snapshot.waiting.detail:
        parts.append(printable(snapshot.waiting.detail))
    return f"{snapshot.phase.value}: {', '.join(parts)}"


class ImportProgress:
    """A table where a person watches, a line now and then where standard error is a file."""

    def __init__(self, *, console: Console | None = None, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._console = console or (Console(stderr=True) if sys.stderr.isatty() else None)
        self._monotonic = monotonic
        self._live: Live | None = None
        self._told_at = monotonic()
        self._waits = False

    def __enter__(self) -> ImportProgress:
        if self._console is not None:
            self._live = Live(console=self._console, transient=True, refresh_per_second=4)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, snapshot: Snapshot) -> None:
        """How far it is."""
        if self._live is not None:
            self._live.update(_table(snapshot))
            return
        waits = snapshot.waiting.reason is not WaitReason.NONE
        news, self._waits = waits and not self._waits, waits
        if news or self._monotonic() - self._told_at >= _PLAIN_SECONDS:
            self._told_at = self._monotonic()
            note(in_one_line(snapshot))


def _table(snapshot: Snapshot) -> Table:
    table = Table(caption=in_one_line(snapshot), caption_justify="left", box=None, pad_edge=False)
    table.add_column("")
    for name in _COLUMNS:
        table.add_column(name, justify="right")
    for found in snapshot.entities:
        table.add_row(found.entity.value, *(f"{number:,}" for number in _numbers(found)))
    return table
