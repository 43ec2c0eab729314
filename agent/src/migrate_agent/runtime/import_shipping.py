"""Sends an import's log to the control plane in chunks, from where the server wants it, and its report once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from migrate_agent.store.import_entries import REPORT
from migrate_agent.store.import_journal import ImportJournal
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.jobs import LedgerAnswer
from migrate_contract.rockrms import (
    MAX_LOG_ROWS,
    MAX_REPORT_BODY_BYTES,
    ImportLogChunk,
    ImportLogRow,
    ImportReport,
)

_SHIPPED = "report_shipped"
_CHUNK_BYTES = MAX_REPORT_BODY_BYTES - 64 * 1024
_READ_ROWS = 1_000
_STANDSTILLS = 3


def ship_log(
    journal: ImportJournal,
    attempt: int,
    post: Callable[[ImportLogChunk], LedgerAnswer],
    *,
    at_least: int = 1,
    go_on: Callable[[], bool] = lambda: True,
) -> bool:
    """Result: True where the server holds every row that is on the disk.

    False where fewer than `at_least` wait, or `go_on` said no. Raises what `post` raises, and Fatal(request-invalid)
    where the server asks for the same row again and again.
    """
    standstills = 0
    while (waiting := journal.last_row - journal.shipped_row) > 0:
        if waiting < at_least or not go_on():
            return False
        first = journal.shipped_row + 1
        answer = post(ImportLogChunk(attempt=attempt, rows=_next_rows(journal, first)))
        standstills = standstills + 1 if answer.next_row <= first else 0
        if standstills >= _STANDSTILLS:
            raise Fatal(
                ErrorCode.REQUEST_INVALID, f"the control plane asks for import log row {answer.next_row} repeatedly"
            )
        journal.mark_shipped(min(max(answer.next_row, 1) - 1, journal.last_row))
    return True


def _next_rows(journal: ImportJournal, first: int) -> list[ImportLogRow]:
    """Result: consecutive rows from `first` on that fit into one body; at least one."""
    rows: list[ImportLogRow] = []
    size = 0
    while len(rows) < MAX_LOG_ROWS and (found := journal.log_rows(first + len(rows), _READ_ROWS)):
        for row in found:
            size += len(row.model_dump_json(exclude_defaults=True).encode()) + 1
            if rows and (size > _CHUNK_BYTES or len(rows) >= MAX_LOG_ROWS):
                return rows
            rows.append(row)
    return rows


def ship_report(journal: ImportJournal, post: Callable[[ImportReport], object]) -> None:
    """The newest report of the attempt is over there. Raises what `post` raises."""
    text = journal.kept(REPORT)
    if text is None:
        return
    name = hashlib.sha256(text.encode()).hexdigest()
    if journal.kept(_SHIPPED) != name:
        post(ImportReport.model_validate_json(text))
        journal.keep(_SHIPPED, name)
