"""Values and conditions of T-SQL, which are two different things there."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Protocol

from sqlglot import exp

from local.sqlserver.sql_error import NotUnderstood, SqlError
from local.sqlserver.sql_types import INTEGERS, MAX, TEXTS, Kind, SqlType
from local.sqlserver.tsql import functions
from local.sqlserver.tsql.scope import Column, Scope
from local.sqlserver.tsql.typed import (
    BIGINT,
    INT,
    NULL_TYPE,
    Typed,
    as_decimal,
    common,
    decimal,
    is_number,
    literal,
    quoted,
)

_COMPARISONS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.LT: "<",
    exp.LTE: "<=",
}
_LARGEST_INT = 2**31


class Piece(Protocol):
    """A SELECT in parts, so that its columns can be replaced."""

    columns: list[Column]
    is_one_row: bool

    def sql(self, columns: list[str] | None = None) -> str:
        """Result: the whole SELECT, of other columns if given."""
        ...


type Subquery = Callable[[exp.Expr, Scope], Piece]


def only(node: exp.Expr, *known: str) -> None:
    """Raises NotUnderstood where `node` says something else than `known`."""
    for name, value in node.args.items():
        if value not in (None, False, [], "") and name not in known:
            raise NotUnderstood(f"{name.rstrip('_').upper()} in {node.sql('tsql')[:120]}")


class Expressions:
    """Translates expressions in one scope; `subquery` translates a SELECT inside them."""

    def __init__(self, scope: Scope, subquery: Subquery) -> None:
        self.scope = scope
        self._subquery = subquery

    def value(self, node: exp.Expr | None) -> Typed:
        """Result: what a value expression becomes. Raises SqlError, NotUnderstood."""
        if node is None:
            raise NotUnderstood("nothing where a value is expected")
        if isinstance(node, exp.Paren):
            inner = self.value(node.this)
            return Typed(f"({inner.sql})", inner.type, inner.constant, inner.parameter)
        simple = self._simple(node)
        if simple is not None:
            return simple
        if isinstance(node, (exp.Add, exp.Sub, exp.Mul, exp.Mod, exp.Div)):
            return self._arithmetic(node)
        if isinstance(node, exp.Neg):
            inner = self.value(node.this)
            if isinstance(inner.constant, (int, Decimal)):
                return literal(-inner.constant, inner.type)
            return Typed(f"(-{self._number(inner).sql})", inner.type)
        if isinstance(node, (exp.Case, exp.If)):
            return self._case(node)
        if isinstance(node, (exp.Subquery, exp.Select)):
            return self._scalar(node)
        return functions.translate(self, node)

    def condition(self, node: exp.Expr | None) -> str:
        """Result: what a condition becomes. Raises SqlError, NotUnderstood."""
        if isinstance(node, exp.Paren):
            return f"({self.condition(node.this)})"
        if isinstance(node, (exp.And, exp.Or)):
            word = "AND" if isinstance(node, exp.And) else "OR"
            return f"({self.condition(node.this)} {word} {self.condition(node.expression)})"
        if isinstance(node, exp.Not):
            return f"(NOT {self.condition(node.this)})"
        if isinstance(node, exp.Binary) and type(node) in _COMPARISONS:
            left, right = self.same_type(self.value(node.this), self.value(node.expression))
            return f"({left.collated} {_COMPARISONS[type(node)]} {right.sql})"
        if isinstance(node, exp.Is):
            if not isinstance(node.expression, exp.Null):
                raise NotUnderstood(node.sql("tsql"))
            return f"({self.value(node.this).sql} IS NULL)"
        if isinstance(node, exp.Between):
            only(node, "this", "low", "high")
            value, low, high = self.same_type(*(self.value(node.args[part]) for part in ("this", "low", "high")))
            return f"({value.collated} BETWEEN {low.sql} AND {high.sql})"
        if isinstance(node, exp.In):
            return self._within(node)
        if isinstance(node, exp.Exists):
            return f"EXISTS ({self._subquery(node.this, self.scope).sql(['1'])})"
        if isinstance(node, (exp.Like, exp.Escape)):
            return self._like(node)
        if isinstance(node, exp.Expr):
            raise SqlError(4145, f"No condition where one is expected, near '{node.sql('tsql')[:60]}'.", severity=15)
        raise NotUnderstood("nothing where a condition is expected")

    def same_type(self, *values: Typed) -> list[Typed]:
        """Result: the values in the type that they have in common."""
        target = values[0].type
        for value in values[1:]:
            target = common(target, value.type)
        return [self.coerce(value, target) for value in values]

    def coerce(self, value: Typed, target: SqlType) -> Typed:
        """Result: the value in that type."""
        return self.scope.statement.coerce(value, target)

    def text(self, node: exp.Expr | None) -> Typed:
        """Result: a value that is text. Raises NotUnderstood."""
        found = self.value(node)
        if found.type.kind not in TEXTS:
            raise NotUnderstood(f"{found.type.kind.value} where text is expected")
        return found

    def whole(self, node: exp.Expr | None) -> Typed:
        """Result: a value that is a whole number. Raises NotUnderstood."""
        found = self.value(node)
        if found.type.kind not in INTEGERS:
            raise NotUnderstood(f"{found.type.kind.value} where a whole number is expected")
        return found

    def _number(self, found: Typed) -> Typed:
        if not is_number(found.type.kind) or found.type.as_text:
            raise NotUnderstood(f"computing with {found.type.kind.value}")
        return found

    def _simple(self, node: exp.Expr) -> Typed | None:
        if isinstance(node, exp.Column):
            only(node, "this", "table", "db")
            return self.scope.find(node.table, node.name)[0]
        if isinstance(node, exp.National):
            return Typed(quoted(node.name), SqlType(Kind.NVARCHAR, length=max(1, len(node.name))), node.name)
        if isinstance(node, exp.Literal):
            return _constant(node)
        if isinstance(node, exp.Null):
            return Typed("NULL", NULL_TYPE)
        if isinstance(node, exp.Parameter):
            if isinstance(node.this, exp.Parameter):
                return functions.session_variable(node.this.name)
            return self.scope.statement.parameter(node.name)
        return None

    def _arithmetic(self, node: exp.Binary) -> Typed:
        left, right = self.value(node.left), self.value(node.right)
        if isinstance(node, exp.Add) and (left.type.kind in TEXTS or right.type.kind in TEXTS):
            first, second = self.same_type(left, right)
            if first.type.kind not in TEXTS:
                raise NotUnderstood(f"text + {first.type.kind.value}")
            length = first.type.length * 2 if first.type.length != MAX else MAX
            return Typed(f"({first.sql} || {second.sql})", SqlType(first.type.kind, length=length))
        for each in (left, right):
            self._number(each)
        whole = left.type.kind in INTEGERS and right.type.kind in INTEGERS
        if isinstance(node, (exp.Div, exp.Mod)):
            if not whole:
                raise NotUnderstood(f"dividing decimals: {node.sql('tsql')[:60]}")
            first, second = self.same_type(left, right)
            return Typed(f"({first.sql} {'/' if isinstance(node, exp.Div) else '%'} {second.sql})", first.type)
        if whole:
            first, second = self.same_type(left, right)
            sign = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*"}[type(node)]
            return Typed(f"({first.sql} {sign} {second.sql})", first.type)
        one, other = as_decimal(left.type), as_decimal(right.type)
        if isinstance(node, exp.Mul):
            kind = decimal(one.precision + other.precision + 1, one.scale + other.scale)
            first, second = self.coerce(left, one), self.coerce(right, other)
            return Typed(f"({first.sql} * {second.sql})", kind)
        both = common(one, other)
        first, second = self.coerce(left, both), self.coerce(right, both)
        sign = "+" if isinstance(node, exp.Add) else "-"
        return Typed(f"({first.sql} {sign} {second.sql})", decimal(both.precision + 1, both.scale))

    def _case(self, node: exp.Case | exp.If) -> Typed:
        if isinstance(node, exp.If):
            only(node, "this", "true", "false")
            branches = [(self.condition(node.this), node.args["true"])]
            default = node.args.get("false")
        else:
            only(node, "this", "ifs", "default")
            branches = [(self._when(node, branch), branch.args["true"]) for branch in node.args["ifs"]]
            default = node.args.get("default")
        values = [self.value(result) for _, result in branches]
        values.append(self.value(default) if default is not None else Typed("NULL", NULL_TYPE))
        results = self.same_type(*values)
        whens = "".join(f" WHEN {test} THEN {result.sql}" for (test, _), result in zip(branches, results, strict=False))
        return Typed(f"(CASE{whens} ELSE {results[-1].sql} END)", results[0].type)

    def _when(self, node: exp.Case, branch: exp.If) -> str:
        if node.this is None:
            return self.condition(branch.this)
        left, right = self.same_type(self.value(node.this), self.value(branch.this))
        return f"({left.collated} = {right.sql})"

    def _scalar(self, node: exp.Subquery | exp.Select) -> Typed:
        if isinstance(node, exp.Subquery):
            only(node, "this")
        piece = self._subquery(node.this if isinstance(node, exp.Subquery) else node, self.scope)
        column = one_column(piece)
        if piece.is_one_row:
            return Typed(f"({piece.sql()})", column.type)
        several = f"(SELECT COUNT(*) FROM ({piece.sql(['1'])} LIMIT 2)) > 1"
        return Typed(f"(CASE WHEN {several} THEN tsql_several_rows() ELSE ({piece.sql()}) END)", column.type)

    def _within(self, node: exp.In) -> str:
        only(node, "this", "expressions", "query")
        value = self.value(node.this)
        if node.args.get("query") is None:
            first, *others = self.same_type(value, *(self.value(each) for each in node.expressions))
            return f"({first.collated} IN ({', '.join(other.sql for other in others)}))"
        query = node.args["query"]
        piece = self._subquery(query.this if isinstance(query, exp.Subquery) else query, self.scope)
        first, column = self.same_type(value, one_column(piece))
        return f"({first.collated} IN ({piece.sql([column.sql])}))"

    def _like(self, node: exp.Like | exp.Escape) -> str:
        escape = "NULL"
        if isinstance(node, exp.Escape):
            escape = self.text(node.expression).sql
            node = node.this
        only(node, "this", "expression")
        return f"tsql_like({self.text(node.this).sql}, {self.text(node.expression).sql}, {escape})"


def one_column(piece: Piece) -> Typed:
    """Result: the only column of a subquery. Raises SqlError(116)."""
    if len(piece.columns) != 1 or piece.columns[0].typed is None:
        raise SqlError(116, "Only one expression can be specified in the select list of this subquery.")
    return piece.columns[0].typed


def _constant(node: exp.Literal) -> Typed:
    if node.is_string:
        return Typed(quoted(node.name), SqlType(Kind.VARCHAR, length=max(1, len(node.name))), node.name)
    text = node.name
    if text.isdigit():
        whole = int(text)
        return literal(whole, INT if whole < _LARGEST_INT else BIGINT)
    if "e" in text.lower():
        raise NotUnderstood(f"the number {text}")
    exact = Decimal(text)
    scale = -int(exact.as_tuple().exponent)
    return literal(exact, decimal(max(len(exact.as_tuple().digits), scale), scale))
