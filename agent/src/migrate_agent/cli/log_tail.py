"""Reads the agent's log: the last lines over rotated files, then new ones as they come, of one job if wanted."""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

_LOOK_SECONDS = 0.3
_ROTATED = 5


@dataclass(frozen=True)
class LogLine:
    """One line: the text of the file, and what it says."""

    raw: str
    content: dict[str, Any]

    def text(self, *, as_json: bool) -> str:
        """Result: the line as it is, or for a person."""
        if as_json or not self.content:
            return self.raw
        try:
            at = datetime.fromisoformat(str(self.content.get("at"))).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        except ValueError:
            at = str(self.content.get("at", ""))
        level = str(self.content.get("level", "")).upper()
        text = f"{at} {level:<7} {self.content.get('message', '')}"
        if job := self.content.get("job_id"):
            text += f"  ({job})"
        if fix := self.content.get("fix"):
            text += f"\n{' ' * 28}Fix: {fix}"
        if traceback := self.content.get("traceback"):
            text += f"\n{traceback}"
        return text


@dataclass(frozen=True)
class Position:
    """Where reading stands: which file (its inode) and how far."""

    inode: int
    offset: int


def lines_of(path: Path, *, job: str | None, last: int) -> tuple[list[LogLine], Position]:
    """Result: the last lines (of `job`), oldest first, and where to go on from."""
    shown: deque[LogLine] = deque(maxlen=last)
    position = Position(0, 0)
    for rotated in [path.with_name(f"{path.name}.{index}") for index in range(_ROTATED, 0, -1)] + [path]:
        try:
            with rotated.open("rb") as stream:
                position = Position(os.fstat(stream.fileno()).st_ino, 0)
                for raw in stream:
                    if not raw.endswith(b"\n"):
                        break
                    position = Position(position.inode, position.offset + len(raw))
                    if (line := _parsed(raw)) and _concerns(line, job):
                        shown.append(line)
        except FileNotFoundError:
            continue
    return list(shown), position


class Follower:
    """Reads on from a position; a rotated file is read to its end before the new one."""

    def __init__(self, path: Path, position: Position, *, job: str | None) -> None:
        self._path, self._position, self._job = path, position, job

    def lines(self, wait: Callable[[float], object]) -> Iterator[LogLine]:
        """Result: each new whole line. Ends where `wait` says something true."""
        while True:
            for line in self._new_lines():
                if _concerns(line, self._job):
                    yield line
            if wait(_LOOK_SECONDS):
                return

    def _new_lines(self) -> Iterator[LogLine]:
        try:
            inode = self._path.stat().st_ino
        except FileNotFoundError:
            return
        if inode != self._position.inode:
            old = self._path.with_name(f"{self._path.name}.1")
            if old.exists() and old.stat().st_ino == self._position.inode:
                yield from self._read(old)
            self._position = Position(inode, 0)
        yield from self._read(self._path)

    def _read(self, path: Path) -> Iterator[LogLine]:
        with path.open("rb") as stream:
            stream.seek(self._position.offset)
            for raw in stream:
                if not raw.endswith(b"\n"):
                    return
                self._position = Position(self._position.inode, self._position.offset + len(raw))
                if line := _parsed(raw):
                    yield line


def _parsed(raw: bytes) -> LogLine | None:
    text = raw.decode("utf-8", "replace").rstrip("\r\n")
    if not text:
        return None
    try:
        content = json.loads(text)
    except ValueError:
        content = {}
    return LogLine(text, content if isinstance(content, dict) else {})


def _concerns(line: LogLine, job: str | None) -> bool:
    return job is None or line.content.get("job_id") == job
