"""The real sides of a verification, made of what the import has: connection, source and mapping, journal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from migrate_agent.rockrms.reconcile.ports import ImportedTally
from migrate_agent.rockrms.records import Mapped, RecordMapper, RockSource
from migrate_agent.rockrms.source.connection import SqlConnection
from migrate_agent.store.import_entries import RecordStatus
from migrate_agent.store.import_journal import ImportJournal
from migrate_contract.rockrms import Entity


class RockRows:
    """The SqlReader over a connection to the SQL Server, which it does not share with the import's reading."""

    def __init__(self, connection: SqlConnection) -> None:
        self._connection = connection

    def rows(self, statement: str, parameters: Sequence[object] = ()) -> Iterator[Sequence[Any]]:
        """Yields the rows of one statement: at most a page of them."""
        yield from self._connection.ask(statement, parameters, what="verification")


class ReadAgain:
    """The MappedAgain over the import's own source and mapping: each record as it would be sent now."""

    def __init__(self, source: RockSource, mapper: RecordMapper) -> None:
        self._source = source
        self._mapper = mapper

    def bodies(self, entity: Entity, source_ids: Sequence[int]) -> Mapping[int, bytes]:
        """Result: the body per source id (at most 500); without those that are gone or left out by a rule."""
        page = self._source.reread(entity, source_ids)
        return {each.source_id: each.body for each in self._mapper.map(entity, page) if isinstance(each, Mapped)}


class JournalReasons:
    """The JournalSide over the import's journal."""

    def __init__(self, journal: ImportJournal) -> None:
        self._journal = journal

    def tally(self, entity: Entity) -> ImportedTally:
        """Result: the run's counts of the entity."""
        counts = self._journal.counts().get(entity)
        if counts is None:
            return ImportedTally()
        told = counts.progress(entity)
        return ImportedTally(
            imported=told.imported,
            updated=told.updated,
            unchanged=told.unchanged,
            skipped=told.skipped,
            errored=told.errored,
            pending=told.pending,
            flagged=told.flagged,
        )

    def errored(self, entity: Entity) -> Iterable[tuple[int, str]]:
        """Result: (source id, code) of those that are errored now, not of those that a later try brought over."""
        return self._journal.reasons(entity, RecordStatus.ERRORED)

    def skipped(self, entity: Entity) -> Iterable[tuple[int, str]]:
        """Result: (source id, code) of those that a rule leaves out now."""
        return self._journal.reasons(entity, RecordStatus.SKIPPED)

    def sha256(self) -> str:
        """Result: hash of the ordered ledger."""
        return self._journal.ledger_sha256()

    def forget(self, entity: Entity, source_ids: Sequence[int]) -> None:
        """The next run does not take these for held."""
        self._journal.forget(entity, source_ids)
