"""The customer's pages behind a signed link: one connection, the sign-in, and saving it. No member is needed.

Their addresses hold the link's token: no page is told where the visitor comes from, and nothing here logs a path.
"""

from __future__ import annotations

from functions.dashboard.customer_pages import (
    customer_problem_page,
    reconnect_done_page,
    reconnect_page,
    reconnect_save_page,
    sign_in_refused_page,
)
from functions.triggers.edge_answer import Answer, html_answer
from functions.triggers.edge_call import OpenPageCall
from functions.triggers.edge_pages import PageRoutes, RefusedForm
from functions.triggers.edge_paths import DraftId, LinkToken
from functions.triggers.sign_in_start import (
    BEGIN_REFUSALS,
    LINK_REFUSALS,
    SAVE_REFUSALS,
    SITE_ONLY,
    leave,
    refused_sign_in,
)
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.problem import Problem

pages = PageRoutes("reconnect", problem_page=customer_problem_page)


def _here(token: str) -> str:
    return f"/reconnect/{token}"


def _reconnect(call: OpenPageCall, token: str, refusal: Problem | None = None) -> str:
    shown = call.services.connecting.visit(token)
    return reconnect_page(call.frame, call.services.clock(), _here(token), shown, refusal=refusal)


def _reconnect_again(call: OpenPageCall, refused: RefusedForm, token: str) -> str:
    return _reconnect(call, token, refused.problem)


def _save(call: OpenPageCall, token: str, draft_id: str, refusal: Problem | None = None) -> str:
    shown, draft = call.services.connecting.visit_draft(token, draft_id)
    return reconnect_save_page(call.frame, _here(token), shown, draft, refusal=refusal)


def _save_again(call: OpenPageCall, refused: RefusedForm, token: str, draft_id: str) -> str:
    if refused.problem.code == ErrorCode.SIGN_IN_EXPIRED.value:
        return sign_in_refused_page(call.frame, refused.problem, back=_here(token))
    return _save(call, token, draft_id, refused.problem)


def _private(text: str) -> Answer:
    page = html_answer(text)
    return Answer(page.body, page.status, page.content_type, SITE_ONLY)


@pages.open_page("reconnect/{token}", refusals=LINK_REFUSALS)
def page_reconnect(call: OpenPageCall, token: LinkToken) -> Answer:
    """The connection's account, container and status. Opening it changes nothing: mail scanners open links too."""
    return _private(_reconnect(call, token))


@pages.open_form("reconnect/{token}/sign-in", again=_reconnect_again, refusals=(*LINK_REFUSALS, *BEGIN_REFUSALS))
def page_reconnect_begin(call: OpenPageCall, token: LinkToken) -> Answer:
    """Begins the sign-in at the tenant of the connection's account."""
    return leave(call, call.services.connecting.begin_visit(token), _here(token))


@pages.open_page("reconnect/{token}/{draft_id}", refusals=(*LINK_REFUSALS, *SAVE_REFUSALS))
def page_reconnect_check(call: OpenPageCall, token: LinkToken, draft_id: DraftId) -> Answer:
    """After the sign-in: says as whom, and offers to test and save."""
    try:
        return _private(_save(call, token, draft_id))
    except Fatal as fault:
        if fault.code is not ErrorCode.SIGN_IN_EXPIRED:
            raise
        return refused_sign_in(call, fault, _here(token))


@pages.open_form("reconnect/{token}/{draft_id}/save", again=_save_again, refusals=(*LINK_REFUSALS, *SAVE_REFUSALS))
def page_reconnect_save(call: OpenPageCall, token: LinkToken, draft_id: DraftId) -> Answer:
    """Tests the access and saves the connection, which ends the link."""
    call.services.connecting.save_visit(token, draft_id)
    return _private(reconnect_done_page(call.frame))
