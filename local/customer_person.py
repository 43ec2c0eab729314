"""What people do to connect a project, in the demonstration and in tests: sign in, choose, save, on the pages."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx

from local import customer_cloud
from local.entra.browser import Browser, words_of
from local.entra.directory import Person
from local.stack import Stack


class NotConnected(Exception):
    """The pages did not lead to a saved connection; the message is what the last one says."""


def operator_browser(stack: Stack) -> Browser:
    """A browser in which the stack's first operator is signed in; close it."""
    browser = browser_of(stack)
    browser.get(f"{stack.api_url}/.auth/login/aad?post_login_redirect_uri=/")
    return browser


def browser_of(stack: Stack) -> Browser:
    """A browser in which nobody is signed in; close it."""
    return Browser(stack.ca_file, stack.entra.authority)


def connect_project(
    stack: Stack,
    project_id: str,
    container: str,
    *,
    person: Person | None = None,
    account: str = customer_cloud.ACCOUNT,
) -> None:
    """Connect a project to a customer's account as an operator, with that person's sign-in (the owner's by default).

    Raises NotConnected.
    """
    signs_in = person or stack.customer.person(customer_cloud.OWNER)
    with operator_browser(stack) as browser:
        page = browser.get(f"{stack.api_url}/projects/{project_id}/connect")
        page = browser.submit(page, f"/projects/{project_id}/connect", account=account, container=container)
        _need_to_be_at(page, stack.entra.authority)
        page = browser.sign_in(page, signs_in)
        draft = _need_to_be_at(page, stack.api_url)
        page = browser.submit(page, draft, container=container)
        if _need_to_be_at(page, stack.api_url) != f"/projects/{project_id}":
            raise NotConnected(words_of(page.text))


def _need_to_be_at(page: httpx.Response, site: str) -> str:
    """The path of a page that is of that site and is no refusal."""
    if page.status_code != httpx.codes.OK or urlsplit(str(page.url)).netloc != urlsplit(site).netloc:
        raise NotConnected(f"{page.status_code} at {page.url.copy_with(query=None)}: {words_of(page.text)}")
    return page.url.path
