"""The tables as one organization sees them: partition keys are built here, so that no other one can be named.

Every service that acts for a caller works through this view. Rows of tables whose partitions are not organizations
(codes, members) are found by their `organization` column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from functions.domain.ports import Condition, Operation, PageTokenRefused, Row, RowPage, Tables, Value
from migrate_contract.errors import ErrorCode, Fatal

_AFTER_SEPARATOR = "}"
"""The character after `|`: `org|` <= key < `org}` is exactly the organization's partitions."""

_BEFORE_LETTERS = "!"
"""Appended to a key: the least that comes after it, since parts are of one length and hold no such character."""


class OrganizationTables:
    """`part` is what follows the organization in the partition key; "" is the organization's own partition."""

    def __init__(self, tables: Tables, organization: str) -> None:
        self._tables = tables
        self.organization = organization

    def key(self, part: str) -> str:
        """Result: the partition key."""
        if "|" in part:
            raise ValueError("a part of a partition key holds no separator")
        return f"{self.organization}|{part}" if part else self.organization

    def get(self, table: str, part: str, rk: str) -> Row | None:
        """Result: the row, or None."""
        return self._tables.get(table, self.key(part), rk)

    def partition(self, table: str, part: str, *, prefix: str = "") -> list[Row]:
        """Result: the rows of one partition; one query."""
        return self._tables.partition(table, self.key(part), prefix=prefix)

    def page(
        self,
        table: str,
        part: str | None,
        *,
        rk_prefix: str = "",
        where: Mapping[str, Condition] | None = None,
        limit: int,
        continuation: str | None = None,
    ) -> RowPage:
        """Result: rows of one partition, or (`part` None) of all the organization's partitions."""
        low = self.key(part) if part is not None else f"{self.organization}|"
        high = low if part is not None else f"{self.organization}{_AFTER_SEPARATOR}"
        try:
            return self._tables.page(
                table,
                pk_from=low,
                pk_to=high,
                rk_prefix=rk_prefix,
                where=where,
                limit=limit,
                continuation=continuation,
            )
        except PageTokenRefused as refused:
            raise _list_changed() from refused

    def span(self, table: str, first_part: str, last_part: str, *, rk_prefix: str) -> list[Row]:
        """Result: the rows of all partitions from `first_part` to `last_part`, both included."""
        found: list[Row] = []
        continuation: str | None = None
        while True:
            page = self._tables.page(
                table,
                pk_from=self.key(first_part),
                pk_to=self.key(last_part) + _BEFORE_LETTERS,
                rk_prefix=rk_prefix,
                limit=1000,
                continuation=continuation,
            )
            found.extend(page.rows)
            continuation = page.continuation
            if continuation is None:
                return found

    def page_owned(
        self,
        table: str,
        *,
        where: Mapping[str, Condition] | None = None,
        limit: int,
        continuation: str | None = None,
    ) -> RowPage:
        """Result: rows of a table that is partitioned otherwise, whose `organization` column is this one."""
        try:
            return self._tables.page(
                table,
                where={**(where or {}), "organization": self.organization},
                limit=limit,
                continuation=continuation,
            )
        except PageTokenRefused as refused:
            raise _list_changed() from refused

    def insert(self, table: str, part: str, rk: str, values: Mapping[str, Value]) -> str:
        """Result: the new etag. Raises RowExists."""
        return self._tables.insert(table, self.key(part), rk, values)

    def merge(self, table: str, part: str, rk: str, values: Mapping[str, Value], etag: str | None) -> str:
        """Overwrites these columns. Result: the new etag. Raises RowChanged, RowMissing."""
        return self._tables.merge(table, self.key(part), rk, values, etag)

    def replace(self, table: str, part: str, rk: str, values: Mapping[str, Value], etag: str) -> str:
        """Overwrites the row. Result: the new etag. Raises RowChanged, RowMissing."""
        return self._tables.replace(table, self.key(part), rk, values, etag)

    def upsert(self, table: str, part: str, rk: str, values: Mapping[str, Value]) -> str:
        """Overwrites or inserts the row. Result: the new etag."""
        return self._tables.upsert(table, self.key(part), rk, values)

    def delete(self, table: str, part: str, rk: str, etag: str | None = None) -> None:
        """Removes the row if it is there. Raises RowChanged."""
        self._tables.delete(table, self.key(part), rk, etag)

    def transact(self, table: str, part: str, operations: Sequence[Operation]) -> None:
        """All operations or none. Raises RowChanged, RowExists, RowMissing."""
        self._tables.transact(table, self.key(part), operations)


def _list_changed() -> Fatal:
    """Result: the refusal of a continuation that the service does not take any more."""
    return Fatal(ErrorCode.REQUEST_INVALID, "continuation: too old; begin again without it")
