"""The message of the queue `dispatch`: which job to look at."""

from __future__ import annotations

from pydantic import ValidationError

from migrate_contract.wire import WireModel


class DispatchMessage(WireModel):
    """A hint."""

    organization: str
    job_id: str


def read_message(message: str) -> DispatchMessage | None:
    """Result: the hint; None for anything else."""
    try:
        return DispatchMessage.model_validate_json(message)
    except ValidationError:
        return None
