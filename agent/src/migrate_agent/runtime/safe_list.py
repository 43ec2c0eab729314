"""The list of source files that are safe to delete, as `migrate-agent copy` writes it when the copy has ended.

A file is on it if its copy was verified `stored` or better and, looked at just then, the file still has the size and
time that were copied. CSV with the columns of the control plane's list; paths are relative to the source.
"""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from migrate_agent.store.ledger import moment
from migrate_agent.transfer.source import stat_file
from migrate_contract.errors import SkipRecord
from migrate_contract.jobs import Bucket, LedgerRow, Verification

COLUMNS = ("path", "size_bytes", "mtime", "md5", "verification", "access_tier", "checked_at")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is run by spreadsheets."""


class SafeList:
    """Takes ledger rows and writes those that qualify; with no stream it writes and looks at nothing."""

    def __init__(self, stream: IO[str] | None, source: Path, *, follow: bool) -> None:
        self._source, self._follow = str(source), follow
        self._writer = csv.writer(stream, lineterminator="\n") if stream is not None else None
        self.files = 0
        """How many are on the list."""
        if self._writer is not None:
            self._writer.writerow(COLUMNS)

    def add(self, row: LedgerRow) -> None:
        """Writes the row's file if it is safe to delete."""
        if self._writer is None or not is_verified(row) or not self._is_unchanged(row):
            return
        path = f"./{row.path}" if row.path.startswith(_FORMULA) else row.path
        assert row.verification is not None
        assert row.mtime is not None
        self._writer.writerow(
            [
                path,
                row.size_bytes,
                row.mtime.isoformat(),
                row.md5 or "",
                row.verification.value,
                row.access_tier.value if row.access_tier else "",
                datetime.now(UTC).isoformat(),
            ]
        )
        self.files += 1

    def _is_unchanged(self, row: LedgerRow) -> bool:
        try:
            state = stat_file(self._source, row.path, follow=self._follow)
        except SkipRecord:
            return False
        return row.mtime is not None and (state.size_bytes, moment(state.storable_mtime_ns)) == (
            row.size_bytes,
            row.mtime,
        )


def is_verified(row: LedgerRow) -> bool:
    """Result: whether the destination is known to hold the file."""
    held = row.bucket in (Bucket.TRANSFERRED, Bucket.UNCHANGED)
    return held and row.verification in (Verification.STORED, Verification.READBACK)
