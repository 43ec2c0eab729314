"""Import logs: agents append to them, operators read them by page, grouped, or as one CSV."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from functions.domain.caller import AgentCaller, OperatorCaller
from functions.domain.job import Job
from functions.domain.job_rows import IMPORT_LOG_PREFIX
from functions.domain.keys import Continuations
from functions.domain.ports import Tables
from functions.domain.rockrms_views import ImportLogGroup, ImportLogSummary
from functions.domain.views import ListQuery, Page
from functions.services import csv_text
from functions.services.attempts import Attempts
from functions.services.import_store import Chunk, Group, ImportStore, group_of
from functions.services.job_store import JobStore
from functions.services.numbered_rows import append
from migrate_contract.errors import CATALOGUE, ErrorCode, Fatal
from migrate_contract.jobs import LedgerAnswer
from migrate_contract.rockrms import Entity, ImportLogChunk, ImportLogRow, LogKind

_SAMPLE = 5
_COLUMNS = (
    "row",
    "kind",
    "entity",
    "source_table",
    "source_id",
    "external_id",
    "code",
    "detail",
    "fix",
    "request_id",
    "answer",
    "batch_key",
    "at",
)
_ORDER = {LogKind.ERRORED: 0, LogKind.SKIPPED: 1, LogKind.FLAGGED: 2}


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which rows are wanted; None: any. `attempt` None: the newest."""

    kind: LogKind | None = None
    entity: Entity | None = None
    code: str | None = None
    attempt: int | None = None

    def lets_through(self, group: Group) -> bool:
        """Result: whether rows of the group are wanted."""
        return (
            self.kind in (None, group.kind)
            and self.entity in (None, group.entity)
            and (self.code is None or self.code == group.code)
        )


class ImportLogs:
    """The only writer of `ilog|<job id>`: the attempt and the number of the row that comes next."""

    def __init__(
        self, tables: Tables, jobs: JobStore, attempts: Attempts, store: ImportStore, continuations: Continuations
    ) -> None:
        self._tables = tables
        self._jobs = jobs
        self._attempts = attempts
        self._store = store
        self._continuations = continuations

    def append(self, caller: AgentCaller, job_id: str, body: ImportLogChunk) -> LedgerAnswer:
        """Result: which row comes next. Rows that are there already are skipped; a gap is not accepted, but answered.

        Raises Fatal(attempt-superseded), Fatal(not-found), Fatal(job-type-conflict).
        """
        job = need_import(self._attempts.need(caller, job_id, body.attempt))

        def write(fresh: list[ImportLogRow]) -> None:
            self._store.write_log(caller.organization, job_id, body.attempt, fresh)

        return append(self._tables, job, IMPORT_LOG_PREFIX + job_id, body.rows, write, what="log")

    def page(self, caller: OperatorCaller, job_id: str, query: ListQuery, wanted: LogFilter) -> Page[ImportLogRow]:
        """Result: rows in order. Raises Fatal(not-found), Fatal(job-type-conflict)."""
        job = need_import(self._jobs.need(caller, job_id))
        attempt = wanted.attempt or job.attempt
        scope = f"import-log|{caller.organization}|{job_id}|{attempt}|{wanted.kind}|{wanted.entity}|{wanted.code}"
        opened = self._continuations.open(query.continuation, scope)
        found: list[ImportLogRow] = []
        for row in self._rows(job, wanted, int(opened or 0)):
            if len(found) == query.limit:
                return Page(items=found, continuation=self._continuations.seal(str(found[-1].row), scope))
            found.append(row)
        return Page(items=found)

    def csv(self, caller: OperatorCaller, job_id: str, wanted: LogFilter) -> Iterator[bytes]:
        """Result: the rows as CSV, piece by piece. Access is checked before the first piece."""
        job = need_import(self._jobs.need(caller, job_id))
        lines = (row.model_dump(mode="json") for row in self._rows(job, wanted, 0))
        return csv_text.pieces(_COLUMNS, ([line[column] for column in _COLUMNS] for line in lines))

    def summary(self, caller: OperatorCaller, job_id: str, attempt: int | None = None) -> ImportLogSummary:
        """Result: how many rows for which reason, with a sample of each; of the newest attempt unless one is given."""
        job = need_import(self._jobs.need(caller, job_id))
        chosen = attempt or job.attempt
        counts: Counter[Group] = Counter()
        samples: dict[Group, list[ImportLogRow]] = {}
        seen = 0
        for chunk in self._store.log_chunks(job.organization, job_id, chosen):
            if chunk.last <= seen:
                continue
            overlaps = chunk.first <= seen
            if not overlaps:
                counts.update(chunk.groups)
            if overlaps or any(len(samples.get(group, ())) < _SAMPLE for group in chunk.groups):
                self._look_into(chunk, seen, counts if overlaps else None, samples)
            seen = chunk.last
        groups = sorted(counts, key=lambda group: (_ORDER[group.kind], -counts[group], group.code))
        return ImportLogSummary(
            attempt=chosen,
            rows=sum(counts.values()),
            groups=[_group_view(group, counts[group], samples.get(group, [])) for group in groups],
        )

    def _look_into(
        self, chunk: Chunk, after: int, counts: Counter[Group] | None, samples: dict[Group, list[ImportLogRow]]
    ) -> None:
        """Takes samples out of a chunk, and counts its rows where its own counts hold repeated ones."""
        for row in self._store.log_rows(chunk, after):
            group = group_of(row)
            if counts is not None:
                counts[group] += 1
            taken = samples.setdefault(group, [])
            if len(taken) < _SAMPLE:
                taken.append(row)

    def _rows(self, job: Job, wanted: LogFilter, after: int) -> Iterator[ImportLogRow]:
        """Result: the rows numbered above `after`; chunks that cannot have any are not read."""
        for chunk in self._store.log_chunks(job.organization, job.job_id, wanted.attempt or job.attempt):
            if chunk.last > after and any(map(wanted.lets_through, chunk.groups)):
                for row in self._store.log_rows(chunk, after):
                    if wanted.lets_through(group_of(row)):
                        yield row
            after = max(after, chunk.last)


def need_import(job: Job) -> Job:
    """Result: the job. Raises Fatal(job-type-conflict) for one that copies files."""
    if not job.settings.is_import:
        raise Fatal(ErrorCode.JOB_TYPE_CONFLICT, f"The job is of type {job.settings.type.value}.")
    return job


def _group_view(group: Group, count: int, sample: list[ImportLogRow]) -> ImportLogGroup:
    known = group.code in set(ErrorCode)
    entry = CATALOGUE[ErrorCode(group.code)] if known else None
    own_fix = next((row.fix for row in sample if row.fix), "")
    return ImportLogGroup(
        kind=group.kind,
        entity=group.entity,
        code=group.code,
        title=entry.title if entry else group.code,
        fix=entry.fix if entry else own_fix or "Read the detail; the agent may be newer than this control plane.",
        rows=count,
        sample=sample,
    )
