"""A browser for the whole run; for each test a page that signs in by itself and must not complain."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from local.stack import Stack
from tests.browser.chromium import Complaints, chromium
from tests.browser.dashboard import Dashboard, start_agent
from tests.harness.agent_process import AgentProcess


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, headless."""
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a profile of its own."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


@pytest.fixture
def dashboard(page: Page, stack: Stack) -> Iterator[Dashboard]:
    """Signed in on the shared stack; at the end nothing may have been complained of."""
    complaints = Complaints(stack.api_url, expected_statuses=frozenset({400, 401, 403, 409}))
    complaints.listen(page)
    signed_in = Dashboard(page, stack)
    signed_in.sign_in()
    yield signed_in
    complaints.expect_none()


@pytest.fixture
def agent(dashboard: Dashboard, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[AgentProcess]:
    """A client named after the test with a connected project and a running agent; the project's page is open."""
    dashboard.create_client(f"Client of {request.node.name}")
    dashboard.create_project("Files")
    dashboard.connect_storage()
    code = dashboard.generate_code()
    running = start_agent(dashboard.stack, tmp_path / "agent", code)
    dashboard.crumb(f"Client of {request.node.name}")
    dashboard.page.get_by_role("link", name="Files", exact=True).click()
    yield running
    running.close()
