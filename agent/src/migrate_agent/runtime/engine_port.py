"""What the job runner needs of a copy engine; the real one is transfer/engine.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from migrate_agent.engine_results import EngineResult, Snapshot
from migrate_agent.stop import StopSignal
from migrate_agent.store.job_journal import JobJournal
from migrate_agent.store.journal import JobRecord
from migrate_contract.schedule import LimitInForce


class Engine(Protocol):
    """What runs one attempt (transfer/engine.py)."""

    def run(self) -> EngineResult:
        """Result: how it ended."""
        ...

    def approve(self) -> None:
        """Goes on after `hold_after_scan`."""
        ...

    def set_limit(self, limit: LimitInForce | None) -> None:
        """Payload is sent no faster from now on; None: as fast as it goes, 0 Mbps: not at all."""
        ...

    def snapshot(self) -> Snapshot:
        """Result: how far it is."""
        ...


MakeEngine = Callable[[JobRecord, JobJournal, StopSignal, Callable[[], None]], Engine]
