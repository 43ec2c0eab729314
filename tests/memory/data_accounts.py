"""The DataAccounts port in memory: an account that counts what it is asked for."""

from __future__ import annotations

from datetime import timedelta

from functions.domain.ports import Clock, ContainerGrant
from migrate_contract.errors import MigrateError


class MemoryAccount:
    """A data account. `fault`, if set, is raised by every call."""

    def __init__(self, clock: Clock, account: str = "migrationdata") -> None:
        self._clock = clock
        self.account = account
        self.blob_endpoint = f"https://{account}.blob.example"
        self.containers: set[str] = set()
        self.granted = 0
        self.fault: MigrateError | None = None

    def ensure_container(self, container: str) -> None:
        if self.fault is not None:
            raise self.fault
        self.containers.add(container)

    def grant(self, container: str, seconds: float) -> ContainerGrant:
        if self.fault is not None:
            raise self.fault
        self.granted += 1
        expires_at = self._clock() + timedelta(seconds=seconds)
        return ContainerGrant(f"{self.blob_endpoint}/{container}", f"sig=secret{self.granted}", expires_at)

    def mirror_grant(self, container: str, seconds: float) -> ContainerGrant:
        granted = self.grant(container, seconds)
        return ContainerGrant(granted.container_url, f"sp=rdl&{granted.sas_token}", granted.expires_at)


class MemoryDataAccounts:
    """Opens the one account, unless there is none."""

    def __init__(self, account: MemoryAccount | None) -> None:
        self.account = account

    def deployment(self) -> MemoryAccount | None:
        return self.account
