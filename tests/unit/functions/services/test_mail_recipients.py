"""Who gets a project's mail, who wants no more of it, and what recipients' servers said."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from functions.domain.mail import ASKED_FOR, MailKind
from functions.domain.mail_rows import address_hash
from functions.domain.mail_views import Delivery, RecipientBody
from functions.domain.views import ListQuery
from functions.services.recipients import MOST
from functions.services.unsubscribes import PATH
from migrate_contract.errors import ErrorCode
from tests.memory.world import ADMIN, ORGANIZATION, limited, refused
from tests.unit.functions.services.test_mail_outbox import Post, event

EVENT = "Microsoft.Communication.EmailDeliveryReportReceived"


def token_in(link: str) -> str:
    return link.partition(PATH)[2]


def unsubscribe_token(post: Post) -> str:
    """From the newest mail's header, as a mail program takes it."""
    header = post.world.mailer.sent[-1].message.headers["List-Unsubscribe"]
    return token_in(header.strip("<>"))


def test_recipients_are_added_once_listed_and_removed() -> None:
    post = Post("it@church.example")
    recipients = post.world.services.recipients
    again = recipients.add(ADMIN, post.project_id, RecipientBody(address=" IT@Church.example "))
    assert [view.address for view in again.items] == ["it@church.example"]
    two = recipients.add(ADMIN, post.project_id, RecipientBody(address="a@church.example"))
    assert [view.address for view in two.items] == ["a@church.example", "it@church.example"]
    left = recipients.remove(ADMIN, post.project_id, two.items[0].recipient_id)
    assert [view.address for view in left.items] == ["it@church.example"]
    assert recipients.remove(ADMIN, post.project_id, "0" * 24) == left
    actions = [entry.action for entry in post.world.services.audit.list(ADMIN, ListQuery()).items]
    assert sorted(action for action in actions if action.startswith("recipient")) == [
        "recipient.add",
        "recipient.add",
        "recipient.remove",
    ]


def test_there_are_at_most_twenty() -> None:
    post = Post(*(f"person{number}@church.example" for number in range(MOST)))
    body = RecipientBody(address="one-more@church.example")
    refused(ErrorCode.REQUEST_INVALID, lambda: post.world.services.recipients.add(ADMIN, post.project_id, body))
    post.post()
    post.run()
    assert len(post.world.mailer.sent) == MOST


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "a",
        "a@b",
        "a b@c.de",
        "a@b.c\r\nBcc: x@y.zz",
        "<a@b.cd>",
        "a@b..cd",
        "a@b.cd,c@d.ef",
        "ä@b.cd",
        "a@-",
        "@b.cd",
    ],
)
def test_what_is_no_address_is_refused(bad: str) -> None:
    with pytest.raises(ValidationError):
        RecipientBody(address=bad)


def test_the_link_in_a_mail_ends_this_kind_for_this_reader_alone() -> None:
    post = Post("a@church.example", "b@church.example")
    unsubscribes = post.world.services.unsubscribes
    post.post(MailKind.JOB_FAILED, to=("a@church.example",))
    post.run()
    token = unsubscribe_token(post)
    offered = unsubscribes.show(token)
    assert (offered.address, offered.kind, offered.unsubscribed) == ("a…@church.example", "job-failed", False)
    assert offered.project_name == "Move"
    for _ in range(2):
        assert unsubscribes.mute(token).unsubscribed
    post.world.mailer.sent.clear()
    post.post(MailKind.JOB_FAILED, subject_id="next")
    post.post(MailKind.CONNECTION_EXPIRED)
    post.run()
    assert len(post.world.mailer.to("a@church.example")) == 1
    assert len(post.world.mailer.to("b@church.example")) == 2
    assert sorted(post.states()) == ["accepted", "accepted", "accepted", "accepted", "unsubscribed"]
    (first, second) = post.world.services.recipients.list(ADMIN, post.project_id).items
    assert (first.unsubscribed_from, second.unsubscribed_from) == (["job-failed"], [])
    assert not unsubscribes.unmute(token).unsubscribed
    post.post(MailKind.JOB_FAILED, subject_id="third")
    post.run()
    assert len(post.world.mailer.to("a@church.example")) == 2


def test_a_mail_that_waits_is_not_sent_to_who_has_unsubscribed_meanwhile() -> None:
    post = Post("a@church.example")
    post.post(MailKind.JOB_FAILED)
    link = post.world.services.unsubscribes.link(ORGANIZATION, post.project_id, "A@church.example", MailKind.JOB_FAILED)
    post.world.services.unsubscribes.mute(token_in(link))
    post.run()
    assert (post.world.mailer.sent, post.states()) == ([], ["unsubscribed"])


def test_operators_unsubscribe_from_what_is_theirs() -> None:
    post = Post()
    post.post(MailKind.IDENTITY_PROVIDER_MISCONFIGURED, project_id="", subject_id="deployment")
    post.run()
    offered = post.world.services.unsubscribes.mute(unsubscribe_token(post))
    assert (offered.address, offered.project_name) == ("o…@acme.example", "")
    post.post(MailKind.IDENTITY_PROVIDER_MISCONFIGURED, project_id="", subject_id="again")
    post.run()
    assert len(post.world.mailer.sent) == 1


