"""What a deleted project leaves behind of RockRMS and Mission: the integration key, checks and funds."""

from __future__ import annotations

from functions.domain.organization import OrganizationTables
from functions.domain.ports import Tables

TABLES = ("missionkeys", "rockrms")


def forget_rockrms(tables: Tables, organization: str, project_id: str) -> None:
    """Removes the project's rows: the key opens nothing any more."""
    theirs = OrganizationTables(tables, organization)
    for table in TABLES:
        for row in theirs.partition(table, project_id):
            theirs.delete(table, project_id, row.rk)
