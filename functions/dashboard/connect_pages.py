"""An operator's pages of connecting: which storage account, then which container."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from functions.dashboard.fields import FormModel
from functions.dashboard.forms import EMPTY_FORM, Form
from functions.dashboard.frame import Frame
from functions.dashboard.rendering import render
from functions.domain.connection_views import Chosen
from functions.domain.views import ProjectView

_SHOWN = 200
"""Containers that are offered at most: more is a list that nobody reads."""


class AccountForm(FormModel):
    """Which storage account, as typed; the service reads it."""

    account: Annotated[str, StringConstraints(max_length=300)] = ""
    container: Annotated[str, StringConstraints(max_length=100)] = ""


class ContainerForm(FormModel):
    """Which container: one that was typed counts, else the one that was picked."""

    container: Annotated[str, StringConstraints(max_length=100)] = ""
    picked: Annotated[str, StringConstraints(max_length=100)] = ""

    def chosen(self) -> str:
        """Result: the container's name, "" where there is none."""
        return self.container or self.picked


def connect_page(frame: Frame, project: ProjectView, form: Form = EMPTY_FORM) -> str:
    """Result: asks for the account; the one that was connected is filled in."""
    connection = project.azure_connection
    theirs = connection if connection and connection.signs_in else None
    return render(
        "connect.html",
        frame,
        project=project,
        account=theirs.account if theirs else "",
        container=theirs.container if theirs else "",
        heading="Reconnect Azure Storage" if theirs else "Connect Azure Storage",
        form=form,
    )


def choose_page(frame: Frame, project: ProjectView, chosen: Chosen, form: Form = EMPTY_FORM) -> str:
    """Result: asks for the container, and says as whom one is signed in."""
    draft, found = chosen.draft, chosen.containers
    names = found.containers[:_SHOWN]
    return render(
        "choose.html",
        frame,
        project=project,
        address=f"/projects/{project.project_id}/connect/{draft.draft_id}",
        account=draft.account,
        person=draft.person,
        containers=names,
        more=len(found.containers) > _SHOWN,
        listed=found.listed or chosen.fault is not None,
        fault=None if form.refusal else chosen.fault,
        picked=form.value("picked", draft.container),
        typed=form.value("container", "" if draft.container in names else draft.container),
        form=form,
    )
