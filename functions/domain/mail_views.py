"""What the API and the pages say about mail: recipients, mails and their delivery, unsubscribing."""

from __future__ import annotations

from enum import StrEnum, unique
from typing import Annotated

from pydantic import StringConstraints

from migrate_contract.wire import Timestamp, WireModel

MailAddress = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        min_length=3,
        max_length=254,
        pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$",
    ),
]
"""A mailbox as mail services take it: ASCII, with a domain of at least two parts."""


RecipientId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{24}$")]
"""The hash of a recipient's address."""


@unique
class Delivery(StrEnum):
    """What the recipient's mail server said; set from the mail service's delivery reports."""

    DELIVERED = "delivered"
    """It was taken by the recipient's server."""
    BOUNCED = "bounced"
    """The recipient's server refused it: no such mailbox, most of the time."""
    SUPPRESSED = "suppressed"
    """Not sent: this address has bounced before, and the mail service keeps a list of such."""
    QUARANTINED = "quarantined"
    FILTERED = "filtered-as-spam"
    UNDELIVERED = "undelivered"
    """Anything else that ended without a delivery."""


UNDELIVERED = frozenset(Delivery) - {Delivery.DELIVERED}
"""The recipient has not read it: somebody should know."""


class RecipientBody(WireModel):
    """`POST /api/projects/{project_id}/recipients`."""

    address: MailAddress


class RecipientView(WireModel):
    """Who gets a project's mail."""

    recipient_id: RecipientId
    address: str
    unsubscribed_from: list[str]
    """Kinds of mail that this recipient wants no more; only the recipient changes that."""
    added_at: Timestamp
    added_by: str


class RecipientsView(WireModel):
    """A project's recipients. Without any, its mail goes to the operators' addresses."""

    items: list[RecipientView]


class TestMailBody(WireModel):
    """`POST /api/projects/{project_id}/test-mail`: to this address, or to the project's recipients."""

    __test__ = False
    address: MailAddress | None = None


class MailView(WireModel):
    """One mail to one recipient."""

    mail_id: str
    """The operation id, by which the mail service knows it."""
    kind: str
    address: str
    state: str
    """waiting, claimed (being sent), accepted (by the mail service), sent, failed, withdrawn, unsubscribed."""
    code: str | None
    """Why it waits or failed; the words are in the catalogue."""
    detail: str
    delivery: str | None
    """What the recipient's server said; null while nothing was reported."""
    delivery_detail: str
    created_at: Timestamp
    sent_at: Timestamp | None
    delivery_at: Timestamp | None


class MailsView(WireModel):
    """A project's mails, newest first, at most 100."""

    items: list[MailView]


class UnsubscribeView(WireModel):
    """What a link to unsubscribe is about."""

    address: str
    """Masked; empty where it is no recipient any more."""
    kind: str
    project_name: str
    organization_name: str
    unsubscribed: bool
