"""SELECT statements: FROM and its joins, grouping, ordering, TOP, common table expressions, unions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from local.sqlserver.catalog import COLUMNS_VIEW, DATABASES_VIEW, TABLES_VIEW, Catalog, Table
from local.sqlserver.sql_error import NotUnderstood, SqlError
from local.sqlserver.sql_types import SqlType
from local.sqlserver.tsql.expressions import Expressions, Piece, only
from local.sqlserver.tsql.functions import order_by
from local.sqlserver.tsql.grouping import Grouping
from local.sqlserver.tsql.reserved import refuse_reserved
from local.sqlserver.tsql.scope import Bind, Column, Scope, Source, Statement
from local.sqlserver.tsql.typed import BIGINT, Typed

_JOINS = {
    ("", ""): "JOIN",
    ("", "INNER"): "JOIN",
    ("LEFT", ""): "LEFT JOIN",
    ("LEFT", "OUTER"): "LEFT JOIN",
    ("FULL", ""): "FULL JOIN",
    ("FULL", "OUTER"): "FULL JOIN",
    ("", "CROSS"): "CROSS JOIN",
}
_SYSTEM_VIEWS = {
    ("information_schema", "columns"): COLUMNS_VIEW,
    ("information_schema", "tables"): TABLES_VIEW,
    ("sys", "databases"): DATABASES_VIEW,
}
_HINTS = frozenset({"NOLOCK", "READCOMMITTED", "READUNCOMMITTED", "READPAST", "SNAPSHOT"})
_OPTIONS = frozenset({"MAXDOP", "RECOMPILE", "FAST", "FORCE ORDER", "LOOP JOIN", "HASH JOIN"})


@dataclass(frozen=True, slots=True)
class Translation:
    """A statement for SQLite, its columns in SQL Server's types, and what it needs."""

    sql: str
    columns: tuple[tuple[str, SqlType], ...]
    binds: tuple[Bind, ...]
    tables: frozenset[str]


@dataclass
class _Select(Piece):
    """A SELECT in parts."""

    columns: list[Column]
    tail: str
    head: str = "SELECT"
    prefix: str = ""
    is_one_row: bool = False

    def sql(self, columns: list[str] | None = None) -> str:
        chosen = columns if columns is not None else [_column_sql(column) for column in self.columns]
        return f"{self.prefix}{self.head} {', '.join(chosen)}{self.tail}"


@dataclass
class _Union(Piece):
    """Several SELECTs above each other."""

    columns: list[Column]
    text: str
    is_one_row: bool = False

    def sql(self, columns: list[str] | None = None) -> str:
        return self.text if columns is None else f"SELECT {', '.join(columns)} FROM ({self.text})"


def translate(catalog: Catalog, sql: str, parameters: Mapping[str, SqlType]) -> Translation:
    """Result: one SELECT for SQLite; `parameters` are types by lower-case name. Raises SqlError, NotUnderstood."""
    try:
        nodes = [node for node in sqlglot.parse(sql, read="tsql") if node is not None]
    except SqlglotError as error:
        raise SqlError(102, f"Incorrect syntax: {str(error)[:300]}", severity=15) from error
    if len(nodes) != 1 or not isinstance(nodes[0], exp.Query):
        raise NotUnderstood(sql[:120])
    refuse_reserved(nodes[0])
    statement = Statement(parameters)
    piece = _Queries(catalog, statement).query(nodes[0], Scope(statement))
    columns = []
    for column in piece.columns:
        if column.typed is None:
            raise SqlError(40_510, f"The test SQL Server cannot send the type of the column '{column.name}'.")
        columns.append((column.name, column.typed.type))
    return Translation(piece.sql(), tuple(columns), tuple(statement.binds.values()), frozenset(statement.tables))


