"""The import measured: from prepared pages of the test SQL Server to a Mission that keeps nothing.

Reading alone, mapping alone, and the whole command, one after the other in one run, so that their ratios mean
something. The servers are processes of their own and share the machine's cores with what is measured.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from local.certificates import certificates_in

GIFTS, ATTENDANCES = 2_000_000, 500_000
ENTITIES = ("contributions", "attendance")
_REPOSITORY = Path(__file__).resolve().parent.parent
_EARLY_RECORDS = 100_000
_SAMPLE_SECONDS = 0.2
_PAGE = os.sysconf("SC_PAGE_SIZE")
AIMS = {"end to end": 40_000, "mapping": 150_000}
RSS_MIB = 200


@dataclass
class Measured:
    """One stage."""

    records: int
    seconds: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        """Result: records a second of the wall's clock."""
        return self.records / max(self.seconds, 1e-9)

    @property
    def cpu_rate(self) -> float:
        """Result: records a second of the process's CPU."""
        return self.records / max(self.cpu_seconds, 1e-9)


@dataclass
class Outcome:
    """One run of everything."""

    stages: dict[str, Measured] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    rss_early_mib: float = 0.0
    rss_end_mib: float = 0.0
    rss_peak_mib: float = 0.0

    def missed(self) -> list[str]:
        """Result: the aims that were missed, in words."""
        found = [
            f"{name}: {self.stages[name].rate:,.0f} records/s, the aim is {aim:,}"
            for name, aim in AIMS.items()
            if self.stages[name].rate < aim
        ]
        if self.rss_peak_mib > RSS_MIB:
            found.append(f"memory: {self.rss_peak_mib:.0f} MiB, the aim is {RSS_MIB}")
        return found


def measure(folder: Path, scale: float, console: Console) -> Outcome:
    """Result: what was measured; `folder` keeps the database and its answers for the next time."""
    gifts, attendances = int(GIFTS * scale), int(ATTENDANCES * scale)
    place = folder / f"rockrms-{scale:g}"
    place.mkdir(parents=True, exist_ok=True)
    database = place / "rock.sqlite"
    if not (place / "built").exists():
        console.print(f"Making {gifts:,} gifts and {attendances:,} attendances ...")
        _local("build", database, gifts, attendances)
        (place / "built").touch()
    certificates = certificates_in(folder / "certificates")
    outcome = Outcome()
    with _server(("local.rock_bench", "serve", database, place / "answers")) as connection_string:
        if not (place / "warm").exists():
            console.print("Preparing the server's answers ...")
            with _mission(certificates.chain_file, certificates.key_file) as port:
                _imported(place / "state-warm", connection_string, port, certificates.ca_file, None)
            _local("driver", connection_string)
            (place / "warm").touch()
        for name in ("driver", "mapping"):
            console.print(f"Measuring: {name} ...")
            outcome.stages[name] = _stage(_local(name, connection_string))
        console.print("Measuring: the import ...")
        with _mission(certificates.chain_file, certificates.key_file) as port:
            _imported(place / f"state-{time.time_ns()}", connection_string, port, certificates.ca_file, outcome)
    return outcome


def show(console: Console, outcome: Outcome) -> None:
    """Print the table."""
    table = Table("stage", "records", "records/s", "records/s of CPU", "CPU s", "to the driver alone")
    alone = outcome.stages["driver"]
    for name, stage in outcome.stages.items():
        cells = (f"{stage.records:,}", f"{stage.rate:,.0f}", f"{stage.cpu_rate:,.0f}", f"{stage.cpu_seconds:.1f}")
        table.add_row(name, *cells, f"{stage.rate / alone.rate:.2f}")
    console.print(table)
    steps = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in outcome.timings.items())
    console.print(f"Steps of the import: {steps}")
    console.print(
        f"Memory: {outcome.rss_early_mib:.0f} MiB at {_EARLY_RECORDS:,} records, {outcome.rss_end_mib:.0f} MiB at the"
        f" end of the sending, {outcome.rss_peak_mib:.0f} MiB at most"
    )
    for missed in outcome.missed():
        console.print(f"MISSED {missed}", style="red")


def _local(what: str, *words: object) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "local.rock_bench", what, *map(str, words)],
        cwd=_REPOSITORY,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{what}: {done.stderr[-2000:]}")
    return done.stdout


def _stage(text: str) -> Measured:
    found = json.loads(text)
    return Measured(int(found["records"]), found["seconds"], found["cpu_seconds"])


def _environment(**more: str) -> dict[str, str]:
    path = os.pathsep.join((str(_REPOSITORY), str(_REPOSITORY / "agent" / "src")))
    return {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **more}


@contextmanager
def _server(module: Sequence[object]) -> Iterator[str]:
    """While inside, the process runs; gives the first line of its output."""
    process = subprocess.Popen(
        [sys.executable, "-m", *map(str, module)],
        cwd=_REPOSITORY,
        env=_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.terminate()
        process.wait(20)


@contextmanager
def _mission(chain: Path, key: Path) -> Iterator[int]:
    with _server(("local.mission.null", 0, chain, key)) as line:
        yield int(line)


def _imported(state: Path, connection_string: str, port: int, ca_file: Path, outcome: Outcome | None) -> None:
    """Runs the command to its end; what it cost goes into `outcome`."""
    words = ["--connection-string", "-", "--mission-url", f"https://127.0.0.1:{port}", "--time-zone", "America/Phoenix"]
    words += [word for entity in ENTITIES for word in ("--entity", entity)] + ["--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "migrate_agent", "--home", str(state), "rockrms", "import", *words],
        cwd=_REPOSITORY,
        env=_environment(MIGRATE_MISSION_KEY="the-key-of-a-benchmark", SSL_CERT_FILE=str(ca_file)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    watch = _Watch(process.pid)
    thread = threading.Thread(target=watch.run, daemon=True)
    thread.start()
    output, errors = process.communicate(connection_string)
    watch.ended.set()
    thread.join()
    if process.returncode not in (0, 1):
        raise RuntimeError(f"the import ended with {process.returncode}: {errors[-2000:]}{output[-2000:]}")
    if outcome is not None:
        _take(outcome, json.loads(output), watch)


def _take(outcome: Outcome, said: dict[str, Any], watch: _Watch) -> None:
    records = sum(found["imported"] + found["updated"] + found["unchanged"] for found in said["entities"])
    outcome.timings = said["seconds"]
    sending = outcome.timings["import"]
    outcome.stages["end to end"] = Measured(records, sending, said["cpu_seconds"]["import"])
    rate = records / sending
    early = watch.at(said["began"] + outcome.timings["prepare"] + _EARLY_RECORDS / rate)
    outcome.rss_early_mib = early / 1024**2
    outcome.rss_end_mib = watch.at(said["began"] + outcome.timings["prepare"] + sending) / 1024**2
    outcome.rss_peak_mib = max(resident for _, resident in watch.samples) / 1024**2


class _Watch:
    """Resident memory of a process, five times a second."""

    def __init__(self, pid: int) -> None:
        self._statm = Path(f"/proc/{pid}/statm")
        self.ended = threading.Event()
        self.samples: list[tuple[float, int]] = []

    def run(self) -> None:
        """Samples until it is ended."""
        while not self.ended.wait(_SAMPLE_SECONDS):
            try:
                resident = int(self._statm.read_text().split()[1]) * _PAGE
            except (OSError, IndexError):
                return
            self.samples.append((time.time(), resident))

    def at(self, moment: float) -> int:
        """Result: the sample nearest to it, in bytes."""
        return min(self.samples, key=lambda sample: abs(sample[0] - moment))[1]
