"""One torture run: a copy is killed at random points, with faults on, many times over; then it must end well.

A *round* is one copy of a fresh tree to a fresh endpoint, started again after each kill. A copy that is done before the
kills are is looked at in full, and a new round begins. Everything random comes from one seed.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local.certificates import Certificates
from tests.harness.blob_endpoint import BlobEndpoint, blob_endpoint
from tests.harness.conditions import eventually
from tests.harness.copy_process import CopyProcess
from tests.harness.fault_front import Seen
from tests.harness.process_tree import Process
from tests.harness.seeded_faults import SeededFaults
from tests.torture.trees import torture_tree
from tests.torture.verdict import problems_at_the_end, wrongly_reported

_START_SECONDS = 60.0
_MOST_WORKERS = 3
"""Killed in one run of a copy: at the next one it takes its machine for unfit and ends with an error."""
_ENOUGH_PROBLEMS = 1000
"""A run that has found so many is over."""
_PLANTED = Path(__file__).resolve().parents[1] / "harness" / "planted"


@dataclass(frozen=True)
class Ordeal:
    """What is done to the copies. `share` is that of requests that meet a fault."""

    seed: int
    kills: int = 20
    share: float = 0.06
    small: int = 1200
    large: int = 4
    large_mib: int = 80
    """So many that the copy starts worker processes, and goes on without them when little is left."""
    hang_seconds: float = 4.0
    end_seconds: float = 300.0
    """How long a copy may take to its end once nothing kills it."""
    planted: str = ""
    """`<kind>:<one in how many>` of tests/harness/planted; empty: the agent as it is."""


@dataclass
class Ledger:
    """What came of a run. `problems` is empty if nothing was lost."""

    kills: Counter[str] = field(default_factory=Counter)
    rounds: int = 0
    problems: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    blocks: int = 0
    seconds: float = 0.0

    def sentence(self) -> str:
        """Result: the figures in one line."""
        kills = ", ".join(f"{count} of {kind}" for kind, count in sorted(self.kills.items())) or "none"
        return (
            f"{sum(self.kills.values())} kills ({kills}) in {self.rounds} rounds and {self.seconds:.0f} s; "
            f"{self.requests} requests, {self.blocks} blocks staged, {sum(self.faults.values())} faults"
        )


def torture(
    ordeal: Ordeal, directory: Path, certificates: Certificates, say: Callable[[str], None] = lambda _: None
) -> Ledger:
    """Result: what came of it. `directory` is filled with trees and journals."""
    chance, ledger, began = random.Random(ordeal.seed), Ledger(), time.monotonic()
    while True:
        ledger.rounds += 1
        round_of = _Round(ordeal, ledger, directory / f"round-{ledger.rounds}", chance.randrange(1 << 30))
        faults = SeededFaults(round_of.seed, ordeal.share, ordeal.hang_seconds)
        with blob_endpoint(certificates, faults, keep_contents=False) as endpoint:
            try:
                round_of.run(endpoint, say)
            except AssertionError as error:
                ledger.problems.append(f"round {ledger.rounds}: {error}")
            ledger.faults += endpoint.record.faults
            ledger.requests += endpoint.record.requests
            ledger.blocks += endpoint.record.count("put_block")
        ledger.seconds = time.monotonic() - began
        say(f"round {ledger.rounds} is over: {ledger.sentence()}")
        if round_of.enough() or len(ledger.problems) >= _ENOUGH_PROBLEMS:
            return ledger


def planted(bug: str, count_file: Path) -> Mapping[str, str]:
    """Result: the environment of an agent with that bug (`<kind>:<one in how many>`); empty for none."""
    if not bug:
        return {}
    kind, _, one_in = bug.partition(":")
    found = os.pathsep.join(filter(None, (str(_PLANTED), os.environ.get("PYTHONPATH"))))
    return {"PYTHONPATH": found, "PLANTED_BUG": f"{kind} {one_in} {count_file}"}


class _Round:
    def __init__(self, ordeal: Ordeal, ledger: Ledger, directory: Path, seed: int) -> None:
        self._ordeal, self._ledger = ordeal, ledger
        self._directory, self.seed = directory, seed
        self._chance = random.Random(seed)

    def run(self, endpoint: BlobEndpoint, say: Callable[[str], None]) -> None:
        ordeal = self._ordeal
        source = torture_tree(
            self._directory / "source", self._chance, small=ordeal.small, large=ordeal.large, large_mib=ordeal.large_mib
        )
        level, concurrency = self._chance.choice(("block", "stored")), self._chance.choice(("auto", "4", "16"))
        arguments = ("--chunk-size-mib", "1", "--verification", level, "--concurrency", concurrency)
        home = self._directory / "home"
        with CopyProcess(home, endpoint, source, *arguments, environment=self._planted(home)) as copy:
            code: int | None = None
            while code is None and not self.enough():
                code = self._kill_once(copy, endpoint, source, say)
            if code is None:
                copy.start()
                code = copy.finish(ordeal.end_seconds)
            copy.no_orphans()
            endpoint.settle()
            problems = problems_at_the_end(copy, endpoint, source)
            if code != 0:
                problems.append(f"the last run exited with {code}: {copy.output()}")
            self._ledger.problems += [f"round {self._ledger.rounds}: {problem}" for problem in problems]

    def enough(self) -> bool:
        """Result: whether as many were killed as the ordeal asks for."""
        return sum(self._ledger.kills.values()) >= self._ordeal.kills

    def _planted(self, home: Path) -> Mapping[str, str]:
        # One count for all rounds: a bug that hits one block in 10,000 needs 10,000 blocks.
        return planted(self._ordeal.planted, home.parent.parent / "count")

    def _kill_once(
        self, copy: CopyProcess, endpoint: BlobEndpoint, source: Path, say: Callable[[str], None]
    ) -> int | None:
        """Result: the exit code if the copy came to its end before it could be killed, else None."""
        copy.start()
        workers_killed = 0
        while True:
            kind = self._chance.choice(("all", "all", "main", "worker"))
            if not self._wait_for_the_point(copy, endpoint):
                return copy.finish(10)
            if kind == "worker" and workers_killed < _MOST_WORKERS and (workers := self._workers(copy)):
                self._chance.choice(workers).kill()
                endpoint.record.broke(still_arriving_seconds=0.3)
                self._count(kind, say)
                workers_killed += 1
                if self.enough():
                    return copy.finish(self._ordeal.end_seconds)
                continue  # the copy itself lives on, and is killed again
            if kind == "worker":
                kind = "main"  # there is no worker process: not yet, or because little is left to do
            copy.kill_main() if kind == "main" else copy.kill_all()
            self._count(kind, say)
            copy.no_orphans()
            endpoint.settle()
            endpoint.record.broke()
            wrong = wrongly_reported(copy.journal_rows(), endpoint, source)
            assert not wrong, "; ".join(wrong[:5])
            return None

    def _workers(self, copy: CopyProcess) -> list[Process]:
        """The worker processes; a moment is given to them to start."""
        until = time.monotonic() + 1.0
        while not (found := copy.workers()) and copy.ended() is None and time.monotonic() < until:
            time.sleep(0.01)
        return found

    def _count(self, kind: str, say: Callable[[str], None]) -> None:
        self._ledger.kills[kind] += 1
        say(f"kill {sum(self._ledger.kills.values())}: {kind}")

    def _wait_for_the_point(self, copy: CopyProcess, endpoint: BlobEndpoint) -> bool:
        """Result: whether the copy still runs at the chosen point: a request's number, or a time."""
        chance, reached = self._chance, threading.Event()
        if chance.random() < 0.6:
            # Many near the start, where everything is set up, and as many anywhere up to a third of the whole copy.
            third = (self._ordeal.small + self._ordeal.large * self._ordeal.large_mib) / 3
            left = int(2 ** chance.uniform(0, 7) if chance.random() < 0.4 else chance.uniform(1, third))
            after_it_acted = chance.random() < 0.5

            def look(_: Seen) -> None:
                nonlocal left
                left -= 1
                if left == 0:
                    reached.set()
                    # Held for a moment: the kill falls before the answer is out, or before the service has acted.
                    time.sleep(0.02)

            if after_it_acted:
                endpoint.on_acted = look
            else:
                endpoint.on_arrival = look
        else:
            if chance.random() < 0.7:
                endpoint.on_arrival = lambda _: reached.set()
                self._until(copy, reached)
            reached = threading.Event()
            threading.Timer(chance.uniform(0, 1.2), reached.set).start()
        self._until(copy, reached)
        endpoint.on_arrival = endpoint.on_acted = lambda _: None
        return copy.ended() is None

    def _until(self, copy: CopyProcess, reached: threading.Event) -> None:
        eventually(
            lambda: reached.is_set() or copy.ended() is not None,
            seconds=_START_SECONDS,
            what=f"the kill's point, or the copy's end\n{copy.output()}",
            every=0.005,
        )
