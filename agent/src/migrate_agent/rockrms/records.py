"""What passes between source, mapping and sink of an import: pages of rows, mapped records, flags and facts.

Nouns: a *page* is a run of rows of one entity in the order of their ids, with the *parts* (phones, members ...) that
belong to them; a *record* is what is sent to Mission; a *note* flags a record that is sent all the same; a *skipped*
row is in scope and not sent, with the reason. `RockFacts` is what one look at the database tells: it is read once, at
the start of an attempt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum, unique
from typing import Any, NamedTuple, Protocol

from migrate_contract.errors import ErrorCode
from migrate_contract.rockrms import Entity, ImportSettings

ERRORED = frozenset({ErrorCode.GIFT_UNDATED, ErrorCode.FUND_MISSING})
"""Codes of a Skipped whose row should be in Mission and cannot be mapped until somebody corrects it."""

Row = Sequence[Any]
"""One row as the driver gives it: the columns in the order of the statement."""


class Note(NamedTuple):
    """Flags a record that is sent all the same (a row of kind `flagged` in the import's log)."""

    code: ErrorCode
    detail: str


class Mapped(NamedTuple):
    """One record, ready to be sent."""

    source_id: int
    external_id: str
    body: bytes
    """Compact JSON, keys in a fixed order: equal records have equal bytes."""
    digest: bytes
    """16 bytes of BLAKE2b over `body`: what the journal compares."""
    notes: tuple[Note, ...] = ()


class Skipped(NamedTuple):
    """One row in scope that is not sent, and why. One of `ERRORED` should be in Mission: it counts as errored."""

    source_id: int
    external_id: str
    code: ErrorCode
    detail: str


class Page(NamedTuple):
    """Rows of one entity, in the order of their ids."""

    rows: Sequence[Row]
    last_id: int
    """The greatest id on the page: the next one begins after it. A page without rows is the end."""
    parts: Mapping[str, Mapping[int, Sequence[Row]]] = {}
    """1:n parts by name, then by the id of the row that they belong to."""


@unique
class AttendanceLayout(StrEnum):
    """Where group, place and date of an attendance are; found by looking at the columns."""

    OLD = "old"
    """Before v8: on Attendance."""
    MIXED = "mixed"
    """v8 while its upgrade job runs: on both; rows at placeholder occurrence 1 use the old columns."""
    CURRENT = "current"
    """On AttendanceOccurrence."""


class CampusRow(NamedTuple):
    """One campus."""

    id: int
    guid: str
    name: str
    is_active: bool | None


class LookupRow(NamedTuple):
    """One DefinedValue of the types that an import reads."""

    id: int
    type_guid: str
    guid: str
    value: str


class AccountRow(NamedTuple):
    """One FinancialAccount (a fund in Mission)."""

    id: int
    guid: str
    name: str
    public_name: str | None
    parent_id: int | None
    campus_id: int | None
    is_active: bool


@dataclass(frozen=True, slots=True)
class RockFacts:
    """What one look at the database tells; all guids in lower case."""

    install: str
    """The install guid of the external ids."""
    sql_version: str
    rock_version: str | None
    server: str
    database: str
    columns: frozenset[tuple[str, str]]
    """(table, column) of what is there, of the tables that an import reads."""
    attendance: AttendanceLayout
    campuses: Mapping[int, CampusRow]
    lookups: Mapping[int, LookupRow]
    accounts: Mapping[int, AccountRow]
    group_types: Mapping[int, str] = field(default_factory=dict)
    """GroupType.Id -> its guid."""
    family_roles: Mapping[int, str] = field(default_factory=dict)
    """GroupTypeRole.Id -> adult or child; every other role in a family is neither."""
    anonymous: frozenset[int] = frozenset()
    """Person.Id of Rock's stand-ins for anonymous givers and visitors."""
    anonymous_family: int | None = None
    """Group.Id of their family."""
    prayer_entity_type: int | None = None
    """EntityType.Id of prayer requests: their categories name it."""
    has_placeholder: bool = False
    """Whether occurrence 1 is the one of 1900-01-01 at which v8 left rows that it had not moved yet."""
    snapshot: bool = False
    """Whether the database allows SNAPSHOT, so that an import reads under it."""

    def has(self, table: str, column: str) -> bool:
        """Result: whether this database has the column."""
        return (table, column) in self.columns

    def lookup_ids(self, type_guid: str, *guids: str) -> frozenset[int]:
        """Result: DefinedValue.Id of these values (of all, if none is named) of a type."""
        return frozenset(
            each.id
            for each in self.lookups.values()
            if each.type_guid == type_guid and (not guids or each.guid in guids)
        )

    def external_id(self, table: str, source_id: object) -> str:
        """Result: `rock:<install>:<table>:<id>`."""
        return f"rock:{self.install}:{table}:{source_id}"


class RockSource(Protocol):
    """Reads one RockRMS database, never writes; the real one is rockrms/source/.

    Every method raises Retryable when the connection is lost (the next call opens a fresh one) and Fatal when the
    server refuses for good. Not for several threads at once: each thread that reads opens a source of its own.
    """

    def facts(self) -> RockFacts:
        """Result: what one look tells; read once, then kept."""
        ...

    def high_water(self, entity: Entity) -> int:
        """Result: the greatest id of the entity's table now, 0 when it is empty."""
        ...

    def modified_mark(self, entity: Entity) -> datetime | None:
        """Result: the latest ModifiedDateTime among what the entity's records are made of; None: nothing has one."""
        ...

    def pages(self, entity: Entity, after_id: int, up_to: int) -> Iterator[Page]:
        """Result: the rows in scope with after_id < id <= up_to, in the order of their ids."""
        ...

    def reread(self, entity: Entity, ids: Sequence[int]) -> Page:
        """Result: those of these rows that are (still) in scope, at most 500 at a time."""
        ...

    def changed(self, entity: Entity, since: datetime | None, up_to: int) -> Iterator[Sequence[int]]:
        """Result: ids up to `up_to` whose row or parts say that they were modified after `since`.

        A change that leaves ModifiedDateTime as it was (SQL by hand) is found by a second pass over `pages` and the
        records' digests.
        """
        ...

    def ids(self, entity: Entity, after_id: int, up_to: int) -> Iterator[Sequence[int]]:
        """Result: the ids in scope, in order, some thousand at a time: what the journal knows beyond them is gone."""
        ...

    def count(self, entity: Entity, up_to: int) -> int:
        """Result: how many rows are in scope up to this id."""
        ...

    def close(self) -> None:
        """Ends the connection; nothing else is left behind."""
        ...


class RecordMapper(Protocol):
    """Turns pages into records; the real one is rockrms/mapping/ (`Mapper(facts, settings)`), and pure."""

    def __init__(self, facts: RockFacts, settings: ImportSettings) -> None: ...

    def map(self, entity: Entity, page: Page) -> list[Mapped | Skipped]:
        """Result: exactly one answer per row of the page, in its order."""
        ...
