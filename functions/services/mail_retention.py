"""Removes mails that are old: once a day, by whichever instance is first."""

from __future__ import annotations

from datetime import datetime, timedelta

from functions.domain import rows
from functions.domain.limits import Limits
from functions.domain.mail_rows import MAILS, OPERATIONS
from functions.domain.ports import Clock, Row, RowChanged, RowExists, RowMissing, Tables
from functions.services.mail_quota import TABLE

_PK, _RK = "deployment", "tidied"
_PAGE = 1000


class MailRetention:
    """The only writer of its row; a day's scan that is cut off is done again the day after."""

    def __init__(self, tables: Tables, clock: Clock, limits: Limits) -> None:
        self._tables = tables
        self._clock = clock
        self._limits = limits

    def run(self) -> int:
        """Result: how many rows were removed; 0 where today's scan is done already, or somebody else's."""
        now = self._clock()
        if not self._is_ours(now):
            return 0
        before = now - timedelta(seconds=self._limits.mail_retention_seconds)
        return sum(self._forget(table, before) for table in (MAILS, OPERATIONS))

    def _is_ours(self, now: datetime) -> bool:
        """Result: whether this instance does today's scan."""
        row, day = self._tables.get(TABLE, _PK, _RK), now.date().isoformat()
        if row is not None and rows.text(row, "day") == day:
            return False
        try:
            if row is None:
                self._tables.insert(TABLE, _PK, _RK, {"day": day})
            else:
                self._tables.merge(TABLE, _PK, _RK, {"day": day}, row.etag)
        except (RowExists, RowChanged, RowMissing):
            return False
        return True

    def _forget(self, table: str, before: datetime) -> int:
        removed = 0
        continuation: str | None = None
        while True:
            page = self._tables.page(table, limit=_PAGE, continuation=continuation)
            for row in page.rows:
                if _written_at(row) < before:
                    self._tables.delete(table, row.pk, row.rk)
                    removed += 1
            continuation = page.continuation
            if continuation is None:
                return removed


def _written_at(row: Row) -> datetime:
    """Result: when the letter or copy was posted, or its delivery reported."""
    return rows.moment(row, "created_at") or rows.need_moment(row, "at")
