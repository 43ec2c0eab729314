"""What an SDK's exception means, by status and service code, never by its text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)

from migrate_contract.errors import ErrorCode, Retryable

_PASSING_STATUS = frozenset({401, 403, 408, 429, 500, 502, 503, 504})
"""Answers that may be different next time. A refusal is one of them: roles take up to 10 minutes to act."""


def service_code(error: HttpResponseError) -> str:
    """Result: the service's own error code, "" where it gave none."""
    code = getattr(error, "error_code", None)
    if code is not None:
        return str(getattr(code, "value", code))
    response = error.response
    if response is None:
        return ""
    header = getattr(response, "headers", {}).get("x-ms-error-code")
    if header:
        return str(header)
    try:
        body = json.loads(response.text())
        return str(body["odata.error"]["code"])
    except (ValueError, KeyError, TypeError):
        return ""


def passing(error: AzureError, service: str) -> Retryable | None:
    """Result: `storage-unavailable` where trying again may help, else None."""
    if isinstance(error, ServiceRequestError | ServiceResponseError | ClientAuthenticationError):
        return Retryable(ErrorCode.STORAGE_UNAVAILABLE, f"{service}: no answer ({type(error).__name__})")
    if isinstance(error, HttpResponseError) and error.status_code in _PASSING_STATUS:
        code = service_code(error) or "no code"
        return Retryable(ErrorCode.STORAGE_UNAVAILABLE, f"{service}: answered {error.status_code} ({code})")
    return None


@contextmanager
def translated(service: str) -> Iterator[None]:
    """Turns passing faults into Retryable; every other exception goes through."""
    try:
        yield
    except AzureError as error:
        retryable = passing(error, service)
        if retryable is None:
            raise
        raise retryable from error
