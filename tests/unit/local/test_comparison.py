"""Which names a blob can have, by the comparison's own reading of the service's rules."""

from __future__ import annotations

import pytest

from local.comparison import blob_can_hold


@pytest.mark.parametrize(
    "name", ["a", "a/b.c", "a.b/c", ".hidden", "ä ö/#?%", "x" * 1024, "/".join("a" * 254), "\U0001f600"]
)
def test_names_that_come_back_unchanged(name: str):
    assert blob_can_hold(name)


@pytest.mark.parametrize(
    "name",
    ["", "a.", "a./b", "a/..", "a\\b", "a\nb", "a\x7f", "\udcff", "x" * 1025, "/".join("a" * 255), "\U0001f600" * 513],
)
def test_names_that_do_not(name: str):
    assert not blob_can_hold(name)
