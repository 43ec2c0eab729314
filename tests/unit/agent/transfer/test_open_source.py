"""Opening the source folder: what is said where it cannot be listed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from migrate_agent.transfer.scanner import open_source
from migrate_contract.errors import ErrorCode, Fatal

NOBODY = 65534


@pytest.fixture
def somebody_else() -> Iterator[None]:
    """Root reads everything: where the tests run as root, this one runs as nobody."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    yield
    os.seteuid(0)


def test_a_folder_without_permission_is_named_with_its_own_code(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o000)
    request.getfixturevalue("somebody_else")
    with pytest.raises(Fatal) as refused:
        open_source(str(closed))
    assert refused.value.code is ErrorCode.SOURCE_NOT_READABLE
    assert str(closed) in refused.value.detail


def test_a_file_is_no_source_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(Fatal) as refused:
        open_source(str(tmp_path / "file"))
    assert refused.value.code is ErrorCode.SOURCE_NOT_FOUND
