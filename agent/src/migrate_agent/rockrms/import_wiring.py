"""What a real import works on: the driver's connections to RockRMS, the mapping, and Mission over HTTP."""

from __future__ import annotations

from pathlib import Path

from migrate_agent.network import Network
from migrate_agent.rockrms.connection_string import RockConnection
from migrate_agent.rockrms.import_run import ImportPorts
from migrate_agent.rockrms.mapping import MAPPING_VERSION, Mapper
from migrate_agent.rockrms.mission.adapter import HttpMission, shown_url
from migrate_agent.rockrms.mission.patience import Patience
from migrate_agent.rockrms.mission.port import MissionClient
from migrate_agent.rockrms.pipeline import Maps
from migrate_agent.rockrms.reconcile.sides import RockRows
from migrate_agent.rockrms.records import RockFacts, RockSource
from migrate_agent.rockrms.source.connection import SqlConnection, driver_connect
from migrate_agent.rockrms.source.reader import RockReader
from migrate_contract.rockrms import ImportSettings, MissionAccess


def real_ports(
    connection: RockConnection, access: MissionAccess | None, network: Network, workbook: Path
) -> ImportPorts:
    """Result: the ports; nothing is opened yet. `access` None: a dry run without a Mission."""
    shown = connection.shown()
    connect = driver_connect(connection.odbc())

    def open_source(settings: ImportSettings, facts: RockFacts | None) -> RockSource:
        return RockReader(connect, settings, server=shown.server, database=shown.database, facts=facts)

    def make_mapper(facts: RockFacts, settings: ImportSettings, funds: dict[str, str]) -> Maps:
        return Mapper(facts, settings, funds=funds)

    def open_mission(patience: Patience) -> MissionClient:
        assert access is not None
        mission = HttpMission(access, network, patience)
        mission.require_contract()
        return mission

    return ImportPorts(
        open_source=open_source,
        make_mapper=make_mapper,
        mapping_version=MAPPING_VERSION,
        open_mission=open_mission if access is not None else None,
        mission_url=shown_url(access.url) if access is not None else "",
        open_sql=lambda: RockRows(SqlConnection(connect, where=f"{shown.server}, {shown.database}")),
        workbook=workbook,
    )
