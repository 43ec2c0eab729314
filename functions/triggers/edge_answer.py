"""Answering: bodies, problems, redirects and the headers that every answer carries."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import azure.functions as func
from pydantic import BaseModel

from functions.triggers.edge_request import JSON_CONTENT_TYPE, RequestInvalid
from migrate_contract.agents import CORRELATION_HEADER
from migrate_contract.errors import ErrorCode, MigrateError
from migrate_contract.problem import PROBLEM_CONTENT_TYPE, Problem, problem_for

HTML_CONTENT_TYPE = "text/html; charset=utf-8"
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
}
_HSTS = "max-age=31536000; includeSubDomains"


@dataclass(frozen=True)
class Answer:
    """What goes back, before the headers that every answer gets; those set here win over them."""

    body: bytes = b""
    status: int = 200
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def json_answer(value: object, status: int) -> Answer:
    """Result: a model (or a plain document) as JSON; None is an empty answer."""
    if value is None:
        return Answer(status=status)
    if isinstance(value, BaseModel):
        text = value.model_dump_json(by_alias=True)
    else:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return Answer(text.encode(), status, JSON_CONTENT_TYPE)


def html_answer(text: str, status: int = 200) -> Answer:
    """Result: a page or a fragment."""
    return Answer(text.encode(), status, HTML_CONTENT_TYPE)


def download(body: bytes, content_type: str, file_name: str) -> Answer:
    """Result: a file that the browser saves; `file_name` is ours (letters, digits, dash, dot), never a person's."""
    return Answer(body, 200, content_type, {"Content-Disposition": f'attachment; filename="{file_name}"'})


def see_other(location: str, *, htmx: bool = False, headers: Mapping[str, str] | None = None) -> Answer:
    """Result: where a form leads. htmx follows a redirect inside the fragment, so it is told by its own header."""
    if not location.startswith("/") or location.startswith(("//", "/\\")):
        raise ValueError("a form leads to a path of this site")
    return (
        Answer(status=200, headers={"HX-Redirect": location})
        if htmx
        else Answer(status=303, headers={**(headers or {}), "Location": location})
    )


def problem_of(fault: MigrateError, correlation_id: str, support: str | None) -> Problem:
    """Result: the problem that says this refusal or failure."""
    seconds = fault.retry_after_seconds
    return problem_for(
        fault.code,
        fault.detail,
        correlation_id,
        errors=fault.errors if isinstance(fault, RequestInvalid) else None,
        support=support,
        retry_after_seconds=None if seconds is None else max(1, math.ceil(seconds)),
    )


def internal_problem(correlation_id: str, support: str | None) -> Problem:
    """Result: what is said of an exception that nobody foresaw: nothing of its words, which may hold anything."""
    detail = f"Correlation id {correlation_id}."
    return problem_for(ErrorCode.INTERNAL, detail, correlation_id, support=support)


def problem_headers(problem: Problem) -> dict[str, str]:
    """Result: the headers that go with a problem, in JSON or HTML."""
    return {} if problem.retry_after_seconds is None else {"Retry-After": str(problem.retry_after_seconds)}


def problem_answer(problem: Problem) -> Answer:
    """Result: the problem as application/problem+json."""
    text = problem.model_dump_json()
    return Answer(text.encode(), problem.status, PROBLEM_CONTENT_TYPE, problem_headers(problem))


def to_response(answer: Answer, correlation_id: str, *, https: bool) -> func.HttpResponse:
    """Result: the answer with the headers that every answer carries."""
    headers = {**_ALWAYS, "Cache-Control": "no-store", CORRELATION_HEADER: correlation_id, **answer.headers}
    if https:
        headers["Strict-Transport-Security"] = _HSTS
    kind = {"Content-Type": answer.content_type} if answer.content_type else {}
    return func.HttpResponse(answer.body, status_code=answer.status, headers={**headers, **kind})
