"""Medians, ratios and verdicts of the runs: for the terminal, as JSON, and as sections of docs/benchmarks.md."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.rounds import RunResult
from bench.scenarios import FIRST_UPLOAD_SECONDS, FLAT_FACTOR, MIB, Measure, Scenario

AGENT = "agent"
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
HEADINGS = (
    "client",
    "wall s (least-most)",
    "by wall",
    "at the endpoint",
    "RSS MiB",
    "PSS MiB",
    "CPU s",
    "CPU s/GiB",
    "CPU ms/file",
    "endpoint CPU s",
    "first upload s",
)


@dataclass(frozen=True)
class Outcome:
    """All runs of one scenario."""

    scenario: Scenario
    versions: Mapping[str, str]
    runs: Mapping[str, Sequence[RunResult]]

    def median_of(self, client: str, what: str) -> float:
        """The median over that client's runs of an attribute of RunResult."""
        return float(median(getattr(run, what) for run in self.runs[client]))

    def rate(self, client: str, side: str) -> float:
        """The median rate by "wall" or at the "endpoint", in the scenario's measure."""
        index = 0 if self.scenario.measure is Measure.FILES else 1
        return float(median(getattr(run, f"{side}_rates")[index] for run in self.runs[client]))

    def peers(self) -> list[str]:
        """The clients that are not ours."""
        return [client for client in self.runs if client != AGENT]

    def ratio(self, side: str) -> tuple[float, str] | None:
        """Our rate over the rate of whom the aim names, and who that is; None without both."""
        peers = self.peers()
        if AGENT not in self.runs or not peers:
            return None
        against = self.scenario.against
        other = against if against in peers else max(peers, key=lambda client: self.rate(client, side))
        return self.rate(AGENT, side) / self.rate(other, side), other


def rows(outcome: Outcome) -> list[list[str]]:
    """One line a client, for HEADINGS."""
    lines = []
    unit = outcome.scenario.measure.value
    for client, runs in outcome.runs.items():
        walls = [run.wall_seconds for run in runs]
        gib = runs[0].size_bytes / 2**30
        cpu = outcome.median_of(client, "cpu_seconds")
        lines.append(
            [
                f"{client} {outcome.versions.get(client, '')}".strip(),
                f"{median(walls):.1f} ({min(walls):.1f}-{max(walls):.1f})",
                f"{outcome.rate(client, 'wall'):,.0f} {unit}",
                f"{outcome.rate(client, 'endpoint'):,.0f} {unit}" if runs[0].endpoint_seconds else "-",
                f"{outcome.median_of(client, 'peak_rss_bytes') / MIB:.0f}",
                f"{outcome.median_of(client, 'peak_pss_bytes') / MIB:.0f}",
                f"{cpu:.1f}",
                f"{cpu / gib:.2f}",
                f"{cpu * 1000 / runs[0].files:.3f}",
                f"{outcome.median_of(client, 'endpoint_cpu_seconds'):.1f}",
                f"{outcome.median_of(client, 'first_write_seconds'):.2f}" if runs[0].first_write_seconds else "-",
            ]
        )
    return lines


def verdicts(outcome: Outcome) -> list[str]:
    """Sentences that say what was aimed at and what came out; those of a missed aim begin with "MISSED"."""
    said = []
    for side, words in (("wall", "by wall time"), ("endpoint", "at the endpoint")):
        found = outcome.ratio(side)
        if found is not None and (side == "wall" or outcome.runs[AGENT][0].endpoint_seconds):
            ratio, other = found
            aim = outcome.scenario.target
            said.append(f"{_mark(ratio >= aim)}: {ratio:.2f} times {other} {words} (aim {aim:g})")
    if AGENT in outcome.runs:
        peak = outcome.median_of(AGENT, "peak_rss_bytes") / MIB
        bound = outcome.scenario.rss_mib
        said.append(f"{_mark(peak <= bound)}: {peak:.0f} MiB of memory at most, summed over processes (aim {bound})")
    if outcome.scenario.mode.value == "rerun" and AGENT in outcome.runs:
        read, size = outcome.median_of(AGENT, "read_bytes"), outcome.runs[AGENT][0].size_bytes
        said.append(
            f"{_mark(read < size * 0.25)}: {read / MIB:,.0f} MiB read from files and sockets, "
            f"the files have {size / MIB:,.0f}"
        )
    if outcome.scenario.name == "scan" and AGENT in outcome.runs:
        said += _scan_verdicts(outcome)
    return said


