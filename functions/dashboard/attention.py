"""What needs a person, worst and oldest first: the first thing on the home page.

Rules: an alert that is not over; a job that failed, waits for approval, waits for an agent, or has not been
confirmed; an agent that is suspended, that holds jobs and is silent, or was registered and never started.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.domain.views import AgentView, AlertView, JobView
from migrate_contract.agents import AgentState
from migrate_contract.jobs import JobState

DELIVERY_TAKES = timedelta(minutes=2)
"""A job reaches an agent that is online within this (product page, symptom 2): before it nothing is wrong."""

_RANK = {"bad": 0, "warn": 1, "accent": 2}


@dataclass(frozen=True, slots=True)
class Attention:
    """One line of the list: what is wrong, since when, and the page with the button that mends it."""

    tone: str
    kind: str
    title: str
    detail: str
    fix: str
    since: datetime | None
    link: str
    button: str


def needs_attention(
    alerts: Iterable[AlertView], jobs: Iterable[JobView], agents: Iterable[AgentView], now: datetime
) -> list[Attention]:
    """Result: one line per problem; where an alert and a job tell of the same, the alert stands."""
    found = [_from_alert(alert) for alert in alerts if alert.resolved_at is None]
    found += [line for job in jobs if (line := _from_job(job, now)) is not None]
    found += [line for agent in agents if (line := _from_agent(agent)) is not None]
    first_by_link = {line.link: line for line in reversed(found)}
    return sorted(
        first_by_link.values(),
        key=lambda line: (_RANK[line.tone], line.since.timestamp() if line.since else 0.0),
    )


def _from_alert(alert: AlertView) -> Attention:
    return Attention("bad", "Alert", alert.title, alert.detail, alert.fix, alert.first_at, alert.link, "Open")


def _from_job(job: JobView, now: datetime) -> Attention | None:
    link = f"/jobs/{job.job_id}"
    if job.state is JobState.FAILED:
        fault = job.fault
        detail = "The attempt failed."
        if fault:
            detail = fault.title if fault.detail in ("", fault.title) else f"{fault.title}: {fault.detail}"
        return Attention(
            "bad", "Failed", job.name, detail, fault.fix if fault else "", job.ended_at or job.state_since, link, "Open"
        )
    if job.state is JobState.READY:
        return Attention(
            "warn", "Approval", job.name, "Scanned; waits for approval.", "", job.state_since, link, "Look and approve"
        )
    if job.unconfirmed:
        detail = job.waiting_because or "The agent has not been heard of for a while."
        return Attention("warn", "Unconfirmed", job.name, detail, "", job.unconfirmed_since, link, "Open")
    if job.state is JobState.CREATED and _waits_too_long(job, now):
        return Attention("warn", "Waiting", job.name, job.waiting_because or "", "", job.state_since, link, "Open")
    return None


def _waits_too_long(job: JobView, now: datetime) -> bool:
    reachable = job.agent_state in (AgentState.ONLINE, AgentState.LATE)
    return not reachable or now - job.state_since > DELIVERY_TAKES


def _from_agent(agent: AgentView) -> Attention | None:
    link = f"/agents/{agent.agent_id}"
    detail = agent.state_detail
    if agent.state is AgentState.SUSPENDED:
        return Attention("bad", "Suspended", agent.name, detail, "", agent.suspended_at, link, "Open")
    if agent.state is AgentState.OFFLINE and agent.jobs:
        return Attention("bad", "Offline", agent.name, detail, "", agent.last_seen_at, link, "See what to type")
    if agent.state is AgentState.REGISTERED:
        return Attention("warn", "Not started", agent.name, detail, "", agent.created_at, link, "See what to type")
    return None
