"""Opens what a trace looks into: the project's RockRMS database and the job's journal on this agent."""

from __future__ import annotations

from migrate_agent.rockrms.connection_store import ConnectionStore
from migrate_agent.rockrms.mapping import Mapper
from migrate_agent.rockrms.mission.port import MissionClient
from migrate_agent.rockrms.records import RockFacts
from migrate_agent.rockrms.source.connection import driver_connect
from migrate_agent.rockrms.source.reader import RockReader
from migrate_agent.rockrms.trace import trace
from migrate_agent.store.journal import Journal
from migrate_contract.rockrms import ImportSettings, TraceArguments, TraceReport

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
            memory = self._journal.import_memory(arguments.project_id)
            return trace(arguments.entity, arguments.source_id, reader, mapper, memory, mission)
        finally:
            reader.close()
