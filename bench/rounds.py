"""Runs of one scenario: every client in turn, A B C A B C, each checked against the source afterwards."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median

from bench.clients import CLIENTS, Client, Errand, Options, options_for
from bench.digests import SourceDigests, compare
from bench.measure import ClientFailed, ProcessCosts, run_measured
from bench.scenarios import Mode, Scenario
from bench.sink.process import Behaviour, Sink
from bench.trees import Tree

_TIMEOUT_SECONDS = 3600.0


@dataclass(frozen=True)
class RunResult:
    """One run: all its copies together."""

    client: str
    files: int
    size_bytes: int
    wall_seconds: float
    """From the start of the process to its exit, summed over the copies."""
    endpoint_seconds: float
    """From its first request to its last commit, summed; 0 where nothing was committed."""
    cpu_seconds: float
    endpoint_cpu_seconds: float
    peak_rss_bytes: int
    peak_pss_bytes: int
    read_bytes: int
    requests: int
    first_write_seconds: float
    """From the start of the process to its first upload; 0 where there was none."""
    rss_quarters: tuple[int, ...]
    """Median resident memory of each quarter of the run."""

    @property
    def wall_rates(self) -> tuple[float, float]:
        """Files and MiB a second of wall time."""
        return self.files / self.wall_seconds, self.size_bytes / 2**20 / self.wall_seconds

    @property
    def endpoint_rates(self) -> tuple[float, float]:
        """The same at the endpoint."""
        seconds = self.endpoint_seconds or self.wall_seconds
        return self.files / seconds, self.size_bytes / 2**20 / seconds


@dataclass
class Round:
    """Where the runs of a scenario happen."""

    scenario: Scenario
    tree: Tree
    sink: Sink
    state: Path
    """The clients' own files go under this folder, on the disk."""
    verify: bool = True
    options: Options | None = None
    """In place of the fixed ones, for a sweep."""
    watch: Callable[[str, float], None] = lambda client, seconds: None
    said: Callable[[str], None] = lambda text: None
    _source: SourceDigests = field(init=False)
    _seeded: dict[str, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._source = SourceDigests(self.tree.path)

    def seed(self, name: str) -> None:
        """The earlier copy that a rerun compares with; not measured."""
        container = self.sink.new_container()
        client = CLIENTS[name]
        self._copy(client, container, Mode.COPY, fresh=True)
        self._check(client, container)
        self._seeded[name] = container

    def run(self, name: str) -> RunResult:
        """One measured run of that client. Raises ClientFailed or NotTheSource."""
        client = CLIENTS[name]
        rerun = self.scenario.mode is Mode.RERUN
        self.sink.behave(self.scenario.behaviour)
        results = []
        for _ in range(self.scenario.copies):
            if not rerun:
                self.sink.reset()
            container = self._seeded[name] if rerun else self.sink.new_container()
            self.sink.forget()
            results.append(self._copy(client, container, self.scenario.mode, fresh=not rerun))
        self.sink.behave(Behaviour())
        if self.verify:
            self._check(client, container)
        return _together(results)

    def _copy(self, client: Client, container: str, mode: Mode, *, fresh: bool) -> RunResult:
        state = self.state / client.name
        if fresh:
            shutil.rmtree(state, ignore_errors=True)
        state.mkdir(parents=True, exist_ok=True)
        options = self.options or options_for(client.name, self.scenario.tuning)
        errand = Errand(self.tree.path, self.sink, container, state, options, mode)
        command = client.command(errand)
        before = self.sink.stats()
        costs = run_measured(
            command.arguments,
            command.environment,
            log_file=state / "output.log",
            timeout_seconds=_TIMEOUT_SECONDS,
            watch=lambda seconds: self.watch(client.name, seconds),
        )
        after = self.sink.stats()
        missing = client.finished_well(errand, self.tree.kind.files)
        if missing:
            raise ClientFailed(f"{client.name}: {missing}")
        if mode is Mode.RERUN and after["commits"]:
            raise ClientFailed(f"{client.name} sent {after['commits']} files again although nothing had changed")
        return _result(client.name, self.tree, costs, after, after["cpu_seconds"] - before["cpu_seconds"])

    def _check(self, client: Client, container: str) -> None:
        count = compare(
            self.sink.digests(container), self._source, client.prefix(self.tree.path), times=client.keeps_times
        )
        self.said(f"{client.name}: {count:,} blobs equal the source")


def _result(name: str, tree: Tree, costs: ProcessCosts, stats: dict[str, float], endpoint_cpu: float) -> RunResult:
    return RunResult(
        client=name,
        files=tree.kind.files,
        size_bytes=tree.size_bytes,
        wall_seconds=costs.wall_seconds,
        endpoint_seconds=stats["last_commit"] - stats["first_request"] if stats["commits"] else 0.0,
        cpu_seconds=costs.cpu_seconds,
        endpoint_cpu_seconds=endpoint_cpu,
        peak_rss_bytes=costs.peak_rss_bytes,
        peak_pss_bytes=costs.peak_pss_bytes,
        read_bytes=costs.read_bytes,
        requests=int(stats["requests"]),
        first_write_seconds=stats["first_write"] - costs.began_at if stats["first_write"] else 0.0,
        rss_quarters=quarters(costs.rss_series),
    )


def quarters(series: list[int]) -> tuple[int, ...]:
    """The median of each quarter; empty for fewer than eight samples."""
    if len(series) < 8:
        return ()
    edges = [len(series) * part // 4 for part in range(5)]
    return tuple(int(median(series[low:high])) for low, high in pairwise(edges))


def _together(results: list[RunResult]) -> RunResult:
    first = results[0]
    return RunResult(
        client=first.client,
        files=sum(each.files for each in results),
        size_bytes=sum(each.size_bytes for each in results),
        wall_seconds=sum(each.wall_seconds for each in results),
        endpoint_seconds=sum(each.endpoint_seconds for each in results),
        cpu_seconds=sum(each.cpu_seconds for each in results),
        endpoint_cpu_seconds=sum(each.endpoint_cpu_seconds for each in results),
        peak_rss_bytes=max(each.peak_rss_bytes for each in results),
        peak_pss_bytes=max(each.peak_pss_bytes for each in results),
        read_bytes=sum(each.read_bytes for each in results),
        requests=sum(each.requests for each in results),
        first_write_seconds=max(each.first_write_seconds for each in results),
        rss_quarters=first.rss_quarters,
    )
