"""What waits to be told of one attempt while the control plane is away: each phase change, and the newest numbers."""

from __future__ import annotations

from dataclasses import dataclass, field

from migrate_contract.jobs import JobPhase, Progress

_KEPT_CHANGES = 32


@dataclass
class Report:
    """A progress report and when it was measured (monotonic seconds)."""

    progress: Progress
    measured_at: float


@dataclass
class Desk:
    """What waits to be sent for one attempt, and when to look at it again (monotonic seconds)."""

    attempt: int
    waiting: list[Report] = field(default_factory=list)
    due_at: float = 0.0
    not_before: float = 0.0
    failures: int = 0
    seen_phase: JobPhase | None = None
    told: str = ""

    def add(self, report: Report) -> None:
        """Keeps phase changes; a report of the same phase replaces the one before."""
        if self.waiting and self.waiting[-1].progress.phase is report.progress.phase:
            self.waiting.pop()
        self.waiting.append(report)
        del self.waiting[:-_KEPT_CHANGES]
