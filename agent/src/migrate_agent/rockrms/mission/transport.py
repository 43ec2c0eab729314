"""HTTP/1.1 to one host over kept connections: the standard library's client, because a batch is one plain request.

Certificates and proxies are those of the whole agent (network.py). Only https, or http on this very machine. Knows
nothing of Mission; nothing is repeated here, except on a kept connection that the peer had closed meanwhile.
"""

from __future__ import annotations

import contextlib
import errno
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from migrate_agent.network import Network
from migrate_contract.errors import ErrorCode, Fatal, MigrateError, Retryable

_MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""A page of 500 records is a few MiB at most; more than this is no answer of Mission."""
_NO_ROUTE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL}


class Answer(NamedTuple):
    """`retry_after`: the header's text."""

    status: int
    body: bytes
    retry_after: str | None


class Address(NamedTuple):
    """Where Mission is. `path`: what comes before our own paths, without a slash at its end."""

    host: str
    port: int
    secure: bool
    path: str

    @property
    def shown(self) -> str:
        """Result: host and port, for messages."""
        return self.host if self.port == (443 if self.secure else 80) else f"{self.host}:{self.port}"


class Exchange(Protocol):
    """What brings one request to Mission: `Transport`, or a Mission without a socket."""

    @property
    def address(self) -> Address:
        """Result: where Mission is."""
        ...

    def exchange(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        """Result: the answer, whatever its status."""
        ...

    def close(self) -> None:
        """Nothing is exchanged any more."""
        ...


def address_of(url: str) -> Address:
    """Result: the address that `url` names. Raises Fatal(mission-url-refused) and says why."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise _refused("it cannot be read") from None
    host = (parts.hostname or "").lower()
    if not host:
        raise _refused("it names no host")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise _refused("it holds a user, a query or a fragment")
    secure = parts.scheme == "https"
    if not secure and not (parts.scheme == "http" and _is_loopback(host)):
        raise _refused("it does not begin with https://")
    if any(ord(character) <= 32 or ord(character) >= 127 for character in parts.path):
        raise _refused("its path holds a character that an address cannot hold")
    return Address(host, port or (443 if secure else 80), secure, parts.path.rstrip("/"))


class Transport:
    """Safe for all threads: each exchange has a connection of its own, kept for the next one."""

    def __init__(self, address: Address, network: Network) -> None:
        """Raises Fatal(config-invalid) for a bad certificate bundle or proxy."""
        self.address = address
        self._network = network
        self._context = network.tls_context() if address.secure else None
        self._proxy = network.proxy_for(address.host) if address.secure else None
        self._lock = threading.Lock()
        self._idle: list[http.client.HTTPConnection] = []
        self._busy: set[http.client.HTTPConnection] = set()
        self._closed = False

    def exchange(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        """Result: the answer, whatever its status. Raises Retryable(mission-unreachable), or another code of the way.

        A kept connection that fails before a byte of the answer is replaced once: the peer may have closed it while
        it was idle. What is sent must bear to be sent twice.
        """
        kept = self._take()
        if kept is not None:
            try:
                return self._run(kept, method, path, headers, body)
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                pass
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise self._fault(error) from error
        connection = self._open()
        try:
            return self._run(connection, method, path, headers, body)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._fault(error) from error

    def close(self) -> None:
        """Ends all connections; an exchange that waits for an answer fails at once, and so does each later one."""
        with self._lock:
            self._closed = True
            idle, busy = self._idle, list(self._busy)
            self._idle = []
        for connection in idle:
            connection.close()
        for connection in busy:
            if connection.sock is not None:
                with contextlib.suppress(OSError):
                    # The plain socket's own shutdown: SSLSocket's would drop its TLS state under the other's feet.
                    socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)

    def _run(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> Answer:
        with self._lock:
            self._busy.add(connection)
        kept = False
        try:
            connection.request(method, self.address.path + path, body=body, headers=dict(headers))
            response = connection.getresponse()
            content = response.read(_MAX_ANSWER_BYTES + 1)
            if len(content) > _MAX_ANSWER_BYTES:
                raise ValueError("more came than an answer can hold")
            kept = not response.will_close
            return Answer(response.status, content, response.getheader("Retry-After"))
        finally:
            with self._lock:
                self._busy.discard(connection)
                kept = kept and not self._closed
                if kept:
                    self._idle.append(connection)
            if not kept:
                connection.close()

    def _take(self) -> http.client.HTTPConnection | None:
        with self._lock:
            if self._closed:
                raise Retryable(ErrorCode.MISSION_UNREACHABLE, f"{self.address.shown}: the connection was ended here")
            return self._idle.pop() if self._idle else None

    def _open(self) -> http.client.HTTPConnection:
        address, proxy = self.address, self._proxy
        host, port = (proxy.host, proxy.port) if proxy else (address.host, address.port)
        connection: http.client.HTTPConnection
        if self._context is not None:
            connection = http.client.HTTPSConnection(
                host, port, timeout=self._network.connect_timeout_seconds, context=self._context
            )
        else:
            connection = http.client.HTTPConnection(host, port, timeout=self._network.connect_timeout_seconds)
        if proxy:
            authorization = {"Proxy-Authorization": proxy.authorization} if proxy.authorization else {}
            connection.set_tunnel(address.host, address.port, authorization)
        try:
            connection.connect()
            connection.sock.settimeout(self._network.stall_timeout_seconds)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise self._fault(error, dialled=f"{host}:{port}" if proxy else None) from error
        return connection

    def _fault(self, error: Exception, *, dialled: str | None = None) -> MigrateError:
        """Told apart by type and number; `dialled`: the proxy, if that is what was connected to."""
        code, reason = ErrorCode.MISSION_UNREACHABLE, f"the connection broke ({type(error).__name__})"
        if isinstance(error, ssl.SSLCertVerificationError):
            words = getattr(error, "verify_message", "no reason given")
            return Fatal(
                ErrorCode.MISSION_TLS_NOT_TRUSTED, f"{self.address.shown}: its certificate is not trusted: {words}"
            )
        if isinstance(error, ssl.SSLError):
            reason = f"TLS failed ({getattr(error, 'reason', None) or type(error).__name__})"
        elif isinstance(error, socket.gaierror):
            reason = "the name could not be resolved"
        elif isinstance(error, TimeoutError):
            reason = "no answer in time"
        elif isinstance(error, ConnectionRefusedError):
            reason = "the connection was refused"
        elif isinstance(error, (http.client.BadStatusLine, http.client.LineTooLong)) and not isinstance(
            error, http.client.RemoteDisconnected
        ):
            reason = "something that does not speak HTTP answered"
        elif isinstance(error, OSError) and error.errno in _NO_ROUTE:
            reason = "there is no route to it"
        elif dialled is not None and type(error) is OSError:
            code, reason = ErrorCode.PROXY_REFUSED, f"the proxy {dialled} refused ({error})"
        return Retryable(code, f"{self.address.shown}: {reason}")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refused(why: str) -> Fatal:
    return Fatal(ErrorCode.MISSION_URL_REFUSED, f"the address of Mission: {why}")
