"""Every page in every shape, under the real policy: nothing is blocked, thrown, fetched elsewhere or cut off."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import Complaints, page_overflow
from tests.browser.gallery import gallery
from tests.unit.functions.dashboard.sample_pages import FRAGMENTS, PAGES
from tests.unit.functions.dashboard.samples import NOW

WHOLE = [name for name in PAGES if name not in FRAGMENTS]
LOW_CONTRAST = """
() => {
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((part) => part / 255)
      .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length && (colour.length < 4 || colour[3] === 1)) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const shown = element.checkVisibility() && !element.closest("[disabled], .visually-hidden, option, title");
    if (!walker.currentNode.data.trim() || !shown) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push(`${ratio.toFixed(2)} ${walker.currentNode.data.trim().slice(0, 40)}`);
  }
  return found;
}
"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with gallery() as found:
        yield found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_complains_and_all_text_can_be_read(browser: Browser, address: str, scheme) -> None:
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    complaints = Complaints(address)
    complaints.listen(page)
    unreadable: list[str] = []
    for name in WHOLE:
        page.goto(f"{address}/gallery/{name}")
        unreadable += [f"{name}: {found}" for found in page.evaluate(LOW_CONTRAST)]
    context.close()
    complaints.expect_none()
    assert unreadable == []


def test_no_page_scrolls_sideways_at_400_pixels(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 400, "height": 800})
    page = context.new_page()
    wide = {}
    for name in WHOLE:
        page.goto(f"{address}/gallery/{name}")
        if overflow := page_overflow(page):
            wide[name] = overflow
    context.close()
    assert wide == {}


def test_icons_are_drawn(page: Page, address: str) -> None:
    page.goto(f"{address}/gallery/job")
    size = page.locator(".pill .icon").first.evaluate("icon => icon.getBBox().width")
    assert size > 0


def test_a_live_number_says_how_old_it_is_and_turns_stale(page: Page, address: str) -> None:
    page.clock.install(time=NOW)
    page.goto(f"{address}/gallery/job")
    age = page.locator(".asof")
    expect(age).to_contain_text("as of 7 s ago")
    page.clock.run_for(20_000)
    expect(age).to_contain_text("as of 27 s ago")
    expect(age).not_to_have_class("asof stale")
    page.clock.run_for(10_000)
    expect(age).to_contain_text("as of 37 s ago")
    expect(age).to_have_class("asof stale")


def test_times_are_in_the_readers_zone_with_utc_on_hover(browser: Browser, address: str) -> None:
    context = browser.new_context(timezone_id="America/Chicago", locale="en-GB")
    page = context.new_page()
    page.clock.install(time=NOW)
    page.goto(f"{address}/gallery/job")
    first = page.locator(".timeline time").last
    expect(first).to_have_text("07:32")
    expect(first).to_have_attribute("title", "2026-05-12 12:32:08 UTC")
    context.close()


def test_a_command_is_copied_with_one_press(browser: Browser, address: str) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{address}/gallery/code")
    page.get_by_role("button", name="Copy command to register as a service").click()
    expect(page.get_by_text("Copied").first).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == "migrate-agent --register K7WM-4QXT --api-url https://api.theonemigrate.app --service"
    context.close()


def test_without_javascript_everything_can_be_read_and_questions_have_pages(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/gallery/job")
    expect(page.get_by_text("21,467").first).to_be_visible()
    expect(page.locator(".timeline time").last).to_have_text("12:32 UTC")
    assert (page.locator("#ask-cancel").get_attribute("href") or "").endswith("/confirm-cancel")
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(page.get_by_text("Reload for newer numbers.")).to_be_visible()
    page.goto(f"{address}/gallery/code")
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)
    context.close()
