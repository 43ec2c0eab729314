"""One import with no control plane: its own state folder, the same engine, resumable by the same command.

A folder per Mission and database, beside those of other imports. An attempt that has not ended goes on; after one that
has, the next command begins another, which sends only what changed.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from migrate_agent.engine_results import EngineResult, Snapshot
from migrate_agent.network import Network
from migrate_agent.rockrms.connection_string import RockConnection
from migrate_agent.rockrms.import_engine import ImportEngine, StepTime
from migrate_agent.rockrms.import_wiring import real_ports
from migrate_agent.runtime.instance_lock import InstanceLock
from migrate_agent.runtime.watching import watching
from migrate_agent.stop import StopSignal
from migrate_agent.store.import_entries import REPORT
from migrate_agent.store.import_journal import ImportJournal, newest_run
from migrate_contract.jobs import JobSpec, JobType, MissionDestination, RockRmsSource
from migrate_contract.rockrms import ImportLogRow, ImportReport, ImportSettings, LogKind, MissionAccess

_LOOK_SECONDS = 0.5
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True)
class ImportRequest:
    """What to import, from where to where. `access` None: a dry run without a Mission."""

    connection: RockConnection = field(repr=False)
    access: MissionAccess | None
    settings: ImportSettings

    @property
    def name(self) -> str:
        """Result: what this import's folder and job are called: the same for the same database and Mission."""
        shown = self.connection.shown()
        url = self.access.url.rstrip("/").lower() if self.access else ""
        where = f"{shown.server}\n{shown.port}\n{shown.instance}\n{shown.database}\n{url}".lower()
        digest = hashlib.sha256(where.encode()).digest()
        return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:24])

    def spec(self, attempt: int) -> JobSpec:
        """Result: the job."""
        return JobSpec(
            job_id=f"job_{self.name}",
            attempt=attempt,
            name="RockRMS to Mission",
            type=JobType.ROCKRMS_IMPORT,
            source=RockRmsSource(project_id=f"prj_{self.name[:12]}"),
            destination=MissionDestination(url=self.access.url[:256] if self.access else ""),
            rockrms=self.settings,
        )


@dataclass(frozen=True)
class ImportEnd:
    """How it ended. `resumed`: an earlier process had begun it. `errored`: the first records that Mission refused."""

    result: EngineResult
    snapshot: Snapshot
    resumed: bool
    report: ImportReport | None
    errored: list[ImportLogRow]
    began: float
    """When the engine began, in seconds since 1970."""
    timings: dict[str, StepTime]


def run_import(
    request: ImportRequest,
    folder: Path,
    network: Network,
    stop: StopSignal,
    *,
    watch: Callable[[Snapshot], None],
    most_errored: int = 10_000,
) -> ImportEnd:
    """Result: the import's end; `watch` hears how far it is twice a second. `folder` holds the journals of imports.

    Raises Fatal (already-running, journal-unreadable), Retryable(disk-full).
    """
    own = folder / request.name
    with InstanceLock(own):
        path = own / "import.db"
        job_id = request.spec(1).job_id
        newest = newest_run(path, job_id) if path.exists() else None
        settings = request.settings.model_dump_json()
        resumed = newest is not None and not newest.over and newest.settings in (None, settings)
        attempt = 1 if newest is None else newest.attempt + (0 if resumed else 1)
        journal = ImportJournal(path, job_id, attempt)
        try:
            workbook = own / "workbook.db"
            if not resumed:
                workbook.unlink(missing_ok=True)
            ports = real_ports(request.connection, request.access, network, workbook)
            engine = ImportEngine(request.spec(attempt), journal, lambda _: ports, stop)
            began = time.time()
            with watching(engine.snapshot, watch, _LOOK_SECONDS):
                result = engine.run()
            text = journal.kept(REPORT)
            return ImportEnd(
                result,
                engine.snapshot(),
                resumed and journal.fixed is not None,
                ImportReport.model_validate_json(text) if text else None,
                journal.log_rows(1, most_errored, [LogKind.ERRORED]),
                began,
                engine.timings,
            )
        finally:
            journal.close()
