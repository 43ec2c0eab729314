"""Names, filters, blocks, metadata, content types: the small pure parts."""

from __future__ import annotations

import base64
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate_agent.transfer.blocks import (
    MAX_BLOCKS,
    block_bytes_for,
    block_id,
    block_sizes,
    blocks_digest,
    id_bytes_beside,
    upload_id,
)
from migrate_agent.transfer.content_type import content_type
from migrate_agent.transfer.filters import FileFilter
from migrate_agent.transfer.names import blob_name, look_alikes, name_problem, path_below
from migrate_agent.transfer.target_blob import format_mtime, metadata_for, parse_md5, parse_mtime
from migrate_contract.errors import ErrorCode, SkipRecord
from migrate_contract.jobs import FileFilters

MIB = 1 << 20


@pytest.mark.parametrize(
    ("prefix", "path", "words"),
    [
        ("p", "a/b.txt", None),
        ("p", "日本語/é", None),
        ("p", "a.b/c", None),
        ("p", "end.", "ends with a dot"),
        ("p", "folder./x", "ends with a dot"),
        ("p", "back\\slash", "backslash"),
        ("p", "tab\there", "U+0009"),
        ("p", "c1\x85", "U+0085"),
        ("p", "odd\uffff", "U+FFFF"),
        ("p", "bytes\udcff", "not valid Unicode"),
        ("p", "x" * 1022, None),
        ("p", "x" * 1023, "1025 characters"),
        ("", "\U0001f600" * 600, "1200 characters"),
        ("p", "/".join("d" * 253), None),
        ("p", "/".join("d" * 254), "255 folders"),
    ],
)
def test_names_that_blob_cannot_hold_are_found_with_what_to_do(prefix, path, words):
    problem = name_problem(prefix, path)
    if words is None:
        assert problem is None
    else:
        assert problem is not None
        assert words in problem
        assert any(verb in problem for verb in ("rename", "shorten", "move"))


def test_names_and_paths_belong_to_each_other():
    assert blob_name("a/b", "c/d") == "a/b/c/d"
    assert path_below("a/b", "a/b/c/d") == "c/d"
    assert path_below("a/b", "a/bc") is None
    assert path_below("", "c") == "c"


def test_look_alikes_of_one_folder():
    composed, decomposed = unicodedata.normalize("NFC", "é"), unicodedata.normalize("NFD", "é")
    notes = look_alikes(["A", "a", "b", composed, decomposed, "Straße", "STRASSE"])
    assert set(notes) == {"A", "a", composed, decomposed, "Straße", "STRASSE"}
    assert "case" in notes["A"]
    assert "Unicode form" in notes[composed]


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("*.tmp", "a.tmp", True),
        ("*.tmp", "deep/er/a.tmp", True),
        ("*.tmp", "a.tmp.txt", False),
        ("*.TMP", "a.tmp", False),
        ("node_modules", "x/node_modules/y/z.js", True),
        ("node_modules/", "x/node_modules/y/z.js", True),
        ("node_modules/", "node_modules", False),
        ("a/b", "a/b/c.txt", True),
        ("a/b", "x/a/b/c.txt", False),
        ("/top.txt", "top.txt", True),
        ("/top.txt", "x/top.txt", False),
        ("a/*.txt", "a/b/c.txt", False),
        ("a/**/c.txt", "a/c.txt", True),
        ("a/**/c.txt", "a/x/y/c.txt", True),
        ("a/**", "a/x/y", True),
        ("file?.txt", "file1.txt", True),
        ("file[0-9].txt", "filex.txt", False),
        ("file[!0-9].txt", "filex.txt", True),
        ("[", "[", True),
        ("[!]", "[!]", True),
        ("[z-a]", "[z-a]", True),
        ("[]a]", "]", True),
        ("x[^a]", "x^", True),
        ("a+b(c)", "a+b(c)", True),
    ],
)
def test_patterns(pattern, path, matches):
    assert (FileFilter(FileFilters(exclude=[pattern])).left_out_by(path) is not None) is matches
    assert (FileFilter(FileFilters(include=[pattern])).left_out_by(path) is None) is matches


def test_exclude_wins_and_names_the_pattern():
    both = FileFilter(FileFilters(include=["*.txt"], exclude=["secret*"]))
    assert both.left_out_by("secret.txt") == "excluded by 'secret*'"
    assert both.left_out_by("a.txt") is None
    assert both.left_out_by("a.doc") == "no include pattern matches"


