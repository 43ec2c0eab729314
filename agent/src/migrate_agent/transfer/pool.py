"""Kept-alive connections, one for each thread and some that are lent; a stale one is replaced unnoticed."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from migrate_agent.network import Network
from migrate_agent.transfer.connection import Answer, Connection, ConnectionFault, Endpoint, Request, dial
from migrate_contract.errors import ErrorCode

_IDLE_SECONDS = 30.0
"""Older idle connections are not trusted: a router in between may have forgotten them without a word."""


class Begun(NamedTuple):
    """Requests that are on their way together."""

    endpoint: Endpoint
    connections: list[Connection]
    begun: list[Connection | ConnectionFault]
    """For each request the connection that will bring its answer, or why it was not sent."""


class ConnectionPool:
    """Connections to the endpoints of one job. Safe for all threads; each keeps the connection that it used last."""

    def __init__(self, network: Network, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._network = network
        self._context: ssl.SSLContext | None = None
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._open: set[Connection] = set()
        self._own = threading.local()
        self._spare: list[tuple[Connection, Endpoint, float]] = []
        """Of `begin_all`, the last used one on top; nobody is at any of them."""
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

    def begin_all(self, endpoint: Endpoint, requests: Sequence[bytes]) -> Begun:
        """Sends whole PUTs, each on a connection of its own. Result: for `end_all`, which must follow.

        Raises Fatal(config-invalid) as `exchange` does.
        """
        faults: list[ConnectionFault] = []
        connections = self._lease(endpoint, len(requests), faults)
        # Those without a connection are the first, so that the order holds.
        begun: list[Connection | ConnectionFault] = [*faults]
        try:
            for connection, data in zip(connections, requests[len(faults) :], strict=True):
                try:
                    connection.begin_whole(data)
                except ConnectionFault as fault:
                    begun.append(fault)
                else:
                    begun.append(connection)
        except BaseException:
            # Nobody knows which of them wait for an answer.
            for connection in connections:
                connection.close()
            self._give_back(connections, endpoint)
            raise
        return Begun(endpoint, connections, begun)

    def end_all(self, sent: Begun) -> list[str | Answer | ConnectionFault]:
        """Waits for the answers.

        Result: in the order of the requests, the ETag of a plain 201, else the answer, or what kept it from coming
        (`untouched` for a kept connection that the peer had closed).
        """
        found: list[str | Answer | ConnectionFault] = []
        try:
            for one in sent.begun:
                if isinstance(one, ConnectionFault):
                    found.append(one)
                    continue
                try:
                    found.append(one.end_whole())
                except ConnectionFault as fault:
                    found.append(fault)
        except BaseException:
            for connection in sent.connections:
                connection.close()
            raise
        finally:
            self._give_back(sent.connections, sent.endpoint)
        return found

    def _lease(self, endpoint: Endpoint, number: int, faults: list[ConnectionFault]) -> list[Connection]:
        """Connections for so many requests; for each that there is none for, `faults` gets why."""
        connections: list[Connection] = []
        oldest = self._monotonic() - _IDLE_SECONDS
        with self._lock:
            while self._spare and len(connections) < number:
                connection, known, since = self._spare.pop()
                if known == endpoint and connection.reusable and since > oldest:
                    connections.append(connection)
                else:
                    connection.close()
                    self._open.discard(connection)
        try:
            while len(connections) < number:
                connections.append(self._dial(endpoint))
        except ConnectionFault as fault:
            faults += [fault] * (number - len(connections))
        except BaseException:
            self._give_back(connections, endpoint)
            raise
        if self._aborted:  # also those that were dialled meanwhile
            for connection in connections:
                connection.abort()
        return connections

    def _give_back(self, connections: list[Connection], endpoint: Endpoint) -> None:
        now = self._monotonic()
        with self._lock:
            for connection in connections:
                if connection.reusable and not self._aborted:
                    self._spare.append((connection, endpoint, now))
                else:
                    connection.close()
                    self._open.discard(connection)

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
