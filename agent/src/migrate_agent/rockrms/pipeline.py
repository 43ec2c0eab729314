"""Carries every record from Rock to Mission: reading, mapping and sending overlap, the journal follows in order.

One entity after the other, each in three threads and a few senders over bounded queues, page by page up to the high
water mark. Memory is bounded by the queues. A page's checkpoint moves once Mission has answered for all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from migrate_agent.stop import StopKind, StopSignal
from migrate_agent.store.import_entries import Stage
from migrate_agent.store.import_journal import ImportJournal
from migrate_contract.rockrms import Entity


class Page(Protocol):
    """Rows of one read."""

    rows: Sequence[Any]
    last_id: int


class Reads(Protocol):
    """The part of a RockSource that the pipeline uses."""

    def high_water(self, entity: Entity) -> int:
        """Result: the greatest Id now."""
        ...

    def count(self, entity: Entity, up_to: int) -> int:
        """Result: how many rows are in scope up to the high water mark."""
        ...

    def pages(self, entity: Entity, after_id: int, up_to: int) -> Iterator[Any]:
        """Yields pages by Id."""
        ...

    def reread(self, entity: Entity, ids: Sequence[int]) -> Any:
        """Result: these rows as they are now, where they are (still) in scope."""
        ...

    def ids(self, entity: Entity, after_id: int, up_to: int) -> Iterator[Sequence[int]]:
        """Yields the Ids in scope, in order, page by page: what is gone and what came late is found by them."""
        ...

    def changed(self, entity: Entity, since: str, up_to: int) -> Iterator[Sequence[int]]:
        """Yields Ids of rows modified since (in the SQL Server's local time)."""
        ...


class Maps(Protocol):
    """Makes bodies of rows."""

    def map(self, entity: Entity, page: Any) -> list[Any]:
        """Result: `records.Mapped` or `records.Skipped` for every row."""
        ...


class Sends(Protocol):
    """Takes bodies to Mission."""

    def send(self, entity: Entity, records: Sequence[Any]) -> list[Any]:
        """Result: one `Sent` for each record."""
        ...


@dataclass(frozen=True, slots=True)
class PipelineSettings:
    """Numbers of the pipeline; tests shorten them."""

    batch_size: int = 500
    senders: int = 3
    pages_ahead: int = 3
    """Pages read but not mapped, and mapped but not sent, at most."""


@dataclass(frozen=True, slots=True)
class PipelineResult:
    """How `run` ended: whole, or as it was asked to."""

    stopped: StopKind | None = None
    errored: int = 0
    changed: list[Any] = field(default_factory=list)


class Pipeline:
    """One stage of one run. `run` works; `rate` and `waiting` may be read from any thread."""

    def __init__(
        self,
        source: Callable[[], Reads],
        mapper: Maps,
        sender: Sends | None,
        journal: ImportJournal,
        stop: StopSignal,
        *,
        stage: Stage,
        entities: Sequence[Entity],
        settings: PipelineSettings | None = None,
    ) -> None:
        """`source` opens a connection (again, where one failed); no `sender`: a dry run."""
        raise NotImplementedError

    def run(self) -> PipelineResult:
        """Result: how it ended. Raises Fatal where nothing can go on (key revoked, database gone)."""
        raise NotImplementedError
