"""A project's mail: who gets it, what was sent, and what became of it; and the page of who wants no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from functions.dashboard.badges import Badge
from functions.dashboard.fields import FormModel, must_be
from functions.dashboard.forms import EMPTY_FORM, Form
from functions.dashboard.frame import Frame
from functions.dashboard.mail_words import kind_words
from functions.dashboard.rendering import render
from functions.domain.mail import MailKind
from functions.domain.mail_views import (
    Delivery,
    MailAddress,
    MailView,
    RecipientBody,
    RecipientView,
    TestMailBody,
    UnsubscribeView,
)
from functions.domain.views import ProjectView
from migrate_contract.errors import CATALOGUE, ErrorCode

_ADDRESS_RULE = "Enter one mail address, such as it@contoso.example."
_BY_HAND = {MailKind.RECONNECT_LINK.value: "the link to reconnect", MailKind.TEST.value: "a test"}
_STATES = {
    "waiting": Badge("Waiting", "quiet", "clock"),
    "claimed": Badge("Being sent", "accent", "running"),
    "accepted": Badge("Being sent", "accent", "running"),
    "sent": Badge("Sent", "ok", "done"),
    "failed": Badge("Not sent", "bad", "failed"),
    "withdrawn": Badge("Withdrawn", "quiet", "cancelled"),
    "unsubscribed": Badge("Not wanted", "quiet", "cancelled"),
}
_DELIVERIES = {
    Delivery.DELIVERED.value: Badge("Delivered", "ok", "done"),
    Delivery.BOUNCED.value: Badge("Bounced", "bad", "failed"),
    Delivery.SUPPRESSED.value: Badge("Suppressed", "bad", "failed"),
    Delivery.QUARANTINED.value: Badge("Quarantined", "warn", "warning"),
    Delivery.FILTERED.value: Badge("Taken for spam", "warn", "warning"),
    Delivery.UNDELIVERED.value: Badge("Not delivered", "bad", "failed"),
}
_SAYS = {
    Delivery.BOUNCED.value: "The recipient's mail server refused it. Check the address.",
    Delivery.SUPPRESSED.value: "This address has bounced before, so the mail service does not try it again.",
    Delivery.QUARANTINED.value: "Ask the recipient to look into the quarantine of their mail system.",
    Delivery.FILTERED.value: "Ask the recipient to look into the spam folder, and to allow the sender.",
}


class RecipientForm(FormModel):
    """One address that gets the project's mail."""

    address: Annotated[str, must_be(MailAddress, _ADDRESS_RULE)] = ""

    def body(self) -> RecipientBody:
        """Result: the body of the API's call."""
        return RecipientBody(address=self.address)

    def test(self) -> TestMailBody:
        """Result: a test mail to this address."""
        return TestMailBody(address=self.address)


@dataclass(frozen=True, slots=True)
class SentMail:
    """One line of the list."""

    about: str
    address: str
    badge: Badge
    detail: str
    at: datetime


def mail_page(
    frame: Frame,
    now: datetime,
    project: ProjectView,
    *,
    recipients: Sequence[RecipientView],
    mails: Sequence[MailView],
    form: Form = EMPTY_FORM,
) -> str:
    """Result: the page."""
    return render(
        "mail.html",
        frame,
        now=now,
        project=project,
        recipients=[(each, [_about(kind) for kind in each.unsubscribed_from]) for each in recipients],
        mails=[_sent(mail) for mail in mails],
        form=form,
    )


def unsubscribe_page(frame: Frame, here: str, wish: UnsubscribeView) -> str:
    """Result: the page behind a mail's link to have no more of its kind; asks before it does anything."""
    return render("unsubscribe.html", frame, wish=wish, about=_about(wish.kind), here=here, again=f"{here}/again")


def _sent(mail: MailView) -> SentMail:
    badge = _DELIVERIES.get(mail.delivery or "") or _STATES.get(mail.state) or Badge(mail.state, "quiet", "info")
    says = _SAYS.get(mail.delivery or "") or _advice(mail.code)
    more = mail.delivery_detail or mail.detail
    detail = " ".join(filter(None, (says, f"It said: {more}" if more else ""))) if badge.tone != "ok" else ""
    about = _about(mail.kind)
    at = mail.delivery_at or mail.sent_at or mail.created_at
    return SentMail(about[:1].upper() + about[1:], mail.address, badge, detail, at)


def _advice(code: str | None) -> str:
    """Result: why it waits or failed, and what to do."""
    if code is None or code not in set(ErrorCode):
        return ""
    entry = CATALOGUE[ErrorCode(code)]
    return f"{entry.title}. {entry.fix}"


def _about(kind: str) -> str:
    if kind in _BY_HAND:
        return _BY_HAND[kind]
    return kind_words(MailKind(kind)) if kind in set(MailKind) else kind
