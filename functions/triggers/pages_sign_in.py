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
    sign_in_refused_page,
)
from functions.triggers.edge_answer import Answer, problem_of
from functions.triggers.edge_call import OpenPageCall
from functions.triggers.edge_pages import PageRoutes
from functions.triggers.edge_request import Query
from functions.triggers.sign_in_cookie import read_cookie
from functions.triggers.sign_in_start import NO_REFERRER
from migrate_contract.errors import ErrorCode, MigrateError

pages = PageRoutes("sign-in", problem_page=customer_problem_page)

TenantId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
Short = Annotated[str, StringConstraints(max_length=200)]
Long = Annotated[str, StringConstraints(max_length=8000)]


class CallbackQuery(Query):
    """What Microsoft sends back with the browser."""

    state: Short = ""
    code: Long = ""
    error: Short = ""
    error_description: Long = ""

    def answer(self) -> SignInAnswer:
        """Result: what the service judges."""
        return SignInAnswer(self.state, self.code, self.error, self.error_description)


class ApprovedQuery(Query):
    """What Microsoft sends back after an administrator's decision."""

    admin_consent: Short = ""
    error: Short = ""
    error_description: Long = ""


def _refused(call: OpenPageCall, refused: SignInRefused, back: str) -> Answer:
    """Result: the page of a sign-in that ended without access: what happened, and the one thing to do."""
    problem = problem_from(refused.fault, page_sign_in_callback_codes, call.frame.correlation_id, call.services)
    approval = ""
    if refused.fault.code is ErrorCode.AZURE_APPROVAL_NEEDED and refused.tenant_id:
        approval = f"{call.frame.public_url}/approve/{refused.tenant_id}"
    text = sign_in_refused_page(call.frame, problem, back=back, approval=approval)
    page = html_answer(text, problem.status)
    return Answer(page.body, page.status, page.content_type, NO_REFERRER)


@pages.open_page("connect/callback", refusals=SIGN_IN_REFUSALS)
def page_sign_in_callback(call: OpenPageCall, query: CallbackQuery) -> Answer:
    """Where Microsoft sends the browser back to: on to the next step, or why not."""
    cookie = read_cookie(call.cookies)
    try:
        path = call.services.connecting.finish(query.answer(), cookie.browser)
    except SignInRefused as refused:
        return _refused(call, refused, cookie.back)
    return call.see_other(path)


@pages.open_page("approve/{tenant_id}", refusals=(ErrorCode.AZURE_CONSENT_NOT_SET_UP,))
def page_approve(call: OpenPageCall, tenant_id: TenantId) -> Answer:
    """For an administrator of the customer's tenant: what is asked for, and the way to approve it."""
    asked = call.services.connecting.approval(tenant_id)
    return call.html(approval_page(call.frame, asked.address, tenant_id, asked.client_id))


@pages.open_page("connect/approved", refusals=(ErrorCode.AZURE_CONSENT_DENIED,))
def page_approved(call: OpenPageCall, query: ApprovedQuery) -> Answer:
    """Where Microsoft sends the administrator back to."""
    call.services.connecting.approved(query.admin_consent, query.error)
    return call.html(approved_page(call.frame))
