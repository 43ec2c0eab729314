"""The sweep: looks at everything on a timer, does again what was lost, and says what a person should know.

Any number of sweeps may run at once, and one may be cut off anywhere: everything that it does can be done twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from functions.domain import rows
from functions.domain.limits import Limits
from functions.domain.ports import Clock, Row, Tables
from functions.services.agent_sweep import AgentSweep, SeenAgent
from functions.services.codes import TABLE as CODES
from functions.services.deliveries import TABLE as DELIVERIES
from functions.services.events import TABLE as EVENTS
from functions.services.guarded import Guarded
from functions.services.job_sweep import JobSweep
from functions.services.mail_outbox import MailOutbox
from functions.services.mail_retention import MailRetention
from functions.services.scheduled_runs import ScheduledRuns
from functions.services.telling import Telling
from functions.services.throttle import TABLE as THROTTLES

_PAGE = 1000
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class SweepResult:
    """What one sweep found and did."""

    agents: int = 0
    announced: int = 0
    jobs: int = 0
    hinted: int = 0
    runs_begun: int = 0
    runs_skipped: int = 0
    alerts: int = 0
    resolved: int = 0
    removed_rows: int = 0
    events: int = 0
    delivered: int = 0
    undelivered: int = 0
    mails: int = 0
    seen: dict[tuple[str, str], SeenAgent] = field(default_factory=dict, repr=False)


class Sweeps:
    """Runs all watchdogs in one go (each timer function would be an instance of its own)."""

    def __init__(
        self,
        tables: Tables,
        clock: Clock,
        limits: Limits,
        agents: AgentSweep,
        jobs: JobSweep,
        runs: ScheduledRuns,
        telling: Telling,
        outbox: MailOutbox,
        mail_retention: MailRetention,
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._limits = limits
        self._agents = agents
        self._jobs = jobs
        self._runs = runs
        self._telling = telling
        self._outbox = outbox
        self._mail_retention = mail_retention

    def run(self) -> SweepResult:
        """Result: what was found and done.

        What fails for one job, agent or table leaves the others alone; an ExceptionGroup of it is raised at the end.
        """
        guarded = Guarded()
        result = SweepResult()
        agents = self._agents.run(guarded)
        result.seen = agents.seen
        result.agents, result.announced = len(agents.seen), agents.announced
        jobs = self._jobs.run(agents.seen, guarded)
        result.jobs, result.hinted = jobs.jobs, jobs.hinted
        result.alerts, result.resolved = agents.alerts + jobs.alerts, agents.resolved + jobs.resolved
        due = self._runs.run(guarded)
        result.runs_begun, result.runs_skipped = due.begun, due.skipped
        now = self._clock()
        result.removed_rows = jobs.removed_rows
        told = self._telling.run(guarded)
        result.events, result.delivered, result.undelivered = told.events, told.delivered, told.undelivered
        result.resolved += told.resolved
        for table, column, seconds in (
            (CODES, "expires_at", self._limits.code_retention_seconds),
            (THROTTLES, "since", self._limits.code_tries_window_seconds),
            (EVENTS, "at", self._limits.event_retention_seconds),
            (DELIVERIES, "created_at", self._limits.delivery_retention_seconds),
        ):
            with guarded.part(table):
                result.removed_rows += self._forget(table, column, now - timedelta(seconds=seconds))
        with guarded.part("old mail"):
            result.removed_rows += self._mail_retention.run()
        with guarded.part("mail"):  # The last: what it waits for, nothing else has to wait for.
            result.mails = self._outbox.run(self._limits.mail_run_seconds).ended
        _log.info(
            "sweep.done",
            agents=result.agents,
            announced=result.announced,
            jobs=result.jobs,
            hinted=result.hinted,
            runs_begun=result.runs_begun,
            runs_skipped=result.runs_skipped,
            alerts=result.alerts,
            resolved=result.resolved,
            removed_rows=result.removed_rows,
            events=result.events,
            delivered=result.delivered,
            undelivered=result.undelivered,
            mails=result.mails,
            failed=len(guarded.faults),
        )
        guarded.finish()
        return result

    def _forget(self, table: str, column: str, before: datetime) -> int:
        """Removes the table's rows whose time in `column` has passed. Result: how many."""
        removed = 0
        continuation: str | None = None
        while True:
            page = self._tables.page(table, limit=_PAGE, continuation=continuation)
            for row in page.rows:
                if _is_past(row, column, before):
                    self._tables.delete(table, row.pk, row.rk)
                    removed += 1
            continuation = page.continuation
            if continuation is None:
                return removed


def _is_past(row: Row, column: str, before: datetime) -> bool:
    at = rows.moment(row, column)
    return at is not None and at < before
