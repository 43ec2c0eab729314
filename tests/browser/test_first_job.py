"""A new user, a browser, an empty stack: from nothing to a finished copy, with nothing but the pages."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from local.stack import Stack
from tests.browser.chromium import Complaints
from tests.browser.dashboard import WITHIN_MS, Dashboard
from tests.harness.agent_process import AgentProcess
from tests.harness.container import blobs, files, open_container

FILES = 40


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "share"
    for index in range(FILES):
        folder = root / f"folder {index % 4}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"file {index}.txt").write_bytes(os.urandom(1000 + index))
    (root / "cannot be a blob.").write_bytes(b"the name ends in a dot")
    (root / "taken.txt").write_bytes(b"ours")
    return root


@pytest.mark.slow
def test_from_an_empty_stack_to_a_finished_copy(
    page: Page, fresh_stack: Callable[..., Stack], tree: Path, tmp_path: Path
) -> None:
    stack = fresh_stack()
    container = open_container(stack.data_account.connection_string, str(stack.ca_file), "grace-files")
    container.create_container()
    container.upload_blob("taken.txt", b"somebody else's, and longer")
    complaints = Complaints(stack.api_url, expected_statuses=frozenset({401}))
    complaints.listen(page)
    user = Dashboard(page, stack)

    user.sign_in()
    expect(user.heading("Welcome")).to_be_visible()
    expect(page.get_by_text("Local stack: signed in automatically")).to_be_visible()
    page.get_by_role("link", name="Create a client").click()
    user.create_client("Grace Church")
    user.create_project("File server")
    expect(page.locator("li[data-step='next']")).to_contain_text("Install an agent")

    code = user.generate_code()
    expect(page.locator("#command-register")).to_contain_text(
        f"migrate-agent --register {code} --api-url {stack.api_url}"
    )
    agent = AgentProcess(tmp_path / "agent", stack.api_url, str(stack.ca_file))
    try:
        agent.register(code, name="fileserver")
        expect(page.locator("#live")).to_contain_text("Registered, process not started", timeout=10_000)
        agent.start()
        expect(page.locator("#live .pill")).to_have_text("Online", timeout=WITHIN_MS)

        user.crumb("Grace Church")
        page.get_by_role("link", name="File server", exact=True).click()
        page.get_by_role("link", name="New job").click()
        expect(page.get_by_text("Project has no Azure connection")).to_be_visible()
        expect(page.get_by_role("link", name="NO_AZURE_CONNECTION")).to_be_visible()
        page.get_by_role("link", name="Connect Azure Storage first").click()
        user.connect_storage()
        user.create_job("First pass", tree, "grace-files")
        user.expect_state("Completed with failures")
    finally:
        agent.close()

    found = {name: user.bucket(name) for name in ("Transferred", "Unchanged", "Excluded", "Unsupported", "Failed")}
    assert found == {"Transferred": FILES, "Unchanged": 0, "Excluded": 0, "Unsupported": 1, "Failed": 1}
    assert user.bucket("Pending") == 0
    expect(page.locator(".sum")).to_contain_text(f"Together {FILES + 2} files")
    expect(page.get_by_text("The report adds up")).to_be_visible(timeout=WITHIN_MS)

    files_card = page.locator("#files")
    row = files_card.get_by_role("row").filter(has_text="taken.txt")
    expect(row).to_contain_text("The destination holds a different blob that is not ours", timeout=WITHIN_MS)
    row.get_by_role("link", name="target-exists").click()
    expect(page.get_by_text("Compare both; then rename one")).to_be_visible()
    page.go_back()
    files_card.get_by_role("link", name="Transferred").click()
    expect(files_card.get_by_role("row")).to_have_count(FILES + 1)

    history = page.get_by_role("region", name="History").or_(page.locator("section:has(#history-title)"))
    for step in ("Created", "Scanning", "Running", "Completed"):
        expect(history.first).to_contain_text(step)
    stored = blobs(container)
    assert stored.pop("taken.txt") == b"somebody else's, and longer"
    assert stored == {name: content for name, content in files(tree).items() if name.startswith("folder")}
    complaints.expect_none()
