"""Columns and values as they travel: TYPE_INFO and the bytes of each value (MS-TDS 2.2.5.4 to 2.2.5.6)."""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache, partial
from uuid import UUID

from local.sqlserver.sql_types import MAX, Kind, SqlType
from local.sqlserver.tokens import COLLATION

type Encode = Callable[[object], bytes]

_DAY_ONE = dt.date(1, 1, 1).toordinal()
_1900 = dt.datetime(1900, 1, 1)  # noqa: DTZ001 - church-local
_TICKS_OF_A_DAY = 24 * 60 * 60 * 300
_NULL_BYTE = b"\0"
_NULL_SHORT = b"\xff\xff"
_NULL_LONG = b"\xff" * 8
_LONGEST_NVARCHAR = 4000
_LONGEST_VARCHAR = 8000


@dataclass(frozen=True, slots=True)
class WireType:
    """How a column travels; `encode` takes a cell that is not NULL."""

    type_info: bytes
    null: bytes
    encode: Encode


def wire_type(sql_type: SqlType) -> WireType:
    """Result: how values of `sql_type` travel."""
    kind = sql_type.kind
    if kind in _FIXED:
        return _FIXED[kind]
    if kind is Kind.DECIMAL:
        return _decimal(sql_type)
    if kind is Kind.NVARCHAR:
        return _text(0xE7, sql_type.length, _LONGEST_NVARCHAR, 2, "utf-16-le")
    if kind is Kind.VARCHAR:
        return _text(0xA7, sql_type.length, _LONGEST_VARCHAR, 1, "cp1252")
    if kind is Kind.VARBINARY:
        return _binary(sql_type.length)
    if kind is Kind.NULL:
        return _FIXED[Kind.INT]
    return _moment_with_places(kind, sql_type.scale)


def _integer(size: int, letter: str) -> WireType:
    """`letter` is its code for struct, whose bound method is the fastest encoder there is."""
    encode = partial(struct.Struct(f"<B{letter}").pack, size)
    return WireType(bytes([0x26, size]), _NULL_BYTE, encode)


def _decimal(sql_type: SqlType) -> WireType:
    precision = sql_type.precision
    size = 5 if precision <= 9 else 9 if precision <= 19 else 13 if precision <= 28 else 17

    def encode(value: object) -> bytes:
        whole = _wide(value.decode(), sql_type.scale) if isinstance(value, bytes) else _exact(value)
        return bytes([size, 1 if whole >= 0 else 0]) + abs(whole).to_bytes(size - 1, "little")

    return WireType(bytes([0x6A, size, precision, sql_type.scale]), _NULL_BYTE, encode)


def _exact(value: object) -> int:
    if not isinstance(value, int):
        raise OverflowError(f"Arithmetic overflow error: {value!r} is no exact number any more")
    return value


def _wide(text: str, scale: int) -> int:
    sign, digits, exponent = Decimal(text).as_tuple()
    whole: int = int("".join(map(str, digits))) * 10 ** (scale + int(exponent))
    return -whole if sign else whole


def _money(size: int) -> WireType:
    def encode(value: object) -> bytes:
        whole = _exact(value)
        if size == 4:
            return b"\x04" + struct.pack("<i", whole)
        return b"\x08" + struct.pack("<iI", whole >> 32, whole & 0xFFFFFFFF)

    return WireType(bytes([0x6E, size]), _NULL_BYTE, encode)


def _text(token: int, length: int, longest: int, size: int, encoding: str) -> WireType:
    if length == MAX or length > longest:
        return WireType(bytes([token]) + b"\xff\xff" + COLLATION, _NULL_LONG, lambda value: _in_pieces(value, encoding))

    def encode(value: object) -> bytes:
        raw = str(value).encode(encoding, "replace")[: size * length]
        return struct.pack("<H", len(raw)) + raw

    return WireType(bytes([token]) + struct.pack("<H", size * length) + COLLATION, _NULL_SHORT, encode)


def _in_pieces(value: object, encoding: str) -> bytes:
    raw = str(value).encode(encoding, "replace")
    return struct.pack("<Q", len(raw)) + (struct.pack("<I", len(raw)) + raw if raw else b"") + b"\0\0\0\0"


