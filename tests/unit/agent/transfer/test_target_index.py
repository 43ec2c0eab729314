"""The list of what the destination holds gives back each blob as it was listed."""

from __future__ import annotations

from migrate_agent.transfer.blob_xml import BlobPage
from migrate_agent.transfer.target import TargetIndex
from migrate_agent.transfer.target_blob import TargetBlob


def test_a_blob_comes_back_with_everything_that_was_listed():
    full = TargetBlob("a/b", 7, "0x1", "00" * 16, 11, 12, "job_x.1", True, True, "Cool")
    assert all(full), "every field has a value that is not its default"
    bare = TargetBlob("c", 0, "0x2", None, None, None, None)
    index = TargetIndex()
    index.load([BlobPage([full], "more"), BlobPage([bare], "")])
    assert (index.get("a/b"), index.get("c"), index.get("d")) == (full, bare, None)
    assert len(index) == 2
    index.close()
