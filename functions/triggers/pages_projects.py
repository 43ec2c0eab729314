"""Pages and forms of projects, their Azure connection and their bandwidth schedule."""

from __future__ import annotations

from functions.dashboard.bandwidth_page import ScheduleForm, bandwidth_page
from functions.dashboard.confirm_page import confirm_page
from functions.dashboard.confirmations import delete_project, disconnect
from functions.dashboard.flashes import Done, after
from functions.dashboard.forms import EMPTY_FORM, Form
from functions.dashboard.problem_page import problem_page
from functions.dashboard.project_page import project_page, projects_page
from functions.dashboard.record_forms import (
    ConfirmForm,
    ConnectionForm,
    ProjectForm,
    ProjectStatusForm,
    ProjectTextForm,
)
from functions.domain.caller import Role
from functions.domain.views import ListQuery
from functions.triggers.edge_answer import Answer
from functions.triggers.edge_call import PageCall
from functions.triggers.edge_pages import PageRoutes, RefusedForm
from functions.triggers.page_reads import SHOWN_JOBS, agents_of, clients_of, connection_of, jobs_page_of, typed
from functions.triggers.pages_clients import need_name
from functions.triggers.queries import ProjectsQuery
from migrate_contract.errors import ErrorCode
from migrate_contract.problem import Problem
from migrate_contract.wire import ProjectId

pages = PageRoutes("projects", problem_page=problem_page)

_CHANGED = (ErrorCode.CHANGED_MEANWHILE,)
_NEWEST_EVENTS = ListQuery(limit=5)


def _projects(call: PageCall, query: ProjectsQuery, form: Form = EMPTY_FORM) -> str:
    found = call.services.projects.list(call.caller, query, query.client_id)
    clients = clients_of(call)
    return projects_page(call.frame, call.services.clock(), found, clients, client_id=query.client_id, form=form)


def _project(call: PageCall, project_id: str, form: Form = EMPTY_FORM, refusal: Problem | None = None) -> str:
    project = call.services.projects.show(call.caller, project_id)
    return project_page(
        call.frame,
        call.services.clock(),
        project,
        connection=connection_of(call, project_id),
        agents=agents_of(call, project.client_id),
        jobs=jobs_page_of(call, SHOWN_JOBS, project_id=project_id),
        expired=call.services.expired_jobs.show(call.caller, project_id),
        church=call.services.rock.overview(call.caller, project_id),
        events=call.services.events.list(call.caller, project_id, _NEWEST_EVENTS).items,
        form=form,
        refusal=refusal,
    )


def _projects_again(call: PageCall, refused: RefusedForm) -> str:
    return _projects(call, ProjectsQuery(), typed(refused))


def _project_again(call: PageCall, refused: RefusedForm, project_id: str) -> str:
    return _project(call, project_id, typed(refused))


def project_refused(call: PageCall, refused: RefusedForm, project_id: str) -> str:
    """Result: the project's page, above all else what was refused just now."""
    return _project(call, project_id, refusal=refused.problem)


def _delete_again(call: PageCall, refused: RefusedForm, project_id: str) -> str:
    project = call.services.projects.show(call.caller, project_id)
    return confirm_page(call.frame, delete_project(project), typed(refused))


def _bandwidth(call: PageCall, project_id: str, form: Form = EMPTY_FORM) -> str:
    project = call.services.projects.show(call.caller, project_id)
    return bandwidth_page(call.frame, call.services.clock(), project, form)


def _bandwidth_again(call: PageCall, refused: RefusedForm, project_id: str) -> str:
    return _bandwidth(call, project_id, typed(refused))


@pages.page("projects")
def page_projects(call: PageCall, query: ProjectsQuery) -> Answer:
    """The projects, and the form for a new one."""
    return call.html(_projects(call, query))


@pages.form("projects", again=_projects_again, refusals=(ErrorCode.NOT_FOUND,))
def page_projects_create(call: PageCall, form: ProjectForm) -> Answer:
    """Creates a project."""
    project = call.services.projects.create(call.caller, form.create())
    return call.see_other(after(f"/projects/{project.project_id}", Done.PROJECT_CREATED))


@pages.page("projects/{project_id}")
def page_project(call: PageCall, project_id: ProjectId) -> Answer:
    """One project: its checklist and its jobs."""
    return call.html(_project(call, project_id))