@given(st.text(alphabet="ab/*?[]!.-^\\", max_size=12), st.text(alphabet="ab/.", min_size=1, max_size=12))
def test_any_pattern_compiles_and_any_path_is_answered(pattern, path):
    FileFilter(FileFilters(exclude=[pattern])).left_out_by(path)


@given(st.integers(0, 1 << 46), st.integers(1, 256))
def test_blocks_add_up_within_the_services_limits(size, chunk_mib):
    block_bytes = block_bytes_for(size, chunk_mib * MIB)
    full, rest = divmod(size, block_bytes)
    assert full + bool(rest) <= MAX_BLOCKS
    assert block_bytes >= chunk_mib * MIB
    if full <= 100:
        assert sum(block_sizes(size, block_bytes)) == size
        assert all(block_sizes(size, block_bytes))


def test_a_file_that_no_blob_holds_is_refused():
    with pytest.raises(SkipRecord) as raised:
        block_bytes_for(MAX_BLOCKS * 4001 * MIB, MIB)
    assert raised.value.code is ErrorCode.TARGET_REFUSED


def test_block_ids_have_equal_length_and_differ_by_place_state_and_content():
    one, other = upload_id("a/b", 10, 5, MIB), upload_id("a/b", 10, 6, MIB)
    ids = [
        block_id(index, upload, digest)
        for upload in (one, other)
        for index in (0, 9, 49_999)
        for digest in (b"\x00" * 8, b"\x00" * 7 + b"\x01")
    ]
    assert len(set(ids)) == 12
    assert len({len(base64.b64decode(found)) for found in ids}) == 1
    assert block_id(9, upload_id("a/b", 10, 5, MIB), b"\x00" * 8) == ids[2], "the same again after any restart"


@pytest.mark.parametrize("raw", [21, 23, 36, 48, 64])
def test_ids_fit_in_beside_the_blocks_of_another_program(raw):
    staged = [base64.b64encode(b"x" * raw).decode()]
    length = id_bytes_beside(staged)
    assert len(block_id(3, b"u" * 16, b"d" * 8, length)) == len(staged[0])


@pytest.mark.parametrize("left", ["YWJj", "no base64"])
def test_blocks_too_short_for_ids_of_ours_are_said(left):
    with pytest.raises(SkipRecord) as raised:
        id_bytes_beside([left])
    assert raised.value.code is ErrorCode.TARGET_REFUSED


def test_a_block_list_is_known_by_ids_sizes_and_order():
    blocks = [("YQ==", 4), ("Yg==", 2)]
    others = [[("Yg==", 2), ("YQ==", 4)], [("YQ==", 4)], [("YQ==", 4), ("Yg==", 3)], []]
    assert all(blocks_digest(other) != blocks_digest(blocks) for other in others)


@given(st.integers(0, 253_402_300_799_999_999_999))
def test_times_survive_the_metadata(mtime_ns):
    text = format_mtime(mtime_ns)
    assert text is not None
    assert parse_mtime(text) == mtime_ns


def test_times_before_1970_and_beyond_the_calendar():
    assert format_mtime(-1) == "1969-12-31T23:59:59.999999999Z"
    assert parse_mtime("1969-12-31T23:59:59.999999999Z") == -1
    assert format_mtime(2**63 - 1) == "2262-04-11T23:47:16.854775807Z"
    assert format_mtime(10**30) is None
    assert "mtime" not in metadata_for(None, "m")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2020-01-01T01:00:00+01:00", 1_577_836_800_000_000_000),
        ("2020-01-01T00:00:00.5Z", 1_577_836_800_500_000_000),
        ("yesterday", None),
        ("2020-13-01T00:00:00Z", None),
        (None, None),
    ],
)
def test_times_that_others_wrote(text, expected):
    assert parse_mtime(text) == expected


def test_hashes_in_base64():
    assert parse_md5("1B2M2Y8AsgTpgAmY7PhCfg==") == "d41d8cd98f00b204e9800998ecf8427e"
    assert parse_md5("nonsense") is None
    assert parse_md5("") is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/b.html", "text/html"),
        ("a.JPG", "image/jpeg"),
        ("a.tar.gz", "application/gzip"),
        ("a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("a.svgz", "application/gzip"),
        ("a.md", "text/markdown"),
        ("data:text/html,x", "application/octet-stream"),
        ("folder.html/none", "application/octet-stream"),
        ("none", "application/octet-stream"),
        ("dot.", "application/octet-stream"),
        (".html", "application/octet-stream"),
        ("bytes\udcff.pdf", "application/pdf"),
    ],
)
def test_content_types(path, expected):
    assert content_type(path) == expected
