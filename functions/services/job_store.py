"""Reading and writing the job's row. A job and the entries of its history are written in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from functions.domain.caller import OperatorCaller
from functions.domain.ids import is_id, project_of
from functions.domain.job import Job
from functions.domain.job_news import NEWS_PREFIX, is_news, news_columns, news_key
from functions.domain.job_rows import (
    GRANT_PREFIX,
    HISTORY_PREFIX,
    IMPORT_LOG_PREFIX,
    IMPORT_RESULT_PREFIX,
    JOB_PREFIX,
    LEDGER_PREFIX,
    PROGRESS_PREFIX,
    Entry,
    entry_columns,
    history_key,
    job_columns,
    job_key,
    job_of,
)
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Condition, Operation, Tables, Write
from migrate_contract.errors import ErrorCode, Fatal

TABLE = "jobs"
_PAGE = 200
_SIDES = (PROGRESS_PREFIX, GRANT_PREFIX, LEDGER_PREFIX, IMPORT_LOG_PREFIX, IMPORT_RESULT_PREFIX)
"""Rows beside a job's own; they go with it."""
_BATCH = 90
"""History entries per transaction, which has at most 100 operations."""


class JobStore:
    """Rows of jobs, by organization and id."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def find(self, organization: str, job_id: str) -> tuple[Job, str] | None:
        """Result: the job and its row's etag; None if there is none, or if the id is none of a job."""
        if not is_id("job", job_id):
            return None
        tables = OrganizationTables(self._tables, organization)
        row = tables.get(TABLE, project_of(job_id), job_key(job_id))
        return (job_of(row), row.etag) if row else None

    def need(self, caller: OperatorCaller, job_id: str) -> Job:
        """Result: the job. Raises Fatal(not-found), also for a client that this member may not see."""
        found = self.find(caller.organization, job_id)
        if found is None or not caller.may_see(found[0].client_id):
            raise Fatal(ErrorCode.NOT_FOUND, "No such job, or not yours")
        return found[0]

    def insert(self, job: Job, entry: Entry) -> None:
        """Writes a new job with its first entry. Raises RowExists."""
        OrganizationTables(self._tables, job.organization).transact(
            TABLE,
            job.project_id,
            [
                Operation(Write.INSERT, job_key(job.job_id), job_columns(job)),
                Operation(Write.INSERT, history_key(job.job_id, 1), entry_columns(entry, 1)),
            ],
        )

    def replace(self, job: Job, etag: str, entries: Sequence[Entry]) -> None:
        """Writes the job over the version that was read, its new entries, and the news if it has just ended badly.

        Raises RowChanged, RowMissing.
        """
        first = job.entries - len(entries) + 1
        ended = is_news(job) and any(entry.event == "moved" for entry in entries)
        news = [Operation(Write.UPSERT, news_key(job), news_columns(job))] if ended else []
        OrganizationTables(self._tables, job.organization).transact(
            TABLE,
            job.project_id,
            [
                Operation(Write.REPLACE, job_key(job.job_id), job_columns(job), etag),
                *(
                    Operation(Write.INSERT, history_key(job.job_id, number), entry_columns(entry, number))
                    for number, entry in enumerate(entries, start=first)
                ),
                *news,
            ],
        )

    def remove(self, job: Job, etag: str) -> Sequence[str]:
        """Deletes the version that was read and all that hangs on it, the newest of it in one transaction with it.

        Result: the keys that went in that transaction. Raises RowChanged, RowMissing.
        """
        tables = OrganizationTables(self._tables, job.organization)
        history = [row.rk for row in tables.partition(TABLE, job.project_id, prefix=f"{HISTORY_PREFIX}{job.job_id}|")]
        sides = [prefix + job.job_id for prefix in _SIDES]
        present = [key for key in sides if tables.get(TABLE, job.project_id, key) is not None]
        present += [row.rk for row in tables.partition(TABLE, job.project_id, prefix=f"{NEWS_PREFIX}{job.job_id}|")][:5]
        together, rest = [*history[:_BATCH], *present], history[_BATCH:]
        own = Operation(Write.DELETE, job_key(job.job_id), etag=etag)
        tables.transact(TABLE, job.project_id, [own, *(Operation(Write.DELETE, key) for key in together)])
        for start in range(0, len(rest), _BATCH):
            batch = [Operation(Write.DELETE, key) for key in rest[start : start + _BATCH]]
            tables.transact(TABLE, job.project_id, batch)
        return together

    def every(self, organization: str, where: Mapping[str, Condition]) -> Iterator[Job]:
        """Result: the organization's jobs that these columns fit, page by page."""
        tables = OrganizationTables(self._tables, organization)
        continuation: str | None = None
        while True:
            page = tables.page(TABLE, None, rk_prefix=JOB_PREFIX, where=where, limit=_PAGE, continuation=continuation)
            yield from map(job_of, page.rows)
            continuation = page.continuation
            if continuation is None:
                return


def superseded(job: Job, agent_id: str, attempt: int) -> Fatal:
    """Result: the refusal of an agent that works on what is no longer its own."""
    if job.agent_id != agent_id:
        return Fatal(ErrorCode.ATTEMPT_SUPERSEDED, "The job is no longer this agent's.")
    return Fatal(ErrorCode.ATTEMPT_SUPERSEDED, f"Attempt {attempt} is over; the job is at attempt {job.attempt}.")
