"""A worker's way through small files: in groups, of which the next one is read while the last one is on its way.

Threads of one interpreter take turns, so the fewest that keep all requests on their way do best: a convoy is one thread
that has two groups in hand. What is not a plain commit is put back, for any worker and the general way.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple

from migrate_agent.stop import StopRequested
from migrate_agent.store.entries import Commit
from migrate_agent.transfer.file_copy import FileCopy, FileTask
from migrate_agent.transfer.names import blob_name
from migrate_agent.transfer.planner import Upload
from migrate_agent.transfer.quick_put import MOST_BYTES, QuickCopy, QuickFile, QuickPut, Refused, Sending
from migrate_agent.transfer.work_queue import WorkQueue
from migrate_contract.errors import Fatal, MigrateError

log = logging.getLogger(__name__)


class ConvoyEvents(NamedTuple):
    """Who hears of it; see Crew."""

    begun: Callable[[], None]
    commits: Callable[[Sequence[Commit]], None]
    left: Callable[[FileTask], None]
    fatal: Callable[[Fatal], None]


class _Group(NamedTuple):
    tasks: list[FileTask]
    sending: Sending | None
    """None: none of them was sent."""


class Convoy:
    """Shared by all workers of a process; `run` is called by one worker per group that it took."""

    def __init__(
        self, quick: QuickPut, queue: WorkQueue[FileTask], copy: FileCopy, prefix: str, events: ConvoyEvents
    ) -> None:
        self._quick, self._queue, self._prefix, self._events = quick, queue, prefix, events
        self._simple = copy.ends_with_commit

    def shape(self, workers: int) -> tuple[int, int]:
        """Result: files of a group, and convoys at a time, so that `workers` requests are on their way."""
        together = min(-(-workers // 2), self._quick.width)
        return together, -(-workers // (2 * together))

    def run(self, tasks: list[FileTask]) -> None:
        """Takes these files, and what follows them in the queue, to their commits or back into the queue."""
        try:
            group = self._begin(tasks)
            while group is not None:
                following = self._queue.take_along()
                coming = self._begin(following) if following else None
                self._end(group)
                group = coming
        finally:
            self._queue.group_done()

    def _begin(self, tasks: list[FileTask]) -> _Group | None:
        """Result: the group on its way; None where a stop or the job's end came before."""
        try:
            self._events.begun()
            return _Group(tasks, self._quick.begin([self._file(task) for task in tasks]))
        except StopRequested:
            self._leave(tasks)
        except Fatal as error:
            self._leave(tasks)
            self._events.fatal(error)
        except MigrateError as error:
            log.debug("small files go the general way: %s", error.detail)
            return _Group(tasks, None)
        except Exception:
            log.exception("small files could not be sent together; each is sent by itself")
            return _Group(tasks, None)
        return None

    def _leave(self, tasks: list[FileTask]) -> None:
        for task in tasks:
            self._events.left(task)
        self._queue.files_done(len(tasks))

    def _file(self, task: FileTask) -> QuickFile:
        entry, decision = task.entry, task.decision
        assert isinstance(decision, Upload)
        return QuickFile(entry.path, entry.size_bytes, blob_name(self._prefix, entry.path), decision.condition)

    def _end(self, group: _Group) -> None:
        found: Sequence[QuickCopy | Refused | None] = [None] * len(group.tasks)
        if group.sending is not None:
            try:
                found = self._quick.end(group.sending)
            except Exception:
                log.exception("small files could not be sent together; each is looked at by itself")
        commits: list[Commit] = []
        back: list[FileTask] = []
        for task, copy in zip(group.tasks, found, strict=True):
            if self._simple and isinstance(copy, QuickCopy):
                commits.append(Commit(task.entry.file_id, task.entry.size_bytes, *copy))
            else:
                back.append(task._replace(quick=copy, general=True))
        if commits:
            self._events.commits(commits)
            self._queue.files_done(len(commits))
        if back:
            self._queue.put_back(back)


def is_quick(task: FileTask) -> bool:
    """Result: whether the file may go in a convoy."""
    return (
        isinstance(task.decision, Upload)
        and not task.general
        and task.entry.size_bytes <= MOST_BYTES
        and not task.entry.path.endswith("/")
    )
