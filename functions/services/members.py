"""Members: which signed-in people may do what. The deployer is the first administrator; nobody else gets in unasked."""

from __future__ import annotations

import json
from collections.abc import Iterable

from functions.domain import rows
from functions.domain.caller import OperatorCaller, Principal, Role
from functions.domain.ports import Clock, Row, RowExists, Tables
from functions.domain.views import MeView
from functions.services.deployment import Deployment
from migrate_contract.errors import ErrorCode, Fatal

TABLE = "members"


class Members:
    """Looks people up by tenant id and object id. This service is the only writer of the table."""

    def __init__(self, tables: Tables, clock: Clock, deployment: Deployment) -> None:
        self._tables = tables
        self._clock = clock
        self._deployment = deployment

    def resolve(self, principal: Principal) -> OperatorCaller:
        """Result: the member. Raises Fatal(not-a-member), which says whom to ask."""
        row = self._tables.get(TABLE, principal.tenant_id, principal.object_id)
        if row is None and self._is_first_admin(principal):
            self._install_first_admin(principal)
            row = self._tables.get(TABLE, principal.tenant_id, principal.object_id)
        if row is None:
            raise Fatal(
                ErrorCode.NOT_A_MEMBER,
                f"{principal.name or 'This account'} (object id {principal.object_id}) is signed in but is no member "
                f"of {self._deployment.organization_name}. Ask an administrator of it.",
            )
        return _caller(row, principal)

    def install(
        self,
        organization: str,
        tenant_id: str,
        object_id: str,
        role: Role,
        name: str,
        client_ids: Iterable[str] = (),
    ) -> None:
        """Makes this person a member, or changes what they are."""
        self._tables.upsert(
            TABLE,
            tenant_id,
            object_id,
            {
                "organization": organization,
                "role": role.value,
                "name": name,
                "client_ids": json.dumps(sorted(client_ids)),
                "added_at": self._clock(),
            },
        )

    def me(self, caller: OperatorCaller) -> MeView:
        """Result: what the caller is."""
        ours = caller.organization == self._deployment.organization
        return MeView(
            name=caller.name,
            role=caller.role.value,
            organization_id=caller.organization,
            organization_name=self._deployment.organization_name if ours else caller.organization,
            client_ids=sorted(caller.client_ids),
        )

    def _is_first_admin(self, principal: Principal) -> bool:
        deployment = self._deployment
        return (principal.tenant_id, principal.object_id) == (
            deployment.first_admin_tenant_id,
            deployment.first_admin_object_id,
        )

    def _install_first_admin(self, principal: Principal) -> None:
        try:
            self._tables.insert(
                TABLE,
                principal.tenant_id,
                principal.object_id,
                {
                    "organization": self._deployment.organization,
                    "role": Role.ADMIN.value,
                    "name": principal.name,
                    "client_ids": "[]",
                    "added_at": self._clock(),
                },
            )
        except RowExists:
            return  # Two first requests at once: the other one has made the row.


def _caller(row: Row, principal: Principal) -> OperatorCaller:
    return OperatorCaller(
        organization=rows.text(row, "organization"),
        tenant_id=principal.tenant_id,
        object_id=principal.object_id,
        name=rows.text(row, "name") or principal.name,
        role=Role(rows.text(row, "role")),
        client_ids=frozenset(json.loads(rows.text(row, "client_ids") or "[]")),
    )
