"""How many requests are in flight. `auto` is the source document's 4; tuning itself is for this class to learn."""

from __future__ import annotations

from typing import Literal

AUTO_START = 4


class Concurrency:
    """The number of workers of one job."""

    def __init__(self, asked: int | Literal["auto"]) -> None:
        self._fixed = None if asked == "auto" else asked

    @property
    def workers(self) -> int:
        """Result: how many files or blocks are sent at once."""
        return AUTO_START if self._fixed is None else self._fixed
