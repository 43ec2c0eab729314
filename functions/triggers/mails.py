"""A project's mail: who gets it, what was sent, and whether it arrived."""

from __future__ import annotations

from functions.domain.caller import Role
from functions.domain.mail_views import MailsView, RecipientBody, RecipientId, RecipientsView, TestMailBody
from functions.triggers.edge import Routes
from functions.triggers.edge_call import OperatorCall
from migrate_contract.wire import ProjectId

routes = Routes("mails")


@routes.operator("GET", "api/projects/{project_id}/recipients", role=Role.READER)
def recipients_show(call: OperatorCall, project_id: ProjectId) -> RecipientsView:
    """List who gets the project's mail; without any recipient it goes to the operators' addresses."""
    return call.services.recipients.list(call.caller, project_id)


@routes.operator("POST", "api/projects/{project_id}/recipients", role=Role.OPERATOR)
def recipients_add(call: OperatorCall, project_id: ProjectId, body: RecipientBody) -> RecipientsView:
    """Add a recipient, at most 20; one that is there already stays as it is."""
    return call.services.recipients.add(call.caller, project_id, body)


@routes.operator("DELETE", "api/projects/{project_id}/recipients/{recipient_id}", role=Role.OPERATOR)
def recipients_remove(call: OperatorCall, project_id: ProjectId, recipient_id: RecipientId) -> RecipientsView:
    """Remove a recipient."""
    return call.services.recipients.remove(call.caller, project_id, recipient_id)


@routes.operator("GET", "api/projects/{project_id}/mails", role=Role.READER)
def mails_show(call: OperatorCall, project_id: ProjectId) -> MailsView:
    """List the project's newest 100 mails, each with its state and what the recipient's mail server said."""
    return call.services.mails.list(call.caller, project_id)


@routes.operator("POST", "api/projects/{project_id}/test-mail", role=Role.OPERATOR, status=202)
def mails_test(call: OperatorCall, project_id: ProjectId, body: TestMailBody) -> MailsView:
    """Send a test mail to an address, or to the project's recipients; it leaves with the next sweep."""
    return call.services.mails.send_test(call.caller, project_id, body)
