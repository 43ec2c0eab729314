"""Declaring pages and forms of the dashboard: the same checks as the API's, with HTML on both sides.

    pages = PageRoutes("clients", problem_page=render_problem)

    @pages.page("clients/{client_id}")
    def page_client(call: PageCall, client_id: ClientId) -> Answer:
        return call.html(render_client(call.frame, call.services.clients.show(call.caller, client_id)))

    @pages.form("clients", role=Role.OPERATOR, again=clients_again)
    def page_clients_create(call: PageCall, form: ClientForm) -> Answer:
        view = call.services.clients.create(call.caller, form.to_body())
        return call.see_other(f"/clients/{view.client_id}")

    def clients_again(call: PageCall, refused: RefusedForm) -> str: ...

`again` (with the route's parameters, if it has any, by name) draws the page again with what was typed and what is
wrong with it; without it a refused form becomes a problem page. A refused form keeps the refusal's status.
Nobody signed in: 401 with the sign-in link; htmx is told to load the whole page again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import azure.functions as func
import structlog
from pydantic import BaseModel

from functions import bootstrap
from functions.bootstrap import Services
from functions.dashboard.frame import Frame
from functions.domain.caller import OperatorCaller, Role
from functions.triggers import edge_request
from functions.triggers.edge import Body, OpenServices, Routes, arguments, is_https, problem_from
from functions.triggers.edge_answer import Answer, html_answer, problem_headers, to_response
from functions.triggers.edge_auth import operator_caller
from functions.triggers.edge_call import OpenPageCall, PageCall
from functions.triggers.edge_csrf import CSRF_FIELD, CSRF_HEADER, FormTokens, refuse_foreign_origin
from functions.triggers.edge_endpoint import Audience, Endpoint, declared
from migrate_contract.errors import CATALOGUE, ErrorCode, Fault, MigrateError
from migrate_contract.problem import Problem

HOME_ROUTE = "{ignored:maxlength(0)?}"
"""The host turns an empty route into the function's name; this one takes the empty path and nothing else."""

type ProblemPage = Callable[[Frame, Problem], str]
"""Draws a problem: the whole page, or for `frame.fragment` the part. 401 shows `frame.sign_in_url` as a link."""


@dataclass(frozen=True, slots=True)
class RefusedForm:
    """A form that was refused: `values` as typed, `errors` by field, `problem` with the code and its fix."""

    problem: Problem
    values: Mapping[str, list[str]]
    errors: Mapping[str, str] = field(default_factory=dict)


class PageRoutes(Routes):
    """The pages and forms of one part of the dashboard."""

    def __init__(self, tag: str, *, problem_page: ProblemPage, services: OpenServices = bootstrap.services) -> None:
        super().__init__(tag, services)
        self._problem_page = problem_page

    def page[F: Body](
        self, route: str, *, role: Role = Role.READER, refusals: Sequence[ErrorCode] = ()
    ) -> Callable[[F], F]:
        """Declares a GET page for members; `route` without a leading slash, '/' for home."""
        return self._page("GET", HOME_ROUTE if route == "/" else route, Audience.OPERATOR, role, refusals, None)

    def open_page[F: Body](self, route: str, *, refusals: Sequence[ErrorCode] = ()) -> Callable[[F], F]:
        """Declares a GET page that anybody may read; its body gets an OpenPageCall."""
        return self._page("GET", route, Audience.OPEN, Role.READER, refusals, None)

    def form[F: Body](
        self,
        route: str,
        *,
        role: Role = Role.OPERATOR,
        refusals: Sequence[ErrorCode] = (),
        again: Callable[..., str] | None = None,
    ) -> Callable[[F], F]:
        """Declares what a form POSTs to: token checked, fields validated as the `form` parameter's model."""
        return self._page("POST", route, Audience.OPERATOR, role, refusals, again)

    def open_form[F: Body](
        self, route: str, *, refusals: Sequence[ErrorCode] = (), again: Callable[..., str] | None = None
    ) -> Callable[[F], F]:
        """Declares what a form of an open page POSTs to.

        Its right to act is in the address (a signed token), so a form token would add nothing; another site's page is
        refused by its origin as everywhere.
        """
        return self._page("POST", route, Audience.OPEN, Role.READER, refusals, again)

    def _page[F: Body](
        self,
        method: str,
        route: str,
        audience: Audience,
        role: Role,
        refusals: Sequence[ErrorCode],
        again: Callable[..., str] | None,
    ) -> Callable[[F], F]:
        def declare(function: F) -> F:
            endpoint = Endpoint(
                name=function.__name__,
                tag=self.tag,
                method=method,
                route=route,
                audience=audience,
                function=function,
                role=role,
                refusals=tuple(refusals),
                page=True,
                **declared(function, route),
            )
            self.register(endpoint, _Page(endpoint, self._problem_page, again, self._services).respond)
            return function

        return declare


