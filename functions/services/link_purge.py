"""What a deleted project leaves behind of links for its customer."""

from __future__ import annotations

from functions.domain.organization import OrganizationTables
from functions.domain.ports import Tables

TABLE = "customerlinks"


def forget_links(tables: Tables, organization: str, project_id: str) -> None:
    """Removes the project's links: they open nothing any more."""
    theirs = OrganizationTables(tables, organization)
    for row in theirs.partition(TABLE, project_id):
        theirs.delete(TABLE, project_id, row.rk)
