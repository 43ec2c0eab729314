r"""A manifest: a CSV file that lists which paths of the source to copy, as a sorted list that takes no memory.

UTF-8, one path a row, relative to the source, '/' as separator (on Windows '\\' as well). A first row with a cell
`path` names the columns, and the others are ignored: so a job's own list of files is a manifest. Without such a row
there is one column. The whole file is read before the first path is looked at: a mistake in it copies nothing.
"""

from __future__ import annotations

import csv
import os
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from types import TracebackType
from typing import Self

from migrate_agent.store.database import translated
from migrate_agent.transfer.names import difference_of_look_alikes, folded
from migrate_contract.errors import ErrorCode, Fatal

_HEADER = "path"
_BATCH = 5_000
_LONGEST_PATH = 32_767
_WHERE = Path(gettempdir()) / "manifest"
_TABLE = "CREATE TABLE listed (place BLOB PRIMARY KEY, line INTEGER NOT NULL, folded BLOB NOT NULL) WITHOUT ROWID"
_SELECT = (
    "SELECT place, line, (SELECT other.place FROM listed other WHERE other.folded = listed.folded"
    " AND other.place <> listed.place LIMIT 1) FROM listed ORDER BY place"
)


@dataclass(frozen=True, slots=True)
class Listed:
    """One path of the manifest and the line that names it first."""

    path: str
    line: int
    note: str | None = None
    """A warning: another listed path is this one but for case or Unicode form."""


class Manifest:
    """The paths of one manifest, each once, folders directly before what lies in them. Used by one thread."""

    def __init__(
        self, where: str, *, windows: bool = os.name == "nt", ends: Callable[[], bool] = lambda: False
    ) -> None:
        r"""Reads and checks the whole file; `ends()` is asked now and then whether to give up, and then it is empty.

        Raises Fatal(manifest-not-readable), Fatal(manifest-invalid), Retryable(disk-full).
        """
        # The empty name is SQLite's temporary database on disk: it spills by itself and ends with the process.
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        try:
            self._db.execute("PRAGMA synchronous = OFF")
            self._db.execute(_TABLE)
            self._read(where, windows, ends)
            with translated(_WHERE):
                self._db.execute("CREATE INDEX alike ON listed (folded)")
        except BaseException:
            self._db.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def __iter__(self) -> Iterator[Listed]:
        for place, line, other in self._db.execute(_SELECT):
            path = _path(place)
            note = None if other is None else f"{difference_of_look_alikes(path, _path(other))} in the manifest"
            yield Listed(path, line, note)

    def _read(self, where: str, windows: bool, ends: Callable[[], bool]) -> None:
        batch: list[tuple[bytes, int, bytes]] = []
        empty = True
        for listed in read_manifest(where, windows=windows):
            # As NUL, which is in no path, the separator sorts before every character of a name.
            place = listed.path.replace("/", "\0").encode()
            batch.append((place, listed.line, folded(listed.path).encode()))
            empty = False
            if len(batch) >= _BATCH:
                self._keep(batch)
                batch = []
                if ends():
                    return
        self._keep(batch)
        if empty:
            raise Fatal(ErrorCode.MANIFEST_INVALID, f"{where} lists no path")

    def _keep(self, batch: list[tuple[bytes, int, bytes]]) -> None:
        with translated(_WHERE):
            self._db.execute("BEGIN")
            self._db.executemany("INSERT OR IGNORE INTO listed VALUES (?, ?, ?)", batch)
            self._db.execute("COMMIT")


def _path(place: bytes) -> str:
    return place.decode().replace("\0", "/")


def read_manifest(where: str, *, windows: bool) -> Iterator[Listed]:
    """Yields each row's path, made plain. Raises Fatal(manifest-not-readable), Fatal(manifest-invalid)."""
    line = 0
    try:
        with Path(where).open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.reader(stream, strict=True)
            columns: list[str] | None = None
            for row in rows:
                begins, line = line + 1, rows.line_num
                if not any(row):
                    continue
                if columns is None:
                    names = [cell.strip().lower() for cell in row]
                    columns = names if _HEADER in names else []
                    if columns:
                        continue
                try:
                    yield Listed(plain_path(_cell(row, columns), windows=windows), begins)
                except ValueError as error:
                    raise Fatal(ErrorCode.MANIFEST_INVALID, f"{where}, line {begins}: {error}") from None
    except UnicodeDecodeError as error:
        raise Fatal(ErrorCode.MANIFEST_INVALID, f"{where}, after line {line}: this is not UTF-8 text") from error
    except csv.Error as error:
        raise Fatal(ErrorCode.MANIFEST_INVALID, f"{where}, after line {line}: {error}") from error
    except OSError as error:
        words = error.strerror or type(error).__name__
        raise Fatal(ErrorCode.MANIFEST_NOT_READABLE, f"{where}: {words}") from error


def _cell(row: list[str], columns: list[str]) -> str:
    """The row's path. Raises ValueError."""
    if columns and len(row) != len(columns):
        raise ValueError(f"{len(row)} columns, and the first row names {len(columns)}; quote a path that has a comma")
    if not columns and len(row) != 1:
        raise ValueError(
            f"{len(row)} columns, and no first row says which is the path; quote a path that has a comma, or name the "
            "columns in the first row, one of them 'path'"
        )
    return row[columns.index(_HEADER)] if columns else row[0]


def plain_path(text: str, *, windows: bool) -> str:
    """Result: the path relative to the source, '/' as separator, without '.' and a '/' at its end.

    Raises ValueError with what is wrong with it.
    """
    path = text.replace("\\", "/") if windows else text
    if not path:
        raise ValueError("the path is empty")
    if path.startswith("/") or (windows and path[1:2] == ":"):
        raise ValueError(f"'{text}' is a full path; write it relative to the source folder")
    segments = [segment for segment in path.split("/") if segment not in ("", ".")]
    if ".." in segments:
        raise ValueError(f"'{text}' leaves the source folder")
    if "\0" in path or not segments:
        raise ValueError(f"{text!r} names no file or folder")
    if len(path) > _LONGEST_PATH:
        raise ValueError(f"the path has {len(path)} characters; no system has such names")
    return "/".join(segments)
