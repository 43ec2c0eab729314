"""What SQLite is taught: SQL Server's comparison of text, its LIKE, and conversions that plain SQL cannot do."""

from __future__ import annotations

import calendar
import datetime as dt
import re
import sqlite3
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache

from local.sqlserver.cells import Cell, moment_text, to_cell
from local.sqlserver.sql_types import INTEGERS, MAX, SCALED, TEXTS, Kind, SqlType, declared

_DATE_CHARACTERS = 10
_TICK_DIGITS = {"3": "33333", "7": "66667"}
"""The last digit of a `datetime` and what it stands for."""


def teach(connection: sqlite3.Connection) -> None:
    """Register every function and the collation that translated statements use."""
    connection.create_collation("TSQL", _compare)
    connection.create_function("tsql_like", 3, _like, deterministic=True)
    connection.create_function("tsql_cast", 2, _cast, deterministic=True)
    connection.create_function("tsql_try_cast", 2, _try_cast, deterministic=True)
    connection.create_function("tsql_utf16", 1, _utf16, deterministic=True)
    connection.create_function("tsql_datetime2", 1, _datetime2, deterministic=True)
    connection.create_function("tsql_dateadd", 3, _dateadd, deterministic=True)
    connection.create_function("tsql_datediff", 3, _datediff, deterministic=True)
    connection.create_function("tsql_several_rows", 0, _several_rows)
    connection.create_function("tsql_decimal_text", 2, _decimal_text, deterministic=True)
    connection.create_function("tsql_round", 3, _round, deterministic=True)


def comparable(text: str) -> str:
    """Result: what two texts that SQL Server calls equal have in common: no case, no trailing blanks."""
    return text.rstrip(" ").casefold()


def _compare(first: str, second: str) -> int:
    if first == second:
        return 0
    one, other = comparable(first), comparable(second)
    return (one > other) - (one < other)


@lru_cache(maxsize=256)
def _pattern(pattern: str, escape: str | None) -> re.Pattern[str]:
    parts, position = [], 0
    while position < len(pattern):
        character = pattern[position]
        position += 1
        if escape and character == escape and position < len(pattern):
            parts.append(re.escape(pattern[position]))
            position += 1
        elif character == "%":
            parts.append(".*")
        elif character == "_":
            parts.append(".")
        elif character == "[" and (end := pattern.find("]", position)) > position:
            inside = pattern[position:end].replace("\\", "\\\\").replace("[", "\\[")
            parts.append(f"[{inside}]")
            position = end + 1
        else:
            parts.append(re.escape(character))
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)


def _like(value: str | None, pattern: str | None, escape: str | None) -> int | None:
    if value is None or pattern is None:
        return None
    return int(_pattern(pattern, escape).fullmatch(value) is not None)


def _cast(value: Cell, target: str) -> Cell:
    """From text (or a number, to text) to `target`."""
    return None if value is None else convert(value, declared(target))


def _try_cast(value: Cell, target: str) -> Cell:
    try:
        return _cast(value, target)
    except (ValueError, ArithmeticError):
        return None


def _utf16(value: str | None) -> bytes | None:
    """The bytes of an nvarchar, as CAST to varbinary gives them."""
    return None if value is None else value.encode("utf-16-le")


def convert(value: Cell, target: SqlType) -> Cell:
    """Result: the cell of `target` for a text, or for a number that becomes text. Raises ValueError."""
    if target.kind in TEXTS:
        text = str(value)
        return text if target.length == MAX else text[: target.length]
    text = str(value).strip()
    if target.kind in INTEGERS:
        if re.fullmatch(r"[+-]?\d+", text) is None:
            raise ValueError(f"Conversion failed when converting {text!r} to {target.kind.value}")
        return int(bool(int(text))) if target.kind is Kind.BIT else int(text)
    if target.kind in SCALED:
        try:
            places = Decimal(1).scaleb(-target.scale)
            return to_cell(target, Decimal(text).quantize(places, rounding=ROUND_HALF_UP))
        except InvalidOperation as error:
            raise ValueError(f"Error converting {text!r} to numeric") from error
    return to_cell(target, text)


def _datetime2(value: str | None) -> str | None:
    """A `datetime` counts thirds of 10 ms: as datetime2, 0.003 is 0.0033333 (and so later than what a client sends)."""
    if value is None or len(value) > 23:
        return value
    return value[:22] + _TICK_DIGITS.get(value[22:], value[22:] + "0000")


def _dateadd(unit: str, number: int | None, value: str | None) -> str | None:
    if number is None or value is None:
        return None
    moment = dt.datetime.fromisoformat(value[:26])
    if unit in ("year", "month", "quarter"):
        months = number * {"year": 12, "quarter": 3, "month": 1}[unit]
        year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
        day = min(moment.day, calendar.monthrange(year, month + 1)[1])
        moment = moment.replace(year=year, month=month + 1, day=day)
    else:
        moment += dt.timedelta(**{f"{unit}s": number})
    if len(value) == _DATE_CHARACTERS:
        return moment.date().isoformat()
    return moment_text(moment, 3) if len(value) == 23 else moment_text(moment, 6) + "0"


def _datediff(unit: str, first: str | None, second: str | None) -> int | None:
    """Boundaries crossed, as SQL Server counts, not time passed."""
    if first is None or second is None:
        return None
    start, end = dt.datetime.fromisoformat(first[:26]), dt.datetime.fromisoformat(second[:26])
    if unit == "year":
        return end.year - start.year
    if unit == "month":
        return (end.year - start.year) * 12 + end.month - start.month
    seconds = {"day": 86_400, "hour": 3_600, "minute": 60, "second": 1}[unit]
    epoch = dt.datetime(1, 1, 1)  # noqa: DTZ001 - church-local
    return int((end - epoch).total_seconds() // seconds - (start - epoch).total_seconds() // seconds)


def _round(value: int | None, source: int, target: int) -> int | None:
    """A whole number of 10^-source as one of 10^-target, halves away from zero."""
    if value is None:
        return None
    unit: int = 10 ** (source - target)
    whole, rest = divmod(abs(value), unit)
    rounded = whole + (1 if 2 * rest >= unit else 0)
    return rounded if value >= 0 else -rounded


def _decimal_text(value: int | None, scale: int) -> str | None:
    return None if value is None else f"{Decimal(value).scaleb(-scale):.{scale}f}"


def _several_rows() -> None:
    raise ValueError("more than one row")
