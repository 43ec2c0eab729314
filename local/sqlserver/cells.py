"""How values lie in the SQLite file, so that SQLite compares, sorts and adds them exactly.

| SQL Server | cell |
|---|---|
| bit, tinyint ... bigint | integer |
| decimal(p,s) with p <= 18, money | integer: the value times 10^s (12.30 as decimal(18,2) is 1230) |
| decimal(p,s) with p > 18 | blob with its digits, which SQLite leaves alone; read only, never computed with |
| date | text `2024-02-29` |
| datetime, smalldatetime | text `2024-02-29 23:59:59.997` |
| datetime2(n) | text `2024-02-29 23:59:59.9999999`, always seven places |
| datetimeoffset(n), time(n) | text, ISO |
| uniqueidentifier | text, upper case, with dashes |
| nvarchar, varchar | text |
| varbinary | blob |

A table is declared with the names and types of SQL Server, each type in double quotes (SQLite knows no `nvarchar(max)`
without them), and its key as `Id INTEGER PRIMARY KEY`, which is SQLite's fastest. SQLite's own affinity changes none of
these cells. Write-ahead logging (`PRAGMA journal_mode=WAL`) lets tests write while clients read.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal, localcontext
from uuid import UUID

from local.sqlserver.sql_types import INTEGERS, SCALED, TEXTS, Kind, SqlType, declared

type Cell = int | float | str | bytes | None


def to_cell(sql_type: str | SqlType, value: object) -> Cell:
    """Result: `value` as it is written into a column of `sql_type`, also given as declared ("decimal(18,2)").

    Takes None, int, bool, float, str, bytes, Decimal, UUID, date, datetime (naive, church-local) and time. Raises
    ValueError for a value that the type cannot hold exactly.
    """
    kind = declared(sql_type) if isinstance(sql_type, str) else sql_type
    if value is None:
        return None
    if kind.kind in INTEGERS:
        return int(value)  # type: ignore[call-overload, no-any-return]
    if kind.kind in SCALED:
        return str(value).encode() if kind.as_text else scaled(value, kind.scale)
    if kind.kind in (Kind.REAL, Kind.FLOAT):
        return float(value)  # type: ignore[arg-type]
    if kind.kind is Kind.GUID:
        return str(value if isinstance(value, UUID) else UUID(str(value))).upper()
    if kind.kind in TEXTS:
        return str(value)
    if kind.kind is Kind.VARBINARY:
        return bytes(value)  # type: ignore[call-overload, no-any-return]
    return _time_cell(kind, value)


def scaled(value: object, scale: int) -> int:
    """Result: `value` times 10^scale. Raises ValueError where that is no whole number, or more than 64 bits."""
    with localcontext() as context:
        context.prec = 60
        exact = (value if isinstance(value, Decimal) else Decimal(str(value))).scaleb(scale)
    whole = int(exact)
    if whole != exact or not -(2**63) <= whole < 2**63:
        raise ValueError(f"{value} does not fit a decimal with {scale} places")
    return whole


def _time_cell(kind: SqlType, value: object) -> str:
    if kind.kind is Kind.DATE:
        return dt.date.fromisoformat(str(value)[:10]).isoformat()
    if kind.kind is Kind.TIME:
        return dt.time.fromisoformat(str(value)[:15]).isoformat("microseconds")
    if kind.kind is Kind.DATETIMEOFFSET:
        return dt.datetime.fromisoformat(str(value)).isoformat(" ", "microseconds")
    moment = _as_moment(value)
    if kind.kind is Kind.SMALLDATETIME:
        return moment.replace(second=0, microsecond=0).isoformat(" ", "milliseconds")
    if kind.kind is Kind.DATETIME:
        return moment_text(rounded_to_ticks(moment), 3)
    return moment_text(moment, 6) + "0"


def _as_moment(value: object) -> dt.datetime:
    if isinstance(value, dt.datetime):
        return value
    if isinstance(value, dt.date):
        return dt.datetime(value.year, value.month, value.day)  # noqa: DTZ001 - church-local
    return dt.datetime.fromisoformat(str(value)[:26])


def moment_text(moment: dt.datetime, places: int) -> str:
    """Result: `2024-02-29 23:59:59.997` with 3 or 6 places, whatever the year."""
    return moment.isoformat(" ", "milliseconds" if places == 3 else "microseconds")


def rounded_to_ticks(moment: dt.datetime) -> dt.datetime:
    """Result: `moment` as `datetime` keeps it: to 1/300 of a second, shown as .000, .003 or .007."""
    start = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    passed = moment - start
    ticks = round((passed.seconds + passed.microseconds / 1_000_000) * 300)
    return start + dt.timedelta(milliseconds=round(ticks * 10 / 3))
