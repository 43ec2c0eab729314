"""The projects list and the project page: a checklist whose next step is open, connections, and the project's jobs.

Nouns: a *step* is `done`, `next` (the one to do now), `warn` (done, but something is wrong with it) or `later`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from functions.dashboard.badges import agent_badge, usable
from functions.dashboard.bandwidth_page import in_force, schedule_lines
from functions.dashboard.confirmations import delete_project, disconnect
from functions.dashboard.connection_card import connection_card
from functions.dashboard.events_page import BADGES
from functions.dashboard.formatting import plural
from functions.dashboard.forms import EMPTY_FORM, Form
from functions.dashboard.frame import Frame
from functions.dashboard.rendering import CHECK_POLL_SECONDS, POLL_SECONDS, render
from functions.dashboard.rockrms_cards import MissionCard, RockCard, mission_card, rock_card
from functions.dashboard.rockrms_pages import disconnect_mission, forget_connection
from functions.domain.connection_views import ConnectionStatusView
from functions.domain.event_views import EventView
from functions.domain.expiry_views import ExpiredJobsView
from functions.domain.rockrms_views import CheckState, RockRmsView
from functions.domain.views import AgentView, ClientView, JobView, Page, ProjectStatus, ProjectView
from migrate_contract.agents import AgentState
from migrate_contract.jobs import JobType
from migrate_contract.problem import Problem

_CLOSED = frozenset({ProjectStatus.COMPLETED, ProjectStatus.CANCELLED})
_REACHABLE = frozenset({AgentState.ONLINE, AgentState.LATE})


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the checklist."""

    key: str
    state: str
    title: str
    detail: str = ""
    aside: str = ""
    link: str = ""


def projects_page(
    frame: Frame,
    now: datetime,
    page: Page[ProjectView],
    clients: Sequence[ClientView],
    *,
    client_id: str | None = None,
    form: Form = EMPTY_FORM,
) -> str:
    """Result: the list, with the form for a new project; `client_id` narrows the list and is chosen in the form."""
    return render(
        "projects.html",
        frame,
        now=now,
        page=page,
        clients=[(client.client_id, client.name) for client in clients],
        client_id=client_id or "",
        address=f"/projects?client_id={client_id}" if client_id else "/projects",
        form=form,
    )


def project_page(
    frame: Frame,
    now: datetime,
    project: ProjectView,
    *,
    agents: Sequence[AgentView],
    jobs: Page[JobView],
    connection: ConnectionStatusView | None = None,
    expired: ExpiredJobsView | None = None,
    events: Sequence[EventView] = (),
    church: RockRmsView | None = None,
    form: Form = EMPTY_FORM,
    refusal: Problem | None = None,
) -> str:
    """Result: the page. `agents`: those of the project's client; `refusal`: of an action that was just tried.

    `expired`: the jobs that failed because the project's sign-in had ended, to be run again; `church`: what is known
    of its RockRMS and Mission.
    """
    rock = rock_card(project, church) if church else None
    mission = mission_card(church) if church else None
    imports = is_church(church, jobs.items)
    steps = checklist(project, agents, jobs.items, rock if imports else None, mission if imports else None)
    grants = [job.grant_alive_until for job in jobs.items if job.grant_alive_until]
    if connection is not None and connection.last_grant_ends_at is not None:
        grants.append(connection.last_grant_ends_at)
    access_until = max(grants, default=None)
    questions = [disconnect(project)] if project.azure_connection else []
    questions += [forget_connection(project)] if church and church.held else []
    questions += [disconnect_mission(project)] if church and church.mission_connection else []
    schedule = project.bandwidth_schedule
    return render(
        "project.html",
        frame,
        now=now,
        project=project,
        closed=project.status in _CLOSED,
        steps=steps,
        ready=all(step.state == "done" for step in steps),
        jobs=jobs,
        expired=expired,
        bandwidth_now=in_force(schedule, now) if schedule else "",
        bandwidth_lines=schedule_lines(schedule) if schedule else [],
        events=events,
        badges=BADGES,
        form=form,
        refusal=refusal,
        card=connection_card(project, connection, access_until),
        access_until=access_until,
        rock=rock,
        mission=mission,
        imports=imports,
        poll_seconds=CHECK_POLL_SECONDS if _is_asked(church) else POLL_SECONDS,
        files=project.azure_connection is not None or not imports or any(_copies(job) for job in jobs.items),
        questions=[*questions, delete_project(project)],
    )


