"""Faults by a seed: what meets a request depends on the seed, the request and how often it came, not on threads."""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import dataclass

from tests.harness.blob_endpoint import Cut, HalfClose, Hang, Trouble, Truncate
from tests.harness.fault_front import Damage, Drop, Refuse, Seen, Shape

_WITH_BODY = ("put_blob", "put_block")


@dataclass
class SeededFaults:
    """A script for an endpoint: `share` of the requests meet a fault, `hang_seconds` is how long no answer comes.

    No 403: a signature that a person typed cannot be renewed, so that one ends a copy (see the tests with renewal).
    """

    seed: int
    share: float = 0.06
    hang_seconds: float = 4.0

    def __post_init__(self) -> None:
        self._came: Counter[tuple[str, str, str]] = Counter()
        self._lock = threading.Lock()

    def __call__(self, seen: Seen) -> Trouble | None:
        """Result: the fault of this request, or None."""
        what = (seen.kind, seen.path, seen.query.get("blockid", "") + seen.query.get("marker", ""))
        with self._lock:
            self._came[what] += 1
            times = self._came[what]
        chance = random.Random(f"{self.seed} {what} {times}")
        if chance.random() >= self.share:
            return None
        return self._fault(chance, has_body=seen.kind in _WITH_BODY)

    def _fault(self, chance: random.Random, *, has_body: bool) -> Trouble:
        if has_body and chance.random() < 0.1:
            return Damage()
        # Rare: a request that hangs holds a worker up for the whole time.
        if chance.random() < 0.04:
            return Hang(self.hang_seconds, acted=chance.random() < 0.5)
        return chance.choice(
            (
                Refuse(503, "ServerBusy", {"Retry-After": "1"}),
                Refuse(503, "ServerBusy"),
                Refuse(500, "InternalError"),
                Refuse(500),
                Cut(0.0),
                Cut(chance.random()),
                Drop(),
                Drop(after=True),
                HalfClose(),
                Truncate(chance.uniform(0.05, 0.95)),
                Shape(delay_seconds=chance.uniform(0.1, 0.5)),
                Shape(chunked=True),
                Shape(close=True),
                Shape(continue_first=True),
            )
        )
