"""A church, its SQL Server and a Mission, and imports between them with the agent's own engine."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.church import Church, Shape, generate
from local.mission.direct import DirectMission
from local.sqlserver import SqlServer
from migrate_agent.control.retry import Backoff
from migrate_agent.engine_results import EngineResult
from migrate_agent.network import Network
from migrate_agent.rockrms.connection_string import read_connection_string
from migrate_agent.rockrms.import_engine import ImportEngine
from migrate_agent.rockrms.import_run import ImportPorts, RunSettings
from migrate_agent.rockrms.import_wiring import real_ports
from migrate_agent.rockrms.pipeline import PipelineSettings
from migrate_agent.stop import StopSignal
from migrate_agent.store.import_entries import REPORT
from migrate_agent.store.import_journal import ImportJournal
from migrate_contract.jobs import JobSpec, JobType, MissionDestination, RockRmsSource
from migrate_contract.rockrms import EntityProgress, ImportReport, ImportSettings

PROJECT = "prj_000000000001"
JOB = "job_000000000001000000000001"
QUICK = RunSettings(
    PipelineSettings(backoff=Backoff(first_seconds=0.01, ceiling_seconds=0.05), full_disk_seconds=0.01),
    backoff=Backoff(first_seconds=0.01, ceiling_seconds=0.05),
)


def a_spec(attempt: int = 1, *, hold: bool = False, approved: bool = False, **settings: Any) -> JobSpec:
    """Result: the spec of an import of everything."""
    return JobSpec(
        job_id=JOB,
        attempt=attempt,
        name="RockRMS to Mission",
        type=JobType.ROCKRMS_IMPORT,
        source=RockRmsSource(project_id=PROJECT),
        destination=MissionDestination(url="https://mission.test"),
        rockrms=ImportSettings(time_zone="America/Phoenix", **settings),
        hold_after_scan=hold,
        approved=approved,
    )


class RockImport:
    """One agent's imports of a church. `folder` is its state: another folder is another agent."""

    def __init__(self, folder: Path, server: SqlServer, mission: DirectMission) -> None:
        self.folder, self.server, self.mission = folder, server, mission
        folder.mkdir(parents=True, exist_ok=True)
        self.journal: ImportJournal | None = None

    def ports(self) -> ImportPorts:
        """Result: the real ones, but for Mission, which is in this process."""
        connection = read_connection_string(self.server.connection_string())
        real = real_ports(connection, self.mission.access(), Network(), self.folder / "workbook.db")
        return dataclasses.replace(real, open_mission=self.mission.client, mission_url="https://mission.test")

    def run(
        self,
        spec: JobSpec | None = None,
        *,
        stop: StopSignal | None = None,
        approved: bool = False,
        on_phase: Callable[[ImportEngine], None] = lambda _: None,
        limits: RunSettings = QUICK,
    ) -> EngineResult:
        """Result: how one process's engine ended. Its journal stays open until the next run."""
        spec = spec or a_spec()
        self.close()
        self.journal = ImportJournal(self.folder / "project.db", spec.job_id, spec.attempt)
        engine = ImportEngine(
            spec,
            self.journal,
            lambda _: self.ports(),
            stop or StopSignal(),
            approved=approved,
            on_phase=lambda: on_phase(engine),
            limits=limits,
        )
        return engine.run()

    @property
    def report(self) -> ImportReport:
        """Result: the newest report of the last run."""
        assert self.journal is not None
        text = self.journal.kept(REPORT)
        assert text is not None
        return ImportReport.model_validate_json(text)

    @property
    def progress(self) -> list[EntityProgress]:
        """Result: the counts of the last run."""
        assert self.journal is not None
        return self.journal.progress()

    def close(self) -> None:
        """Ends the journal."""
        if self.journal is not None:
            self.journal.close()


def a_church(folder: Path, *, people: int = 300, seed: int = 7, shape: Shape = Shape.CURRENT) -> Church:
    """Result: a small church."""
    folder.mkdir(parents=True, exist_ok=True)
    return generate(folder / "rock.sqlite", seed=seed, people=people, shape=shape)