def _scan_verdicts(outcome: Outcome) -> list[str]:
    first = outcome.median_of(AGENT, "first_write_seconds")
    said = [f"{_mark(first <= FIRST_UPLOAD_SECONDS)}: first upload after {first:.2f} s (aim {FIRST_UPLOAD_SECONDS:g})"]
    quarters = outcome.runs[AGENT][0].rss_quarters
    if quarters:
        shown = ", ".join(f"{each / MIB:.0f}" for each in quarters)
        flat = quarters[3] <= quarters[1] * FLAT_FACTOR
        said.append(
            f"{_mark(flat)}: memory by quarter of the run {shown} MiB (aim: last at most {FLAT_FACTOR:g} x second)"
        )
    return said


def _mark(met: bool) -> str:
    return "met" if met else "MISSED"


def show(console: Console, outcome: Outcome) -> None:
    """The table and what it means."""
    table = Table(title=f"{outcome.scenario.name}: {outcome.scenario.title}", title_justify="left")
    lines = rows(outcome)
    table.add_column("")
    for line in lines:
        table.add_column(line[0], justify="right")
    for index, heading in enumerate(HEADINGS[1:], 1):
        table.add_row(heading, *(line[index] for line in lines))
    console.print(table)
    for sentence in verdicts(outcome):
        console.print(f"  {sentence}", style="red" if sentence.startswith("MISSED") else "green")


def machine() -> dict[str, Any]:
    """What the figures were taken on."""
    model = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text("ascii"))
    return {
        "processor": model.group(1) if model else platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(int(memory.group(1)) / 2**20) if memory else None,
        "kernel": platform.release(),
        "load_before": os.getloadavg()[0],
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def as_json(outcomes: Sequence[Outcome], about: Mapping[str, Any]) -> str:
    """Every run and every verdict."""
    return json.dumps(
        {
            "machine": dict(about),
            "scenarios": [
                {
                    "name": outcome.scenario.name,
                    "title": outcome.scenario.title,
                    "files": outcome.scenario.tree.files,
                    "copies": outcome.scenario.copies,
                    "versions": dict(outcome.versions),
                    "runs": {client: [asdict(run) for run in runs] for client, runs in outcome.runs.items()},
                    "ratios": {side: outcome.ratio(side) for side in ("wall", "endpoint")},
                    "verdicts": verdicts(outcome),
                }
                for outcome in outcomes
            ],
        },
        indent=2,
    )


def as_markdown(outcome: Outcome, about: Mapping[str, Any]) -> str:
    """The scenario's section of the page."""
    runs = min(len(each) for each in outcome.runs.values())
    lines = [
        f"### {outcome.scenario.name}: {outcome.scenario.title}",
        "",
        f"Median of {runs} on {about['cores']} cores ({about['processor']}), {about['memory_gib']} GiB; "
        f"load before: {about['load_before']:.1f}; {str(about['at'])[:10]}.",
        "",
        "| " + " | ".join(HEADINGS) + " |",
        "|" + "---|" * len(HEADINGS),
        *("| " + " | ".join(row) + " |" for row in rows(outcome)),
        "",
        *(f"- {sentence}" for sentence in verdicts(outcome)),
    ]
    return "\n".join(lines) + "\n"


def write_page(outcomes: Sequence[Outcome], about: Mapping[str, Any], page: Path = PAGE) -> None:
    """Put each scenario's section between its marks; those of other scenarios stay."""
    text = page.read_text("utf-8")
    for outcome in outcomes:
        text = with_section(text, outcome.scenario.name, as_markdown(outcome, about))
    page.write_text(text, "utf-8")


def with_section(text: str, name: str, section: str) -> str:
    """The page with what is between the marks of `name` replaced; raises ValueError if they are not there."""
    begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"the page has no marks for {name}")
    return f"{before}{begin}{section}{end}{after}"
