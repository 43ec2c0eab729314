"""Coming back from Microsoft: the callback of a sign-in, and an administrator's approval. Open to everybody.

What comes back is believed only with its state, once, in the browser that began (see the services and the cookie).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from functions.dashboard.customer_pages import (
    approval_page,
    approved_page,
    customer_problem_page,
)
from functions.triggers.edge_answer import Answer, see_other
from functions.triggers.edge_call import OpenPageCall
from functions.triggers.edge_pages import PageRoutes
from functions.triggers.edge_paths import TenantId
from functions.triggers.edge_request import Query
from functions.triggers.sign_in_cookie import forget_header, read_cookie
from functions.triggers.sign_in_start import FINISH_REFUSALS, is_public_https, refused_sign_in
from migrate_contract.errors import ErrorCode, Fatal, MigrateError

pages = PageRoutes("sign-in", problem_page=customer_problem_page)

Short = Annotated[str, StringConstraints(max_length=300)]
Long = Annotated[str, StringConstraints(max_length=8000)]


class CallbackQuery(Query):
    """What Microsoft sends back with the browser."""

    state: Short = ""
    code: Long = ""
    error: Short = ""
    error_description: Long = ""
    error_subcode: Short = ""
    session_state: Short = ""
    client_info: Long = ""

    def answer(self) -> dict[str, str]:
        """Result: what the service judges: the parts that were sent."""
        return {name: text for name, text in self.model_dump().items() if text}


class ApprovedQuery(Query):
    """What Microsoft sends back after an administrator's decision."""

    admin_consent: Short = ""
    error: Short = ""


@pages.open_page("connect/callback", refusals=FINISH_REFUSALS)
def page_sign_in_callback(call: OpenPageCall, query: CallbackQuery) -> Answer:
    """Where Microsoft sends the browser back to: on to the next step, or why not."""
    cookie = read_cookie(call.cookies, query.state)
    forget = forget_header(query.state, https=is_public_https(call))
    try:
        draft = call.services.connecting.finish(cookie.browser, query.answer())
    except MigrateError as fault:
        return refused_sign_in(call, fault, cookie.back, forget)
    return see_other(f"{cookie.back or f'/projects/{draft.project_id}/connect'}/{draft.draft_id}", headers=forget)


@pages.open_page("approve/{tenant_id}", refusals=(ErrorCode.CUSTOMER_SIGN_IN_MISSING,))
def page_approve(call: OpenPageCall, tenant_id: TenantId) -> Answer:
    """For an administrator of the customer's tenant: what is asked for, and the way to approve it."""
    return call.html(approval_page(call.frame, call.services.connecting.approval_url(tenant_id), tenant_id))


@pages.open_page("connect/approved", refusals=(ErrorCode.AZURE_CONSENT_DENIED,))
def page_approved(call: OpenPageCall, query: ApprovedQuery) -> Answer:
    """Where Microsoft sends the administrator back to."""
    if query.error or query.admin_consent.lower() != "true":
        raise Fatal(ErrorCode.AZURE_CONSENT_DENIED, "Microsoft says that it was not approved.")
    return call.html(approved_page(call.frame))
