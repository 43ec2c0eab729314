"""The token refresh checker: a daily look at every customer's connection, whoever else runs one at the same time.

A run may be cut off anywhere, and any number of instances may run one at once: each look is claimed in its own row by
ETag, a run takes up what is not done today, and a claim that nobody finishes is free again after a while. Finished
projects are quiet: their connections are not looked at.

Nouns: a *run* is one call of the timer; a *visit* is a connection that a run finds due.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from functions.domain import rows
from functions.domain.limits import Limits
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, Row, RowChanged, RowExists, RowMissing, Tables, Tokens
from functions.domain.token_check import Look, LookResult, claim_columns, is_due, remembered
from functions.services.guarded import Guarded
from functions.services.projects import TABLE as PROJECTS
from functions.services.projects import connection_view, is_closed
from functions.services.token_look import PASSING, TokenLook
from functions.services.token_reports import RunTally, TokenReports
from migrate_contract.errors import Retryable

TABLE = "tokenchecks"
_PAGE = 1000
_MOST_BROKEN = 20
"""So many looks that failed by a fault of ours, and the rest would: they are left to the next run."""
_MOST_REPEATS = 20
"""So many looks of a run are made once more where the storage did not answer; one that is away fails the rest."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Visit:
    organization: str
    project_id: str
    row: Row | None
    """What the last look left, with the ETag that the claim needs."""
    repeated: bool = False


class TokenChecks:
    """The only writer of the table."""

    def __init__(
        self,
        tables: Tables,
        clock: Clock,
        monotonic: Callable[[], float],
        tokens: Tokens,
        limits: Limits,
        look: TokenLook,
        reports: TokenReports,
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._monotonic = monotonic
        self._tokens = tokens
        self._limits = limits
        self._look = look
        self._reports = reports

    def run(self) -> RunTally:
        """Result: what was looked at, and what is left to the next run where the time was up.

        What fails for one connection leaves the others alone; an ExceptionGroup of it is raised at the end.
        """
        began, guarded = self._monotonic(), Guarded()
        tally = RunTally(run_id=self._tokens.identifier(12), began_at=self._clock())
        visits = deque(self._due(tally))
        ends = began + self._limits.token_check_seconds
        lock = threading.Lock()

        def work() -> None:
            while True:
                with lock:
                    if not visits or self._monotonic() >= ends or tally.broken >= _MOST_BROKEN:
                        return
                    visit = visits.popleft()
                with guarded.part(f"token of project {visit.project_id}"):
                    again = self._visit(visit, tally)
                    if again is not None:
                        with lock:
                            visits.append(again)

        workers = min(self._limits.token_check_workers, len(visits))
        if workers > 0:
            with ThreadPoolExecutor(workers, thread_name_prefix="token") as pool:
                for each in [pool.submit(work) for _ in range(workers)]:
                    each.result()
        for visit in visits:
            tally.count(visit.organization, "left")
        tally.seconds = self._monotonic() - began
        with guarded.part("report"):
            self._reports.finish(tally)
        _log.info("token_check.done", run_id=tally.run_id, seconds=round(tally.seconds, 1), **tally.totals())
        guarded.finish()
        return tally

    def _due(self, tally: RunTally) -> Iterator[_Visit]:
        """Result: the connections to look at; rows of projects that are gone or finished are removed."""
        known = {(row.pk, row.rk): row for row in self._rows(TABLE)}
        now = self._clock()
        for project in self._rows(PROJECTS):
            row = known.pop((project.pk, project.rk), None)
            connection = connection_view(project)
            if connection is None or not connection.signs_in:
                if row is not None:
                    self._tables.delete(TABLE, row.pk, row.rk)
            elif is_closed(project):
                tally.count(project.pk, "quiet")
            elif is_due(row, connection.connected_at, now, self._limits.token_claim_seconds):
                yield _Visit(project.pk, project.rk, row)
        for row in known.values():
            self._tables.delete(TABLE, row.pk, row.rk)

    def _rows(self, table: str) -> Iterator[Row]:
        continuation: str | None = None
        while True:
            page = self._tables.page(table, limit=_PAGE, continuation=continuation)
            yield from page.rows
            continuation = page.continuation
            if continuation is None:
                return

    def _visit(self, visit: _Visit, tally: RunTally) -> _Visit | None:
        """Result: the visit to make once more, where the storage did not answer in the middle of this one."""
        try:
            try:
                self._look_at(visit, tally)
            except Retryable as passing:
                if passing.code not in PASSING or visit.repeated or not tally.may_repeat(_MOST_REPEATS):
                    raise
                _log.warning("token_check.repeated", project_id=visit.project_id, exc_info=passing)
                return self._once_more(visit, tally.run_id)
        except Exception:
            tally.looked(visit.organization, LookResult.BROKEN)
            raise
        return None

    def _once_more(self, visit: _Visit, run_id: str) -> _Visit | None:
        """Result: the visit with the row as it is now; None where another instance has taken it over."""
        row = self._tables.get(TABLE, visit.organization, visit.project_id)
        ours = row is None or rows.text(row, "claimed_by") == run_id or (visit.row and visit.row.etag == row.etag)
        return replace(visit, row=row, repeated=True) if ours else None

    def _look_at(self, visit: _Visit, tally: RunTally) -> None:
        """Makes one look, unless another instance makes it."""
        now = self._clock()
        etag = self._claim(visit, tally.run_id)
        if etag is None:
            tally.count(visit.organization, "elsewhere")
            return
        project = OrganizationTables(self._tables, visit.organization).get(PROJECTS, "", visit.project_id)
        connection = connection_view(project) if project else None
        if project is None or connection is None or is_closed(project):
            return  # Deleted, disconnected or finished this moment.
        found = self._look.look(project, connection, remembered(visit.row, connection.connected_at))
        tally.looked(visit.organization, found.result)
        if found.code is not None and (found.result is LookResult.MISCONFIGURED or self._is_silent(found, now)):
            tally.fault(visit.organization, found.code, found.detail)
        try:
            self._tables.merge(
                TABLE, visit.organization, visit.project_id, found.columns(self._clock(), now.date()), etag
            )
        except (RowChanged, RowMissing):
            return  # The claim took too long, and another instance has it.

    def _is_silent(self, found: Look, now: datetime) -> bool:
        """Result: whether nothing has answered for so long that the operator should know."""
        since = found.memory.failing_since
        return since is not None and now - since >= timedelta(seconds=self._limits.identity_silence_seconds)

    def _claim(self, visit: _Visit, run_id: str) -> str | None:
        """Result: the ETag of our claim; None where another instance was faster."""
        columns = claim_columns(run_id, self._clock())
        keys = (visit.organization, visit.project_id)
        try:
            if visit.row is None:
                return self._tables.insert(TABLE, *keys, columns)
            return self._tables.merge(TABLE, *keys, columns, visit.row.etag)
        except (RowExists, RowChanged, RowMissing):
            return None
