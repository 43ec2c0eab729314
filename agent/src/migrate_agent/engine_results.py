"""What every engine tells others, of files or of an import: how far it is, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field

from migrate_contract.jobs import FileFault, JobFault, JobPhase, Outcome, Tally, Waiting
from migrate_contract.rockrms import EntityProgress
from migrate_contract.schedule import LimitInForce


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How far the attempt is, from any thread. Counts are on the disk, so a crash never makes them shrink."""

    phase: JobPhase
    scan_complete: bool = False
    files: Tally = field(default_factory=Tally)
    bytes: Tally = field(default_factory=Tally)
    verified_files: int = 0
    retries: int = 0
    speed_bytes_per_second: float = 0.0
    """Of payload over the last seconds."""
    average_bytes_per_second: float = 0.0
    """Of payload since this process's first upload of the attempt."""
    eta_seconds: float | None = None
    """None until the scan is complete and something moves."""
    staged_bytes: int = 0
    """At the service already, of files that are not committed: a part of what is pending."""
    waiting: Waiting = field(default_factory=Waiting)
    recent_faults: list[FileFault] = field(default_factory=list)
    waited_seconds: dict[str, float] = field(default_factory=dict)
    """Worker-seconds per wait reason since the engine started."""
    limit: LimitInForce | None = None
    """The bandwidth limit that holds now; None: none."""
    concurrency: int = 0
    """Requests in flight that are allowed now; 0: not known."""
    advice: str = ""
    """One sentence of transfer/advice.py, or nothing."""
    entities: list[EntityProgress] = field(default_factory=list)
    """Of an import, whose files and bytes stay zero."""
    records_per_second: float = 0.0
    """Of an import, over the last seconds."""


@dataclass(frozen=True, slots=True)
class EngineResult:
    """How `run` ended.

    `phase` is completed, failed, paused or cancelled; or, with `stopped`, the phase in which the process was asked to
    stop: the attempt goes on when the engine is run again.
    """

    phase: JobPhase
    outcome: Outcome | None = None
    """Of a completed attempt: complete if no file failed."""
    fault: JobFault | None = None
    """Of a failed attempt."""
    stopped: bool = False
