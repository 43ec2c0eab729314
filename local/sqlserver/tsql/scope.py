"""What names mean at one place of a statement: tables, their columns, common table expressions, parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from local.sqlserver.sql_error import SqlError
from local.sqlserver.sql_types import SqlType
from local.sqlserver.tsql.typed import Typed, coerced


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a source or of a result; `name` may be '' in a result."""

    name: str
    typed: Typed | None
    """None for one of a type that cannot be sent."""


@dataclass(frozen=True, slots=True)
class Source:
    """Something in FROM, with its columns by lower-case name."""

    alias: str
    columns: Mapping[str, Column]


@dataclass(frozen=True, slots=True)
class Bind:
    """A parameter as SQLite gets it: under its own name for each type in which the statement uses it."""

    slot: str
    parameter: str
    type: SqlType


@dataclass
class Statement:
    """What is collected over a whole statement."""

    parameters: Mapping[str, SqlType]
    binds: dict[str, Bind] = field(default_factory=dict)
    tables: set[str] = field(default_factory=set)
    """Lower-case names of the tables that it reads."""

    def parameter(self, name: str) -> Typed:
        """Result: a reference to it in its declared type. Raises SqlError(137)."""
        declared = self.parameters.get(name.lower())
        if declared is None:
            raise SqlError(137, f'Must declare the scalar variable "@{name}".', severity=15)
        return self._bound(name.lower(), replace(declared, as_text=False))

    def coerce(self, found: Typed, target: SqlType) -> Typed:
        """Result: `found` in the type `target`; a parameter is bound in that type. Raises SqlError."""
        if found.parameter is None or found.type == target:
            return coerced(found, target)
        return self._bound(found.parameter, target)

    def _bound(self, name: str, kind: SqlType) -> Typed:
        slot = f"{name}_{kind.kind.value}_{kind.precision}_{kind.scale}"
        self.binds[slot] = Bind(slot, name, kind)
        return Typed(f":{slot}", kind, parameter=name)


@dataclass
class Scope:
    """Names of one SELECT; `outer` is the statement around it."""

    statement: Statement
    outer: Scope | None = None
    sources: list[Source] = field(default_factory=list)
    common: dict[str, list[Column]] = field(default_factory=dict)
    """Common table expressions by lower-case name."""

    def add(self, source: Source) -> None:
        """Put a table into FROM. Raises SqlError(1013) for an alias that is used twice."""
        if any(known.alias.lower() == source.alias.lower() for known in self.sources):
            raise SqlError(1013, f'The objects "{source.alias}" in the FROM clause have the same exposed names.')
        self.sources.append(source)

    def find(self, table: str, name: str) -> tuple[Typed, bool]:
        """Result: a column, and whether it is this SELECT's own. Raises SqlError 207, 209 or 4104."""
        found = self._own(table, name)
        if found is not None:
            return found, True
        if self.outer is not None:
            return self.outer.find(table, name)[0], False
        if table:
            raise SqlError(4104, f'The multi-part identifier "{table}.{name}" could not be bound.')
        raise SqlError(207, f"Invalid column name '{name}'.")

    def _own(self, table: str, name: str) -> Typed | None:
        matching = [
            source
            for source in self.sources
            if (not table or source.alias.lower() == table.lower()) and name.lower() in source.columns
        ]
        if len(matching) > 1:
            raise SqlError(209, f"Ambiguous column name '{name}'.")
        if not matching:
            if table and any(source.alias.lower() == table.lower() for source in self.sources):
                raise SqlError(207, f"Invalid column name '{name}'.")
            return None
        typed = matching[0].columns[name.lower()].typed
        if typed is None:
            raise SqlError(40_510, f"The test SQL Server cannot send the type of the column '{name}'.")
        return typed

    def common_table(self, name: str) -> list[Column] | None:
        """Result: the columns of a common table expression, None if there is none."""
        found = self.common.get(name.lower())
        return found if found is not None or self.outer is None else self.outer.common_table(name)
