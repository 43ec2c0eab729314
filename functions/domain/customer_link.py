"""Customer links: what a link for a customer says, how it is signed, and what it grants.

Nouns: a *link* opens the page of one project to whoever has it: a customer's person, who is no member here. Its
*token* is `<organization>.<project>.<link>.<signature>`. The signature is an HMAC over the three, so nothing that is
kept anywhere can be turned into a link, and the same link can be sent once more without keeping it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique
from typing import NamedTuple

from functions.domain.ids import is_id
from functions.domain.keys import keyed_hash, same
from migrate_contract.wire import Timestamp, WireModel

_SIGNATURE = 40
"""Hexadecimal digits: 160 bits."""
_PROJECT_PREFIX = "prj_"
MAX_TOKEN_CHARACTERS = 120


@unique
class LinkState(StrEnum):
    """Computed from the row."""

    OPEN = "open"
    SAVED = "saved"
    """Its work is done: the connection was saved after it was made."""
    REVOKED = "revoked"
    EXPIRED = "expired"


class CustomerLinkView(WireModel):
    """A link and what became of it. The address itself is shown only where somebody is about to send it."""

    link_id: str
    state: LinkState
    created_at: Timestamp
    created_by: str
    expires_at: Timestamp
    ended_at: Timestamp | None = None
    account: str = ""
    """The storage account that it asks for; empty: that of the project's connection."""
    last_sent_at: Timestamp | None = None
    """When it last went out by mail; null: never."""


class LinkName(NamedTuple):
    """Which link: what stands before the signature."""

    organization: str
    project_id: str
    link_id: str


@dataclass(frozen=True, slots=True)
class LinkVisit:
    """Somebody who came with a link that is open: allowed to see and reconnect this one project, and nothing else."""

    organization: str
    project_id: str
    link_id: str
    expires_at: datetime
    account: str = ""
    """What an operator typed for a project that was not connected before; empty: the connection says it."""
    container: str = ""

    @property
    def label(self) -> str:
        """Result: how history and audit name this person, of whom only the link is known."""
        return f"customer link {self.link_id}"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the holder of a link may see."""

    link: LinkVisit
    account: str
    container: str
    connected: bool
    """Somebody has signed in for this account, and it still holds."""
    ended: bool
    """Somebody had, and it holds no longer."""


def link_token(key: bytes, name: LinkName) -> str:
    """Result: the token of the link: the same each time."""
    short = name.project_id.removeprefix(_PROJECT_PREFIX)
    return f"{name.organization}.{short}.{name.link_id}.{_signature(key, name)}"


def read_token(key: bytes, token: str) -> LinkName | None:
    """Result: the link that the token names; None where we never signed such a token."""
    parts = token.split(".") if len(token) <= MAX_TOKEN_CHARACTERS and token.isascii() else []
    if len(parts) != 4:
        return None
    name = LinkName(parts[0], _PROJECT_PREFIX + parts[1], parts[2])
    if not (is_id("organization", name.organization) and is_id("project", name.project_id)):
        return None
    return name if is_id("link", name.link_id) and same(_signature(key, name), parts[3]) else None


def _signature(key: bytes, name: LinkName) -> str:
    return keyed_hash(key, "|".join(name))[:_SIGNATURE]
