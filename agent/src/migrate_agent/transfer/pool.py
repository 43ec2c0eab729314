"""Kept-alive connections: lent for a request, or for several; a stale one is replaced without a word."""

from __future__ import annotations

import ssl
import threading
import time
from collections import deque
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
    """Connections to the endpoints of one job. Safe for all threads; the one used last is lent first."""

    def __init__(self, network: Network, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._network = network
        self._context: ssl.SSLContext | None = None
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._open: set[Connection] = set()
        self._spare: deque[tuple[Connection, Endpoint, float]] = deque()
        """Nobody is at any of them; the last one was used last."""
        self._aborted = False

    def exchange(self, endpoint: Endpoint, request: Request) -> Answer:
        """Result: the answer. Raises ConnectionFault, and Fatal(config-invalid) for a certificate bundle or a proxy.

        A kept connection that the peer closed while it was idle is replaced once; whether the peer has seen the request
        is then unknown, as after any lost answer, so every request must be safe to send twice.
        """
        if (kept := self._take(endpoint)) is not None:
            try:
                return self._run(kept, endpoint, request)
            except ConnectionFault as fault:
                if not fault.untouched or self._aborted:
                    raise
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
            self._spare.clear()
        for connection in connections:
            connection.close()

    def _take(self, endpoint: Endpoint) -> Connection | None:
        """A kept connection, None where there is none that is good."""
        with self._lock:
            return self._pop(endpoint, self._monotonic() - _IDLE_SECONDS)

    def _pop(self, endpoint: Endpoint, oldest: float) -> Connection | None:
        while self._spare:
            connection, known, since = self._spare.pop()
            if known == endpoint and connection.reusable and since > oldest:
                return connection
            self._forget(connection)
        return None

    def _lease(self, endpoint: Endpoint, number: int, faults: list[ConnectionFault]) -> list[Connection]:
        """Connections for so many requests; for each that there is none for, `faults` gets why."""
        connections: list[Connection] = []
        with self._lock:
            oldest = self._monotonic() - _IDLE_SECONDS
            while len(connections) < number and (kept := self._pop(endpoint, oldest)) is not None:
                connections.append(kept)
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

    def _run(self, connection: Connection, endpoint: Endpoint, request: Request) -> Answer:
        if self._aborted:  # also for one that was dialled meanwhile
            connection.close()
            self._give_back([connection], endpoint)
            raise ConnectionFault(ErrorCode.INTERRUPTED, endpoint.host, "cut off")
        try:
            return connection.exchange(request)
        finally:
            self._give_back([connection], endpoint)

    def _give_back(self, connections: list[Connection], endpoint: Endpoint) -> None:
        """For the next requests, as far as they can take one; what nobody has needed for long is closed."""
        now = self._monotonic()
        with self._lock:
            for connection in connections:
                if connection.reusable and not self._aborted:
                    self._spare.append((connection, endpoint, now))
                else:
                    self._forget(connection)
            while self._spare and self._spare[0][2] <= now - _IDLE_SECONDS:
                self._forget(self._spare.popleft()[0])

    def _forget(self, connection: Connection) -> None:
        connection.close()
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
