"""The jobs list, by state."""

from __future__ import annotations

from datetime import datetime

from functions.dashboard.badges import STATE_WORDS
from functions.dashboard.frame import Frame
from functions.dashboard.rendering import render
from functions.domain.views import JobView, Page, ProjectView
from migrate_contract.jobs import JobState


def jobs_page(
    frame: Frame,
    now: datetime,
    page: Page[JobView],
    *,
    state: JobState | None = None,
    project: ProjectView | None = None,
) -> str:
    """Result: the list; `state` and `project` are what it was narrowed to."""
    return render(
        "jobs.html",
        frame,
        now=now,
        page=page,
        project=project,
        filtered=state is not None,
        address=_address(state, project),
        state_tabs=[
            ("All", None, _address(None, project), state is None),
            *((words, None, _address(key, project), state is key) for key, words in STATE_WORDS.items()),
        ],
    )


def _address(state: JobState | None, project: ProjectView | None) -> str:
    parts = [f"project_id={project.project_id}"] if project else []
    parts += [f"state={state.value}"] if state else []
    return "/jobs?" + "&".join(parts) if parts else "/jobs"
