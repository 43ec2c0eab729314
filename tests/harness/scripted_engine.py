"""An engine for the tests of the agent's loops: it does what the test says, and writes a real journal."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from migrate_agent.engine_results import EngineResult, Snapshot
from migrate_agent.stop import StopKind, StopSignal
from migrate_agent.store.entries import FileState, Found, Verdict
from migrate_agent.store.job_journal import JobJournal
from migrate_agent.store.journal import JobRecord
from migrate_contract.jobs import BlobDestination as Destination
from migrate_contract.jobs import Bucket, JobPhase, JobSpec, JobType, LocalSource, Outcome, Verification
from migrate_contract.schedule import LimitInForce


def a_spec(number: int = 1, attempt: int = 1, **more: object) -> JobSpec:
    """Result: the spec of job `number`."""
    return JobSpec(
        job_id=f"job_{number:024d}",
        attempt=attempt,
        name=f"job {number}",
        type=JobType.MIGRATE_FILES,
        source=LocalSource(path="/srv/share"),
        destination=Destination(container="container"),
        **more,  # type: ignore[arg-type]
    )


@dataclass
class Script:
    """What every engine of a test does: `files` files, one each time `step` is set (or all at once)."""

    files: int = 3
    go: threading.Event = field(default_factory=threading.Event)
    """Files are copied while it is set."""
    runs: list[tuple[str, int]] = field(default_factory=list)
    """(job, attempt) of each engine that ran, in order."""
    running: list[ScriptedEngine] = field(default_factory=list)

    def make(
        self, record: JobRecord, journal: JobJournal, stop: StopSignal, on_phase: Callable[[], None]
    ) -> ScriptedEngine:
        """A MakeEngine (runtime/job_runner.py)."""
        engine = ScriptedEngine(self, record, journal, stop, on_phase)
        self.running.append(engine)
        return engine


class ScriptedEngine:
    """Scans at once, then copies one file after another while the script says go."""

    def __init__(
        self, script: Script, record: JobRecord, journal: JobJournal, stop: StopSignal, on_phase: Callable[[], None]
    ) -> None:
        self.script, self.record, self.journal, self.stop, self.on_phase = script, record, journal, stop, on_phase
        self.phase = JobPhase.QUEUED
        self.limits: list[LimitInForce | None] = []
        """What it was told, oldest first."""
        self.approved = threading.Event()
        if record.approved:
            self.approved.set()

    def run(self) -> EngineResult:
        """Result: as the script and the stop signal say."""
        self.script.runs.append((self.record.job_id, self.record.attempt))
        self._enter(JobPhase.SCANNING)
        if not self.journal.scan_complete:
            self.journal.add_found([Found(path=f"file-{index}", size_bytes=10) for index in range(self.script.files)])
            self.journal.finish_scan()
        if self.record.spec.hold_after_scan and not self.approved.is_set():
            self._enter(JobPhase.READY)
            while not self.approved.wait(0.01):
                if self.stop.requested:
                    return self._stopped()
        self._enter(JobPhase.RUNNING)
        for entry in self.journal.pending(FileState.PENDING, 0, 1000):
            while not self.script.go.wait(0.01):
                if self.stop.requested:
                    return self._stopped()
            if self.stop.requested:
                return self._stopped()
            verdict = Verdict(FileState.FINAL, Bucket.TRANSFERRED, 10, md5="0" * 32, verification=Verification.STORED)
            self.journal.record(entry.file_id, verdict)
            self.journal.flush()
        return EngineResult(JobPhase.COMPLETED, outcome=Outcome.COMPLETE)

    def approve(self) -> None:
        """Goes on after the scan."""
        self.approved.set()

    def set_limit(self, limit: LimitInForce | None) -> None:
        """Kept for the test to look at."""
        self.limits.append(limit)

    def snapshot(self) -> Snapshot:
        """As the journal says."""
        counters = self.journal.counters()
        return Snapshot(
            phase=self.phase,
            scan_complete=self.journal.scan_complete,
            files=counters.files,
            bytes=counters.bytes,
            verified_files=counters.verified_files,
        )

    def _enter(self, phase: JobPhase) -> None:
        self.phase = phase
        self.on_phase()

    def _stopped(self) -> EngineResult:
        self.journal.flush()
        if self.stop.kind is StopKind.PAUSE:
            return EngineResult(JobPhase.PAUSED)
        if self.stop.kind is StopKind.CANCEL:
            return EngineResult(JobPhase.CANCELLED)
        return EngineResult(self.phase, stopped=True)
