"""Work for the uploader's threads: files, and blocks of files that are being sent. Bounded.

Blocks come first: they hold memory, and a file that has begun is to end. Whoever waits for memory or for its own blocks
takes blocks meanwhile, so the threads cannot wait for each other.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from migrate_agent.stop import StopSignal

_LOOK_SECONDS = 0.25

FileTask = TypeVar("FileTask")
BlockTask = Callable[[], None]
"""Sends one block; raises nothing, the file's upload keeps the fault."""


class WorkQueue(Generic[FileTask]):
    """Safe for all threads."""

    def __init__(self, max_files: int, memory_limit_bytes: int, stop: StopSignal) -> None:
        self._max_files, self._limit = max_files, memory_limit_bytes
        self._stop = stop
        self._changed = threading.Condition()
        self._files: deque[FileTask] = deque()
        self._blocks: deque[BlockTask] = deque()
        self._held_bytes = 0
        self._working = 0
        self._closed = False

    def put_file(self, task: FileTask) -> None:
        """Adds a file; waits while there are enough. Raises StopRequested."""
        with self._changed:
            while len(self._files) >= self._max_files:
                self._changed.wait(_LOOK_SECONDS)
                self._stop.raise_if_requested()
            self._files.append(task)
            self._changed.notify_all()

    def put_block(self, task: BlockTask) -> None:
        """Adds a block, whose memory is held already."""
        with self._changed:
            self._blocks.append(task)
            self._changed.notify_all()

    def take(self) -> FileTask | BlockTask | None:
        """Result: the next piece of work, None when the thread is to end. Follow each file by `file_done`."""
        with self._changed:
            while True:
                if self._blocks:
                    return self._blocks.popleft()
                if self._closed or self._stop.requested:
                    return None
                if self._files:
                    self._working += 1
                    self._changed.notify_all()
                    return self._files.popleft()
                self._changed.wait(_LOOK_SECONDS)

    def file_done(self) -> None:
        """A file that was taken has its verdict, or none because of a stop."""
        with self._changed:
            self._working -= 1
            self._changed.notify_all()

    def hold(self, size_bytes: int) -> None:
        """Waits until `size_bytes` more may be held in memory, sending blocks meanwhile. One piece always may."""
        while True:
            with self._changed:
                if self._held_bytes == 0 or self._held_bytes + size_bytes <= self._limit:
                    self._held_bytes += size_bytes
                    return
                if self._stop.cancelled:
                    self._stop.raise_if_requested()
                block = self._blocks.popleft() if self._blocks else None
                if block is None:
                    self._changed.wait(_LOOK_SECONDS)
            if block is not None:
                block()

    def release(self, size_bytes: int) -> None:
        """Memory is free again."""
        with self._changed:
            self._held_bytes -= size_bytes
            self._changed.notify_all()

    def help_until(self, done: Callable[[], bool]) -> None:
        """Sends blocks until `done`, which must become true by blocks being sent."""
        while True:
            with self._changed:
                if done():
                    return
                block = self._blocks.popleft() if self._blocks else None
                if block is None:
                    self._changed.wait(_LOOK_SECONDS)
            if block is not None:
                block()

    def wake(self) -> None:
        """Lets waiting threads look again."""
        with self._changed:
            self._changed.notify_all()

    def drain(self) -> None:
        """Waits until every file that was put has been worked on. Raises StopRequested."""
        with self._changed:
            while self._files or self._working:
                self._changed.wait(_LOOK_SECONDS)
                self._stop.raise_if_requested()

    def close(self) -> None:
        """Lets the threads end; files that nobody has begun stay pending."""
        with self._changed:
            self._closed = True
            self._files.clear()
            self._changed.notify_all()
