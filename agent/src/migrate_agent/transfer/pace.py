"""Charges what is about to be sent: to the job's bucket in its own process, by a lease of it in another one."""

from __future__ import annotations

import threading
from collections.abc import Callable

from migrate_agent.stop import StopSignal
from migrate_agent.transfer.meter import Meter, reason_index
from migrate_agent.transfer.pacing import TokenBucket, slice_bytes_at
from migrate_contract.jobs import WaitReason

UNLIMITED_SLICE_BYTES = 256 * 1024
_THROTTLE = reason_index(WaitReason.THROTTLE)
_LOOK_SECONDS = 0.25
LEASE_SECONDS = 0.02
"""How much allowance another process takes at once: few messages, and little that is lost when it ends."""


class BucketPace:
    """A Pace (transfer/connection.py): charges each slice to the bucket, counts it, cuts cancelled requests off."""

    def __init__(self, bucket: TokenBucket, meter: Meter, stop: StopSignal) -> None:
        self._bucket, self._meter, self._stop = bucket, meter, stop

    @property
    def free(self) -> bool:
        """Result: whether nothing limits what is sent."""
        return self._bucket.rate is None

    @property
    def slice_bytes(self) -> int:
        """Result: small under a limit, so that the average is smooth."""
        rate = self._bucket.rate
        return UNLIMITED_SLICE_BYTES if rate is None else slice_bytes_at(rate)

    def before_sending(self, size_bytes: int) -> None:
        """Waits until `size_bytes` may be sent. Raises StopRequested after a cancel."""
        if self._stop.cancelled:
            self._stop.raise_if_requested()
        if self._bucket.limited:
            outer = self._meter.switch(_THROTTLE)
            try:
                self._bucket.take(size_bytes)
            finally:
                self._meter.switch(outer)
        self._meter.sent(size_bytes)


class LeasePace:
    """The same where the bucket is in another process: `ask(bytes)` asks for a lease, `grant` brings it."""

    def __init__(self, ask: Callable[[int], None], meter: Meter, stop: StopSignal) -> None:
        self._ask, self._meter, self._stop = ask, meter, stop
        self._changed = threading.Condition()
        self._rate: float | None = None
        self._allowed = 0
        self._asked = 0

    @property
    def free(self) -> bool:
        """Result: whether nothing limits what is sent."""
        return self._rate is None

    @property
    def slice_bytes(self) -> int:
        """Result: small under a limit, so that the average is smooth."""
        rate = self._rate
        return UNLIMITED_SLICE_BYTES if rate is None else slice_bytes_at(rate)

    def set_rate(self, bytes_per_second: float | None) -> None:
        """The limit in force; None: none, and whoever waits goes on."""
        with self._changed:
            self._rate = bytes_per_second
            self._changed.notify_all()

    def grant(self, size_bytes: int) -> None:
        """A lease that was asked for has come."""
        with self._changed:
            self._allowed += size_bytes
            self._asked -= size_bytes
            self._changed.notify_all()

    def before_sending(self, size_bytes: int) -> None:
        """Waits until `size_bytes` may be sent. Raises StopRequested after a cancel."""
        if self._stop.cancelled:
            self._stop.raise_if_requested()
        if self._rate is not None:
            outer = self._meter.switch(_THROTTLE)
            try:
                self._take(size_bytes)
            finally:
                self._meter.switch(outer)
        self._meter.sent(size_bytes)

    def _take(self, size_bytes: int) -> None:
        with self._changed:
            while (rate := self._rate) is not None:
                if self._allowed >= size_bytes:
                    self._allowed -= size_bytes
                    return
                # What is asked for already may be for others who wait; then this slice asks for its own.
                if self._asked < size_bytes:
                    lease = max(size_bytes, int(rate * LEASE_SECONDS))
                    self._asked += lease
                    self._ask(lease)
                self._changed.wait(_LOOK_SECONDS)
                if self._stop.cancelled:
                    self._stop.raise_if_requested()
