"""The Queues port in memory."""

from __future__ import annotations

import json
from collections.abc import Mapping


class MemoryQueues:
    """Messages as the text that a trigger would get."""

    def __init__(self) -> None:
        self.messages: dict[str, list[str]] = {}

    def send(self, queue: str, message: Mapping[str, str], delay_seconds: int = 0) -> None:
        self.messages.setdefault(queue, []).append(json.dumps(dict(message)))

    def take(self, queue: str) -> str | None:
        """The oldest message, removed; None if there is none."""
        waiting = self.messages.get(queue, [])
        return waiting.pop(0) if waiting else None
