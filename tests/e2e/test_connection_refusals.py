"""Each refusal on the way to a connection, provoked on real parts: its page names it and says what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import unescape

import httpx
import pytest
from azure.storage.blob import BlobServiceClient

from local import customer_cloud
from local.azurite import sdk_options
from local.customer_cloud import ADMINISTRATOR, GUEST, OWNER, SCOPED, SCOPED_CONTAINER, STRANGER, WITHOUT_ROLE
from local.customer_person import browser_of, operator_browser
from local.entra.browser import Browser, SignInStuck, words_of
from local.entra.refusals import Refusal
from local.stack import Stack
from migrate_contract.errors import CATALOGUE, ErrorCode
from tests.harness.operator import Operator

ACCOUNT = customer_cloud.ACCOUNT
CONTAINER = "archive"
type Prepare = Callable[[Stack], None]


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack on which a missing role is not waited for."""
    with Stack(tmp_path_factory.mktemp("stack"), settings={"ONEMIGRATE_ROLE_WAIT_SECONDS": "0.001"}) as stack:
        account = stack.customer_account.connection_string
        with BlobServiceClient.from_connection_string(account, **sdk_options(stack.ca_file)) as service:
            service.create_container(SCOPED_CONTAINER)
        yield stack


@pytest.fixture
def stack(refusing: Stack) -> Iterator[Stack]:
    yield refusing
    refusing.entra.control.recover()
    refusing.entra.control.allow_user_consent(refusing.customer.tenant_id)
    refusing.entra.control.withdraw_consent(refusing.customer.tenant_id)
    front = refusing.storage_front.control
    front.recover()
    front.firewall(ACCOUNT, closed=False)
    front.disable(ACCOUNT, disabled=False)
    front.move(ACCOUNT, refusing.customer.tenant_id)


@pytest.fixture(scope="module")
def project(refusing: Stack) -> str:
    return Operator(refusing).engagement("Refusals", connected=False).project_id


@pytest.fixture
def browser(stack: Stack) -> Iterator[Browser]:
    with operator_browser(stack) as opened:
        yield opened


def begin(stack: Stack, browser: Browser, project: str, account: str = ACCOUNT) -> httpx.Response:
    page = browser.get(f"{stack.api_url}/projects/{project}/connect")
    return browser.submit(page, "/connect", account=account, container=CONTAINER)


def signed_in(
    stack: Stack, browser: Browser, project: str, kind: str = OWNER, answer: str = "accept"
) -> httpx.Response:
    return browser.sign_in(begin(stack, browser, project), stack.customer.person(kind), answer=answer)


def save(browser: Browser, page: httpx.Response, container: str = CONTAINER) -> httpx.Response:
    assert page.status_code == 200, words_of(page.text)
    return browser.submit(page, page.url.path, container=container)


def says(page: httpx.Response, code: ErrorCode) -> None:
    """The page is this refusal's: its status, its title, and the one thing to do."""
    entry = CATALOGUE[code]
    said = words_of(page.text)
    assert page.status_code == entry.status, said
    assert entry.title in said
    assert " ".join(unescape(entry.fix).split()) in said


@pytest.mark.parametrize(
    ("account", "code"),
    [
        ("nosuchaccount", ErrorCode.AZURE_ACCOUNT_NOT_FOUND),
        ("evil.example", ErrorCode.AZURE_ACCOUNT_INVALID),
        (f"{ACCOUNT}.evil.example", ErrorCode.AZURE_ACCOUNT_INVALID),
    ],
)
def test_the_account(stack: Stack, browser: Browser, project: str, account: str, code: ErrorCode):
    says(begin(stack, browser, project, account), code)


