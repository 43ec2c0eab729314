"""Convoys of small files: two groups in hand, nothing lost whatever comes between, and no decision of their own."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import pytest

from migrate_agent.stop import StopKind, StopRequested, StopSignal
from migrate_agent.store.entries import Commit, Entry, FileState
from migrate_agent.transfer.blob_answers import ServiceBusy
from migrate_agent.transfer.convoy import Convoy, ConvoyEvents, is_quick
from migrate_agent.transfer.file_copy import FileTask
from migrate_agent.transfer.planner import NEW_BLOB
from migrate_agent.transfer.quick_put import MOST_BYTES, QuickCopy, QuickFile, Refused
from migrate_agent.transfer.work_queue import Grouping, WorkQueue
from migrate_contract.errors import ErrorCode, Fatal, MigrateError, Retryable

BUSY = Refused(ServiceBusy(ErrorCode.TARGET_BUSY, "busy"))


def task(number: int, size: int = 1, path: str = "") -> FileTask:
    return FileTask(Entry(number, path or f"f{number}", size, 1, FileState.PENDING), NEW_BLOB, last_pass=False)


class Quick:
    """Says of each file what it was told; `faults` come at the begin of that call, by its number."""

    def __init__(self, **said: object) -> None:
        self.said = said
        self.faults: dict[int, Exception] = {}
        self.end_faults: dict[int, Exception] = {}
        self.calls: list[str] = []
        self.width = 2
        self._begun = self._ended = 0

    def begin(self, files: Sequence[QuickFile]) -> Sequence[QuickFile]:
        self._begun += 1
        self.calls.append("begin " + " ".join(file.path for file in files))
        if self._begun in self.faults:
            raise self.faults[self._begun]
        return files

    def end(self, files: Sequence[QuickFile]) -> list[object]:
        self._ended += 1
        self.calls.append("end " + " ".join(file.path for file in files))
        if self._ended in self.end_faults:
            raise self.end_faults[self._ended]
        return [self.said.get(file.path, QuickCopy(1, f"etag-{file.path}", "0" * 32)) for file in files]


class Heard:
    def __init__(self) -> None:
        self.commits: list[Commit] = []
        self.left: list[int] = []
        self.fatal: list[MigrateError] = []

    def events(self) -> ConvoyEvents:
        return ConvoyEvents(
            lambda: None, self.commits.extend, lambda each: self.left.append(each.entry.file_id), self.fatal.append
        )


def drive(quick: Quick, *, simple: bool = True, files: int = 6) -> tuple[Heard, WorkQueue[FileTask]]:
    heard = Heard()
    queue: WorkQueue[FileTask] = WorkQueue(100, 1 << 20, StopSignal())
    convoy = Convoy(quick, queue, SimpleNamespace(ends_with_commit=simple), "", heard.events())  # type: ignore[arg-type]
    queue.group(Grouping(is_quick, lambda: convoy.shape(4)))
    queue.set_most_working(4)
    queue.put_files([task(number) for number in range(1, files + 1)])
    taken = queue.take()
    assert isinstance(taken, list)
    convoy.run(taken)
    return heard, queue


def test_the_next_group_is_begun_before_the_last_one_is_waited_for():
    quick = Quick()
    heard, queue = drive(quick)
    assert quick.calls == ["begin f1 f2", "begin f3 f4", "end f1 f2", "begin f5 f6", "end f3 f4", "end f5 f6"]
    assert [commit.file_id for commit in heard.commits] == [1, 2, 3, 4, 5, 6]
    assert queue.idle


def test_what_is_no_plain_commit_goes_back_for_the_general_way_with_what_came_of_it():
    heard, queue = drive(Quick(f1=BUSY, f2=None), files=2)
    assert heard.commits == []
    (busy,), (unsent,) = queue.take(), queue.take()  # type: ignore[misc]
    assert (busy.quick, busy.general) == (BUSY, True)
    assert (unsent.quick, unsent.general) == (None, True)
    assert not is_quick(busy)


def test_a_copy_that_needs_more_than_a_commit_goes_back_too():
    heard, queue = drive(Quick(), simple=False, files=1)
    assert heard.commits == []
    (copied,) = queue.take()  # type: ignore[misc]
    assert isinstance(copied.quick, QuickCopy)


@pytest.mark.parametrize(
    "fault", [StopRequested(StopKind.CANCEL), Fatal(ErrorCode.TARGET_ACCESS_DENIED, "no")], ids=["stop", "fatal"]
)
def test_a_stop_or_the_jobs_end_leaves_its_group_and_still_ends_the_one_before(fault):
    quick = Quick()
    quick.faults[2] = fault
    heard, queue = drive(quick, files=4)
    assert [commit.file_id for commit in heard.commits] == [1, 2]
    assert heard.left == [3, 4]
    assert heard.fatal == ([fault] if isinstance(fault, Fatal) else [])
    assert queue.idle


@pytest.mark.parametrize("fault", [Retryable(ErrorCode.TARGET_BUSY, "later"), ValueError("a bug")])
def test_any_other_fault_loses_no_file(fault):
    for where in ("faults", "end_faults"):
        quick = Quick()
        getattr(quick, where)[1] = fault
        heard, queue = drive(quick, files=2)
        assert heard.commits == []
        assert [queue.take()[0].entry.file_id for _ in range(2)] == [1, 2]  # type: ignore[index]


@pytest.mark.parametrize(
    ("workers", "width", "shape"), [(1, 16, (1, 1)), (8, 16, (4, 1)), (64, 16, (16, 2)), (8, 1, (1, 4))]
)
def test_groups_are_as_few_as_fill_the_workers(workers, width, shape):
    quick = Quick()
    quick.width = width
    convoy = Convoy(quick, None, SimpleNamespace(ends_with_commit=True), "", Heard().events())  # type: ignore[arg-type]
    assert convoy.shape(workers) == shape


def test_only_small_new_or_replaced_files_go_this_way():
    assert is_quick(task(1, MOST_BYTES))
    assert not is_quick(task(1, MOST_BYTES + 1))
    assert not is_quick(task(1, 0, "folder/"))
    assert not is_quick(task(1)._replace(decision=None))
