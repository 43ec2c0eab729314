"""What several pages read: lists that a page shows whole, walked page by page up to a bound."""

from __future__ import annotations

from collections.abc import Callable

from functions.dashboard.forms import Form
from functions.domain.connection_views import ConnectionStatusView
from functions.domain.views import (
    MAX_LIMIT,
    AgentView,
    ClientView,
    CodeView,
    JobView,
    ListQuery,
    Page,
)
from functions.triggers.edge_call import PageCall
from functions.triggers.edge_pages import RefusedForm
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.jobs import JobState

MOST_PAGES = 5
"""A page that shows a whole list reads so many parts of it at most: 1,000 rows."""
SHOWN_JOBS = ListQuery(limit=20)


def agents_of(call: PageCall, client_id: str | None = None) -> list[AgentView]:
    """Result: the agents of the client, or of all clients."""
    return _walk(lambda query: call.services.agents.list(call.caller, query, client_id))


def clients_of(call: PageCall) -> list[ClientView]:
    """Result: the clients that this member may see."""
    return _walk(lambda query: call.services.clients.list(call.caller, query))


def jobs_of(call: PageCall) -> list[JobView]:
    """Result: the jobs that this member may see."""
    return _walk(lambda query: call.services.jobs.list(call.caller, query))


def code_of(call: PageCall, client_id: str, code_id: str) -> CodeView:
    """Result: one registration code of the client; raises not-found."""
    codes = _walk(lambda query: call.services.codes.list(call.caller, query, client_id))
    found = next((code for code in codes if code.code_id == code_id), None)
    if found is None:
        raise Fatal(ErrorCode.NOT_FOUND, "No such registration code.")
    return found


def connection_of(call: PageCall, project_id: str) -> ConnectionStatusView | None:
    """Result: how the customer's connection of the project stands; None where it has none. Raises not-found."""
    try:
        return call.services.connections.status(call.caller, project_id)
    except Fatal as fault:
        if fault.code is not ErrorCode.NO_AZURE_CONNECTION:
            raise
        return None


def jobs_held(call: PageCall, agent: AgentView) -> dict[str, JobView]:
    """Result: the jobs that the agent holds, by id; one that was deleted meanwhile is left out."""
    found: dict[str, JobView] = {}
    for held in agent.jobs:
        try:
            found[held.job_id] = call.services.jobs.show(call.caller, held.job_id)
        except Fatal as fault:
            if fault.code is not ErrorCode.NOT_FOUND:
                raise
    return found


def jobs_page_of(
    call: PageCall, query: ListQuery, *, project_id: str | None = None, state: JobState | None = None
) -> Page[JobView]:
    """Result: one part of the jobs list."""
    return call.services.jobs.list(call.caller, query, project_id=project_id, state=state)


def typed(refused: RefusedForm) -> Form:
    """Result: the refused form as the page shows it."""
    return Form(refused.values, refused.errors, refused.problem)


def _walk[V](read: Callable[[ListQuery], Page[V]]) -> list[V]:
    items: list[V] = []
    continuation: str | None = None
    for _ in range(MOST_PAGES):
        page = read(ListQuery(limit=MAX_LIMIT, continuation=continuation))
        items += page.items
        continuation = page.continuation
        if continuation is None:
            break
    return items