@pytest.mark.parametrize(
    ("kind", "container", "prepare", "code"),
    [
        (WITHOUT_ROLE, CONTAINER, lambda _: None, ErrorCode.AZURE_ROLE_MISSING),
        (SCOPED, SCOPED_CONTAINER, lambda _: None, ErrorCode.AZURE_ROLE_SCOPE),
        (OWNER, CONTAINER, lambda it: it.storage_front.control.firewall(ACCOUNT), ErrorCode.AZURE_FIREWALL),
        (OWNER, CONTAINER, lambda it: it.storage_front.control.disable(ACCOUNT), ErrorCode.AZURE_ACCOUNT_DISABLED),
        (
            OWNER,
            CONTAINER,
            lambda it: it.storage_front.control.move(ACCOUNT, it.customer.other_tenant_id),
            ErrorCode.AZURE_WRONG_TENANT,
        ),
        (
            OWNER,
            CONTAINER,
            lambda it: it.entra.control.revoke(it.customer.object_ids[OWNER]),
            ErrorCode.AZURE_CREDENTIALS_EXPIRED,
        ),
    ],
    ids=["role-missing", "role-scope", "firewall", "disabled", "wrong-tenant", "revoked"],
)
def test_the_access(
    stack: Stack, browser: Browser, project: str, kind: str, container: str, prepare: Prepare, code: ErrorCode
):
    page = signed_in(stack, browser, project, kind)
    prepare(stack)
    says(save(browser, page, container), code)


@pytest.mark.parametrize(
    ("prepare", "answer", "code"),
    [
        (lambda _: None, "cancel", ErrorCode.AZURE_CONSENT_DENIED),
        (lambda it: it.entra.control.expire_secret(), "accept", ErrorCode.IDENTITY_MISCONFIGURED),
        (lambda it: it.entra.control.forge_id_tokens(wrong_key=True), "accept", ErrorCode.SIGN_IN_REFUSED),
        (lambda it: it.entra.control.forge_id_tokens(aud="another"), "accept", ErrorCode.SIGN_IN_REFUSED),
        (lambda it: it.entra.control.forge_id_tokens(iss="https://evil.example"), "accept", ErrorCode.SIGN_IN_REFUSED),
    ],
    ids=["consent-denied", "our-secret", "forged-key", "forged-audience", "forged-issuer"],
)
def test_the_sign_in(stack: Stack, browser: Browser, project: str, prepare: Prepare, answer: str, code: ErrorCode):
    page = begin(stack, browser, project)
    prepare(stack)
    says(browser.sign_in(page, stack.customer.person(OWNER), answer=answer), code)


def test_an_administrator_approves_by_the_page_that_is_named(stack: Stack, browser: Browser, project: str):
    stack.entra.control.allow_user_consent(stack.customer.tenant_id, allowed=False)
    refused = signed_in(stack, browser, project)
    says(refused, ErrorCode.AZURE_APPROVAL_NEEDED)
    address = f"/approve/{stack.customer.tenant_id}"
    assert address in refused.text
    with browser_of(stack) as elsewhere:
        page = elsewhere.get(stack.api_url + address)
        link = next(target for target in links_of(page.text) if target.startswith(stack.entra.authority))
        approved = elsewhere.sign_in(elsewhere.get(link), stack.customer.person(ADMINISTRATOR))
    assert approved.status_code == 200, words_of(approved.text)
    assert signed_in(stack, browser, project).status_code == 200


def test_a_stranger_does_not_leave_microsoft_and_a_guest_connects(stack: Stack, browser: Browser, project: str):
    with pytest.raises(SignInStuck, match="AADSTS50020"):
        signed_in(stack, browser, project, STRANGER)
    saved = save(browser, signed_in(stack, browser, project, GUEST))
    assert saved.url.path == f"/projects/{project}", words_of(saved.text)


def test_an_answer_counts_once_in_its_own_browser(stack: Stack, browser: Browser, project: str):
    signed_in(stack, browser, project)
    used = next(address for address in reversed(browser.visited) if "/connect/callback" in address)
    says(browser.get(used), ErrorCode.SIGN_IN_STATE_LOST)
    says(browser.get(f"{stack.api_url}/connect/callback?code=x&state=y"), ErrorCode.SIGN_IN_STATE_LOST)
    page = begin(stack, browser, project)
    with browser_of(stack) as thief:
        says(thief.sign_in(page, stack.customer.person(OWNER)), ErrorCode.SIGN_IN_STATE_LOST)


def test_a_service_that_is_away_is_tried_again(stack: Stack, browser: Browser, project: str):
    """The last one here: for some seconds nobody asks that service again."""
    page = begin(stack, browser, project)
    stack.entra.control.refuse(Refusal.UNAVAILABLE)
    says(browser.sign_in(page, stack.customer.person(OWNER)), ErrorCode.IDENTITY_UNAVAILABLE)


def links_of(html: str) -> list[str]:
    """Result: where the page's links lead."""
    return [unescape(part.partition('"')[0]) for part in html.split('href="')[1:]]
