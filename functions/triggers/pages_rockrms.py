"""Pages and forms of a project's RockRMS and Mission connections. No page ever holds what was typed as a secret."""

from __future__ import annotations

from functions.dashboard.confirm_page import confirm_page
from functions.dashboard.flashes import Done, after
from functions.dashboard.forms import EMPTY_FORM, Form
from functions.dashboard.import_form import ImportForm
from functions.dashboard.import_form_page import new_import_page
from functions.dashboard.problem_page import problem_page
from functions.dashboard.rockrms_forms import (
    CheckForm,
    MissionConnectionForm,
    RockConnectionForm,
    ZoneForm,
    without_secrets,
)
from functions.dashboard.rockrms_pages import (
    disconnect_mission,
    forget_connection,
    mission_connection_page,
    rockrms_connection_page,
)
from functions.domain.caller import Role
from functions.triggers.edge_answer import Answer
from functions.triggers.edge_call import PageCall
from functions.triggers.edge_pages import PageRoutes, RefusedForm
from functions.triggers.jobs import NEW_REFUSALS
from functions.triggers.page_reads import typed
from functions.triggers.pages_jobs import NewJobQuery
from functions.triggers.pages_projects import project_refused
from functions.triggers.rockrms import CHECK_REFUSALS, MISSION_REFUSALS
from migrate_contract.errors import ErrorCode
from migrate_contract.wire import ProjectId

pages = PageRoutes("rockrms", problem_page=problem_page)

_KEEP_REFUSALS = (
    ErrorCode.SEALING_KEY_MISSING,
    ErrorCode.SEALED_TEXT_UNREADABLE,
    ErrorCode.SQL_CONNECTION_STRING_INVALID,
    *CHECK_REFUSALS,
)


def _rockrms(call: PageCall, project_id: str, form: Form = EMPTY_FORM) -> str:
    project = call.services.projects.show(call.caller, project_id)
    return rockrms_connection_page(call.frame, project, call.services.rock.overview(call.caller, project_id), form)


def _mission(call: PageCall, project_id: str, form: Form = EMPTY_FORM) -> str:
    project = call.services.projects.show(call.caller, project_id)
    return mission_connection_page(call.frame, project, call.services.rock.overview(call.caller, project_id), form)


def _rockrms_again(call: PageCall, refused: RefusedForm, project_id: str) -> str:
    return _rockrms(call, project_id, without_secrets(refused.values, refused.errors, refused.problem))


def _mission_again(call: PageCall, refused: RefusedForm, project_id: str) -> str:
    return _mission(call, project_id, without_secrets(refused.values, refused.errors, refused.problem))


def _new_import(call: PageCall, project_id: str, form: Form = EMPTY_FORM, like: str | None = None) -> str:
    project = call.services.projects.show(call.caller, project_id)
    original = call.services.jobs.show(call.caller, like) if like else None
    church = call.services.rock.overview(call.caller, project_id)
    return new_import_page(call.frame, project, church, form, like=original)


def _new_import_again(call: PageCall, refused: RefusedForm, project_id: str) -> str:
    return _new_import(call, project_id, typed(refused))


@pages.page("projects/{project_id}/rockrms", role=Role.OPERATOR)
def page_rockrms_connection(call: PageCall, project_id: ProjectId) -> Answer:
    """The form for the RockRMS connection string."""
    return call.html(_rockrms(call, project_id))


@pages.form("projects/{project_id}/rockrms", again=_rockrms_again, refusals=_KEEP_REFUSALS)
def page_rockrms_keep(call: PageCall, project_id: ProjectId, form: RockConnectionForm) -> Answer:
    """Seals the connection string to the agent that is to keep it."""
    call.services.rock.keep(call.caller, project_id, form.body())
    return call.see_other(after(f"/projects/{project_id}", Done.ROCK_SENT))


@pages.form("projects/{project_id}/rockrms/test", again=project_refused, refusals=CHECK_REFUSALS)
def page_rockrms_test(call: PageCall, project_id: ProjectId, form: CheckForm) -> Answer:
    """Asks an agent to test the RockRMS connection."""
    call.services.rock.test_rockrms(call.caller, project_id, form.body())
    return call.see_other(after(f"/projects/{project_id}", Done.ROCK_TEST_ASKED))


