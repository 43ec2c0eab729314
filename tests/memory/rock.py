"""A RockRMS database and a Mission in memory, behind the ports of the import: for tests of what is between them."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from migrate_agent.rockrms.mission.port import BatchAnswer, Copy, Envelope, Result, ResultStatus
from migrate_agent.rockrms.mission.sender import Sent
from migrate_agent.rockrms.records import AttendanceLayout, Mapped, Note, Page, RockFacts, Skipped
from migrate_contract.errors import ErrorCode, Retryable
from migrate_contract.rockrms import Entity, ImportSettings

INSTALL = "6f8a4c9e-0000-4000-8000-000000000001"


@dataclass
class MemoryRock:
    """Rows by entity and id: any JSON value. `fault` is called before each page and may raise."""

    rows: dict[Entity, dict[int, dict[str, object]]] = field(default_factory=lambda: {entity: {} for entity in Entity})
    page_size: int = 7
    fault: Callable[[Entity, int], None] = lambda _entity, _after: None
    edited: dict[Entity, dict[int, int]] = field(default_factory=lambda: {entity: {} for entity in Entity})
    """Id -> the tick of its last edit."""
    tick: int = 0
    opened: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fill(self, entity: Entity, count: int, first: int = 1) -> None:
        for number in range(first, first + count):
            self.rows[entity][number] = {"name": f"{entity.value} {number}"}

    def edit(self, entity: Entity, number: int, **more: object) -> None:
        self.tick += 1
        self.rows[entity].setdefault(number, {}).update(more)
        self.edited[entity][number] = self.tick

    def open(self, settings: ImportSettings | None = None) -> MemorySource:
        with self.lock:
            self.opened += 1
        return MemorySource(self, settings)

    def facts(self) -> RockFacts:
        return RockFacts(
            INSTALL, "SQL Server 16", "17.1", "sql", "Rock", frozenset(), AttendanceLayout.CURRENT, {}, {}, {}
        )


class MemorySource:
    """A RockSource on a MemoryRock. A row with `campus` is in scope of settings that name no other campus."""

    def __init__(self, rock: MemoryRock, settings: ImportSettings | None) -> None:
        self._rock, self._settings = rock, settings
        self.closed = False

    def _in_scope(self, row: Mapping[str, object]) -> bool:
        wanted = self._settings.campus_ids if self._settings else []
        return not wanted or row.get("campus") in (None, *wanted)

    def _ids(self, entity: Entity, after_id: int, up_to: int) -> list[int]:
        found = sorted(self._rock.rows[entity].items())
        return [number for number, row in found if after_id < number <= up_to and self._in_scope(row)]

    def facts(self) -> RockFacts:
        return self._rock.facts()

    def high_water(self, entity: Entity) -> int:
        return max(self._rock.rows[entity], default=0)

    def modified_mark(self, entity: Entity) -> datetime | None:
        newest = max(self._rock.edited[entity].values(), default=0)
        return datetime(2026, 1, 1, 0, 0, 0, newest) if newest else None  # noqa: DTZ001 - local time, as Rock's

    def pages(self, entity: Entity, after_id: int, up_to: int) -> Iterator[Page]:
        assert not self.closed
        while True:
            self._rock.fault(entity, after_id)
            ids = self._ids(entity, after_id, up_to)[: self._rock.page_size]
            if not ids:
                return
            after_id = ids[-1]
            yield self._page(entity, ids)

    def _page(self, entity: Entity, ids: Sequence[int]) -> Page:
        rows = [(number, json.dumps(self._rock.rows[entity][number])) for number in ids]
        return Page(rows, ids[-1] if ids else 0)

    def reread(self, entity: Entity, ids: Sequence[int]) -> Page:
        rows = self._rock.rows[entity]
        return self._page(entity, [number for number in sorted(ids) if number in rows and self._in_scope(rows[number])])

    def changed(self, entity: Entity, since: datetime | None, up_to: int) -> Iterator[Sequence[int]]:
        tick = since.microsecond if since else 0
        yield [number for number, at in sorted(self._rock.edited[entity].items()) if at > tick and number <= up_to]

    def ids(self, entity: Entity, after_id: int, up_to: int) -> Iterator[Sequence[int]]:
        found = self._ids(entity, after_id, up_to)
        for start in range(0, len(found), self._rock.page_size):
            yield found[start : start + self._rock.page_size]

    def count(self, entity: Entity, up_to: int) -> int:
        return len(self._ids(entity, 0, up_to))

    def close(self) -> None:
        self.closed = True


TABLES = {
    Entity.PEOPLE: "Person",
    Entity.FAMILIES: "Group",
    Entity.GROUPS: "Group",
    Entity.CONTRIBUTIONS: "FinancialTransactionDetail",
    Entity.ATTENDANCE: "Attendance",
    Entity.PRAYER_REQUESTS: "PrayerRequest",
}


def external_id(entity: Entity, number: int) -> str:
    return f"rock:{INSTALL}:{TABLES[entity]}:{number}"


class MemoryMapper:
    """A row is its own record; `skip` and `flag` in it say what they say."""

    def map(self, entity: Entity, page: Page) -> list[Mapped | Skipped]:
        made: list[Mapped | Skipped] = []
        for number, text in page.rows:
            row = json.loads(text)
            name = external_id(entity, number)
            if row.get("skip"):
                made.append(Skipped(number, name, ErrorCode.RECORD_TYPE_NOT_MOVED, "a nameless record"))
                continue
            body = json.dumps({"external_id": name, **row}, sort_keys=True).encode()
            notes = (Note(ErrorCode.PERSON_UNNAMED, "both names are blank"),) if row.get("flag") else ()
            made.append(Mapped(number, name, body, hashlib.blake2b(body, digest_size=16).digest(), notes))
        return made


@dataclass
class MemoryMission:
    """Takes records by external id, answers a repeated batch as before, refuses a record that says `refuse`."""

    held: dict[Entity, dict[str, bytes]] = field(default_factory=lambda: {entity: {} for entity in Entity})
    answers: dict[tuple[str, bytes], list[Sent]] = field(default_factory=dict)
    sent: Counter[str] = field(default_factory=Counter)
    """How often each record was written."""
    order: list[Entity] = field(default_factory=list)
    fault: Callable[[Entity, Sequence[Mapped]], None] = lambda _entity, _records: None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def sender(self, scope: str) -> MemorySender:
        return MemorySender(self, scope)


@dataclass
class MemoryClient:
    """The read-back of a MemoryMission: what the aftercare asks."""

    mission: MemoryMission
    voided: list[str] = field(default_factory=list)

    def external_ids(self, entity: Entity, install: str, after: str = "") -> Iterator[str]:
        assert install == INSTALL
        yield from sorted(name for name in self.mission.held[entity] if name > after)

    def lookup(self, entity: Entity, external_ids: Sequence[str]) -> list[Copy]:
        held = self.mission.held[entity]
        return [Copy(name, json.loads(held[name])) for name in external_ids if name in held]

    def void(self, envelope: Envelope, external_ids: Sequence[str], key: str) -> BatchAnswer:
        assert envelope.install == INSTALL
        assert key
        for name in external_ids:
            self.mission.held[Entity.CONTRIBUTIONS].pop(name, None)
            self.voided.append(name)
        return BatchAnswer([Result(name, ResultStatus.UPDATED) for name in external_ids], "req-v", "")


@dataclass
class MemorySender:
    mission: MemoryMission
    scope: str

    def send(self, entity: Entity, records: Sequence[Mapped]) -> list[Sent]:
        mission = self.mission
        mission.fault(entity, records)
        key = (self.scope, hashlib.sha256(b"\n".join(record.body for record in records)).digest())
        with mission.lock:
            mission.order.append(entity)
            if key not in mission.answers:
                mission.answers[key] = [self._take(entity, record, key[1].hex()) for record in records]
            return mission.answers[key]

    def _take(self, entity: Entity, record: Mapped, key: str) -> Sent:
        held = self.mission.held[entity]
        if b'"refuse": true' in record.body:
            refused = (ErrorCode.MISSION_RECORD_REFUSED, "it says so", "req-1", '{"error": "no"}')
            return Sent(record.source_id, record.external_id, ResultStatus.REFUSED, *refused, key)
        before = held.get(record.external_id)
        status = ResultStatus.CREATED if before is None else ResultStatus.UPDATED
        if before == record.body:
            status = ResultStatus.UNCHANGED
        else:
            held[record.external_id] = record.body
            self.mission.sent[f"{entity.value} {record.source_id}"] += 1
        return Sent(record.source_id, record.external_id, status, None, None, "req-1", None, key)


def lost(detail: str = "the connection was lost") -> Retryable:
    return Retryable(ErrorCode.SQL_CONNECTION_LOST, detail)
