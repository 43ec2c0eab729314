"""The pages that ask for a job's settings: new, edit, and another agent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from functions.dashboard import choices
from functions.dashboard.badges import agent_badge, usable
from functions.dashboard.filter_form import is_unfolded
from functions.dashboard.forms import EMPTY_FORM, Form
from functions.dashboard.frame import Frame
from functions.dashboard.job_form import MOST_CONCURRENCY, typed_from, typed_like, typed_sync
from functions.dashboard.rendering import render
from functions.domain.views import AgentView, JobView, ProjectView
from migrate_contract.agents import AgentState
from migrate_contract.filters import DEFAULT_EXCLUDES
from migrate_contract.jobs import JobType, TransferSettings

type Options = list[tuple[str, str]]

_EXPERT_FIELDS = frozenset(
    {
        "concurrency",
        "chunk_size_mib",
        "bandwidth_limit_mbps",
        "memory_limit_mib",
        "readback_percent",
        "symlinks",
        "posix_properties",
        "folder_markers",
    }
)
_SYNC_FIELDS = frozenset({"schedule", "mirror", "max_delete_files", "max_delete_percent"})
_ORDER = (AgentState.ONLINE, AgentState.LATE, AgentState.REGISTERED, AgentState.OFFLINE)


def new_job_page(
    frame: Frame,
    project: ProjectView,
    agents: Sequence[AgentView],
    form: Form = EMPTY_FORM,
    *,
    like: JobView | None = None,
) -> str:
    """Result: the form. `agents`: those of the project's client; `like`: a job whose settings are filled in."""
    options = agent_options(agents)
    any_agent = ("", "The client's only agent, or the first to register" if len(options) < 2 else "Choose an agent")
    return _form_page(
        frame,
        project,
        form if form.values or like is None else Form(typed_like(like)),
        heading="New job" if like is None else f"New job like {like.name}",
        lede="Copies one folder into one container. It can be paused, resumed and rerun; "
        "what is verified is not sent twice.",
        action=f"/projects/{project.project_id}/new-job",
        submit="Create job",
        back=f"/projects/{project.project_id}",
        editing=False,
        copied=like is not None and not form.values,
        agents=options,
        agent_options=options if len(options) == 1 else [any_agent, *options],
        agent_default=options[0][0] if options and _is_online(agents, options[0][0]) else "",
    )


def edit_job_page(frame: Frame, project: ProjectView, job: JobView, form: Form = EMPTY_FORM) -> str:
    """Result: the form with the job's settings, or with what was typed last."""
    return _form_page(
        frame,
        project,
        form if form.values else Form(typed_from(job), refusal=form.refusal),
        heading=f"Edit {job.name}",
        lede="Possible until an agent has taken the job.",
        action=f"/jobs/{job.job_id}/edit",
        submit="Save",
        back=f"/jobs/{job.job_id}",
        editing=True,
        copied=False,
        agents=[],
        agent_options=[],
        agent_default="",
    )


def reassign_page(frame: Frame, job: JobView, agents: Sequence[AgentView], form: Form = EMPTY_FORM) -> str:
    """Result: the choice among the client's other agents."""
    options = agent_options([agent for agent in agents if agent.agent_id != job.agent_id])
    return render("job_reassign.html", frame, job=job, options=options, form=form)


def sync_page(frame: Frame, job: JobView, form: Form = EMPTY_FORM) -> str:
    """Result: the form for a sync's schedule and mirror, as they are or as they were typed last."""
    shown = form if form.values else Form(typed_sync(job), refusal=form.refusal)
    return render("job_sync.html", frame, job=job, form=shown, zone=job.sync.zone if job.sync else "UTC")


def agent_options(agents: Sequence[AgentView]) -> Options:
    """Result: agents that may be given a job, those that are online first, each with its state."""
    known = sorted((agent for agent in agents if usable(agent)), key=lambda agent: _ORDER.index(agent.state))
    return [(agent.agent_id, f"{agent.name} ({agent_badge(agent.state).label.lower()})") for agent in known]


def _concurrency_options(current: str) -> Options:
    """Result: the usual choices, and what the job has: another program may have set it, and an edit must keep it."""
    numbers = {int(text) for text in (*choices.CONCURRENCY, current) if re.fullmatch("[0-9]{1,2}", text)}
    offered = sorted(number for number in numbers if 1 <= number <= MOST_CONCURRENCY)
    return [("auto", "Automatic"), *((str(number), str(number)) for number in offered)]


def _is_online(agents: Sequence[AgentView], agent_id: str) -> bool:
    return any(agent.agent_id == agent_id and agent.state is AgentState.ONLINE for agent in agents)


def _form_page(frame: Frame, project: ProjectView, form: Form, **context: Any) -> str:
    defaults = TransferSettings()
    return render(
        "job_form.html",
        frame,
        project=project,
        form=form,
        filters_open=is_unfolded(form),
        default_excludes=DEFAULT_EXCLUDES,
        expert_open=any(field in _EXPERT_FIELDS for field in form.errors),
        overwrite_options=[(key.value, choices.sentence_case(words)) for key, words in choices.OVERWRITE.items()],
        verification_options=[(key.value, choices.sentence_case(words)) for key, words in choices.VERIFICATION.items()],
        symlink_options=[(key.value, choices.sentence_case(words)) for key, words in choices.SYMLINKS.items()],
        type_options=[(key.value, choices.sentence_case(words)) for key, words in choices.JOB_TYPES.items()],
        tier_options=[
            (key.value if key else "", choices.sentence_case(words)) for key, words in choices.ACCESS_TIERS.items()
        ],
        sync_open=bool(form.value("schedule"))
        or form.checked("mirror", default=False)
        or bool(_SYNC_FIELDS & set(form.errors)),
        concurrency_options=_concurrency_options(form.value("concurrency")),
        defaults={
            "hold_after_scan": False,
            "type": JobType.MIGRATE_FILES.value,
            "check_readable": False,
            "overwrite": defaults.overwrite.value,
            "verification": defaults.verification.value,
            "symlinks": defaults.symlinks.value,
            "posix_properties": defaults.posix_properties,
            "folder_markers": defaults.folder_markers,
            "concurrency": str(defaults.concurrency),
            "chunk_size_mib": str(defaults.chunk_size_mib),
            "bandwidth_limit_mbps": "",
            "memory_limit_mib": str(defaults.memory_limit_mib),
            "readback_percent": f"{defaults.readback_percent:.15g}",
        },
        **context,
    )
