"""The pages that ask for a connection: the RockRMS connection string, and Mission's address and key."""

from __future__ import annotations

from functions.dashboard.confirmations import Confirmation
from functions.dashboard.forms import EMPTY_FORM, Form
from functions.dashboard.frame import Frame
from functions.dashboard.rendering import render
from functions.dashboard.rockrms_cards import agent_choices, keeper
from functions.domain.rockrms_views import RockRmsView
from functions.domain.views import ProjectView


def rockrms_connection_page(frame: Frame, project: ProjectView, view: RockRmsView, form: Form = EMPTY_FORM) -> str:
    """Result: the form, always empty where the connection string goes; `form` says what was wrong with the last one."""
    agents = agent_choices(view.agents, sealing=True)
    return render(
        "rockrms_connection.html",
        frame,
        project=project,
        agents=agents,
        agent_default=keeper(view),
        form=form,
        said=form.refusal,
    )


def mission_connection_page(frame: Frame, project: ProjectView, view: RockRmsView, form: Form = EMPTY_FORM) -> str:
    """Result: the form, always empty where the key goes."""
    connection = view.mission_connection
    return render(
        "mission_connection.html",
        frame,
        project=project,
        url=connection.url if connection else "",
        form=form,
        said=form.refusal if not form.errors else None,
    )


def forget_connection(project: ProjectView) -> Confirmation:
    """Result: the question before an agent destroys the connection string that it keeps."""
    here = f"/projects/{project.project_id}"
    return Confirmation(
        key="forget",
        page=f"{here}/confirm-forget",
        action=f"{here}/rockrms/forget",
        back=here,
        title="Forget the RockRMS connection?",
        text="The agent destroys the connection string on its machine. An import that works stops when its connection "
        "to the SQL Server ends. Nothing in RockRMS changes; take the login away there as well.",
        button="Forget the connection",
    )


def disconnect_mission(project: ProjectView) -> Confirmation:
    """Result: the question before a project loses its Mission connection."""
    here = f"/projects/{project.project_id}"
    return Confirmation(
        key="mission",
        page=f"{here}/confirm-mission-disconnect",
        action=f"{here}/mission/disconnect",
        back=here,
        title="Disconnect Mission?",
        text="The integration key that is kept here is destroyed. An import that works stops at its next request for "
        "it. Nothing in Mission is deleted; revoke the key there as well.",
        button="Disconnect",
    )
