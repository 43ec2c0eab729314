"""How a connection begins: PRELOGIN, TLS as agreed, LOGIN7 (MS-TDS 2.2.6.4 and 2.2.6.5)."""

from __future__ import annotations

import ssl
import struct
from dataclasses import dataclass, field
from enum import IntEnum, unique

from local.sqlserver import tokens
from local.sqlserver.framing import Channel, Disconnected, PacketType
from local.sqlserver.sql_error import SqlError

_OPTION_ENCRYPTION = 1
_TERMINATOR = 0xFF
_LARGEST_PACKET = 32_767
_SMALLEST_PACKET = 512


@unique
class Wire(IntEnum):
    """The ENCRYPTION option of PRELOGIN; each side sets its own."""

    LOGIN_ONLY = 0
    ON = 1
    NOT_SUPPORTED = 2
    REQUIRED = 3


@dataclass(frozen=True, slots=True)
class Terms:
    """What the server offers. `tls` is for TDS 7.4, `strict` for TDS 8.0; None: no certificate."""

    tls: ssl.SSLContext | None
    strict: ssl.SSLContext | None
    required: bool


@dataclass(frozen=True, slots=True)
class LoginAsked:
    """What a client says of itself."""

    user: str
    password: str = field(repr=False)
    database: str
    application: str
    packet_bytes: int


def agree(channel: Channel, terms: Terms, first_byte: bytes) -> LoginAsked | None:
    """Result: the login, with TLS on if the connection is encrypted; None if both sides cannot agree."""
    if first_byte == b"\x16":
        if terms.strict is None:
            return None
        channel.start_bare_tls(terms.strict)
    kind, _, data = channel.read_message()
    if kind != PacketType.PRELOGIN:
        return None
    asked = _options(data).get(_OPTION_ENCRYPTION, bytes([Wire.NOT_SUPPORTED]))
    wanted = Wire(asked[0] & 3)
    answer = Wire.ON if channel.encrypted else _answer(wanted, terms)
    channel.send_message(_prelogin_answer(answer))
    if answer is Wire.REQUIRED and wanted is Wire.NOT_SUPPORTED:
        return None
    if answer is not Wire.NOT_SUPPORTED and not channel.encrypted:
        assert terms.tls is not None
        channel.start_tls(terms.tls)
    kind, _, data = channel.read_message()
    if kind != PacketType.LOGIN7:
        return None
    if answer is Wire.LOGIN_ONLY:
        channel.stop_tls()
    return _login(data)


def accept(channel: Channel, login: LoginAsked, database: str) -> None:
    """Tell the client that it is in, and agree on the packets' size."""
    size = max(_SMALLEST_PACKET, min(login.packet_bytes or 4096, _LARGEST_PACKET))
    text = tokens.short_text
    channel.send_message(
        tokens.environment_change(1, text(database), text("master"))
        + tokens.info(5701, f"Changed database context to '{database}'.")
        + tokens.environment_change(7, b"\x05" + tokens.COLLATION, b"\0")
        + tokens.environment_change(2, text("us_english"), text(""))
        + tokens.info(5703, "Changed language setting to us_english.")
        + tokens.login_acknowledged()
        + tokens.environment_change(4, text(str(size)), text(str(channel.packet_bytes)))
        + tokens.done(command=0)
    )
    channel.packet_bytes = size


def refuse(channel: Channel, *errors: SqlError) -> None:
    """Tell the client why it is not in."""
    channel.send_message(b"".join(map(tokens.error, errors)) + tokens.done(tokens.Done.ERROR))


def _answer(wanted: Wire, terms: Terms) -> Wire:
    if terms.tls is None:
        return Wire.NOT_SUPPORTED
    if terms.required:
        return Wire.ON if wanted is Wire.ON else Wire.REQUIRED
    return wanted if wanted in (Wire.LOGIN_ONLY, Wire.ON, Wire.NOT_SUPPORTED) else Wire.ON


def _options(data: bytes) -> dict[int, bytes]:
    options: dict[int, bytes] = {}
    position = 0
    try:
        while data[position] != _TERMINATOR:
            token, offset, length = struct.unpack_from(">BHH", data, position)
            options[token] = data[offset : offset + length]
            position += 5
    except (IndexError, struct.error) as error:
        raise Disconnected("a PRELOGIN that cannot be read") from error
    return options


def _prelogin_answer(encryption: Wire) -> bytes:
    options = {0: tokens.prelogin_version(), _OPTION_ENCRYPTION: bytes([encryption]), 2: b"\0", 3: b"", 4: b"\0"}
    head, body = b"", b""
    start = 5 * len(options) + 1
    for token, value in options.items():
        head += struct.pack(">BHH", token, start + len(body), len(value))
        body += value
    return head + bytes([_TERMINATOR]) + body


def _login(data: bytes) -> LoginAsked:
    def text(at: int, *, secret: bool = False) -> str:
        offset, length = struct.unpack_from("<HH", data, at)
        raw = data[offset : offset + 2 * length]
        if secret:
            raw = bytes((((byte ^ 0xA5) << 4) | ((byte ^ 0xA5) >> 4)) & 255 for byte in raw)
        return raw.decode("utf-16-le")

    try:
        (packet_bytes,) = struct.unpack_from("<I", data, 8)
        return LoginAsked(text(40), text(44, secret=True), text(68), text(48), packet_bytes)
    except (struct.error, UnicodeDecodeError) as error:
        raise Disconnected("a LOGIN7 that cannot be read") from error
