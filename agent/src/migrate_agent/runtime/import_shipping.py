"""Sends an import's log to the control plane in chunks, from where the server wants it, and its report once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from migrate_agent.runtime.chunk_shipping import fitting, ship
from migrate_agent.store.import_entries import REPORT
from migrate_agent.store.import_journal import ImportJournal
from migrate_contract.jobs import LedgerAnswer
from migrate_contract.rockrms import (
    MAX_LOG_ROWS,
    MAX_REPORT_BODY_BYTES,
    ImportLogChunk,
    ImportReport,
)

_SHIPPED = "report_shipped"
_CHUNK_BYTES = MAX_REPORT_BODY_BYTES - 64 * 1024
_READ_ROWS = 1_000


def ship_log(
    journal: ImportJournal,
    attempt: int,
    post: Callable[[ImportLogChunk], LedgerAnswer],
    *,
    at_least: int = 1,
    go_on: Callable[[], bool] = lambda: True,
) -> bool:
    """Result: as of `ship`; raises what it and `post` raise."""

    def send(first: int) -> LedgerAnswer:
        rows = fitting(journal.log_rows, first, at_once=_READ_ROWS, most_rows=MAX_LOG_ROWS, most_bytes=_CHUNK_BYTES)
        return post(ImportLogChunk(attempt=attempt, rows=rows))

    return ship(journal, send, what="import log", at_least=at_least, go_on=go_on)


def ship_report(journal: ImportJournal, post: Callable[[ImportReport], object]) -> None:
    """The newest report of the attempt is over there. Raises what `post` raises."""
    text = journal.kept(REPORT)
    if text is None:
        return
    name = hashlib.sha256(text.encode()).hexdigest()
    if journal.kept(_SHIPPED) != name:
        post(ImportReport.model_validate_json(text))
        journal.keep(_SHIPPED, name)