class _Queries:
    def __init__(self, catalog: Catalog, statement: Statement) -> None:
        self._catalog = catalog
        self._statement = statement

    def query(self, node: exp.Expr, outer: Scope) -> Piece:
        """A SELECT or a UNION, in its own scope."""
        if isinstance(node, exp.Subquery):
            only(node, "this")
            return self.query(node.this, outer)
        self._check_order(node)
        scope = Scope(self._statement, outer)
        prefix = self._common_tables(node, scope)
        if isinstance(node, exp.Union):
            return self._union(node, scope, prefix)
        if not isinstance(node, exp.Select):
            raise NotUnderstood(node.sql("tsql")[:120])
        return self._select(node, scope, prefix)

    @staticmethod
    def _check_order(node: exp.Expr) -> None:
        ordered = node.args.get("order") is not None
        limited = node.args.get("limit") is not None or node.args.get("offset") is not None
        if ordered and not limited and node.parent is not None:
            raise SqlError(
                1033, "The ORDER BY clause is invalid in derived tables, subqueries and common table expressions."
            )
        if ordered and node.args.get("distinct") and isinstance(node, exp.Select):
            chosen = {each.sql("tsql").lower() for each in node.expressions}
            chosen |= {each.this.sql("tsql").lower() for each in node.expressions if isinstance(each, exp.Alias)}
            chosen |= {each.alias.lower() for each in node.expressions if isinstance(each, exp.Alias)}
            for each in node.args["order"].expressions:
                if each.this.sql("tsql").lower() not in chosen:
                    raise SqlError(
                        145, "ORDER BY items must appear in the select list if SELECT DISTINCT is specified."
                    )

    def _common_tables(self, node: exp.Expr, scope: Scope) -> str:
        found = node.args.get("with_")
        if found is None:
            return ""
        only(found, "expressions")
        parts = []
        for each in found.expressions:
            piece = self.query(each.this, scope)
            alias = each.args["alias"]
            columns = _renamed(piece, [column.name for column in alias.args.get("columns") or ()])
            scope.common[each.alias.lower()] = _outside(each.alias, columns)
            names = ", ".join(_quoted(column.name) for column in columns)
            parts.append(f"{_quoted(each.alias)}({names}) AS ({piece.sql()})")
        return f"WITH {', '.join(parts)} "

    def _union(self, node: exp.Union, scope: Scope, prefix: str) -> Piece:
        only(node, "this", "expression", "distinct", "with_", "order")
        distinct = bool(node.args.get("distinct"))
        pieces = [
            self.query(each, scope) for each in [*_operands(node.left, distinct), *_operands(node.right, distinct)]
        ]
        if len({len(piece.columns) for piece in pieces}) != 1:
            raise SqlError(205, "All queries combined using a UNION must have an equal number of expressions.")
        within = Expressions(scope, self.query)
        columns: list[Column] = []
        selects: list[list[str]] = [[] for _ in pieces]
        for each in zip(*(piece.columns for piece in pieces), strict=True):
            typed = [column.typed for column in each if column.typed is not None]
            if len(typed) != len(each):
                raise NotUnderstood("a UNION of such a column")
            results = within.same_type(*typed)
            name = each[0].name
            columns.append(Column(name, Typed(_quoted(name), results[0].type)))
            selects[0].append(f"{results[0].collated if distinct else results[0].sql} AS {_quoted(name)}")
            for select, result in zip(selects[1:], results[1:], strict=True):
                select.append(result.sql)
        word = " UNION " if distinct else " UNION ALL "
        text = prefix + word.join(piece.sql(select) for piece, select in zip(pieces, selects, strict=True))
        if node.args.get("order") is not None:
            by_name = {column.name.lower(): column.typed for column in columns}
            values = [by_name.get(each.this.name.lower()) for each in node.args["order"].expressions]
            if any(value is None for value in values):
                raise NotUnderstood("ORDER BY of a UNION by something else than its columns")
            text += " " + order_by([value for value in values if value is not None], node.args["order"])
        return _Union(columns, text)

    def _select(self, node: exp.Select, scope: Scope, prefix: str) -> Piece:
        only(
            node, "with_", "expressions", "from_", "joins", "where", "group", "having", "order", "limit", "offset",
            "distinct", "laterals", "options",
        )  # fmt: skip
        for option in node.args.get("options") or ():
            if option.this.name.upper() not in _OPTIONS:
                raise NotUnderstood(option.sql("tsql"))
        within = Expressions(scope, self.query)
        tail = self._from(node, scope, within)
        columns = self._columns(node, scope, within)
        if node.args.get("where") is not None:
            tail += f" WHERE {within.condition(node.args['where'].this)}"
        grouped = Grouping(node, within)
        tail += grouped.sql()
        order = node.args.get("order")
        if order is not None:
            tail += " " + order_by([self._ordered(each.this, node, within) for each in order.expressions], order)
        tail += self._limit(node, within)
        distinct = node.args.get("distinct") is not None
        if distinct:
            only(node.args["distinct"])
            columns = [Column(c.name, c.typed and replace(c.typed, sql=c.typed.collated)) for c in columns]
        top = node.args.get("limit")
        one = grouped.is_one_row or (isinstance(top, exp.Limit) and top.expression.name == "1")
        return _Select(columns, tail, "SELECT DISTINCT" if distinct else "SELECT", prefix, one)

    def _columns(self, node: exp.Select, scope: Scope, within: Expressions) -> list[Column]:
        columns: list[Column] = []
        for each in node.expressions:
            if isinstance(each, exp.Star) or (isinstance(each, exp.Column) and isinstance(each.this, exp.Star)):
                wanted = each.table.lower() if isinstance(each, exp.Column) else ""
                for source in scope.sources:
                    if not wanted or source.alias.lower() == wanted:
                        columns += source.columns.values()
            elif isinstance(each, exp.Alias):
                columns.append(Column(each.alias, within.value(each.this)))
            else:
                columns.append(Column(each.name if isinstance(each, exp.Column) else "", within.value(each)))
        return columns

    def _from(self, node: exp.Select, scope: Scope, within: Expressions) -> str:
        start = node.args.get("from_")
        if start is None:
            return ""
        text = f" FROM {self._source(start.this, scope)}"
        for join in node.args.get("joins") or ():
            if isinstance(join.this, exp.Lateral):
                self._apply(join, scope)
                continue
            only(join, "this", "side", "kind", "on")
            word = _JOINS.get((join.side.upper(), join.kind.upper()))
            on = join.args.get("on")
            if word is None or (on is None) != (word == "CROSS JOIN"):
                raise NotUnderstood(join.sql("tsql")[:120])
            text += f" {word} {self._source(join.this, scope)}"
            text += f" ON {within.condition(on)}" if on is not None else ""
        for lateral in node.args.get("laterals") or ():
            raise NotUnderstood(lateral.sql("tsql")[:120])
        return text

    def _apply(self, join: exp.Join, scope: Scope) -> None:
        """OUTER APPLY of one row: each of its columns becomes a subquery of its own."""
        lateral = join.this
        piece = self.query(lateral.this, scope)
        certain = isinstance(piece, _Select) and piece.is_one_row and " GROUP BY " not in piece.tail
        aggregate = certain and " LIMIT " not in piece.sql()
        if not certain or (lateral.args.get("cross_apply") and not aggregate):
            raise NotUnderstood("APPLY of anything but OUTER APPLY (SELECT TOP (1) ...) or an aggregate")
        columns = {}
        for column in piece.columns:
            if column.typed is not None:
                sql = f"({piece.sql([column.typed.sql])})"
                columns[column.name.lower()] = Column(column.name, Typed(sql, column.typed.type))
        scope.add(Source(lateral.alias, columns))

    def _source(self, node: exp.Expr, scope: Scope) -> str:
        if isinstance(node, exp.Subquery):
            only(node, "this", "alias")
            piece = self.query(node.this, self._beside(scope))
            columns = _renamed(piece, [each.name for each in node.args["alias"].args.get("columns") or ()])
            scope.add(Source(node.alias, {c.name.lower(): c for c in _outside(node.alias, columns)}))
            named = [f"{c.typed.sql} AS {_quoted(c.name)}" for c in columns if c.typed is not None]
            return f"({piece.sql(named)}) AS {_quoted(node.alias)}"
        if isinstance(node, exp.Values):
            return self._values(node, scope)
        if not isinstance(node, exp.Table):
            raise NotUnderstood(node.sql("tsql")[:120])
        only(node, "this", "db", "catalog", "alias", "hints")
        for hint in node.args.get("hints") or ():
            if any(each.name.upper() not in _HINTS for each in hint.expressions):
                raise NotUnderstood(hint.sql("tsql"))
        alias = node.alias or node.name
        known = None if node.db else scope.common_table(node.name)
        if known is not None:
            columns_by_name = {column.name.lower(): column for column in _outside(alias, known)}
            scope.add(Source(alias, columns_by_name))
            return f"{_quoted(node.name)} AS {_quoted(alias)}"
        table = self._table(node)
        scope.add(Source(alias, {key: _of_table(alias, table, key) for key in table.columns}))
        return f"{_quoted(table.name)} AS {_quoted(alias)}"

    def _beside(self, scope: Scope) -> Scope:
        """What a table of FROM may name: what is around the SELECT, not the other tables of it."""
        return Scope(self._statement, scope.outer, common=scope.common)

    def _values(self, node: exp.Values, scope: Scope) -> str:
        within = Expressions(self._beside(scope), self.query)
        names = [each.name for each in node.args["alias"].args.get("columns") or ()]
        rows = [[within.value(each) for each in row.expressions] for row in node.expressions]
        by_column = [within.same_type(*column) for column in zip(*rows, strict=True)]
        selects = [
            "SELECT " + ", ".join(f"{value.sql} AS {_quoted(name)}" for value, name in zip(row, names, strict=True))
            for row in zip(*by_column, strict=True)
        ]
        columns = [Column(name, column[0]) for name, column in zip(names, by_column, strict=True)]
        scope.add(Source(node.alias, {c.name.lower(): c for c in _outside(node.alias, columns)}))
        return f"({' UNION ALL '.join(selects)}) AS {_quoted(node.alias)}"

    def _table(self, node: exp.Table) -> Table:
        schema, name = node.db.lower(), node.name.lower()
        if node.catalog and node.catalog.lower() != self._catalog.database.lower():
            raise SqlError(208, f"Invalid object name '{node.catalog}.{node.db}.{node.name}'.")
        if schema in ("information_schema", "sys"):
            view = _SYSTEM_VIEWS.get((schema, name))
            if view is None:
                raise NotUnderstood(f"{node.db}.{node.name}")
            return self._catalog.views[view]
        table = self._catalog.tables.get(name)
        if table is None or schema not in ("", "dbo"):
            raise SqlError(208, f"Invalid object name '{f'{node.db}.' if node.db else ''}{node.name}'.")
        self._statement.tables.add(name)
        return table

    def _ordered(self, node: exp.Expr, select: exp.Select, within: Expressions) -> Typed:
        if isinstance(node, exp.Literal):
            raise NotUnderstood("ORDER BY a position")
        if isinstance(node, exp.Column) and not node.table:
            for each in select.expressions:
                if isinstance(each, exp.Alias) and each.alias.lower() == node.name.lower():
                    return within.value(each.this)
        return within.value(node)

    def _limit(self, node: exp.Select, within: Expressions) -> str:
        limit, offset = node.args.get("limit"), node.args.get("offset")
        if limit is None and offset is None:
            return ""
        count = None
        if isinstance(limit, exp.Fetch):
            count = limit.args["count"]
        elif limit is not None:
            only(limit, "expression")
            count = limit.expression
        text = " LIMIT " + (within.coerce(within.whole(count), BIGINT).sql if count is not None else "-1")
        if offset is None:
            return text
        if node.args.get("order") is None:
            raise SqlError(102, "OFFSET needs ORDER BY.", severity=15)
        only(offset, "expression")
        return f"{text} OFFSET {within.coerce(within.whole(offset.expression), BIGINT).sql}"


