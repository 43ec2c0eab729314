"""Sends an attempt's ledger to the control plane in chunks below the wire's limit, from where the server wants it."""

from __future__ import annotations

from collections.abc import Callable

from migrate_agent.store.job_journal import JobJournal
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.jobs import LedgerAnswer, LedgerChunk, LedgerRow
from migrate_contract.wire import MAX_LEDGER_BODY_BYTES

_CHUNK_BYTES = MAX_LEDGER_BODY_BYTES - 64 * 1024
_READ_ROWS = 5_000
_MOST_ROWS = 20_000
_STANDSTILLS = 3

Post = Callable[[LedgerChunk], LedgerAnswer]


def ship_ledger(
    journal: JobJournal, attempt: int, post: Post, *, at_least: int = 1, go_on: Callable[[], bool] = lambda: True
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
        answer = post(LedgerChunk(attempt=attempt, rows=next_rows(journal, first)))
        standstills = standstills + 1 if answer.next_row <= first else 0
        if standstills >= _STANDSTILLS:
            raise Fatal(
                ErrorCode.REQUEST_INVALID, f"the control plane asks for ledger row {answer.next_row} repeatedly"
            )
        journal.mark_shipped(min(max(answer.next_row, 1) - 1, journal.last_row))
    return True


def next_rows(journal: JobJournal, first: int) -> list[LedgerRow]:
    """Result: consecutive rows from `first` on that fit into one body; at least one."""
    rows: list[LedgerRow] = []
    size = 0
    while len(rows) < _MOST_ROWS:
        found = journal.ledger_rows(first + len(rows), _READ_ROWS)
        if not found:
            break
        for row in found:
            size += len(row.model_dump_json(exclude_defaults=True).encode()) + 1
            if rows and (size > _CHUNK_BYTES or len(rows) >= _MOST_ROWS):
                return rows
            rows.append(row)
    return rows
