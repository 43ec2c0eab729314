"""CAST, CONVERT and their TRY_ forms: each pair of types that is known, and no other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from local.sqlserver.sql_error import NotUnderstood
from local.sqlserver.sql_types import INTEGERS, MAX, MOMENTS, SCALED, TEXTS, Kind, SqlType, UnknownType, declared
from local.sqlserver.tsql.typed import Typed, as_decimal, decimal, is_number, quoted, written

if TYPE_CHECKING:
    from local.sqlserver.tsql.expressions import Expressions

_DAYS = (Kind.DATE, *MOMENTS)
_ISO_STYLES = {"23": (10, False), "121": (23, False), "126": (23, True), "120": (19, False), "112": (8, False)}


def cast(within: Expressions, node: exp.Expr) -> Typed:
    """Result: a conversion that is written out. Raises NotUnderstood."""
    from local.sqlserver.tsql.expressions import only

    tolerant = isinstance(node, exp.TryCast) or bool(node.args.get("safe"))
    if isinstance(node, exp.Convert):
        only(node, "this", "expression", "style", "safe")
        target, source, style = node.this, node.expression, node.args.get("style")
    else:
        only(node, "this", "to", "safe")
        target, source, style = node.args["to"], node.this, None
    try:
        kind = declared(target.sql("tsql"))
    except UnknownType:
        raise NotUnderstood(f"the type {target.sql('tsql')}") from None
    if kind.kind in TEXTS and not target.expressions:
        kind = replace(kind, length=30)
    value = within.value(source)
    return converted(within, value, replace(kind, as_text=False), style.name if style is not None else None, tolerant)


def converted(within: Expressions, value: Typed, target: SqlType, style: str | None, tolerant: bool) -> Typed:
    """Result: CAST, CONVERT and their TRY_ forms. Raises NotUnderstood for a pair of types that is not known."""
    source = value.type.kind
    if source is Kind.NULL or value.parameter is not None:
        return within.coerce(value, target)
    if style is not None and not (source in _DAYS and target.kind in TEXTS):
        raise NotUnderstood(f"style {style} from {source.value} to {target.kind.value}")
    if target.kind in TEXTS:
        return _to_text(value, target, style)
    if is_number(source) and is_number(target.kind):
        return _to_number(within, value, target)
    if source in _DAYS and target.kind is Kind.DATE:
        return Typed(f"substr({value.sql}, 1, 10)", target)
    if source in _DAYS and target.kind in MOMENTS and target.kind is not Kind.SMALLDATETIME:
        if target.kind is Kind.DATETIME and source is Kind.DATETIME2:
            raise NotUnderstood("datetime2 to datetime")
        return within.coerce(value, target)
    if source is Kind.NVARCHAR and target.kind is Kind.VARBINARY:
        return Typed(f"tsql_utf16({value.sql})", target)
    if source in TEXTS:
        word = "tsql_try_cast" if tolerant else "tsql_cast"
        return Typed(f"{word}({value.sql}, {quoted(written(target))})", target)
    if source is target.kind:
        return Typed(value.sql, target)
    raise NotUnderstood(f"{source.value} to {target.kind.value}")


def _to_text(value: Typed, target: SqlType, style: str | None) -> Typed:
    source = value.type.kind
    sql = value.sql
    if source in _DAYS:
        if style is None and source is not Kind.DATE:
            raise NotUnderstood(f"{source.value} as text without a style")
        if (style or "23") not in _ISO_STYLES:
            raise NotUnderstood(f"style {style}")
        length, with_t = _ISO_STYLES[style or "23"]
        sql = f"replace({sql}, '-', '')" if style == "112" else sql
        sql = f"substr({sql}, 1, {length})"
        sql = f"replace({sql}, ' ', 'T')" if with_t else sql
    elif source in SCALED:
        sql = f"tsql_decimal_text({sql}, {value.type.scale})"
    elif source in INTEGERS:
        sql = f"CAST({sql} AS TEXT)"
    elif source not in TEXTS and source is not Kind.GUID:
        raise NotUnderstood(f"{source.value} as text")
    return Typed(sql if target.length == MAX else f"substr({sql}, 1, {target.length})", target)


def _to_number(within: Expressions, value: Typed, target: SqlType) -> Typed:
    if target.kind is Kind.BIT:
        return Typed(f"({value.sql} <> 0)", target)
    source, scale = value.type.scale, target.scale
    if target.kind in INTEGERS and source:
        return Typed(f"({value.sql} / {10**source})", target)
    if source > scale:
        return Typed(f"tsql_round({value.sql}, {source}, {scale})", target)
    exact = Typed(value.sql, as_decimal(value.type), value.constant)
    return replace(within.coerce(exact, decimal(38, scale)), type=target) if scale else Typed(value.sql, target)
