"""Webhooks: the list with its form, one webhook with its log, and the page that shows a secret this once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from functions.dashboard.badges import Badge
from functions.dashboard.confirmations import Confirmation
from functions.dashboard.events_page import BADGES
from functions.dashboard.fields import FormModel, must_be
from functions.dashboard.forms import EMPTY_FORM, Form
from functions.dashboard.frame import Frame
from functions.dashboard.rendering import render
from functions.domain.event import CHOOSABLE, WORDS, EventKind
from functions.domain.event_views import (
    DeliveryView,
    WebhookCreate,
    WebhookPatch,
    WebhookSecretView,
    WebhookView,
)
from functions.domain.public_address import need_https_url
from functions.domain.views import Page, ProjectView
from functions.domain.webhook import DeliveryState
from migrate_contract.errors import Fatal
from migrate_contract.wire import ProjectId

_ALL_PROJECTS = "all"
_STATES = {
    DeliveryState.WAITING: Badge("Waiting", "quiet", "clock"),
    DeliveryState.DELIVERED: Badge("Delivered", "ok", "done"),
    DeliveryState.GIVEN_UP: Badge("Not delivered", "bad", "failed"),
    DeliveryState.WITHDRAWN: Badge("Withdrawn", "quiet", "cancelled"),
}
_ENABLED = Badge("On", "ok", "done")
_DISABLED = Badge("Off", "quiet", "pause")
_KINDS = [(kind.value, WORDS[kind]) for kind in CHOOSABLE]
_PROJECT_RULE = "Choose whose events are sent."


def _https(url: str) -> str:
    if not url:
        raise ValueError("Enter the address of your receiver, such as https://hooks.contoso.example/onemigrate.")
    try:
        need_https_url(url)
    except Fatal as refused:
        raise ValueError(refused.detail) from None
    return url


UrlField = Annotated[str, Field(default=""), AfterValidator(_https)]
KindsField = Annotated[list[EventKind], Field(max_length=len(EventKind))]


class WebhookForm(FormModel):
    """A new webhook."""

    url: UrlField
    project_id: Annotated[str, must_be(ProjectId | Literal["all"], _PROJECT_RULE)] = ""
    events: KindsField = Field(default_factory=list)

    def body(self) -> WebhookCreate:
        """Result: the body of the API's call."""
        project_id = None if self.project_id == _ALL_PROJECTS else self.project_id
        return WebhookCreate(url=self.url, project_id=project_id, events=self.events)


class WebhookEditForm(FormModel):
    """Address and events of a webhook."""

    url: UrlField
    events: KindsField = Field(default_factory=list)

    def body(self) -> WebhookPatch:
        """Result: the body of the API's call."""
        return WebhookPatch(url=self.url, events=self.events)


class WebhookSwitchForm(FormModel):
    """On or off."""

    enabled: Literal["true", "false"] = "false"

    def body(self) -> WebhookPatch:
        """Result: the body of the API's call."""
        return WebhookPatch(enabled=self.enabled == "true")


def webhooks_page(
    frame: Frame,
    now: datetime,
    webhooks: Sequence[WebhookView],
    projects: Sequence[ProjectView],
    *,
    project: ProjectView | None = None,
    form: Form = EMPTY_FORM,
) -> str:
    """Result: the list, of one project if given, with the form for a new one."""
    choices = [(each.project_id, f"{each.name} ({each.client_name})") for each in projects]
    if _sees_everything(frame):
        choices.insert(0, (_ALL_PROJECTS, "All projects"))
    return render(
        "webhooks.html",
        frame,
        now=now,
        webhooks=webhooks,
        words=_scope_words(webhooks),
        project=project,
        choices=choices,
        kinds=_KINDS,
        form=form,
        on=_ENABLED,
        off=_DISABLED,
    )


def webhook_page(
    frame: Frame,
    now: datetime,
    webhook: WebhookView,
    deliveries: Page[DeliveryView],
    *,
    tested: DeliveryView | None = None,
    form: Form = EMPTY_FORM,
) -> str:
    """Result: one webhook with its log; `tested`: the test that was just sent."""
    may_change = _may_change(frame, webhook)
    return render(
        "webhook.html",
        frame,
        now=now,
        webhook=webhook,
        scope=_scope_words([webhook])[webhook.webhook_id],
        kinds=_KINDS,
        chosen=[kind.value for kind in webhook.events],
        deliveries=deliveries,
        states=_STATES,
        badges=BADGES,
        tested=tested,
        form=form,
        may_change=may_change,
        on=_ENABLED,
        off=_DISABLED,
        questions=[renew_secret(webhook), delete_webhook(webhook)] if may_change else [],
    )


def webhook_secret_page(frame: Frame, now: datetime, webhook: WebhookSecretView) -> str:
    """Result: the only page that ever shows this secret."""
    return render("webhook_secret.html", frame, now=now, webhook=webhook)


def renew_secret(webhook: WebhookView) -> Confirmation:
    """Result: the question before a webhook gets another secret."""
    here = f"/webhooks/{webhook.webhook_id}"
    return Confirmation(
        key="renew",
        page=f"{here}/confirm-renew",
        action=f"{here}/secret",
        back=here,
        title="Make a new secret?",
        text="The old one signs nothing any more from this moment on: the receiver refuses events until it has the new "
        "one. They are tried again for 21 hours.",
        button="Make a new secret",
    )


def delete_webhook(webhook: WebhookView) -> Confirmation:
    """Result: the question before a webhook is deleted."""
    here = f"/webhooks/{webhook.webhook_id}"
    return Confirmation(
        key="delete",
        page=f"{here}/confirm-delete",
        action=f"{here}/delete",
        back=here,
        title="Delete this webhook?",
        text="Nothing is sent to it any more, also what still waits. Its log goes with it.",
        button="Delete the webhook",
    )


def _scope_words(webhooks: Sequence[WebhookView]) -> dict[str, str]:
    """Result: by id, whose events it gets."""
    return {
        webhook.webhook_id: "All projects"
        if webhook.project_id is None
        else f"Project {webhook.project_name}"
        if webhook.project_name
        else "A project that was deleted"
        for webhook in webhooks
    }


def _sees_everything(frame: Frame) -> bool:
    caller = frame.caller
    return caller is not None and caller.role.value == "Admin" and not caller.client_ids


def _may_change(frame: Frame, webhook: WebhookView) -> bool:
    if webhook.project_id is None:
        return _sees_everything(frame)
    return frame.caller is not None and frame.caller.role.value != "Reader"