@pages.page("projects/{project_id}/confirm-forget", role=Role.OPERATOR)
def page_rockrms_confirm_forget(call: PageCall, project_id: ProjectId) -> Answer:
    """Asks before an agent destroys the connection string that it keeps."""
    return call.html(confirm_page(call.frame, forget_connection(call.services.projects.show(call.caller, project_id))))


@pages.form("projects/{project_id}/rockrms/forget", again=project_refused, refusals=CHECK_REFUSALS)
def page_rockrms_forget(call: PageCall, project_id: ProjectId, form: CheckForm) -> Answer:
    """Asks the agent that keeps the connection string to destroy it."""
    call.services.rock.forget(call.caller, project_id, form.body())
    return call.see_other(after(f"/projects/{project_id}", Done.ROCK_FORGET_ASKED))


@pages.form("projects/{project_id}/time-zone", again=project_refused, refusals=(ErrorCode.CHANGED_MEANWHILE,))
def page_project_time_zone(call: PageCall, project_id: ProjectId, form: ZoneForm) -> Answer:
    """Saves the church's time zone."""
    call.services.projects.change(call.caller, project_id, form.patch())
    return call.see_other(after(f"/projects/{project_id}", Done.ZONE_SAVED))


@pages.page("projects/{project_id}/mission", role=Role.OPERATOR)
def page_mission_connection(call: PageCall, project_id: ProjectId) -> Answer:
    """The form for Mission's address and key."""
    return call.html(_mission(call, project_id))


@pages.form("projects/{project_id}/mission", again=_mission_again, refusals=MISSION_REFUSALS)
def page_mission_connect(call: PageCall, project_id: ProjectId, form: MissionConnectionForm) -> Answer:
    """Connects the project to Mission, or replaces the key."""
    call.services.missions.connect(call.caller, project_id, form.body())
    return call.see_other(after(f"/projects/{project_id}", Done.MISSION_CONNECTED))


@pages.form(
    "projects/{project_id}/mission/test",
    again=project_refused,
    refusals=(ErrorCode.NO_MISSION_CONNECTION, *CHECK_REFUSALS),
)
def page_mission_test(call: PageCall, project_id: ProjectId, form: CheckForm) -> Answer:
    """Asks an agent to test Mission."""
    call.services.rock.test_mission(call.caller, project_id, form.body())
    return call.see_other(after(f"/projects/{project_id}", Done.MISSION_TEST_ASKED))


@pages.page("projects/{project_id}/confirm-mission-disconnect", role=Role.OPERATOR)
def page_mission_confirm_disconnect(call: PageCall, project_id: ProjectId) -> Answer:
    """Asks before a project is disconnected from Mission."""
    return call.html(confirm_page(call.frame, disconnect_mission(call.services.projects.show(call.caller, project_id))))


@pages.form("projects/{project_id}/mission/disconnect", again=project_refused, refusals=(ErrorCode.CHANGED_MEANWHILE,))
def page_mission_disconnect(call: PageCall, project_id: ProjectId) -> Answer:
    """Disconnects a project from Mission and destroys the key."""
    call.services.missions.disconnect(call.caller, project_id)
    return call.see_other(after(f"/projects/{project_id}", Done.MISSION_DISCONNECTED))


@pages.page("projects/{project_id}/new-import", role=Role.OPERATOR)
def page_import_new(call: PageCall, project_id: ProjectId, query: NewJobQuery) -> Answer:
    """The form for a new import, empty or filled in like another one."""
    return call.html(_new_import(call, project_id, like=query.like))


@pages.form("projects/{project_id}/new-import", again=_new_import_again, refusals=NEW_REFUSALS)
def page_import_create(call: PageCall, project_id: ProjectId, form: ImportForm) -> Answer:
    """Creates an import."""
    job = call.services.jobs.create(call.caller, form.create(project_id))
    return call.see_other(after(f"/jobs/{job.job_id}", Done.JOB_CREATED))
