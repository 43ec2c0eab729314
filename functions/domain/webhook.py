"""Webhooks: how a request is signed, and when it is tried again.

Nouns: a *webhook* is an address that events are posted to; a *delivery* is one event on its way to one webhook; a *try*
is one request of it. Signatures follow the Standard Webhooks specification 1.0.0 (standardwebhooks.com), for which
there are libraries in most languages.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique

from functions.domain.event import Event, EventKind

SECRET_PREFIX = "whsec_"  # noqa: S105 - what every secret begins with
_MINUTE, _HOUR = 60, 3600
WAITS_SECONDS = (30, 2 * _MINUTE, 10 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 6 * _HOUR, 12 * _HOUR)
"""Between one try and the next: eight tries within 21 hours, then it is given up."""
MOST_TRIES = len(WAITS_SECONDS) + 1
_JITTER = 0.2


@unique
class DeliveryState(StrEnum):
    """Set by the deliveries service."""

    WAITING = "waiting"
    """Not tried yet, or to be tried again."""
    DELIVERED = "delivered"
    """The receiver answered with a 2xx status."""
    GIVEN_UP = "given-up"
    """Every try failed."""
    WITHDRAWN = "withdrawn"
    """The webhook was switched off before it arrived."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where events are posted to. `project_id` empty: those of all projects; `kinds` empty: those of all kinds."""

    organization: str
    webhook_id: str
    client_id: str
    project_id: str
    url: str
    kinds: frozenset[EventKind]
    enabled: bool
    created_at: datetime
    created_by: str
    secret_at: datetime

    def wants(self, event: Event) -> bool:
        """Result: whether the event is to be posted there."""
        return (
            self.enabled
            and self.organization == event.organization
            and self.project_id in ("", event.project_id)
            and (not self.kinds or event.kind in self.kinds)
        )


def secret_text(key: bytes) -> str:
    """Result: the secret as the receiver is given it."""
    return SECRET_PREFIX + base64.b64encode(key).decode()


def signed_headers(key: bytes, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Result: the headers by which a receiver knows that the body is ours, and of when."""
    timestamp = str(int(at.timestamp()))
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    signature = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{signature}",
    }


def wait_seconds(tries: int, fraction: float) -> float | None:
    """Result: how long to wait after so many tries that failed; None when it is given up.

    `fraction` (0 to 1) spreads the waits by a fifth to either side.
    """
    if tries >= MOST_TRIES:
        return None
    return WAITS_SECONDS[tries - 1] * (1 + _JITTER * (2 * fraction - 1))
