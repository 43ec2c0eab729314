"""What a job's end leaves behind for the events: the row `news|<job>|<attempt>`, written with the move. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from functions.domain import rows
from functions.domain.job import Job
from functions.domain.ports import Row, Value
from migrate_contract.jobs import JobState, Outcome

NEWS_PREFIX = "news|"


@dataclass(frozen=True, slots=True)
class News:
    """The end of one attempt, as it was: the job may be renamed, rerun or deleted meanwhile."""

    organization: str
    client_id: str
    project_id: str
    job_id: str
    job_name: str
    attempt: int
    state: JobState
    at: datetime
    code: str
    detail: str


def is_news(job: Job) -> bool:
    """Result: whether a job in this state is something that people want to hear of.

    What a dry run has found is in its report, for whoever began it.
    """
    if job.state is JobState.FAILED:
        return True
    if job.settings.is_dry_run:
        return False
    return job.state is JobState.COMPLETED and job.outcome is Outcome.COMPLETE_WITH_FAILURES


def news_key(job: Job) -> str:
    """Result: the row key: an attempt ends once."""
    return f"{NEWS_PREFIX}{job.job_id}|{job.attempt}"


def news_columns(job: Job) -> dict[str, Value]:
    """Result: the whole row."""
    return {
        "organization": job.organization,
        "client_id": job.client_id,
        "project_id": job.project_id,
        "job_id": job.job_id,
        "job_name": job.settings.name,
        "attempt": job.attempt,
        "ended_state": job.state.value,
        "at": job.ended_at or job.state_at,
        "code": job.fault.code if job.fault else "",
        "detail": job.fault.detail[:2000] if job.fault else "",
    }


def news_of(row: Row) -> News:
    """Result: the news that the row holds."""
    return News(
        organization=rows.text(row, "organization"),
        client_id=rows.text(row, "client_id"),
        project_id=rows.text(row, "project_id"),
        job_id=rows.text(row, "job_id"),
        job_name=rows.text(row, "job_name"),
        attempt=rows.number(row, "attempt", 1),
        state=JobState(rows.text(row, "ended_state")),
        at=rows.need_moment(row, "at"),
        code=rows.text(row, "code"),
        detail=rows.text(row, "detail"),
    )
