"""An operator's pages of connecting a project to a customer's storage account: account, sign-in, container, save."""

from __future__ import annotations

from functions.dashboard.connect_pages import AccountForm, ContainerForm, choose_page, connect_page
from functions.dashboard.customer_pages import sign_in_refused_page
from functions.dashboard.flashes import Done, after
from functions.dashboard.forms import EMPTY_FORM, Form
from functions.dashboard.problem_page import problem_page
from functions.domain.caller import Role
from functions.triggers.edge_answer import Answer
from functions.triggers.edge_call import PageCall
from functions.triggers.edge_pages import PageRoutes, RefusedForm
from functions.triggers.edge_paths import DraftId
from functions.triggers.page_reads import typed
from functions.triggers.sign_in_start import BEGIN_REFUSALS, SAVE_REFUSALS, leave, refused_sign_in
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.wire import ProjectId

pages = PageRoutes("connect", problem_page=problem_page)


def _connect(call: PageCall, project_id: str, form: Form = EMPTY_FORM) -> str:
    return connect_page(call.frame, call.services.projects.show(call.caller, project_id), form)


def _connect_again(call: PageCall, refused: RefusedForm, project_id: str) -> str:
    return _connect(call, project_id, typed(refused))


def _choose(call: PageCall, project_id: str, draft_id: str, form: Form = EMPTY_FORM) -> str:
    project = call.services.projects.show(call.caller, project_id)
    return choose_page(call.frame, project, call.services.connecting.draft(call.caller, project_id, draft_id), form)


def _choose_again(call: PageCall, refused: RefusedForm, project_id: str, draft_id: str) -> str:
    if refused.problem.code == ErrorCode.SIGN_IN_EXPIRED.value:
        return sign_in_refused_page(call.frame, refused.problem, back=f"/projects/{project_id}/connect")
    return _choose(call, project_id, draft_id, typed(refused))


@pages.page("projects/{project_id}/connect", role=Role.OPERATOR)
def page_connect(call: PageCall, project_id: ProjectId) -> Answer:
    """Asks for the storage account."""
    return call.html(_connect(call, project_id))


@pages.form("projects/{project_id}/connect", again=_connect_again, refusals=BEGIN_REFUSALS)
def page_connect_begin(call: PageCall, project_id: ProjectId, form: AccountForm) -> Answer:
    """Begins the sign-in at the tenant of the account."""
    start = call.services.connecting.begin(call.caller, project_id, form.account, form.container)
    return leave(call, start, f"/projects/{project_id}/connect")


@pages.page("projects/{project_id}/connect/{draft_id}", role=Role.OPERATOR, refusals=SAVE_REFUSALS)
def page_connect_choose(call: PageCall, project_id: ProjectId, draft_id: DraftId) -> Answer:
    """Asks for the container, with those of the account."""
    try:
        return call.html(_choose(call, project_id, draft_id))
    except Fatal as fault:
        if fault.code is not ErrorCode.SIGN_IN_EXPIRED:
            raise
        return refused_sign_in(call, fault, f"/projects/{project_id}/connect")


@pages.form("projects/{project_id}/connect/{draft_id}", again=_choose_again, refusals=SAVE_REFUSALS)
def page_connect_save(call: PageCall, project_id: ProjectId, draft_id: DraftId, form: ContainerForm) -> Answer:
    """Tests the access and saves the connection."""
    call.services.connecting.save(call.caller, project_id, draft_id, form.chosen())
    return call.see_other(after(f"/projects/{project_id}", Done.STORAGE_CONNECTED))
