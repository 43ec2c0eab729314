"""A scriptable front before the storage emulator: TLS, HTTP/1.1, and every fault that a network or a service has.

The script is a function from each request to a fault, or to None for passing it on. Everything is counted.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from local.certificates import Certificates


@dataclass(frozen=True)
class Seen:
    """One request as it arrived. `kind`: put_blob, put_block, put_block_list, list, head, get or block_list."""

    number: int
    method: str
    path: str
    kind: str
    body: bytes
    headers: dict[str, str]
    connection: int
    query: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The blob's name below account and container."""
        return unquote(self.path).split("/", 3)[-1] if self.path.count("/") > 2 else ""


@dataclass(frozen=True)
class Refuse:
    """Answered by the front itself."""

    status: int
    code: str = ""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Drop:
    """The connection ends: before the service hears of it, or (`after`) when it has acted but not answered."""

    after: bool = False


@dataclass(frozen=True)
class Damage:
    """One byte of the body is another one when it arrives."""


@dataclass(frozen=True)
class Shape:
    """The service's true answer in another form."""

    chunked: bool = False
    continue_first: bool = False
    close: bool = False
    delay_seconds: float = 0.0


Fault = Refuse | Drop | Damage | Shape
Script = Callable[[Seen], Fault | None]


class FaultFront:
    """Listens on a free port while used as a context; `down()` and `up()` take it off the network and back."""

    def __init__(self, certificates: Certificates, upstream: str, script: Script = lambda _: None) -> None:
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname or "", parts.port or 443)
        self._account = parts.path
        self._server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._server_tls.load_cert_chain(certificates.chain_file, certificates.key_file)
        self._client_tls = ssl.create_default_context(cafile=str(certificates.ca_file))
        self.script = script
        self.seen: list[Seen] = []
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._connections = 0
        self._listener: socket.socket | None = None
        self._port = 0
        self.up()

    def __enter__(self) -> FaultFront:
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    @property
    def endpoint(self) -> str:
        """The account's address through the front."""
        return f"https://127.0.0.1:{self._port}{self._account}"

    def up(self) -> None:
        """Listens (again, on the same port)."""
        listener = socket.create_server(("127.0.0.1", self._port))
        self._port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def down(self) -> None:
        """Refuses connections and cuts the open ones."""
        listener, self._listener = self._listener, None
        if listener is not None:
            # A blocked accept() keeps a closed listener alive; shutdown wakes it.
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        with self._lock:
            still_open = list(self._open)
        for sock in still_open:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def count(self, kind: str) -> int:
        """How many requests of that kind have arrived."""
        return sum(1 for request in self.seen if request.kind == kind)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                raw, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                self._connections += 1
                number = self._connections
            threading.Thread(target=self._serve, args=(raw, number), daemon=True).start()

    def _serve(self, raw: socket.socket, connection: int) -> None:
        with contextlib.suppress(OSError, EOFError), contextlib.ExitStack() as stack:
            stack.callback(raw.close)
            client = stack.enter_context(self._server_tls.wrap_socket(raw, server_side=True))
            with self._lock:
                self._open.add(client)
            stack.callback(self._open.discard, client)
            service = stack.enter_context(
                self._client_tls.wrap_socket(
                    socket.create_connection(self._upstream), server_hostname=self._upstream[0]
                )
            )
            incoming, outgoing = client.makefile("rb"), service.makefile("rb")
            while self._exchange(client, service, incoming, outgoing, connection):
                continue

    def _exchange(self, client, service, incoming, outgoing, connection: int) -> bool:
        first, headers, body = read_message(incoming, has_body=None)
        if self._listener is None:
            return False
        method, target, _ = first.split(" ", 2)
        with self._lock:
            request = Seen(
                len(self.seen), method, target.split("?")[0], kind_of(method, target), body, headers, connection
            )
            self.seen.append(request)
        fault = self.script(request)
        if isinstance(fault, Refuse):
            client.sendall(refusal(fault))
            return True
        if isinstance(fault, Drop) and not fault.after:
            return False
        if isinstance(fault, Damage):
            body = bytes([body[0] ^ 1]) + body[1:]
        service.sendall(message(first, headers, body))
        status, answer_headers, answer = read_message(outgoing, has_body=method != "HEAD")
        if isinstance(fault, Drop):
            return False
        shape = fault if isinstance(fault, Shape) else Shape()
        time.sleep(shape.delay_seconds)
        if shape.continue_first:
            client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        client.sendall(shaped(status, answer_headers, answer, shape, bodiless=method == "HEAD"))
        return not shape.close


