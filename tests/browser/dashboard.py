"""What a user does in the dashboard, by the words on the page: no address is typed, no API is called."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from local.stack import Stack
from tests.harness.agent_process import AgentProcess

WITHIN_MS = 30_000
"""Longest wait for something that comes by itself: a heartbeat (3 to 5 s here) and a poll (10 s)."""


class Dashboard:
    """One browser page on one stack."""

    def __init__(self, page: Page, stack: Stack) -> None:
        self.page = page
        self.stack = stack

    def sign_in(self) -> None:
        """From the first page, by its button."""
        self.page.goto(self.stack.api_url + "/")
        expect(self.heading("Sign-in required")).to_be_visible()
        self.page.get_by_role("link", name="Sign in").click()
        expect(self.page.get_by_role("navigation", name="Main")).to_contain_text("Clients")

    def heading(self, name: str | re.Pattern[str]) -> Locator:
        """Result: the page's title."""
        return self.page.get_by_role("heading", level=1, name=name)

    def go(self, name: str) -> None:
        """By the main navigation."""
        self.page.get_by_role("navigation", name="Main").get_by_role("link", name=name, exact=True).click()

    def crumb(self, name: str) -> None:
        """Up, by the breadcrumb."""
        self.page.get_by_role("navigation", name="Breadcrumb").get_by_role("link", name=name).click()

    def create_client(self, name: str) -> None:
        """Leads to the client's page."""
        self.go("Clients")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_role("button", name="Create client").click()
        expect(self.heading(name)).to_be_visible()

    def create_project(self, name: str) -> None:
        """From the client's page to the new project's."""
        self.page.get_by_role("link", name="New project").click()
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_role("button", name="Create project").click()
        expect(self.heading(name)).to_be_visible()

    def generate_code(self) -> str:
        """Result: the code, read from the page that shows it once."""
        self.page.get_by_role("button", name=re.compile("Generate")).click()
        code = self.page.locator("#code")
        expect(code).to_have_text(re.compile(r"^[A-Z2-9]{4}-[A-Z2-9]{4}$"))
        return code.inner_text()

    def connect_storage(self) -> None:
        """On the project's page."""
        self.page.get_by_role("button", name="Connect deployment storage").click()
        expect(self.page.get_by_text("Azure Storage is connected.", exact=True)).to_be_visible()

    def create_job(
        self,
        name: str,
        source: Path,
        container: str,
        *,
        prefix: str = "",
        exclude: str = "",
        mbps: float | None = None,
        hold: bool = False,
    ) -> None:
        """From the project's page to the new job's."""
        self.page.locator("#new-job").click()
        self.page.get_by_label("Job name").fill(name)
        self.page.get_by_label("Source folder").fill(str(source))
        self.page.get_by_label("Container").fill(container)
        self.page.get_by_label("Folder in it").fill(prefix)
        self.page.get_by_role("textbox", name="Leave out").fill(exclude)
        if hold:
            self.page.get_by_label("Hold after the scan").check()
        if mbps is not None:
            self.page.get_by_text("Speed and links").click()
            self.page.get_by_label("Bandwidth limit").fill(f"{mbps:g}")
        self.page.get_by_role("button", name="Create job").click()
        expect(self.heading(name)).to_be_visible()

    def expect_state(self, words: str, *, milliseconds: float = 120_000) -> None:
        """The job's pill shows it, without a reload."""
        expect(self.page.locator("#live .pill").first).to_have_text(words, timeout=milliseconds)

    def wait_until_percent(self, least: int) -> None:
        """The job's page shows at least so much, without a reload."""
        script = "least => parseInt(document.querySelector('.percent')?.textContent ?? '0') >= least"
        self.page.wait_for_function(script, arg=least, timeout=120_000)

    def press(self, name: str) -> None:
        """A button or a link that looks like one, in the live part."""
        self.page.locator("#live").locator("a, button").filter(has_text=re.compile(f"^{name}$")).click()

    def bucket(self, name: str) -> int:
        """Result: the number of files in the bucket of the progress card."""
        line = self.page.locator(".buckets > div").filter(has=self.page.locator("dt", has_text=name))
        return int(line.locator("dd").inner_text().splitlines()[0].replace(",", ""))


def start_agent(stack: Stack, home: Path, code: str, name: str = "fileserver") -> AgentProcess:
    """Result: a real agent, registered with the code from the page and started."""
    agent = AgentProcess(home, stack.api_url, str(stack.ca_file))
    agent.register(code, name=name)
    agent.start()
    return agent
