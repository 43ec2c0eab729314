"""Webhooks: where events are posted to, and the log of it (docs/webhooks.md)."""

from __future__ import annotations

from functions.domain.caller import Role
from functions.domain.event_views import (
    DeliveryView,
    WebhookCreate,
    WebhookPatch,
    WebhookSecretView,
    WebhookView,
)
from functions.domain.views import ListQuery, Page
from functions.triggers.edge import Routes
from functions.triggers.edge_call import OperatorCall
from functions.triggers.edge_paths import EventId, WebhookId
from functions.triggers.queries import WebhooksQuery
from migrate_contract.errors import ErrorCode

routes = Routes("webhooks")


@routes.operator("GET", "api/webhooks", role=Role.READER, refusals=(ErrorCode.NOT_FOUND,))
def webhooks_list(call: OperatorCall, query: WebhooksQuery) -> Page[WebhookView]:
    """List the webhooks that you may see, of one project if you name it."""
    return call.services.webhooks.list(call.caller, query, query.project_id)


@routes.operator(
    "POST",
    "api/webhooks",
    role=Role.OPERATOR,
    status=201,
    refusals=(ErrorCode.NOT_FOUND, ErrorCode.WEBHOOK_LIMIT_REACHED),
)
def webhooks_create(call: OperatorCall, body: WebhookCreate) -> WebhookSecretView:
    """Create a webhook; its secret is in this answer and in no other."""
    return call.services.webhooks.create(call.caller, body)


@routes.operator("GET", "api/webhooks/{webhook_id}", role=Role.READER)
def webhooks_show(call: OperatorCall, webhook_id: WebhookId) -> WebhookView:
    """Show one webhook."""
    return call.services.webhooks.show(call.caller, webhook_id)


@routes.operator("PATCH", "api/webhooks/{webhook_id}", role=Role.OPERATOR)
def webhooks_change(call: OperatorCall, webhook_id: WebhookId, body: WebhookPatch) -> WebhookView:
    """Change a webhook's address or events, or switch it off and on; what waits goes to the new address."""
    return call.services.webhooks.change(call.caller, webhook_id, body)


@routes.operator("DELETE", "api/webhooks/{webhook_id}", role=Role.OPERATOR)
def webhooks_delete(call: OperatorCall, webhook_id: WebhookId) -> None:
    """Delete a webhook; what waits for it is not sent."""
    call.services.webhooks.delete(call.caller, webhook_id)


@routes.operator("POST", "api/webhooks/{webhook_id}/secret", role=Role.OPERATOR)
def webhooks_renew_secret(call: OperatorCall, webhook_id: WebhookId) -> WebhookSecretView:
    """Make a new secret, shown this once; the old one signs nothing any more."""
    return call.services.webhooks.renew_secret(call.caller, webhook_id)


@routes.operator("POST", "api/webhooks/{webhook_id}/test", role=Role.OPERATOR)
def webhooks_test(call: OperatorCall, webhook_id: WebhookId) -> DeliveryView:
    """Send a test now, once, and show what became of it."""
    return call.services.deliveries.test(call.caller, webhook_id)


@routes.operator("GET", "api/webhooks/{webhook_id}/deliveries", role=Role.READER)
def webhooks_deliveries(call: OperatorCall, webhook_id: WebhookId, query: ListQuery) -> Page[DeliveryView]:
    """List what was sent to the webhook and what became of it, the newest event first."""
    return call.services.deliveries.list(call.caller, webhook_id, query)


@routes.operator(
    "POST",
    "api/webhooks/{webhook_id}/deliveries/{event_id}/retry",
    role=Role.OPERATOR,
    refusals=(ErrorCode.CHANGED_MEANWHILE,),
)
def webhooks_retry(call: OperatorCall, webhook_id: WebhookId, event_id: EventId) -> DeliveryView:
    """Begin anew with a delivery: it is tried again within a minute."""
    return call.services.deliveries.again(call.caller, webhook_id, event_id)
