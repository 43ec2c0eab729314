"""Verifies one import: reads Rock's side again, asks Mission for its side, and writes down every difference by name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from migrate_agent.rockrms.reconcile.ports import JournalSide, MappedAgain, Scope, SqlReader, TargetSide
from migrate_agent.stop import StopSignal
from migrate_contract.rockrms import ImportReport


def verify(
    *,
    rock: SqlReader,
    mapped: MappedAgain,
    mission: TargetSide | None,
    journal: JournalSide,
    scope: Scope,
    workbook: Path,
    stop: StopSignal,
    now: Callable[[], datetime],
) -> ImportReport:
    """Result: the report of one attempt; `mission` None (it cannot be asked) gives evidence `acknowledged`.

    `workbook` is a file that may be written and is removed afterwards: both sides are kept there, so that memory does
    not grow with the church. Raises StopRequested, Retryable and Fatal as the two sides raise them.
    """
    raise NotImplementedError
