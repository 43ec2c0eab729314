"""Turns what the network and the control plane answer into errors of the catalogue.

A *refusal* is a problem document of the control plane: its own detail and fix are kept, they know more than ours.
Anything else that is not a success (a proxy's page, a gateway's 502) says that the control plane was not reached.
"""

from __future__ import annotations

import errno
import socket
import ssl

import httpx
from pydantic import ValidationError

from migrate_contract.errors import CATALOGUE, ErrorCode, Fatal, MigrateError, Retryable
from migrate_contract.problem import PROBLEM_CONTENT_TYPE, Problem

_NO_LOCAL_NETWORK = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL}
_PROXY_AUTHENTICATION = 407
_PROXY_PREFIX = "proxy"

FENCED = frozenset(
    {
        ErrorCode.SESSION_SUPERSEDED,
        ErrorCode.AGENT_CLONED,
        ErrorCode.AGENT_REVOKED,
        ErrorCode.AGENT_KEY_INVALID,
        ErrorCode.AGENT_KEY_EXPIRED,
        ErrorCode.AGENT_KEY_MISSING,
    }
)
"""Answers after which this process must not go on (product page, States): it ends with a code that no service
manager restarts."""


class _WithProblem(MigrateError):
    problem: Problem

    @property
    def title(self) -> str:
        """Result: the control plane's title."""
        return self.problem.title

    @property
    def fix(self) -> str:
        """Result: the control plane's fix."""
        return self.problem.fix


class Refused(_WithProblem, Fatal):
    """The control plane refuses: sending the same again cannot help."""

    def __init__(self, code: ErrorCode, problem: Problem) -> None:
        self.problem = problem
        super().__init__(code, _detail(problem))


class RefusedForNow(_WithProblem, Retryable):
    """The control plane cannot do it now."""

    def __init__(self, code: ErrorCode, problem: Problem, retry_after_seconds: float | None) -> None:
        self.problem = problem
        super().__init__(code, _detail(problem), retry_after_seconds=retry_after_seconds)


class Unreachable(Retryable):
    """No answer of the control plane. `local`: the fault is on this machine, nothing was sent."""

    def __init__(self, detail: str, *, local: bool = False, retry_after_seconds: float | None = None) -> None:
        self.local = local
        super().__init__(ErrorCode.CONTROL_PLANE_UNREACHABLE, detail, retry_after_seconds=retry_after_seconds)


def refusal(response: httpx.Response, host: str) -> MigrateError:
    """Result: the error that an answer other than 2xx stands for."""
    after = _retry_after(response)
    if response.headers.get("content-type", "").split(";")[0].strip() == PROBLEM_CONTENT_TYPE:
        try:
            problem = Problem.model_validate_json(response.content)
        except ValidationError:
            return Unreachable(f"{host} answered {response.status_code} with a problem document that is not readable")
        return _of_problem(problem, after)
    if response.status_code == _PROXY_AUTHENTICATION:
        return Fatal(ErrorCode.PROXY_REFUSED, f"the proxy before {host} asks for a sign-in (407)")
    return Unreachable(
        f"{host} answered {response.status_code} without naming a reason; something in between may have answered",
        retry_after_seconds=after,
    )


def _of_problem(problem: Problem, after: float | None) -> MigrateError:
    try:
        code = ErrorCode(problem.code)
    except ValueError:
        code = ErrorCode.INTERNAL
    if problem.retryable or (CATALOGUE[code].retryable and code is not ErrorCode.INTERNAL):
        return RefusedForNow(code, problem, after if after is not None else problem.retry_after_seconds)
    return Refused(code, problem)


def _detail(problem: Problem) -> str:
    fields = "; ".join(f"{error.field}: {error.message}" for error in problem.errors[:5])
    words = f"{problem.detail} ({fields})" if fields else problem.detail
    return f"{words} [correlation id {problem.correlation_id}]"


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds; the form with a date is not taken, because it needs a clock that is right."""
    value = response.headers.get("retry-after", "").strip()
    return float(value) if value.isdigit() else None


def network_fault(error: Exception, host: str) -> MigrateError:
    """Result: the error that a failed exchange with `host` stands for, told apart by type, never by text."""
    causes = _chain(error)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Fatal(ErrorCode.TLS_NOT_TRUSTED, f"{host}: {cause.verify_message or cause.reason}")
    if any(isinstance(cause, httpx.ProxyError) for cause in causes):
        return Fatal(ErrorCode.PROXY_REFUSED, f"the proxy did not connect to {host}: {error}")
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            return Unreachable(f"the name {host} could not be resolved", local=True)
        if isinstance(cause, OSError) and cause.errno in _NO_LOCAL_NETWORK:
            return Unreachable(f"this machine has no route to {host}", local=True)
        if isinstance(cause, ConnectionRefusedError):
            return Unreachable(f"{host} refused the connection")
    if isinstance(error, httpx.TimeoutException):
        return Unreachable(f"{host} did not answer in time")
    return Unreachable(f"the connection to {host} broke ({type(error).__name__})")


def _chain(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
