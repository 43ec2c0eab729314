"""The least of TDS 7.4 (and of 8.0's TLS-first) that a connection test needs, since the driver gives no error numbers.

It signs in and asks questions whose every column is nvarchar; it never writes. Every wait ends at the deadline.
MS-TDS is the source of all constants.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import struct

from migrate_agent.rockrms.connection_string import Encrypt, RockConnection
from migrate_agent.rockrms.deadline import Deadline
from migrate_agent.rockrms.tds_answers import (
    ENCRYPT_LOGIN_ONLY,
    ENCRYPT_NOT_SUPPORTED,
    ENCRYPT_ON,
    ENCRYPT_REQUIRED,
    Answer,
    NotTds,
    encryption_of,
    parsed_answer,
)

_SQL_BATCH, _REPLY, _LOGIN7, _PRELOGIN = 1, 4, 0x10, 0x12
_HEADER = struct.Struct(">BBHHBB")
_END_OF_MESSAGE = 1
_PACKET_BYTES = 4096
_LOGIN_FIXED_BYTES = 94
_MAX_MESSAGE_BYTES = 8 * 1024 * 1024
_APPLICATION = "OneMigrate agent"


class EncryptionRefused(Exception):
    """Both sides cannot agree on encryption."""


class ServerError(Exception):
    """The server's error messages, the first one first."""

    def __init__(self, errors: list[tuple[int, str]]) -> None:
        self.errors = errors
        super().__init__("; ".join(message for _, message in errors))

    @property
    def numbers(self) -> frozenset[int]:
        """Result: SQL Server's error numbers."""
        return frozenset(number for number, _ in self.errors)


