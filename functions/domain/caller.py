"""Who is calling: an operator (a member of an organization) or an agent. Made by authentication, read by services."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique

from functions.domain.ports import Row
from migrate_contract.errors import ErrorCode, Fatal


@unique
class Role(StrEnum):
    """Set by an administrator for each member; each role includes the ones below it."""

    ADMIN = "Admin"
    """Members, deleting clients, audit, and all below."""
    OPERATOR = "Operator"
    """Clients, codes, agents, projects, jobs, and all below."""
    READER = "Reader"
    """Looks, changes nothing."""


_RANK = {Role.READER: 0, Role.OPERATOR: 1, Role.ADMIN: 2}


@dataclass(frozen=True, slots=True)
class Principal:
    """A person whom the platform has signed in: not yet a member."""

    tenant_id: str
    object_id: str
    name: str


@dataclass(frozen=True, slots=True)
class OperatorCaller:
    """A member. `client_ids` empty means all clients of the organization."""

    organization: str
    tenant_id: str
    object_id: str
    name: str
    role: Role
    client_ids: frozenset[str] = frozenset()

    @property
    def label(self) -> str:
        """Result: how history and audit name this person."""
        return self.name or self.object_id

    def may_see(self, client_id: str) -> bool:
        """Result: whether this member is allowed to know of the client."""
        return not self.client_ids or client_id in self.client_ids

    def see(self, client_id: str) -> None:
        """Raises Fatal(not-found) for a client that this member is not allowed to know of."""
        if not self.may_see(client_id):
            raise Fatal(ErrorCode.NOT_FOUND, "No such client, or not yours")

    def need(self, role: Role) -> None:
        """Raises Fatal(role-insufficient), naming the role that is needed."""
        if _RANK[self.role] < _RANK[role]:
            raise Fatal(ErrorCode.ROLE_INSUFFICIENT, f"This needs the role {role.value}; yours is {self.role.value}.")


@dataclass(frozen=True, slots=True)
class AgentCaller:
    """An agent whose key was checked. Holds the rows of its partition as read by that one query."""

    organization: str
    agent_id: str
    client_id: str
    name: str
    agent: Row
    beat: Row
    mailbox: tuple[Row, ...]
    """Its open commands and assignments."""
    session_epoch: int
    """From the session header; 0 on calls that need none."""
    old_key: bool = False
    """True where the call came with a key that was rotated out and is in its overlap."""
