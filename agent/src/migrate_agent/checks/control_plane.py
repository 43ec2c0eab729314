"""The control plane: does it answer, does its clock agree with ours, does it take this agent's key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
from pydantic import ValidationError

from migrate_agent.checks.line import Line, failed, failed_by, ok, warning
from migrate_agent.control.answers import network_fault, refusal
from migrate_contract.agents import AgentCheckAnswer, HealthAnswer
from migrate_contract.errors import ErrorCode, MigrateError

WRONG_CLOCK = timedelta(minutes=5)
"""From here on signatures and certificates of the services are refused."""
ODD_CLOCK = timedelta(seconds=60)


def health_lines(http: httpx.Client, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> list[Line]:
    """Result: the lines of the health call and of the clock. `http` has the control plane as its base address."""
    host = http.base_url.host
    before = clock()
    try:
        answer = http.get("/api/health")
    except httpx.HTTPError as error:
        return [failed_by("control plane: health", network_fault(error, host))]
    middle = before + (clock() - before) / 2
    if not answer.is_success:
        return [failed_by("control plane: health", refusal(answer, host))]
    try:
        health = HealthAnswer.model_validate_json(answer.content)
    except ValidationError:
        detail = f"{host} answers, but not as a control plane: something in between may have answered"
        return [failed("control plane: health", ErrorCode.CONTROL_PLANE_UNREACHABLE, detail)]
    return [ok("control plane: health", f"version {health.version} answers"), _clock_line(middle - health.time)]


def _clock_line(off: timedelta) -> Line:
    seconds = off.total_seconds()
    words = f"this machine's clock is {abs(seconds):.0f} s {'ahead' if seconds > 0 else 'behind'}"
    if abs(off) >= WRONG_CLOCK:
        return failed("clock", ErrorCode.CLOCK_SKEWED, words)
    if abs(off) >= ODD_CLOCK:
        return warning("clock", ErrorCode.CLOCK_SKEWED, words)
    return ok("clock", f"agrees with the control plane's within {max(abs(seconds), 1):.0f} s")


def key_line(ask: Callable[[], AgentCheckAnswer]) -> Line:
    """Result: whether the control plane takes the key. `ask` raises MigrateError."""
    try:
        found = ask()
    except MigrateError as error:
        return failed_by("key", error)
    return ok("key", f"accepted: {found.agent_name} ({found.agent_id})")
