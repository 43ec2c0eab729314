"""What verification needs from the three sides, as Protocols: Rock's rows, Mission's answers, the import's journal.

The real ones are the SQL Server connection, the Mission adapter and the import's journal; none of them is trusted for
the side of another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Protocol

from migrate_contract.rockrms import Entity


class SqlReader(Protocol):
    """One read-only connection to Rock's database."""

    def rows(self, statement: str, parameters: Sequence[object] = ()) -> Iterator[Sequence[Any]]:
        """Result: the rows of one T-SQL statement, fetched by pages. Raises Retryable or Fatal, as the source does."""
        ...


class MappedAgain(Protocol):
    """What the mapping gives for some records, read from Rock again: the side that a field is compared with."""

    def bodies(self, entity: Entity, source_ids: Sequence[int]) -> Mapping[int, bytes]:
        """Result: the record that would be sent, per source id; ids that are gone or skipped by a rule are absent."""
        ...


@dataclass(frozen=True, slots=True)
class TargetCell:
    """One line of Mission's totals: what it holds of this Rock install under one key."""

    key: tuple[str, ...]
    """(fund external id, ISO date, class), (batch external id,), (payment method,), (giving unit, year), (date,)."""
    count: int
    amount: Decimal


class TargetSide(Protocol):
    """Mission's own answers about the records of one Rock install. Nothing here is kept from what was sent."""

    def totals(self, dimension: str) -> Iterable[TargetCell]:
        """Result: sums of one dimension: fund_date_class, batch, payment_method, giving_unit_year, attendance_date."""
        ...

    def external_ids(self, entity: Entity) -> Iterator[str]:
        """Result: every external id that Mission holds of this install, by page; one that it holds twice comes twice."""
        ...

    def lookup(self, entity: Entity, external_ids: Sequence[str]) -> Iterable[Mapping[str, Any]]:
        """Result: all copies of these records (at most 500 ids a call), as Mission holds them."""
        ...


@dataclass(frozen=True, slots=True)
class ImportedTally:
    """How the import itself counts one entity: in scope = imported + updated + unchanged + skipped + errored."""

    imported: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    errored: int = 0

    @property
    def in_scope(self) -> int:
        """Result: every record that the import met."""
        return self.imported + self.updated + self.unchanged + self.skipped + self.errored


class JournalSide(Protocol):
    """What the import wrote down about itself: reasons and counts, never the target's side of a row."""

    def tally(self, entity: Entity) -> ImportedTally:
        """Result: this attempt's counts."""
        ...

    def errored(self, entity: Entity) -> Iterator[tuple[int, str]]:
        """Result: (source id, code) of each record that Mission refused or that could not be sent."""
        ...

    def skipped(self, entity: Entity) -> Iterator[tuple[int, str]]:
        """Result: (source id, code) of each record that a rule leaves out."""
        ...

    def sha256(self) -> str:
        """Result: hash of the ordered ledger, 64 hexadecimal digits."""
        ...


@dataclass(frozen=True, slots=True)
class Scope:
    """The import's own filter and high-water marks, fixed at its start; both sides are judged on it."""

    install: str
    """Guid of the Rock install in lower case, the second part of each external id."""
    high_water: Mapping[Entity, int]
    """Greatest source id that belongs to this import, per entity."""
    campus_ids: frozenset[int] = frozenset()
    include_without_campus: bool = True
    date_range_start: date | None = None
    transaction_types: frozenset[str] = frozenset()
    """Lower-case Guids counted beside Contribution."""
    statuses: Mapping[str, str] | None = None
    """Status text of a transaction to `gift` or `not_gift`, as decided."""
    currency: str = "USD"
    readback_records: int = 20_000
    sample_records: int = 2_000

    def external_id(self, table: str, source_id: int) -> str:
        """Result: `rock:<install>:<table>:<id>`."""
        return f"rock:{self.install}:{table}:{source_id}"
