"""Everything that can be done to a job, done from its page, with a real agent at the other end."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.dashboard import WITHIN_MS, Dashboard
from tests.harness.agent_process import AgentProcess

MIB = 2**20
FILES = 56


@pytest.fixture
def slow_tree(tmp_path: Path) -> Path:
    """28 MiB in small files: a minute at 4 Mbps, so that there is time to press buttons."""
    root = tmp_path / "slow"
    root.mkdir()
    for index in range(FILES):
        (root / f"part {index}.bin").write_bytes(os.urandom(MIB // 2))
    return root


@pytest.mark.slow
def test_pause_resume_cancel_rerun_and_delete(dashboard: Dashboard, agent: AgentProcess, slow_tree: Path) -> None:
    page = dashboard.page
    dashboard.create_job("Slow one", slow_tree, "job-actions", mbps=4)
    dashboard.expect_state("Running")

    dashboard.press("Pause")
    expect(page.get_by_text("Pause asked. The agent finishes what it is sending first.")).to_be_visible()
    dashboard.expect_state("Paused")
    sent = dashboard.bucket("Transferred")
    dashboard.press("Resume")
    dashboard.expect_state("Running")

    dashboard.press("Cancel")
    question = page.get_by_role("dialog", name="Cancel this job?")
    question.get_by_role("link", name="Let it go on").click()
    expect(question).to_be_hidden()
    expect(page.locator("#ask-cancel")).to_be_focused()
    dashboard.press("Cancel")
    question.get_by_role("button", name="Cancel the job").click()
    dashboard.expect_state("Cancelled")
    assert dashboard.bucket("Transferred") >= sent

    dashboard.press("Rerun")
    dashboard.expect_state("Completed")
    assert dashboard.bucket("Transferred") + dashboard.bucket("Unchanged") == FILES
    assert dashboard.bucket("Unchanged") >= sent
    history = page.locator("section:has(#history-title)")
    for words in ("Pause asked", "Paused", "An operator resumed it", "Cancelled", "attempt 2"):
        expect(history).to_contain_text(words)

    dashboard.press("Delete")
    question = page.get_by_role("dialog", name="Delete this job?")
    confirm = question.get_by_role("button", name="Delete the job")
    expect(confirm).to_be_disabled()
    question.get_by_label("Type Slow one to confirm").fill("Slow")
    expect(confirm).to_be_disabled()
    question.get_by_label("Type Slow one to confirm").fill("Slow one")
    confirm.click()
    expect(page.get_by_text("Job deleted.")).to_be_visible()
    expect(page.get_by_text("No jobs yet.")).to_be_visible()


@pytest.mark.slow
def test_hold_approve_edit_and_duplicate(dashboard: Dashboard, agent: AgentProcess, tmp_path: Path) -> None:
    page = dashboard.page
    (tmp_path / "few").mkdir()
    (tmp_path / "few" / "one.txt").write_bytes(b"1")
    dashboard.create_job("Held", tmp_path / "few", "hold-approve", hold=True)
    dashboard.expect_state("Ready for approval")
    expect(page.get_by_text("waits for your approval")).to_be_visible()
    dashboard.press("Approve and copy")
    dashboard.expect_state("Completed")

    dashboard.press("Duplicate")
    expect(page.get_by_label("Job name")).to_have_value("Held (copy)")
    expect(page.get_by_label("Hold after the scan")).to_be_checked()
    page.get_by_label("Hold after the scan").uncheck()
    page.get_by_role("button", name="Create job").click()
    dashboard.expect_state("Completed")
    assert dashboard.bucket("Unchanged") == 1


def test_a_waiting_job_says_why_and_can_be_edited(dashboard: Dashboard, tmp_path: Path) -> None:
    page = dashboard.page
    dashboard.create_client("Waits")
    dashboard.create_project("Nobody there")
    dashboard.connect_storage()
    dashboard.create_job("Lonely", tmp_path, "nobody-there")
    dashboard.expect_state("Created")
    expect(page.locator("#live")).to_contain_text("No agent yet: generate a registration code")
    dashboard.press("Edit")
    page.get_by_label("Container").fill("Not A Container")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Container")).to_have_value("Not A Container")
    expect(page.get_by_label("Container")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Container").fill("nobody-home")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".lede")).to_contain_text("nobody-home")
    dashboard.go("Home")
    expect(page.get_by_role("link", name="Lonely", exact=True)).to_be_visible()


def test_two_jobs_to_one_place_are_refused_at_the_field(dashboard: Dashboard, tmp_path: Path) -> None:
    page = dashboard.page
    dashboard.create_client("Overlap")
    dashboard.create_project("Twice")
    dashboard.connect_storage()
    dashboard.create_job("First", tmp_path, "overlap-here")
    dashboard.crumb("Twice")
    page.locator("#new-job").click()
    page.get_by_label("Job name").fill("Second")
    page.get_by_label("Source folder").fill(str(tmp_path))
    page.get_by_label("Container").fill("overlap-here")
    page.get_by_role("button", name="Create job").click()
    expect(page.locator("#prefix-error")).to_be_visible()
    expect(page.get_by_label("Source folder")).to_have_value(str(tmp_path))


def test_an_agent_is_renamed_and_revoked_and_a_used_code_names_it(
    dashboard: Dashboard, agent: AgentProcess, tmp_path: Path
) -> None:
    page = dashboard.page
    dashboard.go("Agents")
    client = re.compile("an_agent_is_renamed")
    page.get_by_role("row").filter(has_text=client).get_by_role("link", name="fileserver").click()
    expect(page.locator("#live .pill").first).to_have_text("Online", timeout=WITHIN_MS)
    page.get_by_role("textbox", name="Name").fill("basement")
    page.get_by_role("button", name="Save").click()
    expect(dashboard.heading("basement")).to_be_visible()
    dashboard.press("Revoke")
    question = page.get_by_role("dialog", name="Revoke this agent?")
    question.get_by_label("Type basement to confirm").fill("basement")
    question.get_by_role("button", name="Revoke the agent").click()
    expect(page.locator("#live .pill").first).to_have_text("Revoked")
    page.get_by_role("link", name=client).click()
    expect(page.locator("section:has(#codes-title)")).to_contain_text("Used")
