"""The files that a retry is about, asked of the control plane where this agent's journal does not have them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

from migrate_agent.control.answers import FENCED
from migrate_agent.control.retry import Backoff
from migrate_agent.logs import log_fault
from migrate_agent.stop import StopSignal
from migrate_contract.errors import ErrorCode, MigrateError
from migrate_contract.jobs import FailedFilesAnswer, FailedFilesRequest

log = logging.getLogger(__name__)

_FINAL = FENCED | {ErrorCode.ATTEMPT_SUPERSEDED, ErrorCode.NOT_FOUND}
"""Refusals that waiting does not change; anything else is waited out."""

Ask = Callable[[FailedFilesRequest], FailedFilesAnswer]


def failed_paths(ask: Ask, attempt: int, stop: StopSignal, *, backoff: Backoff | None = None) -> Iterator[str]:
    """Yields every path. Raises StopRequested, and Fatal where the attempt is no longer this agent's."""
    delays = backoff or Backoff(ceiling_seconds=30.0)
    after: int | None = 0
    failures = 0
    while after is not None:
        stop.raise_if_requested()
        try:
            answer = ask(FailedFilesRequest(attempt=attempt, after_row=after))
        except MigrateError as error:
            if error.code in _FINAL:
                raise
            failures += 1
            if failures == 1:
                log_fault(log, "the list of failed files cannot be had now, trying again", error, level=logging.WARNING)
            stop.wait(delays.delay(failures, error.retry_after_seconds))
            continue
        failures = 0
        yield from answer.paths
        after = answer.next_row
