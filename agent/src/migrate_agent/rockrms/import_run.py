"""The steps of one import, from the first look at Rock to the report; import_engine.py puts phases around them.

Each step may be run again after a crash: what is fixed is in the journal, what is done is behind its checkpoints.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from migrate_agent import __version__
from migrate_agent.control.retry import Backoff
from migrate_agent.rockrms.aftermath import Aftercare, Aftermath, Happened
from migrate_agent.rockrms.decisions import TABLES
from migrate_agent.rockrms.funds import FundMap, map_funds
from migrate_agent.rockrms.gauge import Gauge
from migrate_agent.rockrms.mission.patience import Patience
from migrate_agent.rockrms.mission.port import Envelope, Fund, MissionClient, MissionStatus
from migrate_agent.rockrms.mission.sender import Sender
from migrate_agent.rockrms.patient_source import PatientRows, PatientSource, SourcePatience
from migrate_agent.rockrms.pipeline import Maps, Pipeline, PipelineSettings, persist
from migrate_agent.rockrms.quality import people_findings
from migrate_agent.rockrms.reconcile import verify as reconcile
from migrate_agent.rockrms.reconcile.ports import ReportFacts, Scope, SqlReader
from migrate_agent.rockrms.reconcile.rock_findings import funds as funds_used
from migrate_agent.rockrms.reconcile.sides import JournalReasons, ReadAgain
from migrate_agent.rockrms.reconcile.workbook import Workbook
from migrate_agent.rockrms.records import RockFacts, RockSource
from migrate_agent.stop import StopKind, StopSignal
from migrate_agent.store.import_entries import Fixed, ImportPass
from migrate_agent.store.import_journal import ImportJournal
from migrate_contract.errors import ErrorCode, Fatal, Retryable
from migrate_contract.jobs import WaitReason
from migrate_contract.rockrms import (
    MAX_REPORT_BODY_BYTES,
    Entity,
    ImportReport,
    ImportSettings,
    QualityFinding,
    ReportMission,
    ReportSource,
    Tallied,
    Versions,
)

log = logging.getLogger(__name__)

Found = TypeVar("Found")
_MOST_BYTES = MAX_REPORT_BODY_BYTES - 128 * 1024
_AFTER = "aftermath"
_BEFORE = "before"
_ALREADY = "already_in_mission"


@dataclass(frozen=True, slots=True)
class ImportPorts:
    """What an import works on; tests put their own in."""

    open_source: Callable[[ImportSettings, RockFacts | None], RockSource]
    """A source of its own for each thread; facts that are known already are not read again."""
    make_mapper: Callable[[RockFacts, ImportSettings, dict[str, str]], Maps]
    """The last: account guid to Mission's own fund."""
    mapping_version: str
    open_mission: Callable[[Patience], MissionClient] | None
    """None: a dry run without a Mission."""
    mission_url: str
    open_sql: Callable[[], SqlReader] | None
    """The verification's own connection; None: nothing is verified."""
    workbook: Path
    """A file beside the journal that the verification may write."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    """Patience of a run; tests shorten it."""

    pipeline: PipelineSettings = field(default_factory=PipelineSettings)
    backoff: Backoff = field(default_factory=Backoff)


class SendAgain:
    """A Resend (reconcile/ports.py): what the verification finds changed in Rock is sent again."""

    def __init__(self, care: Aftercare) -> None:
        self._care = care

    def resend(self, entity: Entity, source_ids: Sequence[int]) -> None:
        """Reads these records again, maps and sends them."""
        for start in range(0, len(source_ids), 500):
            self._care.again(entity, source_ids[start : start + 500], Happened.DIFFERS)


class ImportRun:
    """One attempt. Everything but `gauge` and `waiting` is for one thread."""

    def __init__(
        self,
        scope: str,
        attempt: int,
        settings: ImportSettings,
        journal: ImportJournal,
        ports: ImportPorts,
        stop: StopSignal,
        *,
        limits: RunSettings | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`scope` names the job and its attempt: Mission tells repeated batches by it. Nothing is opened yet."""
        self._scope, self._attempt, self._settings = scope, attempt, settings
        self._journal, self._ports, self._stop = journal, ports, stop
        self._limits = limits or RunSettings()
        self._now = now
        self._work = stop.child()
        """Ends what waits for Mission, when something else has broken."""
        self.patience = Patience(self._work, backoff=self._limits.backoff)
        self.gauge = Gauge()
        self._sources = SourcePatience(stop, self.gauge, self._limits.backoff)
        self._client: MissionClient | None = None
        self._status: MissionStatus | None = None
        self._open: list[RockSource] = []
        self._source: RockSource
        self._facts: RockFacts
        self._fixed: Fixed
        self._funds = FundMap()

    @property
    def entities(self) -> list[Entity]:
        """Result: those of the job, in the order of import."""
        return [entity for entity in Entity if entity in self._settings.entities]

    def close(self) -> None:
        """Ends every connection."""
        self._work.request(StopKind.STOP)
        for source in self._open:
            source.close()
        if self._client is not None:
            self._client.close()

    # Before anything is sent

    def prepare(self) -> None:
        """Looks at both sides, fixes what this run goes by, counts, and maps the funds.

        Raises Fatal as both sides do, StopRequested.
        """
        self._source = self._open_source(self._settings)
        self._facts = self._source.facts()
        if self._ports.open_mission is not None:
            self._client = self._ports.open_mission(self.patience)
            self._status = _if_readable(self._client.status, None)
        self._fixed = self._journal.fixed or self._fix()
        if self._fixed.install != self._facts.install:
            raise Fatal(
                ErrorCode.NOT_A_ROCKRMS_DATABASE,
                f"the database names its install {self._facts.install}; this import began with {self._fixed.install}",
            )
        if self._journal.kept(_ALREADY) is None:
            self._keep(_ALREADY, json.dumps(self._already_there()))
        self._look_before()

    def _open_source(self, settings: ImportSettings, facts: RockFacts | None = None) -> RockSource:
        """Result: a source that waits for the database by itself."""
        source = PatientSource(self._ports.open_source(settings, facts), self._sources)
        self._open.append(source)
        return source

    def _open_sql(self) -> SqlReader:
        assert self._ports.open_sql is not None
        return PatientRows(self._ports.open_sql(), self._sources)

    def _fix(self) -> Fixed:
        marks = {entity: self._source.modified_mark(entity) for entity in self.entities}
        organization = self._status.organization if self._status else ""
        fixed = Fixed(
            target=f"{self._ports.mission_url} {organization}".strip(),
            install=self._facts.install,
            facts=json.dumps({"rock": self._facts.rock_version, "sql_server": self._facts.sql_version}),
            settings=self._settings.model_dump_json(),
            mapping_version=self._ports.mapping_version,
            high_water={entity: self._source.high_water(entity) for entity in Entity},
            started_at=self._now().isoformat(),
            marks={entity: mark.isoformat() for entity, mark in marks.items() if mark is not None},
        )
        return self._journal.start(fixed)

    def _already_there(self) -> dict[str, int]:
        """Result: how many records of this install Mission has of each entity, before anything is sent."""
        client = self._client
        nothing: dict[Entity, dict[str, int]] = {}
        counted = _if_readable(lambda: client.counts(self._facts.install), nothing) if client is not None else nothing
        return {entity.value: found.get("records", 0) for entity, found in counted.items()}

    def _look_before(self) -> None:
        """The verification's own first reading: what changes from now on is found by it; it knows the funds in use."""
        if self._ports.open_sql is not None and self._journal.kept(_BEFORE) is None:
            reconcile.take_before(self._open_sql(), self._scope_of(), self._ports.workbook, self._stop)
            self._keep(_BEFORE, "true")
        for entity in self.entities:
            which = ImportPass.IMPORT
            if self._journal.checkpoint(which, entity).last_id == 0:
                rows = self._source.count(entity, self._fixed.high_water[entity])
                persist(lambda entity=entity, rows=rows: self._expect(entity, rows), self._stop, self.gauge)  # type: ignore[misc]
        self._map_funds()

    def _expect(self, entity: Entity, rows: int) -> None:
        for which in ImportPass:
            self._journal.expect(which, entity, rows)

    def _map_funds(self) -> None:
        if Entity.CONTRIBUTIONS not in self.entities or self._ports.open_sql is None:
            return
        with Workbook(self._ports.workbook) as book:
            used = funds_used(self._scope_of(), book)
        client = self._client
        mission = _if_readable(client.funds, None) if client is not None else []
        if mission is None:
            # Nobody can look whether they are there: what was chosen is taken at its word.
            chosen = [choice.external_fund_id for choice in self._settings.funds if choice.external_fund_id]
            mission = [Fund(external_id, "") for external_id in chosen]
        self._funds = map_funds(
            used, self._facts.accounts.values(), self._settings.funds, mission, self._scope_of().new_fund
        )

    # The passes

    def dry_run(self) -> StopKind | None:
        """Result: None when every record was read and mapped, else what asked it to stop."""
        self._begin(ImportPass.DRY_RUN)
        return self._pipeline(ImportPass.DRY_RUN, None).run()

    def carry(self) -> StopKind | None:
        """Result: None when every record is decided, else what asked it to stop. Raises Fatal(fund-missing)."""
        if self._funds.missing:
            raise Fatal(ErrorCode.FUND_MISSING, "; ".join(self._funds.missing)[:2000])
        self._begin(ImportPass.IMPORT)
        return self._pipeline(ImportPass.IMPORT, self._sender()).run()

    def _begin(self, which: ImportPass) -> None:
        persist(lambda: self._journal.begin_pass(which), self._stop, self.gauge)
        self.gauge.restart()

    def _pipeline(self, which: ImportPass, sender: Sender | None) -> Pipeline:
        return Pipeline(
            lambda: self._ports.open_source(self._settings, self._facts),
            self._mapper(),
            sender,
            self._journal,
            self._stop,
            which=which,
            entities=self.entities,
            high_water=self._fixed.high_water,
            gauge=self.gauge,
            settings=self._limits.pipeline,
            before=self._before_entity if sender is not None else lambda _: None,
            over=self._work,
        )

    def _sender(self) -> Sender:
        assert self._client is not None
        size = self._settings.batch_size
        return Sender(self._client, self._envelope(), self.patience, scope=self._scope, batch_records=size)

    def _envelope(self) -> Envelope:
        return Envelope(self._facts.install, self._settings.time_zone)

    def _mapper(self) -> Maps:
        return self._ports.make_mapper(self._facts, self._settings, self._funds.there)

    def _before_entity(self, entity: Entity) -> None:
        """Every fund is in Mission before the first gift."""
        if entity is not Entity.CONTRIBUTIONS or self._client is None:
            return
        create = self._funds.create
        for start in range(0, len(create), 500):
            part = create[start : start + 500]
            answer = self._client.create_funds(self._envelope(), part, f"{self._scope}-funds-{start}")
            refused = [result for result in answer.results if result.status == "refused"]
            if refused:
                first = refused[0]
                raise Fatal(
                    ErrorCode.FUND_MISSING,
                    f"Mission does not take the fund {first.external_id} ({first.code}: {first.detail}), request"
                    f" {answer.request_id}",
                )

    # After the last page

    def settle(self) -> Aftermath:
        """Result: what Rock did meanwhile and what it no longer has; changed rows are sent again."""
        care = self._aftercare()
        found = self._patiently(lambda: care.run(self.entities))
        self._keep(_AFTER, found.to_json())
        return found

    def _aftercare(self) -> Aftercare:
        already = json.loads(self._journal.kept(_ALREADY) or "{}")
        marks = {entity: datetime.fromisoformat(text) for entity, text in self._fixed.marks.items()}
        unfiltered = self._settings.model_copy(
            update={"campus_ids": [], "include_without_campus": True, "date_range_start": None}
        )
        elsewhere = self._open_source(unfiltered, self._facts)
        return Aftercare(
            self._source,
            elsewhere,
            self._mapper(),
            self._sender(),
            self._client,
            self._envelope(),
            self._journal,
            self._stop,
            high_water=self._fixed.high_water,
            marks={entity: marks.get(entity) for entity in self.entities},
            external_id=lambda entity, number: self._facts.external_id(TABLES[entity], number),
            decisions={decision.external_id: decision.decision for decision in self._settings.gone},
            scope=self._scope,
            held_before=[entity for entity in self.entities if already.get(entity.value)],
            gauge=self.gauge,
        )

    # The report

    def dry_report(self) -> ImportReport | None:
        """Result: the report of a dry run, with its page of data quality."""
        if self._ports.open_sql is None:
            return None
        work = self._verification(None, None)
        report = self._patiently(lambda: reconcile.dry_run(work))
        missing = [
            QualityFinding(
                code=ErrorCode.FUND_MISSING.value,
                label="A fund that was chosen is not in Mission",
                entity=Entity.CONTRIBUTIONS,
                count=len(self._funds.missing),
                examples=[text[:400] for text in self._funds.missing[:20]],
            )
        ]
        rows = self._open_sql()
        people = (
            self._patiently(
                lambda: people_findings(lambda sql, values: list(rows.rows(sql, values)), self._facts, self._settings)
            )
            if Entity.PEOPLE in self.entities
            else []
        )
        return self._with_flags(report, [*(missing if self._funds.missing else []), *people])

    def verify(self, found: Aftermath) -> ImportReport | None:
        """Result: the report of the whole import: both sides compared, or why they could not be."""
        if self._ports.open_sql is None:
            return None
        try:
            work = self._verification(self._client, found)
            report = self._patiently(lambda: reconcile.verify(work))
        except Fatal as refused:
            if refused.code is not ErrorCode.MISSION_READBACK_MISSING:
                raise
            log.warning("Mission does not let the import be verified: %s", refused.detail)
            work = self._verification(None, found)
            report = self._patiently(lambda: reconcile.verify(work))
        known = {record.external_id for record in report.gone}
        more = [record for record in found.gone if record.external_id not in known]
        told = _once(report.changed_during)
        return self._with_flags(
            report.model_copy(
                update={
                    "gone": [*report.gone, *more][:5000],
                    "gone_count": report.gone_count + len(more),
                    "changed_during": told,
                    "changed_during_count": report.changed_during_count - len(report.changed_during) + len(told),
                }
            )
        )

    def _with_flags(self, report: ImportReport, more: Sequence[QualityFinding] = ()) -> ImportReport:
        said = {finding.code for finding in [*more, *report.quality]}
        flags = [finding for finding in self._journal.flagged() if finding.code not in said]
        return _that_fits(report.model_copy(update={"quality": [*more, *report.quality, *flags][:100]}))

    def _verification(self, mission: MissionClient | None, found: Aftermath | None) -> reconcile.Verification:
        again = None
        if found is not None:
            care = self._aftercare()
            again = SendAgain(care)
        return reconcile.Verification(
            rock=self._open_sql(),
            scope=self._scope_of(),
            facts=self._report_facts(),
            workbook=self._ports.workbook,
            stop=self._stop,
            now=self._now,
            started_at=datetime.fromisoformat(self._fixed.started_at),
            journal=JournalReasons(self._journal),
            mapped=ReadAgain(self._source, self._mapper()),
            mission=mission,
            resend=again,
            changed_already=found.examples() if found is not None else (),
        )

    def _scope_of(self) -> Scope:
        return Scope(self._facts, self._settings, self._fixed.high_water, self._funds.there)

    def _report_facts(self) -> ReportFacts:
        facts, already = self._facts, json.loads(self._journal.kept(_ALREADY) or "{}")
        return ReportFacts(
            attempt=self._attempt,
            versions=Versions(
                rock=facts.rock_version or "",
                sql_server=facts.sql_version[:256],
                agent=__version__,
                mapping=self._fixed.mapping_version,
                mission_contract=self._status.contract_version if self._status else "",
            ),
            source=ReportSource(server=facts.server, database=facts.database, install=facts.install),
            mission=ReportMission(
                url=self._ports.mission_url, organization=self._status.organization if self._status else ""
            ),
            filters=filters_in_words(self._settings, facts),
            funds=self._funds.rows,
            already_in_mission=[
                Tallied(code=name, label=f"{name.replace('-', ' ')} of this Rock, before the import", count=count)
                for name, count in already.items()
                if count
            ],
        )

    def _keep(self, name: str, text: str) -> None:
        persist(lambda: self._journal.keep(name, text), self._stop, self.gauge)

    def _patiently(self, step: Callable[[], Found]) -> Found:
        """Result: of `step`, which is tried until neither side is away. Raises Fatal, StopRequested."""
        failures = 0
        while True:
            self._stop.raise_if_requested()
            try:
                return step()
            except Retryable as away:
                if away.code is ErrorCode.DISK_FULL:
                    raise
                failures += 1
                log.warning("a step of the import waits: %s", away.detail)
                with self.gauge.waiting(WaitReason.NO_CONNECTION, away.detail):
                    self._stop.wait(self._limits.backoff.delay(failures, away.retry_after_seconds))


