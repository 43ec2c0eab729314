"""One statement: which rows it is about, its values by name, and the forms in which an entity is asked for.

A statement names its values (`:after`); `compiled` gives what the driver takes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from migrate_agent.rockrms.source.scope import among

_NAMED = re.compile(r":([a-z][a-z0-9_]*)")


@dataclass(frozen=True, slots=True)
class Range:
    """Which rows: those with after < key <= up_to, or those of `ids`."""

    after: int = 0
    up_to: int = 0
    ids: Sequence[int] | None = None

    def on(self, key: str) -> str:
        """Result: the condition on a key."""
        return f"{key} > :after AND {key} <= :up_to" if self.ids is None else among(key, self.ids)


def compiled(sql: str, values: Mapping[str, object]) -> tuple[str, list[object]]:
    """Result: the statement with `?` for each named value, and the values in their order."""
    names = _NAMED.findall(sql)
    return _NAMED.sub("?", sql), [values[name] for name in names]


@dataclass(frozen=True, slots=True)
class EntityStatement:
    """What is read of one entity."""

    table: str
    key: str
    columns: tuple[str, ...]
    source: str
    """FROM and joins for the columns."""
    scope_source: str
    """FROM and joins for the condition alone."""
    scope: str
    page_rows: int
    long_texts: tuple[int, ...] = ()
    """Positions of nvarchar(max) columns."""

    def page(self, rows: Range, *, as_bytes: bool = False) -> str:
        """Result: the statement of one page; `as_bytes`: long texts as the bytes of their UTF-16."""
        columns = list(self.columns)
        for position in self.long_texts if as_bytes else ():
            columns[position] = f"CAST({columns[position]} AS varbinary(max))"
        top = f"TOP ({self.page_rows}) " if rows.ids is None else ""
        return (
            f"SELECT {top}{', '.join(columns)} FROM {self.source} WHERE {rows.on(self.key)} AND {self.scope}"
            f" ORDER BY {self.key}"
        )

    def ids(self, rows: Range, count: int, condition: str = "") -> str:
        """Result: the statement of the ids alone."""
        also = f" AND {condition}" if condition else ""
        return (
            f"SELECT TOP ({count}) {self.key} FROM {self.scope_source} WHERE {rows.on(self.key)} AND {self.scope}{also}"
            f" ORDER BY {self.key}"
        )

    def count(self) -> str:
        """Result: the statement that counts up to `:up_to`."""
        return f"SELECT COUNT(*) FROM {self.scope_source} WHERE {self.key} <= :up_to AND {self.scope}"

    def high_water(self) -> str:
        """Result: the statement of the greatest id, in scope or not."""
        return f"SELECT MAX(Id) FROM {self.table}"
