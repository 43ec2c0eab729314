"""The session of this process: the epoch that the server minted for it, and the error that ended it.

Before the first heartbeat is answered there is no epoch, and calls that carry one have to wait.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from migrate_agent.control.answers import Unreachable
from migrate_contract.errors import MigrateError


class Session:
    """Shared by all threads. Once ended it stays ended: every further call fails with the same error."""

    def __init__(self) -> None:
        self._epoch: int | None = None
        self._ended: MigrateError | None = None
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], object]] = []

    @property
    def known_epoch(self) -> int | None:
        """Result: the epoch, None before the first answered heartbeat."""
        return self._epoch

    @property
    def ended(self) -> MigrateError | None:
        """Result: why this process must not go on, None while it may."""
        return self._ended

    def epoch(self) -> int:
        """Result: the epoch. Raises Unreachable before there is one, and what ended the session after that."""
        if self._ended is not None:
            raise self._ended
        if self._epoch is None:
            raise Unreachable("no heartbeat of this process has been answered yet")
        return self._epoch

    def opened(self, epoch: int) -> None:
        """The server named the epoch (each heartbeat answer repeats it)."""
        self._epoch = epoch

    def end(self, error: MigrateError) -> None:
        """The control plane refused this process for good; the first reason is kept."""
        with self._lock:
            if self._ended is not None:
                return
            self._ended = error
            listeners = list(self._listeners)
        for listener in listeners:
            listener()

    def when_ended(self, listener: Callable[[], object]) -> None:
        """`listener` is called when the session ends, by the thread that met the refusal; it must return at once."""
        with self._lock:
            self._listeners.append(listener)
