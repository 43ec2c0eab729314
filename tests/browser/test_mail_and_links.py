"""A project's mail and its links for the customer, by the words on the pages."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.chromium import page_overflow
from tests.browser.dashboard import Dashboard


@pytest.fixture
def project(dashboard: Dashboard, request: pytest.FixtureRequest) -> Dashboard:
    dashboard.create_client(f"Client of {request.node.name}")
    dashboard.create_project("Letters")
    return dashboard


def test_recipients_are_added_refused_and_removed(project: Dashboard) -> None:
    page = project.page
    page.get_by_role("link", name="Mail", exact=True).click()
    expect(page.get_by_text("this project's mail goes to the operators")).to_be_visible()
    page.get_by_label("Address").fill("nobody")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_text("Enter one mail address")).to_be_visible()
    page.get_by_label("Address").fill("it@contoso.example")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_text("Recipient added.")).to_be_visible()
    page.get_by_label("Address").fill("it@contoso.example")
    page.get_by_role("button", name="Send it a test").click()
    row = page.get_by_role("row", name=re.compile("A test"))
    expect(row).to_contain_text("it@contoso.example")
    page.get_by_role("button", name="Remove it@contoso.example").click()
    expect(page.get_by_text("Recipient removed.")).to_be_visible()


def test_a_link_is_made_shown_mailed_and_revoked(project: Dashboard, browser: Browser) -> None:
    page = project.page
    page.get_by_role("link", name="Links for the customer").click()
    page.get_by_role("link", name="Make a link").click()
    page.get_by_role("textbox", name="Storage account").fill("contosofiles")
    page.get_by_role("button", name="Make a link for the customer").click()
    expect(page.get_by_role("alert")).to_contain_text("This cannot be the name of a container")
    page.get_by_role("textbox", name="Container").fill("archive")
    page.get_by_role("button", name="Make a link for the customer").click()
    address = page.locator("#address").inner_text()
    assert address.startswith(f"{project.stack.api_url}/reconnect/")
    customer = browser.new_context(viewport={"width": 400, "height": 800}, java_script_enabled=False).new_page()
    customer.goto(address)
    expect(customer.get_by_role("heading", level=1)).to_have_text("Connect Azure Storage")
    expect(customer.get_by_role("navigation")).to_have_count(0)
    assert page_overflow(customer) == 0
    page.get_by_role("link", name="All links").click()
    page.get_by_role("button", name="Send a link by mail").click()
    expect(page.get_by_role("alert")).to_contain_text("Nobody is set to get this project's mail")
    page.get_by_role("link", name="Revoke", exact=True).click()
    page.get_by_role("button", name="Revoke the link").click()
    expect(page.get_by_text("The link no longer works.")).to_be_visible()
    customer.reload()
    expect(customer.get_by_role("heading", level=1)).to_have_text("This link was withdrawn")
    customer.goto(address[:-1])
    expect(customer.get_by_role("heading", level=1)).to_have_text("This link leads nowhere")
    customer.context.close()
