"""Keeps secrets out of text: every log line and every printed error passes through here.

Two nets: shapes (an agent key, the signature of a SAS, credentials in a URL) and the very secrets that this process
holds, which are registered as they arrive.
"""

from __future__ import annotations

import re
import threading

HIDDEN = "***"
_SHORTEST_SECRET = 12
"""A shorter text could be an ordinary word, and hiding it would make a log unreadable."""

_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"([?&;\s\"']|^)(sig|skoid|sktid)=[^&\s\"'<>]+", re.IGNORECASE), rf"\1\2={HIDDEN}"),
    (re.compile(r"\b([a-z0-9][a-z0-9-]{0,39}\.agt_[a-z0-9]{12})\.[A-Za-z0-9_\-+/=]{16,}"), rf"\1.{HIDDEN}"),
    (re.compile(r"(https?://)[^/\s:@]+:[^/\s@]+@"), rf"\1{HIDDEN}@"),
    (re.compile(r"(AccountKey|SharedAccessSignature)=[^;\s]+", re.IGNORECASE), rf"\1={HIDDEN}"),
    (re.compile(r"(Authorization|X-Agent-Key)(['\"]?\s*[:=]\s*['\"]?)[^\s'\",}]+", re.IGNORECASE), rf"\1\2{HIDDEN}"),
)


class Redactor:
    """Safe for all threads."""

    def __init__(self) -> None:
        self._secrets: frozenset[str] = frozenset()
        self._lock = threading.Lock()

    def hide(self, secret: str) -> None:
        """From now on `secret` is replaced wherever it appears."""
        if len(secret) < _SHORTEST_SECRET:
            return
        with self._lock:
            self._secrets = self._secrets | {secret}

    def clean(self, text: str) -> str:
        """Result: `text` without any secret that is known by shape or by value."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        for shape, replacement in _SHAPES:
            text = shape.sub(replacement, text)
        return text


redactor = Redactor()
"""One per process: a secret that one thread hides must be hidden in every thread's lines."""
