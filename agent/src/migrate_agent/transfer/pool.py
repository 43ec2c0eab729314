"""Kept-alive connections, shared by all workers; a stale one is replaced without anybody noticing."""

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
    """Connections to the endpoints of one job. Safe for all threads."""

    def __init__(self, network: Network, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._network = network
        self._context: ssl.SSLContext | None = None
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._idle: dict[Endpoint, list[tuple[Connection, float]]] = {}
        self._busy: set[Connection] = set()
        self._aborted = False

    def exchange(self, endpoint: Endpoint, request: Request) -> Answer:
        """Result: the answer. Raises ConnectionFault, and Fatal(config-invalid) for a certificate bundle or a proxy.

        A kept connection that the peer closed while it was idle is replaced once; whether the peer has seen the request
        is then unknown, as after any lost answer, so every request must be safe to send twice.
        """
        connection = self._kept(endpoint)
        if connection is not None:
            try:
                return self._run(connection, endpoint, request)
            except ConnectionFault as fault:
                if not fault.untouched or self._aborted:
                    raise
        return self._run(self._dial(endpoint), endpoint, request)

    def abort(self) -> None:
        """Cuts every request off; later ones fail at once. For cancel, and for a stop whose grace is over."""
        with self._lock:
            self._aborted = True
            busy = list(self._busy)
        for connection in busy:
            connection.abort()

    def close(self) -> None:
        """Closes what is idle."""
        with self._lock:
            idle, self._idle = self._idle, {}
        for kept in idle.values():
            for connection, _ in kept:
                connection.close()

    def _run(self, connection: Connection, endpoint: Endpoint, request: Request) -> Answer:
        with self._lock:
            self._busy.add(connection)
            aborted = self._aborted
        try:
            if aborted:
                connection.close()
                raise ConnectionFault(ErrorCode.INTERRUPTED, endpoint.host, "cut off")
            return connection.exchange(request)
        finally:
            with self._lock:
                self._busy.discard(connection)
                if connection.reusable:
                    self._idle.setdefault(endpoint, []).append((connection, self._monotonic()))

    def _kept(self, endpoint: Endpoint) -> Connection | None:
        oldest = self._monotonic() - _IDLE_SECONDS
        stale: list[Connection] = []
        found: Connection | None = None
        with self._lock:
            kept = self._idle.get(endpoint, [])
            while kept and found is None:
                connection, since = kept.pop()
                if since >= oldest:
                    found = connection
                else:
                    stale.append(connection)
        for connection in stale:
            connection.close()
        return found

    def _dial(self, endpoint: Endpoint) -> Connection:
        if self._aborted:
            raise ConnectionFault(ErrorCode.INTERRUPTED, endpoint.host, "cut off")
        with self._lock:
            if self._context is None:
                self._context = self._network.tls_context()
            context = self._context
        return dial(endpoint, self._network, context)
