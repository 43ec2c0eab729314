"""The copy of one attempt: drives the stages, records what became of each file, and alone decides how it ends."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime

from migrate_agent.network import Network
from migrate_agent.stop import StopSignal
from migrate_agent.store.job_journal import JobJournal
from migrate_agent.transfer.access import GrantSource
from migrate_agent.transfer.results import DryRun, EngineResult, EngineSettings, Snapshot
from migrate_contract.jobs import JobSpec


class CopyEngine:
    """One attempt's copy. `run` (or `dry_run`) is called once; the other methods from any thread at any time."""

    def __init__(
        self,
        spec: JobSpec,
        journal: JobJournal,
        access: GrantSource,
        stop: StopSignal,
        *,
        network: Network,
        approved: bool = False,
        settings: EngineSettings | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
        on_phase: Callable[[], None] = lambda: None,
    ) -> None:
        """`approved`: `hold_after_scan` was answered already. `on_phase` is called after each change of phase.

        The journal stays open: whoever opened it closes it.
        """
        raise NotImplementedError

    def run(self) -> EngineResult:
        """Result: how the attempt ended. Raises nothing of the catalogue: a Fatal becomes phase `failed`."""
        raise NotImplementedError

    def dry_run(self) -> DryRun:
        """Result: what `run` would do; nothing is written to the destination. Raises Fatal, StopRequested."""
        raise NotImplementedError

    def approve(self) -> None:
        """Goes on after `hold_after_scan`; remembered if the scan is not complete yet."""
        raise NotImplementedError

    def set_bandwidth_limit(self, limit_mbps: float | None) -> None:
        """The limit in force from now on; None: no limit."""
        raise NotImplementedError

    def snapshot(self) -> Snapshot:
        """Result: how far it is; takes no lock for long and never fails."""
        raise NotImplementedError
