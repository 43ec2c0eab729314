"""Sends an attempt's ledger to the control plane in chunks below the wire's limit."""

from __future__ import annotations

from collections.abc import Callable

from migrate_agent.runtime.chunk_shipping import fitting, ship
from migrate_agent.store.job_journal import JobJournal
from migrate_contract.jobs import LedgerAnswer, LedgerChunk, LedgerRow
from migrate_contract.wire import MAX_LEDGER_BODY_BYTES

_CHUNK_BYTES = MAX_LEDGER_BODY_BYTES - 64 * 1024
_READ_ROWS = 5_000
_MOST_ROWS = 20_000

Post = Callable[[LedgerChunk], LedgerAnswer]


def ship_ledger(
    journal: JobJournal, attempt: int, post: Post, *, at_least: int = 1, go_on: Callable[[], bool] = lambda: True
) -> bool:
    """Result: as of `ship`; raises what it and `post` raise."""

    def send(first: int) -> LedgerAnswer:
        return post(LedgerChunk(attempt=attempt, rows=next_rows(journal, first)))

    return ship(journal, send, what="ledger", at_least=at_least, go_on=go_on)


def next_rows(journal: JobJournal, first: int) -> list[LedgerRow]:
    """Result: consecutive rows from `first` on that fit into one body; at least one."""
    return fitting(journal.ledger_rows, first, at_once=_READ_ROWS, most_rows=_MOST_ROWS, most_bytes=_CHUNK_BYTES)
