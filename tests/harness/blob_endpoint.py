"""A Blob endpoint of our own for tests: one container in memory over TLS, every fault on request, and a full record.

It speaks what a copy needs: Put Blob, Put Block, Put Block List, Get Block List, HEAD, GET, DELETE and List Blobs,
under a signature with an end. Contents are kept, or only their digests. Whether a request meets a fault is decided once
its head is read (`Script`): the faults are those of tests/harness/fault_front.py, and of this module.
"""

from __future__ import annotations

import contextlib
import secrets
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from local.certificates import Certificates
from tests.harness.blob_record import BlobRecord, Event
from tests.harness.blob_service import Asked, Reply, answer_to, refusal_of
from tests.harness.blob_store import BlobStore, Refused
from tests.harness.conditions import eventually
from tests.harness.fault_front import Damage, Drop, Refuse, Seen, Shape, kind_of, message, read_body, read_head, shaped

ACCOUNT = "torture"
CONTAINER = "box"
_IDLE_SECONDS = 300.0


@dataclass(frozen=True)
class Cut:
    """The connection ends when this share of the body is read: 0 is before any of it."""

    share: float = 0.0


@dataclass(frozen=True)
class Hang:
    """No answer comes for so long, then the connection ends; `acted`: the service has done what was asked."""

    seconds: float
    acted: bool = False


@dataclass(frozen=True)
class HalfClose:
    """The service answers, then closes its own half without a word: the connection takes no further request."""


@dataclass(frozen=True)
class Truncate:
    """The service has acted; the connection ends when this share of the answer is out."""

    share: float = 0.5


Trouble = Refuse | Drop | Damage | Shape | Cut | Hang | HalfClose | Truncate
Script = Callable[[Seen], Trouble | None]


@dataclass
class Clock:
    """The endpoint's clock: the machine's, and what a test has added to it."""

    ahead_seconds: float = 0.0

    def __call__(self) -> float:
        """Seconds since 1970."""
        return time.time() + self.ahead_seconds

    def pass_time(self, seconds: float) -> None:
        """So much later now."""
        self.ahead_seconds += seconds


@dataclass
class _Signatures:
    """The signatures that were given out, and when each ends."""

    ends: dict[str, float] = field(default_factory=dict)

    def new(self, end: float) -> str:
        signature = secrets.token_urlsafe(24)
        self.ends[signature] = end
        said = datetime.fromtimestamp(end, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return urlencode({"sv": "2021-12-02", "sr": "c", "sp": "rcwl", "se": said, "sig": signature})

    def check(self, query: dict[str, str], now: float) -> None:
        if self.ends.get(query.get("sig", ""), 0.0) <= now:
            raise Refused(403, "AuthenticationFailed")


class BlobEndpoint:
    """Listens on a free port of loopback while used as a context; `down()` and `up()` take it off the network."""

    def __init__(
        self, certificates: Certificates, script: Script = lambda _: None, *, keep_contents: bool = True
    ) -> None:
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificates.chain_file, certificates.key_file)
        self.ca_file = certificates.ca_file
        self.script = script
        self.keep_contents = keep_contents
        self.clock = Clock()
        self.store = BlobStore(self.clock)
        self.record = BlobRecord(self.clock)
        self.on_arrival: Callable[[Seen], None] = lambda _: None
        """Called with each request before anything is done about it."""
        self.on_acted: Callable[[Seen], None] = lambda _: None
        """Called after the service has acted on a request, before the answer goes out."""
        self._signatures = _Signatures()
        self._lock = threading.Lock()
        self._open: set[ssl.SSLSocket | socket.socket] = set()
        self._connections = 0
        self._listener: socket.socket | None = None
        self._port = 0
        self.up()

    def __enter__(self) -> BlobEndpoint:
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    @property
    def endpoint(self) -> str:
        """The account's address."""
        return f"https://127.0.0.1:{self._port}/{ACCOUNT}"

    def sas(self, seconds: float = 7 * 24 * 3600) -> str:
        """A new signature that ends in so many seconds of the endpoint's clock."""
        return self._signatures.new(self.clock() + seconds)

    def revoke(self) -> None:
        """No signature that was given out so far is good any more."""
        self._signatures.ends.clear()

    def sas_url(self, seconds: float = 7 * 24 * 3600) -> str:
        """What a person would paste."""
        return f"{self.endpoint}/{CONTAINER}?{self.sas(seconds)}"

    @property
    def connections(self) -> int:
        """How many are open now."""
        with self._lock:
            return len(self._open)

    def settle(self, seconds: float = 20) -> None:
        """Returns when no client is connected any more: what a killed one had sent is then done, or never will be."""
        eventually(lambda: not self.connections, seconds=seconds, what="every connection has ended", every=0.01)

    def up(self) -> None:
        """Listens (again, on the same port)."""
        listener = socket.create_server(("127.0.0.1", self._port), backlog=128)
        self._port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def down(self) -> None:
        """Refuses connections and cuts the open ones."""
        self.record.cut()
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

    def restart(self, *, forget_staged: bool = False) -> None:
        """Another process serves the same container; with `forget_staged`, what was only staged is gone."""
        self.down()
        self.settle()
        if forget_staged:
            self.store.forget_staged()
            self.record.forgotten.append(self.record.tick())
        self.up()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                raw, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.add(raw)
                self._connections += 1
                number = self._connections
            threading.Thread(target=self._serve, args=(raw, number), daemon=True).start()

    def _serve(self, raw: socket.socket, connection: int) -> None:
        client: ssl.SSLSocket | socket.socket = raw
        try:
            with contextlib.suppress(OSError, EOFError, ValueError):
                raw.settimeout(_IDLE_SECONDS)
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                wrapped = self._tls.wrap_socket(raw, server_side=True)
                with self._lock:
                    self._open.discard(raw)
                    self._open.add(wrapped)
                client = wrapped
                incoming = wrapped.makefile("rb", 1 << 16)
                while self._exchange(wrapped, incoming, connection):
                    continue
        finally:
            client.close()
            with self._lock:
                self._open.discard(client)

    def _exchange(self, client: ssl.SSLSocket, incoming, connection: int) -> bool:
        first, headers = read_head(incoming)
        if self._listener is None:
            return False
        method, target, _ = first.split(" ", 2)
        parts = urlsplit(target)
        query = {key: values[0] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
        self.record.requests += 1
        lower = {key.lower(): value for key, value in headers.items()}
        seen = Seen(self.record.requests, method, parts.path, kind_of(method, target), b"", lower, connection, query)
        # Read from the path of this account: /account/container/name.
        event = self.record.arrived(seen.kind, seen.name, query.get("blockid", ""))
        self.on_arrival(seen)
        fault = self.script(seen)
        if fault is not None:
            self.record.faults[type(fault).__name__ + (f" {fault.status}" if isinstance(fault, Refuse) else "")] += 1
        try:
            return self._handle(client, incoming, seen, event, fault)
        finally:
            event.over = self.record.tick()

    def _handle(self, client: ssl.SSLSocket, incoming, seen: Seen, event: Event, fault: Trouble | None) -> bool:
        if seen.headers.get("expect", "").lower() == "100-continue":
            client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if isinstance(fault, Cut):
            incoming.read(int(int(seen.headers.get("content-length", "0")) * fault.share))
            return False
        body = read_body(incoming, seen.headers)
        if isinstance(fault, Damage) and body:
            body = bytes([body[0] ^ 1]) + body[1:]
        if isinstance(fault, Refuse):
            event.status = fault.status
            client.sendall(_whole(refusal_of(fault.status, fault.code, fault.headers), seen.method))
            return True
        if (isinstance(fault, Drop) and not fault.after) or (isinstance(fault, Hang) and not fault.acted):
            self._keep_waiting(client, fault)
            return False
        reply = self._act(replace(seen, body=body), event)
        self.on_acted(seen)
        return self._answer(client, seen, event, reply, fault)

    def _act(self, seen: Seen, event: Event) -> Reply:
        asked = Asked(seen.method, seen.kind, unquote(seen.path).split("/", 3), seen.query, seen.headers, seen.body)
        try:
            self._signatures.check(seen.query, self.clock())
            with self.store.lock:
                reply = answer_to(asked, self.store, event, keep=self.keep_contents, container=CONTAINER)
                event.acted = self.record.tick()
        except Refused as refused:
            reply = refusal_of(refused.status, refused.code, {}, refused.message)
        event.status = reply.status
        return reply

    def _answer(self, client: ssl.SSLSocket, seen: Seen, event: Event, reply: Reply, fault: Trouble | None) -> bool:
        if isinstance(fault, (Drop, Hang)):
            self._keep_waiting(client, fault)
            return False
        if isinstance(fault, Truncate):
            whole = _whole(reply, seen.method)
            client.sendall(whole[: max(1, int(len(whole) * fault.share))])
            return False
        shape = fault if isinstance(fault, Shape) else Shape()
        if shape.delay_seconds:
            time.sleep(shape.delay_seconds)
        if shape.continue_first:
            client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        client.sendall(_whole(reply, seen.method, shape))
        event.sent_at = time.monotonic()
        event.sent = self.record.tick()
        if isinstance(fault, HalfClose):
            socket.socket.shutdown(client, socket.SHUT_WR)
            with contextlib.suppress(OSError):
                while client.recv(1 << 16):
                    continue
            return False
        return not shape.close

    def _keep_waiting(self, client: ssl.SSLSocket, fault: Drop | Hang) -> None:
        """Until the fault's time is over or the client has gone away."""
        until = time.monotonic() + (fault.seconds if isinstance(fault, Hang) else 0.0)
        while (left := until - time.monotonic()) > 0 and self._listener is not None:
            if select.select([client], [], [], min(left, 0.2))[0]:
                return


def _whole(reply: Reply, method: str, shape: Shape | None = None) -> bytes:
    first = f"HTTP/1.1 {reply.status} {'OK' if reply.status < 300 else 'Refused'}"
    if method == "HEAD":
        headers = reply.headers if "Content-Length" in reply.headers else {**reply.headers, "Content-Length": "0"}
        return message(first, headers | ({"Connection": "close"} if shape and shape.close else {}), b"")
    return shaped(first, reply.headers, reply.body, shape or Shape(), bodiless=False)


@contextlib.contextmanager
def blob_endpoint(
    certificates: Certificates, script: Script = lambda _: None, *, keep_contents: bool = True
) -> Iterator[BlobEndpoint]:
    """An endpoint that is taken down at the end."""
    with BlobEndpoint(certificates, script, keep_contents=keep_contents) as started:
        yield started
