"""A sync from its pages, with a real agent: schedule, mirror, retry of failed files, cutover."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.dashboard import WITHIN_MS, Dashboard
from tests.harness.agent_process import AgentProcess
from tests.harness.container import blobs, open_container


@pytest.mark.slow
def test_a_mirror_is_typed_previewed_confirmed_and_stopped(
    dashboard: Dashboard, agent: AgentProcess, tmp_path: Path
) -> None:
    page, stack = dashboard.page, dashboard.stack
    root = tmp_path / "share"
    root.mkdir()
    for name in ("keep.txt", "also.txt", "gone.txt"):
        (root / name).write_text(name)

    page.locator("#new-job").click()
    page.get_by_label("Kind of job").select_option("sync")
    page.get_by_label("Job name").fill("In step")
    page.get_by_label("Source folder").fill(str(root))
    page.get_by_label("Container").fill("mirror-pages")
    page.get_by_text("Schedule and mirror, for a job that keeps in step").click()
    page.get_by_label("Schedule").fill("*/5 * * * *")
    page.get_by_label("Mirror").check()
    page.get_by_label("Delete at most, percent").fill("50")
    page.get_by_role("button", name="Create job").click()
    expect(page.locator("#schedule-error")).to_contain_text("runs every 5 minutes at times")
    page.get_by_label("Schedule").fill("0 2 * * *")
    page.get_by_role("button", name="Create job").click()
    expect(dashboard.heading("In step")).to_be_visible()
    dashboard.expect_state("Completed")
    card = page.locator("#sync")
    expect(card).to_contain_text("Next run")
    expect(card).to_contain_text("lists only")

    (root / "gone.txt").unlink()
    rerun(dashboard)
    expect(card).to_contain_text("1 file", timeout=WITHIN_MS)
    page.get_by_role("link", name="Gone from the source 1").click()
    expect(page.locator("#files")).to_contain_text("gone.txt")
    page.locator("#ask-mirror").click()
    question = page.get_by_role("dialog", name="Delete in the container what is gone from the source?")
    confirm = question.get_by_role("button", name="Confirm the mirror")
    expect(confirm).to_be_disabled()
    question.get_by_label("Type mirror-pages to confirm").fill("mirror-pages")
    confirm.click()
    expect(page.get_by_text("Mirror confirmed: from the next run on")).to_be_visible()
    rerun(dashboard)
    expect(card).to_contain_text("1 deleted", timeout=WITHIN_MS)
    container = open_container(stack.data_account.connection_string, str(stack.ca_file), "mirror-pages")
    assert set(blobs(container)) == {"keep.txt", "also.txt"}

    page.get_by_role("button", name="Stop deleting").click()
    expect(page.get_by_text("The mirror deletes nothing any more.")).to_be_visible()
    page.locator("#change-sync").click()
    expect(page.get_by_label("Schedule")).to_have_value("0 2 * * *")
    page.get_by_label("Schedule").fill("never")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#schedule-error")).to_contain_text("five are needed")
    page.get_by_label("Schedule").fill("30 3 * * mon-fri")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Schedule and mirror saved.")).to_be_visible()
    expect(card).to_contain_text("30 3 * * mon-fri")

    page.locator("#ask-cutover").click()
    page.get_by_role("dialog", name="Run a last time?").get_by_role("button", name="Cut over now").click()
    expect(page.get_by_text("The last run has started.")).to_be_visible()
    dashboard.expect_state("Completed")
    expect(card).to_contain_text("by hand")


@pytest.mark.slow
def test_failed_files_are_retried_by_a_button_and_an_archive_offers_its_list(
    dashboard: Dashboard, agent: AgentProcess, tmp_path: Path
) -> None:
    page, stack = dashboard.page, dashboard.stack
    root = tmp_path / "share"
    root.mkdir()
    for name in ("ours.txt", "theirs.txt"):
        (root / name).write_text(name)
    container = open_container(stack.data_account.connection_string, str(stack.ca_file), "archive-pages")
    container.create_container()
    container.upload_blob("theirs.txt", b"somebody else's")

    page.locator("#new-job").click()
    page.get_by_label("Kind of job").select_option("archive")
    page.get_by_label("Job name").fill("Put away")
    page.get_by_label("Source folder").fill(str(root))
    page.get_by_label("Container").fill("archive-pages")
    page.get_by_role("button", name="Create job").click()
    expect(page.locator("#access_tier-error")).to_be_visible()
    page.get_by_label("Access tier").select_option("cool")
    page.get_by_role("button", name="Create job").click()
    dashboard.expect_state("Completed with failures")
    container.delete_blob("theirs.txt")
    dashboard.press("Retry failed only")
    expect(page.get_by_text("New attempt started, about the failed files only.")).to_be_visible()
    expect(page.get_by_text("Attempt 2 is about the files only that failed in attempt 1.")).to_be_visible()
    dashboard.expect_state("Completed")
    assert dashboard.bucket("Transferred") == 1
    page.reload()
    expect(page.locator("section:has(#safe-title)")).to_contain_text("2 files")
    with page.expect_download() as download:
        page.locator("#safe-to-delete").click()
    listed = Path(download.value.path()).read_text()
    assert {line.split(",")[0] for line in listed.splitlines()} == {"path", "ours.txt", "theirs.txt"}


def rerun(dashboard: Dashboard) -> None:
    dashboard.press("Rerun")
    expect(dashboard.page.get_by_text("New attempt started. What is verified is not sent again.")).to_be_visible()
    dashboard.expect_state("Completed")
