"""A church, imported without pipeline or journal: source, mapping and sender in one small loop; and verified."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from local.church import Church
from local.mission.direct import DirectMission
from local.sqlserver import SqlServer
from migrate_agent.rockrms.mapping import Mapper
from migrate_agent.rockrms.mission.patience import Patience
from migrate_agent.rockrms.mission.port import Envelope, Fund, ResultStatus
from migrate_agent.rockrms.mission.sender import Sender
from migrate_agent.rockrms.reconcile.ports import ImportedTally, ReportFacts, Scope
from migrate_agent.rockrms.reconcile.sides import ReadAgain, RockRows
from migrate_agent.rockrms.reconcile.verify import Verification, dry_run, take_before, verify
from migrate_agent.rockrms.records import Mapped, RockFacts
from migrate_agent.rockrms.source import RockReader
from migrate_agent.rockrms.source.connection import SqlConnection, driver_connect
from migrate_agent.stop import StopSignal
from migrate_contract.rockrms import Entity, ImportReport, ImportSettings
from tests.harness.sql_driver import odbc_string

ZONE = "America/Chicago"
AT = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def wishes(**more: object) -> ImportSettings:
    return ImportSettings.model_validate({"time_zone": ZONE, **more})


@dataclass
class SmallJournal:
    """What the loop wrote down."""

    tallies: dict[Entity, dict[str, int]] = field(default_factory=dict)
    left_out: dict[Entity, list[tuple[int, str]]] = field(default_factory=dict)
    failed: dict[Entity, list[tuple[int, str]]] = field(default_factory=dict)
    forgotten: dict[Entity, list[int]] = field(default_factory=dict)

    def tally(self, entity: Entity) -> ImportedTally:
        return ImportedTally(**self.tallies.get(entity, {}))

    def errored(self, entity: Entity) -> Iterable[tuple[int, str]]:
        return self.failed.get(entity, [])

    def skipped(self, entity: Entity) -> Iterable[tuple[int, str]]:
        return self.left_out.get(entity, [])

    def sha256(self) -> str:
        return "0" * 64

    def forget(self, entity: Entity, source_ids: Sequence[int]) -> None:
        self.forgotten.setdefault(entity, []).extend(source_ids)


class Reconciled:
    """One church, one SQL Server, one Mission, one import."""

    def __init__(self, church: Church, folder: Path, settings: ImportSettings, mission: DirectMission) -> None:
        self.church, self.folder, self.settings, self.mission = church, folder, settings, mission
        self.server = SqlServer(church.path)
        self.server.start()
        self.stop = StopSignal()
        self.journal = SmallJournal()
        self._connect = driver_connect(odbc_string(self.server, encrypt=False))
        self.source = self.reader(settings)
        self.facts: RockFacts = self.source.facts()
        self.mapper = Mapper(self.facts, settings)
        self.high_water = {entity: self.source.high_water(entity) for entity in Entity}
        self.client = mission.client(Patience(self.stop))
        self._sender: Sender | None = None

    def reader(self, settings: ImportSettings) -> RockReader:
        return RockReader(self._connect, settings, server="localhost", database="RockRMS")

    def close(self) -> None:
        self.source.close()
        self.server.stop()

    @property
    def scope(self) -> Scope:
        return Scope(self.facts, self.settings, self.high_water)

    def rock(self) -> RockRows:
        return RockRows(SqlConnection(self._connect, where="localhost, RockRMS"))

    def sender(self) -> Sender:
        if self._sender is None:
            self._sender = Sender(self.client, self.envelope, Patience(self.stop), scope="job/1")
        return self._sender

    @property
    def envelope(self) -> Envelope:
        return Envelope(self.facts.install, ZONE)

    def run(self) -> None:
        """Imports everything."""
        funds = [
            Fund(self.facts.external_id("FinancialAccount", account.guid), account.name, None, account.is_active)
            for account in self.facts.accounts.values()
        ]
        self.client.create_funds(self.envelope, funds, "funds-1")
        for entity in Entity:
            if entity in self.settings.entities:
                self._entity(entity)

    def _entity(self, entity: Entity) -> None:
        counts = {"imported": 0, "updated": 0, "unchanged": 0, "skipped": 0, "errored": 0}
        names = {
            ResultStatus.CREATED: "imported",
            ResultStatus.UPDATED: "updated",
            ResultStatus.UNCHANGED: "unchanged",
            ResultStatus.REFUSED: "errored",
        }
        for page in self.source.pages(entity, 0, self.high_water[entity]):
            mapped = self.mapper.map(entity, page)
            self.journal.left_out.setdefault(entity, []).extend(
                (each.source_id, each.code.value) for each in mapped if not isinstance(each, Mapped)
            )
            counts["skipped"] += sum(not isinstance(each, Mapped) for each in mapped)
            for sent in self.sender().send(entity, [each for each in mapped if isinstance(each, Mapped)]):
                counts[names[sent.status]] += 1
                if sent.status is ResultStatus.REFUSED:
                    self.journal.failed.setdefault(entity, []).append((sent.source_id, sent.code or "?"))
        self.journal.tallies[entity] = counts

    def resend(self, entity: Entity, source_ids: Sequence[int]) -> None:
        for start in range(0, len(source_ids), 500):
            page = self.source.reread(entity, source_ids[start : start + 500])
            mapped = self.mapper.map(entity, page)
            self.sender().send(entity, [each for each in mapped if isinstance(each, Mapped)])

    def take_before(self) -> None:
        take_before(self.rock(), self.scope, self.folder / "workbook.sqlite", self.stop)

    def verification(self, *, asked: bool = True) -> Verification:
        return Verification(
            rock=self.rock(),
            scope=self.scope,
            facts=ReportFacts(1),
            workbook=self.folder / "workbook.sqlite",
            stop=self.stop,
            now=lambda: AT,
            started_at=AT,
            journal=self.journal,
            mapped=ReadAgain(self.source, self.mapper),
            mission=self.client if asked else None,
            resend=self,
        )

    def verify(self, *, asked: bool = True) -> ImportReport:
        return verify(self.verification(asked=asked))

    def dry_run(self) -> ImportReport:
        return dry_run(self.verification(asked=False))
