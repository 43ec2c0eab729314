"""Work for the uploader's threads: files, and blocks of files that are being sent. Bounded.

Blocks come first: they hold memory, and a file that has begun is to end. Whoever waits for memory or for its own blocks
takes blocks meanwhile, so the threads cannot wait for each other.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from migrate_agent.stop import StopSignal

_LOOK_SECONDS = 0.25

FileTask = TypeVar("FileTask")
BlockTask = Callable[[], None]
"""Sends one block; raises nothing, the file's upload keeps the fault."""


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
        self._closed = False

    def put_file(self, task: FileTask) -> None:
        """Adds a file; waits while there are enough. Raises StopRequested."""
        with self._lock:
            while len(self._files) >= self._max_files:
                self._room.wait(_LOOK_SECONDS)
                self._stop.raise_if_requested()
            self._files.append(task)
            self._work.notify()

    def put_files(self, tasks: Sequence[FileTask]) -> None:
        """Adds files without waiting: whoever gives them keeps count."""
        with self._lock:
            self._files.extend(tasks)
            self._work.notify(len(tasks))

    def put_block(self, task: BlockTask) -> None:
        """Adds a block, whose memory is held already."""
        with self._lock:
            self._blocks.append(task)
            self._work.notify()
            self._freed.notify()

    def take(self, surplus: Callable[[], bool] = lambda: False) -> FileTask | BlockTask | None:
        """Result: the next piece of work, None when the thread is to end. Follow each file by `file_done`.

        `surplus` says that there are more threads than wanted.
        """
        with self._lock:
            while True:
                if self._blocks:
                    return self._blocks.popleft()
                if self._closed or self._stop.requested or surplus():
                    return None
                if self._files:
                    self._working += 1
                    if len(self._files) == self._max_files:
                        self._room.notify()
                    return self._files.popleft()
                self._work.wait(_LOOK_SECONDS)

    def file_done(self) -> None:
        """A file that was taken has its verdict, or none because of a stop."""
        with self._lock:
            self._working -= 1
            if not self._working and not self._files:
                self._room.notify_all()

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
