"""Packets of TDS over a socket, through TLS or not; TLS can be dropped again after the login.

A *message* is what one side says, in packets of the negotiated size; the last one is marked. MS-TDS 2.2.3.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
from enum import IntEnum, unique

_RECEIVE_BYTES = 65_536
_TLS_CHUNK_BYTES = 65_536
HEADER = struct.Struct(">BBHHBB")
_END_OF_MESSAGE = 1
_FLUSH_BYTES = 262_144


@unique
class PacketType(IntEnum):
    """MS-TDS 2.2.3.1.1; set by the sender."""

    SQL_BATCH = 1
    RPC = 3
    REPLY = 4
    ATTENTION = 6
    TRANSACTION = 14
    LOGIN7 = 16
    PRELOGIN = 18


class Disconnected(Exception):
    """The other side is gone."""


class Channel:
    """One connection's bytes and packets."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._tls: ssl.SSLObject | None = None
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._buffer = b""
        self._plain_pending = b""
        self.packet_bytes = 4096

    @property
    def encrypted(self) -> bool:
        """Whether TLS is on now."""
        return self._tls is not None

    def read_message(self) -> tuple[int, int, bytes]:
        """Result: the next message's type, its first packet's status bits and its data. Raises Disconnected."""
        parts: list[bytes] = []
        first_status: int | None = None
        while True:
            kind, status, length, _, _, _ = HEADER.unpack(self._read(HEADER.size))
            if length < HEADER.size:
                raise Disconnected("a packet without a length")
            parts.append(self._read(length - HEADER.size))
            first_status = status if first_status is None else first_status
            if status & _END_OF_MESSAGE:
                return kind, first_status, b"".join(parts)

    def send_message(self, data: bytes, kind: PacketType = PacketType.REPLY) -> None:
        """Send one whole message."""
        self.send(self.packets(data, kind))

    def packets(
        self, data: bytes | memoryview, kind: PacketType = PacketType.REPLY, last: bool = True, first_id: int = 1
    ) -> bytes:
        """Result: `data` in packets; the last one ends the message if `last`."""
        room = self.packet_bytes - HEADER.size
        starts = range(0, len(data), room) if data else range(1)
        parts: list[bytes | memoryview] = []
        for index, start in enumerate(starts):
            piece = data[start : start + room]
            ends = _END_OF_MESSAGE if last and start + room >= len(data) else 0
            parts += (HEADER.pack(kind, ends, len(piece) + HEADER.size, 0, (first_id + index) & 255, 0), piece)
        return b"".join(parts)

    def send(self, packets: bytes) -> None:
        """Send packets as they are. Raises Disconnected."""
        try:
            if self._tls is None:
                self._socket.sendall(packets)
                return
            for start in range(0, len(packets), _TLS_CHUNK_BYTES):
                self._tls.write(packets[start : start + _TLS_CHUNK_BYTES])
                self._socket.sendall(self._outgoing.read())
        except OSError as error:
            raise Disconnected(str(error)) from error

    def has_input(self, seconds: float) -> bool:
        """Whether the other side has said something, waiting for that at most `seconds`."""
        if self._buffer or self._plain_pending or (self._tls is not None and self._tls.pending()):
            return True
        return bool(select.select([self._socket], [], [], seconds)[0])

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Do the server's side of a handshake whose records travel in PRELOGIN packets. Raises Disconnected."""
        tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        while True:
            try:
                tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                done = False
            except ssl.SSLError as error:
                self._send_handshake()
                raise Disconnected(str(error)) from error
            self._send_handshake()
            if done:
                break
            kind, _, data = self.read_message()
            if kind != PacketType.PRELOGIN:
                raise Disconnected("the client broke off the handshake")
            self._incoming.write(data)
        self._incoming.write(self._buffer)
        self._buffer = b""
        self._tls = tls

    def start_bare_tls(self, context: ssl.SSLContext) -> None:
        """Do a handshake before the first packet (TDS 8.0). Raises Disconnected."""
        tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        while True:
            try:
                tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                done = False
            except ssl.SSLError as error:
                self.close_quietly()
                raise Disconnected(str(error)) from error
            if answer := self._outgoing.read():
                self.send(answer)
            if done:
                break
            self._incoming.write(self._receive())
        self._tls = tls

    def stop_tls(self) -> None:
        """From now on bytes are plain again: only the login was encrypted."""
        self._plain_pending = self._incoming.read()
        self._tls = None

    def cut(self) -> None:
        """Break the connection without a word, as a lost network does."""
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_quietly()

    def close_quietly(self) -> None:
        """Close the socket; reads and writes raise Disconnected from now on."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def _send_handshake(self) -> None:
        records = self._outgoing.read()
        if records:
            self.send_message(records, PacketType.PRELOGIN)

    def _read(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._buffer += self._read_some()
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken

    def _read_some(self) -> bytes:
        if self._tls is None:
            if self._plain_pending:
                pending, self._plain_pending = self._plain_pending, b""
                return pending
            return self._receive()
        while True:
            try:
                found = self._tls.read(_RECEIVE_BYTES)
            except ssl.SSLWantReadError:
                self._incoming.write(self._receive())
                continue
            except ssl.SSLError as error:
                raise Disconnected(str(error)) from error
            if not found:
                raise Disconnected("closed")
            return found

    def _receive(self) -> bytes:
        try:
            found = self._socket.recv(_RECEIVE_BYTES)
        except (OSError, ValueError) as error:
            raise Disconnected(str(error)) from error
        if not found:
            raise Disconnected("closed")
        return found


class Reply:
    """One message that is sent while it is made: full packets leave as soon as there is enough."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._parts: list[bytes | memoryview] = []
        self._size = 0
        self._next_id = 1

    def write(self, data: bytes | memoryview) -> None:
        """Add to the message. Raises Disconnected."""
        self._parts.append(data)
        self._size += len(data)
        if self._size > _FLUSH_BYTES:
            self.push()

    def push(self) -> None:
        """Send what fills whole packets."""
        room = self._channel.packet_bytes - HEADER.size
        data = b"".join(self._parts)
        whole = len(data) // room * room
        if whole:
            self._channel.send(self._channel.packets(memoryview(data)[:whole], last=False, first_id=self._next_id))
            self._next_id += whole // room
        self._parts, self._size = [data[whole:]], len(data) - whole

    def finish(self) -> None:
        """Send the rest, and end the message."""
        self._channel.send(self._channel.packets(b"".join(self._parts), first_id=self._next_id))
        self._parts, self._size = [], 0
