"""Sending a browser to Microsoft: the page that goes there, and the cookie that binds what comes back."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from functions.dashboard.customer_pages import leaving_page
from functions.domain.connection import SignInStart
from functions.triggers.edge_answer import Answer, html_answer
from functions.triggers.edge_call import OpenPageCall, PageCall
from functions.triggers.sign_in_cookie import SignInCookie
from migrate_contract.errors import ErrorCode

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
NO_REFERRER = {"Referrer-Policy": "no-referrer"}
"""The address of a page with a signed link in it is told to nobody, not even to our own pages."""


def leave(call: OpenPageCall | PageCall, start: SignInStart, back: str) -> Answer:
    """Result: the page that goes on to Microsoft. `back`: the page that this sign-in began on."""
    address = urlsplit(start.url)
    state = parse_qs(address.query)["state"][0]
    seconds = (start.expires_at - call.services.clock()).total_seconds()
    cookie = SignInCookie(start.browser, back).header(state, seconds, https=is_public_https(call))
    page = html_answer(leaving_page(call.frame, start.url, address.hostname or "", start.account))
    return Answer(page.body, page.status, page.content_type, {**cookie, **NO_REFERRER})


def is_public_https(call: OpenPageCall | PageCall) -> bool:
    """Result: whether browsers reach us by TLS: then the cookie goes by nothing else."""
    return call.services.settings.public_url.startswith("https://")
