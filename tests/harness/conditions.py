"""Waiting for a condition with a deadline; the only place in the tests that polls."""

from __future__ import annotations

import time
from collections.abc import Callable


def eventually[T](condition: Callable[[], T], *, seconds: float, what: str, every: float = 0.2) -> T:
    """Result: the first truthy answer of `condition`; AssertionError naming `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what} (last answer: {answer!r})")
        time.sleep(every)
