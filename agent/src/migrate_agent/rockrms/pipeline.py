"""Carries every record from Rock to Mission: reading, mapping and sending overlap, the journal follows in order.

Four kinds of threads over bounded queues, so that memory does not grow with the church:

| thread | does |
|---|---|
| reader | pages of one entity after the other, up to the high-water mark; a lost connection goes on at its key |
| mapper | makes records of rows, leaves out what Mission holds already, hands batches to the senders |
| senders | wait for Mission's answers, a few batches at once |
| caller | writes pages to the journal in the order of their ids, each with its checkpoint |

An entity's first batch leaves when everything of the entities before it is answered: a gift never precedes its giver.
What a crash loses is sent again under the same key, and Mission answers as before.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from migrate_agent.control.retry import Backoff
from migrate_agent.rockrms.channel import Channel
from migrate_agent.rockrms.decisions import Sorted, answered, sort_out
from migrate_agent.rockrms.gauge import Gauge
from migrate_agent.rockrms.mission.sender import Sent
from migrate_agent.rockrms.patient_source import PatientSource, SourcePatience
from migrate_agent.rockrms.records import Mapped, Page, RockSource, Skipped
from migrate_agent.stop import StopKind, StopRequested, StopSignal
from migrate_agent.store.import_entries import Checkpoint, Decided, ImportPass, LogEntry
from migrate_agent.store.import_journal import ImportJournal
from migrate_contract.errors import ErrorCode, Retryable
from migrate_contract.jobs import WaitReason
from migrate_contract.rockrms import Entity

log = logging.getLogger(__name__)


class Maps(Protocol):
    """Makes records of rows (rockrms/mapping)."""

    def map(self, entity: Entity, page: Page) -> list[Mapped | Skipped]:
        """Result: one answer per row."""
        ...


class Sends(Protocol):
    """Takes records to Mission (rockrms/mission/sender.py)."""

    def send(self, entity: Entity, records: Sequence[Mapped]) -> list[Sent]:
        """Result: one `Sent` per record, in their order, once Mission has answered for all of them."""
        ...


@dataclass(frozen=True, slots=True)
class PipelineSettings:
    """Numbers of the pipeline, and its patience in seconds; tests shorten them."""

    batch_size: int = 500
    senders: int = 3
    """Batches that wait for Mission's answer at once."""
    pages_ahead: int = 2
    """Pages read but not mapped, and pages mapped but not in the journal, at most."""
    backoff: Backoff = field(default_factory=Backoff)
    """Between tries of a lost database."""
    full_disk_seconds: float = 1.0


@dataclass(slots=True)
class _Leaf:
    """One page read; `page` None: the entity is at its end."""

    entity: Entity
    page: Page | None
    last_id: int


@dataclass(slots=True)
class _Sheet:
    """One page mapped, with its batches under way."""

    entity: Entity
    checkpoint: Checkpoint
    sorted: Sorted
    batches: list[tuple[Sequence[Mapped], Future[list[Sent]]]]


