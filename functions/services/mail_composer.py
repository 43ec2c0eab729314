"""Makes the mail of a copy: its words, where its button leads, and how its reader can have no more of it."""

from __future__ import annotations

from collections.abc import Mapping

from functions.domain import rows
from functions.domain.mail import (
    ASKED_FOR,
    WITH_RECONNECT_LINK,
    MailContext,
    MailKind,
    MailMessage,
    MailTexts,
    ReconnectLinks,
)
from functions.domain.mail_rows import Copy, facts_of
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Row, Tables
from functions.services.clients import TABLE as CLIENTS
from functions.services.deployment import Deployment
from functions.services.projects import TABLE as PROJECTS
from functions.services.recipients import Recipients
from functions.services.unsubscribes import Unsubscribes


class MailComposer:
    """Gathers what a letter needs at the moment when it is sent: names may have changed, links are made fresh."""

    def __init__(
        self,
        tables: Tables,
        deployment: Deployment,
        texts: MailTexts,
        recipients: Recipients,
        unsubscribes: Unsubscribes,
        reconnect_links: ReconnectLinks,
    ) -> None:
        self._tables = tables
        self._deployment = deployment
        self._texts = texts
        self._recipients = recipients
        self._unsubscribes = unsubscribes
        self._reconnect_links = reconnect_links

    def compose(self, organization: str, letter: Row, copy: Copy) -> MailMessage | None:
        """Result: the mail; None where its recipient wants no mail of this kind."""
        if self._is_muted(organization, copy):
            return None
        facts = facts_of(letter)
        project, client = self._names(organization, copy.project_id)
        unsubscribe = ""
        if copy.kind not in ASKED_FOR:
            unsubscribe = self._unsubscribes.link(organization, copy.project_id, copy.address, copy.kind)
        context = MailContext(
            organization_name=self._deployment.organization_name,
            project_name=project,
            client_name=client,
            link=self._link(organization, copy.kind, copy.project_id, facts),
            support=self._deployment.support,
            unsubscribe_link=unsubscribe,
        )
        text = self._texts.write(copy.kind, facts, context)
        return MailMessage(copy.address, text.subject, text.plain, text.html, _headers(unsubscribe))

    def _is_muted(self, organization: str, copy: Copy) -> bool:
        return copy.kind not in ASKED_FOR and self._recipients.is_muted(
            organization, copy.project_id, copy.address, copy.kind
        )

    def _names(self, organization: str, project_id: str) -> tuple[str, str]:
        """Result: the names of project and client, empty where there is none."""
        tables = OrganizationTables(self._tables, organization)
        project = tables.get(PROJECTS, "", project_id) if project_id else None
        client = tables.get(CLIENTS, "", rows.text(project, "client_id")) if project else None
        return rows.text(project, "name") if project else "", rows.text(client, "name") if client else ""

    def _link(self, organization: str, kind: MailKind, project_id: str, facts: Mapping[str, str]) -> str:
        """Result: the address behind the mail's button."""
        if kind in WITH_RECONNECT_LINK:
            return self._reconnect_links(organization, project_id)
        if "job_id" in facts:
            path = f"/jobs/{facts['job_id']}"
        elif "agent_id" in facts:
            path = f"/agents/{facts['agent_id']}"
        elif project_id:
            path = f"/projects/{project_id}"
        else:
            path = f"/help/{facts['code']}" if "code" in facts else "/help"
        return self._deployment.public_url + path


def _headers(unsubscribe_link: str) -> dict[str, str]:
    """Result: what mail programs show as "unsubscribe" (RFC 2369, RFC 8058), and what tells other machines to be quiet.

    Out-of-office answers are not wanted by whoever owns the sender's address (RFC 3834).
    """
    headers = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "OOF, AutoReply"}
    if unsubscribe_link:
        headers["List-Unsubscribe"] = f"<{unsubscribe_link}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers
