"""One HTTP/1.1 connection to the storage service: plain sockets, because a small file's cost is mostly its request.

Knows how to dial (directly or by CONNECT through a proxy), to send a request in slices that can be paced and cut off,
and to read every form of answer: 1xx before it, chunked, counted, until close, or early while still sending. Knows
nothing of blobs, retries or secrets; requests' first lines are never put into an error, since they carry a signature.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, Protocol, TypeVar, overload

from migrate_agent.network import Network, Proxy
from migrate_contract.errors import ErrorCode, Retryable

_JOINED_BYTES = 64 * 1024
"""Head and body up to this go out in one send."""
_RECEIVE_BYTES = 64 * 1024
_MAX_HEAD_BYTES = 64 * 1024
_MAX_BODY_BYTES = 64 * 1024 * 1024
"""A page of 5,000 blobs with metadata is a few MiB; more than this is no answer of the service."""
_EARLY_ANSWER_SECONDS = 5.0
_NO_ROUTE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL}


Default = TypeVar("Default")


class ConnectionFault(Retryable):
    """No answer: nothing is known about the file or the blob, only about the way to `host`."""

    def __init__(self, code: ErrorCode, host: str, reason: str, *, untouched: bool = False) -> None:
        self.host = host
        self.reason = reason
        self.untouched = untouched
        """The connection ended before a byte of an answer: an idle one may have been closed by the peer."""
        super().__init__(code, f"{host}: {reason}")


class Pace(Protocol):
    """Told of each slice of a body before it is sent; may wait, and may raise to cut the request off."""

    @property
    def slice_bytes(self) -> int:
        """Result: how much may be sent at once."""
        ...

    def before_sending(self, size_bytes: int) -> None:
        """Waits until `size_bytes` may be sent."""
        ...


class Endpoint(NamedTuple):
    """Where to connect. `secure`: TLS."""

    host: str
    port: int
    secure: bool


class Request(NamedTuple):
    """One request. `head` ends with an empty line and holds the signature: never shown."""

    method: str
    head: bytes
    body: bytes | memoryview = b""
    pace: Pace | None = None
    sink: Callable[[bytes], None] | None = None
    """Takes the body of a successful answer piece by piece; the answer's own `body` is then empty."""

    def __repr__(self) -> str:
        return f"Request({self.method}, {len(self.body)} bytes)"


class Exchange(Protocol):
    """Something that brings one request to an endpoint (transfer/pool.py)."""

    def exchange(self, endpoint: Endpoint, request: Request) -> Answer:
        """Result: the answer. Raises ConnectionFault."""
        ...


