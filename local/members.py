"""Members of the stack's organizations beyond the first Admin, made by the app's own service.

The first Admin comes from the app's settings. There is no API yet that adds a member, so the stack calls
the service that would be behind it, before anybody signs in.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from functions.adapters.access import StorageAccess
from functions.adapters.tables import AzureTables
from functions.domain.caller import Role
from functions.services.deployment import Deployment
from functions.services.members import Members
from local.azurite import StorageAccount
from local.identity import StackIdentity, StackOperator


def install_members(account: StorageAccount, ca_file: Path, identity: StackIdentity) -> None:
    """Make every operator but the first a member of their organization, with no limit to clients."""
    tables = AzureTables(StorageAccess(connection_string=account.connection_string, ca_file=str(ca_file)))
    first = identity.first_admin
    deployment = Deployment(
        organization=first.organization,
        organization_name=first.organization,
        first_admin_tenant_id=first.person.tenant_id,
        first_admin_object_id=first.person.object_id,
        secret_key=b"",
    )
    members = Members(tables, lambda: datetime.now(UTC), deployment)
    for operator in identity.operators[1:]:
        _install(members, operator)


def _install(members: Members, operator: StackOperator) -> None:
    person = operator.person
    members.install(operator.organization, person.tenant_id, person.object_id, Role(operator.role), person.name)
