"""How much mail the service takes: so many a minute and an hour for the whole deployment, counted in one row.

A slot is taken before a mail is sent and never given back, so that a crash can only make us slower.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from functions.domain import rows
from functions.domain.limits import Limits
from functions.domain.ports import Clock, Row, RowChanged, RowExists, RowMissing, Tables, Value

TABLE = "mailquota"
_PK, _RK = "deployment", "sent"
_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
_TRIES = 20


class MailQuota:
    """The only writer of its row."""

    def __init__(self, tables: Tables, clock: Clock, limits: Limits) -> None:
        self._tables = tables
        self._clock = clock
        self._limits = limits

    def has_room(self) -> bool:
        """Result: whether a slot would be free now: a look that saves claims which could not be used."""
        return self._is_free(self._read())

    def take(self) -> bool:
        """Takes one slot. Result: False where none is free, or the row is fought over too long."""
        for _ in range(_TRIES):
            row = self._read()
            if not self._is_free(row):
                return False
            now = self._clock()
            recent = [at for at in _times(row) if at > now - _HOUR]
            if self._write(row, rows.long_text("times", json.dumps([at.timestamp() for at in (*recent, now)]))):
                return True
        return False

    def close(self, seconds: float) -> None:
        """The service has said that it takes nothing for so long."""
        for _ in range(_TRIES):
            row = self._read()
            until = max(self._clock() + timedelta(seconds=seconds), _closed_until(row))
            if self._write(row, {"closed_until": until}):
                return

    def _is_free(self, row: Row | None) -> bool:
        now = self._clock()
        times = _times(row)
        return (
            now >= _closed_until(row)
            and sum(at > now - _HOUR for at in times) < self._limits.mail_per_hour
            and sum(at > now - _MINUTE for at in times) < self._limits.mail_per_minute
        )

    def _read(self) -> Row | None:
        return self._tables.get(TABLE, _PK, _RK)

    def _write(self, row: Row | None, columns: dict[str, Value]) -> bool:
        """Result: False where somebody else was faster."""
        try:
            if row is None:
                self._tables.insert(TABLE, _PK, _RK, columns)
            else:
                self._tables.merge(TABLE, _PK, _RK, columns, row.etag)
        except (RowExists, RowChanged, RowMissing):
            return False
        return True


def _times(row: Row | None) -> list[datetime]:
    stored = rows.joined_text(row, "times") if row else ""
    return [datetime.fromtimestamp(at, UTC) for at in json.loads(stored or "[]")]


def _closed_until(row: Row | None) -> datetime:
    return (rows.moment(row, "closed_until") if row else None) or datetime.min.replace(tzinfo=UTC)
