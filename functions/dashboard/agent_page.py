"""The agents list and the agent page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from functions.dashboard import choices
from functions.dashboard.catalogue import TITLES
from functions.dashboard.confirmations import revoke_agent
from functions.dashboard.formatting import duration
from functions.dashboard.forms import EMPTY_FORM, Form
from functions.dashboard.frame import Frame
from functions.dashboard.rendering import render
from functions.domain.views import AgentView, JobView, Page
from migrate_contract.agents import AgentState

CLOCK_IS_OFF_SECONDS = 60
"""Above this the clock is shown as wrong. Nothing depends on it; logs of both sides are hard to compare."""


def agents_page(frame: Frame, now: datetime, page: Page[AgentView], *, client_id: str | None = None) -> str:
    """Result: the list."""
    address = f"/agents?client_id={client_id}" if client_id else "/agents"
    return render("agents.html", frame, now=now, page=page, address=address)


def agent_page(
    frame: Frame, now: datetime, agent: AgentView, jobs: Mapping[str, JobView], form: Form = EMPTY_FORM
) -> str:
    """Result: the page. `jobs`: the jobs that the agent holds, by id, as far as they are still there."""
    skew = agent.clock_skew_seconds
    return render(
        "agent.html",
        frame,
        now=now,
        agent=agent,
        jobs=[(held, jobs.get(held.job_id)) for held in agent.jobs],
        skew=clock_words(skew) if skew is not None else "",
        clock_is_off=skew is not None and abs(skew) >= CLOCK_IS_OFF_SECONDS,
        titles=choices.AGENT_TITLES,
        code_titles=TITLES,
        modes=choices.MODES,
        form=form,
        questions=[] if agent.state is AgentState.REVOKED else [revoke_agent(agent)],
    )


def clock_words(skew_seconds: float) -> str:
    """Result: "right", "10 min ahead", "45 s behind"."""
    if abs(skew_seconds) < 2:
        return "right"
    return f"{duration(abs(skew_seconds))} {'ahead' if skew_seconds > 0 else 'behind'}"
