"""An expression with its type, and how types meet: promotion (which type wins) and coercion (to the winner)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from local.sqlserver.cells import to_cell
from local.sqlserver.parameters import Value
from local.sqlserver.sql_error import NotUnderstood, SqlError
from local.sqlserver.sql_types import INTEGERS, MAX, MOMENTS, SCALED, TEXTS, Kind, SqlType

COLLATE = " COLLATE TSQL"
_WIDEST_DECIMAL = 38
_PRECEDENCE = (
    Kind.NULL,
    Kind.VARBINARY,
    Kind.VARCHAR,
    Kind.NVARCHAR,
    Kind.GUID,
    *INTEGERS,
    Kind.SMALLMONEY,
    Kind.MONEY,
    Kind.DECIMAL,
    Kind.REAL,
    Kind.FLOAT,
    Kind.TIME,
    Kind.DATE,
    Kind.SMALLDATETIME,
    Kind.DATETIME,
    Kind.DATETIME2,
    Kind.DATETIMEOFFSET,
)
"""From the weakest: the stronger of two types wins (SQL Server's "Data type precedence")."""
NULL_TYPE = SqlType(Kind.NULL)
INT = SqlType(Kind.INT)
BIGINT = SqlType(Kind.BIGINT)
_DIGITS = {Kind.BIT: 1, Kind.TINYINT: 3, Kind.SMALLINT: 5, Kind.INT: 10, Kind.BIGINT: 19}


@dataclass(frozen=True, slots=True)
class Typed:
    """A piece of SQLite's SQL and the SQL Server type of what it gives."""

    sql: str
    type: SqlType
    constant: Value = None
    """A literal's value."""
    parameter: str | None = None
    """The name of the parameter that it is."""

    @property
    def collated(self) -> str:
        """Result: its SQL for comparing, sorting or grouping."""
        return self.sql + COLLATE if self.type.kind in TEXTS else self.sql


def quoted(text: str) -> str:
    """Result: a text literal of SQLite."""
    return "'" + text.replace("'", "''") + "'"


def literal(value: Value, sql_type: SqlType) -> Typed:
    """Result: a constant. Raises SqlError where the type cannot hold it."""
    try:
        cell = to_cell(sql_type, value)
    except (ValueError, TypeError, ArithmeticError):
        raise SqlError(8114, f"Error converting {value!r} to {sql_type.kind.value}.") from None
    sql = "NULL" if cell is None else quoted(cell) if isinstance(cell, str) else repr(cell)
    return Typed(sql, sql_type, constant=value)


def is_number(kind: Kind) -> bool:
    """Whether values of this kind are computed with as whole numbers of their smallest unit."""
    return kind in INTEGERS or kind in SCALED


def as_decimal(sql_type: SqlType) -> SqlType:
    """Result: the decimal that holds every value of an integer or scaled type."""
    if sql_type.kind in SCALED:
        return SqlType(Kind.DECIMAL, precision=sql_type.precision, scale=sql_type.scale)
    return SqlType(Kind.DECIMAL, precision=_DIGITS[sql_type.kind])


def decimal(precision: int, scale: int) -> SqlType:
    """Result: a decimal type, as wide as SQL Server allows."""
    return SqlType(Kind.DECIMAL, precision=min(precision, _WIDEST_DECIMAL), scale=scale)


def common(first: SqlType, second: SqlType) -> SqlType:
    """Result: the type in which both are compared, or which both become in one column. Raises NotUnderstood."""
    if first.as_text or second.as_text:
        raise NotUnderstood("computing with a decimal of more than 18 digits")
    weak, strong = sorted((first, second), key=lambda each: _PRECEDENCE.index(each.kind))
    if weak.kind is Kind.NULL or weak == strong:
        return strong
    if strong.kind in TEXTS and weak.kind in TEXTS:
        return replace(strong, length=MAX if MAX in (weak.length, strong.length) else max(weak.length, strong.length))
    if is_number(strong.kind) and is_number(weak.kind):
        if strong.kind in INTEGERS or (weak.kind is strong.kind and strong.kind is not Kind.DECIMAL):
            return strong
        one, other = as_decimal(weak), as_decimal(strong)
        scale = max(one.scale, other.scale)
        return decimal(max(one.precision - one.scale, other.precision - other.scale) + scale, scale)
    if strong.kind in MOMENTS and (weak.kind in MOMENTS or weak.kind is Kind.DATE):
        return strong
    if weak.kind in TEXTS and (
        strong.kind in MOMENTS or strong.kind in (Kind.DATE, Kind.GUID) or is_number(strong.kind)
    ):
        return strong
    if strong.kind in (Kind.FLOAT, Kind.REAL) and weak.kind in (Kind.FLOAT, Kind.REAL, *INTEGERS):
        return strong
    raise NotUnderstood(f"{first.kind.value} beside {second.kind.value}")


def coerced(found: Typed, target: SqlType) -> Typed:
    """Result: the same value in `target`, which `common` has found. Raises NotUnderstood or SqlError."""
    source = found.type
    if source.kind is Kind.NULL or source == target:
        return replace(found, type=target) if found.parameter is None else Typed(found.sql, target)
    if found.parameter is not None:
        raise AssertionError("a parameter is bound in its new type, by the scope")
    if found.constant is not None and not (source.kind in TEXTS and target.kind in TEXTS):
        return literal(found.constant, target)
    return Typed(_converted(found.sql, source, target), target)


def _converted(sql: str, source: SqlType, target: SqlType) -> str:
    if is_number(source.kind) and is_number(target.kind):
        return rescaled(sql, source.scale, target.scale)
    if source.kind in TEXTS and target.kind in TEXTS:
        return sql
    if is_number(source.kind) and target.kind in (Kind.FLOAT, Kind.REAL):
        return f"CAST({sql} AS REAL)"
    if source.kind in (Kind.FLOAT, Kind.REAL) and target.kind in (Kind.FLOAT, Kind.REAL):
        return sql
    if source.kind is Kind.DATE and target.kind in MOMENTS:
        return f"({sql} || {quoted(' 00:00:00.' + ('0' * 7 if target.kind is Kind.DATETIME2 else '000'))})"
    if source.kind in MOMENTS and target.kind in MOMENTS:
        return f"tsql_datetime2({sql})" if target.kind is Kind.DATETIME2 else sql
    return f"tsql_cast({sql}, {quoted(written(target))})"


def rescaled(sql: str, source: int, target: int) -> str:
    """Result: a whole number of 10^-source, as one of 10^-target; never less exact."""
    if target < source:
        raise NotUnderstood("a decimal that loses places")
    return sql if target == source else f"({sql} * {10 ** (target - source)})"


def written(sql_type: SqlType) -> str:
    """Result: the type as it is declared."""
    kind = sql_type.kind
    if kind is Kind.DECIMAL:
        return f"decimal({sql_type.precision},{sql_type.scale})"
    if kind in TEXTS or kind is Kind.VARBINARY:
        return f"{kind.value}({'max' if sql_type.length == MAX else sql_type.length})"
    if kind in (Kind.TIME, Kind.DATETIME2, Kind.DATETIMEOFFSET):
        return f"{kind.value}({sql_type.scale})"
    return kind.value
