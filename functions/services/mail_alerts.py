"""What operators should know about mail: a service that does not take ours, mails it refused, mails that bounced."""

from __future__ import annotations

from functions.domain import rows
from functions.domain.mail_rows import Copy, address_hash, part_of
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Tables
from functions.services.alerts import Alerts, Finding
from functions.services.deployment import Deployment
from functions.services.projects import TABLE as PROJECTS
from migrate_contract.errors import ErrorCode

_SERVICE = "mail"
"""The subject of what is wrong with the mail service: there is one."""


class MailAlerts:
    """Opens and closes the alerts of mail."""

    def __init__(self, tables: Tables, deployment: Deployment, alerts: Alerts) -> None:
        self._tables = tables
        self._organization = deployment.organization
        self._alerts = alerts

    def not_accepted(self, detail: str) -> None:
        """The mail service does not accept mail from us."""
        self._alerts.stands(Finding(self._organization, ErrorCode.MAIL_NOT_ACCEPTED, _SERVICE, detail))

    def refused(self, copy: Copy) -> None:
        """The mail service will never take this mail."""
        self._alerts.stands(self._finding(copy, ErrorCode.MAIL_REFUSED, part_of(copy.project_id), ""))

    def sent(self, copy: Copy) -> None:
        """The mail service has sent it."""
        self._alerts.over(_organization(copy), ErrorCode.MAIL_REFUSED, part_of(copy.project_id))
        self._alerts.over(self._organization, ErrorCode.MAIL_NOT_ACCEPTED, _SERVICE)

    def undelivered(self, copy: Copy, reason: str) -> None:
        """The recipient has not got it."""
        self._alerts.stands(self._finding(copy, ErrorCode.MAIL_BOUNCED, _recipient(copy), f": {reason}"))

    def delivered(self, copy: Copy) -> None:
        """The recipient has got it."""
        self._alerts.over(_organization(copy), ErrorCode.MAIL_BOUNCED, _recipient(copy))

    def _finding(self, copy: Copy, code: ErrorCode, subject: str, more: str) -> Finding:
        organization = _organization(copy)
        project = OrganizationTables(self._tables, organization).get(PROJECTS, "", copy.project_id or "-")
        return Finding(
            organization,
            code,
            subject,
            f"Mail {copy.kind.value} to {copy.address}{more}",
            link=f"/projects/{copy.project_id}" if project else "",
            client_id=rows.text(project, "client_id") if project else "",
        )


def _organization(copy: Copy) -> str:
    return copy.row.pk.partition("|")[0]


def _recipient(copy: Copy) -> str:
    return f"{part_of(copy.project_id)}:{address_hash(copy.address)}"
