"""Job watch: what the sweep finds of a job and people want to hear of, as events.

The moment of each is derived from rows, so that every sweep that finds it writes the same event, which counts once.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from functions.domain.event import Event, EventKind
from functions.domain.job import Job
from functions.domain.limits import Limits
from functions.domain.ports import Clock
from functions.domain.waiting import clock_time
from functions.services.events import Events
from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import JobState


class JobWatch:
    """Told by the sweep over jobs."""

    def __init__(self, clock: Clock, limits: Limits, events: Events) -> None:
        self._clock = clock
        self._limits = limits
        self._events = events

    def undelivered(self, job: Job, detail: str) -> None:
        """No agent has taken the job's newest start for too long."""
        at = job.state_at + timedelta(seconds=self._limits.undelivered_seconds)
        occurrence = f"{job.attempt}-{job.dispatch}"
        self._stuck(job, EventKind.JOB_UNDELIVERED, ErrorCode.JOB_UNDELIVERED, detail, job.state_at, at, occurrence)

    def stalled(self, job: Job, detail: str, since: datetime) -> None:
        """The scan has found nothing new since then, which is too long."""
        at = since + timedelta(seconds=self._limits.scan_stalled_seconds)
        occurrence = f"{job.attempt}-{since.timestamp():.0f}"
        self._stuck(job, EventKind.SCAN_STALLED, ErrorCode.SCAN_STALLED, detail, since, at, occurrence)

    def silent_agent(self, job: Job, agent_id: str, name: str, last_seen_at: datetime | None) -> None:
        """The job is with this agent: an event if it has been silent for too long, one for all jobs of the project."""
        silent = timedelta(seconds=self._limits.agent_silent_seconds)
        if last_seen_at is None or self._clock() - last_seen_at < silent or job.state is JobState.PAUSED:
            return
        since = clock_time(last_seen_at, self._clock())
        self._events.record(
            Event(
                organization=job.organization,
                client_id=job.client_id,
                project_id=job.project_id,
                kind=EventKind.AGENT_OFFLINE,
                subject=agent_id,
                occurrence=f"{last_seen_at.timestamp():.0f}",
                at=last_seen_at + silent,
                summary=f"Agent {name} has work of this project and is offline since {since}.",
                code=ErrorCode.AGENT_OFFLINE,
                link=f"/agents/{agent_id}",
                facts={"agent_id": agent_id, "agent_name": name, "since": since, "jobs": job.settings.name},
            )
        )

    def _stuck(
        self,
        job: Job,
        kind: EventKind,
        code: ErrorCode,
        detail: str,
        since: datetime,
        at: datetime,
        occurrence: str,
    ) -> None:
        self._events.record(
            Event(
                organization=job.organization,
                client_id=job.client_id,
                project_id=job.project_id,
                kind=kind,
                subject=job.job_id,
                occurrence=occurrence,
                at=at,
                summary=detail,
                code=code,
                link=f"/jobs/{job.job_id}",
                facts={
                    "job_id": job.job_id,
                    "job_name": job.settings.name,
                    "code": code.value,
                    "detail": detail,
                    "since": clock_time(since, self._clock()),
                },
            )
        )
