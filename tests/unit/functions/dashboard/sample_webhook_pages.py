"""The pages about events and webhooks in every shape that matters, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from functions.dashboard.events_page import events_page
from functions.dashboard.forms import Form
from functions.dashboard.webhook_page import webhook_page, webhook_secret_page, webhooks_page
from functions.domain.caller import Role
from functions.domain.event import WORDS, EventKind
from functions.domain.event_views import DeliveryView, EventView, WebhookSecretView, WebhookView
from functions.domain.views import Page
from functions.domain.webhook import DeliveryState
from migrate_contract.errors import CATALOGUE, ErrorCode
from tests.unit.functions.dashboard import samples as s

WEBHOOK_ID = "whk_k7w2m9x4q1t8"
URL = "https://hooks.grace.example/onemigrate/a-rather-long-path/of-a-ticket-system?tenant=4711&queue=infrastructure"
_CODES = {
    EventKind.JOB_FAILED: ErrorCode.SOURCE_NOT_FOUND,
    EventKind.AGENT_OFFLINE: ErrorCode.AGENT_OFFLINE,
    EventKind.SCAN_STALLED: ErrorCode.SCAN_STALLED,
    EventKind.JOB_UNDELIVERED: ErrorCode.JOB_UNDELIVERED,
    EventKind.SIGN_IN_FAILING: ErrorCode.SIGN_IN_FAILING,
}


def event(kind: EventKind, hours: int = 1, summary: str = "") -> EventView:
    """One event of the sample project."""
    code = _CODES.get(kind)
    return EventView(
        event_id=f"evt_{hours:024x}",
        kind=kind,
        title=WORDS[kind],
        at=s.ago(hours=hours),
        project_id=s.project().project_id,
        subject="job_p3v8c5n1r6tza1b2c3d4e5f6",
        summary=summary or f"{WORDS[kind]}: an example of what is said about it.",
        code=code.value if code else None,
        fix=CATALOGUE[code].fix if code else None,
        link="/jobs/job_p3v8c5n1r6tza1b2c3d4e5f6",
        announced_at=s.ago(hours=hours),
    )


def events() -> list[EventView]:
    """One of each kind."""
    return [event(kind, hours) for hours, kind in enumerate(EventKind, start=1) if kind is not EventKind.TEST]


def webhook(**changes: Any) -> WebhookView:
    """A webhook of the sample project."""
    made = WebhookView(
        webhook_id=WEBHOOK_ID,
        url=URL,
        project_id=s.project().project_id,
        project_name=s.project().name,
        client_id=s.project().client_id,
        events=[EventKind.JOB_FAILED, EventKind.AGENT_OFFLINE],
        enabled=True,
        created_at=s.ago(days=3),
        created_by="Dana Whitfield",
        secret_at=s.ago(days=3),
    )
    return made.model_copy(update=changes)


def delivery(state: DeliveryState, number: int = 1, **changes: Any) -> DeliveryView:
    """One delivery."""
    failed = state in (DeliveryState.GIVEN_UP, DeliveryState.WAITING)
    code = ErrorCode.WEBHOOK_NOT_ACCEPTED
    made = DeliveryView(
        event_id=f"evt_{number:024x}",
        kind=EventKind.JOB_FAILED,
        project_id=s.project().project_id,
        state=state,
        tries=number,
        created_at=s.ago(hours=number),
        due_at=s.NOW if state is DeliveryState.WAITING else None,
        last_at=s.ago(hours=number),
        last_status=503 if failed else 204,
        last_seconds=0.4,
        code=code.value if failed else None,
        detail="It answered with status 503." if failed else "",
        fix=CATALOGUE[code].fix if failed else None,
    )
    return made.model_copy(update=changes)


def _log() -> Page[DeliveryView]:
    return Page(
        items=[delivery(state, number) for number, state in enumerate(DeliveryState, start=1)], continuation="x"
    )


def _webhook(found: WebhookView, log: Page[DeliveryView] | None = None, role: Role = Role.ADMIN, **more: Any) -> str:
    frame = s.frame(f"/webhooks/{WEBHOOK_ID}", role=role)
    return webhook_page(frame, s.NOW, found, log or Page(items=[]), **more)


def _webhooks(*found: WebhookView, role: Role = Role.ADMIN, **more: Any) -> str:
    return webhooks_page(s.frame("/webhooks", role=role), s.NOW, list(found), [s.project()], **more)


def _events(*, empty: bool = False) -> str:
    page = Page(items=[] if empty else events(), continuation=None if empty else "more")
    return events_page(s.frame(f"/projects/{s.project().project_id}/events"), s.NOW, s.project(), page)


_REFUSED = Form({"url": ["http://10.0.0.1/"], "events": ["job-failed"]}, {"url": "It must begin with https://."})
_TEST_FAILED = delivery(DeliveryState.GIVEN_UP, kind=EventKind.TEST)
WEBHOOK_PAGES: dict[str, Callable[[], str]] = {
    "events": _events,
    "events-empty": lambda: _events(empty=True),
    "webhooks": lambda: _webhooks(webhook(), webhook(project_id=None, project_name=None, events=[], enabled=False)),
    "webhooks-empty": lambda: _webhooks(project=s.project()),
    "webhooks-refused": lambda: _webhooks(form=_REFUSED),
    "webhooks-reader": lambda: _webhooks(webhook(project_name=None), role=Role.READER),
    "webhook": lambda: _webhook(webhook(), _log()),
    "webhook-off": lambda: _webhook(webhook(enabled=False)),
    "webhook-tested": lambda: _webhook(webhook(), tested=delivery(DeliveryState.DELIVERED)),
    "webhook-test-failed": lambda: _webhook(webhook(), tested=_TEST_FAILED, form=_REFUSED),
    "webhook-reader": lambda: _webhook(webhook(), _log(), role=Role.READER),
    "webhook-secret": lambda: webhook_secret_page(
        s.frame("/webhooks"),
        s.NOW,
        WebhookSecretView(**webhook().model_dump(), secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYq="),
    ),
}
