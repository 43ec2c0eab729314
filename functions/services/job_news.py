"""Job news: the ends of jobs that become events.

A job's row `news|<job>|<attempt>` is written in the transaction of the move itself (job_store.py) and removed here when
the event is written: a crash between the two loses nothing, and the event's id keeps it from being told twice.
"""

from __future__ import annotations

from dataclasses import replace

from functions.domain.event import Event, EventKind
from functions.domain.job_news import NEWS_PREFIX, News, news_of
from functions.domain.job_rows import PROGRESS_PREFIX
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Row, Tables
from functions.domain.progress_record import ProgressRecord, record_of
from functions.services.events import Events, known_code
from functions.services.guarded import Guarded
from functions.services.job_store import TABLE
from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import JobState
from migrate_contract.rockrms import EntityProgress

_PAGE = 1000


class JobNews:
    """Takes the news out of the jobs' table."""

    def __init__(self, tables: Tables, events: Events) -> None:
        self._tables = tables
        self._events = events

    def run(self, guarded: Guarded) -> int:
        """Result: how many ends of jobs were looked at; what fails for one is kept in `guarded`."""
        looked_at = 0
        continuation: str | None = None
        while True:
            page = self._tables.page(TABLE, rk_prefix=NEWS_PREFIX, limit=_PAGE, continuation=continuation)
            for row in page.rows:
                with guarded.part(f"news {row.rk}"):
                    self._events.record(self._event(news_of(row)))
                    self._tables.delete(TABLE, row.pk, row.rk)
                    looked_at += 1
            continuation = page.continuation
            if continuation is None:
                return looked_at

    def _event(self, news: News) -> Event:
        failed = news.state is JobState.FAILED
        facts = {"job_id": news.job_id, "job_name": news.job_name, "attempt": str(news.attempt)}
        if failed:
            summary = f"Job {news.job_name} failed: {news.detail}" if news.detail else f"Job {news.job_name} failed."
            facts |= {"code": news.code or ErrorCode.INTERNAL.value, "detail": news.detail}
        else:
            record = self._record(news)
            if record is not None and record.report.entities:
                return self._import_event(news, record.report.entities, facts)
            tally = record.report.files if record else None
            count = f"{tally.failed:,} files" if tally and tally.failed != 1 else "1 file" if tally else "some files"
            summary = f"Job {news.job_name} completed, and {count} could not be copied."
            facts["failed"] = str(tally.failed) if tally else "some"
            if tally:
                facts |= {"transferred": str(tally.transferred), "unchanged": str(tally.unchanged)}
        return _event(news, summary, facts)

    def _import_event(self, news: News, entities: list[EntityProgress], facts: dict[str, str]) -> Event:
        """Result: the event of an import that has completed with failures."""
        failed = sum(entity.errored + entity.pending for entity in entities)
        facts |= {
            "unit": "record",
            "failed": str(failed),
            "transferred": str(sum(entity.imported + entity.updated for entity in entities)),
            "unchanged": str(sum(entity.unchanged for entity in entities)),
        }
        if failed:
            count = "1 record is" if failed == 1 else f"{failed:,} records are"
            summary = f"Import {news.job_name} completed, and {count} not in Mission."
            return replace(_event(news, summary, facts), code=ErrorCode.RECORDS_ERRORED)
        facts["code"] = EventKind.FINANCIAL_MISMATCH.value
        return _event(news, f"Import {news.job_name} completed, and its totals do not match.", facts)

    def _record(self, news: News) -> ProgressRecord | None:
        """Result: the attempt's last report; None where a newer attempt has taken its place."""
        tables = OrganizationTables(self._tables, news.organization)
        row: Row | None = tables.get(TABLE, news.project_id, PROGRESS_PREFIX + news.job_id)
        record = record_of(row) if row else None
        return record if record and record.report.attempt == news.attempt else None


def _event(news: News, summary: str, facts: dict[str, str]) -> Event:
    failed = news.state is JobState.FAILED
    return Event(
        organization=news.organization,
        client_id=news.client_id,
        project_id=news.project_id,
        kind=EventKind.JOB_FAILED if failed else EventKind.JOB_COMPLETED_WITH_FAILURES,
        subject=news.job_id,
        occurrence=str(news.attempt),
        at=news.at,
        summary=summary,
        code=known_code(news.code),
        link=f"/jobs/{news.job_id}",
        facts=facts,
    )
