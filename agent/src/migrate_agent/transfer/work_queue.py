"""Work for the uploader's threads: files, groups of small files, and blocks of files that are being sent. Bounded.

Blocks come first: they hold memory, and a file that has begun is to end. Whoever waits for memory or for its own blocks
takes blocks meanwhile, so the threads cannot wait for each other.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from migrate_agent.stop import StopSignal

_LOOK_SECONDS = 0.25

FileTask = TypeVar("FileTask")
BlockTask = Callable[[], None]
"""Sends one block; raises nothing, the file's upload keeps the fault."""


@dataclass(frozen=True, slots=True)
class Grouping(Generic[FileTask]):
    """Which files are taken together by one thread."""

    fits: Callable[[FileTask], bool]
    """A file that may be one of a group, also of one."""
    shape: Callable[[], tuple[int, int]]
    """How many files make a group at most, and how many threads may have groups at the same time."""


class WorkQueue(Generic[FileTask]):
    """Safe for all threads. Whoever waits for work is woken one at a time: there may be many of them."""

    def __init__(self, max_files: int, memory_limit_bytes: int, stop: StopSignal) -> None:
        self._max_files, self._limit = max_files, memory_limit_bytes
        self._stop = stop
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        """Workers wait for files and blocks."""
        self._room = threading.Condition(self._lock)
        """The feeder waits for room, and for the end of all."""
        self._freed = threading.Condition(self._lock)
        """Uploads wait for memory, for their blocks, and for blocks to send meanwhile."""
        self._files: deque[FileTask] = deque()
        self._blocks: deque[BlockTask] = deque()
        self._held_bytes = 0
        self._working = 0
        self._most_working = 1 << 30
        self._groups = 0
        self._grouping: Grouping[FileTask] | None = None
        self._closed = False

    def put_file(self, task: FileTask) -> None:
        """Adds a file; waits while there are enough. Raises StopRequested."""
        with self._lock:
            while len(self._files) >= self._max_files:
                self._room.wait(_LOOK_SECONDS)
                self._stop.raise_if_requested()
            self._files.append(task)
            self._wake_for_files(1)

    def put_files(self, tasks: Sequence[FileTask]) -> None:
        """Adds files without waiting: whoever gives them keeps count."""
        with self._lock:
            self._files.extend(tasks)
            self._wake_for_files(len(tasks))

    def put_block(self, task: BlockTask) -> None:
        """Adds a block, whose memory is held already."""
        with self._lock:
            self._blocks.append(task)
            self._work.notify()
            self._freed.notify()

    def take(self, surplus: Callable[[], bool] = lambda: False) -> list[FileTask] | BlockTask | None:
        """Result: the next piece of work, None when the thread is to end. Follow files by `files_done`.

        `surplus` says that there are more threads than wanted. Several files are a group (see `group`).
        """
        with self._lock:
            while True:
                if self._blocks:
                    return self._blocks.popleft()
                if self._closed or self._stop.requested or surplus():
                    return None
                if self._files and self._working < self._most_working:
                    taken = self._take_files()
                    if taken:
                        return taken
                self._work.wait(_LOOK_SECONDS)

    def _take_files(self) -> list[FileTask]:
        grouping = self._grouping
        if grouping is None or not grouping.fits(self._files[0]):
            taken = [self._pop()]
        else:
            together, groups = grouping.shape()
            if self._groups >= groups:
                return []
            self._groups += 1
            taken = self._pop_group(grouping, together)
        self._wake_for_files(1)
        return taken

    def take_along(self) -> list[FileTask]:
        """Result: another group for a thread that has one, if there is nothing more urgent; not waited for."""
        with self._lock:
            grouping = self._grouping
            if grouping is None or self._blocks or self._closed or self._stop.requested:
                return []
            together, groups = grouping.shape()
            return self._pop_group(grouping, together) if self._groups <= groups else []

    def _pop_group(self, grouping: Grouping[FileTask], together: int) -> list[FileTask]:
        taken: list[FileTask] = []
        while (
            len(taken) < together
            and self._files
            and self._working < self._most_working
            and grouping.fits(self._files[0])
        ):
            taken.append(self._pop())
        return taken

    def _pop(self) -> FileTask:
        self._working += 1
        if len(self._files) == self._max_files:
            self._room.notify()
        return self._files.popleft()

    def _wake_for_files(self, most: int) -> None:
        """Wakes no more threads than can take something."""
        if self._files and self._working < self._most_working:
            grouping = self._grouping
            if grouping is not None and grouping.fits(self._files[0]):
                most = min(most, grouping.shape()[1] - self._groups)
            if most > 0:
                self._work.notify(most)

    def group(self, grouping: Grouping[FileTask]) -> None:
        """From now on files that fit are taken in groups. Call it before the first file is put."""
        self._grouping = grouping

    def put_back(self, tasks: Sequence[FileTask]) -> None:
        """Files that were taken are for whoever is free; they come first."""
        with self._lock:
            self._working -= len(tasks)
            if not self._closed:
                self._files.extendleft(reversed(tasks))
                self._wake_for_files(len(tasks))
            elif not self._working:
                self._room.notify_all()

    def files_done(self, files: int = 1) -> None:
        """Files that were taken have their verdict, or none because of a stop."""
        with self._lock:
            self._working -= files
            if not self._working and not self._files:
                self._room.notify_all()

    def group_done(self) -> None:
        """A thread that took a group, and others along, has none any more."""
        with self._lock:
            self._groups -= 1
            self._wake_for_files(1)

    def set_most_working(self, files: int) -> None:
        """So many files may be taken and not done at the same time."""
        with self._lock:
            self._most_working = files
            self._work.notify_all()

    @property
    def idle(self) -> bool:
        """Result: whether there is no file here, waiting or being worked on."""
        return not self._files and not self._working

    def hold(self, size_bytes: int) -> None:
        """Waits until `size_bytes` more may be held in memory, sending blocks meanwhile. One piece always may."""
        while True:
            with self._lock:
                if self._held_bytes == 0 or self._held_bytes + size_bytes <= self._limit:
                    self._held_bytes += size_bytes
                    return
                if self._stop.cancelled:
                    self._stop.raise_if_requested()
                block = self._blocks.popleft() if self._blocks else None
                if block is None:
                    self._freed.wait(_LOOK_SECONDS)
            if block is not None:
                block()

    def release(self, size_bytes: int) -> None:
        """Memory is free again."""
        with self._lock:
            self._held_bytes -= size_bytes
            self._freed.notify_all()

    def help_until(self, done: Callable[[], bool]) -> None:
        """Sends blocks until `done`, which must become true by blocks being sent."""
        while True:
            with self._lock:
                if done():
                    return
                block = self._blocks.popleft() if self._blocks else None
                if block is None:
                    self._freed.wait(_LOOK_SECONDS)
            if block is not None:
                block()

    def wake(self) -> None:
        """Lets waiting threads look again."""
        with self._lock:
            for condition in (self._work, self._room, self._freed):
                condition.notify_all()

    def drain(self) -> None:
        """Waits until every file that was put has been worked on. Raises StopRequested."""
        with self._lock:
            while self._files or self._working:
                self._room.wait(_LOOK_SECONDS)
                self._stop.raise_if_requested()

    def close(self) -> None:
        """Lets the threads end; files that nobody has begun stay pending."""
        with self._lock:
            self._closed = True
            self._files.clear()
            self._work.notify_all()
            self._room.notify_all()
