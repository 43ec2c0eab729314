"""The dashboard's own files: style, script, icons. Nothing is loaded from anywhere else."""

from __future__ import annotations

from functions.dashboard.problem_page import problem_page
from functions.dashboard.rendering import STATIC, asset_version
from functions.triggers.edge_answer import Answer
from functions.triggers.edge_call import OpenPageCall
from functions.triggers.edge_pages import PageRoutes
from functions.triggers.edge_request import Query
from migrate_contract.errors import ErrorCode, Fatal

CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FOR_GOOD = "public, max-age=31536000, immutable"
_FOR_NOW = "public, max-age=60"

pages = PageRoutes("static", problem_page=problem_page)


class StaticQuery(Query):
    """`v` changes with the files, so that what carries it may be kept for good."""

    v: str = ""


@pages.open_page("static/{*path}")
def page_static(call: OpenPageCall, path: str, query: StaticQuery) -> Answer:
    """One file."""
    file = (STATIC / path).resolve()
    content_type = CONTENT_TYPES.get(file.suffix)
    if content_type is None or not file.is_relative_to(STATIC) or not file.is_file():
        raise Fatal(ErrorCode.NOT_FOUND, "There is no such file.")
    cache = _FOR_GOOD if query.v == asset_version() else _FOR_NOW
    return Answer(file.read_bytes(), 200, content_type, {"Cache-Control": cache})