@pages.form("projects/{project_id}", again=_project_again, refusals=_CHANGED)
def page_project_change(call: PageCall, project_id: ProjectId, form: ProjectTextForm) -> Answer:
    """Saves a project's name and description."""
    call.services.projects.change(call.caller, project_id, form.patch())
    return call.see_other(after(f"/projects/{project_id}", Done.PROJECT_CHANGED))


@pages.form("projects/{project_id}/status", again=project_refused, refusals=(ErrorCode.JOB_WORKING, *_CHANGED))
def page_project_status(call: PageCall, project_id: ProjectId, form: ProjectStatusForm) -> Answer:
    """Closes or reopens a project."""
    call.services.projects.change(call.caller, project_id, form.patch())
    return call.see_other(after(f"/projects/{project_id}", Done.PROJECT_CHANGED))


@pages.form(
    "projects/{project_id}/azure-connection",
    again=project_refused,
    refusals=(ErrorCode.DEPLOYMENT_STORAGE_MISSING, *_CHANGED),
)
def page_project_connect(call: PageCall, project_id: ProjectId, form: ConnectionForm) -> Answer:
    """Connects a project to Azure Storage."""
    call.services.connections.connect(call.caller, project_id, form.body())
    return call.see_other(after(f"/projects/{project_id}", Done.STORAGE_CONNECTED))


@pages.page("projects/{project_id}/confirm-disconnect", role=Role.OPERATOR)
def page_project_confirm_disconnect(call: PageCall, project_id: ProjectId) -> Answer:
    """Asks before a project is disconnected."""
    return call.html(confirm_page(call.frame, disconnect(call.services.projects.show(call.caller, project_id))))


@pages.form("projects/{project_id}/azure-connection/disconnect", again=project_refused, refusals=_CHANGED)
def page_project_disconnect(call: PageCall, project_id: ProjectId) -> Answer:
    """Disconnects a project from Azure Storage."""
    call.services.connections.disconnect(call.caller, project_id)
    return call.see_other(after(f"/projects/{project_id}", Done.STORAGE_DISCONNECTED))


@pages.form(
    "projects/{project_id}/expired-jobs/rerun",
    again=project_refused,
    refusals=(ErrorCode.AZURE_CREDENTIALS_EXPIRED, ErrorCode.NO_AZURE_CONNECTION),
)
def page_project_rerun_expired(call: PageCall, project_id: ProjectId) -> Answer:
    """Runs the jobs again that failed because the project's sign-in had ended."""
    answer = call.services.expired_jobs.rerun(call.caller, project_id)
    done = Done.EXPIRED_JOBS_PARTLY_RERUN if answer.refused else Done.EXPIRED_JOBS_RERUN
    return call.see_other(after(f"/projects/{project_id}", done))


@pages.page("projects/{project_id}/bandwidth", role=Role.OPERATOR)
def page_project_bandwidth(call: PageCall, project_id: ProjectId) -> Answer:
    """The form of a project's bandwidth schedule."""
    return call.html(_bandwidth(call, project_id))


@pages.form("projects/{project_id}/bandwidth", again=_bandwidth_again, refusals=_CHANGED)
def page_project_schedule(call: PageCall, project_id: ProjectId, form: ScheduleForm) -> Answer:
    """Saves a project's bandwidth schedule."""
    call.services.bandwidth.schedule_project(call.caller, project_id, form.body())
    return call.see_other(after(f"/projects/{project_id}", Done.SCHEDULE_SAVED))


@pages.form("projects/{project_id}/bandwidth/remove", again=project_refused, refusals=_CHANGED)
def page_project_unschedule(call: PageCall, project_id: ProjectId) -> Answer:
    """Removes a project's bandwidth schedule."""
    call.services.bandwidth.clear_schedule(call.caller, project_id)
    return call.see_other(after(f"/projects/{project_id}", Done.SCHEDULE_REMOVED))


@pages.page("projects/{project_id}/confirm-delete", role=Role.OPERATOR)
def page_project_confirm_delete(call: PageCall, project_id: ProjectId) -> Answer:
    """Asks before a project is deleted."""
    return call.html(confirm_page(call.frame, delete_project(call.services.projects.show(call.caller, project_id))))


@pages.form("projects/{project_id}/delete", again=_delete_again, refusals=(ErrorCode.PROJECT_NOT_EMPTY, *_CHANGED))
def page_project_delete(call: PageCall, project_id: ProjectId, form: ConfirmForm) -> Answer:
    """Deletes a project whose name was typed."""
    need_name(form, call.services.projects.show(call.caller, project_id).name)
    call.services.projects.delete(call.caller, project_id)
    return call.see_other(after("/projects", Done.PROJECT_DELETED))
