"""Logs of the tests without I/O are lines as in production: structlog's own default draws each traceback as a table."""

from __future__ import annotations

import pytest
import structlog


@pytest.fixture(scope="session", autouse=True)
def plain_logs() -> None:
    """What a test logs is shown beside its failure, one JSON line each."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(default=str),
        ]
    )
