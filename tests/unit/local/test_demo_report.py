"""The demonstration's verdict: it can fail, for each reason alone."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import pytest
from rich.console import Console

from local.comparison import Comparison, Difference, DifferenceKind
from local.demo_display import DemoDisplay
from local.demo_report import DemoReport

FILES = {"scanned": 7, "excluded": 2, "unchanged": 1, "transferred": 3, "failed": 0, "unsupported": 1, "pending": 0}
NOT_COPIED = [
    {"bucket": "excluded", "path": "link 1", "code": "symlink-skipped", "detail": "not followed"},
    {"bucket": "excluded", "path": "link 2", "code": "symlink-skipped", "detail": "not followed"},
    {"bucket": "unsupported", "path": "bad\x1b[31m.", "code": "name-unsupported", "detail": "ends in a dot"},
]


def report(**changes: object) -> DemoReport:
    passed = DemoReport(Path("/source"), FILES, dict(FILES), NOT_COPIED, Comparison(4, 100, 1, 7), 12.0)
    return dataclasses.replace(passed, **changes)  # type: ignore[arg-type]


def printed(shown: DemoReport) -> str:
    output = io.StringIO()
    DemoDisplay(Console(file=output, width=200)).report(shown)
    return output.getvalue()


def test_a_right_copy_passes():
    assert report().problems == []
    text = printed(report())
    assert "PASSED" in text
    assert "\x1b[31m" not in text, "a file's name must not steer the terminal"
    assert "name-unsupported: ends in a dot" in text
    assert "excluded: 2 (symlink-skipped), such as link 1" in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"files": {**FILES, "scanned": 8}}, "add up to 7, but 8"),
        ({"bytes": {**FILES, "transferred": 9}}, "bytes: the buckets"),
        ({"files": {**FILES, "failed": 1, "transferred": 2}}, "1 files are failed"),
        ({"files": {**FILES, "pending": 1, "transferred": 2}}, "1 files are pending"),
        ({"comparison": Comparison(4, 100, 1, 9)}, "the folder has 9"),
        ({"comparison": Comparison(3, 100, 1, 7)}, "3 are equal"),
    ],
)
def test_each_reason_fails_it(changes: dict[str, object], said: str):
    failed = report(**changes)
    assert any(said in problem for problem in failed.problems)
    assert "FAILED" in printed(failed)
    assert "PASSED" not in printed(failed)


def test_every_difference_is_named():
    differences = [Difference("a", DifferenceKind.MISSING, "x"), Difference("b", DifferenceKind.CONTENT, "y")]
    failed = report(comparison=Comparison(2, 50, 1, 7, differences))
    assert failed.problems == ["2 names differ between folder and container"]
    assert "missing: a (x)" in printed(failed)
    assert "content: b (y)" in printed(failed)
