"""Connecting a customer's storage account: by an operator, by the customer with a link, and every way to be refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from local.customer_cloud import ACCOUNT, ADMINISTRATOR, OWNER, SCOPED, SCOPED_CONTAINER, STRANGER, WITHOUT_ROLE
from local.entra.refusals import Refusal
from local.stack import Stack
from tests.browser.chromium import page_overflow
from tests.browser.dashboard import Dashboard
from tests.browser.identity import customer, pick, sign_in


@pytest.fixture
def operator(browser: Browser, stack: Stack, request: pytest.FixtureRequest) -> Iterator[Dashboard]:
    """An operator on the page of a new project; the identity server trusts nobody's word yet."""
    stack.entra.control.recover()
    stack.entra.control.allow_user_consent(stack.customer.tenant_id)
    with customer(browser) as page:
        dashboard = Dashboard(page, stack)
        dashboard.sign_in()
        dashboard.create_client(f"Client of {request.node.name}"[:100])
        dashboard.create_project("Files")
        yield dashboard
    stack.entra.control.recover()
    stack.entra.control.allow_user_consent(stack.customer.tenant_id)


def begin(operator: Dashboard, account: str = ACCOUNT, container: str = "") -> None:
    """From the project's page to Microsoft."""
    page = operator.page
    page.get_by_role("link", name=re.compile("(Connect|Reconnect) Azure Storage")).first.click()
    page.get_by_role("textbox", name="Storage account").fill(account)
    page.get_by_role("textbox", name="Container").fill(container)
    page.get_by_role("button", name="Sign in with Microsoft").click()


def connect(operator: Dashboard, container: str, kind: str = OWNER) -> None:
    begin(operator, container=container)
    sign_in(operator.page, operator.stack, kind)
    operator.page.get_by_role("button", name="Test and save").click()
    expect(operator.page.get_by_text("Azure Storage is connected.", exact=True)).to_be_visible()


def make_link(operator: Dashboard, container: str) -> str:
    """Result: the address of a link for an account that was not connected before."""
    page = operator.page
    page.get_by_role("link", name="Connect Azure Storage").click()
    page.get_by_role("textbox", name="Storage account").fill(ACCOUNT)
    page.get_by_role("textbox", name="Container").fill(container)
    page.get_by_role("button", name="Make a link for the customer").click()
    return page.locator("#address").inner_text()


def expect_heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def test_an_operator_connects_an_account_and_disconnects_it(operator: Dashboard) -> None:
    page = operator.page
    begin(operator)
    sign_in(page, operator.stack)
    expect_heading(page, "Choose the container")
    expect(page.get_by_text("Olivia Owner (olivia@contoso.example)")).to_be_visible()
    page.get_by_role("textbox", name=re.compile("Or another one|Container")).fill("by-operator")
    page.get_by_role("button", name="Test and save").click()
    expect(page.get_by_text("Azure Storage is connected.", exact=True)).to_be_visible()
    card = page.locator("section", has=page.get_by_role("heading", name="Azure Storage", exact=True))
    for words in (ACCOUNT, "by-operator", "Olivia Owner", "Connected"):
        expect(card).to_contain_text(words)
    card.get_by_role("link", name="Reconnect Azure Storage").click()
    expect(page.get_by_role("textbox", name="Storage account")).to_have_value(ACCOUNT)
    expect(page.get_by_role("textbox", name="Container")).to_have_value("by-operator")
    page.get_by_role("link", name="Not now").click()
    card.get_by_role("link", name="Disconnect").click()
    page.get_by_role("button", name="Disconnect").click()
    expect(page.get_by_text("Azure Storage is disconnected")).to_be_visible()


