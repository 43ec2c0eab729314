"""Bodies of jobs on the wire: what of them is refused before anybody works with it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from migrate_contract.jobs import LocalSource


@pytest.mark.parametrize("path", ["/", "/srv/files", "D:\\Files", "d:/files", "\\\\server\\share", "/with\nnewline"])
def test_a_full_path_is_a_source(path: str) -> None:
    assert LocalSource(path=path).path == path


@pytest.mark.parametrize(
    "path", ["", "files", "./files", "~/files", "C:files", "\\files", "\\\\\\x", "/a\x00b", " /srv"]
)
def test_a_path_that_depends_on_where_a_process_was_started_is_no_source(path: str) -> None:
    with pytest.raises(ValidationError):
        LocalSource(path=path)