def _operands(node: exp.Expr, distinct: bool) -> list[exp.Expr]:
    """What a chain of the same kind of UNION combines, from its left: SQLite cannot nest a long one."""
    if isinstance(node, exp.Union) and bool(node.args.get("distinct")) == distinct and not node.args.get("with_"):
        only(node, "this", "expression", "distinct", "order")
        if isinstance(node.parent, exp.Union) and node.args.get("order") is not None:
            raise NotUnderstood("ORDER BY inside a UNION")
        return [*_operands(node.left, distinct), *_operands(node.right, distinct)]
    return [node]


def _of_table(alias: str, table: Table, key: str) -> Column:
    column = table.columns[key]
    typed = Typed(f"{_quoted(alias)}.{_quoted(column.name)}", column.type) if column.type is not None else None
    return Column(column.name, typed)


def _renamed(piece: Piece, names: list[str]) -> list[Column]:
    if names and len(names) != len(piece.columns):
        raise SqlError(8159, "The column list has another number of columns than its query.")
    columns = [Column(name, c.typed) for name, c in zip(names, piece.columns, strict=True)] if names else piece.columns
    lowered = [column.name.lower() for column in columns]
    if "" in lowered:
        raise SqlError(8155, "No column name was specified for a column of a derived table.")
    if len(set(lowered)) != len(lowered):
        raise SqlError(8156, "A column name was specified more than once in a derived table.")
    return columns


def _outside(alias: str, columns: list[Column]) -> list[Column]:
    """The same columns, as the query around the derived table names them."""
    return [
        Column(c.name, Typed(f"{_quoted(alias)}.{_quoted(c.name)}", c.typed.type) if c.typed is not None else None)
        for c in columns
    ]


def _column_sql(column: Column) -> str:
    if column.typed is None:
        return "NULL"
    return f"{column.typed.sql} AS {_quoted(column.name)}" if column.name else column.typed.sql


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
