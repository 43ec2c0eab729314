"""The bodies of the operator API about events and webhooks: what it takes and what it shows."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema

from functions.domain.event import CHOOSABLE, EventKind
from functions.domain.public_address import MAX_URL_CHARACTERS, need_https_url
from functions.domain.webhook import DeliveryState
from migrate_contract.errors import Fatal
from migrate_contract.wire import ProjectId, Timestamp, WireModel

_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,28}[A-Za-z0-9])?"
_PORT = "443|102[4-9]|10[3-9][0-9]|1[1-9][0-9][0-9]|[2-9][0-9]{3}|[1-5][0-9]{4}|6[0-4][0-9]{3}"
_URL_PATTERN = rf"^https://({_LABEL}\.){{1,6}}[A-Za-z]{_LABEL}(:({_PORT}))?(/[!$-Z_a-z~]{{0,1000}})?$"
"""What the API's description promises to take; somewhat more is taken."""


def _https_url(url: str) -> str:
    try:
        need_https_url(url)
    except Fatal as refused:
        raise ValueError(refused.detail) from refused
    return url


def _choosable(kind: EventKind) -> EventKind:
    if kind not in CHOOSABLE:
        raise ValueError("a test is sent by hand, it cannot be chosen")
    return kind


def _in_order(kinds: list[EventKind]) -> list[EventKind]:
    return [kind for kind in CHOOSABLE if kind in kinds]


WebhookUrl = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_URL_CHARACTERS),
    AfterValidator(_https_url),
    Field(json_schema_extra={"pattern": _URL_PATTERN}),
]
"""`https`, a public host name, no user, port 443 or 1024 and higher. Where the name leads is checked at each call."""
ChoosableKind = Annotated[
    EventKind,
    Field(strict=False),
    AfterValidator(_choosable),
    WithJsonSchema({"type": "string", "enum": [kind.value for kind in CHOOSABLE]}),
]
EventKinds = Annotated[list[ChoosableKind], Field(max_length=len(EventKind)), AfterValidator(_in_order)]
"""Kinds of events; none means all."""


class EventView(WireModel):
    """Something that happened in a project. `announced_at`: when it was handed to mail and webhooks."""

    event_id: str
    kind: EventKind
    title: str
    at: Timestamp
    project_id: str
    subject: str
    summary: str
    code: str | None
    fix: str | None
    link: str
    announced_at: Timestamp | None


class WebhookCreate(WireModel):
    """`POST /api/webhooks`: without a project it gets the events of all projects (administrators only)."""

    url: WebhookUrl
    project_id: ProjectId | None = None
    events: EventKinds = Field(default_factory=list)


class WebhookPatch(WireModel):
    """`PATCH /api/webhooks/{webhook_id}`: what is null stays as it is."""

    url: WebhookUrl | None = None
    events: EventKinds | None = None
    enabled: bool | None = None


class DeliveryView(WireModel):
    """One event on its way to one webhook. `code` and `detail` are of the last try that failed."""

    event_id: str
    kind: EventKind
    project_id: str | None
    state: DeliveryState
    tries: int
    created_at: Timestamp
    due_at: Timestamp | None
    last_at: Timestamp | None
    last_status: int | None
    last_seconds: float | None
    code: str | None
    detail: str
    fix: str | None


class WebhookView(WireModel):
    """A webhook. `events` empty: all kinds. Its secret is shown once, when it is made or renewed."""

    webhook_id: str
    url: str
    project_id: str | None
    project_name: str | None
    client_id: str | None
    events: list[EventKind]
    enabled: bool
    created_at: Timestamp
    created_by: str
    secret_at: Timestamp


class WebhookSecretView(WebhookView):
    """A webhook with its secret: the only answer that ever holds it."""

    secret: str
