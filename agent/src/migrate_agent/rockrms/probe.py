"""Test Connection: one look at RockRMS's SQL Server that says exactly which step failed, and what to do.

The steps are name, port, protocol, encryption, certificate, login, database, permissions, RockRMS. All of it takes at
most ten seconds, whatever the network does.
"""

from __future__ import annotations

from migrate_agent.rockrms.connection_string import RockConnection
from migrate_contract.rockrms import RockTestReport

PROBE_SECONDS = 10.0


def probe_rock(connection: RockConnection, *, seconds: float = PROBE_SECONDS) -> RockTestReport:
    """Result: what was found within `seconds`; `code`, `detail` and `fix` are set where something is wrong."""
    raise NotImplementedError
