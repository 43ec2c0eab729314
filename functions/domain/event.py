"""Events: what happened in a project that people and other systems want to hear of. Pure.

Nouns: an event's *subject* is the id of what it is about; its *occurrence* tells one time from the next (an attempt,
a moment), so that the same event is written once however often it is found; to *announce* it is to hand it to the
outbox of mail and to the webhooks.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum, unique
from typing import Any

from functions.domain import rows
from functions.domain.ports import Row, Value
from migrate_contract.errors import CATALOGUE, ErrorCode

_END_OF_TIME = 10**13
"""Milliseconds; a row key counts down to it, so that the newest sorts first."""
_ID_CHARACTERS = 24


@unique
class EventKind(StrEnum):
    """What happened; set by the service that found it. The same words are in mail, webhooks and pages."""

    JOB_FAILED = "job-failed"
    """The move of a job to `failed`."""
    JOB_COMPLETED_WITH_FAILURES = "job-completed-with-failures"
    """The move of a job to `completed`, with files or records that failed."""
    FINANCIAL_MISMATCH = "financial-mismatch"
    """An import's report: the money in RockRMS and in Mission does not match."""
    JOB_UNDELIVERED = "job-undelivered"
    """The sweep: no agent has taken the job for ten minutes."""
    SCAN_STALLED = "scan-stalled"
    """The sweep: a scan has found nothing new for thirty minutes."""
    AGENT_OFFLINE = "agent-offline"
    """The sweep: an agent with work of this project has been silent for fifteen minutes."""
    SIGN_IN_FAILED = "sign-in-failed"
    """The sign-in of a connection, each time that it does not succeed."""
    SIGN_IN_FAILING = "sign-in-failing"
    """The third failed sign-in of a project within an hour."""
    CONNECTION_EXPIRING = "connection-expiring"
    """The token checker: so many days are left."""
    CONNECTION_EXPIRED = "connection-expired"
    """Whoever finds that the customer has to sign in again."""
    TEST = "test"
    """An operator who tries a webhook; it is in no project's list."""


WORDS: Mapping[EventKind, str] = {
    EventKind.JOB_FAILED: "Job failed",
    EventKind.JOB_COMPLETED_WITH_FAILURES: "Job completed with failures",
    EventKind.FINANCIAL_MISMATCH: "Money does not match",
    EventKind.JOB_UNDELIVERED: "Job not taken by its agent",
    EventKind.SCAN_STALLED: "Scan without progress",
    EventKind.AGENT_OFFLINE: "Agent offline",
    EventKind.SIGN_IN_FAILED: "Azure sign-in failed",
    EventKind.SIGN_IN_FAILING: "Azure sign-in failed three times in an hour",
    EventKind.CONNECTION_EXPIRING: "Azure connection ends soon",
    EventKind.CONNECTION_EXPIRED: "Azure connection has ended",
    EventKind.TEST: "Test of a webhook",
}
"""How people read a kind."""
CHOOSABLE = tuple(kind for kind in EventKind if kind is not EventKind.TEST)
"""Kinds that a webhook can be limited to."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `at` and `occurrence` must come out the same each time that the same event is found."""

    organization: str
    client_id: str
    project_id: str
    kind: EventKind
    subject: str
    occurrence: str
    at: datetime
    summary: str
    """One sentence for people, at most 2,000 characters; never a secret."""
    code: ErrorCode | None = None
    """Whose title and fix belong to it."""
    link: str = ""
    """Path on the dashboard."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """Words for a mail and for programs, never a secret."""

    @property
    def event_id(self) -> str:
        """Result: the same id for the same event."""
        named = json.dumps([self.organization, self.project_id, self.kind.value, self.subject, self.occurrence])
        return "evt_" + hashlib.sha256(named.encode()).hexdigest()[:_ID_CHARACTERS]

    @property
    def key(self) -> str:
        """Result: the row key: newer events sort first."""
        return event_key(self.at, self.event_id)


def event_key(at: datetime, event_id: str) -> str:
    """Result: the row key of an event of that moment."""
    return f"{_END_OF_TIME - int(at.timestamp() * 1000):013d}-{event_id}"


def key_before(at: datetime) -> str:
    """Result: events up to this moment have a row key of at least this."""
    return f"{_END_OF_TIME - int(at.timestamp() * 1000):013d}"


def event_columns(event: Event) -> dict[str, Value]:
    """Result: the whole row of an event that nobody was told of yet."""
    return {
        "organization": event.organization,
        "client_id": event.client_id,
        "project_id": event.project_id,
        "event_id": event.event_id,
        "kind": event.kind.value,
        "subject": event.subject,
        "occurrence": event.occurrence,
        "at": event.at,
        "summary": event.summary[:2000],
        "code": event.code.value if event.code else "",
        "link": event.link,
        **rows.long_text("facts", json.dumps(dict(event.facts), ensure_ascii=False)),
        "open": True,
    }


def event_of(row: Row) -> Event:
    """Result: the event that the row holds."""
    code = rows.text(row, "code")
    return Event(
        organization=rows.text(row, "organization"),
        client_id=rows.text(row, "client_id"),
        project_id=rows.text(row, "project_id"),
        kind=EventKind(rows.text(row, "kind")),
        subject=rows.text(row, "subject"),
        occurrence=rows.text(row, "occurrence"),
        at=rows.need_moment(row, "at"),
        summary=rows.text(row, "summary"),
        code=ErrorCode(code) if code else None,
        link=rows.text(row, "link"),
        facts=json.loads(rows.joined_text(row, "facts") or "{}"),
    )


def payload(event: Event, public_url: str) -> dict[str, Any]:
    """Result: what a webhook is sent, before it becomes JSON (docs/webhooks.md)."""
    entry = CATALOGUE[event.code] if event.code else None
    return {
        "id": event.event_id,
        "type": event.kind.value,
        "at": event.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "organization": event.organization,
        "client_id": event.client_id or None,
        "project_id": event.project_id or None,
        "subject": event.subject,
        "summary": event.summary,
        "code": event.code.value if event.code else None,
        "fix": entry.fix if entry else None,
        "link": public_url + event.link if event.link else None,
        "facts": dict(event.facts),
    }
