"""The accounts behind the front: tenant, roles, firewall; and the faults that a test has asked for.

Roles are those of Azure: *contributor* is Storage Blob Data Contributor, *delegator* is Storage Blob Delegator,
*reader* is Storage Blob Data Reader. One on a container counts for that container only; a delegation key needs
contributor or delegator on the account.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from local.storage_front.operations import DELEGATION_KEY, WRITES, Operation

CONTRIBUTOR = "contributor"
DELEGATOR = "delegator"
READER = "reader"


@dataclass
class Role:
    """A role assignment. `refusals_left`: how many requests it does not act for yet, as a fresh one does not."""

    person: str
    role: str
    container: str | None = None
    refusals_left: int = 0


@dataclass
class Account:
    """One storage account of a customer."""

    name: str
    tenant_id: str
    roles: list[Role] = field(default_factory=list)
    disabled: bool = False
    firewall: bool = False

    def allows(self, person: str, operation: Operation) -> bool:
        """Whether that person's roles allow it; asking uses up a refusal of each role that does not act yet."""
        fitting = [role for role in self.roles if role.person == person and _covers(role, operation)]
        acting = [role for role in fitting if role.refusals_left == 0]
        for role in fitting:
            role.refusals_left = max(0, role.refusals_left - 1)
        return bool(acting)


def _covers(role: Role, operation: Operation) -> bool:
    """Whether a role includes an operation, by what it is and where it was given."""
    if role.container is not None and role.container != operation.container:
        return False
    if operation.name == DELEGATION_KEY:
        return role.role in {CONTRIBUTOR, DELEGATOR, READER} and role.container is None
    if role.role == CONTRIBUTOR:
        return True
    changes = operation.name in WRITES or operation.name in {"CreateContainer", "DeleteContainer"}
    return role.role == READER and not changes


@dataclass
class Fault:
    """An answer of the front's own, for requests of that account, operation and container (None: any)."""

    status: int
    code: str
    account: str | None = None
    operation: str | None = None
    container: str | None = None
    times: int | None = None

    def fits(self, operation: Operation) -> bool:
        """Whether it meets this request."""
        return (
            self.times != 0
            and self.account in {None, operation.account}
            and self.operation in {None, operation.name}
            and self.container in {None, operation.container}
        )


class Accounts:
    """All of them, and the faults. Accounts outlive a restart, faults do not."""

    def __init__(self, path: Path, configured: list[dict[str, Any]]) -> None:
        """Continue with what the file says; accounts that it does not know are as configured."""
        self._path = path
        self.faults: list[Fault] = []
        self._accounts = {entry["name"]: _account(entry) for entry in configured}
        if path.exists():
            kept = {entry["name"]: _account(entry) for entry in json.loads(path.read_text("utf-8"))}
            self._accounts |= {name: account for name, account in kept.items() if name in self._accounts}

    def get(self, name: str) -> Account | None:
        """The account of that name."""
        return self._accounts.get(name)

    def fault(self, operation: Operation) -> Fault | None:
        """The fault that this request meets, counted."""
        for fault in self.faults:
            if fault.fits(operation):
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None

    def save(self) -> None:
        """Keep the accounts."""
        fresh = self._path.with_name(self._path.name + ".new")
        fresh.write_text(json.dumps([asdict(account) for account in self._accounts.values()], indent=2), "utf-8")
        fresh.replace(self._path)


def _account(entry: dict[str, Any]) -> Account:
    roles = [Role(**role) for role in entry.get("roles", ())]
    return Account(entry["name"], entry["tenant_id"], roles, entry.get("disabled", False), entry.get("firewall", False))
