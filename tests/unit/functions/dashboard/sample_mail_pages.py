"""The pages about mail and links for customers in every shape that matters, by name."""

from __future__ import annotations

from collections.abc import Callable

from functions.dashboard.links_page import link_address_page, links_page
from functions.dashboard.mail_page import mail_page, unsubscribe_page
from functions.domain.customer_link import CustomerLinkView, LinkState
from functions.domain.mail import MailKind
from functions.domain.mail_views import Delivery, MailView, RecipientView, UnsubscribeView
from migrate_contract.errors import ErrorCode
from migrate_contract.problem import problem_for
from tests.unit.functions.dashboard import samples as s

UNSUBSCRIBE = "/mail/unsubscribe/grace.prj_p3v8c5n1r6tz.job-failed.0123456789abcdef01234567." + "0a" * 16


def _recipient(address: str, *muted: MailKind) -> RecipientView:
    return RecipientView(
        recipient_id="0123456789abcdef01234567",
        address=address,
        unsubscribed_from=[kind.value for kind in muted],
        added_at=s.ago(days=3),
        added_by="Dana Whitfield",
    )


def _sent(kind: MailKind, state: str, delivery: Delivery | None = None, **more: str | None) -> MailView:
    return MailView(
        mail_id="5f1d1d0e-1111-4222-8333-444455556666",
        kind=kind.value,
        address="it@grace.example",
        state=state,
        code=more.get("code"),
        detail=more.get("detail") or "",
        delivery=delivery.value if delivery else None,
        delivery_detail=more.get("delivery_detail") or "",
        created_at=s.ago(hours=5),
        sent_at=s.ago(hours=4) if state == "sent" else None,
        delivery_at=None,
    )


def _mail(*, empty: bool = False) -> str:
    mails = [
        _sent(MailKind.RECONNECT_LINK, "waiting", code=ErrorCode.MAIL_OVER_QUOTA.value),
        _sent(MailKind.CONNECTION_EXPIRING, "sent", Delivery.DELIVERED),
        _sent(MailKind.JOB_FAILED, "sent", Delivery.BOUNCED, delivery_detail="550 5.1.1 No such user"),
        _sent(MailKind.TEST, "failed", code=ErrorCode.MAIL_REFUSED.value, detail="InvalidSender"),
    ]
    recipients = [_recipient("it@grace.example"), _recipient("miriam.oduya@grace.example", MailKind.JOB_FAILED)]
    return mail_page(
        s.frame(f"/projects/{s.PROJECT}/mail"),
        s.NOW,
        s.project(),
        recipients=[] if empty else recipients,
        mails=[] if empty else mails,
    )


def _link(state: LinkState, number: int, **more: object) -> CustomerLinkView:
    values = {
        "link_id": f"{number:012d}",
        "state": state,
        "created_at": s.ago(days=number),
        "created_by": "Dana Whitfield" if number % 2 else "OneMigrate",
        "expires_at": s.ago(days=number - 30),
        "ended_at": None if state is LinkState.OPEN else s.ago(days=number - 1),
    }
    return CustomerLinkView.model_validate({**values, **more})


def _links(*, empty: bool = False, refused: bool = False) -> str:
    links = [_link(state, number) for number, state in enumerate(LinkState, start=1)]
    links[0] = _link(LinkState.OPEN, 1, last_sent_at=s.ago(hours=3))
    refusal = problem_for(ErrorCode.MAIL_NO_RECIPIENT, "Project Files has no recipients.", "5c1f0e2b9a7d")
    return links_page(
        s.frame(f"/projects/{s.PROJECT}/links"),
        s.NOW,
        s.project(),
        [] if empty else links,
        recipients=0 if empty else 2,
        refusal=refusal if refused else None,
    )


def _unsubscribe(kind: MailKind, *, done: bool) -> str:
    wish = UnsubscribeView(
        address="i…@grace.example",
        kind=kind.value,
        project_name="File server to Azure",
        organization_name="Northwind Migrations",
        unsubscribed=done,
    )
    return unsubscribe_page(s.frame(UNSUBSCRIBE, role=None), UNSUBSCRIBE, wish)


MAIL_PAGES: dict[str, Callable[[], str]] = {
    "mail": _mail,
    "mail-empty": lambda: _mail(empty=True),
    "links": _links,
    "links-empty": lambda: _links(empty=True, refused=True),
    "link-address": lambda: link_address_page(
        s.frame(f"/projects/{s.PROJECT}/links/000000000001"),
        s.project(),
        "https://api.theonemigrate.app/reconnect/grace.p3v8c5n1r6tz.l1i2n3k4i5d6." + "0a" * 20,
    ),
    "unsubscribe": lambda: _unsubscribe(MailKind.CONNECTION_EXPIRING, done=False),
    "unsubscribed": lambda: _unsubscribe(MailKind.JOB_FAILED, done=True),
}
