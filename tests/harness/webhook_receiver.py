"""A customer's HTTPS receiver on loopback, and the way to it.

Its resolver names a public address for the host, its dialer notes which address was asked for and leads to loopback:
the product's rule about addresses stays whole.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import trustme

PUBLIC = "93.184.215.14"
HOST = "hooks.customer.example"
ACCEPTED = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True)
class Received:
    """One request as it came over the wire, and the name that TLS asked for."""

    server_name: str | None
    head: bytes
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        lines = self.head.decode("ascii").split("\r\n")[1:]
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}


@dataclass
class Receiver:
    """`respond` gets the connection after the request was read, and says what it likes."""

    certificate: trustme.LeafCert
    authority: trustme.CA
    respond: Callable[[ssl.SSLSocket], None] = lambda connection: connection.sendall(ACCEPTED)
    received: list[Received] = field(default_factory=list)
    dialed: list[tuple[str, int]] = field(default_factory=list)
    names: dict[str, list[str]] = field(default_factory=lambda: {HOST: [PUBLIC]})
    unreachable: set[str] = field(default_factory=set)
    port: int = 0
    asked_name: str | None = None

    def resolve(self, host: str, port: int) -> list[str]:
        if host not in self.names:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return self.names[host]

    def dial(self, address: str, port: int, seconds: float) -> socket.socket:
        self.dialed.append((address, port))
        if address in self.unreachable:
            raise OSError("unreachable")
        return socket.create_connection(("127.0.0.1", self.port), timeout=seconds)

    @property
    def client_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}/hooks/onemigrate?tenant=7"

    def serve(self, listener: socket.socket) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.certificate.configure_cert(context)
        context.sni_callback = self._note_name
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            plain.settimeout(20)
            with contextlib.suppress(OSError), plain, context.wrap_socket(plain, server_side=True) as connection:
                self._handle(connection)

    def _note_name(self, _socket: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
        self.asked_name = name

    def _handle(self, connection: ssl.SSLSocket) -> None:
        text = b""
        while b"\r\n\r\n" not in text:
            text += connection.recv(4096)
        head, _, body = text.partition(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        while len(body) < length:
            body += connection.recv(4096)
        self.received.append(Received(self.asked_name, head, body))
        self.respond(connection)


@contextmanager
def receiver(certificate_for: str = HOST) -> Iterator[Receiver]:
    """Result: the receiver while the block runs."""
    authority = trustme.CA()
    found = Receiver(authority.issue_cert(certificate_for), authority)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found.port = listener.getsockname()[1]
        thread = threading.Thread(target=found.serve, args=(listener,), daemon=True)
        thread.start()
        try:
            yield found
        finally:
            listener.shutdown(socket.SHUT_RDWR)
    thread.join(timeout=30)
