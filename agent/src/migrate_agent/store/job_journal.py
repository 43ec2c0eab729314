"""One attempt's files, counters and ledger, on the disk.

Verdicts are collected in memory and written in batches: files, counters and ledger rows of one verdict always go into
the same transaction, so a crash at any moment neither loses a row nor counts a file twice. What `counters` and
`ledger_rows` return is on the disk already.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from migrate_agent.store.entries import (
    Counters,
)
from migrate_contract.jobs import FileFault, LedgerRow

_LONGEST_PATH = 8192
_LONGEST_SHOWN = 4096
_LONGEST_DETAIL = 2000


class JobJournal:
    """The journal of one attempt. Safe for all threads.

    Every method that writes may raise Retryable(disk-full): nothing is lost then, and the same call (or `flush`) may be
    repeated once there is room.
    """

    def __init__(self, path: Path, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Opens or makes the file. What a previous process left in RETRY is pending again."""
        raise NotImplementedError

    @property
    def closed(self) -> bool:
        """Result: whether `close` was called."""
        raise NotImplementedError

    def close(self) -> None:
        """Flushes and closes the file."""
        raise NotImplementedError

    # For the reporter

    def counters(self) -> Counters:
        """Result: the counts as they are on the disk; cheap."""
        raise NotImplementedError

    @property
    def scan_complete(self) -> bool:
        """Result: whether every file of the source is in the journal."""
        raise NotImplementedError

    @property
    def shipped_row(self) -> int:
        """Result: the last ledger row that the control plane has confirmed; 0 at first."""
        raise NotImplementedError

    @property
    def last_row(self) -> int:
        """Result: the last ledger row on the disk; 0 at first."""
        raise NotImplementedError

    def ledger_rows(self, first: int, limit: int) -> list[LedgerRow]:
        """Result: rows from `first` (1 or more) on, at most `limit`, in order, without gaps."""
        raise NotImplementedError

    def mark_shipped(self, row: int) -> None:
        """The control plane holds every row up to `row`."""
        raise NotImplementedError

    def recent_faults(self, limit: int = 20) -> list[FileFault]:
        """Result: the newest failed files, newest first."""
        raise NotImplementedError
