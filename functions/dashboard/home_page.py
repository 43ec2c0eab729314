"""The home page: what needs attention, what runs now, what ended lately."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from functions.dashboard.attention import needs_attention
from functions.dashboard.formatting import plural
from functions.dashboard.frame import Frame
from functions.dashboard.rendering import render
from functions.domain.views import AgentView, AlertView, JobView
from migrate_contract.jobs import JobState

SHOWN_RECENT = 5
_WORKING = frozenset({JobState.SCANNING, JobState.RUNNING})
_ENDED = frozenset({JobState.COMPLETED, JobState.CANCELLED})


def home(
    frame: Frame,
    now: datetime,
    *,
    clients_exist: bool,
    alerts: Sequence[AlertView],
    jobs: Sequence[JobView],
    agents: Sequence[AgentView],
) -> str:
    """Result: the page. `jobs`: the unfinished ones and those that ended lately."""
    attention = needs_attention(alerts, jobs, agents, now)
    working = sorted((job for job in jobs if job.state in _WORKING), key=lambda job: job.state_since)
    ended = [job for job in jobs if job.state in _ENDED and job.ended_at is not None]
    recent = sorted(ended, key=lambda job: job.ended_at or now, reverse=True)[:SHOWN_RECENT]
    return render(
        "home.html",
        frame,
        now=now,
        clients_exist=clients_exist,
        attention=attention,
        working=working,
        recent=recent,
        greeting=_greeting(len(attention), clients_exist=clients_exist),
        lede=_lede(len(working), agents, clients_exist=clients_exist),
    )


def _greeting(problems: int, *, clients_exist: bool) -> str:
    if not clients_exist:
        return "Welcome"
    if not problems:
        return "All is well"
    return plural(problems, "thing needs you", "things need you")


def _lede(working: int, agents: Sequence[AgentView], *, clients_exist: bool) -> str:
    if not clients_exist:
        return "Nothing is set up yet. These four steps lead to the first copy; each page says what comes next."
    online = sum(agent.state.value == "online" for agent in agents)
    return f"{plural(working, 'job is', 'jobs are')} at work; {online} of {plural(len(agents), 'agent')} online."
