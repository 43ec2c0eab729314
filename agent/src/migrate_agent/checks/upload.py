"""How fast this machine sends to a container: blocks are staged for some seconds and never become a blob."""

from __future__ import annotations

import os
import threading
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

from migrate_agent.checks.line import Line, failed_by, ok, warning
from migrate_agent.network import Network
from migrate_agent.stop import StopKind, StopRequested
from migrate_agent.transfer.access import SasUrlAccess
from migrate_agent.transfer.blob_http import BlobClient
from migrate_agent.transfer.content_check import fastest_check
from migrate_agent.transfer.pool import ConnectionPool
from migrate_contract.errors import ErrorCode, MigrateError

FIRST_BLOCK_BYTES = 64 << 10
"""Small, so that a refusal is heard soon, and on the slowest line."""
BLOCK_BYTES = 4 << 20
STREAMS = 4
SLOW_BYTES_PER_SECOND = 250_000
"""2 Mbps: a terabyte would take six weeks."""


class _NoPace:
    """As fast as it goes; ends a request when the time is over."""

    slice_bytes = 65_536

    def __init__(self, ends: float, clock: Callable[[], float]) -> None:
        self._ends, self._clock, self._lock = ends, clock, threading.Lock()
        self.sent_bytes = 0

    @property
    def over(self) -> bool:
        """Result: whether the time for sending is over."""
        return self._clock() >= self._ends

    def before_sending(self, size_bytes: int) -> None:
        """Counts what is about to be sent. Raises StopRequested where the time is over: the request is cut off."""
        if self.over:
            raise StopRequested(StopKind.STOP)
        with self._lock:
            self.sent_bytes += size_bytes


def upload_line(
    access: SasUrlAccess, network: Network, name: str, seconds: float, *, clock: Callable[[], float] = monotonic
) -> Line:
    """Result: the measured speed. `name`: of the blob that is never committed; the service forgets its blocks."""
    title = f"upload to container {access.container}"
    pool = ConnectionPool(network)
    client, check = BlobClient(pool), fastest_check()
    first, others = os.urandom(FIRST_BLOCK_BYTES), os.urandom(BLOCK_BYTES)
    bodies = {body: check.header_line(check.digest(body)) for body in (first, others)}
    began = clock()
    pace = _NoPace(began + seconds, clock)
    faults: list[MigrateError] = []

    def send(stream: int) -> None:
        number = 0
        try:
            while not faults and not pace.over:
                block = b64encode(f"{stream:04d}{number:08d}".encode()).decode()
                body = others if number else first
                client.put_block(access.current(), name, block, body, bodies[body], pace=pace)
                number += 1
        except StopRequested:
            return  # The time is over in the middle of a block: what was sent of it counts.
        except MigrateError as error:
            faults.append(error)

    with ThreadPoolExecutor(STREAMS, thread_name_prefix="upload") as streams:
        for each in [streams.submit(send, stream) for stream in range(STREAMS)]:
            each.result()
    pool.close()
    spent = max(clock() - began, 0.001)
    if faults:
        return failed_by(title, faults[0])
    rate = pace.sent_bytes / spent
    words = (
        f"{rate * 8 / 1e6:,.1f} Mbps over {spent:.0f} s with {STREAMS} streams ({rate * 86_400 / 1e9:,.0f} GB a day)"
    )
    if rate < SLOW_BYTES_PER_SECOND:
        return warning(title, ErrorCode.UPLOAD_SLOW, words)
    return ok(title, words)