def checklist(
    project: ProjectView,
    agents: Sequence[AgentView],
    jobs: Sequence[JobView],
    rock: RockCard | None = None,
    mission: MissionCard | None = None,
) -> list[Step]:
    """Result: agent, connections, job; the first that is missing is `next`, those after it `later`.

    A project that imports a church (`rock` and `mission` given) needs Azure Storage only if it copies files, too.
    """
    steps = [_agent_step(agents)]
    if rock is None or project.azure_connection is not None or any(_copies(job) for job in jobs):
        steps.append(_azure_step(project))
    steps += [_rock_step(rock)] if rock else []
    steps += [_mission_step(mission)] if mission else []
    steps.append(_job_step(jobs, imports=rock is not None))
    opened = False
    for index, step in enumerate(steps):
        if step.state == "next":
            steps[index] = replace(step, state="later") if opened else step
            opened = True
    return steps


def is_church(church: RockRmsView | None, jobs: Sequence[JobView]) -> bool:
    """Result: whether the project has anything of an import: a connection, one on its way, or a job."""
    if church is not None and (church.held or church.mission_connection or church.keep or church.rock_test):
        return True
    return any(not _copies(job) for job in jobs)


def _is_asked(church: RockRmsView | None) -> bool:
    checks = (church.rock_test, church.mission_test, church.keep) if church else ()
    return any(check is not None and check.state is CheckState.WAITING for check in checks)


def _copies(job: JobView) -> bool:
    return job.type is not JobType.ROCKRMS_IMPORT


def _agent_step(agents: Sequence[AgentView]) -> Step:
    known = [agent for agent in agents if agent.state is not AgentState.REVOKED]
    if not known:
        return Step(
            "agent",
            "next",
            "Install an agent",
            "It runs on a machine that can read the files, and registers with a code that you generate here.",
        )
    online = [agent for agent in known if agent.state in _REACHABLE]
    if online:
        return Step("agent", "done", plural(len(online), "agent") + " online", aside=_names(online))
    first = min(known, key=lambda agent: not usable(agent))
    detail = first.state_detail or f"{first.name} is {agent_badge(first.state).label.lower()}."
    return Step("agent", "warn", "No agent is online", detail, _names(known), f"/agents/{first.agent_id}")


def _azure_step(project: ProjectView) -> Step:
    connection = project.azure_connection
    if connection is None:
        return Step(
            "azure",
            "next",
            "Connect Azure Storage",
            "Where the files go: a storage account of the customer, for which a person signs in at Microsoft. "
            "Deployment storage is an account of this deployment instead.",
        )
    if project.status is ProjectStatus.AUTH_REQUIRED:
        return Step("azure", "warn", "Azure Storage needs a new sign-in", aside=f"account {connection.account}")
    return Step("azure", "done", "Azure Storage is connected", aside=f"account {connection.account}")


def _rock_step(rock: RockCard) -> Step:
    if rock.test is not None and rock.test.state == "ok":
        return Step("rock", "done", "RockRMS answers", aside=f"tested by {rock.test.agent_name}")
    if rock.test is not None and rock.test.state == "bad":
        return Step("rock", "warn", "The RockRMS connection does not work", rock.test.title, link="#rockrms")
    if rock.held:
        return Step("rock", "next", "Test the RockRMS connection", "An agent keeps it. Nobody has tried it yet.")
    return Step("rock", "next", "Enter the RockRMS connection", "Typed here and sealed to the agent, or set there.")


def _mission_step(mission: MissionCard) -> Step:
    if not mission.facts:
        return Step("mission", "next", "Connect Mission", "Its address, and the integration key of this import.")
    if mission.test is not None and mission.test.state == "bad":
        return Step("mission", "warn", "The Mission connection does not work", mission.test.title, link="#mission")
    if mission.test is None or mission.test.state != "ok":
        return Step("mission", "next", "Test Mission", "Connected. Nobody has tried it yet.")
    return Step("mission", "done", "Mission answers", aside=f"tested by {mission.test.agent_name}")


def _job_step(jobs: Sequence[JobView], *, imports: bool) -> Step:
    if any(not _copies(job) for job in jobs) or (jobs and not imports):
        return Step("job", "done", "Jobs are created", aside="listed below")
    if imports:
        return Step("job", "next", "Create an import", "Begin with a dry run: it sends nothing and says what would be.")
    return Step("job", "next", "Create a job", "Which folder to copy, and into which container.")


def _names(agents: Sequence[AgentView]) -> str:
    shown = ", ".join(agent.name for agent in agents[:3])
    return f"{shown} and {len(agents) - 3} more" if len(agents) > 3 else shown
