"""An operator's pages about links for the customer: make, show, send, revoke."""

from __future__ import annotations

from functions.dashboard.confirm_page import confirm_page
from functions.dashboard.confirmations import revoke_link
from functions.dashboard.connect_pages import AccountForm, connect_page
from functions.dashboard.flashes import Done, after
from functions.dashboard.links_page import link_address_page, links_page
from functions.dashboard.problem_page import problem_page
from functions.domain.caller import Role
from functions.triggers.edge_answer import Answer
from functions.triggers.edge_call import PageCall
from functions.triggers.edge_pages import PageRoutes, RefusedForm
from functions.triggers.edge_paths import LinkId
from functions.triggers.page_reads import typed
from migrate_contract.errors import ErrorCode
from migrate_contract.problem import Problem
from migrate_contract.wire import ProjectId

pages = PageRoutes("links", problem_page=problem_page)

_TYPED = (ErrorCode.AZURE_ACCOUNT_INVALID, ErrorCode.AZURE_CONTAINER_INVALID)
_ENDED = (
    ErrorCode.CUSTOMER_LINK_DONE,
    ErrorCode.CUSTOMER_LINK_REVOKED,
    ErrorCode.CUSTOMER_LINK_EXPIRED,
)


def _links(call: PageCall, project_id: str, refusal: Problem | None = None) -> str:
    return links_page(
        call.frame,
        call.services.clock(),
        call.services.projects.show(call.caller, project_id),
        call.services.customer_links.of_project(call.caller, project_id),
        recipients=len(call.services.recipients.list(call.caller, project_id).items),
        refusal=refusal,
    )


def _links_refused(call: PageCall, refused: RefusedForm, project_id: str) -> str:
    return _links(call, project_id, refused.problem)


def _account_again(call: PageCall, refused: RefusedForm, project_id: str) -> str:
    return connect_page(call.frame, call.services.projects.show(call.caller, project_id), typed(refused))


@pages.page("projects/{project_id}/links")
def page_links(call: PageCall, project_id: ProjectId) -> Answer:
    """The links of a project."""
    return call.html(_links(call, project_id))


@pages.form("projects/{project_id}/links", again=_account_again, refusals=_TYPED)
def page_link_create(call: PageCall, project_id: ProjectId, form: AccountForm) -> Answer:
    """Makes a link and shows its address."""
    link = call.services.customer_links.create(call.caller, project_id, form.account, form.container)
    return call.see_other(f"/projects/{project_id}/links/{link.link_id}")


@pages.form(
    "projects/{project_id}/links/send",
    again=_links_refused,
    refusals=(ErrorCode.MAIL_NO_RECIPIENT, ErrorCode.AZURE_ACCOUNT_INVALID),
)
def page_link_send(call: PageCall, project_id: ProjectId) -> Answer:
    """Sends a link to the project's recipients."""
    call.services.link_mail.send(call.caller, project_id)
    return call.see_other(after(f"/projects/{project_id}/links", Done.LINK_SENT))


@pages.page("projects/{project_id}/links/{link_id}", role=Role.OPERATOR, refusals=_ENDED)
def page_link(call: PageCall, project_id: ProjectId, link_id: LinkId) -> Answer:
    """The address of an open link, to be copied."""
    path = call.services.customer_links.show_address(call.caller, project_id, link_id)
    project = call.services.projects.show(call.caller, project_id)
    return call.html(link_address_page(call.frame, project, call.frame.public_url + path))


@pages.page("projects/{project_id}/links/{link_id}/confirm-revoke", role=Role.OPERATOR)
def page_link_confirm_revoke(call: PageCall, project_id: ProjectId, link_id: LinkId) -> Answer:
    """Asks before a link is revoked."""
    project = call.services.projects.show(call.caller, project_id)
    return call.html(confirm_page(call.frame, revoke_link(project, link_id)))


@pages.form("projects/{project_id}/links/{link_id}/revoke", again=None, refusals=(ErrorCode.CHANGED_MEANWHILE,))
def page_link_revoke(call: PageCall, project_id: ProjectId, link_id: LinkId) -> Answer:
    """Revokes a link."""
    call.services.customer_links.revoke(call.caller, project_id, link_id)
    return call.see_other(after(f"/projects/{project_id}/links", Done.LINK_REVOKED))
