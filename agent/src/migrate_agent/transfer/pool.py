"""Kept-alive connections, one for each thread; a stale one is replaced without anybody noticing."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable

from migrate_agent.network import Network
from migrate_agent.transfer.connection import Answer, Connection, ConnectionFault, Endpoint, Request, dial
from migrate_contract.errors import ErrorCode

_IDLE_SECONDS = 30.0
"""Older idle connections are not trusted: a router in between may have forgotten them without a word."""


class ConnectionPool:
    """Connections to the endpoints of one job. Safe for all threads; each keeps the connection that it used last."""

    def __init__(self, network: Network, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._network = network
        self._context: ssl.SSLContext | None = None
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._open: set[Connection] = set()
        self._own = threading.local()
        self._aborted = False

    def exchange(self, endpoint: Endpoint, request: Request) -> Answer:
        """Result: the answer. Raises ConnectionFault, and Fatal(config-invalid) for a certificate bundle or a proxy.

        A kept connection that the peer closed while it was idle is replaced once; whether the peer has seen the request
        is then unknown, as after any lost answer, so every request must be safe to send twice.
        """
        kept: tuple[Connection, Endpoint, float] | None = getattr(self._own, "kept", None)
        if kept is not None:
            connection, known, since = kept
            if known == endpoint and connection.reusable and self._monotonic() - since < _IDLE_SECONDS:
                try:
                    return self._run(connection, endpoint, request)
                except ConnectionFault as fault:
                    if not fault.untouched or self._aborted:
                        raise
            else:
                self.retire()
        return self._run(self._dial(endpoint), endpoint, request)

    def send_whole(self, endpoint: Endpoint, data: bytes) -> str | Answer:
        """Sends one whole request on the kept connection, or a new one.

        Result: the ETag of a plain 201, else the answer.

        Raises as `exchange` does, also for a kept connection that the peer had closed: `untouched` then.
        """
        kept: tuple[Connection, Endpoint, float] | None = getattr(self._own, "kept", None)
        if kept is not None and (
            kept[1] != endpoint or not kept[0].reusable or self._monotonic() - kept[2] >= _IDLE_SECONDS
        ):
            self.retire()
            kept = None
        connection = self._dial(endpoint) if kept is None else kept[0]
        if self._aborted:
            self._drop(connection)
            raise ConnectionFault(ErrorCode.INTERRUPTED, endpoint.host, "cut off")
        try:
            return connection.send_whole(data)
        finally:
            self._keep(connection, endpoint)

    def retire(self) -> None:
        """This thread needs its connection no more."""
        kept = getattr(self._own, "kept", None)
        if kept is not None:
            self._own.kept = None
            self._drop(kept[0])

    def abort(self) -> None:
        """Cuts every request off; later ones fail at once. For cancel, and for a stop whose grace is over."""
        with self._lock:
            self._aborted = True
            connections = list(self._open)
        for connection in connections:
            connection.abort()

    def close(self) -> None:
        """Closes every connection; nobody uses one any more."""
        with self._lock:
            connections, self._open = self._open, set()
        for connection in connections:
            connection.close()

    def _run(self, connection: Connection, endpoint: Endpoint, request: Request) -> Answer:
        if self._aborted:  # also for one that was dialled meanwhile
            self._drop(connection)
            raise ConnectionFault(ErrorCode.INTERRUPTED, endpoint.host, "cut off")
        try:
            return connection.exchange(request)
        finally:
            self._keep(connection, endpoint)

    def _keep(self, connection: Connection, endpoint: Endpoint) -> None:
        """For this thread's next request, if the connection can take one."""
        if connection.reusable:
            self._own.kept = (connection, endpoint, self._monotonic())
        else:
            self._own.kept = None
            self._drop(connection)

    def _drop(self, connection: Connection) -> None:
        connection.close()
        with self._lock:
            self._open.discard(connection)

    def _dial(self, endpoint: Endpoint) -> Connection:
        if self._aborted:
            raise ConnectionFault(ErrorCode.INTERRUPTED, endpoint.host, "cut off")
        with self._lock:
            if self._context is None:
                self._context = self._network.tls_context()
            context = self._context
        connection = dial(endpoint, self._network, context)
        with self._lock:
            self._open.add(connection)
        return connection
