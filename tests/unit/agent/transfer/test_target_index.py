"""What the destination was listed to hold comes back whole, every field of it."""

from __future__ import annotations

from migrate_agent.transfer.blob_xml import BlobPage
from migrate_agent.transfer.target import TargetIndex
from migrate_agent.transfer.target_blob import TargetBlob

FILE = TargetBlob("a/file", 5, "0x1", "0" * 32, 1, 2, "job_x.1", archived=True, tier="Archive")
FOLDER = TargetBlob("a", 0, "0x2", None, None, 3, None, folder=True)
FAR_FUTURE = TargetBlob("b", 1, "0x3", None, 1 << 70, 4, None)


def test_every_field_comes_back() -> None:
    index = TargetIndex()
    assert index.get("a") is None
    index.load([BlobPage([FILE, FOLDER], "more"), BlobPage([FAR_FUTURE], "")])
    assert len(index) == 3
    assert index.get("a/file") == FILE
    assert index.get("a") == FOLDER
    assert index.get("b") == FAR_FUTURE._replace(mtime_ns=None)
    assert index.get("c") is None
    index.close()
