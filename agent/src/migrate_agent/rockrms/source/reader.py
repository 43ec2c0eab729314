"""The RockSource on a SQL Server: keyset pages with their parts, ids, counts, and what was modified."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from migrate_agent.rockrms.records import Page, RockFacts, Row
from migrate_agent.rockrms.source.connection import Connect, SqlConnection, UnreadableText
from migrate_agent.rockrms.source.facts import read_facts
from migrate_agent.rockrms.source.scope import Scope
from migrate_agent.rockrms.source.statements import EntityStatement, Range, Statements, compiled
from migrate_contract.rockrms import Entity, ImportSettings

MAX_REREAD = 500
_IDS_AT_ONCE = 20_000
_CHANGED_AT_ONCE = 500
_PARENT = 4
"""Position of ParentGroupId in a row of groups."""


class RockReader:
    """A RockSource (records.py). For one thread."""

    def __init__(
        self,
        connect: Connect,
        settings: ImportSettings,
        *,
        server: str,
        database: str,
        facts: RockFacts | None = None,
    ) -> None:
        """Nothing is opened yet. `facts`: those that another reader of the same attempt has read already."""
        self._server, self._database = server, database
        self._settings = settings
        self._connection = SqlConnection(connect, where=f"{server}, {database}")
        self._facts: RockFacts | None = None
        self._statements: Statements | None = None
        if facts is not None:
            self._use(facts)

    def facts(self) -> RockFacts:
        """Result: what one look tells; read once, then kept."""
        if self._facts is None:
            ask = lambda sql, values, what: self._connection.ask(sql, values, what=what)  # noqa: E731
            self._use(read_facts(ask, server=self._server, database=self._database))
        assert self._facts is not None
        return self._facts

    def high_water(self, entity: Entity) -> int:
        """Result: the greatest id of the entity's table now, 0 when it is empty."""
        statement = self._of(entity).high_water()
        return int(self._connection.ask(statement, what=f"high water of {entity.value}")[0][0] or 0)

    def modified_mark(self, entity: Entity) -> datetime | None:
        """Result: the latest ModifiedDateTime among what the entity's records are made of."""
        tables, _ = self._all().modified(entity)
        found = [
            self._connection.ask(f"SELECT MAX(m.ModifiedDateTime) FROM {table} m", what=f"changes of {table}")[0][0]
            for table in tables
        ]
        return max((each for each in found if each is not None), default=None)

    def pages(self, entity: Entity, after_id: int, up_to: int) -> Iterator[Page]:
        """Result: the rows in scope with after_id < id <= up_to, in the order of their ids."""
        while after_id < up_to:
            page = self._page(entity, Range(after_id, up_to))
            if page.rows:
                yield page
            if len(page.rows) < self._of(entity).page_rows:
                return
            after_id = page.last_id

    def reread(self, entity: Entity, ids: Sequence[int]) -> Page:
        """Result: those of these rows that are (still) in scope, at most 500 at a time."""
        if len(ids) > MAX_REREAD:
            raise ValueError(f"{len(ids)} rows at once")
        if not ids:
            return Page([], 0)
        return self._page(entity, Range(ids=ids))

    def changed(self, entity: Entity, since: datetime | None, up_to: int) -> Iterator[Sequence[int]]:
        """Result: ids up to `up_to` whose row or parts say that they were modified at `since` or later."""
        tables, condition = self._all().modified(entity)
        if tables:
            since = since or datetime(1900, 1, 1)  # noqa: DTZ001 - church-local
            yield from self._id_pages(entity, 0, up_to, _CHANGED_AT_ONCE, condition, since)

    def ids(self, entity: Entity, after_id: int, up_to: int) -> Iterator[Sequence[int]]:
        """Result: the ids in scope, in order, some thousand at a time."""
        yield from self._id_pages(entity, after_id, up_to, _IDS_AT_ONCE)

    def count(self, entity: Entity, up_to: int) -> int:
        """Result: how many rows are in scope up to this id."""
        sql, values = compiled(self._of(entity).count(), self._all().values(Range(0, up_to)))
        return int(self._connection.ask(sql, values, what=f"count of {entity.value}")[0][0])

    def statement(self, entity: Entity) -> EntityStatement:
        """Result: what is read of the entity; the rows of a page have its columns."""
        return self._of(entity)

    def close(self) -> None:
        """Ends the connection; nothing else is left behind."""
        self._connection.close()

    # --- inside -----------------------------------------------------------------------------------------------------

    def _use(self, facts: RockFacts) -> None:
        self._facts = facts
        self._statements = Statements(facts, Scope(facts, self._settings))
        if facts.snapshot:
            self._connection.read_under("SNAPSHOT")

    def _all(self) -> Statements:
        self.facts()
        assert self._statements is not None
        return self._statements

    def _of(self, entity: Entity) -> EntityStatement:
        return self._all().entities[entity]

    def _ask(self, sql: str, rows: Range, what: str, since: datetime | None = None) -> list[Row]:
        text, values = compiled(sql, self._all().values(rows, since))
        return self._connection.ask(text, values, what=what)

    def _id_pages(
        self,
        entity: Entity,
        after_id: int,
        up_to: int,
        count: int,
        condition: str = "",
        since: datetime | None = None,
    ) -> Iterator[Sequence[int]]:
        statement = self._of(entity)
        while after_id < up_to:
            rows = Range(after_id, up_to)
            found = [
                row[0] for row in self._ask(statement.ids(rows, count, condition), rows, f"ids of {entity}", since)
            ]
            if found:
                yield found
            if len(found) < count:
                return
            after_id = found[-1]

    def _page(self, entity: Entity, rows: Range) -> Page:
        found = self._rows(entity, rows)
        if not found:
            return Page([], rows.up_to)
        last_id = found[-1][0]
        parts: dict[str, dict[int, Sequence[Row]]] = {}
        for part_rows in self._part_rows(rows, [row[0] for row in found]):
            for name, sql in self._all().parts(entity, part_rows).items():
                of_owner = _by_owner(self._ask(sql, part_rows, f"{name} of {entity.value}"))
                parts.setdefault(name, {}).update(of_owner)
        if entity is Entity.GROUPS:
            parts["ancestors"] = self._ancestors({row[_PARENT] for row in found if row[_PARENT] is not None})
        return Page(found, last_id, parts)

    def _rows(self, entity: Entity, rows: Range) -> list[Row]:
        statement, what = self._of(entity), f"page of {entity.value}"
        try:
            return self._ask(statement.page(rows), rows, what)
        except UnreadableText:
            if not statement.long_texts:
                raise
        found = self._ask(statement.page(rows, as_bytes=True), rows, what)
        return [_decoded(row, statement.long_texts) for row in found]

    def _part_rows(self, rows: Range, ids: Sequence[int]) -> Iterator[Range]:
        """By range of ids, but a page of few among many (one campus of several) names its ids, to bring no others."""
        if rows.ids is not None:
            yield rows
        elif not self._settings.campus_ids:
            yield Range(ids[0] - 1, ids[-1])
        else:
            for start in range(0, len(ids), MAX_REREAD):
                yield Range(ids=ids[start : start + MAX_REREAD])

    def _ancestors(self, wanted: set[int]) -> dict[int, Sequence[Row]]:
        """Parents, and the parents of those that are not sent, up to the roots; a circle ends by itself."""
        known: dict[int, Sequence[Row]] = {}
        while missing := sorted(wanted - known.keys()):
            wanted = set()
            for start in range(0, len(missing), MAX_REREAD):
                chunk = missing[start : start + MAX_REREAD]
                known.update(dict.fromkeys(chunk, ()))
                for row in self._ask(self._all().ancestors(chunk), Range(), "parents of groups"):
                    known[row[0]] = (row,)
                    if not row[2] and row[1] is not None:
                        wanted.add(row[1])
        return known


def _decoded(row: Row, positions: Sequence[int]) -> Row:
    """Long texts from their bytes, with U+FFFD for what is no Unicode."""
    values = list(row)
    for position in positions:
        if values[position] is not None:
            values[position] = bytes(values[position]).decode("utf-16-le", "replace")
    return values


def _by_owner(rows: list[Row]) -> dict[int, list[Row]]:
    owners: dict[int, list[Row]] = {}
    for row in rows:
        owners.setdefault(row[0], []).append(row)
    return owners
