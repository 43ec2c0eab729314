"""The CustomerAccounts port in memory: accounts with a tenant, roles, a firewall."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from functions.domain.connection import StorageName
from functions.domain.ports import Clock, ContainerGrant
from migrate_contract.errors import ErrorCode, Fatal
from tests.memory.identity import OWNER, TENANT, MemoryIdentity

ACCOUNT = "contosofiles"


@dataclass
class Account:
    """What one account holds, and who may do what."""

    tenant_id: str = TENANT
    contributors: set[str] = field(default_factory=lambda: {OWNER.object_id})
    delegators: set[str] = field(default_factory=set)
    container_contributors: set[tuple[str, str]] = field(default_factory=set)
    """Person, container."""
    containers: set[str] = field(default_factory=set)
    blobs: list[str] = field(default_factory=list)
    """Every name that was ever written."""
    disabled: bool = False
    firewall: bool = False
    granted: int = 0


class MemoryCustomerAccounts:
    """Checks tokens against the identity of the same test."""

    def __init__(self, clock: Clock, identity: MemoryIdentity) -> None:
        self._clock = clock
        self._identity = identity
        self.accounts = {ACCOUNT: Account()}
        self.tokens: list[tuple[str, str]] = []
        """Host and token of every use: where tokens were sent."""

    def tenant_of(self, name: StorageName) -> str:
        return self.need(name).tenant_id

    def open(self, name: StorageName, token: Callable[[], str]) -> MemoryCustomerAccount:
        return MemoryCustomerAccount(self, name, token, self._clock)

    def need(self, name: StorageName) -> Account:
        account = self.accounts.get(name.account)
        if account is None:
            raise Fatal(ErrorCode.AZURE_ACCOUNT_NOT_FOUND, name.host)
        if account.disabled:
            raise Fatal(ErrorCode.AZURE_ACCOUNT_DISABLED, name.host)
        return account

    def person(self, name: StorageName, token: str) -> str:
        self.tokens.append((name.host, token))
        tenant_id, person = self._identity.access[token]
        account = self.need(name)
        if tenant_id != account.tenant_id:
            raise Fatal(ErrorCode.AZURE_WRONG_TENANT, name.host)
        if account.firewall:
            raise Fatal(ErrorCode.AZURE_FIREWALL, name.host)
        return person.object_id


class MemoryCustomerAccount:
    """One account, for the length of one use."""

    def __init__(
        self, accounts: MemoryCustomerAccounts, name: StorageName, token: Callable[[], str], clock: Clock
    ) -> None:
        self._accounts = accounts
        self._name = name
        self._ask = token
        self._token: str | None = None
        self._clock = clock
        self.account = name.account
        self.blob_endpoint = f"https://{name.host}"

    def containers(self) -> list[str]:
        account, person = self._entered()
        if person not in account.contributors:
            raise Fatal(ErrorCode.AZURE_ROLE_MISSING, "list")
        return sorted(account.containers)

    def ensure_container(self, container: str) -> None:
        account, person = self._entered()
        on_container = (person, container) in account.container_contributors and container in account.containers
        if person not in account.contributors and not on_container:
            raise Fatal(ErrorCode.AZURE_ROLE_MISSING, "container")
        account.containers.add(container)

    def grant(self, container: str, seconds: float) -> ContainerGrant:
        account, person = self._entered()
        if person not in account.contributors | account.delegators:
            raise Fatal(ErrorCode.AZURE_ROLE_SCOPE, "key")
        account.granted += 1
        expires_at = self._clock() + timedelta(seconds=seconds)
        return ContainerGrant(f"{self.blob_endpoint}/{container}", f"sig=customer{account.granted}", expires_at)

    def mirror_grant(self, container: str, seconds: float) -> ContainerGrant:
        return self.grant(container, seconds)

    def prove(self, container: str, probe: str) -> None:
        self.ensure_container(container)
        self.grant(container, 300)
        self._entered()[0].blobs.append(f"{container}/{probe}")

    def _entered(self) -> tuple[Account, str]:
        if self._token is None:
            self._token = self._ask()
        return self._accounts.need(self._name), self._accounts.person(self._name, self._token)
