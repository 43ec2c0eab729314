"""The Deliverer port: HTTPS to hosts that somebody else named, without being led astray.

The name is resolved once, every address it has is checked, and the connection goes to the one that was checked, while
TLS still asks for the name. No redirect is followed, no proxy is asked, nothing of the answer's body is read, and one
deadline covers the whole of it, however slowly the other side speaks.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from collections.abc import Buffer, Callable
from typing import Protocol
from urllib.parse import urlsplit

from functions.domain.ports import WebhookAnswer, WebhookRequest
from functions.domain.public_address import HostAndPort, need_https_url, need_public
from functions.version import VERSION
from migrate_contract.errors import ErrorCode, Retryable

DEADLINE_SECONDS = 10.0
MAX_ANSWER_BYTES = 16 * 1024
"""Of status line and headers; more is no answer."""

_MOST_ADDRESSES = 4
"""Tried one after the other: a machine without IPv6 cannot reach the first ones of some hosts."""


class Resolver(Protocol):
    """Asks the name service."""

    def __call__(self, host: str, port: int) -> list[str]:
        """Result: the host's addresses as literals, in the order of preference. Raises OSError."""


class Dialer(Protocol):
    """Opens a connection."""

    def __call__(self, address: str, port: int, seconds: float) -> socket.socket:
        """Result: a socket that is connected to that address. Raises OSError."""


def system_addresses(host: str, port: int) -> list[str]:
    """Result: what the machine's resolver says."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [str(entry[4][0]) for entry in found]


def system_socket(address: str, port: int, seconds: float) -> socket.socket:
    """Result: a connection to the address, which is a literal: nothing is resolved again."""
    return socket.create_connection((address, port), timeout=seconds)


class HttpsDeliverer:
    """Posts over TLS 1.2 or later. The resolver and the dialer are arguments, the rule about addresses is not."""

    def __init__(
        self,
        resolve: Resolver = system_addresses,
        dial: Dialer = system_socket,
        context: ssl.SSLContext | None = None,
        deadline_seconds: float = DEADLINE_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._resolve = resolve
        self._dial = dial
        self._context = context or ssl.create_default_context()
        self._deadline_seconds = deadline_seconds
        self._monotonic = monotonic

    def deliver(self, request: WebhookRequest) -> WebhookAnswer:
        """See the port."""
        target = need_https_url(request.url)
        ends_at = self._monotonic() + self._deadline_seconds
        addresses = self._addresses(target)
        need_public(target.host, addresses)
        try:
            with (
                self._connected(addresses, target.port, ends_at) as plain,
                self._context.wrap_socket(plain, server_hostname=target.host) as secured,
            ):
                secured.settimeout(self._left(ends_at))
                secured.sendall(_written(request, target))
                return WebhookAnswer(self._status(secured, ends_at))
        except ssl.SSLCertVerificationError as fault:
            raise Retryable(
                ErrorCode.WEBHOOK_TLS_NOT_TRUSTED, f"{target.host}: {fault.verify_message or 'certificate refused'}."
            ) from fault
        except (OSError, http.client.HTTPException) as fault:
            raise Retryable(ErrorCode.WEBHOOK_UNREACHABLE, f"{target.host}: {_reason(fault)}.") from fault

    def _addresses(self, target: HostAndPort) -> list[str]:
        try:
            return self._resolve(target.host, target.port)
        except OSError as fault:
            raise Retryable(ErrorCode.WEBHOOK_HOST_UNKNOWN, f"No address was found for {target.host}.") from fault

    def _connected(self, addresses: list[str], port: int, ends_at: float) -> socket.socket:
        """Result: a socket to the first of these addresses that takes a connection. Raises OSError."""
        fault: OSError = ConnectionRefusedError()
        for address in addresses[:_MOST_ADDRESSES]:
            try:
                connected = self._dial(address, port, min(self._left(ends_at), self._deadline_seconds / 2))
            except OSError as failed:
                fault = failed
                continue
            connected.settimeout(self._left(ends_at))
            return connected
        raise fault

    def _status(self, secured: ssl.SSLSocket, ends_at: float) -> int:
        """Result: the status of the answer, read with a bound in size and time."""
        with http.client.HTTPResponse(_Bounded(secured, lambda: self._left(ends_at)), method="POST") as answer:  # type: ignore[arg-type]
            answer.begin()
            return answer.status

    def _left(self, ends_at: float) -> float:
        """Result: the seconds that are left. Raises TimeoutError when there are none."""
        left = ends_at - self._monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class _Bounded(io.RawIOBase):
    """Reads a socket up to so many bytes, each read within what is left of the deadline."""

    def __init__(self, source: ssl.SSLSocket, left: Callable[[], float]) -> None:
        super().__init__()
        self._source = source
        self._left = left
        self._bytes_left = MAX_ANSWER_BYTES

    def makefile(self, mode: str) -> io.BufferedReader:
        """Result: what http.client reads its answers from."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """Result: yes."""
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        """Result: how many bytes were put into the buffer; 0 at the end."""
        view = memoryview(buffer)[: self._bytes_left]
        if not view:
            raise http.client.HTTPException("answer too long")
        self._source.settimeout(self._left())
        count = self._source.recv_into(view)
        self._bytes_left -= count
        return count


def _written(request: WebhookRequest, target: HostAndPort) -> bytes:
    """Result: the request as bytes. Neither URL nor headers can hold a line break: both were checked or made by us."""
    parts = urlsplit(request.url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = target.host if target.port == http.client.HTTPS_PORT else f"{target.host}:{target.port}"
    headers = {
        "Host": host,
        "User-Agent": f"OneMigrate-Webhooks/{VERSION}",
        "Content-Length": str(len(request.body)),
        "Connection": "close",
        **request.headers,
    }
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("ascii") + request.body


def _reason(fault: OSError | http.client.HTTPException) -> str:
    """Result: what went wrong, in our words: the other side's are not repeated."""
    match fault:
        case TimeoutError():
            return "no answer in time"
        case ConnectionRefusedError():
            return "the connection was refused"
        case ssl.SSLError():
            return "no TLS connection could be made"
        case http.client.HTTPException():
            return "the answer is not HTTP"
        case _:
            return "the connection failed"
