"""Running several parts of one invocation so that the failure of one leaves the others alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog

log = structlog.get_logger("sweep")


def run_all(parts: Mapping[str, Callable[[], object]]) -> None:
    """Runs each part by its name; raises an ExceptionGroup of what failed, after all of them have run."""
    failed: list[Exception] = []
    for name, part in parts.items():
        try:
            part()
        except Exception as fault:
            log.error("sweep.failed", part=name, exc_info=fault)
            fault.add_note(f"in the sweep {name}")
            failed.append(fault)
    if failed:
        raise ExceptionGroup("parts of the sweep failed", failed)
