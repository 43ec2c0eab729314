"""Declaring endpoints: a decorator makes a plain function into one that the Functions runtime indexes.

    routes = Routes("clients")

    @routes.operator("POST", "api/clients", role=Role.OPERATOR, status=201)
    def clients_create(call: OperatorCall, body: ClientCreate) -> ClientView:
        return call.services.clients.create(call.caller, body)

The function's name is the endpoint's. Around its body the edge limits, authenticates, validates, refuses with
problems, logs and answers (see the other `edge_*` modules).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import azure.functions as func
import structlog
from pydantic import BaseModel

from functions import bootstrap
from functions.bootstrap import Services
from functions.domain.caller import Role
from functions.triggers import edge_request
from functions.triggers.client_address import FORWARDED_PROTOCOL_HEADER, client_address
from functions.triggers.edge_answer import (
    Answer,
    internal_problem,
    json_answer,
    problem_answer,
    problem_of,
    to_response,
)
from functions.triggers.edge_auth import agent_caller, operator_caller
from functions.triggers.edge_call import AgentCall, OpenCall, OperatorCall
from functions.triggers.edge_csrf import refuse_foreign_origin
from functions.triggers.edge_endpoint import Audience, Endpoint, declared
from migrate_contract.errors import CATALOGUE, ErrorCode, MigrateError
from migrate_contract.problem import Problem
from migrate_contract.wire import MAX_PROGRESS_BODY_BYTES

type Body = Callable[..., object]
type OpenServices = Callable[[], Services]

log = structlog.get_logger("edge")


class Routes:
    """The endpoints of one resource: a blueprint for the runtime and their declarations for the API's description."""

    def __init__(self, tag: str, services: OpenServices = bootstrap.services) -> None:
        self.tag = tag
        self.blueprint = func.Blueprint()  # type: ignore[no-untyped-call]
        self.endpoints: list[Endpoint] = []
        self._services = services

    def operator[F: Body](
        self,
        method: str,
        route: str,
        *,
        role: Role,
        status: int = 200,
        refusals: Sequence[ErrorCode] = (),
        produces: str = "",
    ) -> Callable[[F], F]:
        """Declares an endpoint for members with this role or a higher one."""
        return self._declare(
            method,
            route,
            audience=Audience.OPERATOR,
            role=role,
            status=status,
            refusals=refusals,
            produces=produces,
        )

    def agent[F: Body](
        self,
        method: str,
        route: str,
        *,
        refusals: Sequence[ErrorCode] = (),
        max_body_bytes: int = MAX_PROGRESS_BODY_BYTES,
        session: bool = True,
    ) -> Callable[[F], F]:
        """Declares an endpoint for agents: the key is checked, and unless it is the heartbeat the session too."""
        return self._declare(
            method,
            route,
            audience=Audience.AGENT,
            refusals=refusals,
            max_body_bytes=max_body_bytes,
            session=session,
        )

    def open[F: Body](
        self, method: str, route: str, *, refusals: Sequence[ErrorCode] = (), produces: str = ""
    ) -> Callable[[F], F]:
        """Declares an endpoint that anybody may call."""
        return self._declare(method, route, audience=Audience.OPEN, refusals=refusals, produces=produces)

    def _declare[F: Body](
        self, method: str, route: str, *, refusals: Sequence[ErrorCode], **more: Any
    ) -> Callable[[F], F]:
        def declare(function: F) -> F:
            endpoint = Endpoint(
                name=function.__name__,
                tag=self.tag,
                method=method,
                route=route,
                function=function,
                refusals=tuple(refusals),
                **{**more, **declared(function, route, more.get("status", 200))},
            )
            self.register(endpoint, lambda request: respond(endpoint, request, self._services))
            return function

        return declare

    def register(self, endpoint: Endpoint, handle: Callable[[func.HttpRequest], func.HttpResponse]) -> None:
        """Adds an endpoint to the blueprint under its own name."""

        def handler(req: func.HttpRequest) -> func.HttpResponse:
            return handle(req)

        self.endpoints.append(endpoint)
        named = self.blueprint.function_name(endpoint.name)(handler)
        self.blueprint.route(route=endpoint.route, methods=[endpoint.method])(named)


def respond(endpoint: Endpoint, request: func.HttpRequest, open_services: OpenServices) -> func.HttpResponse:
    """Result: the answer of an API endpoint to this request; every failure is a problem."""
    correlation_id = edge_request.correlation_id(request)
    support: str | None = None
    with structlog.contextvars.bound_contextvars(correlation_id=correlation_id, endpoint=endpoint.name):
        try:
            body = edge_request.checked_body(request, endpoint.max_body_bytes)
            services = open_services()
            support = services.settings.support
            answer = _answer(endpoint, request, body, services, correlation_id)
        except Exception as fault:  # noqa: BLE001 - the last stop: nothing of it may reach the caller
            answer = problem_answer(problem_from(fault, endpoint, correlation_id, support))
    return to_response(answer, correlation_id, https=is_https(request))


def problem_from(fault: Exception, endpoint: Endpoint, correlation_id: str, support: str | None) -> Problem:
    """Result: what to say of any exception; the unforeseen are logged with their traceback and not quoted."""
    if not isinstance(fault, MigrateError):
        log.error("unforeseen", exc_info=fault)
        return internal_problem(correlation_id, support)
    if fault.code not in endpoint.codes:
        log.warning("undeclared refusal", code=fault.code.value)
    level = log.error if CATALOGUE[fault.code].status >= 500 else log.info
    level("refused", code=fault.code.value, detail=fault.detail)
    return problem_of(fault, correlation_id, support)


def is_https(request: func.HttpRequest) -> bool:
    """Result: whether the caller came by TLS; the platform ends it and says so in a header."""
    forwarded = request.headers.get(FORWARDED_PROTOCOL_HEADER, "")
    return bool(forwarded.rsplit(",", 1)[-1].strip().lower() == "https" or request.url.startswith("https://"))


def arguments(endpoint: Endpoint, request: func.HttpRequest) -> dict[str, Any]:
    """Result: the endpoint's path and query parameters, validated."""
    values: dict[str, Any] = edge_request.path_values(request, endpoint.path)
    if endpoint.query is not None:
        given = edge_request.query_values(request)
        values["query"] = edge_request.validated(endpoint.query, given, blank_is_absent=False)
    return values


def _answer(
    endpoint: Endpoint, request: func.HttpRequest, body: bytes, services: Services, correlation_id: str
) -> Answer:
    refuse_foreign_origin(request, services.settings.public_url)
    call = _call(endpoint, request, services, correlation_id)
    values = arguments(endpoint, request)
    model: type[BaseModel] | None = endpoint.body
    if model is not None:
        values["body"] = edge_request.json_body(request, body, model)
    result = endpoint.function(call, **values)
    return result if isinstance(result, Answer) else json_answer(result, endpoint.status)


def _call(
    endpoint: Endpoint, request: func.HttpRequest, services: Services, correlation_id: str
) -> OpenCall | AgentCall | OperatorCall:
    if endpoint.audience is Audience.AGENT:
        return AgentCall(services, correlation_id, agent_caller(request.headers, services, session=endpoint.session))
    if endpoint.audience is Audience.OPERATOR:
        return OperatorCall(services, correlation_id, operator_caller(request.headers, services, endpoint.role))
    return OpenCall(services, correlation_id, client_address(request.headers))
