"""Mailing a link to the customer when an operator asks for it."""

from __future__ import annotations

from functions.domain import rows
from functions.domain.caller import OperatorCaller, Role
from functions.domain.customer_link import LinkState
from functions.domain.mail import MailDraft, MailKind
from functions.domain.ports import Clock, Tables, Tokens
from functions.services.audit import Audit
from functions.services.customer_links import CustomerLinks
from functions.services.mail_outbox import MailOutbox
from functions.services.projects import connection_view, need_project
from functions.services.recipients import Recipients
from migrate_contract.errors import ErrorCode, Fatal

_ID_LENGTH = 12


class LinkMail:
    """Posts the mail; the link is put into it when it is sent, so that it stands in no row."""

    def __init__(
        self,
        tables: Tables,
        clock: Clock,
        tokens: Tokens,
        recipients: Recipients,
        links: CustomerLinks,
        outbox: MailOutbox,
        audit: Audit,
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._tokens = tokens
        self._recipients = recipients
        self._links = links
        self._outbox = outbox
        self._audit = audit

    def send(self, caller: OperatorCaller, project_id: str) -> None:
        """Sends the project's link to its recipients. Raises Fatal(mail-no-recipient): operators need no link."""
        caller.need(Role.OPERATOR)
        project = need_project(self._tables, caller, project_id)
        addresses = self._recipients.addresses(caller.organization, project_id)
        if not addresses:
            raise Fatal(ErrorCode.MAIL_NO_RECIPIENT, f"Project {rows.text(project, 'name')} has no recipients.")
        connection = connection_view(project)
        account = connection.account if connection is not None and connection.signs_in else ""
        link = next((each for each in self._links.of_project(caller, project_id) if each.state is LinkState.OPEN), None)
        account = (link.account if link else "") or account
        if not account:
            raise Fatal(ErrorCode.AZURE_ACCOUNT_INVALID, "Make a link first, which says the account and the container.")
        facts = {"sent_by": caller.label, "account": account.partition(".")[0]}
        self._outbox.post(
            caller.organization,
            MailDraft(
                kind=MailKind.RECONNECT_LINK,
                subject_id=self._tokens.identifier(_ID_LENGTH),
                project_id=project_id,
                due_on=self._clock().date(),
                facts=facts,
            ),
        )
        self._audit.record(
            caller.organization,
            caller.label,
            "link.send",
            project_id,
            client_id=rows.text(project, "client_id"),
            detail=", ".join(addresses),
        )
