"""The workbook matches ids and adds up as plain Python does, on both sides."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migrate_agent.rockrms.reconcile.workbook import Finding, Grouping, Workbook, open_workbook
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.rockrms import Entity

FEW = settings(max_examples=30, deadline=None)
"""Each example makes a database."""
IDS = st.sets(st.integers(1, 30), max_size=20)
LINES = st.dictionaries(
    st.integers(1, 40),
    st.tuples(
        st.integers(-500, 500), st.sampled_from(["scope", "before"]), st.sampled_from(["f1", "f2"]),
        st.sampled_from(["2023-12-31", "2024-01-01"]),
    ),
    max_size=20,
)  # fmt: skip


def _book() -> Workbook:
    return Workbook(Path(":memory:"))


def _line(key: int, cents: int, bucket: str, fund: str, day: str, mark: int = 1) -> tuple[object, ...]:
    return (key, mark, key, cents, bucket, "gift", day, fund, "9", "Cash", "5", "P5", "transaction", 0, "t", "", fund)


@FEW
@given(st.dictionaries(st.integers(1, 30), st.booleans(), max_size=20), st.lists(st.integers(1, 30), max_size=30))
def test_ids_are_matched(rock: dict[int, bool], listed: list[int]) -> None:
    held = Counter(listed)
    with _book() as book:
        book.put_records(Entity.PEOPLE, [(key, 1, moved, "") for key, moved in rock.items()])
        book.put_held(Entity.PEOPLE, listed)
        book.put_strangers(Entity.PEOPLE, ["x"])
        moved = {key for key, is_moved in rock.items() if is_moved}
        assert book.in_scope(Entity.PEOPLE) == len(moved)
        assert book.held(Entity.PEOPLE) == len(listed) + 1
        assert list(book.missing(Entity.PEOPLE)) == [(key, None) for key in sorted(moved - held.keys())]
        assert dict(book.doubled(Entity.PEOPLE)) == {key: copies for key, copies in held.items() if copies > 1}
        assert dict(book.surplus(Entity.PEOPLE)) == {key: key in rock for key in held.keys() - moved}
        assert list(book.both(Entity.PEOPLE)) == sorted(moved & held.keys())
        assert list(book.missing(Entity.GROUPS)) == []


@FEW
@given(
    LINES,
    st.lists(
        st.tuples(st.sampled_from(["f1", "f3"]), st.just("2024-01-01"), st.integers(1, 3), st.integers(-9, 9)),
        max_size=5,
    ),
)
def test_cells_are_the_sums_of_both_sides(
    lines: dict[int, tuple[int, str, str, str]], target: list[tuple[str, str, int, int]]
) -> None:
    expected: dict[tuple[str, str, str], list[int]] = {}
    for whole, bucket, fund, day in lines.values():
        if bucket == "scope":
            cell = expected.setdefault((fund, day, "gift"), [0, 0, 0, 0])
            cell[0], cell[1] = cell[0] + 1, cell[1] + whole
    for fund, day, count, whole in target:
        cell = expected.setdefault((fund, day, "gift"), [0, 0, 0, 0])
        cell[2], cell[3] = cell[2] + count, cell[3] + whole
    with _book() as book:
        book.put_lines([_line(key, *line) for key, line in lines.items()])
        book.put_cells(Grouping.FUND_DAY, [(fund, day, "gift", count, whole) for fund, day, count, whole in target])
        found = {cell.key: list(cell[1:]) for cell in book.cells(Grouping.FUND_DAY)}
        assert found == expected
        unlike = {key for key, cell in expected.items() if cell[:2] != cell[2:]}
        assert {cell.key for cell in book.cells(Grouping.FUND_DAY, only_differing=True)} == unlike


@FEW
@given(IDS, IDS, IDS)
def test_changes_are_named(before: set[int], after: set[int], edited: set[int]) -> None:
    with _book() as book:
        book.put_lines([_line(key, 1, "scope", "f1", "2024-01-01") for key in before])
        book.take_before(Entity.CONTRIBUTIONS)
        book.start_over()
        book.put_lines([_line(key, 1, "scope", "f1", "2024-01-01", 2 if key in edited else 1) for key in after])
        assert dict(book.changes(Entity.CONTRIBUTIONS)) == {
            **dict.fromkeys(before - after, "deleted"),
            **dict.fromkeys(after - before, "entered"),
            **dict.fromkeys(before & after & edited, "edited"),
        }


def test_what_was_taken_before_outlives_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "workbook.sqlite"
    with Workbook(file) as book:
        book.put_lines([_line(1, 1, "scope", "f1", "2024-01-01")])
        book.take_before(Entity.CONTRIBUTIONS)
    with Workbook(file) as book:
        assert book.has_before(Entity.CONTRIBUTIONS)
        assert not book.has_before(Entity.PEOPLE)
        book.start_over()
        assert list(book.changes(Entity.CONTRIBUTIONS)) == [(1, "deleted")]
        book.close(remove=True)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_none_is_said_in_words(tmp_path: Path) -> None:
    file = tmp_path / "workbook.sqlite"
    file.write_bytes(b"no database" * 100)
    with pytest.raises(Fatal) as raised, open_workbook(file):
        pass
    assert raised.value.code is ErrorCode.JOURNAL_UNREADABLE


def test_findings_come_back_as_they_went_in() -> None:
    finding = Finding(Entity.PEOPLE, 3, "rock:x:Person:3", "differs", ("email", "phones[1].number"), "email is a, b")
    with _book() as book:
        book.find([finding])
        book.find([finding])
        assert list(book.findings()) == [finding]
        assert list(book.findings(Entity.GROUPS)) == []
