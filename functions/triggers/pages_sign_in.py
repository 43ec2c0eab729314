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
    error_subcode: Short = ""


class ApprovedQuery(Query):
    """What Microsoft sends back after an administrator's decision."""

    admin_consent: Short = ""
    error: Short = ""
    error_description: Long = ""


@pages.open_page("connect/callback", refusals=SIGN_IN_REFUSALS)
def page_sign_in_callback(call: OpenPageCall, query: CallbackQuery) -> Answer:
    """Where Microsoft sends the browser back to: on to the next step, or why not."""
    cookie = read_cookie(call.cookies)
    try:
        done = call.services.sign_ins.finish(query.answer(), cookie.browser)
    except MigrateError as fault:
        return _refused(call, fault, cookie.back)
    return see_other(_next(call, done))


@pages.open_page("approve/{tenant_id}")
def page_approve(call: OpenPageCall, tenant_id: TenantId) -> Answer:
    """For an administrator of the customer's tenant: what is asked for, and the way to approve it."""
    address = call.services.sign_ins.approval_address(tenant_id)
    client_id = call.services.settings.consent_client_id or ""
    return call.html(approval_page(call.frame, address, tenant_id, client_id))


@pages.open_page("connect/approved")
def page_approved(call: OpenPageCall, query: ApprovedQuery) -> Answer:
    """Where Microsoft sends the administrator back to."""
    if query.error or query.admin_consent.lower() != "true":
        raise Fatal(ErrorCode.AZURE_APPROVAL_DECLINED, "Microsoft says that it was not approved.")
    return call.html(approved_page(call.frame))
