"""What a deleted project leaves of its mail: people's addresses, which go with it."""

from __future__ import annotations

from functions.domain.mail_rows import MAILS, RECIPIENTS
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Tables


def forget_mail(tables: Tables, organization: str, project_id: str) -> None:
    """Removes the project's recipients and mails; pointers to them are removed by the outbox, which finds no letter."""
    owned = OrganizationTables(tables, organization)
    for table in (RECIPIENTS, MAILS):
        for row in owned.partition(table, project_id):
            owned.delete(table, project_id, row.rk)
