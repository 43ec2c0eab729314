"""A project's mails as operators see them, and the test mail."""

from __future__ import annotations

from functions.domain import rows
from functions.domain.caller import OperatorCaller, Role
from functions.domain.mail import MailDraft, MailKind
from functions.domain.mail_rows import COPY, DELIVERY, MAILS
from functions.domain.mail_views import MailsView, MailView, TestMailBody
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, Row, Tables, Tokens
from functions.services.audit import Audit
from functions.services.mail_outbox import MailOutbox
from functions.services.projects import need_project

_MOST = 100


class Mails:
    """Lists mails; posts those that a person asks for."""

    def __init__(self, tables: Tables, clock: Clock, tokens: Tokens, outbox: MailOutbox, audit: Audit) -> None:
        self._tables = tables
        self._clock = clock
        self._tokens = tokens
        self._outbox = outbox
        self._audit = audit

    def list(self, caller: OperatorCaller, project_id: str) -> MailsView:
        """Result: the project's newest mails, each with what is known of its delivery. Raises Fatal(not-found)."""
        need_project(self._tables, caller, project_id)
        found = OrganizationTables(self._tables, caller.organization).partition(MAILS, project_id)
        reports = {row.rk.removeprefix(DELIVERY): row for row in found if row.rk.startswith(DELIVERY)}
        views = [_view(row, reports) for row in found if row.rk.startswith(COPY)]
        return MailsView(items=sorted(views, key=lambda view: view.created_at, reverse=True)[:_MOST])

    def send_test(self, caller: OperatorCaller, project_id: str, body: TestMailBody) -> MailsView:
        """Posts a test mail; the next sweep sends it. Result: the project's mails."""
        caller.need(Role.OPERATOR)
        project = need_project(self._tables, caller, project_id)
        draft = MailDraft(
            kind=MailKind.TEST,
            subject_id=self._tokens.identifier(12),
            project_id=project_id,
            due_on=self._clock().date(),
            facts={"sent_by": caller.label},
            to=(body.address,) if body.address else (),
        )
        self._outbox.post(caller.organization, draft)
        client_id = rows.text(project, "client_id")
        self._audit.record(
            caller.organization, caller.label, "mail.test", project_id, client_id=client_id, detail=body.address or ""
        )
        return self.list(caller, project_id)


def _view(row: Row, reports: dict[str, Row]) -> MailView:
    operation_id = rows.text(row, "operation_id")
    report = reports.get(operation_id)
    return MailView(
        mail_id=operation_id,
        kind=rows.text(row, "kind"),
        address=rows.text(row, "address"),
        state=rows.text(row, "state"),
        code=rows.text_or_none(row, "code"),
        detail=rows.text(row, "detail"),
        delivery=rows.text_or_none(report, "delivery") if report else None,
        delivery_detail=rows.text(report, "detail") if report else "",
        created_at=rows.need_moment(row, "created_at"),
        sent_at=rows.moment(row, "sent_at"),
        delivery_at=rows.moment(report, "at") if report else None,
    )
