"""The functions that are known, each with the type of its result. Any other is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from local.sqlserver.sql_error import NotUnderstood, SqlError
from local.sqlserver.sql_types import INTEGERS, MAX, MOMENTS, SCALED, TEXTS, Kind, SqlType
from local.sqlserver.tsql.conversions import cast
from local.sqlserver.tsql.typed import BIGINT, INT, Typed, decimal, is_number, quoted

if TYPE_CHECKING:
    from local.sqlserver.tsql.expressions import Expressions

type Handler = Callable[[Expressions, exp.Expr], Typed]

_BIT = SqlType(Kind.BIT)
_DATE = SqlType(Kind.DATE)
_SYSNAME = SqlType(Kind.NVARCHAR, length=128)
_LONG_NAME = SqlType(Kind.NVARCHAR, length=4000)
_DAYS = (Kind.DATE, *MOMENTS)
_UNITS = {"year": (1, 4), "month": (6, 2), "day": (9, 2), "hour": (12, 2), "minute": (15, 2), "second": (18, 2)}
"""Where a part of a date stands in its text."""
_SAME_UNIT = {"yy": "year", "yyyy": "year", "mm": "month", "m": "month", "dd": "day", "d": "day", "hh": "hour"}
_ISO_STYLES = {"23": (10, False), "121": (23, False), "126": (23, True), "120": (19, False), "112": (8, False)}


def translate(within: Expressions, node: exp.Expr) -> Typed:
    """Result: what a function call becomes. Raises NotUnderstood for one that is not known."""
    by_name = isinstance(node, exp.Anonymous)
    handler = _BY_NAME.get(node.name.upper()) if by_name else _BY_CLASS.get(type(node))
    if handler is None:
        raise NotUnderstood(f"{type(node).__name__}: {node.sql('tsql')[:120]}")
    return handler(within, node)


def session_variable(name: str) -> Typed:
    """Result: `@@VERSION` and its kind. Raises NotUnderstood."""
    kinds = {"VERSION": _LONG_NAME, "SERVERNAME": _SYSNAME, "SPID": SqlType(Kind.SMALLINT), "TRANCOUNT": INT}
    if name.upper() not in kinds:
        raise NotUnderstood(f"@@{name}")
    return Typed(f"session_variable({quoted(name.upper())})", kinds[name.upper()])


def _only(node: exp.Expr, *known: str) -> None:
    from local.sqlserver.tsql.expressions import only

    only(node, *known)


# Conditional values


def _coalesce(within: Expressions, node: exp.Expr) -> Typed:
    values = [within.value(each) for each in (node.this, *node.expressions)]
    if node.args.get("is_null"):
        first = values[0]
        if first.type.kind is Kind.NULL:
            return within.coerce(values[1], values[1].type)
        results = [first, within.coerce(_narrowed(within, values[1], first.type), first.type)]
    else:
        results = within.same_type(*values)
    return Typed(f"COALESCE({', '.join(result.sql for result in results)})", results[0].type)


def _narrowed(within: Expressions, value: Typed, target: SqlType) -> Typed:
    """ISNULL gives the type of its first argument, so the second must fit it."""
    joined = within.same_type(Typed("NULL", target), value)[0].type
    fits = joined == target or joined.kind in TEXTS or value.constant is not None or value.type.kind in INTEGERS
    if not fits or (joined.kind is not target.kind and not (is_number(joined.kind) and is_number(target.kind))):
        raise NotUnderstood(f"ISNULL of {target.kind.value} with {value.type.kind.value}")
    return value


def _nullif(within: Expressions, node: exp.Expr) -> Typed:
    left, right = within.same_type(within.value(node.this), within.value(node.expression))
    return Typed(f"NULLIF({left.collated}, {right.sql})", left.type)


# Aggregates and windows


def _check_aggregate(within: Expressions, node: exp.Expr) -> None:
    """What SQL Server does not let an aggregate take."""
    if any(True for each in node.find_all(exp.Query, exp.AggFunc) if each is not node):
        raise SqlError(
            130, "Cannot perform an aggregate function on an expression containing an aggregate or a subquery."
        )
    own = {within.scope.find(each.table, each.name)[1] for each in node.find_all(exp.Column)}
    if own == {True, False}:
        raise SqlError(
            8124, "Multiple columns are specified in an aggregated expression containing an outer reference."
        )
    if own == {False}:
        raise NotUnderstood(f"an aggregate of outer columns alone: {node.sql('tsql')[:60]}")


def _count(within: Expressions, node: exp.Expr) -> Typed:
    _only(node, "this", "big_int")
    _check_aggregate(within, node)
    kind = BIGINT if node.args.get("big_int") else INT
    if isinstance(node.this, exp.Star):
        return Typed("COUNT(*)", kind)
    if isinstance(node.this, exp.Distinct):
        (only_one,) = node.this.expressions
        return Typed(f"COUNT(DISTINCT {within.value(only_one).collated})", kind)
    return Typed(f"COUNT({within.value(node.this).sql})", kind)


def _sum(within: Expressions, node: exp.Expr) -> Typed:
    _check_aggregate(within, node)
    value = within.value(node.this)
    kind = value.type
    if kind.as_text or kind.kind is Kind.BIT or not is_number(kind.kind):
        raise SqlError(8117, f"Operand data type {kind.kind.value} is invalid for sum operator.")
    if kind.kind in SCALED:
        result = decimal(38, kind.scale) if kind.kind is Kind.DECIMAL else SqlType(Kind.MONEY, precision=19, scale=4)
    else:
        result = BIGINT if kind.kind is Kind.BIGINT else INT
    return Typed(f"SUM({value.sql})", result)


def _extreme(word: str) -> Handler:
    def handler(within: Expressions, node: exp.Expr) -> Typed:
        _only(node, "this")
        _check_aggregate(within, node)
        value = within.value(node.this)
        if value.type.kind in (Kind.BIT, Kind.GUID) or value.type.as_text:
            raise SqlError(8117, f"Operand data type {value.type.kind.value} is invalid for {word.lower()} operator.")
        return Typed(f"{word}({value.collated})", value.type)

    return handler


def _string_agg(within: Expressions, node: exp.Expr) -> Typed:
    _only(node, "this", "separator")
    _check_aggregate(within, node)
    value = within.text(node.this)
    return Typed(
        f"group_concat({value.sql}, {within.text(node.args['separator']).sql})", replace(value.type, length=MAX)
    )


def _window(within: Expressions, node: exp.Expr) -> Typed:
    _only(node, "this", "partition_by", "order", "over")
    inner = node.this
    if isinstance(inner, (exp.RowNumber, exp.Rank, exp.DenseRank)):
        name = {exp.RowNumber: "ROW_NUMBER", exp.Rank: "RANK", exp.DenseRank: "DENSE_RANK"}[type(inner)]
        if node.args.get("order") is None:
            raise SqlError(4112, f"The function '{name}' must have an OVER clause with ORDER BY.")
        found = Typed(f"{name}()", BIGINT)
    elif isinstance(inner, (exp.Count, exp.Sum, exp.Min, exp.Max)):
        found = translate(within, inner)
    else:
        raise NotUnderstood(f"a window over {inner.sql('tsql')[:60]}")
    parts = [each.collated for each in map(within.value, node.args.get("partition_by") or ())]
    over = f"PARTITION BY {', '.join(parts)}" if parts else ""
    if node.args.get("order") is not None:
        over += " " + order_by([within.value(each.this) for each in node.args["order"].expressions], node.args["order"])
    return Typed(f"{found.sql} OVER ({over})", found.type)


def order_by(values: list[Typed], node: exp.Expr) -> str:
    """Result: an ORDER BY of these values in the directions of `node`; NULL comes first, as in SQL Server."""
    words = [
        value.collated + (" DESC" if each.args.get("desc") else " ASC")
        for value, each in zip(values, node.expressions, strict=True)
    ]
    return f"ORDER BY {', '.join(words)}"


# Text


def _same_text(word: str) -> Handler:
    def handler(within: Expressions, node: exp.Expr) -> Typed:
        _only(node, "this")
        value = within.text(node.this)
        return Typed(f"{word}({value.sql})", value.type)

    return handler


def _trim(within: Expressions, node: exp.Expr) -> Typed:
    _only(node, "this", "position")
    value = within.text(node.this)
    word = {"LEADING": "LTRIM", "TRAILING": "RTRIM"}.get(str(node.args.get("position") or ""), "TRIM")
    return Typed(f"{word}({value.sql}, ' ')", value.type)


def _unwrapped(node: exp.Expr) -> exp.Expr:
    """What LEN, LEFT, YEAR and DATEDIFF were written with: the parser wraps it."""
    if isinstance(node, exp.Cast) and node.to.this == exp.DataType.Type.TEXT:
        return node.this  # type: ignore[no-any-return]
    if isinstance(node, (exp.TsOrDsToDate, exp.TimeStrToTime)):
        return node.this  # type: ignore[no-any-return]
    return node


def _length(within: Expressions, node: exp.Expr) -> Typed:
    value = within.value(_unwrapped(node.this))
    if value.type.kind not in TEXTS:
        raise NotUnderstood(f"LEN of {value.type.kind.value}")
    return Typed(f"LENGTH(RTRIM({value.sql}, ' '))", INT)


def _part_of_text(within: Expressions, node: exp.Expr) -> Typed:
    value = within.text(_unwrapped(node.this))
    if isinstance(node, exp.Substring):
        start, length = within.whole(node.args["start"]).sql, within.whole(node.args["length"]).sql
        return Typed(f"substr({value.sql}, {start}, {length})", value.type)
    length = within.whole(node.expression).sql
    start = "1" if isinstance(node, exp.Left) else f"MAX(1, LENGTH({value.sql}) - {length} + 1)"
    return Typed(f"substr({value.sql}, {start}, {length})", value.type)


def _concat(within: Expressions, node: exp.Expr) -> Typed:
    parts = [f"COALESCE({within.text(each).sql}, '')" for each in node.expressions]
    return Typed(f"({' || '.join(parts)})", SqlType(Kind.NVARCHAR, length=MAX))


def _replace(within: Expressions, node: exp.Expr) -> Typed:
    value = within.text(node.this)
    old, new = within.text(node.expression), within.text(node.args["replacement"])
    return Typed(f"replace({value.sql}, {old.sql}, {new.sql})", replace(value.type, length=MAX))


def _position(within: Expressions, node: exp.Expr) -> Typed:
    _only(node, "this", "substr")
    return Typed(f"instr(lower({within.text(node.this).sql}), lower({within.text(node.args['substr']).sql}))", INT)


# Dates


def _moment(within: Expressions, node: exp.Expr) -> Typed:
    value = within.value(_unwrapped(node))
    if value.constant is not None and value.type.kind in TEXTS:
        value = within.coerce(value, SqlType(Kind.DATETIME))
    if value.type.kind not in _DAYS:
        raise NotUnderstood(f"{value.type.kind.value} where a date is expected")
    return value


def _unit(node: exp.Expr | None) -> str:
    name = node.name.lower() if node is not None else ""
    return _SAME_UNIT.get(name, name)


def _part_of_date(value: Typed, unit: str) -> Typed:
    if unit not in _UNITS:
        raise NotUnderstood(f"the part of a date {unit!r}")
    start, length = _UNITS[unit]
    return Typed(f"CAST(substr({value.sql}, {start}, {length}) AS INTEGER)", INT)


def _named_part(unit: str) -> Handler:
    return lambda within, node: _part_of_date(_moment(within, node.this), unit)


def _datepart(within: Expressions, node: exp.Expr) -> Typed:
    return _part_of_date(_moment(within, node.expression), _unit(node.this))


def _dateadd(within: Expressions, node: exp.Expr) -> Typed:
    unit = _unit(node.args.get("unit"))
    if unit not in (*_UNITS, "week", "quarter"):
        raise NotUnderstood(f"DATEADD of {unit!r}")
    value = _moment(within, node.this)
    return Typed(f"tsql_dateadd({quoted(unit)}, {within.whole(node.expression).sql}, {value.sql})", value.type)


def _datediff(within: Expressions, node: exp.Expr) -> Typed:
    unit = _unit(node.args.get("unit"))
    if unit not in _UNITS:
        raise NotUnderstood(f"DATEDIFF of {unit!r}")
    start, end = _moment(within, node.expression), _moment(within, node.this)
    return Typed(f"tsql_datediff({quoted(unit)}, {start.sql}, {end.sql})", INT)


def _from_parts(within: Expressions, node: exp.Expr) -> Typed:
    year, month, day = (within.whole(node.args[part]).sql for part in ("year", "month", "day"))
    return Typed(f"tsql_cast(printf('%04d-%02d-%02d', {year}, {month}, {day}), 'date')", _DATE)


def _now(within: Expressions, node: exp.Expr) -> Typed:
    return Typed("session_now()", SqlType(Kind.DATETIME))


# The server


def _called(name: str, kind: SqlType) -> Handler:
    def handler(within: Expressions, node: exp.Expr) -> Typed:
        arguments = [within.value(each).sql for each in node.expressions]
        return Typed(f"session_{name}({', '.join(arguments)})", kind)

    return handler


_BY_NAME: dict[str, Handler] = {
    "SERVERPROPERTY": _called("serverproperty", _LONG_NAME),
    "DB_NAME": _called("db_name", _SYSNAME),
    "SUSER_SNAME": _called("user", _SYSNAME),
    "HAS_PERMS_BY_NAME": _called("has_perms", INT),
    "OBJECT_ID": _called("object_id", INT),
    "COL_LENGTH": _called("col_length", SqlType(Kind.SMALLINT)),
    "SYSDATETIME": _now,
}
_BY_CLASS: dict[type[exp.Expr], Handler] = {
    exp.Coalesce: _coalesce,
    exp.Nullif: _nullif,
    exp.Count: _count,
    exp.Sum: _sum,
    exp.Min: _extreme("MIN"),
    exp.Max: _extreme("MAX"),
    exp.GroupConcat: _string_agg,
    exp.Window: _window,
    exp.Lower: _same_text("LOWER"),
    exp.Upper: _same_text("UPPER"),
    exp.Trim: _trim,
    exp.Length: _length,
    exp.Left: _part_of_text,
    exp.Right: _part_of_text,
    exp.Substring: _part_of_text,
    exp.Concat: _concat,
    exp.Replace: _replace,
    exp.StrPosition: _position,
    exp.Year: _named_part("year"),
    exp.Month: _named_part("month"),
    exp.Day: _named_part("day"),
    exp.Extract: _datepart,
    exp.DateAdd: _dateadd,
    exp.DateDiff: _datediff,
    exp.DateFromParts: _from_parts,
    exp.CurrentTimestamp: _now,
    exp.Cast: cast,
    exp.TryCast: cast,
    exp.Convert: cast,
}
