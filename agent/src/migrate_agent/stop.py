"""One signal that tells work to end, and how: finish what is staged, or drop it.

Fed by SIGINT, SIGTERM and the Windows service manager (for the process) and by commands (for one job, through a
child). *Stop* and *pause* let staged work finish within seconds and leave the rest pending; *cancel* drops everything
at once. A stronger request replaces a weaker one (stop < pause < cancel); none is ever withdrawn, so that a thread
that has begun to wind down never has to turn around.
"""

from __future__ import annotations

import threading
import weakref
from enum import StrEnum, unique


@unique
class StopKind(StrEnum):
    """How work is to end; set by whoever calls `StopSignal.request`."""

    STOP = "stop"
    """The process ends: finish staged work, keep the job as it is."""
    PAUSE = "pause"
    """An operator paused the job: finish staged work, free the slot."""
    CANCEL = "cancel"
    """Nothing more is committed."""


_STRENGTH = {StopKind.STOP: 1, StopKind.PAUSE: 2, StopKind.CANCEL: 3}


class StopRequested(Exception):
    """Raised out of a wait because the signal was given; no error of the catalogue: nothing went wrong."""

    def __init__(self, kind: StopKind) -> None:
        self.kind = kind
        super().__init__(f"{kind.value} requested")


class StopSignal:
    """Safe for all threads; `request` may be called from a signal handler's thread at any time."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.RLock())
        self._kind: StopKind | None = None
        self._children: weakref.WeakSet[StopSignal] = weakref.WeakSet()

    @property
    def kind(self) -> StopKind | None:
        """Result: the strongest request so far, None while work may go on."""
        return self._kind

    @property
    def requested(self) -> bool:
        """Result: whether work is to end in any way."""
        return self._kind is not None

    @property
    def cancelled(self) -> bool:
        """Result: whether work is to be dropped at once."""
        return self._kind is StopKind.CANCEL

    def request(self, kind: StopKind) -> None:
        """Ask work to end; a weaker request than an earlier one changes nothing. Passed on to every child."""
        with self._changed:
            if self._kind is None or _STRENGTH[kind] > _STRENGTH[self._kind]:
                self._kind = kind
                self._changed.notify_all()
            children = list(self._children)
        for child in children:
            child.request(kind)

    def wait(self, seconds: float | None) -> bool:
        """Result: whether work is to end, waiting for that at most `seconds` (None: for ever)."""
        with self._changed:
            return self._changed.wait_for(lambda: self._kind is not None, timeout=seconds)

    def wait_cancelled(self, seconds: float | None) -> bool:
        """Result: whether work is to be dropped, waiting for that at most `seconds`; a stop does not end the wait."""
        with self._changed:
            return self._changed.wait_for(lambda: self._kind is StopKind.CANCEL, timeout=seconds)

    def raise_if_requested(self) -> None:
        """Raises StopRequested if work is to end."""
        if self._kind is not None:
            raise StopRequested(self._kind)

    def child(self) -> StopSignal:
        """Result: a signal for one part of the work: it hears this one, this one does not hear it."""
        child = StopSignal()
        with self._changed:
            self._children.add(child)
            kind = self._kind
        if kind is not None:
            child.request(kind)
        return child
