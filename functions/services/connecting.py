"""Connecting: the steps from a storage account to a saved connection, for an operator or for a customer with a link.

Both walk the same way: sign in, prove the access, save. What differs is where the right to do so comes from, and that
a customer neither chooses the account nor the container: the link or the connection before it says them.
"""

from __future__ import annotations

from collections.abc import Mapping

from functions.domain.caller import OperatorCaller, Role
from functions.domain.connection import Connector, SignInStart
from functions.domain.connection_views import Chosen, ContainersView, DraftView
from functions.domain.customer_link import LinkVisit, Shown
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Tables
from functions.domain.views import ProjectStatus, ProjectView
from functions.services.connection_drafts import ConnectionDrafts
from functions.services.customer_links import CustomerLinks
from functions.services.projects import TABLE as PROJECTS
from functions.services.projects import need_project, project_view
from functions.services.sign_ins import SignIns
from migrate_contract.errors import ErrorCode, Fatal, MigrateError


class Connecting:
    """Checks the right to connect, and ends the links of a project that was saved."""

    def __init__(self, tables: Tables, sign_ins: SignIns, drafts: ConnectionDrafts, links: CustomerLinks) -> None:
        self._tables = tables
        self._sign_ins = sign_ins
        self._drafts = drafts
        self._links = links

    def begin(self, caller: OperatorCaller, project_id: str, account: str, container: str) -> SignInStart:
        """Result: where to send the operator's browser; account and container as typed. Raises as SignIns.begin."""
        return self._sign_ins.begin(self._operator(caller, project_id), account, container)

    def finish(self, browser: str, answer: Mapping[str, str]) -> DraftView:
        """Result: the draft, for whoever began. Raises as SignIns.finish."""
        return self._sign_ins.finish(browser, answer)

    def approval_url(self, tenant_id: str) -> str:
        """Result: where an administrator of that tenant approves us."""
        return self._sign_ins.approval_url(tenant_id)

    def draft(self, caller: OperatorCaller, project_id: str, draft_id: str) -> Chosen:
        """Result: what the operator's sign-in has brought, and the account's containers or why they are not listed.

        Raises as ConnectionDrafts.show.
        """
        who = self._operator(caller, project_id)
        draft = self._drafts.show(who, draft_id)
        try:
            return Chosen(draft, self._drafts.containers(who, draft_id))
        except MigrateError as fault:
            return Chosen(draft, ContainersView(listed=False), fault)

    def containers(self, caller: OperatorCaller, project_id: str, draft_id: str) -> ContainersView:
        """Result: the account's containers. Raises as ConnectionDrafts.containers."""
        return self._drafts.containers(self._operator(caller, project_id), draft_id)

    def save(self, caller: OperatorCaller, project_id: str, draft_id: str, container: str) -> None:
        """Proves the access and saves. Raises as ConnectionDrafts.save."""
        self._save(self._operator(caller, project_id), draft_id, container)

    def visit(self, token: str) -> Shown:
        """Result: what the link's page shows. Raises as CustomerLinks.open."""
        link = self._links.open(token)
        project = self._project(link)
        connection = project.azure_connection
        theirs = connection if connection is not None and connection.signs_in else None
        account = link.account or (theirs.account if theirs else "")
        same = theirs is not None and theirs.account == account
        ended = project.status is ProjectStatus.AUTH_REQUIRED
        return Shown(
            link=link,
            account=account,
            container=link.container or (theirs.container if theirs else ""),
            connected=same and not ended,
            ended=same and ended,
        )

    def begin_visit(self, token: str) -> SignInStart:
        """Result: where to send the customer's browser. Raises as CustomerLinks.open and SignIns.begin."""
        shown = self.visit(token)
        return self._sign_ins.begin(_customer(shown.link), shown.account, shown.container)

    def visit_draft(self, token: str, draft_id: str) -> tuple[Shown, DraftView]:
        """Result: what the customer's sign-in has brought. Raises as CustomerLinks.open and ConnectionDrafts.show."""
        shown = self.visit(token)
        return shown, self._drafts.show(_customer(shown.link), draft_id)

    def save_visit(self, token: str, draft_id: str) -> None:
        """Proves the access and saves, which ends the link. Raises as CustomerLinks.open and ConnectionDrafts.save."""
        shown = self.visit(token)
        self._save(_customer(shown.link), draft_id, shown.container)

    def _save(self, who: Connector, draft_id: str, container: str) -> None:
        self._drafts.save(who, draft_id, container)
        self._links.saved(who.organization, who.project_id)

    def _operator(self, caller: OperatorCaller, project_id: str) -> Connector:
        """Result: the operator as who connects. Raises Fatal(role-insufficient), Fatal(not-found)."""
        caller.need(Role.OPERATOR)
        need_project(self._tables, caller, project_id)
        return Connector(caller.organization, project_id, caller.label)

    def _project(self, link: LinkVisit) -> ProjectView:
        row = OrganizationTables(self._tables, link.organization).get(PROJECTS, "", link.project_id)
        if row is None:
            raise Fatal(ErrorCode.CUSTOMER_LINK_UNKNOWN, "The project was deleted.")
        return project_view(row, "")


def _customer(link: LinkVisit) -> Connector:
    return Connector(link.organization, link.project_id, link.label)
