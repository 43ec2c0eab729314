"""What Rock did while the import ran, and what it no longer has: found after the last page, sent again, named.

Rock is written to all day. After the last page each entity is asked for rows modified since the start (read and sent
again), and its ids are compared with the journal's: an id that the journal lacks came late (a transaction that was
open at the start) and is sent; one that Rock lacks was deleted. *Gone* is a record that Mission holds, from this run
or an earlier one, and that Rock no longer has; what an operator decided about it is done here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum, unique
from typing import Any

from migrate_agent.rockrms.decisions import TABLES, answered, sort_out
from migrate_agent.rockrms.gauge import Gauge
from migrate_agent.rockrms.mission.port import Copy, Envelope, MissionClient, ResultStatus
from migrate_agent.rockrms.pipeline import Maps, Sends, persist
from migrate_agent.rockrms.records import RockSource
from migrate_agent.stop import StopSignal
from migrate_agent.store.import_entries import ACKNOWLEDGED, ImportPass, Known, RecordStatus
from migrate_agent.store.import_journal import ImportJournal
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.rockrms import Entity, GoneAnswer, GoneRecord

_ROUNDS = 3
"""Rows that are edited again while they are read again: after so many rounds the next run brings them."""
_PAGE = 500
_JOURNAL_PAGE = 10_000
_TICK = timedelta(seconds=2)
"""Rock's clock ticks coarsely: what was modified just before the mark is looked at again, and costs a read."""
_MOST_NAMED = 10_000
_DOCUMENT = "changed"
_MOST_GONE = 5_000


@unique
class Happened(StrEnum):
    """What Rock did to a row while the import ran."""

    EDITED = "edited during the import; read and sent again"
    UNFIT = "edited during the import; a rule now leaves it out, Mission keeps what it has"
    LATE = "entered during the import below the high-water mark; sent"
    DIFFERS = "changed during the import without a mark in Rock; read and sent again"
    AFTER = "entered during the import; the next run brings it"
    DELETED = "deleted in Rock during the import"


@dataclass(slots=True)
class Aftermath:
    """What was found, ready for the report. Kept in the journal while it grows, so that a crash forgets no name."""

    named: dict[str, Happened] = field(default_factory=dict)
    """By external id; at most 10,000."""
    unnamed: int = 0
    gone: list[GoneRecord] = field(default_factory=list)
    gone_count: int = 0
    voided: int = 0

    @property
    def changed_count(self) -> int:
        """Result: how many rows changed."""
        return len(self.named) + self.unnamed

    def examples(self, limit: int = 1000) -> list[str]:
        """Result: external id, a colon and what happened."""
        return [f"{name}: {happened.value}" for name, happened in list(self.named.items())[:limit]]

    def name(self, external_id: str, happened: Happened) -> None:
        """One more row that changed; the first word on it stays."""
        if external_id in self.named:
            return
        if len(self.named) < _MOST_NAMED:
            self.named[external_id] = happened
        else:
            self.unnamed += 1

    def to_json(self) -> str:
        """Result: the names, for the journal."""
        return json.dumps({"named": self.named, "unnamed": self.unnamed})

    @classmethod
    def from_json(cls, text: str | None) -> Aftermath:
        """Result: what an earlier process of this run found."""
        kept: dict[str, Any] = json.loads(text) if text else {"named": {}, "unnamed": 0}
        return cls({name: Happened(word) for name, word in kept["named"].items()}, kept["unnamed"])


class Aftercare:
    """Works on the caller's thread, after the pipeline is through. Everything in it may be done again after a crash."""

    def __init__(
        self,
        source: RockSource,
        unfiltered: RockSource,
        mapper: Maps,
        sender: Sends,
        client: MissionClient | None,
        envelope: Envelope,
        journal: ImportJournal,
        stop: StopSignal,
        *,
        high_water: Mapping[Entity, int],
        marks: Mapping[Entity, datetime | None],
        external_id: Callable[[Entity, int], str],
        decisions: Mapping[str, GoneAnswer],
        scope: str,
        held_before: Iterable[Entity] = (),
        gauge: Gauge | None = None,
    ) -> None:
        """`unfiltered` reads without the import's filters: a row outside them is not gone.

        `scope`: the job and its attempt, in the keys of requests. `held_before`: entities of which Mission had records
        when this run began that the journal knows nothing about.
        """
        self._source, self._unfiltered, self._mapper, self._sender = source, unfiltered, mapper, sender
        self._client, self._envelope, self._journal, self._stop = client, envelope, journal, stop
        self._high_water, self._marks = high_water, marks
        self._external_id, self._decisions = external_id, decisions
        self._held_before = frozenset(held_before)
        self._gauge = gauge or Gauge()
        self._scope = scope
        self._found = Aftermath.from_json(journal.kept(_DOCUMENT))

    def run(self, entities: Sequence[Entity]) -> Aftermath:
        """Result: what was found and done. Raises Retryable and Fatal as both sides do, StopRequested."""
        for entity in entities:
            self._edited(entity)
        for entity in entities:
            deleted = self._compared(entity)
            self._gone(entity, deleted)
            self._keep()
        return self._found

    def _keep(self) -> None:
        persist(lambda: self._journal.keep(_DOCUMENT, self._found.to_json()), self._stop, self._gauge)

    # Edited

    def _edited(self, entity: Entity) -> None:
        since = self._marks.get(entity)
        for _ in range(_ROUNDS):
            self._stop.raise_if_requested()
            mark = self._source.modified_mark(entity)
            sent = 0
            after = since - _TICK if since is not None else None
            for ids in self._source.changed(entity, after, self._high_water[entity]):
                for part in _parts(ids):
                    sent += self.again(entity, part, Happened.EDITED)
            if not sent:
                return
            since = mark

    def again(self, entity: Entity, ids: Sequence[int], happened: Happened) -> int:
        """Reads these rows again and sends what differs. Result: how many differed."""
        self._stop.raise_if_requested()
        page = self._source.reread(entity, ids)
        if not page.rows:
            return 0
        records = self._mapper.map(entity, page)
        before = self._journal.find(entity, [record.source_id for record in records])
        known = {
            number: Known(record.digest if record.status in ACKNOWLEDGED else None, record.held)
            for number, record in before.items()
        }
        found = sort_out(entity, records, known, dry=False)
        moved = [
            decided
            for decided in found.decided
            if decided.status is RecordStatus.SKIPPED
            and (decided.source_id not in before or before[decided.source_id].status is not RecordStatus.SKIPPED)
        ]
        entries = [entry for entry in found.log if entry.source_id in {record.source_id for record in found.to_send}]
        decided, refused = answered(entity, zip(found.to_send, self._sender.send(entity, found.to_send), strict=True))
        if not decided and not moved:
            return 0
        skips = [entry for entry in found.log if entry.source_id in {record.source_id for record in moved}]
        persist(
            lambda: self._journal.commit(ImportPass.IMPORT, entity, decided + moved, entries + skips + refused),
            self._stop,
            self._gauge,
        )
        for record in decided:
            was = before.get(record.source_id)
            if was is None or was.digest != record.digest:
                self._found.name(self._external_id(entity, record.source_id), happened)
        for record in moved:
            self._found.name(self._external_id(entity, record.source_id), Happened.UNFIT)
        self._keep()
        return sum(1 for record in decided if record.status in ACKNOWLEDGED) + len(moved)

    # Late and deleted

    def _compared(self, entity: Entity) -> list[int]:
        """Result: ids that this run has decided and that Rock no longer has in scope."""
        missing: list[int] = []
        late: list[int] = []
        mark = self._high_water[entity]
        ours = self._journal_ids(entity)
        expected = next(ours, None)
        for ids in self._source.ids(entity, 0, mark):
            self._stop.raise_if_requested()
            for number in ids:
                while expected is not None and expected < number:
                    missing.append(expected)
                    expected = next(ours, None)
                if expected == number:
                    expected = next(ours, None)
                else:
                    late.append(number)
        if expected is not None:
            missing += [expected, *ours]
        for part in _parts(late):
            self.again(entity, part, Happened.LATE)
        for ids in self._source.ids(entity, mark, self._source.high_water(entity)):
            for number in ids:
                self._found.name(self._external_id(entity, number), Happened.AFTER)
        return missing

    def _journal_ids(self, entity: Entity) -> Iterator[int]:
        after = 0
        while page := self._journal.seen(entity, after, _JOURNAL_PAGE):
            yield from page
            after = page[-1]

    # Gone

    def _gone(self, entity: Entity, missing: Sequence[int]) -> None:
        held = self._journal.find(entity, missing)
        deleted = [number for number in missing if number in held]
        gone = set(self._absent(entity, deleted))
        for number in sorted(gone):
            self._found.name(self._external_id(entity, number), Happened.DELETED)
        candidates = [number for number in gone if held[number].held]
        for earlier in (self._unseen(entity), self._strangers(entity)):
            for part in _parts(earlier):
                candidates += self._absent(entity, part)
        for part in _parts(sorted(set(candidates))):
            self._settle(entity, part)

    def _absent(self, entity: Entity, ids: Sequence[int]) -> list[int]:
        """Result: those that Rock does not have at all, whatever the filters."""
        absent: list[int] = []
        for part in _parts(ids):
            self._stop.raise_if_requested()
            there = {record.source_id for record in self._mapper.map(entity, self._unfiltered.reread(entity, part))}
            absent += [number for number in part if number not in there]
        return absent

    def _unseen(self, entity: Entity) -> list[int]:
        """Result: what earlier runs brought to Mission and this one has not met."""
        found: list[int] = []
        while page := self._journal.unseen(entity, found[-1] if found else 0, _JOURNAL_PAGE):
            found += page
        return found

    def _strangers(self, entity: Entity) -> list[int]:
        """Result: what Mission holds of this install and the journal has never heard of (another agent sent it)."""
        if entity not in self._held_before or self._client is None:
            return []
        prefix = self._external_id(entity, 0)[:-1]
        found: list[int] = []
        page: list[int] = []
        for name in self._client.external_ids(entity, self._envelope.install):
            number = name.removeprefix(prefix)
            if name.startswith(prefix) and number.isdecimal():
                page.append(int(number))
            if len(page) >= _PAGE:
                found += self._unknown(entity, page)
                page = []
        return found + self._unknown(entity, page)

    def _unknown(self, entity: Entity, ids: Sequence[int]) -> list[int]:
        known = self._journal.find(entity, ids)
        return [number for number in ids if number not in known]

    def _settle(self, entity: Entity, ids: Sequence[int]) -> None:
        """Names what is gone and does what was decided about it."""
        self._stop.raise_if_requested()
        names = {self._external_id(entity, number): number for number in ids}
        copies = self._copies(entity, list(names))
        if copies is not None and (lost := [names[name] for name in names if name not in copies]):
            # Taken out of Mission already, by whomever: there is nothing left to decide.
            persist(lambda: self._journal.forget(entity, lost), self._stop, self._gauge)
            names = {name: number for name, number in names.items() if name in copies}
        self._void(entity, names)
        for name in names:
            self._found.gone_count += 1
            if len(self._found.gone) < _MOST_GONE:
                label, amount = _shown(entity, copies.get(name) if copies else None)
                decision = self._decisions.get(name)
                self._found.gone.append(
                    GoneRecord(external_id=name, entity=entity, label=label, amount=amount, decision=decision)
                )

    def _copies(self, entity: Entity, names: Sequence[str]) -> dict[str, Copy] | None:
        """Result: Mission's copies by external id; None where it cannot be asked."""
        if self._client is None:
            return None
        try:
            return {str(copy.record.get("external_id")): copy for copy in self._client.lookup(entity, names)}
        except Fatal as refused:
            if refused.code is not ErrorCode.MISSION_READBACK_MISSING:
                raise
            return None

    def _void(self, entity: Entity, names: Mapping[str, int]) -> None:
        wanted = [name for name in names if self._decisions.get(name) is GoneAnswer.VOID]
        if entity is not Entity.CONTRIBUTIONS or not wanted or self._client is None:
            return
        key = hashlib.sha256("\n".join((self._scope, "void", *wanted)).encode()).hexdigest()
        answer = self._client.void(self._envelope, wanted, key)
        done = [result.external_id for result in answer.results if result.status is not ResultStatus.REFUSED]
        persist(lambda: self._journal.forget(entity, [names[name] for name in done]), self._stop, self._gauge)
        self._found.voided += len(done)


def _parts(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), _PAGE):
        yield ids[start : start + _PAGE]


def _shown(entity: Entity, copy: Copy | None) -> tuple[str, str | None]:
    """Result: what to say of a record that is gone, and its amount; from Mission's copy."""
    if copy is None or entity is not Entity.CONTRIBUTIONS:
        return TABLES[entity], None
    record = copy.record
    words = f"gift of {record.get('gift_date')}, fund {record.get('fund_external_id')}"
    return words, str(record.get("amount"))
