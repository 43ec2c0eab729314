"""Limits wrong registration codes per address: ten in fifteen minutes (product page, Limits).

An address is kept as a keyed hash only, for one window.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from functions.domain import rows
from functions.domain.keys import keyed_hash
from functions.domain.limits import Limits
from functions.domain.ports import Clock, Row, RowChanged, RowExists, RowMissing, Tables
from migrate_contract.errors import ErrorCode, Retryable

TABLE = "throttles"
ROW = "register"
_TRIES = 10


class Throttle:
    """Counts. A concurrent count may be lost after several conflicts, never refused for it."""

    def __init__(self, tables: Tables, clock: Clock, limits: Limits, key: bytes) -> None:
        self._tables = tables
        self._clock = clock
        self._limits = limits
        self._key = key

    def check(self, address: str) -> None:
        """Raises Retryable(registration-throttled) with the seconds to wait."""
        row = self._tables.get(TABLE, self._partition(address), ROW)
        until = self._until(row)
        now = self._clock()
        if row is None or until is None or now >= until or rows.number(row, "count") < self._limits.code_tries:
            return
        raise Retryable(
            ErrorCode.REGISTRATION_THROTTLED,
            f"{self._limits.code_tries} wrong codes came from this address.",
            retry_after_seconds=(until - now).total_seconds(),
        )

    def count(self, address: str) -> None:
        """One more wrong code from this address."""
        partition = self._partition(address)
        for _ in range(_TRIES):
            row = self._tables.get(TABLE, partition, ROW)
            now, until = self._clock(), self._until(row)
            try:
                if row is None:
                    self._tables.insert(TABLE, partition, ROW, {"since": now, "count": 1})
                elif until is None or now >= until:
                    self._tables.replace(TABLE, partition, ROW, {"since": now, "count": 1}, row.etag)
                else:
                    counted = {"count": rows.number(row, "count") + 1}
                    self._tables.merge(TABLE, partition, ROW, counted, row.etag)
            except (RowExists, RowChanged, RowMissing):
                continue
            return

    def _until(self, row: Row | None) -> datetime | None:
        since = rows.moment(row, "since") if row else None
        return since + timedelta(seconds=self._limits.code_tries_window_seconds) if since else None

    def _partition(self, address: str) -> str:
        return keyed_hash(self._key, address)
