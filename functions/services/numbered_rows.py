"""Rows that an agent numbers from 1 and posts in chunks: which comes next stands in one row of the job's project."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from functions.domain import rows as columns_of
from functions.domain.job import Job
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Row, RowChanged, RowExists, RowMissing, Tables
from functions.services.job_store import TABLE
from migrate_contract.errors import ErrorCode, Fatal, Retryable
from migrate_contract.jobs import LedgerAnswer

_TRIES = 5


class Numbered(Protocol):
    """A row of a chunk."""

    @property
    def row(self) -> int:
        """Result: its number."""
        ...


def append[R: Numbered](
    tables: Tables, job: Job, key: str, rows: Sequence[R], write: Callable[[list[R]], object], *, what: str
) -> LedgerAnswer:
    """Result: which row comes next. Rows that are there already are skipped; a gap is not accepted, but answered.

    `write` keeps rows before the count moves on, so that a repeat overwrites itself. `key` is the count's row, of which
    the caller is the only writer. Raises Retryable(changed-meanwhile).
    """
    own = OrganizationTables(tables, job.organization)
    for _ in range(_TRIES):
        row = own.get(TABLE, job.project_id, key)
        expected = next_row(row, job.attempt)
        fresh = [line for line in rows if line.row >= expected]
        if not fresh or fresh[0].row > expected:
            return LedgerAnswer(next_row=expected)
        write(fresh)
        following = fresh[-1].row + 1
        columns = {"attempt": job.attempt, "next_row": following}
        try:
            if row is None:
                own.insert(TABLE, job.project_id, key, columns)
            else:
                own.replace(TABLE, job.project_id, key, columns, row.etag)
        except (RowExists, RowChanged, RowMissing):
            continue
        return LedgerAnswer(next_row=following)
    raise Retryable(ErrorCode.CHANGED_MEANWHILE, f"The {what} was written by several calls at once.")


def next_row(row: Row | None, attempt: int) -> int:
    """Result: the number that comes next in this attempt.

    Raises Fatal(attempt-superseded) if a newer attempt has rows already.
    """
    if row is None or columns_of.number(row, "attempt") < attempt:
        return 1
    if columns_of.number(row, "attempt") > attempt:
        raise Fatal(ErrorCode.ATTEMPT_SUPERSEDED, "A newer attempt has written its rows.")
    return columns_of.number(row, "next_row", 1)
