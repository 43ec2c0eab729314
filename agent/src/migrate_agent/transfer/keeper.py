"""Keeps the journal written: verdicts in batches, and patience where its disk is full."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from migrate_agent.stop import StopSignal
from migrate_agent.store.entries import Commit, Verdict
from migrate_agent.store.job_journal import JobJournal
from migrate_agent.transfer.meter import Meter
from migrate_contract.errors import ErrorCode, Retryable
from migrate_contract.jobs import WaitReason

_LOOK_SECONDS = 0.2
_FULL_DISK_SECONDS = 1.0
_MOST_BUFFERED = 5000
"""Verdicts that may wait for a full disk before the workers wait with them."""


class JournalKeeper:
    """Shared by all threads of an engine."""

    def __init__(self, journal: JobJournal, stop: StopSignal, meter: Meter) -> None:
        self._journal, self._stop, self._meter = journal, stop, meter
        self.disk_full: str | None = None
        """Why nothing can be written, while that is so."""

    def record(self, file_id: int, verdict: Verdict) -> None:
        """Takes a verdict; waits while too many are not on the disk."""
        self._journal.record(file_id, verdict)
        self._wait_for_room()

    def record_commits(self, commits: Sequence[Commit]) -> None:
        """Takes commits; waits while too many are not on the disk."""
        self._journal.record_commits(commits)
        self._wait_for_room()

    def _wait_for_room(self) -> None:
        while self._journal.buffered > _MOST_BUFFERED and not self._stop.wait(_LOOK_SECONDS):
            continue

    def flush(self) -> None:
        """Writes what there is. A full disk is remembered, not raised. Raises Fatal(journal-unreadable)."""
        try:
            self._journal.flush()
        except Retryable as full:
            self.disk_full = full.detail
        else:
            self.disk_full = None

    def persist(self, write: Callable[[], None]) -> None:
        """Runs a write of the journal, again and again while the disk is full. Raises StopRequested."""
        while True:
            try:
                write()
            except Retryable as full:
                if full.code is not ErrorCode.DISK_FULL:
                    raise
                self.disk_full = full.detail
                with self._meter.during(WaitReason.DISK):
                    if self._stop.wait(_FULL_DISK_SECONDS):
                        self._stop.raise_if_requested()
            else:
                self.disk_full = None
                return
