"""Who exists: tenants with their people, and app registrations. Read from the server's configuration, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

MULTI_TENANT = frozenset({"common", "organizations"})
"""What an application names in place of a tenant when any organization may sign in."""


@dataclass(frozen=True)
class Person:
    """A user of one tenant. A guest is a user of the tenant that invited them, with an object id of its own there."""

    object_id: str
    name: str
    username: str
    administrator: bool = False
    guest: bool = False


@dataclass(frozen=True)
class Tenant:
    """A directory of people. `user_consent`: whether they may consent to an application themselves."""

    tenant_id: str
    name: str
    people: tuple[Person, ...]
    user_consent: bool = True

    def person(self, object_id: str) -> Person | None:
        """Its user of that object id."""
        return next((person for person in self.people if person.object_id == object_id), None)


@dataclass(frozen=True)
class Client:
    """An app registration of type web. A redirect URI must be one of `redirect_uris`, as it is spelled there."""

    client_id: str
    name: str
    secret: str = field(repr=False)
    redirect_uris: tuple[str, ...]


@dataclass(frozen=True)
class Directory:
    """Everybody and everything registered."""

    tenants: tuple[Tenant, ...]
    clients: tuple[Client, ...]

    def tenant(self, tenant_id: str) -> Tenant | None:
        """The tenant of that id."""
        return next((tenant for tenant in self.tenants if tenant.tenant_id == tenant_id.lower()), None)

    def client(self, client_id: str | None) -> Client | None:
        """The app registration of that id."""
        return next((client for client in self.clients if client.client_id == client_id), None)

    def people(self, tenant_id: str) -> list[tuple[Tenant, Person]]:
        """Who may appear on the page that asks for an account: everybody, as on a shared machine.

        Those of the tenant come first; for a multi-tenant sign-in guests are left out.
        """
        everybody = [(tenant, person) for tenant in self.tenants for person in tenant.people]
        if tenant_id in MULTI_TENANT:
            return [(tenant, person) for tenant, person in everybody if not person.guest]
        own = [(tenant, person) for tenant, person in everybody if tenant.tenant_id == tenant_id]
        names = {person.username for _, person in own}
        others = [
            (tenant, person)
            for tenant, person in everybody
            if tenant.tenant_id != tenant_id and not person.guest and person.username not in names
        ]
        return own + others

    def as_json(self) -> dict[str, Any]:
        """What `directory_from` reads."""
        return asdict(self)


def directory_from(document: Mapping[str, Any]) -> Directory:
    """The directory of a configuration."""
    tenants = tuple(
        Tenant(
            tenant["tenant_id"],
            tenant["name"],
            tuple(Person(**person) for person in tenant["people"]),
            tenant["user_consent"],
        )
        for tenant in document["tenants"]
    )
    clients = tuple(
        Client(client["client_id"], client["name"], client["secret"], tuple(client["redirect_uris"]))
        for client in document["clients"]
    )
    return Directory(tenants, clients)
