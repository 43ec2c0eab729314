"""Several parts of one run, of which one may fail and leave the others alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

_log = structlog.get_logger(__name__)


class Guarded:
    """Collects what failed, so that a sweep goes on to the next job and still fails at its end."""

    def __init__(self) -> None:
        self.faults: list[Exception] = []

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """An exception inside ends this part only; it is logged and kept."""
        try:
            yield
        except Exception as fault:  # noqa: BLE001 - raised by `finish`, when the other parts have run
            _log.error("sweep.part_failed", part=name, exc_info=fault)
            fault.add_note(f"in the sweep of {name}")
            self.faults.append(fault)

    def finish(self) -> None:
        """Raises an ExceptionGroup of what failed, if anything did."""
        if self.faults:
            raise ExceptionGroup("parts of the sweep failed", self.faults)
