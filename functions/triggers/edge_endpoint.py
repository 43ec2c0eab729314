"""One declared endpoint: its route, who may call it, what it takes and what it may answer.

The declaration is read from the function's own signature: its first parameter is the call, `body`, `form` and
`query` are pydantic models, every other parameter is one of the route's, and what it returns is the answer.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Any, get_type_hints

from pydantic import BaseModel, TypeAdapter

from functions.domain.caller import Role
from functions.triggers.edge_csrf import CHANGING_METHODS
from migrate_contract.errors import ErrorCode
from migrate_contract.wire import MAX_PROGRESS_BODY_BYTES

_PARAMETER = re.compile(r"\{\*?(\w+)(?::[^{}]*[^{}?])?\}")
"""`{name}`, `{*name}` or `{name:constraint}`; an optional one (home's) is none of the function's."""
_MODELS = ("body", "form", "query")


@unique
class Audience(StrEnum):
    """Who may call; set by the decorator that declares the endpoint."""

    OPEN = "open"
    AGENT = "agent"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A declaration; `function` is its body."""

    name: str
    tag: str
    method: str
    route: str
    audience: Audience
    function: Callable[..., object]
    status: int = 200
    role: Role = Role.READER
    refusals: tuple[ErrorCode, ...] = ()
    max_body_bytes: int = MAX_PROGRESS_BODY_BYTES
    session: bool = False
    """An agent's call that carries its session epoch."""
    produces: str = ""
    """The content type where the answer is not JSON."""
    page: bool = False
    path: Mapping[str, TypeAdapter[Any]] = field(default_factory=dict)
    models: Mapping[str, type[BaseModel]] = field(default_factory=dict)
    answer: Any = None

    @property
    def body(self) -> type[BaseModel] | None:
        """Result: the JSON body's model."""
        return self.models.get("body")

    @property
    def query(self) -> type[BaseModel] | None:
        """Result: the query's model."""
        return self.models.get("query")

    @property
    def form(self) -> type[BaseModel] | None:
        """Result: the posted form's model."""
        return self.models.get("form")

    @property
    def codes(self) -> frozenset[ErrorCode]:
        """Result: every code that it may answer: declared ones, and those of what it takes and who may call."""
        codes = {*self.refusals, ErrorCode.INTERNAL, ErrorCode.SETTINGS_INVALID}
        if self.audience is Audience.OPERATOR:
            codes |= {ErrorCode.SIGN_IN_REQUIRED, ErrorCode.NOT_A_MEMBER, ErrorCode.STORAGE_UNAVAILABLE}
        if self.audience is Audience.OPERATOR and self.role is not Role.READER:
            codes.add(ErrorCode.ROLE_INSUFFICIENT)
        if self.audience is Audience.AGENT:
            codes |= {
                ErrorCode.REQUEST_INVALID,
                ErrorCode.AGENT_KEY_MISSING,
                ErrorCode.AGENT_KEY_INVALID,
                ErrorCode.AGENT_KEY_EXPIRED,
                ErrorCode.AGENT_REVOKED,
                ErrorCode.AGENT_CLONED,
                ErrorCode.SESSION_SUPERSEDED,
                ErrorCode.STORAGE_UNAVAILABLE,
            }
        if self.method in CHANGING_METHODS:
            codes |= {ErrorCode.CSRF_REFUSED, ErrorCode.BODY_TOO_LARGE}
        if self.body is not None or self.form is not None:
            codes |= {ErrorCode.REQUEST_MALFORMED, ErrorCode.REQUEST_INVALID}
        if self.query is not None:
            codes |= {ErrorCode.REQUEST_MALFORMED, ErrorCode.REQUEST_INVALID}
        if self.path:
            codes.add(ErrorCode.NOT_FOUND)
        return frozenset(codes)

    @property
    def summary(self) -> str:
        """Result: the first line of the body's docstring."""
        return (inspect.getdoc(self.function) or self.name).splitlines()[0]


def declared(function: Callable[..., object], route: str, status: int = 200) -> dict[str, Any]:
    """Result: `path`, `models`, `answer` and `status` as the signature says.

    What answers nothing answers 204. Raises TypeError where the parameters are not the route's.
    """
    hints = get_type_hints(function, include_extras=True)
    names = list(inspect.signature(function).parameters)[1:]
    in_route = _PARAMETER.findall(route)
    if sorted(name for name in names if name not in _MODELS) != sorted(in_route):
        raise TypeError(f"{function.__name__}: its parameters are {names}, the route's are {in_route}")
    models = {name: hints[name] for name in names if name in _MODELS}
    for name, model in models.items():
        if not issubclass(model, BaseModel):
            raise TypeError(f"{function.__name__}: {name} is no model")
    path: dict[str, TypeAdapter[Any]] = {name: TypeAdapter(hints[name]) for name in in_route}
    answer = hints["return"]
    return {"path": path, "models": models, "answer": answer, "status": 204 if answer is type(None) else status}
