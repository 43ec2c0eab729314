"""What verification needs of Rock and of the import's journal, as Protocols; Mission's side is `mission.port`.

The real ones are the SQL Server connection, source and mapping read again, and the import's journal. None of them is
trusted for the side of another: the journal gives reasons and counts, never what Mission holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from migrate_agent.rockrms.records import RockFacts
from migrate_contract.rockrms import Entity, FundRow, ImportSettings, ReportMission, ReportSource, Tallied, Versions


class SqlReader(Protocol):
    """One read-only connection to Rock's database."""

    def rows(self, statement: str, parameters: Sequence[object] = ()) -> Iterator[Sequence[Any]]:
        """Result: the rows of one T-SQL statement, fetched by pages. Raises Retryable or Fatal, as the source does."""
        ...


class MappedAgain(Protocol):
    """What the mapping makes of some records, read from Rock again: what each field in Mission is compared with."""

    def bodies(self, entity: Entity, source_ids: Sequence[int]) -> Mapping[int, bytes]:
        """Result: the record that would be sent, per source id; ids that are gone or skipped by a rule are absent."""
        ...


@dataclass(frozen=True, slots=True)
class ImportedTally:
    """How the import itself counts one entity: in scope = imported + updated + unchanged + skipped + errored."""

    imported: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    errored: int = 0
    pending: int = 0
    flagged: int = 0

    @property
    def in_scope(self) -> int:
        """Result: every record that the import met."""
        return self.imported + self.updated + self.unchanged + self.skipped + self.errored + self.pending


class JournalSide(Protocol):
    """What the import wrote down about itself."""

    def tally(self, entity: Entity) -> ImportedTally:
        """Result: this attempt's counts."""
        ...

    def errored(self, entity: Entity) -> Iterable[tuple[int, str]]:
        """Result: (source id, code) of each record that Mission refused or that could not be sent."""
        ...

    def skipped(self, entity: Entity) -> Iterable[tuple[int, str]]:
        """Result: (source id, code) of each record that a rule leaves out."""
        ...

    def sha256(self) -> str:
        """Result: hash of the ordered ledger, 64 hexadecimal digits."""
        ...

    def forget(self, entity: Entity, source_ids: Sequence[int]) -> None:
        """Mission does not hold these as they were sent: the next run sends them again."""
        ...


class Resend(Protocol):
    """The pipeline, for records that changed in Rock while the import ran."""

    def resend(self, entity: Entity, source_ids: Sequence[int]) -> None:
        """Reads these records again, maps and sends them; those that are gone stay as they are in Mission."""
        ...


@dataclass(frozen=True, slots=True)
class Scope:
    """What an import fixed at its start; both sides are judged on it."""

    facts: RockFacts
    settings: ImportSettings
    high_water: Mapping[Entity, int]
    """The greatest source id that belongs to this import, per entity."""
    funds: Mapping[str, str] = field(default_factory=dict)
    """Account Guid (lower case) to the fund in Mission that its lines name, where it is not one that we made."""

    def new_fund(self, account_guid: str) -> str:
        """Result: the external id of a fund that the import makes of an account."""
        return self.facts.external_id("FinancialAccount", account_guid)


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """What a report says of its own making, beside what was counted."""

    attempt: int
    versions: Versions = field(default_factory=Versions)
    source: ReportSource = field(default_factory=ReportSource)
    mission: ReportMission = field(default_factory=ReportMission)
    filters: Sequence[str] = ()
    funds: Sequence[FundRow] = ()
    already_in_mission: Sequence[Tallied] = ()
