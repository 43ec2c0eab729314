"""One project's imports, on the disk: what Mission holds of which version, and one run's records, counters and log.

One file per project, beside the agent's journal. `record` outlives the runs: it says which version of each record
Mission has acknowledged, so that a rerun sends only what changed. Records, counters, log rows and the checkpoint of
a page always go into the same transaction, after Mission's answer: a crash at any moment neither loses nor doubles one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from migrate_agent.store.import_entries import Checkpoint, Decided, EntityCounts, Fixed, Known, LogEntry, Record, Stage
from migrate_contract.rockrms import Entity, ImportLogRow


class ImportJournal:
    """The journal of one run (`job_id`, `attempt`) within its project's file. Safe for all threads.

    Every method that writes may raise Retryable(disk-full): nothing is lost then, and the same call may be repeated.
    """

    def __init__(
        self, path: Path, job_id: str, attempt: int, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Opens or makes the file, and the run in it."""
        self.path = path
        self._lock = threading.RLock()

    def close(self) -> None:
        """Closes the file."""
        raise NotImplementedError

    # The run's start

    def fixed(self) -> Fixed | None:
        """Result: what `start` kept; None before the first start."""
        raise NotImplementedError

    def start(self, fixed: Fixed) -> Fixed:
        """Result: what this run goes by: `fixed` at its first start, what was kept then at every later one.

        Another target or install than the file's: what was acknowledged there is forgotten.
        """
        raise NotImplementedError

    # For the pipeline

    def checkpoint(self, stage: Stage, entity: Entity) -> Checkpoint:
        """Result: how far the entity is."""
        raise NotImplementedError

    def expect(self, entity: Entity, rows: int) -> None:
        """So many rows are in scope, as counted before reading."""
        raise NotImplementedError

    def known(self, entity: Entity, first_id: int, last_id: int) -> dict[int, Known]:
        """Result: what is known of the records from `first_id` to `last_id`, by source id."""
        raise NotImplementedError

    def commit(
        self,
        stage: Stage,
        entity: Entity,
        decided: Sequence[Decided],
        log: Sequence[LogEntry] = (),
        *,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        """Writes what became of records, with counters, log rows and checkpoint; on the disk when it returns.

        A record that this run has decided before moves from its former status to the new one (it is counted once).
        """
        raise NotImplementedError

    def unseen(self, entity: Entity, after_id: int, limit: int) -> list[int]:
        """Result: records that Mission holds from earlier runs and that this run has not met, by source id."""
        raise NotImplementedError

    def forget(self, entity: Entity, source_ids: Sequence[int]) -> None:
        """Mission no longer holds these records: they were voided."""
        raise NotImplementedError

    # For the reconciliation

    def counts(self, stage: Stage | None = None) -> dict[Entity, EntityCounts]:
        """Result: the counts as on the disk, of every entity of the run (of the current stage, unless named); cheap."""
        raise NotImplementedError

    def records(self, entity: Entity, after_id: int, limit: int) -> list[Record]:
        """Result: this run's records of an entity after `after_id`, by source id."""
        raise NotImplementedError

    def find(self, entity: Entity, source_ids: Sequence[int]) -> dict[int, Record]:
        """Result: these records, where the run has decided on them."""
        raise NotImplementedError

    def keep(self, name: str, json: str) -> None:
        """Keeps one named document of the run: `changed`, `gone`, `report`, `quality`, `already_in_mission` ..."""
        raise NotImplementedError

    def kept(self, name: str) -> str | None:
        """Result: the document, None where it was not kept."""
        raise NotImplementedError

    def ledger_sha256(self) -> str:
        """Result: hash of every record of the run in the order (entity, source id): id, status, digest."""
        raise NotImplementedError

    # For shipping

    @property
    def last_row(self) -> int:
        """Result: the last log row on the disk; 0 at first. Rows are numbered from 1, without gaps."""
        raise NotImplementedError

    @property
    def shipped_row(self) -> int:
        """Result: the last log row that the control plane has confirmed; 0 at first."""
        raise NotImplementedError

    def log_rows(self, first: int, limit: int, kinds: Sequence[str] | None = None) -> list[ImportLogRow]:
        """Result: log rows from `first` on, in order, at most `limit`; all, or of these kinds."""
        raise NotImplementedError

    def mark_shipped(self, row: int) -> None:
        """The control plane holds every log row up to `row`."""
        raise NotImplementedError
