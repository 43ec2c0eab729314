"""The home page."""

from __future__ import annotations

from functions.dashboard.home_page import home
from functions.dashboard.problem_page import problem_page
from functions.domain.views import MAX_LIMIT, ListQuery
from functions.triggers.edge_answer import Answer
from functions.triggers.edge_call import PageCall
from functions.triggers.edge_pages import PageRoutes
from functions.triggers.page_reads import agents_of, jobs_of

pages = PageRoutes("home", problem_page=problem_page)


@pages.page("/")
def page_home(call: PageCall) -> Answer:
    """What needs attention, what runs now, what ended lately."""
    some_client = call.services.clients.list(call.caller, ListQuery(limit=1))
    alerts = call.services.alerts.list(call.caller, ListQuery(limit=MAX_LIMIT))
    return call.html(
        home(
            call.frame,
            call.services.clock(),
            clients_exist=bool(some_client.items or some_client.continuation),
            alerts=alerts.items,
            jobs=jobs_of(call),
            agents=agents_of(call),
        )
    )
