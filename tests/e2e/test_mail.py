"""Mail through the whole local stack: asked for by the API, sent by the sweep, reported on the queue, on a page."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import httpx
import pytest

from local.processes import wait_until
from local.stack import Stack

_SECONDS = 90


@pytest.fixture
def project_id(stack: Stack) -> str:
    """A project of a client of its own."""
    with stack.operator_api() as api:
        client = api.call("POST", "/api/clients", {"name": "St. Mary"})
        body = {"client_id": client["client_id"], "name": "Archive"}
        return str(api.call("POST", "/api/projects", body)["project_id"])


def mails(stack: Stack, project_id: str) -> list[dict[str, Any]]:
    with stack.operator_api() as api:
        found: list[dict[str, Any]] = api.call("GET", f"/api/projects/{project_id}/mails")["items"]
        return found


def test_a_test_mail_is_sent_delivered_and_read(stack: Stack, project_id: str) -> None:
    with stack.operator_api() as api:
        api.call("POST", f"/api/projects/{project_id}/recipients", {"address": "it@church.example"})
        api.call("POST", f"/api/projects/{project_id}/test-mail", {})
    wait_until(
        lambda: [mail["delivery"] for mail in mails(stack, project_id)] == ["delivered"],
        seconds=_SECONDS,
        what="the delivery report of the test mail",
    )
    (sent,) = [mail for mail in stack.mail.control.mails("it@church.example") if "Archive" in mail.subject]
    assert f"{stack.api_url}/projects/{project_id}" in sent.plain
    page = httpx.get(stack.mail.page_url, trust_env=False).text
    assert sent.subject in page
    shown = httpx.get(f"{stack.mail.page_url}mails/{sent.number}", trust_env=False).text
    assert "Mail from OneMigrate reaches you" in shown
    file = message_from_bytes(
        httpx.get(f"{stack.mail.page_url}mails/{sent.number}.eml", trust_env=False).content, policy=SMTP
    )
    assert isinstance(file, EmailMessage)
    assert not file.defects
    assert file["Auto-Submitted"] == "auto-generated"


def test_a_bounce_is_shown_on_the_project_and_is_an_alert(stack: Stack, project_id: str) -> None:
    stack.mail.control.deliver("gone@church.example", "Bounced", "550 5.1.1 no such user")
    with stack.operator_api() as api:
        api.call("POST", f"/api/projects/{project_id}/test-mail", {"address": "gone@church.example"})
        wait_until(
            lambda: [mail["delivery"] for mail in mails(stack, project_id)] == ["bounced"],
            seconds=_SECONDS,
            what="the report of the bounce",
        )
        (mail,) = mails(stack, project_id)
        assert mail["delivery_detail"] == "550 5.1.1 no such user"
        alerts = api.call("GET", "/api/alerts?limit=200")["items"]
    found = [alert for alert in alerts if alert["code"] == "mail-bounced" and project_id in alert["link"]]
    assert len(found) == 1
    assert "gone@church.example" in found[0]["detail"]


def test_a_mail_service_that_is_down_delays_mail_and_nothing_else(stack: Stack, project_id: str) -> None:
    stack.mail.control.outage()
    try:
        with stack.operator_api() as api:
            api.call("POST", f"/api/projects/{project_id}/test-mail", {"address": "late@church.example"})
        wait_until(
            lambda: [mail["code"] for mail in mails(stack, project_id)] == ["mail-unavailable"],
            seconds=_SECONDS,
            what="a try to send",
        )
    finally:
        stack.mail.control.outage(False)
    wait_until(
        lambda: [mail["delivery"] for mail in mails(stack, project_id)] == ["delivered"],
        seconds=_SECONDS + 60,
        what="the delivery after the outage",
    )
    assert len(stack.mail.control.mails("late@church.example")) == 1
