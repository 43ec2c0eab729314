"""`python -m bench run`, `sweep` and `rockrms`; see `--help` of each, and docs/benchmarks.md."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from bench import report, rockrms, sweep
from bench.clients import CLIENTS, ClientMissing
from bench.digests import NotTheSource
from bench.display import Display
from bench.measure import ClientFailed
from bench.rounds import Round, RunResult
from bench.scenarios import SCENARIOS, Mode, Scenario
from bench.sink.build import BUILD, BuildFailed
from bench.sink.process import Sink, SinkFailed, running_sink
from bench.trees import NoRoom, Trees
from local.certificates import certificates_in

_MEMORY = Path("/dev/shm/onemigrate-bench")
_QUICK = 0.05


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 when everything ran and every aim was met, 1 when an aim was missed, 2 when a run failed."""
    given = _parser().parse_args(arguments)
    console = Console(stderr=given.json is not None)
    try:
        missed = {"sweep": _sweep, "run": _run, "rockrms": _rockrms}[given.what](given, console)
    except (ClientFailed, ClientMissing, NotTheSource, BuildFailed, SinkFailed, NoRoom) as fault:
        console.print(str(fault), style="red", markup=False, highlight=False)
        return 2
    except KeyboardInterrupt:
        console.print("Broken off.")
        return 130
    return 1 if missed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Our copy command and its peers, measured.")
    commands = parser.add_subparsers(dest="what", required=True)
    run = commands.add_parser("run", help="measure")
    run.add_argument("--runs", type=int, default=5, help="of each client; the median counts")
    run.add_argument("--client", action="append", choices=sorted(CLIENTS), help="only these; may be repeated")
    run.add_argument("--json", type=Path, metavar="FILE", help="write every run as JSON; '-' for standard output")
    run.add_argument("--write", action="store_true", help="write the tables into docs/benchmarks.md")
    run.add_argument("--no-verify", action="store_true", help="do not compare with the source after each run")
    swept = commands.add_parser("sweep", help="find the peers' best settings")
    swept.add_argument("--runs", type=int, default=1, help="of each candidate; the best counts")
    swept.add_argument("--client", action="append", choices=sorted(CLIENTS))
    swept.add_argument("--write", action="store_true", help="write the table into bench/peers.md")
    swept.set_defaults(json=None, no_verify=True)
    imported = commands.add_parser("rockrms", help="measure the import of a RockRMS database")
    imported.add_argument("--scale", type=float, default=1.0, help="below 1: fewer records, for a trial")
    imported.add_argument("--keep", action="store_true", help="keep the database and the server's answers")
    imported.set_defaults(json=None)
    for each in (run, swept):
        each.add_argument(
            "--scenario", action="append", choices=sorted(SCENARIOS), help="may be repeated; default: all"
        )
        each.add_argument("--scale", type=float, default=1.0, help="below 1: fewer files, for a trial")
        each.add_argument("--quick", action="store_true", help=f"a trial: --scale {_QUICK}, one run")
        each.add_argument("--sources", type=Path, default=_MEMORY, help="folder of the files to copy; in memory")
        each.add_argument("--keep", action="store_true", help="keep them for the next time")
    return parser


def _rockrms(given: argparse.Namespace, console: Console) -> bool:
    BUILD.mkdir(parents=True, exist_ok=True)
    try:
        outcome = rockrms.measure(BUILD, given.scale, console)
    finally:
        if not given.keep:
            shutil.rmtree(BUILD / f"rockrms-{given.scale:g}", ignore_errors=True)
    rockrms.show(console, outcome)
    return bool(outcome.missed())


def _scenarios(given: argparse.Namespace) -> list[Scenario]:
    if given.quick:
        given.scale, given.runs = min(given.scale, _QUICK), 1
    names = given.scenario or list(SCENARIOS)
    return [SCENARIOS[name].scaled(given.scale) for name in SCENARIOS if name in names]


@dataclass(frozen=True)
class _Place:
    """Where everything happens; `state` is for the clients' own files, on the disk."""

    trees: Trees
    sink: Sink
    display: Display
    state: Path


