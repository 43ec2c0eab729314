"""Reads a RockRMS database: what is there (`facts`), which rows are in scope (`scope`), and page by page (`reader`)."""

from migrate_agent.rockrms.source.connection import Connect, SqlConnection, driver_connect
from migrate_agent.rockrms.source.reader import RockReader

__all__ = ["Connect", "RockReader", "SqlConnection", "driver_connect"]
