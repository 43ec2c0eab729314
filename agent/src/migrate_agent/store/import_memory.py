"""What a project's import journal remembers of one record, during its jobs and after them. Reads only."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from migrate_agent.store.database import translated
from migrate_agent.store.import_entries import RecordStatus
from migrate_agent.store.import_log import read_log_of
from migrate_contract.rockrms import Entity, ImportLogRow

_ENTITIES = tuple(Entity)
_BUSY_SECONDS = 5.0

Found = TypeVar("Found")


class ImportMemory:
    """One project's file; it need not exist."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def status_of(self, entity: Entity, source_id: int) -> tuple[str, str, str] | None:
        """Result: status, batch key and request id, as of the last run that decided on it; None where none did."""
        query = (
            "SELECT record.status, batch.key, batch.request_id FROM record LEFT JOIN batch ON batch.id = record.batch"
            " WHERE record.entity = ? AND record.source_id = ?"
        )
        row = self._asked(
            lambda db: db.execute(query, (_ENTITIES.index(entity), source_id)).fetchone(),
            otherwise=None,
        )
        return (RecordStatus(row[0]).name.lower(), row[1] or "", row[2] or "") if row else None

    def log_of(self, entity: Entity, source_id: int) -> list[ImportLogRow]:
        """Result: its rows in the logs of runs that are not yet forgotten (the control plane has them all)."""
        return self._asked(
            lambda db: read_log_of(db, _ENTITIES, _ENTITIES.index(entity), source_id), otherwise=list[ImportLogRow]()
        )

    def _asked(self, ask: Callable[[sqlite3.Connection], Found], *, otherwise: Found) -> Found:
        if not self._path.exists():
            return otherwise
        with translated(self._path):
            db = sqlite3.connect(f"{self._path.as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS)
            try:
                return ask(db)
            finally:
                db.close()
