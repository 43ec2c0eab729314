"""The main flow with a keyboard alone: no mouse, no address typed, always a visible focus."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.dashboard import Dashboard

FOCUSED_NAME = """
() => {
  const at = document.activeElement;
  const label = at.labels && at.labels.length ? at.labels[0].textContent : "";
  return (at.getAttribute("aria-label") || label || at.textContent || "").trim().replace(/\\s+/g, " ");
}
"""
OUTLINED = """
() => document.activeElement === document.body || getComputedStyle(document.activeElement).outlineStyle !== 'none'
"""
"""Between the last stop and the first the focus is on nothing."""
MOST_STOPS = 60


def tab_to(page: Page, name: str) -> None:
    """Presses Tab until what has the focus begins with `name`; each stop shows that it has it."""
    passed = []
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        found = page.evaluate(FOCUSED_NAME)
        assert page.evaluate(OUTLINED), f"no visible focus on {found!r}"
        if found.startswith(name):
            return
        passed.append(found)
    raise AssertionError(f"{name!r} cannot be reached: {passed}")


def enter(page: Page, name: str, text: str) -> None:
    """Types into the field with that label."""
    tab_to(page, name)
    page.keyboard.press("Control+a")
    page.keyboard.type(text)


def press(page: Page, name: str) -> None:
    """Enter on the link or button with that name."""
    tab_to(page, name)
    page.keyboard.press("Enter")


def test_from_client_to_job_and_its_end(dashboard: Dashboard, tmp_path: Path) -> None:
    page = dashboard.page
    press(page, "Clients")
    expect(dashboard.heading("Clients")).to_be_visible()
    enter(page, "Name", "By keyboard")
    press(page, "Create client")
    expect(dashboard.heading("By keyboard")).to_be_visible()
    press(page, "New project")
    expect(dashboard.heading("Projects")).to_be_visible()
    page.keyboard.press("Tab")
    enter(page, "Name", "Keys only")
    press(page, "Create project")
    expect(dashboard.heading("Keys only")).to_be_visible()
    press(page, "Connect deployment storage")
    expect(page.get_by_text("Azure Storage is connected.", exact=True)).to_be_visible()
    press(page, "New job")
    expect(dashboard.heading("New job")).to_be_visible()
    enter(page, "Job name", "Typed")
    enter(page, "Source folder", str(tmp_path))
    enter(page, "Container", "by-keyboard")
    press(page, "Size, age, hidden files")
    enter(page, "Not larger than", "5 GB")
    enter(page, "Modified before", "2026-06-30")
    tab_to(page, "Leave out hidden files")
    page.keyboard.press("Space")
    tab_to(page, "Hold after the scan")
    page.keyboard.press("Space")
    press(page, "Speed and links")
    enter(page, "Chunk size", "32")
    press(page, "Create job")
    expect(dashboard.heading("Typed")).to_be_visible()
    expect(page.locator(".facts")).to_contain_text("hold for approval")
    expect(page.locator(".facts")).to_contain_text("32 MiB")
    for words in ("at most 5 GB", "before 2026-06-30 00:00Z", "hidden files", "patterns left out"):
        expect(page.locator(".facts")).to_contain_text(words)
    press(page, "Cancel")
    expect(page.get_by_role("dialog", name="Cancel this job?")).to_be_visible()
    press(page, "Cancel the job")
    dashboard.expect_state("Cancelled")
    press(page, "Delete")
    expect(page.get_by_label("Type Typed to confirm")).to_be_focused()
    page.keyboard.type("Typed")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Job deleted.")).to_be_visible()


def test_the_skip_link_is_first(dashboard: Dashboard) -> None:
    page = dashboard.page
    page.goto(dashboard.stack.api_url + "/help")
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED_NAME) == "Skip to content"
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