class Answer(NamedTuple):
    """`headers` by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Headers(Mapping[str, str]):
    """An answer's headers as they came. Two or three of some fifteen are ever asked for, so none is parsed before."""

    __slots__ = ("_lower", "_raw")

    def __init__(self, raw: bytes) -> None:
        """`raw`: the status line, and each header's line after a line break."""
        self._raw, self._lower = raw, raw.lower()

    def _find(self, name: str) -> str | None:
        """The last value of that name, None where there is none."""
        key = b"\r\n%b:" % name.encode("latin-1")
        at = self._lower.rfind(key)
        if at < 0:
            return None
        begin = at + len(key)
        end = self._raw.find(b"\r\n", begin)
        return self._raw[begin : None if end < 0 else end].decode("latin-1").strip()

    def __getitem__(self, name: str) -> str:
        found = self._find(name)
        if found is None:
            raise KeyError(name)
        return found

    @overload
    def get(self, name: str, default: None = None, /) -> str | None: ...
    @overload
    def get(self, name: str, default: str, /) -> str: ...
    @overload
    def get(self, name: str, default: Default, /) -> str | Default: ...
    def get(self, name: str, default: object = None, /) -> object:
        """Result: the last value of that name; most that are asked for are not there, and that must be cheap."""
        found = self._find(name)
        return default if found is None else found

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and b"\r\n" + name.encode("latin-1") + b":" in self._lower

    def __iter__(self) -> Iterator[str]:
        names = (line.partition(b":")[0].decode("latin-1") for line in self._lower.split(b"\r\n")[1:])
        return iter(dict.fromkeys(names))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Connection:
    """One open connection. Used by one thread at a time; `abort` may come from another."""

    def __init__(self, sock: socket.socket, host: str) -> None:
        self._socket = sock
        self._host = host
        self._buffer = bytearray()
        self._touched = False
        self._early: Answer | None = None
        """What came instead of the peer's taking the whole request."""
        self.reusable = True
        """False once the connection cannot take another request."""

    def close(self) -> None:
        """Ends the connection."""
        self.reusable = False
        self._socket.close()

    def abort(self) -> None:
        """Makes a blocked exchange of another thread fail at once."""
        self.reusable = False
        try:
            # The plain socket's own shutdown: SSLSocket's would drop its TLS state under the other thread's feet.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        except OSError:
            return  # it is gone already, which is what was wanted

    def exchange(self, request: Request) -> Answer:
        """Result: the service's answer, whatever its status. Raises ConnectionFault, or what the pace raises."""
        with self._guarded():
            try:
                self._send(request)
            except OSError as error:
                return self._early_answer(request, error)
            return self._read_answer(request)

    def begin_whole(self, data: bytes) -> None:
        """Sends a whole PUT at once; `end_whole` must follow. Raises ConnectionFault.

        Both do without `_guarded`, whose entering and leaving every file would pay for.
        """
        self._touched, self._early = False, None
        try:
            sent = self._socket.send(data)
            if sent < len(data):
                self._socket.sendall(memoryview(data)[sent:])
        except OSError as error:
            try:
                self._early = self._early_answer(_PUT, error)
            except OSError as fault:
                self.close()
                raise fault_of(fault, self._host, untouched=not self._touched) from fault
        except BaseException:
            self.close()
            raise

    def end_whole(self) -> str | Answer:
        """Result: the ETag, if the answer to the PUT is a plain 201; else the answer. Raises ConnectionFault."""
        if self._early is not None:
            return self._early
        try:
            if self._buffer:
                return self._read_answer(_PUT)  # somebody answered before he was asked: let it be said what
            received = self._socket.recv(_RECEIVE_BYTES)
            etag = _plain_etag(received)
            if etag is not None:
                return etag
            if not received:
                raise ConnectionResetError(errno.ECONNRESET, "closed before an answer")
            self._touched = True
            self._buffer += received
            return self._read_answer(_PUT)
        except OSError as error:
            self.close()
            raise fault_of(error, self._host, untouched=not self._touched) from error
        except BaseException:
            self.close()
            raise

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        self._touched = False
        try:
            yield
        except OSError as error:
            self.close()
            raise fault_of(error, self._host, untouched=not self._touched) from error
        except BaseException:
            # Cut off in the middle: what the peer would read next is not a request.
            self.close()
            raise

    def _send(self, request: Request) -> None:
        head, body, pace = request.head, request.body, request.pace
        if len(body) <= _JOINED_BYTES and (pace is None or len(body) <= pace.slice_bytes):
            if pace is not None:
                pace.before_sending(len(body))
            self._socket.sendall(b"".join((head, body)) if body else head)
            return
        self._socket.sendall(head)
        # Slices, also without a limit: sendall's timeout is for the whole of its data, and a stop must get through.
        view = memoryview(body)
        step = pace.slice_bytes if pace is not None else _JOINED_BYTES * 4
        for start in range(0, len(view), step):
            part = view[start : start + step]
            if pace is not None:
                pace.before_sending(len(part))
            self._socket.sendall(part)

    def _early_answer(self, request: Request, error: OSError) -> Answer:
        """The peer stopped reading: it may have said why before it closed."""
        self.reusable = False
        try:
            self._socket.settimeout(_EARLY_ANSWER_SECONDS)
            return self._read_answer(request)
        except OSError:
            raise error from None
        finally:
            self.close()

    def _read_answer(self, request: Request) -> Answer:
        status, version, headers = self._read_head()
        while 100 <= status < 200:
            status, version, headers = self._read_head()
        connection = headers.get("connection", "").lower()
        if "close" in connection or (version == b"HTTP/1.0" and "keep-alive" not in connection):
            self.reusable = False
        body = b""
        if request.method != "HEAD" and status not in (204, 304):
            pieces: list[bytes] = []
            streamed = request.sink is not None and 200 <= status < 300
            self._read_body(headers, request.sink if streamed and request.sink else _Collected(pieces))
            body = b"".join(pieces)
        if not self.reusable:
            self.close()
        return Answer(status, headers, body)

    def _read_head(self) -> tuple[int, bytes, Headers]:
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > _MAX_HEAD_BYTES:
                raise _NotHttpError
            self._fill()
        head = bytes(self._buffer[:end])
        del self._buffer[: end + 4]
        # "HTTP/1.1 201 Created"
        version, status = head[:8], head[9:12]
        if not version.startswith(b"HTTP/1.") or not status.isdigit():
            raise _NotHttpError
        return int(status), version, Headers(head)

    def _read_body(self, headers: Mapping[str, str], sink: Callable[[bytes], None]) -> None:
        if "chunked" in headers.get("transfer-encoding", "").lower():
            self._read_chunks(sink)
        elif length := headers.get("content-length", ""):
            if not length.isdigit():
                raise _NotHttpError
            self._read_counted(int(length), sink)
        else:
            self.reusable = False
            while True:
                if self._buffer:
                    sink(bytes(self._buffer))
                    self._buffer.clear()
                received = self._socket.recv(_RECEIVE_BYTES)
                if not received:
                    return
                self._buffer += received

    def _read_counted(self, size: int, sink: Callable[[bytes], None]) -> None:
        while size:
            if not self._buffer:
                self._fill()
            piece = bytes(self._buffer[:size])
            del self._buffer[: len(piece)]
            size -= len(piece)
            sink(piece)

    def _read_chunks(self, sink: Callable[[bytes], None]) -> None:
        while True:
            try:
                size = int(self._read_line().split(b";")[0], 16)
            except ValueError:
                raise _NotHttpError from None
            if size == 0:
                while self._read_line():
                    pass  # trailers
                return
            self._read_counted(size, sink)
            if self._read_line():
                raise _NotHttpError

    def _read_line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            if len(self._buffer) > _MAX_HEAD_BYTES:
                raise _NotHttpError
            self._fill()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    def _fill(self) -> None:
        received = self._socket.recv(_RECEIVE_BYTES)
        if not received:
            raise ConnectionResetError(errno.ECONNRESET, "closed in the middle of an answer")
        self._touched = True
        self._buffer += received