class TdsClient:
    """One connection, from its PRELOGIN on. Raises what this module defines, ssl.SSLError, OSError, TimeoutError."""

    def __init__(self, connection: socket.socket, wanted: RockConnection, deadline: Deadline) -> None:
        self._socket = connection
        self._wanted = wanted
        self._deadline = deadline
        self._tls: ssl.SSLObject | None = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._whole = False
        self.version = ""
        """The server's, after `sign_in`: "16.0.4135"."""

    @property
    def encrypted(self) -> bool:
        """Result: whether the whole connection is encrypted, not the login alone."""
        return self._whole

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def sign_in(self) -> tuple[str, int] | None:
        """Result: None once signed in, else the server and port that this one sends us to."""
        if self._wanted.encrypt is Encrypt.STRICT:
            self._handshake(wrapped=False)
        agreed = self._agree()
        if agreed != ENCRYPT_NOT_SUPPORTED and self._tls is None:
            self._handshake(wrapped=True, verify=self._wanted.encrypt is Encrypt.YES or agreed == ENCRYPT_REQUIRED)
        self._send(_LOGIN7, self._login())
        if agreed == ENCRYPT_LOGIN_ONLY and self._wanted.encrypt is not Encrypt.STRICT:
            self._tls = None
        self._whole = self._tls is not None
        answer = self._read_answer()
        if answer.errors:
            raise ServerError(answer.errors)
        if not answer.version:
            raise NotTds("the login was neither accepted nor refused")
        self.version = answer.version
        return answer.routed_to

    def ask(self, sql: str) -> list[list[str | None]]:
        """Result: the rows of a SELECT whose columns are all nvarchar. Raises ServerError."""
        headers = struct.pack("<IIHQI", 22, 18, 2, 0, 1)
        self._send(_SQL_BATCH, headers + sql.encode("utf-16-le"))
        answer = self._read_answer()
        if answer.errors:
            raise ServerError(answer.errors)
        return answer.rows

    # The beginning

    def _agree(self) -> int:
        wish = ENCRYPT_LOGIN_ONLY if self._wanted.encrypt is Encrypt.NO else ENCRYPT_ON
        options = {0: bytes([1, 0, 0, 0, 0, 0]), 1: bytes([wish]), 2: b"\0", 3: struct.pack(">I", 0), 4: b"\0"}
        head, body, start = b"", b"", 5 * len(options) + 1
        for token, value in options.items():
            head += struct.pack(">BHH", token, start + len(body), len(value))
            body += value
        self._send(_PRELOGIN, head + b"\xff" + body)
        try:
            data = self._read_message()
        except ConnectionError as error:
            raise NotTds("it closes the connection instead of answering") from error
        answered = encryption_of(data)
        if answered == ENCRYPT_NOT_SUPPORTED and self._wanted.encrypt is Encrypt.YES:
            raise EncryptionRefused("the server encrypts nothing, and the connection string asks for encryption")
        return answered

    def _handshake(self, *, wrapped: bool, verify: bool = True) -> None:
        wanted = self._wanted
        context = ssl.create_default_context(cafile=wanted.server_certificate)
        if wanted.trust_server_certificate or not verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        elif wanted.server_certificate is not None:
            context.check_hostname = False
        if not wrapped:
            context.set_alpn_protocols(["tds/8.0"])
        name = wanted.host_name_in_certificate or wanted.host
        tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        while True:
            try:
                tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                done = False
            if records := self._outgoing.read():
                if wrapped:
                    self._send(_PRELOGIN, records)
                else:
                    self._socket.sendall(records)
            if done:
                break
            try:
                self._incoming.write(self._read_message() if wrapped else self._receive())
            except ConnectionError as error:
                raise EncryptionRefused("the server ends the TLS handshake") from error
        self._tls = tls

    def _login(self) -> bytes:
        wanted = self._wanted
        texts = [socket.gethostname(), wanted.user, wanted.password, _APPLICATION, wanted.host, "", _APPLICATION, ""]
        offsets, body = b"", b""
        for index, text in enumerate([*texts, wanted.database]):
            raw = text.encode("utf-16-le")
            offsets += struct.pack("<HH", _LOGIN_FIXED_BYTES + len(body), len(raw) // 2)
            # The password is scrambled, no more than that: TLS protects it.
            body += bytes((((byte << 4) | (byte >> 4)) & 255) ^ 0xA5 for byte in raw) if index == 2 else raw
        end = _LOGIN_FIXED_BYTES + len(body)
        offsets += bytes(6) + struct.pack("<HHHHHHI", end, 0, end, 0, end, 0, 0)
        read_only = 0x20 if wanted.read_only_intent else 0
        fixed = struct.pack(
            "<IIIIIBBBBiI", 0x74000004, _PACKET_BYTES, 7 << 24, os.getpid(), 0, 0xE0, 3, read_only, 8, 0, 0x409
        )
        return struct.pack("<I", end) + fixed + offsets + body

    # Bytes and packets

    def _send(self, kind: int, data: bytes) -> None:
        room = _PACKET_BYTES - _HEADER.size
        for start in range(0, len(data), room):
            piece = data[start : start + room]
            last = _END_OF_MESSAGE if start + room >= len(data) else 0
            packet = _HEADER.pack(kind, last, len(piece) + _HEADER.size, 0, 1, 0) + piece
            if self._tls is not None:
                self._tls.write(packet)
                packet = self._outgoing.read()
            self._socket.settimeout(self._deadline.require())
            self._socket.sendall(packet)

    def _read_message(self) -> bytes:
        message = b""
        while True:
            kind, status, length, _, _, _ = _HEADER.unpack(self._read(_HEADER.size))
            if kind not in (_REPLY, _PRELOGIN) or length < _HEADER.size:
                raise NotTds("its answer is not TDS")
            message += self._read(length - _HEADER.size)
            if status & _END_OF_MESSAGE:
                return message
            if len(message) > _MAX_MESSAGE_BYTES:
                raise NotTds("its answer does not end")

    def _read(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            if self._tls is None:
                found += self._receive(size - len(found))
                continue
            try:
                piece = self._tls.read(size - len(found))
            except ssl.SSLWantReadError:
                self._incoming.write(self._receive())
                continue
            if not piece:
                raise ConnectionAbortedError("closed by the server")
            found += piece
        return found

    def _receive(self, size: int = 65_536) -> bytes:
        self._socket.settimeout(self._deadline.require())
        data = self._socket.recv(size)
        if not data:
            raise ConnectionAbortedError("closed by the server")
        return data

    def _read_answer(self) -> Answer:
        return parsed_answer(self._read_message())
