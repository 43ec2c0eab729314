"""Writes a picture of every sample page: light, dark, and 400 pixels wide. `make screenshots`.

python -m tests.browser.screenshots [folder] [name ...]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from tests.browser.chromium import chromium
from tests.browser.gallery import gallery
from tests.unit.functions.dashboard.sample_pages import FRAGMENTS, PAGES
from tests.unit.functions.dashboard.samples import NOW

LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "narrow": {"viewport": {"width": 400, "height": 800}, "color_scheme": "light"},
}


def take(browser: Browser, address: str, folder: Path, names: list[str]) -> int:
    """Result: how many pictures were written as `<look>/<name>.png`."""
    written = 0
    for look, options in LOOKS.items():
        (folder / look).mkdir(parents=True, exist_ok=True)
        context = browser.new_context(reduced_motion="reduce", timezone_id="UTC", locale="en-GB", **options)
        page = context.new_page()
        page.clock.install(time=NOW)
        for name in names:
            page.goto(f"{address}/gallery/{name}")
            page.screenshot(path=folder / look / f"{name}.png", full_page=True)
            written += 1
        context.close()
    return written


def main(arguments: list[str]) -> int:
    """Result: the exit code."""
    folder = Path(arguments[0]) if arguments else Path("test-results/screenshots")
    names = arguments[1:] or [name for name in PAGES if name not in FRAGMENTS]
    with gallery() as address, chromium() as browser:
        written = take(browser, address, folder, names)
    print(f"{written} pictures in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
