"""Bandwidth by the pages: a schedule typed as lines, the limit of a site, and that of a job."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.dashboard import Dashboard


def test_a_schedule_a_sites_limit_and_a_jobs_limit_are_typed_refused_and_shown(
    dashboard: Dashboard, tmp_path: Path
) -> None:
    page = dashboard.page
    dashboard.create_client("Limited client")
    page.get_by_label("Limit in Mbps").fill("-3")
    page.get_by_role("button", name="Save limit").click()
    expect(page.get_by_text("A number above 0")).to_be_visible()
    page.get_by_label("Limit in Mbps").fill("40")
    page.get_by_role("button", name="Save limit").click()
    expect(page.get_by_text("Bandwidth of the site saved.")).to_be_visible()
    expect(page.get_by_text("together send 40 Mbps at most")).to_be_visible()

    dashboard.create_project("Scheduled")
    page.get_by_role("link", name="Set a schedule").click()
    page.get_by_label("Time zone").select_option("America/Chicago")
    page.get_by_label("Weekly windows").fill("daily all-day 20\nmon 8-18 5")
    page.get_by_role("button", name="Save schedule").click()
    expect(page.get_by_text("8-18 is no time of day")).to_be_visible()
    expect(page.get_by_label("Weekly windows")).to_have_value("daily all-day 20\nmon 8-18 5")
    page.get_by_label("Weekly windows").fill("daily all-day 20")
    page.get_by_role("button", name="Save schedule").click()
    expect(page.get_by_text("Bandwidth schedule saved.")).to_be_visible()
    expect(page.get_by_text("In force now: 20 Mbps.")).to_be_visible()
    expect(page.get_by_text("daily all-day 20")).to_be_visible()

    dashboard.create_job("Limited", tmp_path, "limited-by-page")
    page.get_by_text("Change the bandwidth limit").click()
    page.get_by_label("Limit in Mbps").fill("2.5")
    page.get_by_role("button", name="Save limit").click()
    expect(page.get_by_text("Bandwidth limit saved.")).to_be_visible()
    expect(page.get_by_text("2.5 Mbps at most")).to_be_visible()
    expect(page.get_by_text("Bandwidth limit of the job: 2.5 Mbps")).to_be_visible()

    dashboard.crumb("Scheduled")
    page.locator("#bandwidth").click()
    page.get_by_role("button", name=re.compile("Remove the schedule")).click()
    expect(page.get_by_text("Bandwidth schedule removed.")).to_be_visible()
    expect(page.get_by_text("No schedule: jobs send")).to_be_visible()
