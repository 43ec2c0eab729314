"""A port that tells of every call before it is made and after it was: where crashes and races are put."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Steps:
    """Counts the steps of one instance; `at` holds what happens at a step, by its number."""

    def __init__(self, at: dict[int, Callable[[], None]] | None = None) -> None:
        self.names: list[str] = []
        self._at = at or {}

    def reach(self, name: str) -> None:
        """One step: what is planned for it happens, and may raise."""
        number = len(self.names)
        self.names.append(name)
        planned = self._at.pop(number, None)
        if planned is not None:
            planned()


class Stepped:
    """Stands in for a port and hands every call on to it."""

    def __init__(self, port: object, name: str, steps: Steps) -> None:
        self._port = port
        self._name = name
        self._steps = steps

    def __getattr__(self, method: str) -> Any:
        target = getattr(self._port, method)

        def call(*arguments: Any, **named: Any) -> Any:
            words = f"{self._name}.{method}"
            self._steps.reach(f"before {words}")
            answer = target(*arguments, **named)
            self._steps.reach(f"after {words}")
            return answer

        return call