@dataclass(frozen=True, slots=True)
class _Page:
    """Answers one page or form."""

    endpoint: Endpoint
    problem_page: ProblemPage
    again: Callable[..., str] | None
    open_services: OpenServices

    def respond(self, request: func.HttpRequest) -> func.HttpResponse:
        """Result: the page; every failure is a page too."""
        correlation_id = edge_request.correlation_id(request)
        frame = _bare_frame(request, correlation_id)
        with structlog.contextvars.bound_contextvars(correlation_id=correlation_id, endpoint=self.endpoint.name):
            try:
                body = edge_request.checked_body(request, self.endpoint.max_body_bytes)
                services = self.open_services()
                frame = _frame(frame, services, None)
                refuse_foreign_origin(request, services.settings.public_url)
                cookies = edge_request.cookies(request)
                call: OpenPageCall | PageCall = OpenPageCall(services, frame, cookies)
                if self.endpoint.audience is not Audience.OPEN:
                    caller = operator_caller(request.headers, services, self.endpoint.role)
                    frame = _frame(frame, services, caller)
                    call = PageCall(services, frame, caller, cookies)
                result = self._run(call, request, body)
                answer = result if isinstance(result, Answer) else html_answer(str(result))
            except Exception as fault:  # noqa: BLE001 - the last stop: nothing of it may reach the reader
                answer = self._problem(fault, frame)
        return to_response(answer, correlation_id, https=is_https(request))

    def _run(self, call: OpenPageCall | PageCall, request: func.HttpRequest, body: bytes) -> object:
        values = arguments(self.endpoint, request)
        if self.endpoint.method == "GET":
            return self.endpoint.function(call, **values)
        fields = edge_request.form_values(request, body)
        token = request.headers.get(CSRF_HEADER) or next(iter(fields.pop(CSRF_FIELD, [])), "")
        if isinstance(call, PageCall):
            FormTokens(call.services.csrf_key).check(call.caller, token, call.services.clock())
        try:
            model: type[BaseModel] | None = self.endpoint.form
            typed = {} if model is None else {"form": edge_request.validated(model, fields, blank_is_absent=True)}
            return self.endpoint.function(call, **values, **typed)
        except MigrateError as fault:
            if self.again is None or CATALOGUE[fault.code].fault is Fault.BUG:
                raise
            return self._again(self.again, call, fault, values, fields)

    def _again(
        self,
        again: Callable[..., str],
        call: OpenPageCall | PageCall,
        fault: MigrateError,
        values: Mapping[str, Any],
        fields: Mapping[str, list[str]],
    ) -> Answer:
        problem = problem_from(fault, self.endpoint, call.frame.correlation_id, call.services.settings.support)
        errors = {error.field: error.message for error in problem.errors}
        text = again(call, RefusedForm(problem, fields, errors), **values)
        return Answer(html_answer(text).body, problem.status, html_answer("").content_type, problem_headers(problem))

    def _problem(self, fault: Exception, frame: Frame) -> Answer:
        support = " or ".join(filter(None, (frame.support_url, frame.support_email))) or None
        problem = problem_from(fault, self.endpoint, frame.correlation_id, support)
        headers = problem_headers(problem)
        if frame.fragment and problem.code == ErrorCode.SIGN_IN_REQUIRED.value:
            headers["HX-Refresh"] = "true"
        page = html_answer(self.problem_page(frame, problem), problem.status)
        return Answer(page.body, page.status, page.content_type, headers)


def _bare_frame(request: func.HttpRequest, correlation_id: str) -> Frame:
    address = urlsplit(request.url)
    path = address.path + (f"?{address.query}" if address.query else "")
    back = path if request.method == "GET" else "/"
    return Frame(
        path=path,
        correlation_id=correlation_id,
        fragment=request.headers.get("HX-Request", "").lower() == "true",
        sign_in_url=f"/.auth/login/aad?post_login_redirect_uri={quote(back, safe='/')}",
    )


def _frame(bare: Frame, services: Services, caller: OperatorCaller | None) -> Frame:
    settings = services.settings
    token = FormTokens(services.csrf_key).issue(caller, services.clock()) if caller else ""
    return Frame(
        path=bare.path,
        correlation_id=bare.correlation_id,
        caller=caller,
        csrf_token=token,
        fragment=bare.fragment,
        organization_name=_organization_name(services, caller),
        public_url=settings.public_url,
        support_url=settings.support_url,
        support_email=settings.support_email,
        local_stack=settings.local_stack,
        sign_in_url=bare.sign_in_url,
    )


def _organization_name(services: Services, caller: OperatorCaller | None) -> str:
    """Result: the deployment's own name; a member of another organization sees that one's id."""
    if caller is None or caller.organization == services.settings.organization:
        return services.settings.organization_name
    return caller.organization
