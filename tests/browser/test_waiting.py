"""What a real job waits for, said on its page and by `migrate-agent status` while it runs."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import page_overflow
from tests.browser.dashboard import WITHIN_MS, Dashboard
from tests.harness.agent_process import AgentProcess

FILES = 64
ADVICE = "throttled to 2 Mbps by the job's own limit"


@pytest.fixture
def slow_tree(tmp_path: Path) -> Path:
    """16 MiB: a minute at 2 Mbps, twice as long as a report and a poll may take together."""
    root = tmp_path / "slow"
    root.mkdir()
    for index in range(FILES):
        (root / f"part {index}.bin").write_bytes(os.urandom(256 * 1024))
    return root


@pytest.mark.slow
def test_a_throttled_job_says_so(dashboard: Dashboard, agent: AgentProcess, slow_tree: Path) -> None:
    page = dashboard.page
    dashboard.create_job("Throttled", slow_tree, "waiting", mbps=2)
    dashboard.expect_state("Running")

    block = page.get_by_role("region", name="What it is waiting for")
    expect(block).to_contain_text("Throttled to 2 Mbps by the job's own limit.", timeout=2 * WITHIN_MS)
    limit = block.locator(".figures > div").filter(has_text="Limit in force")
    expect(limit).to_contain_text(re.compile(r"2 Mbps\s*by the job's own limit"))
    waits = block.locator(".waits > div")
    expect(waits).to_have_count(7)
    share = waits.filter(has_text="Bandwidth limit").locator("dd").inner_text()
    assert int(share.strip().rstrip("%")) > 50
    expect(page.locator(".figures").first).to_contain_text("on average", timeout=WITHIN_MS)
    page.set_viewport_size({"width": 400, "height": 800})
    assert page_overflow(page) == 0

    job = next(job for job in agent.status()["jobs"] if job["name"] == "Throttled")
    assert job["advice"] == ADVICE
    assert job["limit"] == {"mbps": 2.0, "owner": "job", "until": None, "zone": None}
    assert job["concurrency"] > 0
    assert job["waited_seconds"]["throttle"] > 0
    assert 0 < job["average_bytes_per_second"] < 400_000
    shown = agent.command("status").stdout
    assert ADVICE in shown
    assert "2 Mbps by the job's own limit" in shown
    dashboard.press("Cancel")
    page.get_by_role("button", name="Cancel the job").click()
    dashboard.expect_state("Cancelled")
    expect(block).to_have_count(0)
