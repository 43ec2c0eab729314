"""Sending a browser to Microsoft: the page that goes there, and the cookie that binds what comes back."""

from __future__ import annotations

from urllib.parse import urlsplit

from functions.dashboard.customer_pages import leaving_page
from functions.triggers.edge_answer import Answer, html_answer
from functions.triggers.edge_call import OpenPageCall, PageCall
from functions.triggers.sign_in_cookie import SignInCookie, read_cookie

CALLBACK = "/connect/callback"
APPROVED = "/connect/approved"
NO_REFERRER = {"Referrer-Policy": "no-referrer"}
"""The address of a page with a signed link in it is told to nobody, not even to our own pages."""


def browser_of(call: OpenPageCall | PageCall) -> str:
    """Result: this browser's secret: the one that it has, so that sign-ins in two tabs do not end each other."""
    return read_cookie(call.cookies).browser or call.services.tokens.secret()


def leave(call: OpenPageCall | PageCall, address: str, account: str, *, browser: str, back: str) -> Answer:
    """Result: the page that goes on to `address`. `back`: where this sign-in began."""
    services = call.services
    https = services.settings.public_url.startswith("https://")
    cookie = SignInCookie(browser, back).header(services.settings.limits.sign_in_seconds, https=https)
    page = html_answer(leaving_page(call.frame, address, urlsplit(address).hostname or "", account))
    return Answer(page.body, page.status, page.content_type, {**cookie, **NO_REFERRER})
