"""Fixtures of every test (see tests/fixtures_stack.py for the running system), and the order they run in."""

from __future__ import annotations

import os

import pytest

pytest_plugins = ["tests.fixtures_stack", "tests.fixtures_copy", "tests.fixtures_bench"]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Side by side, each worker begins with its share of the slow tests, so that none is left for the end.

    A worker gets one run of consecutive tests to begin with (`--dist worksteal`).
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers == 1:
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    others = [item for item in items if not item.get_closest_marker("slow")]
    ordered: list[pytest.Item] = []
    for worker in range(workers):
        share = slice(len(others) * worker // workers, len(others) * (worker + 1) // workers)
        ordered += [*slow[worker::workers], *others[share]]
    items[:] = ordered
