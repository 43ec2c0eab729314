"""Members of the stack's organizations beyond the first Admin, written where the app looks them up.

The first Admin comes from the app's own settings. There is no API yet that adds a member, so the others
are rows that the stack writes before anybody signs in.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from azure.data.tables import TableServiceClient, UpdateMode

from local.azurite import StorageAccount
from local.identity import StackOperator

TABLE = "members"


def write_members(account: StorageAccount, ca_file: Path, operators: Iterable[StackOperator]) -> None:
    """Make each operator a member of their organization, with their role and no limit to clients."""
    with TableServiceClient.from_connection_string(
        account.connection_string, connection_verify=str(ca_file)
    ) as service:
        table = service.create_table_if_not_exists(TABLE)
        for operator in operators:
            table.upsert_entity(
                {
                    "PartitionKey": operator.person.tenant_id,
                    "RowKey": operator.person.object_id,
                    "organization": operator.organization,
                    "role": operator.role,
                    "name": operator.person.name,
                    "client_ids": "[]",
                },
                mode=UpdateMode.REPLACE,
            )
