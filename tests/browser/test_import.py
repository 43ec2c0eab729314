"""An import from the first click to the certificate, and what its pages refuse: only buttons, links and fields."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.dashboard import WITHIN_MS, Dashboard, start_agent
from tests.browser.gallery import gallery
from tests.browser.test_keyboard import enter, press, tab_to
from tests.harness.agent_process import AgentProcess
from tests.harness.church_site import KEY, ChurchSite

IMPORT_MS = 120_000


@pytest.fixture
def site(dashboard: Dashboard, tmp_path: Path) -> Iterator[ChurchSite]:
    """RockRMS and Mission of a small church, near the shared stack."""
    with ChurchSite(tmp_path / "site", dashboard.stack) as running:
        yield running


@pytest.fixture
def church(dashboard: Dashboard, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[AgentProcess]:
    """A client named after the test with a project and a running agent; the project's page is open."""
    client = f"Church of {request.node.name}"
    dashboard.create_client(client)
    dashboard.create_project("Church data")
    running = start_agent(dashboard.stack, tmp_path / "agent", dashboard.generate_code(), name="church-01")
    dashboard.crumb(client)
    dashboard.page.get_by_role("link", name="Church data", exact=True).click()
    yield running
    running.close()


def enter_connection(dashboard: Dashboard, text: str) -> None:
    """From the project's page, until the agent keeps it."""
    page = dashboard.page
    page.locator("#enter-connection").click()
    expect(dashboard.heading("RockRMS connection")).to_be_visible()
    page.get_by_label("Connection string").fill(text)
    page.get_by_role("button", name="Seal and send").click()


def connect_mission(dashboard: Dashboard, url: str) -> None:
    """From the project's page and back."""
    page = dashboard.page
    page.locator("#connect-mission").click()
    page.get_by_label("Address of Mission").fill(url)
    page.get_by_label("Integration key").fill(KEY)
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#mission")).to_contain_text(url)


@pytest.mark.slow
def test_the_whole_way_by_clicks(dashboard: Dashboard, church: AgentProcess, site: ChurchSite) -> None:
    page = dashboard.page
    expect(page.get_by_text("1 agent online")).to_be_visible(timeout=WITHIN_MS)
    enter_connection(dashboard, site.sql.connection_string())
    rock = page.locator("#rockrms")
    expect(rock).to_contain_text("rock_reader", timeout=WITHIN_MS)
    assert site.sql.login.password not in page.content()
    page.locator("#test-rockrms").click()
    expect(rock).to_contain_text("RockRMS answers", timeout=WITHIN_MS)
    page.get_by_label("Time zone of the church").fill("America/Phoenix")
    page.get_by_role("button", name="Save time zone").click()
    expect(page.get_by_text("Time zone saved.")).to_be_visible()

    connect_mission(dashboard, site.mission.url)
    assert KEY not in page.content()
    page.locator("#test-mission").click()
    expect(page.locator("#mission")).to_contain_text("Grace Community Church", timeout=WITHIN_MS)

    page.locator("#new-import").click()
    expect(page.get_by_label("Time zone of the church")).to_have_value("America/Phoenix")
    page.get_by_role("button", name="Create import").click()
    dashboard.expect_state("Dry run complete", milliseconds=IMPORT_MS)
    assert sum(site.mission.control.counts().values()) == 0

    page.locator("#fund-map").click()
    page.get_by_role("button", name="Save fund map").click()
    expect(page.get_by_text("Fund map saved.", exact=False)).to_be_visible()
    page.locator("#import-now").click()
    dashboard.expect_state("Completed", milliseconds=IMPORT_MS)
    expect(page.locator("#verdict")).to_contain_text("The numbers agree", timeout=WITHIN_MS)
    expect(page.locator("#bridge")).to_contain_text("Nothing is left unexplained")
    expect(page.locator("#errors")).to_contain_text("records")

    page.locator("#errors .name").first.click()
    expect(dashboard.heading("Errors, skipped and flagged records")).to_be_visible()
    page.locator("td .name").first.click()
    expect(dashboard.heading("Trace one record")).to_be_visible()
    page.locator("#trace").click()
    expect(page.get_by_role("heading", name="In RockRMS")).to_be_visible(timeout=WITHIN_MS)

    dashboard.crumb("RockRMS to Mission")
    page.locator("#certificate").click()
    expect(dashboard.heading("Certificate of import")).to_be_visible()
    expect(page.get_by_text("match to the cent")).to_be_visible()

    page.go_back()
    dashboard.crumb("Church data")
    page.locator("#ask-forget").click()
    page.get_by_role("dialog").get_by_role("button", name="Forget the connection").click()
    expect(rock).to_contain_text("Not connected", timeout=WITHIN_MS)


