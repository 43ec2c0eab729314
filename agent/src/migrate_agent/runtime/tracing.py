"""Opens what a trace looks into: the project's RockRMS database and the job's journal on this agent."""

from __future__ import annotations

from migrate_agent.rockrms.connection_store import ConnectionStore
from migrate_agent.rockrms.mapping import Mapper
from migrate_agent.rockrms.mission.port import MissionClient
from migrate_agent.rockrms.records import RockFacts
from migrate_agent.rockrms.source.connection import driver_connect
from migrate_agent.rockrms.source.reader import RockReader
from migrate_agent.rockrms.trace import trace
from migrate_agent.store.import_journal import ImportJournal
from migrate_agent.store.journal import Journal
from migrate_contract.rockrms import Entity, ImportLogRow, ImportSettings, TraceArguments, TraceReport

_LOGIN_SECONDS = 10


class Tracer:
    """Called by the thread of checks."""

    def __init__(self, store: ConnectionStore, journal: Journal) -> None:
        self._store, self._journal = store, journal

    def __call__(self, arguments: TraceArguments, mission: MissionClient | None) -> TraceReport:
        """Result: the record on its way. Raises MigrateError where Rock cannot be asked."""
        connection = self._store.connection(arguments.project_id)
        settings = arguments.settings or ImportSettings(time_zone="UTC")
        funds = {choice.account_guid: choice.external_fund_id for choice in settings.funds if choice.external_fund_id}
        reader = RockReader(
            driver_connect(connection.odbc(), login_seconds=_LOGIN_SECONDS),
            settings,
            server=connection.shown().server,
            database=connection.database,
        )

        def mapper(facts: RockFacts) -> Mapper:
            return Mapper(facts, settings, funds=funds)

        try:
            return trace(
                arguments.entity, arguments.source_id, reader, mapper, self._remembered(arguments.job_id), mission
            )
        finally:
            reader.close()

    def _remembered(self, job_id: str | None) -> _Journalled | None:
        record = self._journal.job(job_id) if job_id is not None else None
        if record is None:
            return None
        return _Journalled(self._journal.open_import(record.job_id, record.attempt))


class _Journalled:
    def __init__(self, journal: ImportJournal) -> None:
        self._journal = journal

    def status_of(self, entity: Entity, source_id: int) -> tuple[str, str, str] | None:
        found = self._journal.find(entity, [source_id]).get(source_id)
        return None if found is None else (found.status.name.lower(), found.batch, found.request_id)

    def log_of(self, entity: Entity, source_id: int) -> list[ImportLogRow]:
        return self._journal.log_of(entity, source_id)
