"""Pages that change under the reader's hands: focus, dialogs and marked text survive; a signed-out page says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from local.stack import Stack
from tests.browser.chromium import Complaints
from tests.browser.dashboard import WITHIN_MS, Dashboard

MARK = "document.getElementById('live').dataset.seen = 'yes'"
"""A swap replaces the element, and the mark with it."""


@pytest.fixture
def waiting_job(dashboard: Dashboard, tmp_path: Path) -> Dashboard:
    """A job without an agent is open: its page polls and nothing changes."""
    dashboard.create_client("Living")
    dashboard.create_project("Page")
    dashboard.connect_storage()
    dashboard.create_job("Waits", tmp_path, f"living-{tmp_path.name[-8:].strip('_').replace('_', '-').lower()}")
    return dashboard


def expect_swap(page: Page) -> None:
    """The live part is replaced once."""
    page.evaluate(MARK)
    expect(page.locator("#live[data-seen]")).to_have_count(0, timeout=WITHIN_MS)


def test_a_swap_keeps_focus_scroll_and_an_open_question(waiting_job: Dashboard) -> None:
    page = waiting_job.page
    page.set_viewport_size({"width": 1000, "height": 500})
    edit = page.locator("#edit")
    edit.focus()
    page.evaluate("scrollTo(0, 120)")
    expect_swap(page)
    expect(edit).to_be_focused()
    assert page.evaluate("scrollY") == 120
    waiting_job.press("Delete")
    field = page.get_by_label("Type Waits to confirm")
    field.fill("Wai")
    expect_swap(page)
    expect(field).to_have_value("Wai")
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_marked_text_is_left_alone(waiting_job: Dashboard) -> None:
    page = waiting_job.page
    page.evaluate(MARK)
    page.evaluate("getSelection().selectAllChildren(document.querySelector('#live .lede'))")
    with page.expect_response("**/live", timeout=WITHIN_MS):
        pass
    assert page.evaluate("getSelection().toString()")
    expect(page.locator("#live[data-seen]")).to_have_count(1)
    page.evaluate("getSelection().removeAllRanges()")
    expect(page.locator("#live[data-seen]")).to_have_count(0, timeout=WITHIN_MS)


def test_the_poll_is_small(waiting_job: Dashboard) -> None:
    with waiting_job.page.expect_response("**/live", timeout=WITHIN_MS) as caught:
        pass
    assert len(caught.value.body()) < 8 * 1024


def test_a_session_that_ended_leads_to_the_sign_in(waiting_job: Dashboard) -> None:
    page = waiting_job.page
    page.context.clear_cookies()
    expect(waiting_job.heading("Sign-in required")).to_be_visible(timeout=WITHIN_MS)
    page.get_by_role("link", name="Sign in").click()
    expect(waiting_job.heading("Waits")).to_be_visible()


def test_every_live_page_is_clean_in_a_narrow_window(waiting_job: Dashboard, browser: Browser, stack: Stack) -> None:
    page = waiting_job.page
    paths = ["/", "/clients", "/projects", "/jobs", "/agents", "/help", page.url.removeprefix(stack.api_url)]
    context = browser.new_context(
        viewport={"width": 400, "height": 800}, storage_state=page.context.storage_state(), java_script_enabled=True
    )
    narrow = context.new_page()
    complaints = Complaints(stack.api_url)
    complaints.listen(narrow)
    for path in paths:
        narrow.goto(stack.api_url + path)
        assert narrow.evaluate("document.documentElement.scrollWidth") <= 400, path
    context.close()
    complaints.expect_none()


@pytest.mark.slow
def test_a_page_without_answers_says_so_until_there_is_one(page: Page, stack: Stack) -> None:
    Dashboard(page, stack).sign_in()
    silence = page.get_by_role("status").filter(has_text="No answer from the control plane since")
    polled = page.get_by_role("heading", level=1)
    expect(polled).to_be_visible()
    expect(silence).to_be_hidden()
    page.context.set_offline(True)
    expect(silence).to_be_visible(timeout=WITHIN_MS)
    expect(polled).to_be_visible()
    page.context.set_offline(False)
    expect(silence).to_be_hidden(timeout=WITHIN_MS)
    page.route("**/*", lambda route: route.fulfill(status=503, body="busy"))
    expect(silence).to_be_visible(timeout=WITHIN_MS)
    page.unroute_all()
    expect(silence).to_be_hidden(timeout=WITHIN_MS)


def test_what_was_done_is_said_once(dashboard: Dashboard) -> None:
    dashboard.create_client("Said once")
    said = dashboard.page.get_by_text("Client created")
    expect(said).to_be_visible()
    dashboard.page.reload()
    expect(dashboard.heading("Said once")).to_be_visible()
    expect(said).to_have_count(0)
