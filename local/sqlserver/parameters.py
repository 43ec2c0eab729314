"""Values that clients send with a remote procedure call (MS-TDS 2.2.5.5), as Python values."""

from __future__ import annotations

import datetime as dt
import struct
from decimal import Decimal
from uuid import UUID

from local.sqlserver.sql_error import SqlError
from local.sqlserver.wire_types import time_size

type Value = int | float | str | bytes | Decimal | UUID | dt.date | dt.datetime | dt.time | None

_DAY_ONE = dt.date(1, 1, 1).toordinal()
_1900 = dt.datetime(1900, 1, 1)  # noqa: DTZ001 - church-local
_FIXED_SIZES = {0x1F: 0, 0x30: 1, 0x32: 1, 0x34: 2, 0x38: 4, 0x7F: 8, 0x3A: 4, 0x3B: 4, 0x3C: 8, 0x3D: 8, 0x3E: 8}
_COUNTED = frozenset({0x26, 0x68, 0x6D, 0x6E, 0x6F, 0x24})
_DECIMALS = frozenset({0x6A, 0x6C})
_UNICODE = frozenset({0xE7, 0xEF})
_CODE_PAGE = frozenset({0xA7, 0xAF})
_BINARY = frozenset({0xA5, 0xAD})
_MAX = 0xFFFF


class Reader:
    """Takes values off a message, from its start to its end."""

    def __init__(self, data: bytes, position: int = 0) -> None:
        self._data = data
        self._position = position

    @property
    def more(self) -> bool:
        """Whether anything is left."""
        return self._position < len(self._data)

    def peek(self) -> int:
        """Result: the next byte, which stays."""
        return self._data[self._position]

    def take(self, size: int) -> bytes:
        """Result: the next bytes. Raises SqlError where the message ends before them."""
        taken = self._data[self._position : self._position + size]
        if len(taken) != size:
            raise SqlError(8005, "The incoming tabular data stream is incorrect.")
        self._position += size
        return taken

    def number(self, size: int, *, signed: bool = False) -> int:
        """Result: a little-endian number of so many bytes."""
        return int.from_bytes(self.take(size), "little", signed=signed)

    def short_text(self) -> str:
        """Result: a text with its length in one byte."""
        return self.take(2 * self.number(1)).decode("utf-16-le")


def read_value(reader: Reader) -> Value:
    """Result: the next value with its type. Raises SqlError for a type that is not known."""
    token = reader.number(1)
    if token in _FIXED_SIZES:
        return _fixed(token, reader.take(_FIXED_SIZES[token]))
    if token in _COUNTED:
        reader.take(1)
        return _counted(token, reader.take(reader.number(1)))
    if token in _DECIMALS:
        reader.take(2)
        scale = reader.number(1)
        raw = reader.take(reader.number(1))
        if not raw:
            return None
        value = Decimal(int.from_bytes(raw[1:], "little")).scaleb(-scale)
        return value if raw[0] else -value
    if token == 0x28:
        raw = reader.take(reader.number(1))
        return dt.date.fromordinal(int.from_bytes(raw, "little") + _DAY_ONE) if raw else None
    if token in (0x29, 0x2A, 0x2B):
        places = reader.number(1)
        return _with_places(token, places, reader.take(reader.number(1)))
    if token in _UNICODE | _CODE_PAGE | _BINARY:
        return _variable(token, reader)
    raise SqlError(8009, f"The parameter's data type 0x{token:02x} is not known.")


def _fixed(token: int, raw: bytes) -> Value:
    if token == 0x1F:
        return None
    if token in (0x30, 0x32):
        return raw[0]
    if token in (0x34, 0x38, 0x7F):
        return int.from_bytes(raw, "little", signed=True)
    if token in (0x3B, 0x3E):
        return _float(raw)
    return _old_moment(raw) if token in (0x3A, 0x3D) else _money(raw)


def _counted(token: int, raw: bytes) -> Value:
    if not raw:
        return None
    if token == 0x26:
        return int.from_bytes(raw, "little", signed=len(raw) > 1)
    if token == 0x68:
        return raw[0]
    if token == 0x6D:
        return _float(raw)
    if token == 0x6E:
        return _money(raw)
    return _old_moment(raw) if token == 0x6F else UUID(bytes_le=raw)


def _float(raw: bytes) -> float:
    found: float = struct.unpack("<f" if len(raw) == 4 else "<d", raw)[0]
    return found


def _money(raw: bytes) -> Decimal:
    if len(raw) == 4:
        return Decimal(int.from_bytes(raw, "little", signed=True)).scaleb(-4)
    high, low = struct.unpack("<iI", raw)
    return Decimal((high << 32) | low).scaleb(-4)


def _old_moment(raw: bytes) -> dt.datetime:
    if len(raw) == 4:
        days, minutes = struct.unpack("<HH", raw)
        return _1900 + dt.timedelta(days=days, minutes=minutes)
    days, ticks = struct.unpack("<iI", raw)
    return _1900 + dt.timedelta(days=days, milliseconds=round(ticks * 10 / 3))


def _with_places(token: int, places: int, raw: bytes) -> Value:
    if not raw:
        return None
    size = time_size(places)
    passed = dt.timedelta(microseconds=int.from_bytes(raw[:size], "little") * 10 ** (7 - places) // 10)
    if token == 0x29:
        return (dt.datetime.min + passed).time()  # noqa: DTZ901 - only its time is used
    day = dt.date.fromordinal(int.from_bytes(raw[size : size + 3], "little") + _DAY_ONE)
    moment = dt.datetime(day.year, day.month, day.day) + passed  # noqa: DTZ001 - church-local
    if token == 0x2A:
        return moment
    offset = dt.timedelta(minutes=struct.unpack("<h", raw[size + 3 : size + 5])[0])
    return (moment + offset).replace(tzinfo=dt.timezone(offset))


def _variable(token: int, reader: Reader) -> Value:
    length = reader.number(2)
    if token not in _BINARY:
        reader.take(5)
    if length == _MAX:
        if reader.take(8) == b"\xff" * 8:
            return None
        pieces = []
        while piece := reader.number(4):
            pieces.append(reader.take(piece))
        raw = b"".join(pieces)
    else:
        length = reader.number(2)
        if length == _MAX:
            return None
        raw = reader.take(length)
    if token in _BINARY:
        return raw
    return raw.decode("utf-16-le" if token in _UNICODE else "cp1252")
