"""Tokens of the server's answers (MS-TDS 2.2.7)."""

from __future__ import annotations

import struct
from enum import IntEnum, IntFlag, unique

from local.sqlserver.sql_error import SqlError

COLLATION = bytes.fromhex("0904d00034")
"""SQL_Latin1_General_CP1_CI_AS."""
TDS_7_4 = 0x74000004
SERVER_NAME = "ROCKSQL"
_PRODUCT = "Microsoft SQL Server"
_MAJOR, _MINOR, _BUILD = 16, 0, 4135
PRODUCT_VERSION = f"{_MAJOR}.{_MINOR}.{_BUILD}.4"
RETURN_STATUS = b"\x79\0\0\0\0"
ROW = b"\xd1"


@unique
class Done(IntFlag):
    """Status bits of DONE tokens."""

    FINAL = 0
    MORE = 1
    ERROR = 2
    COUNT = 0x10
    ATTENTION = 0x20


@unique
class DoneToken(IntEnum):
    """Which kind of step is done; set by the request."""

    BATCH = 0xFD
    PROCEDURE = 0xFE
    IN_PROCEDURE = 0xFF


def short_text(text: str) -> bytes:
    """Result: a text with its length in one byte (B_VARCHAR)."""
    return bytes([len(text)]) + text.encode("utf-16-le")


def long_text(text: str) -> bytes:
    """Result: a text with its length in two bytes (US_VARCHAR)."""
    return struct.pack("<H", len(text)) + text.encode("utf-16-le")


def error(found: SqlError) -> bytes:
    """Result: an ERROR token."""
    return _message(0xAA, found.number, found.message[:2000], found.severity, found.state)


def info(number: int, message: str) -> bytes:
    """Result: an INFO token."""
    return _message(0xAB, number, message, 0, 1)


def _message(token: int, number: int, message: str, severity: int, state: int) -> bytes:
    body = struct.pack("<iBB", number, state, severity) + long_text(message) + short_text(SERVER_NAME)
    body += short_text("") + struct.pack("<i", 1)
    return bytes([token]) + struct.pack("<H", len(body)) + body


def environment_change(kind: int, new: bytes, old: bytes) -> bytes:
    """Result: an ENVCHANGE token."""
    body = bytes([kind]) + new + old
    return b"\xe3" + struct.pack("<H", len(body)) + body


def done(status: Done = Done.FINAL, count: int = 0, command: int = 0xC1, token: DoneToken = DoneToken.BATCH) -> bytes:
    """Result: a DONE, DONEPROC or DONEINPROC token; 0xC1 is the command SELECT."""
    return struct.pack("<BHHQ", token, status, command, count)


def login_acknowledged() -> bytes:
    """Result: a LOGINACK token for TDS 7.4."""
    body = b"\x01" + struct.pack(">I", TDS_7_4) + short_text(_PRODUCT) + bytes([_MAJOR, _MINOR])
    body += struct.pack(">H", _BUILD)
    return b"\xad" + struct.pack("<H", len(body)) + body


def prelogin_version() -> bytes:
    """Result: the VERSION option of PRELOGIN."""
    return bytes([_MAJOR, _MINOR]) + struct.pack(">HH", _BUILD, 0)


def return_handle(handle: int) -> bytes:
    """Result: a RETURNVALUE token with a prepared statement's handle."""
    return (
        b"\xac" + struct.pack("<H", 0) + short_text("") + b"\x01" + struct.pack("<IH", 0, 0) + b"\x26\x04\x04"
    ) + struct.pack("<i", handle)


def result_columns(columns: list[tuple[str, bytes]]) -> bytes:
    """Result: a COLMETADATA token for columns given as (name, type info); all may be NULL."""
    parts = [b"\x81", struct.pack("<H", len(columns))]
    parts += [struct.pack("<IH", 0, 0x09) + type_info + short_text(name) for name, type_info in columns]
    return b"".join(parts)
