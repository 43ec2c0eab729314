"""Help by code: open without signing in, since whoever runs an agent may have no account here."""

from __future__ import annotations

from functions.dashboard import help_page
from functions.dashboard.problem_page import problem_page
from functions.triggers.edge_answer import Answer
from functions.triggers.edge_call import OpenPageCall
from functions.triggers.edge_pages import PageRoutes
from migrate_contract.errors import ErrorCode

pages = PageRoutes("help", problem_page=problem_page)


@pages.open_page("help")
def page_help(call: OpenPageCall) -> Answer:
    """Every error code, in groups."""
    return call.html(help_page.help_index(call.frame))


@pages.open_page("help/{code}")
def page_help_code(call: OpenPageCall, code: ErrorCode) -> Answer:
    """One code: what happened and what to do."""
    return call.html(help_page.help_code(call.frame, code))
