"""The outbox: each letter once, to whom, in what order, and what faults of the mail service do."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from functions.domain import rows
from functions.domain.limits import Limits
from functions.domain.mail import NEEDED_FACTS, MailDraft, MailKind, MailMessage, SendState, SendStatus
from functions.domain.mail_views import MailView, RecipientBody, TestMailBody
from functions.domain.views import ListQuery
from functions.services.mail_outbox import MailOutbox
from functions.services.mail_quota import MailQuota
from migrate_contract.errors import ErrorCode, Fatal, Retryable
from tests.memory.world import ADMIN, ORGANIZATION, READER, STRANGER, World, limited, refused

FACTS = {name: "7" for names in NEEDED_FACTS.values() for name in names} | {
    "job_id": "job_" + "a" * 24,
    "agent_id": "agt_" + "a" * 12,
    "code": "target-access-denied",
    "expires_on": "2026-03-16",
}


def event(operation_id: str, status: str, at: str = "2026-03-02T14:05:00Z", said: str = "") -> dict[str, object]:
    """A delivery report as Event Grid sends it."""
    return {
        "id": "1",
        "topic": "/subscriptions/x",
        "eventType": "Microsoft.Communication.EmailDeliveryReportReceived",
        "data": {
            "sender": "noreply@acme.example",
            "recipient": "it@church.example",
            "messageId": operation_id,
            "status": status,
            "deliveryStatusDetails": {"statusMessage": said},
            "deliveryAttemptTimeStamp": at,
        },
    }


class Post:
    """A project with recipients, and its outbox."""

    def __init__(self, *addresses: str, limits: Limits | None = None) -> None:
        self.world = World(limits)
        self.client_id = self.world.client()
        self.project_id = self.world.project(self.client_id)
        for address in addresses or ("it@church.example",):
            self.world.services.recipients.add(ADMIN, self.project_id, RecipientBody(address=address))

    @property
    def outbox(self) -> MailOutbox:
        return self.world.services.outbox

    def draft(self, kind: MailKind = MailKind.CONNECTION_EXPIRING, **changes: Any) -> MailDraft:
        day = self.world.clock().date()
        return replace(MailDraft(kind, self.project_id, self.project_id, day, FACTS), **changes)

    def post(self, kind: MailKind = MailKind.CONNECTION_EXPIRING, **changes: Any) -> None:
        self.outbox.post(ORGANIZATION, self.draft(kind, **changes))

    def run(self, seconds_later: float = 0) -> None:
        self.world.clock.forward(seconds_later)
        self.outbox.run(20)

    def mails(self) -> list[MailView]:
        return self.world.services.mails.list(ADMIN, self.project_id).items

    def states(self) -> list[str]:
        return [mail.state for mail in self.mails()]

    def sent_to(self) -> list[str]:
        return sorted(mail.message.to for mail in self.world.mailer.sent)


def test_a_letter_is_sent_once_to_each_recipient_and_its_end_is_asked_for() -> None:
    post = Post("it@church.example", "office@church.example")
    post.post()
    assert post.world.mailer.sent == []
    post.run()
    assert post.sent_to() == ["it@church.example", "office@church.example"]
    assert post.states() == ["accepted", "accepted"]
    post.run(31)
    assert post.states() == ["sent", "sent"]
    before = post.world.tables.everything()
    post.run(3600)
    assert post.world.tables.everything() == before
    assert len(post.world.mailer.sent) == 2


def test_the_same_letter_posted_again_is_the_same_letter_also_after_it_was_sent() -> None:
    post = Post()
    for _ in range(3):
        post.post()
        post.run(31)
        post.post(facts={**FACTS, "days_left": "3"})
    assert len(post.world.mailer.sent) == 1


def test_another_day_subject_or_kind_is_another_letter() -> None:
    post = Post()
    post.post()
    post.post(due_on=date(2026, 5, 1))
    post.post(subject_id="other")
    post.post(MailKind.CONNECTION_EXPIRED)
    post.run()
    assert len(post.world.mailer.sent) == 4


def test_a_recipient_who_comes_later_gets_the_next_letter_not_the_last() -> None:
    post = Post()
    post.post()
    post.world.services.recipients.add(ADMIN, post.project_id, RecipientBody(address="late@church.example"))
    post.post()
    post.run()
    assert post.sent_to() == ["it@church.example"]


def test_a_project_without_recipients_writes_to_the_operators() -> None:
    post = Post()
    (only,) = post.world.services.recipients.list(ADMIN, post.project_id).items
    post.world.services.recipients.remove(ADMIN, post.project_id, only.recipient_id)
    post.post()
    post.run()
    assert post.sent_to() == ["operators@acme.example"]


@pytest.mark.parametrize(
    "kind", [MailKind.SIGN_IN_FAILING, MailKind.IDENTITY_PROVIDER_MISCONFIGURED, MailKind.CLIENT_SECRET_EXPIRING]
)
def test_what_is_for_operators_goes_to_them_alone(kind: MailKind) -> None:
    post = Post()
    post.post(kind)
    post.post(kind, project_id="", subject_id="deployment")
    post.run()
    assert post.sent_to() == ["operators@acme.example"] * 2


def test_a_draft_may_name_its_own_addressee_and_each_mailbox_counts_once() -> None:
    post = Post()
    post.post(MailKind.RECONNECT_LINK, to=("Eva@church.example", "eva@Church.example ", "max@church.example"))
    post.run()
    assert len(post.sent_to()) == 2
    assert {address.lower() for address in post.sent_to()} == {"eva@church.example", "max@church.example"}


def test_a_draft_that_says_too_little_or_names_a_key_that_cannot_be_is_refused() -> None:
    post = Post()
    with pytest.raises(ValueError, match="days_left"):
        post.post(facts={"expires_on": "2026-03-16"})
    with pytest.raises(ValueError, match="subject"):
        post.post(subject_id="a/b")


def test_every_kind_is_written_sent_and_shown() -> None:
    post = Post()
    for kind in MailKind:
        post.post(kind)
    post.run()
    assert len(post.world.mailer.sent) == len(MailKind)
    assert {mail.kind for mail in post.mails()} == {kind.value for kind in MailKind}


def test_quota_by_the_minute_and_by_the_hour_queues_what_is_over_it() -> None:
    post = Post(limits=Limits(mail_per_minute=3, mail_per_hour=5))
    for number in range(8):
        post.post(MailKind.JOB_FAILED, subject_id=f"job-{number}")
    sent = []
    for _ in range(4):
        post.run()
        sent.append(len(post.world.mailer.sent))
        post.world.clock.forward(61)
    assert sent == [3, 5, 5, 5]
    post.run(3600)
    assert len(post.world.mailer.sent) == 8


def test_what_somebody_has_to_act_on_goes_before_the_rest() -> None:
    post = Post(limits=Limits(mail_per_minute=1))
    post.post(MailKind.JOB_FAILED)
    post.world.clock.forward(5)
    post.post(MailKind.CONNECTION_EXPIRED)
    post.run()
    (first,) = post.world.mailer.sent
    assert "sign in again" in first.message.subject


def test_a_busy_service_is_left_alone_for_as_long_as_it_says() -> None:
    post = Post("a@church.example", "b@church.example")

    def busy(_: MailMessage) -> None:
        raise Retryable(ErrorCode.MAIL_OVER_QUOTA, "429", retry_after_seconds=300)

    post.world.mailer.before_send = busy
    post.post()
    post.run()
    post.world.mailer.before_send = None
    post.run(299)
    assert post.sent_to() == []
    assert {mail.code for mail in post.mails()} == {None, "mail-over-quota"}
    post.run(2)
    post.run(61)
    assert post.sent_to() == ["a@church.example", "b@church.example"]


def test_a_lost_answer_is_asked_about_before_anything_is_sent_again() -> None:
    post = Post()

    def lost(_: MailMessage) -> None:
        raise Retryable(ErrorCode.MAIL_UNAVAILABLE, "no answer")

    post.world.mailer.after_send = lost
    post.post()
    post.run()
    post.world.mailer.after_send = None
    assert post.states() == ["claimed"]
    post.run(61)
    assert (post.states(), post.world.mailer.asked) == (["sent"], 1)
    assert len(post.world.mailer.sent) == 1


def test_a_request_that_never_arrived_is_asked_about_and_sent() -> None:
    post = Post()

    def unreachable(_: MailMessage) -> None:
        raise Retryable(ErrorCode.MAIL_UNAVAILABLE, "no route")

    post.world.mailer.before_send = unreachable
    post.post()
    for _ in range(4):
        post.run(3600)
    assert (post.states(), post.sent_to()) == (["claimed"], [])
    post.world.mailer.before_send = None
    post.run(3600)
    post.run(31)
    assert (post.states(), len(post.world.mailer.sent)) == (["sent"], 1)


def test_a_service_that_does_not_accept_us_is_an_alert_until_it_does() -> None:
    post = Post()

    def not_ours(_: MailMessage) -> None:
        raise Retryable(ErrorCode.MAIL_NOT_ACCEPTED, "answered 401 (Denied)")

    post.world.mailer.before_send = not_ours
    post.post()
    post.run()
    (alert,) = post.world.services.alerts.list(ADMIN, ListQuery()).items
    assert (alert.code, alert.detail) == ("mail-not-accepted", "answered 401 (Denied)")
    assert post.states() == ["waiting"]
    post.world.mailer.before_send = None
    post.run(61)
    post.run(31)
    assert post.states() == ["sent"]
    assert post.world.services.alerts.list(ADMIN, ListQuery()).items == []


def test_a_refused_mail_ends_shows_why_and_leaves_the_others_alone() -> None:
    post = Post("wrong@church.example", "it@church.example")

    def picky(message: MailMessage) -> None:
        if message.to.startswith("wrong"):
            raise Fatal(ErrorCode.MAIL_REFUSED, "answered 400 (InvalidRecipient)")

    post.world.mailer.before_send = picky
    post.post()
    post.run()
    post.run(31)
    by_address = {mail.address: mail for mail in post.mails()}
    assert by_address["it@church.example"].state == "sent"
    failed = by_address["wrong@church.example"]
    assert (failed.state, failed.code, failed.detail) == ("failed", "mail-refused", "answered 400 (InvalidRecipient)")


def test_a_mail_that_the_service_gives_up_after_taking_it_is_shown_as_failed() -> None:
    post = Post()
    post.world.mailer.outcome = SendStatus(SendState.FAILED, "EmailDroppedAllRecipientsSuppressed", "suppressed")
    post.post()
    post.run()
    post.run(31)
    (mail,) = post.mails()
    assert (mail.state, mail.code) == ("failed", "mail-refused")
    assert "EmailDroppedAllRecipientsSuppressed" in mail.detail
    (alert,) = post.world.services.alerts.list(ADMIN, ListQuery()).items
    assert alert.code == "mail-refused"


def test_an_end_that_is_slow_to_come_is_asked_for_less_and_less_and_not_for_ever() -> None:
    post = Post()
    post.world.mailer.running = 10_000
    post.post()
    for _ in range(400):
        post.run(300)
    assert post.states() == ["sent"]
    assert post.world.mailer.asked < 40
    assert len(post.world.mailer.sent) == 1


def test_a_service_that_forgets_what_it_took_does_not_get_it_twice() -> None:
    post = Post()
    post.post()
    post.run()
    (mail,) = post.world.mailer.sent
    post.world.mailer.forget(mail.operation_id)
    for _ in range(3):
        post.run(3600)
    assert post.states() == ["sent"]
    assert len(post.world.mailer.sent) == 1


def test_what_is_no_longer_so_is_withdrawn_before_it_is_sent_and_not_after() -> None:
    post = Post("a@church.example", "b@church.example", limits=Limits(mail_per_minute=1))
    post.post()
    post.post(MailKind.JOB_FAILED)
    post.run()
    assert post.outbox.withdraw(ORGANIZATION, post.project_id, MailKind.CONNECTION_EXPIRING) == 1
    for _ in range(5):
        post.run(61)
    states = sorted((mail.kind, mail.state) for mail in post.mails())
    assert states == [
        ("connection-expiring", "sent"),
        ("connection-expiring", "withdrawn"),
        ("job-failed", "sent"),
        ("job-failed", "sent"),
    ]


def test_a_letter_that_cannot_be_written_fails_the_run_and_not_the_others() -> None:
    post = Post()
    post.post(MailKind.JOB_FAILED)
    post.post(MailKind.CONNECTION_EXPIRED)
    letter = next(row for row in post.world.tables.everything()["mails"] if row.rk.startswith("ltr|connection-expired"))
    post.world.tables.merge("mails", letter.pk, letter.rk, {"facts": "{}"}, None)
    with pytest.raises(ExceptionGroup):
        post.outbox.run(20)
    assert [mail.message.subject.partition(":")[0] for mail in post.world.mailer.sent] == ["Job failed"]


def test_a_sweep_sends_mail_and_is_not_failed_by_a_mail_service_that_is_gone() -> None:
    post = Post()

    def unreachable(_: MailMessage) -> None:
        raise Retryable(ErrorCode.MAIL_UNAVAILABLE, "no route")

    post.world.mailer.before_send = unreachable
    post.post()
    post.world.services.sweeps.run()
    post.world.mailer.before_send = None
    post.world.clock.forward(61)
    post.world.services.sweeps.run()
    assert len(post.world.mailer.sent) == 1


def test_a_run_ends_with_its_budget_and_the_next_goes_on() -> None:
    post = Post()
    for number in range(6):
        post.post(MailKind.JOB_FAILED, subject_id=f"job-{number}")
    post.world.mailer.after_send = lambda _: post.world.clock.forward(10)
    post.run()
    assert len(post.world.mailer.sent) == 2
    post.world.mailer.after_send = None
    post.run()
    assert len(post.world.mailer.sent) == 6


def test_the_pointer_of_a_post_that_crashed_goes_and_a_post_that_slept_makes_it_anew() -> None:
    post = Post()

    def crash(table: str, pk: str, rk: str) -> None:
        if table == "mails":
            raise KeyboardInterrupt

    post.world.tables.before_write = crash
    with pytest.raises(KeyboardInterrupt):
        post.post()
    post.world.tables.before_write = None
    post.run()
    assert len(post.world.tables.everything()["outbox"]) == 1
    post.run(3601)
    assert post.world.tables.everything()["outbox"] == []

    def sleep(table: str, pk: str, rk: str) -> None:
        if table == "mails":
            post.world.tables.before_write = None
            post.run(3601)

    post.world.tables.before_write = sleep
    post.post()
    post.run()
    assert len(post.world.mailer.sent) == 1


def test_the_test_mail_goes_to_whom_it_is_asked_for_and_may_be_repeated() -> None:
    post = Post()
    for _ in range(2):
        post.world.services.mails.send_test(ADMIN, post.project_id, TestMailBody(address="me@acme.example"))
    post.world.services.mails.send_test(ADMIN, post.project_id, TestMailBody())
    post.run()
    assert post.sent_to() == ["it@church.example", "me@acme.example", "me@acme.example"]


def test_only_operators_who_see_the_client_touch_its_mail() -> None:
    post = Post()
    services, body = post.world.services, TestMailBody()
    other = post.world.client(name="Other")
    for caller in (STRANGER, limited(other)):
        refused(ErrorCode.NOT_FOUND, lambda caller=caller: services.mails.list(caller, post.project_id))  # type: ignore[misc]
        refused(
            ErrorCode.NOT_FOUND,
            lambda caller=caller: services.mails.send_test(caller, post.project_id, body),  # type: ignore[misc]
        )
    refused(ErrorCode.ROLE_INSUFFICIENT, lambda: services.mails.send_test(READER, post.project_id, body))


def test_a_deleted_project_leaves_no_address_behind() -> None:
    post = Post()
    post.post()
    post.world.services.projects.delete(ADMIN, post.project_id)
    post.run(3601)
    for table in ("mails", "recipients", "outbox"):
        assert post.world.tables.everything().get(table, []) == []
    assert post.world.mailer.sent == []


def test_old_mails_are_removed_once_a_day_and_new_ones_stay() -> None:
    post = Post()
    post.post()
    post.run()
    post.run(31)
    operation_id = post.world.mailer.sent[0].operation_id
    post.world.services.mail_reports.handle(json.dumps(event(operation_id, "Delivered")))
    assert post.world.services.sweeps.run().removed_rows == 0
    post.world.clock.forward(post.world.limits.mail_retention_seconds - 60)
    post.post(MailKind.CONNECTION_EXPIRED)
    assert post.world.services.sweeps.run().removed_rows == 0
    post.world.clock.forward(86_400)
    assert post.world.services.sweeps.run().removed_rows == 4  # letter, copy, delivery, operation
    assert post.world.services.sweeps.run().removed_rows == 0
    assert [mail.kind for mail in post.mails()] == ["connection-expired"]


def test_the_quota_is_one_for_all_instances_and_never_more() -> None:
    post = Post(limits=Limits(mail_per_minute=100, mail_per_hour=100))
    quota = MailQuota(post.world.tables, post.world.clock, post.world.limits)
    other = MailQuota(post.world.tables, post.world.clock, post.world.limits)
    taken: list[bool] = []

    def race(table: str, pk: str, rk: str) -> None:
        post.world.tables.before_write = None
        taken.append(other.take())

    for _ in range(60):
        post.world.tables.before_write = race
        taken.append(quota.take())
    post.world.tables.before_write = None
    assert sum(taken) == 100
    assert not other.has_room()
    post.world.clock.forward(3601)
    assert other.has_room()


def test_a_high_quota_still_fits_its_row() -> None:
    post = Post(limits=Limits(mail_per_minute=5000, mail_per_hour=5000))
    quota = MailQuota(post.world.tables, post.world.clock, post.world.limits)
    now = post.world.clock().timestamp()
    quota.close(0)
    times = rows.long_text("times", json.dumps([now] * 4999))
    post.world.tables.merge("mailquota", "deployment", "sent", times, None)
    assert quota.take()
    assert not quota.take()
