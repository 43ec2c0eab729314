"""Pages and forms of clients and their registration codes."""

from __future__ import annotations

from functions.dashboard.bandwidth_page import LimitForm
from functions.dashboard.client_page import client_page, clients_page, code_created_page, code_fate
from functions.dashboard.confirm_page import confirm_page
from functions.dashboard.confirmations import NOT_THE_NAME, delete_client, is_name, revoke_code
from functions.dashboard.flashes import Done, after
from functions.dashboard.forms import EMPTY_FORM, Form
from functions.dashboard.problem_page import problem_page
from functions.dashboard.record_forms import ClientForm, CodeForm, ConfirmForm
from functions.domain.caller import Role
from functions.domain.views import MAX_LIMIT, ListQuery
from functions.triggers.edge_answer import Answer
from functions.triggers.edge_call import PageCall
from functions.triggers.edge_pages import PageRoutes, RefusedForm
from functions.triggers.edge_paths import CodeId
from functions.triggers.edge_request import Query, RequestInvalid
from functions.triggers.page_reads import code_of, typed
from migrate_contract.errors import ErrorCode
from migrate_contract.problem import FieldError
from migrate_contract.wire import ClientId

pages = PageRoutes("clients", problem_page=problem_page)

_ALL = ListQuery(limit=MAX_LIMIT)


class CodeQuery(Query):
    """A code is found through its client."""

    client_id: ClientId


def _clients(call: PageCall, query: ListQuery, form: Form = EMPTY_FORM) -> str:
    return clients_page(call.frame, call.services.clock(), call.services.clients.list(call.caller, query), form)


def _client(
    call: PageCall,
    client_id: str,
    form: Form = EMPTY_FORM,
    code_form: Form = EMPTY_FORM,
    limit_form: Form = EMPTY_FORM,
) -> str:
    return client_page(
        call.frame,
        call.services.clock(),
        call.services.clients.show(call.caller, client_id),
        projects=call.services.projects.list(call.caller, _ALL, client_id),
        agents=call.services.agents.list(call.caller, _ALL, client_id),
        codes=call.services.codes.list(call.caller, _ALL, client_id),
        form=form,
        code_form=code_form,
        limit_form=limit_form,
    )


def _clients_again(call: PageCall, refused: RefusedForm) -> str:
    return _clients(call, ListQuery(), typed(refused))


def _client_again(call: PageCall, refused: RefusedForm, client_id: str) -> str:
    return _client(call, client_id, form=typed(refused))


def _limit_again(call: PageCall, refused: RefusedForm, client_id: str) -> str:
    return _client(call, client_id, limit_form=typed(refused))


def _code_again(call: PageCall, refused: RefusedForm, client_id: str) -> str:
    return _client(call, client_id, code_form=typed(refused))


def _delete_again(call: PageCall, refused: RefusedForm, client_id: str) -> str:
    client = call.services.clients.show(call.caller, client_id)
    return confirm_page(call.frame, delete_client(client), typed(refused))


@pages.page("clients")
def page_clients(call: PageCall, query: ListQuery) -> Answer:
    """The clients, and the form for a new one."""
    return call.html(_clients(call, query))


@pages.form("clients", again=_clients_again)
def page_clients_create(call: PageCall, form: ClientForm) -> Answer:
    """Creates a client."""
    client = call.services.clients.create(call.caller, form.create())
    return call.see_other(after(f"/clients/{client.client_id}", Done.CLIENT_CREATED))


@pages.page("clients/{client_id}")
def page_client(call: PageCall, client_id: ClientId) -> Answer:
    """One client: projects, agents, registration codes."""
    return call.html(_client(call, client_id))


@pages.form("clients/{client_id}", again=_client_again, refusals=(ErrorCode.CHANGED_MEANWHILE,))
def page_client_change(call: PageCall, client_id: ClientId, form: ClientForm) -> Answer:
    """Saves a client's name and notes."""
    call.services.clients.change(call.caller, client_id, form.patch())
    return call.see_other(after(f"/clients/{client_id}", Done.CLIENT_CHANGED))


@pages.form("clients/{client_id}/bandwidth-limit", again=_limit_again, refusals=(ErrorCode.CHANGED_MEANWHILE,))
def page_client_limit(call: PageCall, client_id: ClientId, form: LimitForm) -> Answer:
    """Limits what the client's agents send together."""
    call.services.bandwidth.limit_site(call.caller, client_id, form.body())
    return call.see_other(after(f"/clients/{client_id}", Done.CLIENT_LIMITED))


@pages.page("clients/{client_id}/confirm-delete", role=Role.ADMIN)
def page_client_confirm_delete(call: PageCall, client_id: ClientId) -> Answer:
    """Asks before a client is deleted."""
    return call.html(confirm_page(call.frame, delete_client(call.services.clients.show(call.caller, client_id))))


@pages.form(
    "clients/{client_id}/delete",
    role=Role.ADMIN,
    again=_delete_again,
    refusals=(ErrorCode.CLIENT_NOT_EMPTY, ErrorCode.CHANGED_MEANWHILE),
)
def page_client_delete(call: PageCall, client_id: ClientId, form: ConfirmForm) -> Answer:
    """Deletes a client whose name was typed."""
    need_name(form, call.services.clients.show(call.caller, client_id).name)
    call.services.clients.delete(call.caller, client_id)
    return call.see_other(after("/clients", Done.CLIENT_DELETED))


@pages.form("clients/{client_id}/registration-codes", again=_code_again)
def page_code_create(call: PageCall, client_id: ClientId, form: CodeForm) -> Answer:
    """Makes a registration code and shows it this once; no redirect, since nothing keeps the code."""
    client = call.services.clients.show(call.caller, client_id)
    code = call.services.codes.create(call.caller, form.create(client_id))
    return call.html(code_created_page(call.frame, call.services.clock(), client, code))


@pages.page("registration-codes/{code_id}/fate")
def page_code_fate(call: PageCall, code_id: CodeId, query: CodeQuery) -> Answer:
    """The part that says what became of a code."""
    code = code_of(call, query.client_id, code_id)
    agent = call.services.agents.show(call.caller, code.agent_id) if code.agent_id else None
    return call.html(code_fate(call.frame, call.services.clock(), code, agent))


@pages.page("registration-codes/{code_id}/confirm-revoke", role=Role.OPERATOR)
def page_code_confirm_revoke(call: PageCall, code_id: CodeId, query: CodeQuery) -> Answer:
    """Asks before a registration code is revoked."""
    return call.html(confirm_page(call.frame, revoke_code(code_of(call, query.client_id, code_id))))


@pages.form(
    "registration-codes/{code_id}/revoke",
    refusals=(ErrorCode.REGISTRATION_CODE_USED, ErrorCode.CHANGED_MEANWHILE),
)
def page_code_revoke(call: PageCall, code_id: CodeId, query: CodeQuery) -> Answer:
    """Revokes a registration code."""
    call.services.codes.revoke(call.caller, code_id)
    return call.see_other(after(f"/clients/{query.client_id}", Done.CODE_REVOKED))


def need_name(form: ConfirmForm, name: str) -> None:
    """Raises RequestInvalid at the field unless the right name was typed."""
    if not is_name(form.confirm, name):
        raise RequestInvalid([FieldError(field="confirm", message=NOT_THE_NAME)])
