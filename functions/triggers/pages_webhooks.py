"""Pages and forms of a project's events, and of webhooks."""

from __future__ import annotations

from functions.dashboard.confirm_page import confirm_page
from functions.dashboard.events_page import events_page
from functions.dashboard.flashes import Done, after
from functions.dashboard.forms import EMPTY_FORM, Form
from functions.dashboard.problem_page import problem_page
from functions.dashboard.webhook_page import (
    WebhookEditForm,
    WebhookForm,
    WebhookSwitchForm,
    delete_webhook,
    renew_secret,
    webhook_page,
    webhook_secret_page,
    webhooks_page,
)
from functions.domain.caller import Role
from functions.domain.views import MAX_LIMIT, ListQuery
from functions.triggers.edge_answer import Answer
from functions.triggers.edge_call import PageCall
from functions.triggers.edge_pages import PageRoutes, RefusedForm
from functions.triggers.edge_paths import EventId, WebhookId
from functions.triggers.page_reads import typed
from functions.triggers.queries import WebhooksQuery
from migrate_contract.errors import ErrorCode
from migrate_contract.wire import ProjectId

pages = PageRoutes("webhooks", problem_page=problem_page)

_CHANGED = (ErrorCode.CHANGED_MEANWHILE,)


class WebhookQuery(ListQuery):
    """A part of a webhook's log; `tested` names the test that was just sent."""

    tested: EventId | None = None


def _webhooks(call: PageCall, project_id: str | None = None, form: Form = EMPTY_FORM) -> str:
    projects, everything = call.services.projects, ListQuery(limit=MAX_LIMIT)
    return webhooks_page(
        call.frame,
        call.services.clock(),
        call.services.webhooks.list(call.caller, everything, project_id).items,
        projects.list(call.caller, everything).items,
        project=projects.show(call.caller, project_id) if project_id else None,
        form=form,
    )


def _webhook(call: PageCall, webhook_id: str, query: WebhookQuery, form: Form = EMPTY_FORM) -> str:
    log = call.services.deliveries.list(call.caller, webhook_id, query)
    return webhook_page(
        call.frame,
        call.services.clock(),
        call.services.webhooks.show(call.caller, webhook_id),
        log,
        tested=next((each for each in log.items if each.event_id == query.tested), None),
        form=form,
    )


def _webhooks_again(call: PageCall, refused: RefusedForm) -> str:
    return _webhooks(call, form=typed(refused))


def _webhook_again(call: PageCall, refused: RefusedForm, webhook_id: str) -> str:
    return _webhook(call, webhook_id, WebhookQuery(), typed(refused))


@pages.page("projects/{project_id}/events")
def page_project_events(call: PageCall, project_id: ProjectId, query: ListQuery) -> Answer:
    """What happened in a project."""
    project = call.services.projects.show(call.caller, project_id)
    found = call.services.events.list(call.caller, project_id, query)
    return call.html(events_page(call.frame, call.services.clock(), project, found))


@pages.page("webhooks")
def page_webhooks(call: PageCall, query: WebhooksQuery) -> Answer:
    """The webhooks, of one project if asked for, and the form for a new one."""
    return call.html(_webhooks(call, query.project_id))


@pages.form("webhooks", again=_webhooks_again, refusals=(ErrorCode.NOT_FOUND, ErrorCode.WEBHOOK_LIMIT_REACHED))
def page_webhook_create(call: PageCall, form: WebhookForm) -> Answer:
    """Makes a webhook and shows its secret this once; no redirect, since nothing keeps the secret."""
    made = call.services.webhooks.create(call.caller, form.body())
    return call.html(webhook_secret_page(call.frame, call.services.clock(), made))


@pages.page("webhooks/{webhook_id}")
def page_webhook(call: PageCall, webhook_id: WebhookId, query: WebhookQuery) -> Answer:
    """One webhook and its log."""
    return call.html(_webhook(call, webhook_id, query))


@pages.form("webhooks/{webhook_id}", again=_webhook_again)
def page_webhook_change(call: PageCall, webhook_id: WebhookId, form: WebhookEditForm) -> Answer:
    """Saves a webhook's address and events."""
    call.services.webhooks.change(call.caller, webhook_id, form.body())
    return call.see_other(after(f"/webhooks/{webhook_id}", Done.WEBHOOK_CHANGED))


@pages.form("webhooks/{webhook_id}/switch")
def page_webhook_switch(call: PageCall, webhook_id: WebhookId, form: WebhookSwitchForm) -> Answer:
    """Switches a webhook off or on."""
    call.services.webhooks.change(call.caller, webhook_id, form.body())
    return call.see_other(after(f"/webhooks/{webhook_id}", Done.WEBHOOK_CHANGED))


@pages.form("webhooks/{webhook_id}/test")
def page_webhook_test(call: PageCall, webhook_id: WebhookId) -> Answer:
    """Sends a test at once; the page then says what became of it."""
    tested = call.services.deliveries.test(call.caller, webhook_id)
    return call.see_other(f"/webhooks/{webhook_id}?tested={tested.event_id}")


@pages.form("webhooks/{webhook_id}/deliveries/{event_id}/retry", refusals=_CHANGED)
def page_webhook_retry(call: PageCall, webhook_id: WebhookId, event_id: EventId) -> Answer:
    """Begins anew with a delivery."""
    call.services.deliveries.again(call.caller, webhook_id, event_id)
    return call.see_other(after(f"/webhooks/{webhook_id}", Done.WEBHOOK_AGAIN))


@pages.page("webhooks/{webhook_id}/confirm-renew", role=Role.OPERATOR)
def page_webhook_confirm_renew(call: PageCall, webhook_id: WebhookId) -> Answer:
    """Asks before a webhook gets another secret."""
    return call.html(confirm_page(call.frame, renew_secret(call.services.webhooks.show(call.caller, webhook_id))))


@pages.form("webhooks/{webhook_id}/secret")
def page_webhook_renew(call: PageCall, webhook_id: WebhookId) -> Answer:
    """Makes a new secret and shows it this once."""
    renewed = call.services.webhooks.renew_secret(call.caller, webhook_id)
    return call.html(webhook_secret_page(call.frame, call.services.clock(), renewed))


@pages.page("webhooks/{webhook_id}/confirm-delete", role=Role.OPERATOR)
def page_webhook_confirm_delete(call: PageCall, webhook_id: WebhookId) -> Answer:
    """Asks before a webhook is deleted."""
    return call.html(confirm_page(call.frame, delete_webhook(call.services.webhooks.show(call.caller, webhook_id))))


@pages.form("webhooks/{webhook_id}/delete")
def page_webhook_delete(call: PageCall, webhook_id: WebhookId) -> Answer:
    """Deletes a webhook."""
    call.services.webhooks.delete(call.caller, webhook_id)
    return call.see_other(after("/webhooks", Done.WEBHOOK_DELETED))