def test_what_is_sent_by_hand_has_no_such_link() -> None:
    post = Post()
    for kind in ASKED_FOR:
        post.post(kind)
    post.run()
    assert len(post.world.mailer.sent) == len(ASKED_FOR)
    for mail in post.world.mailer.sent:
        assert "List-Unsubscribe" not in mail.message.headers
        assert "unsubscribe" not in mail.message.plain.lower() + mail.message.html.lower()


def test_a_link_that_was_changed_is_refused() -> None:
    post = Post()
    unsubscribes = post.world.services.unsubscribes
    token = token_in(unsubscribes.link(ORGANIZATION, post.project_id, "a@b.example", MailKind.JOB_FAILED))
    assert "a@b" not in token
    parts = token.split(".")
    changed = [
        "",
        token[:-1],
        ".".join([*parts[:-1], "0" * 32]),
        ".".join(["rival", *parts[1:]]),
        ".".join([parts[0], parts[1], MailKind.CONNECTION_EXPIRED.value, *parts[3:]]),
        ".".join([*parts[:3], address_hash("b@b.example"), parts[4]]),
        "a.b.c.d.e.f",
    ]
    for bad in changed:
        refused(ErrorCode.MAIL_LINK_INVALID, lambda bad=bad: unsubscribes.mute(bad))  # type: ignore[misc]


def report(post: Post, *events: dict[str, object]) -> None:
    for one in events:
        post.world.services.mail_reports.handle(json.dumps(one))


@pytest.mark.parametrize(
    ("status", "delivery"),
    [
        ("Delivered", Delivery.DELIVERED),
        ("Bounced", Delivery.BOUNCED),
        ("Suppressed", Delivery.SUPPRESSED),
        ("Quarantined", Delivery.QUARANTINED),
        ("FilteredSpam", Delivery.FILTERED),
        ("Failed", Delivery.UNDELIVERED),
    ],
)
def test_a_delivery_report_is_shown_and_what_did_not_arrive_is_an_alert(status: str, delivery: Delivery) -> None:
    post = Post()
    post.post()
    post.run()
    report(post, event(post.world.mailer.sent[0].operation_id, status, said="550 5.1.1 no such user"))
    (mail,) = post.mails()
    assert (mail.delivery, mail.delivery_detail) == (delivery.value, "550 5.1.1 no such user")
    alerts = post.world.services.alerts.list(limited(post.client_id), ListQuery()).items
    assert [alert.code for alert in alerts] == ([] if delivery is Delivery.DELIVERED else ["mail-bounced"])
    assert all("550 5.1.1" in alert.detail and alert.link.endswith(post.project_id) for alert in alerts)


def test_the_alert_of_a_bounce_ends_when_a_later_mail_arrives() -> None:
    post = Post()
    post.post()
    post.post(MailKind.CONNECTION_EXPIRED)
    post.run()
    first, second = (mail.operation_id for mail in post.world.mailer.sent)
    report(post, event(first, "Bounced"), event(second, "Delivered"))
    assert post.world.services.alerts.list(ADMIN, ListQuery()).items == []


def test_reports_twice_late_or_of_something_else_change_nothing() -> None:
    post = Post()
    post.post()
    post.run()
    operation_id = post.world.mailer.sent[0].operation_id
    report(post, event(operation_id, "Delivered", "2026-03-02T14:05:00+00:00"))
    before = post.world.tables.everything()
    report(
        post,
        event(operation_id, "Delivered", "2026-03-02T14:05:00Z"),
        event(operation_id, "Bounced", "2026-03-02T14:01:00Z"),
        event(operation_id, "OutForDelivery", "2026-03-02T14:09:00Z"),
        event("00000000-0000-0000-0000-000000000000", "Bounced"),
        event("../../x#?", "Bounced"),
        {"eventType": EVENT, "data": {"messageId": 7}},
        {"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {}},
    )
    for message in ("", "{", "[]", "7", '"x"', "[1]", "\x00"):
        post.world.services.mail_reports.handle(message)
    assert post.world.tables.everything() == before


def test_events_may_come_as_a_list_or_as_cloud_events() -> None:
    post = Post("a@church.example", "b@church.example")
    post.post()
    post.run()
    first, second = (event(mail.operation_id, "Delivered") for mail in post.world.mailer.sent)
    cloud = {"specversion": "1.0", "type": second["eventType"], "data": second["data"]}
    post.world.services.mail_reports.handle(json.dumps([first, cloud]))
    assert [mail.delivery for mail in post.mails()] == ["delivered", "delivered"]


def test_a_report_may_come_before_we_know_that_the_mail_was_taken() -> None:
    post = Post()
    post.post()
    post.world.mailer.after_send = lambda _: report(post, event(post.world.mailer.sent[0].operation_id, "Delivered"))
    post.run()
    post.run(31)
    (mail,) = post.mails()
    assert (mail.state, mail.delivery) == ("sent", "delivered")
