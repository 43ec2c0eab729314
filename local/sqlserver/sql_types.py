"""SQL Server's types as they are declared: `decimal(18,2)`, `nvarchar(50)`, `uniqueidentifier` ..."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum, unique

MAX = 0
"""The length of nvarchar(max) and its kind."""


@unique
class Kind(StrEnum):
    """What a value is; set by the declaration of its column, or by the expression that makes it."""

    BIT = "bit"
    TINYINT = "tinyint"
    SMALLINT = "smallint"
    INT = "int"
    BIGINT = "bigint"
    DECIMAL = "decimal"
    MONEY = "money"
    SMALLMONEY = "smallmoney"
    REAL = "real"
    FLOAT = "float"
    DATE = "date"
    TIME = "time"
    SMALLDATETIME = "smalldatetime"
    DATETIME = "datetime"
    DATETIME2 = "datetime2"
    DATETIMEOFFSET = "datetimeoffset"
    NVARCHAR = "nvarchar"
    VARCHAR = "varchar"
    VARBINARY = "varbinary"
    GUID = "uniqueidentifier"
    NULL = "null"


_SAME_AS = {
    "numeric": Kind.DECIMAL,
    "dec": Kind.DECIMAL,
    "integer": Kind.INT,
    "nchar": Kind.NVARCHAR,
    "char": Kind.VARCHAR,
    "ntext": Kind.NVARCHAR,
    "text": Kind.VARCHAR,
    "xml": Kind.NVARCHAR,
    "sysname": Kind.NVARCHAR,
    "binary": Kind.VARBINARY,
    "rowversion": Kind.VARBINARY,
    "double": Kind.FLOAT,
}
_WITHOUT_LENGTH = {"ntext": MAX, "text": MAX, "xml": MAX, "sysname": 128, "rowversion": 8}
_DECLARATION = re.compile(r"\s*\[?(\w+)]?\s*(?:\(\s*(\w+)\s*(?:,\s*(\d+)\s*)?\))?\s*", re.IGNORECASE)

_WIDEST = 18
"""Digits that always fit 64 bits."""

INTEGERS = (Kind.BIT, Kind.TINYINT, Kind.SMALLINT, Kind.INT, Kind.BIGINT)
"""From the narrowest to the widest."""
SCALED = frozenset({Kind.DECIMAL, Kind.MONEY, Kind.SMALLMONEY})
TEXTS = frozenset({Kind.NVARCHAR, Kind.VARCHAR})
MOMENTS = frozenset({Kind.SMALLDATETIME, Kind.DATETIME, Kind.DATETIME2})


@dataclass(frozen=True, slots=True)
class SqlType:
    """A kind with what it is declared with; `length` counts characters or bytes, 0 being max."""

    kind: Kind
    length: int = MAX
    precision: int = 0
    scale: int = 0
    as_text: bool = False
    """A decimal too wide for 64 bits: its cells are its digits, which are only read, never computed with."""


class UnknownType(ValueError):
    """A declaration that this server does not know."""


def declared(text: str) -> SqlType:
    """Result: the type that `text` declares. Raises UnknownType."""
    found = _DECLARATION.fullmatch(text)
    if found is None:
        raise UnknownType(text)
    word, first, second = found[1].lower(), found[2], found[3]
    try:
        kind = _SAME_AS.get(word) or Kind(word)
    except ValueError:
        raise UnknownType(text) from None
    if kind is Kind.DECIMAL:
        precision = int(first or 18)
        return SqlType(kind, precision=precision, scale=int(second or 0), as_text=precision > _WIDEST)
    if kind in (Kind.MONEY, Kind.SMALLMONEY):
        return SqlType(kind, precision=19 if kind is Kind.MONEY else 10, scale=4)
    if kind in (Kind.TIME, Kind.DATETIME2, Kind.DATETIMEOFFSET):
        return SqlType(kind, scale=7 if first is None else int(first))
    if kind is Kind.FLOAT and first is not None and int(first) <= 24:
        return SqlType(Kind.REAL)
    if kind in TEXTS or kind is Kind.VARBINARY:
        if first is None:
            return SqlType(kind, length=_WITHOUT_LENGTH.get(word, 1))
        return SqlType(kind, length=MAX if first.lower() == "max" else int(first))
    return SqlType(kind)
