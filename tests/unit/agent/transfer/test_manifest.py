"""The manifest's file, and the walk over what it lists."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate_agent.transfer.manifest import Manifest, plain_path, read_manifest
from migrate_agent.transfer.scanner import Scanner
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.filters import FileFilters
from migrate_contract.jobs import Bucket, SymlinkPolicy


def written(folder: Path, text: str | bytes) -> str:
    path = folder / "manifest.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(path)


def paths(where: str, *, windows: bool = False) -> list[str]:
    with Manifest(where, windows=windows) as manifest:
        return [listed.path for listed in manifest]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("b\na\n", ["a", "b"]),
        ("a", ["a"]),
        ("a\r\nb\r\n", ["a", "b"]),
        ("\ufeffa\n", ["a"]),
        ("./a//b/\n\na/b\n", ["a/b"]),
        ("path\na\n", ["a"]),
        ("row,path,bucket\n1,a,failed\n2,b,failed\n", ["a", "b"]),
        ('"a, b.txt"\n', ["a, b.txt"]),
        ('"line\nbreak"\nz\n', ["line\nbreak", "z"]),
        ("a-b\na/z\na\n", ["a", "a/z", "a-b"]),
        ("日本語/é\n", ["日本語/é"]),
        ("back\\slash\n", ["back\\slash"]),
        ("...\n..a/b..\n", ["...", "..a/b.."]),
    ],
)
def test_what_a_manifest_lists(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert paths(written(tmp_path, text)) == expected


def test_windows_separators_are_read_on_windows(tmp_path: Path) -> None:
    assert paths(written(tmp_path, "a\\b\n"), windows=True) == ["a/b"]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a\n/srv/x\n", "line 2", "full path"),
        ("a\n\nb/../c\n", "line 3", "leaves the source folder"),
        ("a,b\n", "line 1", "quote a path that has a comma"),
        ("path,size\na\n", "line 2", "the first row names 2"),
        ("path,size\na,1\n,2\n", "line 3", "the path is empty"),
        (".\n", "line 1", "names no file"),
        ('"a\nb"\n"c\n', "after line 2", "unexpected end of data"),
        (b"a\nM\xfcller\n", "after line", "not UTF-8"),
        ("a\n".encode("utf-16"), "after line 0", "not UTF-8"),
        ("a\x00b\n", "line 1", "names no file"),
        ("\n\n", "", "lists no path"),
        ("path\n", "", "lists no path"),
        ("x" * 40_000, "line 1", "40000 characters"),
    ],
)
def test_a_malformed_manifest_is_refused_with_its_line(
    tmp_path: Path, text: str | bytes, line: str, words: str
) -> None:
    where = written(tmp_path, text)
    with pytest.raises(Fatal) as raised:
        paths(where)
    assert raised.value.code is ErrorCode.MANIFEST_INVALID
    assert line in raised.value.detail
    assert words in raised.value.detail
    assert where in raised.value.detail


def test_windows_drives_are_full_paths() -> None:
    with pytest.raises(ValueError, match="full path"):
        plain_path("C:\\x", windows=True)
    assert plain_path("C:x", windows=False) == "C:x"


def test_a_manifest_that_is_not_there(tmp_path: Path) -> None:
    for where in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(Fatal) as raised:
            paths(str(where))
        assert raised.value.code is ErrorCode.MANIFEST_NOT_READABLE


@given(st.text(max_size=30))
def test_a_plain_path_stays_inside_the_source(text: str) -> None:
    for windows in (False, True):
        try:
            found = plain_path(text, windows=windows)
        except ValueError:
            continue
        assert not {"", ".", ".."} & set(found.split("/"))
        assert plain_path(found, windows=windows) == found


def scanned(root: Path, text: str, *, follow: bool = False, **filters: Any) -> dict[str, str | None]:
    """Result: each path of the walk, with the code of what settled it."""
    scanner = Scanner(
        str(root / "source"),
        prefix="",
        filters=FileFilters(manifest=written(root, text), **filters),
        symlinks=SymlinkPolicy.FOLLOW if follow else SymlinkPolicy.SKIP,
    )
    found: dict[str, str | None] = {}
    for item in scanner.walk():
        assert item.path not in found, "named once"
        found[item.path] = item.verdict.code.value if item.verdict and item.verdict.code else None
    return found


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    source = tmp_path / "source"
    for path in ("a/1", "a/2", "a/b/3", "a-b", "c/4", "c/Thumbs.db", "d", ".hid/5"):
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_bytes(path.encode())
    (source / "link").symlink_to("a")
    (source / "d-link").symlink_to("d")
    return tmp_path


def test_only_what_is_listed_is_looked_at(tree: Path) -> None:
    assert scanned(tree, "a/2\nd\n") == {"a/2": None, "d": None}


def test_a_listed_folder_is_everything_in_it_once(tree: Path) -> None:
    assert scanned(tree, "a/b/3\na\na/1\na/b\na-b\n") == {"a/1": None, "a/2": None, "a/b/3": None, "a-b": None}


def test_what_is_missing_is_a_row_of_its_own(tree: Path) -> None:
    found = scanned(tree, "a\na/9\nz/y/x\nd/below\nd\n")
    missing = {path for path, code in found.items() if code == "manifest-path-missing"}
    assert missing == {"a/9", "z/y/x", "d/below"}
    assert found["d"] is None
    assert found["a/1"] is None


def test_the_row_of_a_missing_path_names_the_line(tree: Path) -> None:
    filters = FileFilters(manifest=written(tree, "d\nz\n"))
    *_, lost = Scanner(str(tree / "source"), prefix="", filters=filters, symlinks=SymlinkPolicy.SKIP).walk()
    assert lost.verdict is not None
    assert lost.verdict.bucket is Bucket.FAILED
    assert "line 2 of the manifest" in (lost.verdict.detail or "")


def test_links_above_a_listed_path_are_links(tree: Path) -> None:
    """Followed silently, a link would lead out of the source although the job says not to follow."""
    assert scanned(tree, "link/1\nd-link\n") == {"link/1": "symlink-skipped", "d-link": "symlink-skipped"}
    assert scanned(tree, "link/1\nd-link\nlink/b\n", follow=True) == {"link/1": None, "d-link": None, "link/b/3": None}


def test_the_other_filters_hold_for_what_is_listed(tree: Path) -> None:
    assert scanned(tree, "c\nc/Thumbs.db\n.hid/5\na/1\n", exclude=["1"], max_depth=2) == {
        "c/4": None,
        "c/Thumbs.db": "filtered-out",
        ".hid/5": None,
        "a/1": "filtered-out",
    }


def test_what_is_listed_and_no_file(tree: Path) -> None:
    os.mkfifo(tree / "source" / "pipe")
    assert scanned(tree, "pipe\npipe/x\n") == {"pipe": "special-file", "pipe/x": "manifest-path-missing"}


def test_listed_paths_that_look_alike_are_noted(tmp_path: Path) -> None:
    composed, decomposed = unicodedata.normalize("NFC", "é"), unicodedata.normalize("NFD", "é")
    with Manifest(written(tmp_path, f"a/x\nA/x\nb\n{composed}\n{decomposed}\nc\nc\n"), windows=False) as manifest:
        notes = {listed.path: listed.note for listed in manifest}
    assert {path for path, note in notes.items() if note} == {"a/x", "A/x", composed, decomposed}
    assert notes["A/x"] == "'A/x' differs only by case from 'a/x' in the manifest"
    assert "Unicode form" in (notes[composed] or "")


def test_a_note_goes_with_the_file(tree: Path) -> None:
    (tree / "source" / "D").write_bytes(b"")
    filters = FileFilters(manifest=written(tree, "d\nD\na-b\n"))
    walk = Scanner(str(tree / "source"), prefix="", filters=filters, symlinks=SymlinkPolicy.SKIP).walk()
    assert {found.path: found.note is not None for found in walk} == {"D": True, "d": True, "a-b": False}


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    listed = list(read_manifest(written(tmp_path, 'path\n"a\nb"\nc\n'), windows=False))
    assert [(item.path, item.line) for item in listed] == [("a\nb", 2), ("c", 4)]
