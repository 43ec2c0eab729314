"""How fast this machine sends to a container: blocks are staged for some seconds and never become a blob."""

from __future__ import annotations

import os
import threading
from base64 import b64encode
from collections.abc import Callable
from time import monotonic

from migrate_agent.checks.line import Line, failed_by, ok, warning
from migrate_agent.network import Network
from migrate_agent.transfer.access import SasUrlAccess
from migrate_agent.transfer.blob_http import BlobClient
from migrate_agent.transfer.content_check import fastest_check
from migrate_agent.transfer.pool import ConnectionPool
from migrate_contract.errors import ErrorCode, MigrateError

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
        """Counts what is about to be sent."""
        with self._lock:
            self.sent_bytes += size_bytes


def upload_line(
    access: SasUrlAccess, network: Network, name: str, seconds: float, *, clock: Callable[[], float] = monotonic
) -> Line:
    """Result: the measured speed. `name`: of the blob that is never committed; the service forgets its blocks."""
    title = f"upload to container {access.container}"
    pool = ConnectionPool(network)
    client, check, body = BlobClient(pool), fastest_check(), os.urandom(BLOCK_BYTES)
    header = check.header_line(check.digest(body))
    began = clock()
    pace = _NoPace(began + seconds, clock)
    faults: list[MigrateError] = []

    def send(stream: int) -> None:
        number = 0
        try:
            while not faults and (number == 0 or not pace.over):
                block = b64encode(f"{stream:04d}{number:08d}".encode()).decode()
                client.put_block(access.current(), name, block, body, header, pace=pace)
                number += 1
        except MigrateError as error:
            faults.append(error)

    threads = [threading.Thread(target=send, args=(stream,), daemon=True) for stream in range(STREAMS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
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
