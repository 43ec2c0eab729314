"""Refusals and failures as a page: the same problem as the API's, with the way on."""

from __future__ import annotations

from functions.dashboard.frame import Frame
from functions.dashboard.rendering import render
from migrate_contract.problem import Problem

_SYMBOLS = {401: "key", 403: "cancelled", 404: "search"}


def problem_page(frame: Frame, problem: Problem) -> str:
    """Result: the page: title, detail, fix, code, correlation id, and where to find help."""
    return render("problem.html", frame, problem=problem, symbol=_SYMBOLS.get(problem.status, "warning"))
