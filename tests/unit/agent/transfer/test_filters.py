"""Which files are left out, and the rule that is named: patterns asked at once against one by one, and every filter."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate_agent.transfer.filters import FileFilter, translate
from migrate_agent.transfer.scanner import Scanner
from migrate_contract.errors import ErrorCode
from migrate_contract.filters import DEFAULT_EXCLUDES, FileFilters, Inclusion
from migrate_contract.jobs import Bucket, SymlinkPolicy

PATTERNS = st.one_of(
    st.text(alphabet="ab*?/.!", max_size=6),
    st.sampled_from(
        ["*.a", "a*", "*", "**", "a/**", "**/b", "a/", "/a", "[ab]", "[!a]*", "a/b/", "*a", "[", "b?/", "."]
    ),
)
PATHS = st.lists(st.text(alphabet="ab.A", min_size=1, max_size=3), min_size=1, max_size=4).map("/".join)


def one_by_one(pattern: str, path: str) -> bool:
    """The rule as the documentation words it: the file itself or a folder above it matches, one pattern at a time."""
    stripped, folder_only = pattern.strip("/"), pattern.endswith("/")
    expression = re.compile(translate(stripped), re.DOTALL)
    segments = path.split("/")
    for depth in range(1, len(segments) + 1):
        if depth == len(segments) and folder_only:
            continue
        anchored = "/" in stripped or pattern.startswith("/")
        if expression.fullmatch("/".join(segments[:depth]) if anchored else segments[depth - 1]):
            return True
    return False


@given(st.lists(PATTERNS, max_size=8), st.lists(PATTERNS, max_size=8), PATHS)
def test_patterns_asked_at_once_agree_with_one_by_one(exclude: list[str], include: list[str], path: str) -> None:
    found = FileFilter(FileFilters(exclude=exclude, include=include, default_excludes=False)).left_out_by(path)
    by = [pattern for pattern in exclude if one_by_one(pattern, path)]
    if by:
        assert found in {f"excluded by '{pattern}'" for pattern in by}
    elif include and not any(one_by_one(pattern, path) for pattern in include):
        assert found == "no include pattern matches"
    else:
        assert found is None


@given(PATHS, st.lists(PATTERNS, max_size=4))
def test_the_defaults_only_add_to_what_is_left_out(path: str, exclude: list[str]) -> None:
    alone = FileFilter(FileFilters(exclude=exclude, default_excludes=False)).left_out_by(path)
    assert FileFilter(FileFilters(exclude=exclude)).left_out_by(path) == alone, "no default begins like these names"


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("a/~$budget.xlsx", "~$*"),
        ("a/.~lock.budget.ods#", ".~lock.*"),
        ("Thumbs.db", "Thumbs.db"),
        ("a/THUMBS.DB", "Thumbs.db"),
        ("a/Desktop.ini", "desktop.ini"),
        (".ds_store", ".DS_Store"),
        ("$Recycle.Bin/S-1-5-21/$R1.docx", "$RECYCLE.BIN/"),
        ("system volume information/x", "System Volume Information/"),
        (".Trash-1000/files/a", ".Trash-*/"),
        ("a/~snapshot/daily/a", "~snapshot/"),
        ("a/$recycle.bin", None),
        ("a/system volume information.txt", None),
        ("a/budget~$.xlsx", None),
        ("a/my Thumbs.db.txt", None),
        (".trash-1000", None),
    ],
)
def test_what_is_left_out_by_default(path: str, pattern: str | None) -> None:
    found = FileFilter(FileFilters()).left_out_by(path)
    assert found == (None if pattern is None else f"excluded by default: '{pattern}'")
    assert FileFilter(FileFilters(default_excludes=False)).left_out_by(path) is None


@pytest.mark.parametrize("pattern", DEFAULT_EXCLUDES)
def test_every_default_leaves_something_out(pattern: str) -> None:
    name = pattern.rstrip("/").replace("*", "x")
    path = f"a/{name}/file" if pattern.endswith("/") else f"a/{name}"
    found = FileFilter(FileFilters()).left_out_by(path.upper())
    assert found == f"excluded by default: '{pattern}'"


def test_a_filter_that_is_not_set_costs_nothing() -> None:
    bare = FileFilter(FileFilters(default_excludes=False))
    assert (bare.rule, bare.state_rule, bare.asks_attributes) == (None, None, False)
    assert FileFilter(FileFilters()).state_rule is None


MOMENT = datetime(2026, 1, 31, 18, tzinfo=UTC)
NS = int(MOMENT.timestamp()) * 10**9


@pytest.mark.parametrize(
    ("filters", "size", "mtime_ns", "words"),
    [
        ({"min_size_bytes": 10}, 10, 0, None),
        ({"min_size_bytes": 10}, 9, 0, "smaller than 10 B"),
        ({"max_size_bytes": 2048}, 2048, 0, None),
        ({"max_size_bytes": 2048}, 2049, 0, "larger than 2 KiB"),
        ({"max_size_bytes": 0}, 1, 0, "larger than 0 B"),
        ({"modified_after": MOMENT}, 0, NS, None),
        ({"modified_after": MOMENT}, 0, NS - 1, "last modified before 2026-01-31 18:00Z"),
        ({"modified_before": MOMENT}, 0, NS - 1, None),
        ({"modified_before": MOMENT}, 0, NS, "last modified at or after 2026-01-31 18:00Z"),
        ({"modified_after": MOMENT + timedelta(microseconds=1)}, 0, NS + 999, "last modified before"),
        ({"modified_after": MOMENT + timedelta(microseconds=1)}, 0, NS + 1000, None),
        ({"modified_after": datetime(1, 1, 1, tzinfo=UTC)}, 0, -(2**63), None),
    ],
)
def test_size_and_time(filters: dict[str, Any], size: int, mtime_ns: int, words: str | None) -> None:
    rule = FileFilter(FileFilters(**filters)).state_rule
    assert rule is not None
    found = rule(size, mtime_ns)
    assert found is None if words is None else found is not None and words in found


@pytest.mark.parametrize(
    ("filters", "name", "attributes", "windows", "words"),
    [
        ({"hidden": Inclusion.EXCLUDE}, ".profile", 0, False, "hidden: its name begins with a dot"),
        ({"hidden": Inclusion.EXCLUDE}, ".profile", 0, True, None),
        ({"hidden": Inclusion.EXCLUDE}, "a", 0x2, True, "hidden"),
        ({"hidden": Inclusion.EXCLUDE}, "a", 0x4, True, None),
        ({"system": Inclusion.EXCLUDE}, "a", 0x4, True, "a file of the system"),
        ({"system": Inclusion.EXCLUDE}, "a", 0x2 | 0x20, True, None),
        ({"system": Inclusion.EXCLUDE}, "a", 0x4, False, None),
        ({"hidden": Inclusion.EXCLUDE, "system": Inclusion.EXCLUDE}, "a", 0x6, True, "hidden"),
    ],
)
def test_hidden_and_system(
    filters: dict[str, Any], name: str, attributes: int, windows: bool, words: str | None
) -> None:
    chosen = FileFilter(FileFilters(default_excludes=False, **filters), windows=windows)
    assert (None if chosen.rule is None else chosen.rule(chosen.top(), name, name, attributes)) == words
    assert chosen.below(chosen.top(), name, name, attributes).left_out == words


def scanned(root: Path, **filters: Any) -> dict[str, str | None]:
    """Result: each path found, with the rule that left it out."""
    chosen = FileFilters(**filters)
    found = {}
    for item in Scanner(str(root), prefix="", filters=chosen, symlinks=SymlinkPolicy.SKIP).walk():
        assert item.path not in found
        left_out = item.verdict is not None and item.verdict.code is ErrorCode.FILTERED_OUT
        assert not left_out or (item.verdict is not None and item.verdict.bucket is Bucket.EXCLUDED)
        found[item.path] = item.verdict.detail if left_out and item.verdict else None
    return found


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    for path in (".git/config", "a/b/c/deep.txt", "a/b/mid.txt", "a/.hidden", "a/~$a.docx", "top.txt", "Thumbs.db"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(path.encode())
    return root


def test_what_is_left_out_is_counted_even_in_folders_that_are_left_out(tree: Path) -> None:
    assert scanned(tree, exclude=["a/b"], hidden=Inclusion.EXCLUDE) == {
        ".git/config": "hidden: its name begins with a dot",
        "Thumbs.db": "excluded by default: 'Thumbs.db'",
        "a/.hidden": "hidden: its name begins with a dot",
        "a/b/c/deep.txt": "excluded by 'a/b'",
        "a/b/mid.txt": "excluded by 'a/b'",
        "a/~$a.docx": "excluded by default: '~$*'",
        "top.txt": None,
    }


@pytest.mark.parametrize(
    ("depth", "kept"),
    [
        (1, {"top.txt"}),
        (2, {"top.txt", "a/.hidden", ".git/config"}),
        (3, {"top.txt", "a/.hidden", ".git/config", "a/b/mid.txt"}),
        (4, {"top.txt", "a/.hidden", ".git/config", "a/b/mid.txt", "a/b/c/deep.txt"}),
    ],
)
def test_depth_counts_from_the_source(tree: Path, depth: int, kept: set[str]) -> None:
    found = scanned(tree, max_depth=depth)
    assert {path for path, rule in found.items() if rule is None} == kept
    assert len(found) == 7
    assert depth == 4 or found["a/b/c/deep.txt"] == f"deeper than level {depth}"


def test_a_folder_that_is_included_includes_what_lies_in_it(tree: Path) -> None:
    found = scanned(tree, include=["b/", "top*"], default_excludes=False)
    assert {path for path, rule in found.items() if rule is None} == {"a/b/c/deep.txt", "a/b/mid.txt", "top.txt"}


def test_links_and_special_files_are_left_out_by_name_but_not_by_size(tree: Path) -> None:
    (tree / "link.tmp").symlink_to("top.txt")
    (tree / "link").symlink_to("top.txt")
    os.mkfifo(tree / "pipe")
    found = {
        item.path: item.verdict.code
        for item in Scanner(
            str(tree),
            prefix="",
            filters=FileFilters(exclude=["*.tmp"], min_size_bytes=100),
            symlinks=SymlinkPolicy.SKIP,
        ).walk()
        if item.verdict
    }
    assert found["link.tmp"] is ErrorCode.FILTERED_OUT
    assert found["link"] is ErrorCode.SYMLINK_SKIPPED
    assert found["pipe"] is ErrorCode.SPECIAL_FILE
    assert found["top.txt"] is ErrorCode.FILTERED_OUT


def test_a_folder_that_is_left_out_and_cannot_be_read_is_no_failure(tmp_path: Path) -> None:
    """Vanished between its listing and its turn; as root, permissions would not stop the test."""
    (tmp_path / "A").write_bytes(b"")
    (tmp_path / "System Volume Information").mkdir()
    scan = Scanner(str(tmp_path), prefix="", filters=FileFilters(), symlinks=SymlinkPolicy.SKIP).walk()
    assert next(scan).path == "A"
    (tmp_path / "System Volume Information").rmdir()
    (lost,) = scan
    assert lost.path == "System Volume Information/"
    assert lost.verdict is not None
    assert (lost.verdict.bucket, lost.verdict.code) == (Bucket.EXCLUDED, ErrorCode.FILTERED_OUT)
    assert "excluded by default" in (lost.verdict.detail or "")
