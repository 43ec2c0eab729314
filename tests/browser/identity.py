"""Signing in at the local identity server by its buttons, as a customer's person does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, expect

from local.customer_cloud import OWNER
from local.stack import Stack


@contextmanager
def customer(browser: Browser, *, script: bool = True, width: int = 1280) -> Iterator[Page]:
    """Result: a page in a profile of its own, in which no operator is signed in."""
    context = browser.new_context(
        ignore_https_errors=True, java_script_enabled=script, viewport={"width": width, "height": 900}
    )
    try:
        yield context.new_page()
    finally:
        context.close()


def pick(page: Page, stack: Stack, kind: str = OWNER) -> None:
    """Waits for the identity server, and picks the person."""
    expect(page.get_by_role("heading", name="Pick an account")).to_be_visible()
    page.get_by_role("button", name=stack.customer.person(kind).name).click()


def accept(page: Page, stack: Stack) -> None:
    """Accepts what is asked for; a person who has accepted before is not asked again."""
    if page.url.startswith(stack.entra.authority):
        page.get_by_role("button", name="Accept").click()
    page.wait_for_url(re.compile(re.escape(stack.api_url)))


def sign_in(page: Page, stack: Stack, kind: str = OWNER) -> None:
    """The whole way at the identity server, and back."""
    pick(page, stack, kind)
    page.wait_for_load_state()
    accept(page, stack)
