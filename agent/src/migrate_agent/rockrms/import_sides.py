"""The import as its verification sees it: the journal's counts and reasons, Rock read again, records sent again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from migrate_agent.rockrms.pipeline import Maps
from migrate_agent.rockrms.reconcile.ports import ImportedTally
from migrate_agent.rockrms.records import Mapped, RockSource
from migrate_agent.rockrms.source.connection import SqlConnection
from migrate_agent.store.import_entries import RecordStatus
from migrate_agent.store.import_journal import ImportJournal
from migrate_contract.rockrms import Entity

_PAGE = 500


class SqlRows:
    """A SqlReader on a connection of its own."""

    def __init__(self, connection: SqlConnection) -> None:
        self._connection = connection

    def rows(self, statement: str, parameters: Sequence[object] = ()) -> Iterator[Sequence[Any]]:
        """Result: the rows of one statement."""
        return iter(self._connection.ask(statement, parameters, what="the verification"))


class ReadAgain:
    """A MappedAgain: rows as they are now, through the import's own mapping."""

    def __init__(self, source: RockSource, mapper: Maps) -> None:
        self._source, self._mapper = source, mapper

    def bodies(self, entity: Entity, source_ids: Sequence[int]) -> Mapping[int, bytes]:
        """Result: the record that would be sent, by source id."""
        found: dict[int, bytes] = {}
        for start in range(0, len(source_ids), _PAGE):
            page = self._source.reread(entity, source_ids[start : start + _PAGE])
            if page.rows:
                mapped = self._mapper.map(entity, page)
                found |= {record.source_id: record.body for record in mapped if isinstance(record, Mapped)}
        return found


class JournalReasons:
    """A JournalSide."""

    def __init__(self, journal: ImportJournal) -> None:
        self._journal = journal

    def tally(self, entity: Entity) -> ImportedTally:
        """Result: this attempt's counts."""
        counts = self._journal.counts().get(entity)
        if counts is None:
            return ImportedTally()
        found = counts.progress(entity)
        return ImportedTally(
            found.imported,
            found.updated,
            found.unchanged,
            found.skipped,
            found.errored,
            pending=found.pending,
            flagged=found.flagged,
        )

    def errored(self, entity: Entity) -> Iterable[tuple[int, str]]:
        """Result: (source id, code) of each record that Mission refused."""
        return self._journal.reasons(entity, RecordStatus.ERRORED)

    def skipped(self, entity: Entity) -> Iterable[tuple[int, str]]:
        """Result: (source id, code) of each record that a rule leaves out."""
        return self._journal.reasons(entity, RecordStatus.SKIPPED)

    def sha256(self) -> str:
        """Result: hash of the ordered ledger."""
        return self._journal.ledger_sha256()


class SendAgain:
    """A Resend."""

    def __init__(self, send: Callable[[Entity, Sequence[int]], object]) -> None:
        self._send = send

    def resend(self, entity: Entity, source_ids: Sequence[int]) -> None:
        """Reads these records again, maps and sends them."""
        for start in range(0, len(source_ids), _PAGE):
            self._send(entity, source_ids[start : start + _PAGE])
