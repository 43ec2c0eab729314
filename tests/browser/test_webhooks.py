"""Events and webhooks as an operator meets them: made, its secret shown once, tried, switched off, deleted.

The local receiver cannot be called: its address is not public, and the product's rule has no exception. What arrives is
proved in tests/conformance/test_deliverers.py.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from local.stack import Stack
from tests.browser.chromium import page_overflow
from tests.browser.dashboard import Dashboard

SECRET = re.compile(r"^whsec_[A-Za-z0-9+/]{43}=$")


@pytest.fixture
def project(dashboard: Dashboard, request: pytest.FixtureRequest) -> str:
    """A project whose page is open. Result: its address."""
    dashboard.create_client(f"Client of {request.node.name}")
    dashboard.create_project("Files")
    return dashboard.page.url.partition("?")[0]


def create_webhook(dashboard: Dashboard, url: str) -> str:
    """From the project's page to the webhook's. Result: the secret."""
    page = dashboard.page
    page.locator("#webhooks").click()
    expect(dashboard.heading("Webhooks")).to_be_visible()
    page.get_by_label("Address").fill(url)
    page.get_by_label("Job failed").check()
    page.get_by_role("button", name="Create webhook").click()
    expect(dashboard.heading("The webhook's secret")).to_be_visible()
    secret = page.locator("#secret").inner_text()
    page.get_by_role("link", name="Go on to the webhook").click()
    expect(dashboard.heading("Webhook")).to_be_visible()
    return secret


def test_a_webhook_from_its_making_to_its_end(dashboard: Dashboard, project: str) -> None:
    page = dashboard.page
    secret = create_webhook(dashboard, "https://localhost.localdomain.invalid/hooks")
    assert SECRET.fullmatch(secret)
    assert secret not in page.content()
    expect(page.get_by_label("Job failed")).to_be_checked()
    expect(page.get_by_label("Agent offline")).not_to_be_checked()
    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_text("The test did not arrive")).to_be_visible()
    expect(page.get_by_role("link", name="webhook-host-unknown")).to_be_visible()
    expect(page.locator("#live")).to_contain_text("Not delivered")
    page.locator("#ask-renew").click()
    page.get_by_role("button", name="Make a new secret").click()
    renewed = page.locator("#secret").inner_text()
    assert SECRET.fullmatch(renewed)
    assert renewed != secret
    page.get_by_role("link", name="Go on to the webhook").click()
    page.get_by_role("button", name="Switch off").click()
    expect(page.get_by_text("This webhook is off")).to_be_visible()
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_text("This webhook is off")).to_have_count(0)
    page.get_by_label("Agent offline").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Webhook saved.")).to_be_visible()
    expect(page.get_by_label("Agent offline")).to_be_checked()
    page.locator("#ask-delete").click()
    page.get_by_role("button", name="Delete the webhook").click()
    expect(page.get_by_text("Webhook deleted.")).to_be_visible()


def test_an_address_that_is_not_public_is_refused_at_its_field(dashboard: Dashboard, project: str) -> None:
    page = dashboard.page
    page.locator("#webhooks").click()
    for url, said in (
        ("http://hooks.example.com/", "it must begin with https://"),
        ("https://127.0.0.1:8443/", "its host must be a full public name"),
        ("https://user:word@hooks.example.com/", "it must not hold a user name"),
    ):
        page.get_by_label("Address").fill(url)
        page.get_by_role("button", name="Create webhook").click()
        expect(page.locator("#url-error")).to_contain_text(said)
        expect(page.get_by_label("Address")).to_have_value(url)


def test_a_project_shows_its_events(dashboard: Dashboard, project: str) -> None:
    page = dashboard.page
    expect(page.get_by_text("Nothing has happened that needs somebody.")).to_be_visible()
    page.locator("#events").click()
    expect(dashboard.heading("Events")).to_be_visible()
    expect(page.get_by_text("Nothing has happened.", exact=True)).to_be_visible()


def test_by_keyboard_alone_at_400_pixels(dashboard: Dashboard, project: str) -> None:
    page = dashboard.page
    page.set_viewport_size({"width": 400, "height": 800})
    page.locator("#webhooks").focus()
    page.keyboard.press("Enter")
    expect(dashboard.heading("Webhooks")).to_be_visible()
    assert page_overflow(page) == 0
    page.get_by_label("Address").focus()
    page.keyboard.type("https://hooks.nowhere.invalid/a")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(dashboard.heading("The webhook's secret")).to_be_visible()
    assert page_overflow(page) == 0
    page.get_by_role("link", name="Go on to the webhook").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Job failed")).to_be_checked()
    assert page_overflow(page) == 0


def test_without_a_script(browser: Browser, dashboard: Dashboard, project: str, stack: Stack) -> None:
    context = browser.new_context(java_script_enabled=False)
    plain = Dashboard(context.new_page(), stack)
    plain.sign_in()
    plain.page.goto(project)
    secret = create_webhook(plain, "https://hooks.nowhere.invalid/b")
    assert SECRET.fullmatch(secret)
    plain.page.locator("#ask-delete").click()
    expect(plain.heading("Delete this webhook?")).to_be_visible()
    plain.page.get_by_role("button", name="Delete the webhook").click()
    expect(plain.page.get_by_text("Webhook deleted.")).to_be_visible()
    context.close()