def test_a_container_of_the_account_is_picked(operator: Dashboard) -> None:
    connect(operator, "to-be-picked")
    begin(operator)
    sign_in(operator.page, operator.stack)
    operator.page.get_by_label("to-be-picked").check()
    operator.page.get_by_role("button", name="Test and save").click()
    expect(operator.page.get_by_text("Azure Storage is connected.", exact=True)).to_be_visible()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_a_customer_connects_by_a_link_without_an_account_here(
    operator: Dashboard, browser: Browser, script: bool
) -> None:
    stack = operator.stack
    link = make_link(operator, "by-link")
    with customer(browser, script=script, width=400) as page:
        page.goto(link)
        expect_heading(page, "Connect Azure Storage")
        for words in (ACCOUNT, "by-link", "Not connected yet"):
            expect(page.locator("main")).to_contain_text(words)
        expect(page.get_by_role("navigation")).to_have_count(0)
        assert page_overflow(page) == 0
        page.get_by_role("button", name="Sign in with Microsoft").click()
        sign_in(page, stack)
        expect_heading(page, "One more step")
        assert page_overflow(page) == 0
        page.get_by_role("button", name="Test and save").click()
        expect_heading(page, "Azure Storage is connected")
        page.goto(link)
        expect_heading(page, "Azure Storage is connected already")
        page.goto(stack.api_url + "/projects")
        expect_heading(page, "Sign-in required")
    operator.page.get_by_role("link", name="Back to the project").click()
    expect(operator.page.get_by_text("by customer link")).to_be_visible()


def test_who_declines_is_told_to_accept_and_can_try_again_at_once(operator: Dashboard) -> None:
    page, stack = operator.page, operator.stack
    stack.entra.control.withdraw_consent(stack.customer.tenant_id)
    begin(operator, container="declined")
    pick(page, stack)
    page.get_by_role("button", name="Cancel").click()
    expect_heading(page, "The permission to use Azure Storage was not given")
    expect(page.locator("main")).to_contain_text("choose Accept")
    page.get_by_role("link", name="Sign in again").click()
    expect_heading(page, "Connect Azure Storage")


def test_an_administrator_approves_by_the_link_of_the_refusal(operator: Dashboard, browser: Browser) -> None:
    stack = operator.stack
    stack.entra.control.withdraw_consent(stack.customer.tenant_id)
    stack.entra.control.allow_user_consent(stack.customer.tenant_id, False)
    link = make_link(operator, "approved")
    with customer(browser) as page:
        page.goto(link)
        page.get_by_role("button", name="Sign in with Microsoft").click()
        pick(page, stack)
        page.get_by_role("button", name=re.compile("Return to the application")).click()
        expect_heading(page, "An administrator of the storage account's tenant has to approve OneMigrate first")
        approval = page.locator("#approval").inner_text()
        with customer(browser, script=False) as admin:
            admin.goto(approval)
            expect_heading(admin, "Approve OneMigrate for your organization")
            admin.get_by_role("link", name="Review and approve at Microsoft").click()
            pick(admin, stack, ADMINISTRATOR)
            admin.get_by_role("button", name="Accept").click()
            expect_heading(admin, "OneMigrate is approved")
        page.get_by_role("link", name=re.compile("Sign in again")).click()
        page.get_by_role("button", name="Sign in with Microsoft").click()
        pick(page, stack)
        page.get_by_role("button", name="Test and save").click()
        expect_heading(page, "Azure Storage is connected")


def test_an_administrator_may_decline(stack: Stack, browser: Browser) -> None:
    stack.entra.control.withdraw_consent(stack.customer.tenant_id)
    with customer(browser) as admin:
        admin.goto(f"{stack.api_url}/approve/{stack.customer.tenant_id}")
        admin.get_by_role("link", name="Review and approve at Microsoft").click()
        pick(admin, stack, ADMINISTRATOR)
        admin.get_by_role("button", name="Cancel").click()
        expect_heading(admin, "The permission to use Azure Storage was not given")


@pytest.mark.parametrize(
    ("kind", "container", "code"),
    [(WITHOUT_ROLE, "no-role", "azure-role-"), (SCOPED, SCOPED_CONTAINER, "azure-role-")],
)
def test_a_missing_role_is_named_and_its_person(operator: Dashboard, kind: str, container: str, code: str) -> None:
    page, stack = operator.page, operator.stack
    begin(operator, container=container)
    sign_in(page, stack, kind)
    page.get_by_role("button", name="Test and save").click()
    notice = page.get_by_role("alert")
    expect(notice).to_contain_text(code)
    expect(notice).to_contain_text("What to do:")
    expect(notice).to_contain_text(stack.customer.person(kind).username)
    expect(page.get_by_role("button", name="Test and save")).to_be_visible()


def test_somebody_of_another_tenant_does_not_come_back(operator: Dashboard) -> None:
    page, stack = operator.page, operator.stack
    begin(operator, container="stranger")
    pick(page, stack, STRANGER)
    expect(page.get_by_text("AADSTS50020")).to_be_visible()
    assert page.url.startswith(stack.entra.authority)


