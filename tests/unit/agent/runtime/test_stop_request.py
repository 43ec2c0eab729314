"""Asking a process to stop that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_agent.runtime.stop_request import ask_to_stop
from migrate_contract.errors import ErrorCode, Fatal


def test_nothing_runs_here(tmp_path: Path) -> None:
    with pytest.raises(Fatal) as refused:
        ask_to_stop(tmp_path)
    assert refused.value.code is ErrorCode.NOT_RUNNING
