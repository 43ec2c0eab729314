"""The peers' settings: each candidate measured, the best printed. The choice is fixed in clients.TUNED."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from bench.clients import Options, options_for
from bench.report import with_section

PAGE = Path(__file__).parent / "peers.md"


@dataclass(frozen=True)
class Candidate:
    """One command line of one peer for one kind of work."""

    client: str
    scenario: str
    options: Options

    @property
    def work(self) -> tuple[str, str]:
        """Who is swept for what: candidates of the same are rivals."""
        return self.client, self.scenario

    @property
    def is_fixed(self) -> bool:
        """Whether this is the one in use."""
        return self.options == options_for(self.client, self.scenario)


@dataclass(frozen=True)
class Swept:
    """What came out for a candidate: rates of each run, in the scenario's measure."""

    candidate: Candidate
    unit: str
    by_wall: tuple[float, ...]
    at_endpoint: tuple[float, ...]
    peak_rss_mib: float


def candidates() -> Iterator[Candidate]:
    """Everything that `make bench-sweep` tries, defaults first."""
    quiet = ("--log-level=ERROR",)
    for scenario in ("small", "large-1", "large-64"):
        yield Candidate("azcopy", scenario, Options())
        for value in ("8", "16", "32", "64", "128", "AUTO"):
            yield Candidate("azcopy", scenario, Options(quiet, {"AZCOPY_CONCURRENCY_VALUE": value}))
    for size, value in product(("16", "32"), ("16", "32")):
        yield Candidate(
            "azcopy", "large-1", Options((*quiet, f"--block-size-mb={size}"), {"AZCOPY_CONCURRENCY_VALUE": value})
        )
    yield Candidate("azcopy", "rerun", Options())
    for value in ("16", "32", "64"):
        yield Candidate("azcopy", "rerun", Options(quiet, {"AZCOPY_CONCURRENCY_VALUE": value}))
    yield Candidate("rclone", "small", Options())
    for transfers in (8, 16, 32, 64):
        yield Candidate("rclone", "small", Options((f"--transfers={transfers}", f"--checkers={max(8, transfers)}")))
    yield Candidate("rclone", "large-1", Options())
    for parts, size in product((4, 16, 32), ("4Mi", "16Mi")):
        flags = (f"--azureblob-upload-concurrency={parts}", f"--azureblob-chunk-size={size}")
        yield Candidate("rclone", "large-1", Options(flags))
    yield Candidate("rclone", "large-64", Options())
    for transfers in (2, 8, 16):
        yield Candidate("rclone", "large-64", Options((f"--transfers={transfers}",)))
    yield Candidate("rclone", "rerun", Options())
    for checkers in (16, 32, 64):
        yield Candidate("rclone", "rerun", Options((f"--checkers={checkers}",)))
    yield Candidate("rclone", "rerun", Options(("--checkers=16", "--fast-list")))


def as_markdown(swept: list[Swept]) -> str:
    """The sweep's table; the best of each peer and kind in bold, the fixed one marked."""
    lines = ["| peer | work | settings | by wall | at the endpoint | RSS MiB | |", "|---|---|---|---|---|---|---|"]
    for each in swept:
        best = max((o for o in swept if o.candidate.work == each.candidate.work), key=lambda other: max(other.by_wall))
        wall = f"{max(each.by_wall):,.0f} {each.unit}"
        lines.append(
            f"| {each.candidate.client} | {each.candidate.scenario} | `{each.candidate.options}` | "
            f"{f'**{wall}**' if each is best else wall} | "
            f"{f'{max(each.at_endpoint):,.0f} {each.unit}' if any(each.at_endpoint) else '-'} | "
            f"{each.peak_rss_mib:.0f} | {'fixed' if each.candidate.is_fixed else ''} |"
        )
    return "\n".join(lines) + "\n"


def fixed_markdown() -> str:
    """The settings in use."""
    lines = ["| peer | work | settings |", "|---|---|---|"]
    lines += [
        f"| {client} | {work} | `{options_for(client, work)}` |"
        for client, work in dict.fromkeys(each.work for each in candidates())
    ]
    return "\n".join(lines) + "\n"


def write_page(swept: list[Swept], page: Path = PAGE) -> None:
    """Put the tables into peers.md, between their marks: the fixed settings, and each kind of work that was swept."""
    text = with_section(page.read_text("utf-8"), "fixed", fixed_markdown())
    for scenario in dict.fromkeys(each.candidate.scenario for each in swept):
        rows = [each for each in swept if each.candidate.scenario == scenario]
        text = with_section(text, f"sweep {scenario}", as_markdown(rows))
    page.write_text(text, "utf-8")