def scripted(faults: list[Fault | None], *, only: str | None = None) -> Script:
    """A script that answers the first requests (of kind `only`) with these faults, and passes on what comes after."""
    left, lock = list(faults), threading.Lock()

    def script(request: Seen) -> Fault | None:
        if only is not None and request.kind != only:
            return None
        with lock:
            return left.pop(0) if left else None

    return script


@contextlib.contextmanager
def fault_front(certificates: Certificates, upstream: str, script: Script = lambda _: None) -> Iterator[FaultFront]:
    """A front that is taken down at the end."""
    with FaultFront(certificates, upstream, script) as front:
        yield front


def kind_of(method: str, target: str) -> str:
    """Result: which operation a request asks for (see Seen)."""
    query = parse_qs(urlsplit(target).query)
    comp = query.get("comp", [""])[0]
    if method == "PUT":
        return {"block": "put_block", "blocklist": "put_block_list"}.get(comp, "put_blob")
    if comp == "list":
        return "list"
    if comp == "blocklist":
        return "block_list"
    return method.lower()


def read_message(stream, *, has_body: bool | None) -> tuple[str, dict[str, str], bytes]:
    """Result: first line, headers as written and the body of the next message. Raises EOFError after the last."""
    first, headers = read_head(stream)
    return first, headers, b"" if has_body is False else read_body(stream, headers)


def read_head(stream) -> tuple[str, dict[str, str]]:
    """Result: first line and headers as written; the body is still to be read. Raises EOFError after the last."""
    first = stream.readline().decode("latin-1").rstrip("\r\n")
    if not first:
        raise EOFError
    headers: dict[str, str] = {}
    while line := stream.readline().decode("latin-1").rstrip("\r\n"):
        name, _, value = line.partition(":")
        headers[name.strip()] = value.strip()
    return first, headers


def read_body(stream, headers: dict[str, str]) -> bytes:
    """Result: the body that belongs to these headers. Raises EOFError where the peer ends before it does."""
    lower = {name.lower(): value for name, value in headers.items()}
    if lower.get("transfer-encoding", "").lower() == "chunked":
        pieces = []
        while size := int(stream.readline().strip(), 16):
            pieces.append(stream.read(size))
            stream.readline()
        stream.readline()
        return b"".join(pieces)
    size = int(lower.get("content-length", "0"))
    body = stream.read(size)
    if len(body) != size:
        raise EOFError
    return body


def message(first: str, headers: dict[str, str], body: bytes) -> bytes:
    """Result: an HTTP message as it goes over the wire."""
    lines = [first, *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def shaped(first: str, headers: dict[str, str], body: bytes, shape: Shape, *, bodiless: bool) -> bytes:
    """Result: the answer in the form that `shape` asks for."""
    kept = {
        name: value
        for name, value in headers.items()
        if name.lower() not in ("transfer-encoding", "connection", "keep-alive")
        and (bodiless or name.lower() != "content-length")
    }
    if shape.close:
        kept["Connection"] = "close"
    if bodiless:
        return message(first, kept, b"")
    if shape.chunked:
        kept["Transfer-Encoding"] = "chunked"
        half = len(body) // 2
        chunks = [part for part in (body[:half], body[half:]) if part]
        sent = b"".join(f"{len(part):x};part=1\r\n".encode() + part + b"\r\n" for part in chunks) + b"0\r\n\r\n"
        return message(first, kept, sent)
    kept["Content-Length"] = str(len(body))
    return message(first, kept, body)


def refusal(fault: Refuse) -> bytes:
    """Result: the whole answer, in the form of the service's own refusals."""
    body = f"<?xml version='1.0'?><Error><Code>{fault.code}</Code><Message>as scripted</Message></Error>".encode()
    headers = {"Content-Length": str(len(body)), "Content-Type": "application/xml", **fault.headers}
    if fault.code:
        headers["x-ms-error-code"] = fault.code
    return message(f"HTTP/1.1 {fault.status} Scripted", headers, body)
