"""The body of every error answer: `application/problem+json` (RFC 9457) with a code, a fix and a correlation id."""

from __future__ import annotations

from pydantic import Field

from migrate_contract.errors import CATALOGUE, ErrorCode
from migrate_contract.wire import WireModel

PROBLEM_CONTENT_TYPE = "application/problem+json"


class FieldError(WireModel):
    """One field that was refused: `field` is its path in the body (`transfer.concurrency`)."""

    field: str
    message: str


class Problem(WireModel):
    """What went wrong, which, and what to do; `correlation_id` finds it in the log of the control plane."""

    type: str
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    code: str
    fix: str
    retryable: bool
    correlation_id: str
    errors: list[FieldError] = Field(default_factory=list)
    support: str | None = None
    retry_after_seconds: int | None = None


def problem_for(
    code: ErrorCode,
    detail: str,
    correlation_id: str,
    *,
    errors: list[FieldError] | None = None,
    support: str | None = None,
    retry_after_seconds: int | None = None,
) -> Problem:
    """Result: the catalogue's words for `code` with this occurrence's `detail`."""
    entry = CATALOGUE[code]
    return Problem(
        type=f"/help/{code.value}",
        title=entry.title,
        status=entry.status,
        detail=detail,
        code=code.value,
        fix=entry.fix,
        retryable=entry.retryable,
        correlation_id=correlation_id,
        errors=errors or [],
        support=support,
        retry_after_seconds=retry_after_seconds,
    )