class Pipeline:
    """One pass of one run. `run` works and is called once; the gauge may be read from any thread."""

    def __init__(
        self,
        open_source: Callable[[], RockSource],
        mapper: Maps,
        sender: Sends | None,
        journal: ImportJournal,
        stop: StopSignal,
        *,
        which: ImportPass,
        entities: Sequence[Entity],
        high_water: Mapping[Entity, int],
        gauge: Gauge | None = None,
        settings: PipelineSettings | None = None,
        before: Callable[[Entity], None] = lambda _: None,
        over: StopSignal | None = None,
    ) -> None:
        """`open_source` makes a source for the reader's thread; no `sender`: a dry run.

        `over` is requested when something breaks: a sender that waits for Mission must not wait on. `before` is called
        on the mapper's thread before the first batch of each entity.
        """
        self._open_source, self._mapper, self._sender = open_source, mapper, sender
        self._journal, self._stop = journal, stop
        self._which, self._entities, self._high_water = which, entities, high_water
        self._settings = settings or PipelineSettings()
        self._before = before
        self.gauge = gauge or Gauge()
        self._leaves: Channel[_Leaf] = Channel(self._settings.pages_ahead)
        self._sheets: Channel[_Sheet] = Channel(self._settings.pages_ahead)
        self._settled = threading.Condition()
        self._open_sheets = 0
        self._faults: list[BaseException] = []
        self._over = over or stop.child()

    def run(self) -> StopKind | None:
        """Result: None when every entity is complete, else what asked it to stop. Raises Fatal, and what broke."""
        threads = [
            threading.Thread(target=self._guarded, args=(work,), name=name, daemon=True)
            for name, work in (("reader", self._read), ("mapper", self._map))
        ]
        with ThreadPoolExecutor(self._settings.senders, thread_name_prefix="sender") as self._senders:
            for thread in threads:
                thread.start()
            try:
                self._write()
            except BaseException as error:  # noqa: BLE001 - raised below
                self._fail(error)
            self._end_channels()
            for thread in threads:
                thread.join()
            self._senders.shutdown(wait=False, cancel_futures=True)
        for fault in self._faults:
            if not isinstance(fault, StopRequested):
                raise fault
        return self._stop.kind if self._faults or not self._complete() else None

    def _complete(self) -> bool:
        return all(self._journal.checkpoint(self._which, entity).complete for entity in self._entities)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again by `run`, on the caller's thread
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """The first fault counts; everybody else winds down."""
        self._faults.append(error)
        self._over.request(StopKind.STOP)
        self._end_channels()

    def _end_channels(self) -> None:
        self._leaves.end(drop=True)
        self._sheets.end()
        with self._settled:
            self._settled.notify_all()

    # The reader

    def _read(self) -> None:
        try:
            with contextlib.closing(self._patient_source()) as source:
                for entity in self._entities:
                    if not self._read_entity(source, entity):
                        return
        finally:
            self._leaves.end()

    def _read_entity(self, source: PatientSource, entity: Entity) -> bool:
        """Result: whether all of it was handed on."""
        after, complete = self._journal.checkpoint(self._which, entity)
        if complete:
            return True
        up_to = self._high_water[entity]
        for page in source.pages(entity, after, up_to):
            if self._over.requested or not self._leaves.put(_Leaf(entity, page, page.last_id)):
                return False
        return self._leaves.put(_Leaf(entity, None, up_to))

    def _patient_source(self) -> PatientSource:
        patience = SourcePatience(self._over, self.gauge, self._settings.backoff)
        return PatientSource(patience.call(self._open_source), patience)

    # The mapper

    def _map(self) -> None:
        entity: Entity | None = None
        while (leaf := self._leaves.get()) is not None and not self._over.requested:
            if leaf.entity is not entity:
                if not self._all_settled():
                    break
                entity = leaf.entity
                self._before(entity)
            if not self._hand_on(leaf):
                break
        self._leaves.end(drop=True)
        self._sheets.end()

    def _hand_on(self, leaf: _Leaf) -> bool:
        records = self._mapper.map(leaf.entity, leaf.page) if leaf.page is not None else []
        found = self._sorted(leaf.entity, records)
        batches: list[tuple[Sequence[Mapped], Future[list[Sent]]]] = []
        if self._sender is not None:
            size = self._settings.batch_size
            for start in range(0, len(found.to_send), size):
                batch = found.to_send[start : start + size]
                batches.append((batch, self._senders.submit(self._sender.send, leaf.entity, batch)))
        with self._settled:
            self._open_sheets += 1
        return self._sheets.put(_Sheet(leaf.entity, Checkpoint(leaf.last_id, leaf.page is None), found, batches))

    def _sorted(self, entity: Entity, records: Sequence[Mapped | Skipped]) -> Sorted:
        known = self._journal.known(entity, records[0].source_id, records[-1].source_id) if records else {}
        return sort_out(entity, records, known, dry=self._sender is None)

    def _all_settled(self) -> bool:
        """Result: whether everything handed on so far is in the journal; waits for that."""
        with self._settled:
            self._settled.wait_for(lambda: self._open_sheets == 0 or self._over.requested)
            return self._open_sheets == 0

    # The caller

    def _write(self) -> None:
        while (sheet := self._sheets.get()) is not None:
            decided, entries = sheet.sorted.decided, sheet.sorted.log
            for batch, answer in sheet.batches:
                more, refused = answered(sheet.entity, zip(batch, answer.result(), strict=True))
                decided += more
                entries += refused
            self._commit(sheet, decided, entries)
            self.gauge.done(len(decided))
            with self._settled:
                self._open_sheets -= 1
                self._settled.notify_all()

    def _commit(self, sheet: _Sheet, decided: list[Decided], entries: list[LogEntry]) -> None:
        persist(
            lambda: self._journal.commit(self._which, sheet.entity, decided, entries, checkpoint=sheet.checkpoint),
            self._stop,
            self.gauge,
            self._settings.full_disk_seconds,
        )


def persist(write: Callable[[], None], stop: StopSignal, gauge: Gauge, seconds: float = 1.0) -> None:
    """Runs a write of the journal, again and again while the disk is full. Raises StopRequested."""
    while True:
        try:
            write()
        except Retryable as full:
            if full.code is not ErrorCode.DISK_FULL:
                raise
            with gauge.waiting(WaitReason.DISK, full.detail):
                if stop.wait(seconds):
                    stop.raise_if_requested()
        else:
            return
