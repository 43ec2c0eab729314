"""Takes the picture of the README: the job page while a real agent copies a real tree. `make screenshots`.

python -m tests.browser.portrait docs/images/job.png
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import expect

from local.stack import Stack
from tests.browser.chromium import chromium
from tests.browser.dashboard import WITHIN_MS, Dashboard, start_agent
from tests.harness.container import open_container

FOLDERS = ("Accounting/2024", "Accounting/2025", "Choir/recordings", "HR", "Media/photos", "Sermons/notes", "Youth")
FILES = 2_400
UNCHANGED = 600
TAKEN = ("Accounting/2024/ledger.xlsx", "Media/photos/easter.jpg")
CONTAINER = "grace-files"
PREFIX = "shared-drive"
LEAST_PERCENT = 45
TIDY = "document.querySelector('.flash')?.remove(); scrollTo(0, 0); document.activeElement.blur()"


def plant(root: Path, first: int, last: int) -> None:
    """Files of many sizes, the same on every call."""
    chance = random.Random(7)
    for number in range(last):
        folder = root / chance.choice(FOLDERS)
        size = int(chance.lognormvariate(10.2, 1.4)) + 200
        if number >= first:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"document {number:04d}.bin").write_bytes(os.urandom(min(size, 3_000_000)))


def picture(stack: Stack, folder: Path, target: Path) -> None:
    """Writes the picture: one finished pass, then a second one half way through."""
    source = folder / "shared"
    plant(source, 0, UNCHANGED)
    with chromium() as browser:
        context = browser.new_context(
            viewport={"width": 1240, "height": 1000}, timezone_id="UTC", locale="en-GB", color_scheme="light"
        )
        user = Dashboard(context.new_page(), stack)
        user.sign_in()
        user.create_client("Grace Community Church")
        user.create_project("File server to Azure")
        user.connect_storage()
        agent = start_agent(stack, folder / "agent", user.generate_code(), name="fileserver-01")
        try:
            user.crumb("Grace Community Church")
            user.page.get_by_role("link", name="File server to Azure", exact=True).click()
            user.create_job("Shared drive", source, CONTAINER, prefix=PREFIX, mbps=24, exclude="**/Thumbs.db")
            user.expect_state("Completed")
            hinder(stack, source)
            plant(source, UNCHANGED, FILES)
            user.press("Rerun")
            user.expect_state("Running")
            user.wait_until_percent(LEAST_PERCENT)
            expect(user.page.locator("#files tbody tr")).to_have_count(len(TAKEN), timeout=WITHIN_MS)
            target.parent.mkdir(parents=True, exist_ok=True)
            user.page.evaluate(TIDY)
            user.page.screenshot(path=target)
        finally:
            agent.close()
            context.close()


def hinder(stack: Stack, source: Path) -> None:
    """Gives every bucket something to hold: strangers' blobs, a name that cannot be stored, files left out."""
    container = open_container(stack.data_account.connection_string, str(stack.ca_file), CONTAINER)
    for name in TAKEN:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(os.urandom(90_000))
        container.upload_blob(f"{PREFIX}/{name}", b"put there by somebody else")
    (source / "HR" / "contracts 2019.").write_bytes(os.urandom(20_000))
    for folder in FOLDERS:
        (source / folder).mkdir(parents=True, exist_ok=True)
        (source / folder / "Thumbs.db").write_bytes(os.urandom(30_000))


def main(arguments: list[str]) -> int:
    """Result: the exit code."""
    target = Path(arguments[0]) if arguments else Path("docs/images/job.png")
    with tempfile.TemporaryDirectory(prefix="fileserver-") as folder, Stack(Path(folder) / "stack") as stack:
        picture(stack, Path(folder), target)
    print(f"{target}: {target.stat().st_size // 1024} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
