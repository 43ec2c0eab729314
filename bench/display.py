"""Progress of the benchmark on a terminal; plain lines where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bench.sink.process import Sink

_ASK_SECONDS = 1.0


class Display:
    """One bar: the copy that runs now, by what the endpoint has."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[detail]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task("", total=None, detail="")
        self._asked = 0.0
        self._bytes = 0

    @contextmanager
    def shown(self) -> Iterator[Display]:
        """While measuring."""
        with self._progress:
            yield self

    def begin(self, description: str, total: int) -> None:
        """The next piece of work, of so many bytes or files."""
        self._progress.reset(self._task, total=total, description=description, detail="")
        self._asked, self._bytes = 0.0, 0
        if not self.console.is_terminal:
            self.console.print(description)

    def made(self, done: int, total: int) -> None:
        """Files of a tree that exist."""
        self._progress.update(self._task, completed=done, total=total, detail=f"{done:,} of {total:,} files")

    def ran(self, sink: Sink, seconds: float) -> None:
        """A sample of a run; the endpoint is asked once a second, and not at all where nobody looks."""
        if not self.console.is_terminal:
            return
        if seconds < self._asked:
            self._asked, self._bytes = 0.0, 0
        if seconds - self._asked < _ASK_SECONDS:
            return
        stats = sink.stats()
        rate = (stats["bytes"] - self._bytes) / (seconds - self._asked) / 2**20
        self._asked, self._bytes = seconds, stats["bytes"]
        self._progress.update(
            self._task, completed=stats["bytes"], detail=f"{stats['commits']:,} files, {rate:,.0f} MiB/s now"
        )

    def say(self, text: str) -> None:
        """A line that stays."""
        self.console.print(text, highlight=False, soft_wrap=True)
