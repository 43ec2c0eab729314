"""Waits for a database that is away, call by call: what was read is not read again, and nothing fails for an outage."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

from migrate_agent.control.retry import Backoff
from migrate_agent.rockrms.gauge import Gauge
from migrate_agent.rockrms.reconcile.ports import SqlReader
from migrate_agent.rockrms.records import Page, RockFacts, RockSource
from migrate_agent.stop import StopSignal
from migrate_contract.errors import Retryable
from migrate_contract.jobs import WaitReason
from migrate_contract.rockrms import Entity

log = logging.getLogger(__name__)

Found = TypeVar("Found")


class SourcePatience:
    """How long to wait between two tries, and who is told; one for all threads of an import."""

    def __init__(self, stop: StopSignal, gauge: Gauge, backoff: Backoff) -> None:
        self._stop, self._gauge, self._backoff = stop, gauge, backoff

    def call(self, action: Callable[[], Found]) -> Found:
        """Result: what `action` returns in the end. Raises StopRequested, and Fatal at once."""
        failures = 0
        while True:
            self._stop.raise_if_requested()
            try:
                return action()
            except Retryable as lost:
                failures += 1
                self.wait(lost, failures)

    def wait(self, lost: Retryable, failures: int) -> None:
        """Until the next try, or until work is to stop."""
        if failures == 1:
            log.warning("the RockRMS database does not answer, trying again: %s", lost.detail)
        with self._gauge.waiting(WaitReason.NO_CONNECTION, f"RockRMS: {lost.detail}"):
            self._stop.wait(self._backoff.delay(failures, lost.retry_after_seconds))

    def raise_if_requested(self) -> None:
        """Raises StopRequested."""
        self._stop.raise_if_requested()


class PatientSource:
    """A RockSource (records.py) over another one, which opens a fresh connection by itself. For one thread."""

    def __init__(self, source: RockSource, patience: SourcePatience) -> None:
        self._source, self._patience = source, patience

    def facts(self) -> RockFacts:
        """Result: what one look tells."""
        return self._patience.call(self._source.facts)

    def high_water(self, entity: Entity) -> int:
        """Result: the greatest id now."""
        return self._patience.call(lambda: self._source.high_water(entity))

    def modified_mark(self, entity: Entity) -> datetime | None:
        """Result: the latest ModifiedDateTime."""
        return self._patience.call(lambda: self._source.modified_mark(entity))

    def pages(self, entity: Entity, after_id: int, up_to: int) -> Iterator[Page]:
        """Yields the rows in scope; after an outage from the last page on."""
        failures = 0
        while True:
            self._patience.raise_if_requested()
            try:
                for page in self._source.pages(entity, after_id, up_to):
                    failures, after_id = 0, page.last_id
                    yield page
                return
            except Retryable as lost:
                failures += 1
                self._patience.wait(lost, failures)

    def reread(self, entity: Entity, ids: Sequence[int]) -> Page:
        """Result: these rows as they are now."""
        return self._patience.call(lambda: self._source.reread(entity, ids))

    def changed(self, entity: Entity, since: datetime | None, up_to: int) -> Iterator[Sequence[int]]:
        """Yields ids of rows that were modified; all of them are asked for again after an outage, and met twice."""
        yield from self._patience.call(lambda: list(self._source.changed(entity, since, up_to)))

    def ids(self, entity: Entity, after_id: int, up_to: int) -> Iterator[Sequence[int]]:
        """Yields the ids in scope; after an outage from the last one on."""
        failures = 0
        while True:
            self._patience.raise_if_requested()
            try:
                for part in self._source.ids(entity, after_id, up_to):
                    failures, after_id = 0, part[-1]
                    yield part
                return
            except Retryable as lost:
                failures += 1
                self._patience.wait(lost, failures)

    def count(self, entity: Entity, up_to: int) -> int:
        """Result: how many rows are in scope."""
        return self._patience.call(lambda: self._source.count(entity, up_to))

    def close(self) -> None:
        """Ends the connection."""
        self._source.close()


class PatientRows:
    """A SqlReader (reconcile/ports.py) over another one: a statement that was cut is asked again as a whole."""

    def __init__(self, reader: SqlReader, patience: SourcePatience) -> None:
        self._reader, self._patience = reader, patience

    def rows(self, statement: str, parameters: Sequence[object] = ()) -> Iterator[Sequence[Any]]:
        """Result: the rows of one statement, which are a page at most."""
        return iter(self._patience.call(lambda: list(self._reader.rows(statement, parameters))))
