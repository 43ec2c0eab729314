"""What a test makes the server do wrong; changed at any time, seen by the next connection or answer."""

from __future__ import annotations

import random
import threading


class Faults:
    """Safe for all threads; every attribute may be set while the server runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.denied: frozenset[str] = frozenset()
        """Tables that may not be read (error 229; HAS_PERMS_BY_NAME says 0), in any case of letters."""
        self.silent = False
        """Connections are accepted and never answered."""
        self.speaks_http = False
        """Something else than SQL Server answers."""
        self.answer_delay_seconds = 0.0
        """How long each answer to a statement waits."""
        self.slow_words: dict[str, float] = {}
        """Statements with this word in them wait so many seconds."""
        self.snapshot_allowed = False
        """Whether the database has ALLOW_SNAPSHOT_ISOLATION on (a new one has not: error 3952)."""
        self._drops: list[int] = []
        self._random: tuple[random.Random, float] | None = None
        self.dropped = 0
        """How many connections were cut so far."""

    def deny(self, *tables: str) -> None:
        """From now on these tables, and no others, may not be read."""
        self.denied = frozenset(table.lower() for table in tables)

    def drop_after_rows(self, *rows: int) -> None:
        """Cut the connection in the middle of the next results, one for each number, after so many rows of it."""
        with self._lock:
            self._drops = list(rows)

    def drop_at_random(self, seed: int, share: float) -> None:
        """From now on cut this share (0..1) of all results in the middle, the same ones for the same seed."""
        with self._lock:
            self._random = (random.Random(seed), share) if share > 0 else None  # noqa: S311 - not a secret

    def next_drop(self) -> int | None:
        """Result: after how many rows the result that begins now is cut, None for never."""
        with self._lock:
            if self._drops:
                return self._drops.pop(0)
            if self._random is not None and self._random[0].random() < self._random[1]:
                return self._random[0].randrange(200)
            return None

    def delay_of(self, statement: str) -> float:
        """Result: how many seconds the answer to this statement waits."""
        slow = [seconds for word, seconds in self.slow_words.items() if word in statement]
        return max([self.answer_delay_seconds, *slow])

    def count_drop(self) -> None:
        """A connection was cut."""
        with self._lock:
            self.dropped += 1

    def heal(self) -> None:
        """Nothing is wrong any more."""
        self.denied, self.silent, self.speaks_http, self.answer_delay_seconds = frozenset(), False, False, 0.0
        self.slow_words = {}
        with self._lock:
            self._drops, self._random = [], None