@contextmanager
def _bench(given: argparse.Namespace, console: Console) -> Iterator[_Place]:
    trees = Trees(given.sources)
    BUILD.mkdir(parents=True, exist_ok=True)
    try:
        with (
            running_sink(certificates_in(BUILD / "certificates")) as sink,
            TemporaryDirectory(dir=BUILD, prefix="state-") as state,
            Display(console).shown() as display,
        ):
            yield _Place(trees, sink, display, Path(state))
    finally:
        if not given.keep:
            trees.remove_all()


def _run(given: argparse.Namespace, console: Console) -> bool:
    about = report.machine()
    outcomes = []
    with _bench(given, console) as place:
        for scenario in _scenarios(given):
            clients = scenario.wanted(given.client)
            versions = {name: CLIENTS[name].version() for name in clients}
            runs = _rounds(_round(scenario, place, verify=not given.no_verify), clients, given.runs, place.display)
            outcomes.append(report.Outcome(scenario, versions, runs))
            report.show(console, outcomes[-1])
    if given.json is not None:
        text = report.as_json(outcomes, about)
        print(text) if str(given.json) == "-" else given.json.write_text(text + "\n", "utf-8")
    if given.write:
        report.write_page(outcomes, about)
    return any(said.startswith("MISSED") for outcome in outcomes for said in report.verdicts(outcome))


def _round(scenario: Scenario, place: _Place, *, verify: bool) -> Round:
    display, sink = place.display, place.sink
    display.begin(f"{scenario.name}: making {scenario.tree.files:,} files", scenario.tree.files)
    tree = place.trees.tree(scenario.tree, display.made)
    sink.reset()
    return Round(
        scenario,
        tree,
        sink,
        place.state,
        verify=verify,
        watch=lambda _, seconds: display.ran(sink, seconds),
        said=lambda text: display.say(f"  {text}"),
    )


def _rounds(turn: Round, clients: Sequence[str], count: int, display: Display) -> dict[str, list[RunResult]]:
    size = turn.tree.size_bytes
    if turn.scenario.mode is Mode.RERUN:
        for name in clients:
            display.begin(f"{turn.scenario.name}: {name}, the copy before", size)
            turn.seed(name)
    runs: dict[str, list[RunResult]] = {name: [] for name in clients}
    for number in range(1, count + 1):
        for name in clients:
            display.begin(f"{turn.scenario.name}: {name}, run {number} of {count}", size)
            runs[name].append(turn.run(name))
            display.say(f"  {turn.scenario.name} {number}/{count} {_line(runs[name][-1])}")
    return runs


def _line(run: RunResult) -> str:
    (files, mib), (files_there, mib_there) = run.wall_rates, run.endpoint_rates
    return (
        f"{run.client}: {run.wall_seconds:.1f} s, {files:,.0f} files/s {mib:,.0f} MiB/s by wall, "
        f"{files_there:,.0f} files/s {mib_there:,.0f} MiB/s at the endpoint, "
        f"{run.cpu_seconds:.1f} s CPU, {run.peak_rss_bytes / 2**20:.0f} MiB RSS"
    )


def _sweep(given: argparse.Namespace, console: Console) -> bool:
    swept: list[sweep.Swept] = []
    wanted = {scenario.name: scenario for scenario in _scenarios(given)}
    with _bench(given, console) as place:
        tried = [each for each in sweep.candidates() if each.scenario in wanted]
        for scenario in wanted.values():
            for candidate in tried:
                if candidate.scenario != scenario.name or (given.client and candidate.client not in given.client):
                    continue
                turn = _round(scenario, place, verify=False)
                turn.options = candidate.options
                place.display.say(f"{candidate.client} {candidate.options}")
                runs = _rounds(turn, [candidate.client], given.runs, place.display)[candidate.client]
                outcome = report.Outcome(scenario, {}, {candidate.client: runs})
                index = 0 if scenario.measure.value == "files/s" else 1
                swept.append(
                    sweep.Swept(
                        candidate,
                        scenario.measure.value,
                        tuple(run.wall_rates[index] for run in runs),
                        tuple(run.endpoint_rates[index] if run.endpoint_seconds else 0.0 for run in runs),
                        outcome.median_of(candidate.client, "peak_rss_bytes") / 2**20,
                    )
                )
    console.print(sweep.as_markdown(swept), markup=False, highlight=False, soft_wrap=True)
    if given.write:
        sweep.write_page(swept)
    return False


if __name__ == "__main__":
    sys.exit(main())
