"""What a demonstration found: the job's own numbers, the comparison, and why it failed where it did."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.comparison import Comparison, blob_can_hold

BUCKETS = ("excluded", "unchanged", "transferred", "failed", "unsupported", "pending")


@dataclass(frozen=True)
class DemoReport:
    """What the job says (`files`, `bytes`: six buckets and their sum), what was not copied, and the comparison."""

    source: Path
    files: dict[str, int]
    bytes: dict[str, int]
    not_copied: list[dict[str, Any]]
    comparison: Comparison
    seconds: float

    @property
    def problems(self) -> list[str]:
        """Why the demonstration failed; empty when it passed."""
        problems = []
        for what, tally in (("files", self.files), ("bytes", self.bytes)):
            total = sum(tally[bucket] for bucket in BUCKETS)
            if total != tally["scanned"]:
                problems.append(f"{what}: the buckets add up to {total}, but {tally['scanned']} were scanned")
        if self.files["scanned"] != self.comparison.entries:
            problems.append(
                f"the agent scanned {self.files['scanned']} entries, but the folder has {self.comparison.entries}"
            )
        for bucket in ("failed", "pending"):
            if self.files[bucket]:
                problems.append(f"{self.files[bucket]} files are {bucket}")
        wrongly = [row["path"] for row in self.not_copied if row["bucket"] == "unsupported" and self._is_holdable(row)]
        if wrongly:
            problems.append(f"{len(wrongly)} files are reported unsupported that Blob can hold, such as {wrongly[0]}")
        copied = self.files["transferred"] + self.files["unchanged"]
        if self.comparison.is_equal and copied != self.comparison.equal_files:
            problems.append(f"{copied} files are reported copied, but {self.comparison.equal_files} are equal")
        if self.comparison.differences:
            problems.append(f"{len(self.comparison.differences)} names differ between folder and container")
        return problems

    def _is_holdable(self, row: dict[str, Any]) -> bool:
        path = self.source / row["path"]
        return path.is_file() and not path.is_symlink() and blob_can_hold(row["path"])
