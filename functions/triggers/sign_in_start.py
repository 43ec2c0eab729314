"""Sending a browser to Microsoft: the page that goes there, and the cookie that binds what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import structlog

from functions.dashboard.customer_pages import leaving_page, sign_in_refused_page
from functions.domain.connection import SignInRefused, SignInStart
from functions.triggers.edge_answer import Answer, html_answer, problem_headers, problem_of
from functions.triggers.edge_call import OpenPageCall, PageCall
from functions.triggers.sign_in_cookie import SignInCookie
from migrate_contract.errors import ErrorCode, MigrateError

log = structlog.get_logger("edge")

BEGIN_REFUSALS = (
    ErrorCode.AZURE_ACCOUNT_INVALID,
    ErrorCode.AZURE_CONTAINER_INVALID,
    ErrorCode.AZURE_ACCOUNT_NOT_FOUND,
    ErrorCode.AZURE_ACCOUNT_DISABLED,
    ErrorCode.AZURE_FIREWALL,
    ErrorCode.CUSTOMER_SIGN_IN_MISSING,
    ErrorCode.IDENTITY_MISCONFIGURED,
    ErrorCode.IDENTITY_UNAVAILABLE,
    ErrorCode.TARGET_UNREACHABLE,
    ErrorCode.PROJECT_CLOSED,
)
FINISH_REFUSALS = (
    ErrorCode.SIGN_IN_STATE_LOST,
    ErrorCode.SIGN_IN_EXPIRED,
    ErrorCode.SIGN_IN_REFUSED,
    ErrorCode.AZURE_CONSENT_DENIED,
    ErrorCode.AZURE_APPROVAL_NEEDED,
    ErrorCode.AZURE_WRONG_TENANT,
    ErrorCode.CUSTOMER_SIGN_IN_MISSING,
    ErrorCode.IDENTITY_MISCONFIGURED,
    ErrorCode.IDENTITY_UNAVAILABLE,
    ErrorCode.KEY_VAULT_UNAVAILABLE,
)
SAVE_REFUSALS = (
    ErrorCode.SIGN_IN_EXPIRED,
    ErrorCode.AZURE_ROLE_MISSING,
    ErrorCode.AZURE_ROLE_SCOPE,
    ErrorCode.AZURE_ROLE_WAIT,
    ErrorCode.AZURE_FIREWALL,
    ErrorCode.AZURE_ACCOUNT_DISABLED,
    ErrorCode.AZURE_ACCOUNT_NOT_FOUND,
    ErrorCode.AZURE_WRONG_TENANT,
    ErrorCode.AZURE_CONTAINER_INVALID,
    ErrorCode.AZURE_CREDENTIALS_EXPIRED,
    ErrorCode.CONTAINER_OF_ANOTHER_CLIENT,
    ErrorCode.CUSTOMER_SIGN_IN_MISSING,
    ErrorCode.IDENTITY_MISCONFIGURED,
    ErrorCode.IDENTITY_UNAVAILABLE,
    ErrorCode.KEY_VAULT_UNAVAILABLE,
    ErrorCode.SECRET_UNREADABLE,
    ErrorCode.TARGET_ACCESS_DENIED,
    ErrorCode.TARGET_UNREACHABLE,
    ErrorCode.CHANGED_MEANWHILE,
)
LINK_REFUSALS = (
    ErrorCode.CUSTOMER_LINK_UNKNOWN,
    ErrorCode.CUSTOMER_LINK_DONE,
    ErrorCode.CUSTOMER_LINK_REVOKED,
    ErrorCode.CUSTOMER_LINK_EXPIRED,
)
SITE_ONLY = {"Referrer-Policy": "strict-origin"}
"""The address of a page with a signed link in it is told to nobody, not even to our own pages. With "no-referrer" a
browser would not say the origin of our own forms either, and they would be refused."""


def leave(call: OpenPageCall | PageCall, start: SignInStart, back: str) -> Answer:
    """Result: the page that goes on to Microsoft. `back`: the page that this sign-in began on."""
    address = urlsplit(start.url)
    state = parse_qs(address.query)["state"][0]
    seconds = (start.expires_at - call.services.clock()).total_seconds()
    cookie = SignInCookie(start.browser, back).header(state, seconds, https=is_public_https(call))
    page = html_answer(leaving_page(call.frame, start.url, address.hostname or "", start.account))
    return Answer(page.body, page.status, page.content_type, {**cookie, **SITE_ONLY})


def refused_sign_in(
    call: OpenPageCall | PageCall, fault: MigrateError, back: str, headers: Mapping[str, str] | None = None
) -> Answer:
    """Result: the page of a sign-in that brought no access: what happened, and the one thing to do.

    `back`: the page that it began on, "" where nobody knows.
    """
    log.info("refused", code=fault.code.value)
    problem = problem_of(fault, call.frame.correlation_id, call.services.settings.support)
    tenant_id = fault.tenant_id if isinstance(fault, SignInRefused) else ""
    approval = ""
    if fault.code is ErrorCode.AZURE_APPROVAL_NEEDED and tenant_id:
        approval = f"{call.frame.public_url}/approve/{tenant_id}"
    page = html_answer(sign_in_refused_page(call.frame, problem, back=back, approval=approval), problem.status)
    more = {**problem_headers(problem), **(headers or {}), **SITE_ONLY}
    return Answer(page.body, page.status, page.content_type, more)


def is_public_https(call: OpenPageCall | PageCall) -> bool:
    """Result: whether browsers reach us by TLS: then the cookie goes by nothing else."""
    return call.services.settings.public_url.startswith("https://")
