"""Runs one attempt of an import: facts, funds, dry run, pipeline, verification, report. An Engine (engine_port.py)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from migrate_agent.stop import StopSignal
from migrate_agent.store.import_journal import ImportJournal
from migrate_contract.jobs import JobSpec
from migrate_contract.rockrms import MissionAccess
from migrate_contract.schedule import LimitInForce


class ImportEngine:
    """Made per attempt; `run` is called once."""

    def __init__(
        self,
        spec: JobSpec,
        journal: ImportJournal,
        connection_string: Callable[[], str],
        mission_access: Callable[[], MissionAccess],
        stop: StopSignal,
        *,
        approved: bool = False,
        on_phase: Callable[[], None] = lambda: None,
    ) -> None:
        """`connection_string` and `mission_access` are asked when they are needed, and held in memory only."""
        raise NotImplementedError

    def run(self) -> Any:
        """Result: how it ended."""
        raise NotImplementedError

    def approve(self) -> None:
        """Goes on after the dry run (`hold_after_scan`)."""
        raise NotImplementedError

    def set_limit(self, limit: LimitInForce | None) -> None:
        """Bandwidth limits are of file transfers; 0 Mbps pauses an import too."""
        raise NotImplementedError

    def snapshot(self) -> Any:
        """Result: how far it is."""
        raise NotImplementedError
