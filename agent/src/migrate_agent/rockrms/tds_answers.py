"""What a SQL Server's answers say, for the connection test: PRELOGIN's encryption, and the tokens of TDS."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

ENCRYPT_LOGIN_ONLY, ENCRYPT_ON, ENCRYPT_NOT_SUPPORTED, ENCRYPT_REQUIRED = range(4)
"""The option ENCRYPTION of PRELOGIN."""
_NVARCHAR = 0xE7
_NULL = 0xFFFF


class NotTds(Exception):
    """What answers does not speak TDS."""


@dataclass(slots=True)
class Answer:
    """Of a login, or of a SELECT."""

    rows: list[list[str | None]] = field(default_factory=list)
    errors: list[tuple[int, str]] = field(default_factory=list)
    version: str = ""
    routed_to: tuple[str, int] | None = None


def encryption_of(prelogin: bytes) -> int:
    """Result: what the server answers on encryption. Raises NotTds."""
    position = 0
    try:
        while prelogin[position] != 0xFF:
            token, offset, length = struct.unpack_from(">BHH", prelogin, position)
            if token == 1 and length:
                return int(prelogin[offset])
            position += 5
    except (IndexError, struct.error) as error:
        raise NotTds("its answer is not TDS") from error
    return ENCRYPT_NOT_SUPPORTED


def parsed_answer(data: bytes) -> Answer:
    """Result: the answer to a login, or to a SELECT of nvarchar columns. Raises NotTds."""
    answer, position, columns = Answer(), 0, 0
    try:
        while position < len(data):
            token = data[position]
            position += 1
            if token in (0xFD, 0xFE, 0xFF):
                position += 12
            elif token == 0x79:
                position += 4
            elif token == 0x81:
                columns, position = _columns(data, position)
            elif token in (0xD1, 0xD2):
                row, position = _row(data, position, columns, nulls=token == 0xD2)
                answer.rows.append(row)
            elif token == 0xAE:
                position = _feature_acknowledgements(data, position)
            else:
                (length,) = struct.unpack_from("<H", data, position)
                _note(answer, token, data[position + 2 : position + 2 + length])
                position += 2 + length
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise NotTds("its answer cannot be read") from error
    return answer


def _note(answer: Answer, token: int, body: bytes) -> None:
    if token == 0xAA:
        number, _, _, length = struct.unpack_from("<iBBH", body)
        answer.errors.append((number, body[8 : 8 + 2 * length].decode("utf-16-le")))
    elif token == 0xAD:
        answer.version = f"{body[-4]}.{body[-3]}.{body[-2] << 8 | body[-1]}"
    elif token == 0xE3 and body[0] == 20:
        # Routing: protocol, port, the other server's name.
        port, length = struct.unpack_from("<HH", body, 4)
        answer.routed_to = (body[8 : 8 + 2 * length].decode("utf-16-le"), port)


def _columns(data: bytes, position: int) -> tuple[int, int]:
    (count,) = struct.unpack_from("<H", data, position)
    position += 2
    if count == _NULL:
        return 0, position
    for _ in range(count):
        if data[position + 6] != _NVARCHAR:
            raise NotTds("a column that is not nvarchar")
        position += 6 + 1 + 2 + 5
        position += 1 + 2 * data[position]
    return count, position


def _row(data: bytes, position: int, columns: int, *, nulls: bool) -> tuple[list[str | None], int]:
    row: list[str | None] = []
    bitmap = data[position : position + (columns + 7) // 8] if nulls else b""
    position += len(bitmap)
    for column in range(columns):
        if nulls and bitmap[column // 8] >> (column % 8) & 1:
            row.append(None)
            continue
        (length,) = struct.unpack_from("<H", data, position)
        position += 2
        if length == _NULL:
            row.append(None)
            continue
        row.append(data[position : position + length].decode("utf-16-le"))
        position += length
    return row, position


def _feature_acknowledgements(data: bytes, position: int) -> int:
    while data[position] != 0xFF:
        (length,) = struct.unpack_from("<I", data, position + 1)
        position += 5 + length
    return position + 1