def test_what_is_typed_as_a_secret_never_comes_back(dashboard: Dashboard) -> None:
    page = dashboard.page
    dashboard.create_client("Secrets of a church")
    dashboard.create_project("Church data")
    page.locator("#enter-connection").click()
    expect(page.get_by_text("No agent can be given a connection")).to_be_visible()
    expect(page.get_by_text("migrate-agent rockrms grant-script", exact=True)).to_be_visible()
    dashboard.crumb("Church data")
    page.locator("#connect-mission").click()
    page.get_by_label("Address of Mission").fill("http://mission.example")
    page.get_by_label("Integration key").fill(KEY)
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#url-error")).to_contain_text("https://")
    expect(page.get_by_label("Address of Mission")).to_have_value("http://mission.example")
    expect(page.get_by_label("Integration key")).to_have_value("")
    assert KEY not in page.content()
    page.get_by_label("Address of Mission").fill("https://mission.example")
    page.get_by_label("Integration key").fill(KEY)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Mission is connected. Test it next.")).to_be_visible()
    expect(page.locator("#mission")).to_contain_text("https://mission.example")
    assert KEY not in page.content()
    page.locator("#new-import").click()
    expect(page.get_by_text("No RockRMS connection yet")).to_be_visible()
    expect(page.get_by_text("Project has no Mission connection")).to_have_count(0)
    dashboard.crumb("Church data")
    page.locator("#ask-mission").click()
    page.get_by_role("dialog", name="Disconnect Mission?").get_by_role("button", name="Disconnect").click()
    expect(page.get_by_text("Mission is disconnected and its key destroyed.")).to_be_visible()
    page.locator("#enter-connection").click()
    dashboard.crumb("Church data")


def test_an_import_is_created_with_the_keyboard_alone(dashboard: Dashboard) -> None:
    page = dashboard.page
    dashboard.create_client("Church by keyboard")
    dashboard.create_project("Keys only")
    connect_mission(dashboard, "https://mission.example")
    press(page, "New import")
    expect(dashboard.heading("New import")).to_be_visible()
    enter(page, "Job name", "Typed import")
    tab_to(page, "Attendance")
    page.keyboard.press("Space")
    enter(page, "From", "2015-02-30")
    enter(page, "Time zone of the church", "America/Phoenix")
    press(page, "Create import")
    expect(page.locator("#date_range_start-error")).to_contain_text("A date such as 2024-01-31")
    expect(page.locator("#date_range_start")).to_be_focused()
    expect(page.get_by_label("Attendance")).not_to_be_checked()
    page.keyboard.press("Control+a")
    page.keyboard.type("2015-02-28")
    press(page, "Create import")
    expect(dashboard.heading("Typed import")).to_be_visible()
    facts = page.locator("#record .facts").last
    for words in ("from 2015-02-28", "America/Phoenix", "nothing is sent (dry run)"):
        expect(facts).to_contain_text(words)
    press(page, "Edit")
    expect(dashboard.heading("Edit Typed import")).to_be_visible()
    tab_to(page, "Dry run first")
    page.keyboard.press("Space")
    press(page, "Save")
    expect(page.locator("#record .facts").last).to_contain_text("to Mission")


def test_without_javascript_a_check_is_looked_at_again_by_a_link(browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    with gallery() as address:
        page.goto(f"{address}/gallery/church-asked")
        expect(page.get_by_role("link", name="Look again")).to_be_visible()
        assert (page.locator("#ask-mission").get_attribute("href") or "").endswith("/confirm-mission-disconnect")
        page.goto(f"{address}/gallery/import-differs")
        expect(page.get_by_text("Does not match")).to_be_visible()
        expect(page.get_by_role("button", name="Save decisions")).to_be_visible()
        page.goto(f"{address}/gallery/import-log")
        expect(page.get_by_text('"fund_closed"').first).to_be_hidden()
        page.get_by_text("Show the answer").first.click()
        expect(page.get_by_text('"fund_closed"').first).to_be_visible()
    context.close()
