"""The log: one JSON object a line, with the correlation id of the request, and without secrets."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any

import structlog

HIDDEN = "(hidden)"
_SECRET_WORDS = ("secret", "password", "token", "sas", "credential", "authorization", "cookie", "connection_string")
_TRACEBACKS = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
"""Where it failed, never with what: local variables hold keys and signatures."""
_SECRET_NAMES = frozenset({"key", "code_typed", "agent_key", "account_key", "principal"})


def set_up_log() -> None:
    """Routes structlog through the standard library's log, which the Functions worker ships.

    The SDKs' own lines about every request are left out: they hold addresses with signatures.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(_TRACEBACKS),
            without_secrets,
            structlog.processors.JSONRenderer(default=str, ensure_ascii=False),
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    for name in ("azure", "urllib3", "requests"):
        logging.getLogger(name).setLevel(logging.WARNING)


def without_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hides the values of fields whose names say that they are secret: a net under the rule not to log them."""
    for name in event:
        plain = name.lower()
        if plain in _SECRET_NAMES or any(word in plain for word in _SECRET_WORDS):
            event[name] = HIDDEN
    return event
