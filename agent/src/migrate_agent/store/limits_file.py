"""The bandwidth limits that the control plane told last, kept so that a restart without it goes on obeying them.

A file of its own beside the journal's: it is replaced as a whole, and belongs to no job and no attempt.
"""

from __future__ import annotations

import logging
from pathlib import Path

from pydantic import ValidationError

from migrate_agent.private_file import read_private, write_private
from migrate_contract.schedule import LimitSet

log = logging.getLogger(__name__)

LIMITS_FILE = "limits.json"


class LimitsFile:
    """One agent's file."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LIMITS_FILE

    def read(self) -> LimitSet:
        """Result: what was kept; the empty set where nothing is, or nothing readable: then a heartbeat brings it again.

        Raises Fatal(config-invalid) for a file of another account.
        """
        text = read_private(self._path)
        if text is None:
            return LimitSet()
        try:
            return LimitSet.model_validate_json(text)
        except ValidationError as error:
            log.warning(
                "%s cannot be read (%s faults); the next heartbeat replaces it", self._path, len(error.errors())
            )
            return LimitSet()

    def write(self, limits: LimitSet) -> None:
        """Result: the limits are on the disk. Raises Fatal(config-invalid), also for a full disk."""
        write_private(self._path, limits.model_dump_json())