_PUT = Request("PUT", b"")


def _plain_etag(received: bytes) -> str | None:
    """The ETag of an answer that is as plain as nearly all are: one 201, whole, without a body, the connection kept."""
    if not received.startswith(b"HTTP/1.1 201") or received.find(b"\r\n\r\n") != len(received) - 4:
        return None
    lower = received.lower()
    at = lower.find(b"\r\netag:")
    if at < 0 or b"\r\ncontent-length: 0\r\n" not in lower or b"\r\nconnection: close" in lower:
        return None
    return received[at + 7 : received.index(b"\r\n", at + 7)].decode("latin-1").strip(' "')


class _Collected:
    """Keeps an answer's body, up to what an answer can reasonably hold."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces, self._size = pieces, 0

    def __call__(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > _MAX_BODY_BYTES:
            raise _NotHttpError
        self._pieces.append(piece)


class _NotHttpError(OSError):
    """What came back is no HTTP answer."""


def dial(endpoint: Endpoint, network: Network, context: ssl.SSLContext) -> Connection:
    """Result: an open connection. Raises ConnectionFault, Fatal(config-invalid) for a proxy that is none."""
    proxy = network.proxy_for(endpoint.host)
    host = f"{proxy.host}:{proxy.port}" if proxy else endpoint.host
    try:
        target = (proxy.host, proxy.port) if proxy else (endpoint.host, endpoint.port)
        sock = socket.create_connection(target, timeout=network.connect_timeout_seconds)
    except OSError as error:
        raise fault_of(error, host) from error
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if proxy:
            _tunnel(sock, proxy, endpoint)
        host = endpoint.host
        if endpoint.secure:
            sock = context.wrap_socket(sock, server_hostname=endpoint.host)
        sock.settimeout(network.stall_timeout_seconds)
    except OSError as error:
        sock.close()
        raise fault_of(error, host) from error
    except BaseException:
        sock.close()
        raise
    return Connection(sock, endpoint.host)


def _tunnel(sock: socket.socket, proxy: Proxy, endpoint: Endpoint) -> None:
    authority = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    lines = [f"CONNECT {authority}:{endpoint.port} HTTP/1.1", f"Host: {authority}:{endpoint.port}"]
    if proxy.authorization:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
    received = bytearray()
    # Byte by byte to the empty line: what follows belongs to TLS. It is one short answer per connection.
    while not received.endswith(b"\r\n\r\n"):
        byte = sock.recv(1)
        if not byte or len(received) > _MAX_HEAD_BYTES:
            raise ConnectionFault(ErrorCode.PROXY_REFUSED, endpoint.host, f"the proxy {proxy.host} hung up")
        received += byte
    status = received.split(b" ", 2)[1:2]
    if not status or status[0][:1] != b"2":
        said = status[0][:3].decode("latin-1") if status else "nothing readable"
        raise ConnectionFault(ErrorCode.PROXY_REFUSED, endpoint.host, f"the proxy {proxy.host} answered {said}")


def fault_of(error: OSError, host: str, *, untouched: bool = False) -> ConnectionFault:
    """Result: the fault that `error` stands for, told apart by type and number."""
    code, reason = ErrorCode.TARGET_UNREACHABLE, f"the connection broke ({type(error).__name__})"
    if isinstance(error, ssl.SSLCertVerificationError):
        words = getattr(error, "verify_message", "no reason given")
        code, reason = ErrorCode.TLS_NOT_TRUSTED, f"its certificate is not trusted: {words}"
    elif isinstance(error, ssl.SSLError):
        reason = f"TLS failed ({getattr(error, 'reason', None) or type(error).__name__})"
    elif isinstance(error, socket.gaierror):
        reason = "the name could not be resolved"
    elif isinstance(error, TimeoutError):
        reason = "no answer in time"
    elif isinstance(error, ConnectionRefusedError):
        reason = "the connection was refused"
    elif isinstance(error, _NotHttpError):
        reason = "something that does not speak HTTP answered"
    elif error.errno in _NO_ROUTE:
        reason = "there is no route to it"
    return ConnectionFault(code, host, reason, untouched=untouched)
