"""The customers' Azure of the local stack: two tenants, their people and storage accounts, and our registration.

Contoso owns the account that jobs copy to by default. Its people are one of each kind that a sign-in meets.
"""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field

from local.azurite import new_account_key
from local.entra.directory import Client, Directory, Person, Tenant
from local.storage_front.accounts import CONTRIBUTOR, Account, Role

ACCOUNT = "contosofiles"
"""The customer's account, in Contoso's tenant."""
OTHER_ACCOUNT = "fabrikamfiles"
"""An account in Fabrikam's tenant."""
SCOPED_CONTAINER = "scoped"
"""The only container on which `SCOPED` has a role."""
OWNER, ADMINISTRATOR, WITHOUT_ROLE, SCOPED, GUEST = "owner", "administrator", "without_role", "scoped", "guest"
STRANGER = "stranger"
_NAMES = {
    OWNER: ("Olivia Owner", "olivia@contoso.example"),
    ADMINISTRATOR: ("Adam Administrator", "adam@contoso.example"),
    WITHOUT_ROLE: ("Nora Norole", "nora@contoso.example"),
    SCOPED: ("Cora Container", "cora@contoso.example"),
    GUEST: ("Gus Guest", "gus@fabrikam.example"),
    STRANGER: ("Stan Stranger", "stan@fabrikam.example"),
}
_GUEST_AT_HOME = "guest_at_home"


@dataclass(frozen=True)
class CustomerCloud:
    """What is random about it. `object_ids` has one for each kind of person."""

    tenant_id: str
    other_tenant_id: str
    object_ids: dict[str, str]
    client_id: str
    client_secret: str = field(repr=False)
    account_key: str = field(repr=False)
    other_account_key: str = field(repr=False)

    def person(self, kind: str) -> Person:
        """Who that is (see the constants above), as their tenant knows them; the guest as Contoso does."""
        name, username = _NAMES[GUEST if kind == _GUEST_AT_HOME else kind]
        return Person(self.object_ids[kind], name, username, administrator=kind == ADMINISTRATOR, guest=kind == GUEST)

    def account_keys(self) -> dict[str, str]:
        """The accounts, for the storage emulator."""
        return {ACCOUNT: self.account_key, OTHER_ACCOUNT: self.other_account_key}

    def directory(self, redirect_uris: tuple[str, ...]) -> Directory:
        """What the identity server knows; the application may sign in to these addresses."""
        contoso = (OWNER, ADMINISTRATOR, WITHOUT_ROLE, SCOPED, GUEST)
        return Directory(
            (
                Tenant(self.tenant_id, "Contoso", tuple(self.person(kind) for kind in contoso)),
                Tenant(
                    self.other_tenant_id, "Fabrikam", tuple(self.person(kind) for kind in (_GUEST_AT_HOME, STRANGER))
                ),
            ),
            (Client(self.client_id, "OneMigrate", self.client_secret, redirect_uris),),
        )

    def accounts(self) -> list[Account]:
        """The storage accounts, with everybody's roles."""
        roles = [
            Role(self.object_ids[OWNER], CONTRIBUTOR),
            Role(self.object_ids[GUEST], CONTRIBUTOR),
            Role(self.object_ids[SCOPED], CONTRIBUTOR, SCOPED_CONTAINER),
        ]
        other_roles = [Role(self.object_ids[_GUEST_AT_HOME], CONTRIBUTOR)]
        return [
            Account(ACCOUNT, self.tenant_id, roles),
            Account(OTHER_ACCOUNT, self.other_tenant_id, other_roles),
        ]


def new_customer_cloud() -> CustomerCloud:
    """A fresh one."""
    return CustomerCloud(
        tenant_id=str(uuid.uuid4()),
        other_tenant_id=str(uuid.uuid4()),
        object_ids={kind: str(uuid.uuid4()) for kind in (*_NAMES, _GUEST_AT_HOME)},
        client_id=str(uuid.uuid4()),
        client_secret=secrets.token_urlsafe(30),
        account_key=new_account_key(),
        other_account_key=new_account_key(),
    )