@pytest.mark.parametrize(
    ("account", "title"),
    [
        ("https://evil.example/", "This cannot be the name of a storage account"),
        ("nosuchaccount", "There is no such storage account"),
    ],
)
def test_a_wrong_account_is_refused_before_any_sign_in(operator: Dashboard, account: str, title: str) -> None:
    page = operator.page
    begin(operator, account=account)
    expect(page.get_by_role("alert")).to_contain_text(title)
    expect(page.get_by_role("textbox", name="Storage account")).to_have_value(account)


def test_a_closed_firewall_says_what_to_allow(operator: Dashboard) -> None:
    page, stack = operator.page, operator.stack
    begin(operator, container="walled")
    sign_in(page, stack)
    stack.storage_front.control.firewall(ACCOUNT)
    try:
        page.get_by_role("button", name="Test and save").click()
        expect(page.get_by_role("alert")).to_contain_text("The storage account's firewall does not let us in")
    finally:
        stack.storage_front.control.firewall(ACCOUNT, False)
    page.get_by_role("button", name="Test and save").click()
    expect(page.get_by_text("Azure Storage is connected.", exact=True)).to_be_visible()


def callback_of(page: Page, stack: Stack) -> list[str]:
    """Result: the callback's addresses as the browser asks for them, from now on."""
    found: list[str] = []
    page.on(
        "request",
        lambda request: found.append(request.url) if urlsplit(request.url).path == "/connect/callback" else None,
    )
    return found


def test_an_answer_counts_once_and_only_in_the_browser_that_began(operator: Dashboard, browser: Browser) -> None:
    page, stack = operator.page, operator.stack
    link = make_link(operator, "once")
    with customer(browser) as person, customer(browser) as thief:
        callbacks = callback_of(person, stack)
        person.route("**/connect/callback?*", lambda route: route.abort())
        person.goto(link)
        person.get_by_role("button", name="Sign in with Microsoft").click()
        pick(person, stack)
        if person.get_by_role("button", name="Accept").count():
            person.get_by_role("button", name="Accept").click()
        person.wait_for_event("requestfailed", timeout=5000) if not callbacks else None
        thief.goto(callbacks[0])
        expect_heading(thief, "This sign-in is not known here, or was used already")
        expect(thief.get_by_role("link", name="Sign in again")).to_have_count(0)
        person.unroute("**/connect/callback?*")
        person.goto(callbacks[0])
        expect(person.get_by_role("heading", level=1)).to_have_text(
            re.compile("One more step|This sign-in is not known here")
        )
        person.goto(callbacks[0])
        expect_heading(person, "This sign-in is not known here, or was used already")
    assert page.url


@pytest.mark.parametrize(
    ("refusal", "title"),
    [
        (Refusal.CONSENT_MISSING, None),
        (Refusal.MFA_REQUIRED, None),
        (Refusal.USER_DISABLED, None),
        (Refusal.BLOCKED, None),
        (Refusal.NOT_IN_TENANT, None),
        (Refusal.WRONG_SECRET, "Microsoft refuses this deployment's own app registration"),
        (Refusal.UNAVAILABLE, "Microsoft's sign-in service does not answer"),
        (Refusal.THROTTLED, "Microsoft's sign-in service does not answer"),
    ],
)
def test_every_refusal_of_the_code_has_its_page(operator: Dashboard, refusal: Refusal, title: str | None) -> None:
    page, stack = operator.page, operator.stack
    begin(operator, container="refused")
    stack.entra.control.refuse(refusal, grant="authorization_code")
    sign_in(page, stack)
    if title:
        expect_heading(page, title)
    expect(page.locator("main")).to_contain_text("What to do:")
    expect(page.locator("main")).not_to_contain_text("Something broke on our side")
    expect(page.get_by_role("link", name=re.compile("Sign in again|Go back"))).to_be_visible()
    assert page_overflow(page) == 0


def test_an_account_is_connected_with_the_keyboard_alone(operator: Dashboard) -> None:
    page = operator.page
    page.locator("#connect-customer").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Storage account")).to_be_focused()
    page.keyboard.type(ACCOUNT)
    page.keyboard.press("Tab")
    page.keyboard.type("by-keyboard-alone")
    page.keyboard.press("Enter")
    sign_in(page, operator.stack)
    page.locator("#save").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Azure Storage is connected.", exact=True)).to_be_visible()
