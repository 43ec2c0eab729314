from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from migrate_agent.runtime.instance_lock import LOCK_FILE, InstanceLock, holder, is_held
from migrate_contract.errors import ErrorCode, Fatal


def test_one_holder_at_a_time_and_it_is_named(tmp_path: Path) -> None:
    with InstanceLock(tmp_path):
        assert holder(tmp_path) == {"pid": os.getpid()}
        with pytest.raises(Fatal) as caught:
            InstanceLock(tmp_path).acquire()
        assert caught.value.code is ErrorCode.ALREADY_RUNNING
        assert str(os.getpid()) in caught.value.detail
    assert not is_held(tmp_path)
    with InstanceLock(tmp_path):
        assert is_held(tmp_path)


def test_a_pid_without_a_lock_is_nobody(tmp_path: Path) -> None:
    (tmp_path / LOCK_FILE).write_text(json.dumps({"pid": 1}))
    assert holder(tmp_path) == {}


def test_asking_changes_nothing(tmp_path: Path) -> None:
    assert not is_held(tmp_path)
    assert list(tmp_path.iterdir()) == []
