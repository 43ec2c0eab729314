"""Starting Debian's Chromium through Playwright, and listening to what a page must not do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Request, sync_playwright

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_NAMES = ("chromium", "chromium-browser", "google-chrome")


class _Driver:
    """Playwright's driver, of which a process can have one: it runs while any browser does."""

    def __init__(self) -> None:
        self._browsers = 0
        self._playwright: Playwright | None = None

    def launch(self) -> Browser:
        path = next((found for name in _NAMES if (found := shutil.which(name))), None)
        assert path is not None, "No Chromium on PATH: make system-packages"
        if self._playwright is None:
            self._playwright = sync_playwright().start()
        self._browsers += 1
        return self._playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)

    def close(self, browser: Browser) -> None:
        browser.close()
        self._browsers -= 1
        if self._playwright is not None and not self._browsers:
            self._playwright.stop()
            self._playwright = None


_driver = _Driver()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Result: a headless browser while the block runs; another block may run at the same time."""
    browser = _driver.launch()
    try:
        yield browser
    finally:
        _driver.close(browser)


@dataclass
class Complaints:
    """What went wrong in a page: console errors (policy violations are among them), exceptions, foreign requests."""

    origin: str
    expected_statuses: frozenset[int] = frozenset()
    """Refusals that the test provokes: the browser reports each as an error of its own."""
    found: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        """Collects from now on."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.found.append(f"exception: {error}"))
        page.on("request", self._request)

    def expect_none(self) -> None:
        """Raises AssertionError with everything that was found."""
        assert not self.found, "\n".join(self.found)

    def _console(self, message: ConsoleMessage) -> None:
        expected = any(f"status of {status} " in message.text for status in self.expected_statuses)
        if message.type in ("error", "warning") and not expected:
            self.found.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "about") and f"{parts.scheme}://{parts.netloc}" != self.origin:
            self.found.append(f"foreign request: {request.url}")


def page_overflow(page: Page) -> int:
    """Result: by how many pixels the page is wider than the window; 0 where it does not scroll sideways."""
    width: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return max(0, width)