def _that_fits(report: ImportReport) -> ImportReport:
    """Result: the report with as many rows that match as one body has room for; those that differ come first."""
    while len(report.model_dump_json()) > _MOST_BYTES and report.rows:
        kept = len(report.rows) // 2
        left_off = report.rows_left_off + len(report.rows) - kept
        report = report.model_copy(update={"rows": report.rows[:kept], "rows_left_off": left_off})
    return report


def _once(told: Sequence[str]) -> list[str]:
    """Result: the first word on each record: the verification finds again what the import has found."""
    known: dict[str, str] = {}
    for text in told:
        known.setdefault(text.split(": ", 1)[0], text)
    return list(known.values())


def _if_readable(ask: Callable[[], Found], otherwise: Found) -> Found:
    """Result: Mission's answer, or `otherwise` where it does not let this key read."""
    try:
        return ask()
    except Fatal as refused:
        if refused.code is not ErrorCode.MISSION_READBACK_MISSING:
            raise
        return otherwise


def filters_in_words(settings: ImportSettings, facts: RockFacts) -> list[str]:
    """Result: the settings that narrow the scope, one sentence each."""
    words: list[str] = []
    if len(settings.entities) < len(Entity):
        words.append("only " + ", ".join(entity.value for entity in Entity if entity in settings.entities))
    if settings.campus_ids:
        names = [
            facts.campuses[number].name if number in facts.campuses else f"campus {number}"
            for number in settings.campus_ids
        ]
        without = "and" if settings.include_without_campus else "without"
        words.append(f"campuses: {', '.join(names)}, {without} records of no campus"[:2000])
    if settings.date_range_start is not None:
        words.append(f"gifts and attendance from {settings.date_range_start.isoformat()} on")
    if settings.transaction_types:
        words.append(f"{len(settings.transaction_types)} transaction types beside Contribution")
    return words
