"""What the API and the pages show of a customer's connection: sign-ins, drafts, containers, status."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, StringConstraints

from migrate_contract.errors import MigrateError
from migrate_contract.wire import Timestamp, WireModel

Typed = Annotated[str, StringConstraints(max_length=300)]


class SignInBody(WireModel):
    """`POST /api/projects/{project_id}/azure-sign-in`."""

    account: Typed
    """The storage account's name, or its address."""
    container: Typed = ""
    """Empty: chosen after the sign-in."""


class SignInView(WireModel):
    """A sign-in that has begun. Whoever has `browser` may finish it with the answer that Microsoft gives."""

    url: str
    browser: str
    tenant_id: str
    account: str
    expires_at: Timestamp


class SignInAnswerBody(WireModel):
    """`POST /api/azure-sign-in`: what Microsoft added to the callback's address."""

    browser: Typed
    answer: dict[Annotated[str, StringConstraints(max_length=100)], Annotated[str, StringConstraints(max_length=8000)]]


class DraftView(WireModel):
    """A sign-in that is not saved yet. It ends by itself."""

    draft_id: str
    project_id: str
    account: str
    container: str
    tenant_id: str
    person: str
    signed_in_at: Timestamp
    expires_at: Timestamp


class ContainersView(WireModel):
    """The containers that the person may list. `listed` false: the account does not let this person list them."""

    containers: list[str] = Field(default_factory=list)
    listed: bool = True


@dataclass(frozen=True, slots=True)
class Chosen:
    """A draft and the containers to choose from; `fault`: what kept them from being listed."""

    draft: DraftView
    containers: ContainersView
    fault: MigrateError | None = None


class DraftBody(WireModel):
    """`PUT /api/projects/{project_id}/azure-connection/customer`: which sign-in to save, and for which container."""

    draft_id: Annotated[str, StringConstraints(max_length=64)]
    container: Typed


class ConnectionStatusView(WireModel):
    """How the customer's connection of a project stands."""

    account: str
    container: str
    tenant_id: str
    signed_in_as: str
    signed_in_at: Timestamp
    redeemed_at: Timestamp
    """When the sign-in was last renewed."""
    expires_at: Timestamp
    """When it ends, if it is not renewed any more."""
    last_grant_ends_at: Timestamp | None = None
    """Access that was handed to an agent cannot be recalled: it ends then at the latest."""


class UpkeepView(WireModel):
    """What one upkeep of stored sign-ins did."""

    looked_at: int
    rewrapped: int
    """Whose key is wrapped by the current key now, and was by an older one."""
    destroyed: int
    """Drafts that nobody saved."""
