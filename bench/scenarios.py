"""What is measured: folders, copies within one run, how the endpoint answers, and what is aimed at."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum, unique
from types import MappingProxyType

from bench.sink.process import Behaviour
from bench.trees import TreeKind

MIB = 1 << 20


@unique
class Mode(StrEnum):
    """What a client is asked to do."""

    COPY = "copy"
    """Into an empty container."""
    RERUN = "rerun"
    """Into the container of its own earlier copy, with nothing changed."""


@unique
class Measure(StrEnum):
    """The rate that a scenario is about."""

    FILES = "files/s"
    BYTES = "MiB/s"


@dataclass(frozen=True)
class Scenario:
    """One line of work."""

    name: str
    what: str
    """With {files}, {size} and {copies} for what is copied."""
    tree: TreeKind
    measure: Measure
    tuning: str
    """Which of the peers' fixed settings (clients.TUNED); "default" is none."""
    copies: int = 1
    """Copies within one run, one after the other, so that a run lasts half a minute or more."""
    mode: Mode = Mode.COPY
    behaviour: Behaviour = field(default_factory=Behaviour)
    target: float = 1.0
    """Our rate must be this many times..."""
    against: str = "better peer"
    """...that of this client, or of the better peer."""
    rss_mib: int = 200
    """Bound of our memory; more for large blocks, of which 192 MiB may be in flight."""
    clients: tuple[str, ...] = ("azcopy", "rclone", "agent")
    on_request: tuple[str, ...] = ()
    """Clients that are measured only when named."""

    @property
    def title(self) -> str:
        """One line that says what is measured, with the numbers of this scale."""
        size = self.tree.most_bytes // MIB
        shown = f"{size // 1024} GiB" if size >= 1024 else f"{size} MiB"
        return self.what.format(files=f"{self.tree.files:,}", size=shown, copies=self.copies)

    def wanted(self, named: Collection[str] | None) -> list[str]:
        """Who is measured: the clients named, or those of this scenario."""
        return [
            name for name in (*self.clients, *self.on_request) if (name in named if named else name in self.clients)
        ]

    def scaled(self, factor: float) -> Scenario:
        """A smaller one for a trial: fewer files, smaller huge ones, and one copy."""
        if factor >= 1:
            return self
        tree = self.tree
        if tree.files >= 1000:
            tree = replace(tree, files=max(1000, round(tree.files * factor)))
        elif tree.files > 1:
            tree = replace(tree, files=max(4, round(tree.files * factor)))
        else:
            size = max(256 * MIB, round(tree.most_bytes * factor))
            tree = replace(tree, name=f"{tree.name}-{size // MIB}m", least_bytes=size, most_bytes=size)
        return replace(self, tree=tree, copies=max(1, round(self.copies * factor)))


_SMALL = TreeKind("small", 300_000, 1 << 10, 32 << 10)
_SMALL_FAR = TreeKind("small", 40_000, 1 << 10, 32 << 10)
_LARGE_1 = TreeKind("large-1", 1, 4096 * MIB, 4096 * MIB)
_LARGE_64 = TreeKind("large-64", 64, 64 * MIB, 64 * MIB)
_FAR = Behaviour(delay_ms=30)
_LARGE_RSS_MIB = 320

_ALL = (
    Scenario("small", "{files} files of 1-32 KiB", _SMALL, Measure.FILES, "small", target=2.0),
    Scenario(
        "large-1",
        "one file of {size}, copied {copies} times a run",
        _LARGE_1,
        Measure.BYTES,
        "large-1",
        copies=4,
        target=1.4,
        rss_mib=_LARGE_RSS_MIB,
    ),
    Scenario(
        "large-64",
        "{files} files of {size}, copied {copies} times a run",
        _LARGE_64,
        Measure.BYTES,
        "large-64",
        copies=4,
        target=1.4,
        rss_mib=_LARGE_RSS_MIB,
    ),
    Scenario(
        "small-30ms",
        "{files} files of 1-32 KiB, 30 ms before each answer, all at their defaults",
        _SMALL_FAR,
        Measure.FILES,
        "default",
        behaviour=_FAR,
        target=5.0,
        against="azcopy",
        clients=("azcopy", "agent"),
        on_request=("rclone",),
    ),
    Scenario(
        "large-1-30ms",
        "one file of {size}, copied {copies} times a run, 30 ms before each answer, all at their defaults",
        _LARGE_1,
        Measure.BYTES,
        "default",
        copies=4,
        behaviour=_FAR,
        against="azcopy",
        rss_mib=_LARGE_RSS_MIB,
    ),
    Scenario(
        "large-64-30ms",
        "{files} files of {size}, copied {copies} times a run, 30 ms before each answer, all at their defaults",
        _LARGE_64,
        Measure.BYTES,
        "default",
        copies=4,
        behaviour=_FAR,
        against="azcopy",
        rss_mib=_LARGE_RSS_MIB,
    ),
    Scenario(
        "rerun",
        "{files} files of 1-32 KiB, nothing changed since the last copy",
        TreeKind("small", 200_000, 1 << 10, 32 << 10),
        Measure.FILES,
        "rerun",
        mode=Mode.RERUN,
        target=3.0,
    ),
    Scenario(
        "scan",
        "{files} files of 1-256 bytes: memory over time, first upload",
        TreeKind("tiny", 1_000_000, 1, 256),
        Measure.FILES,
        "small",
        clients=("agent",),
        on_request=("azcopy", "rclone"),
    ),
)
SCENARIOS: Mapping[str, Scenario] = MappingProxyType({each.name: each for each in _ALL})
FIRST_UPLOAD_SECONDS = 1.0
"""Aim of `scan`: from the start of the process to the first upload at the endpoint."""
FLAT_FACTOR = 1.2
"""Aim of `scan`: memory of the last quarter at most this many times that of the second."""
