"""Opens the journal's SQLite files and turns SQLite's faults into errors of the catalogue.

Write-ahead log with full synchronisation: what a commit has confirmed is on the disk, so a row that was reported to
the control plane cannot be missing after a power cut. Commits are batched by the callers.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from migrate_contract.errors import ErrorCode, Fatal, Retryable

_BUSY_SECONDS = 30.0
_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_SHMSIZE}


def open_database(
    path: Path, schema: str, version: int, migrations: Mapping[int, str] | None = None
) -> sqlite3.Connection:
    """Result: the database at `path`, made with `schema` if new; usable by all threads under the caller's lock.

    `migrations` maps an older version to the statements that make the next one of it.

    Raises Fatal(journal-unreadable) for a damaged file or one of a newer version, Retryable(disk-full).
    """
    with translated(path):
        connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA temp_store = FILE")
            found = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if found == 0:
                _run(connection, path, schema, version)
            while 0 < found < version and migrations and found in migrations:
                found += 1
                _run(connection, path, migrations[found - 1], found)
            if found not in (0, version):
                raise Fatal(
                    ErrorCode.JOURNAL_UNREADABLE,
                    f"{path} was written by another version of the agent (schema {found}, this one has {version})",
                )
        except BaseException:
            connection.close()
            raise
    return connection


def add_missing(
    connection: sqlite3.Connection, path: Path, columns: Sequence[tuple[str, str, str]], tables: str
) -> None:
    """Adds what a newer agent keeps beside what is there: columns as (table, column, type), and tables."""
    with transaction(connection, path):
        for statement in tables.split(";"):
            connection.execute(statement)
        for table, column, kind in columns:
            known = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
            if column not in known:
                connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")


def _run(connection: sqlite3.Connection, path: Path, statements: str, version: int) -> None:
    with transaction(connection, path):
        for statement in statements.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {version}")


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """All or nothing, on the disk when it ends. Raises Retryable(disk-full), Fatal(journal-unreadable)."""
    with translated(path):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            # A full disk may have rolled back already, by SQLite itself.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's faults as errors of the catalogue, told apart by SQLite's own codes."""
    try:
        yield
    except (sqlite3.DatabaseError, OSError) as error:
        if _is_full(error, path):
            raise Retryable(ErrorCode.DISK_FULL, f"no space left on the disk of {path.parent}") from error
        if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError | sqlite3.InterfaceError):
            raise
        if isinstance(error, OSError) and not isinstance(error, sqlite3.Error):
            raise Fatal(ErrorCode.JOURNAL_UNREADABLE, f"{path}: {error.strerror or error}") from error
        raise Fatal(ErrorCode.JOURNAL_UNREADABLE, f"{path}: {error}") from error


def _is_full(error: Exception, path: Path) -> bool:
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_FULL:
        return True
    return code in _FULL and _free_bytes(path) < 1 << 20


def _free_bytes(path: Path) -> int:
    """A write error is a full disk only if the disk is nearly full; unknown counts as room enough."""
    if not hasattr(os, "statvfs"):
        import shutil

        return shutil.disk_usage(path.parent).free
    found = os.statvfs(path.parent)
    return found.f_bavail * found.f_frsize
