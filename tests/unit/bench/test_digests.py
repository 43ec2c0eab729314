"""A comparison that cannot fail proves nothing: every way of differing is found."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from awscrt.checksums import crc64nvme

from bench.digests import NotTheSource, SourceDigests, compare, nanoseconds


def md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def crc(body: bytes) -> str:
    return crc64nvme(body, 0).to_bytes(8, "little").hex()


@pytest.fixture
def source(tmp_path: Path) -> SourceDigests:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a b").write_bytes(b"hello")
    (tmp_path / "big").write_bytes(b"0123456789")
    for file in ("folder/a b", "big"):
        os.utime(tmp_path / file, ns=(0, 1_767_225_600_500_000_000))
    return SourceDigests(tmp_path)


TIME = "2026-01-01T00:00:00.5Z"
SMALL = f"folder/a%20b\t5\t{md5(b'hello')}\t{TIME}\t5:m:{md5(b'hello')}\n"
BIG = f"big\t10\t{md5(b'0123456789')}\t{TIME}\t6:c:{crc(b'012345')}\t4:m:{md5(b'6789')}\n"


def test_equal(source: SourceDigests) -> None:
    assert compare(SMALL + BIG, source) == 2


def test_a_prefix_is_taken_off(source: SourceDigests) -> None:
    lines = "".join(f"tree/{line}\n" for line in (SMALL + BIG).splitlines())
    assert compare(lines, source, "tree/") == 2


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (SMALL, "big: not in the container"),
        (SMALL + BIG + SMALL.replace("a%20b", "other"), "no such file"),
        (SMALL.replace(f"m:{md5(b'hello')}", f"m:{md5(b'hullo')}") + BIG, "its bytes differ"),
        (SMALL.replace(f"{md5(b'hello')}\t", f"{md5(b'hullo')}\t") + BIG, "its label is"),
        (SMALL.replace(f"{md5(b'hello')}\t", "-\t") + BIG, "its label is -"),
        (SMALL + BIG.replace(f"6:c:{crc(b'012345')}", f"6:c:{crc(b'012354')}"), "its bytes differ"),
        (SMALL + BIG.replace("\t4:m:", "\t3:m:"), "10 bytes, of which bodies are 9"),
        (SMALL + BIG.replace("big\t10", "big\t11"), "11 bytes, of which bodies are 10"),
        (SMALL + f"big\t6\t{md5(b'0123456789')}\t{TIME}\t6:c:{crc(b'012345')}\n", "its bytes differ"),
        (
            SMALL + f"big\t10\t{md5(b'0123456789')}\t{TIME}\t4:m:{md5(b'6789')}\t6:c:{crc(b'012345')}\n",
            "its bytes differ",
        ),
    ],
    ids=["missing", "extra", "byte", "label", "no-label", "block", "short-block", "size", "lost-block", "order"],
)
def test_every_difference_is_found(source: SourceDigests, lines: str, said: str) -> None:
    with pytest.raises(NotTheSource, match=said):
        compare(lines, source)


def test_times_are_compared_where_a_client_keeps_them(source: SourceDigests) -> None:
    assert compare(SMALL + BIG, source, times=True) == 2
    without = SMALL.replace(TIME, "-") + BIG
    assert compare(without, source) == 2
    with pytest.raises(NotTheSource, match="its time is -"):
        compare(without, source, times=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:01Z", 1_000_000_000),
        ("1970-01-01T00:00:00.000000001Z", 1),
        ("2026-01-01T00:00:00.123456789+00:00", 1_767_225_600_123_456_789),
        ("1969-12-31T23:59:59.5Z", -500_000_000),
        ("2026-01-01T00:00:00+01:00", None),
        ("-", None),
    ],
)
def test_times_keep_their_nanoseconds(text: str, expected: int | None) -> None:
    assert nanoseconds(text) == expected