def _binary(length: int) -> WireType:
    if length == MAX:

        def encode_long(value: object) -> bytes:
            raw: bytes = bytes(value)  # type: ignore[call-overload]
            return struct.pack("<Q", len(raw)) + (struct.pack("<I", len(raw)) + raw if raw else b"") + b"\0\0\0\0"

        return WireType(b"\xa5\xff\xff", _NULL_LONG, encode_long)

    def encode(value: object) -> bytes:
        raw: bytes = bytes(value)  # type: ignore[call-overload]
        return struct.pack("<H", len(raw)) + raw

    return WireType(b"\xa5" + struct.pack("<H", length), _NULL_SHORT, encode)


def _parsed(value: object) -> dt.datetime:
    return dt.datetime.fromisoformat(str(value)[:26])


@lru_cache(maxsize=100_000)
def _datetime(value: object) -> bytes:
    passed = _parsed(value) - _1900
    days, ticks = passed.days, round((passed.seconds + passed.microseconds / 1_000_000) * 300)
    if ticks >= _TICKS_OF_A_DAY:
        days, ticks = days + 1, ticks - _TICKS_OF_A_DAY
    return b"\x08" + struct.pack("<iI", days, ticks)


def _smalldatetime(value: object) -> bytes:
    passed = _parsed(value) - _1900
    return b"\x04" + struct.pack("<HH", passed.days, passed.seconds // 60)


@lru_cache(maxsize=100_000)
def _date(value: object) -> bytes:
    return b"\x03" + _days(dt.date.fromisoformat(str(value)[:10]))


def _days(day: dt.date) -> bytes:
    return (day.toordinal() - _DAY_ONE).to_bytes(3, "little")


def _time_bytes(time: dt.time, places: int) -> bytes:
    micros = ((time.hour * 60 + time.minute) * 60 + time.second) * 1_000_000 + time.microsecond
    units: int = micros * 10 // 10 ** (7 - places)
    return units.to_bytes(time_size(places), "little")


def time_size(places: int) -> int:
    """Result: how many bytes a time of day with so many places takes."""
    return 3 if places <= 2 else 4 if places <= 4 else 5


def _moment_with_places(kind: Kind, places: int) -> WireType:
    size = time_size(places)
    if kind is Kind.TIME:

        def encode_time(value: object) -> bytes:
            return bytes([size]) + _time_bytes(dt.time.fromisoformat(str(value)[:15]), places)

        return WireType(bytes([0x29, places]), _NULL_BYTE, encode_time)
    if kind is Kind.DATETIME2:

        def encode_moment(value: object) -> bytes:
            moment = _parsed(value)
            return bytes([size + 3]) + _time_bytes(moment.time(), places) + _days(moment.date())

        return WireType(bytes([0x2A, places]), _NULL_BYTE, encode_moment)

    def encode_with_offset(value: object) -> bytes:
        moment = dt.datetime.fromisoformat(str(value))
        offset = moment.utcoffset() or dt.timedelta()
        utc = moment.replace(tzinfo=None) - offset
        minutes = int(offset.total_seconds() // 60)
        return bytes([size + 5]) + _time_bytes(utc.time(), places) + _days(utc.date()) + struct.pack("<h", minutes)

    return WireType(bytes([0x2B, places]), _NULL_BYTE, encode_with_offset)


_FIXED: dict[Kind, WireType] = {
    Kind.BIT: WireType(b"\x68\x01", _NULL_BYTE, lambda value: b"\x01\x01" if value else b"\x01\x00"),
    Kind.TINYINT: _integer(1, "B"),
    Kind.SMALLINT: _integer(2, "h"),
    Kind.INT: _integer(4, "i"),
    Kind.BIGINT: _integer(8, "q"),
    Kind.MONEY: _money(8),
    Kind.SMALLMONEY: _money(4),
    Kind.REAL: WireType(b"\x6d\x04", _NULL_BYTE, lambda value: b"\x04" + struct.pack("<f", value)),
    Kind.FLOAT: WireType(b"\x6d\x08", _NULL_BYTE, lambda value: b"\x08" + struct.pack("<d", value)),
    Kind.DATE: WireType(b"\x28", _NULL_BYTE, _date),
    Kind.DATETIME: WireType(b"\x6f\x08", _NULL_BYTE, _datetime),
    Kind.SMALLDATETIME: WireType(b"\x6f\x04", _NULL_BYTE, _smalldatetime),
    Kind.GUID: WireType(b"\x24\x10", _NULL_BYTE, lambda value: b"\x10" + UUID(str(value)).bytes_le),
}
