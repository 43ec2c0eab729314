"""The clients list, the client page, and the page that shows a registration code this once."""

from __future__ import annotations

from datetime import datetime

from functions.dashboard.confirmations import delete_client
from functions.dashboard.forms import EMPTY_FORM, Form
from functions.dashboard.frame import Frame
from functions.dashboard.rendering import render
from functions.domain.views import AgentView, ClientView, CodeCreated, CodeView, Page, ProjectView


def clients_page(frame: Frame, now: datetime, page: Page[ClientView], form: Form = EMPTY_FORM) -> str:
    """Result: the list, with the form for a new client."""
    return render("clients.html", frame, now=now, page=page, form=form)


def client_page(
    frame: Frame,
    now: datetime,
    client: ClientView,
    *,
    projects: Page[ProjectView],
    agents: Page[AgentView],
    codes: Page[CodeView],
    form: Form = EMPTY_FORM,
    code_form: Form = EMPTY_FORM,
    limit_form: Form = EMPTY_FORM,
) -> str:
    """Result: the page; `form`: name, notes; `code_form`: a new registration code; `limit_form`: the site's limit."""
    is_admin = frame.caller is not None and frame.caller.role.value == "Admin"
    return render(
        "client.html",
        frame,
        now=now,
        client=client,
        projects=projects,
        agents=agents,
        codes=codes,
        form=form,
        code_form=code_form,
        limit_form=limit_form,
        questions=[delete_client(client)] if is_admin else [],
    )


def code_created_page(frame: Frame, now: datetime, client: ClientView, code: CodeCreated) -> str:
    """Result: the only page that ever shows this code, with the commands to copy."""
    return render("code_created.html", frame, now=now, client=client, code=code, agent=None)


def code_fate(frame: Frame, now: datetime, code: CodeView, agent: AgentView | None) -> str:
    """Result: the part that says what became of the code: asked for every few seconds."""
    return render("code_fate.html", frame, now=now, code=code, agent=agent)
