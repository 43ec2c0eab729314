"""Ledgers: agents append to them, operators read them by page or as one CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from functions.domain.caller import AgentCaller, OperatorCaller
from functions.domain.job_rows import LEDGER_PREFIX
from functions.domain.keys import Continuations
from functions.domain.ports import Tables
from functions.domain.views import ListQuery, Page
from functions.services.attempts import Attempts
from functions.services.job_store import JobStore
from functions.services.ledger_store import LedgerStore, is_safe
from functions.services.numbered_rows import append
from migrate_contract.jobs import (
    Bucket,
    FailedFilesAnswer,
    FailedFilesRequest,
    LedgerAnswer,
    LedgerChunk,
    LedgerRow,
)

_COLUMNS = (
    "row",
    "path",
    "bucket",
    "size_bytes",
    "mtime",
    "md5",
    "verification",
    "code",
    "detail",
    "tries",
    "finished_at",
    "access_tier",
    "safe_to_delete",
)
_SAFE_COLUMNS = ("path", "size_bytes", "mtime", "md5", "verification", "access_tier", "checked_at")
_FAILED_PAGE = 1000
"""With the longest paths a body of some megabytes."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is run by spreadsheets."""
_FLUSH_CHARACTERS = 64 * 1024


class Ledgers:
    """The only writer of `ledg|<job id>`: the attempt and the number of the row that comes next."""

    def __init__(
        self, tables: Tables, jobs: JobStore, attempts: Attempts, store: LedgerStore, continuations: Continuations
    ) -> None:
        self._tables = tables
        self._jobs = jobs
        self._attempts = attempts
        self._store = store
        self._continuations = continuations

    def append(self, caller: AgentCaller, job_id: str, body: LedgerChunk) -> LedgerAnswer:
        """Result: which row comes next. Rows that are there already are skipped; a gap is not accepted, but answered.

        Raises Fatal(attempt-superseded), Fatal(not-found).
        """
        job = self._attempts.need(caller, job_id, body.attempt)

        def write(fresh: list[LedgerRow]) -> None:
            self._store.write(caller.organization, job_id, body.attempt, fresh)

        return append(self._tables, job, LEDGER_PREFIX + job_id, body.rows, write, what="ledger")

    def files(
        self,
        caller: OperatorCaller,
        job_id: str,
        query: ListQuery,
        bucket: Bucket | None = None,
        attempt: int | None = None,
    ) -> Page[LedgerRow]:
        """Result: rows in order, of one bucket and attempt if given (otherwise of the newest)."""
        job = self._jobs.need(caller, job_id)
        chosen = attempt or job.attempt
        scope = f"files|{caller.organization}|{job_id}|{chosen}|{bucket}"
        opened = self._continuations.open(query.continuation, scope)
        found: list[LedgerRow] = []
        for row in self._rows(caller.organization, job_id, chosen, bucket, int(opened or 0)):
            if len(found) == query.limit:
                return Page(items=found, continuation=self._continuations.seal(str(found[-1].row), scope))
            found.append(row)
        return Page(items=found)

    def failed_files(self, caller: AgentCaller, job_id: str, body: FailedFilesRequest) -> FailedFilesAnswer:
        """Result: what the attempt is about, if it is about failed files only; otherwise nothing.

        Raises Fatal(attempt-superseded), Fatal(not-found).
        """
        job = self._attempts.need(caller, job_id, body.attempt)
        if job.failed_of is None:
            return FailedFilesAnswer(paths=[])
        paths: list[str] = []
        last = body.after_row
        for row in self._rows(caller.organization, job_id, job.failed_of, Bucket.FAILED, body.after_row):
            if len(paths) == _FAILED_PAGE:
                return FailedFilesAnswer(paths=paths, next_row=last)
            paths.append(row.path)
            last = row.row
        return FailedFilesAnswer(paths=paths)

    def safe_csv(self, caller: OperatorCaller, job_id: str) -> Iterator[bytes]:
        """Result: the source files that can be deleted, as CSV: verified, and unchanged when looked at after that.

        Attempts that retried failed files count together with the one that they completed.
        """
        job = self._jobs.need(caller, job_id)
        found = (
            row
            for attempt in (*job.retried, job.attempt)
            for row in self._rows(caller.organization, job_id, attempt, None, 0)
            if is_safe(row)
        )
        return _safe_csv(found)

    def csv(
        self, caller: OperatorCaller, job_id: str, bucket: Bucket | None = None, attempt: int | None = None
    ) -> Iterator[bytes]:
        """Result: the ledger as CSV (UTF-8 with a header), piece by piece. Access is checked before the first piece."""
        job = self._jobs.need(caller, job_id)
        return _csv(self._rows(caller.organization, job_id, attempt or job.attempt, bucket, 0))

    def _rows(
        self, organization: str, job_id: str, attempt: int, bucket: Bucket | None, after: int
    ) -> Iterator[LedgerRow]:
        """Result: the rows numbered above `after`; chunks that cannot have any are not read."""
        for chunk in self._store.chunks(organization, job_id, attempt):
            if chunk.last > after and (bucket is None or chunk.counts.files[bucket]):
                for row in self._store.rows(chunk, after):
                    if bucket is None or row.bucket is bucket:
                        yield row
            after = max(after, chunk.last)


def _csv(found: Iterator[LedgerRow]) -> Iterator[bytes]:
    """Result: the rows as CSV, in pieces of some size."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(_COLUMNS)
    for row in found:
        values = row.model_dump(mode="json", include=set(_COLUMNS))
        writer.writerow([_cell(values[column]) for column in _COLUMNS])
        if buffer.tell() >= _FLUSH_CHARACTERS:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _safe_csv(found: Iterator[LedgerRow]) -> Iterator[bytes]:
    """Result: the rows as CSV, in pieces. A path must stay one: what a spreadsheet would run begins with './'."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(_SAFE_COLUMNS)
    for row in found:
        values = row.model_dump(mode="json")
        path = f"./{row.path}" if row.path.startswith(_FORMULA) else row.path
        rest = [values[column] for column in ("size_bytes", "mtime", "md5", "verification", "access_tier")]
        writer.writerow([path, *("" if value is None else value for value in rest), values["finished_at"]])
        if buffer.tell() >= _FLUSH_CHARACTERS:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _cell(value: object) -> str:
    """Result: the value as text that no spreadsheet runs as a formula."""
    content = "" if value is None else str(value)
    return "'" + content if content.startswith(_FORMULA) else content
