"""Imports: what their attempts begin with, the reports that they end with, and what operators decide about both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from functions.domain import rows
from functions.domain.caller import AgentCaller, OperatorCaller, Role
from functions.domain.event import Event, EventKind
from functions.domain.import_result import result_columns, result_of
from functions.domain.job import Job, JobSettings
from functions.domain.job_rows import IMPORT_RESULT_PREFIX
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, Row, Tables
from functions.domain.rockrms_views import CertificateView, DecisionsBody, ImportReportView
from functions.domain.views import JobView
from functions.services import csv_text
from functions.services.attempts import Attempts
from functions.services.audit import Audit
from functions.services.events import Events
from functions.services.fund_map import FundMap
from functions.services.import_logs import need_import
from functions.services.import_store import ImportStore, StoredReport
from functions.services.job_store import TABLE, JobStore
from functions.services.job_views import JobViews
from functions.services.missions import Missions
from functions.services.moves import Moves, Plan
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.jobs import JobState, Outcome
from migrate_contract.rockrms import (
    Evidence,
    ImportReport,
    ImportReportAnswer,
    MissionDestination,
    Stage,
    Verdict,
)

_ROW_COLUMNS = (
    "entity",
    "measure",
    "key",
    "label",
    "source_value",
    "target_value",
    "difference",
    "verdict",
    "evidence",
    "records",
)


class Imports:
    """The only writer of `irep|<job id>`: what the newest report says, in short."""

    def __init__(
        self,
        tables: Tables,
        clock: Clock,
        jobs: JobStore,
        attempts: Attempts,
        moves: Moves,
        views: JobViews,
        store: ImportStore,
        missions: Missions,
        funds: FundMap,
        events: Events,
        audit: Audit,
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._jobs = jobs
        self._attempts = attempts
        self._moves = moves
        self._views = views
        self._store = store
        self._missions = missions
        self._funds = funds
        self._events = events
        self._audit = audit

    def prepared(self, job: Job, project: Row) -> JobSettings:
        """Result: the settings that the import's attempt begins with. Raises Fatal(NO_MISSION_CONNECTION)."""
        connection = self._missions.need(project)
        settings = job.settings
        if settings.rockrms is None:
            raise Fatal(ErrorCode.JOB_TYPE_CONFLICT, "The job has no settings of an import.")
        funds = self._funds.of(job.organization, job.project_id)
        return settings.model_copy(
            update={
                "destination": MissionDestination(url=connection.url),
                "rockrms": settings.rockrms.model_copy(update={"funds": funds}),
            }
        )

    def put_report(self, caller: AgentCaller, job_id: str, report: ImportReport) -> ImportReportAnswer:
        """Keeps the attempt's report; the same again changes nothing. Money that differs is an event.

        Raises Fatal(attempt-superseded), Fatal(not-found), Fatal(job-type-conflict).
        """
        job = need_import(self._attempts.need(caller, job_id, report.attempt))
        now = self._clock()
        self._store.write_report(caller.organization, job_id, report, now)
        tables = OrganizationTables(self._tables, caller.organization)
        tables.upsert(TABLE, job.project_id, IMPORT_RESULT_PREFIX + job_id, result_columns(report, now))
        if report.financial_match is False:
            self._events.record(_event(job, report, now))
            self._lower_outcome(caller, job_id, report)
        return ImportReportAnswer(applied=True)

    def money_differs(self, job: Job) -> bool:
        """Result: whether this attempt's report says that the money does not match."""
        row = OrganizationTables(self._tables, job.organization).get(
            TABLE, job.project_id, IMPORT_RESULT_PREFIX + job.job_id
        )
        result = result_of(row) if row else None
        return result is not None and result.attempt == job.attempt and result.financial_match is False

    def decide(self, caller: OperatorCaller, job_id: str, body: DecisionsBody) -> JobView:
        """Result: the job, whose next attempt goes by these decisions.

        Raises Fatal(job-type-conflict), Fatal(request-invalid) where a record is named twice.
        """
        caller.need(Role.OPERATOR)
        job = need_import(self._jobs.need(caller, job_id))
        changes = {name: value for name in ("gone", "statuses") if (value := getattr(body, name)) is not None}
        if body.gone is not None and len({decision.external_id for decision in body.gone}) != len(body.gone):
            raise Fatal(ErrorCode.REQUEST_INVALID, "gone: a record is named twice.")

        def plan(draft: Plan) -> None:
            before = draft.job.settings
            settings = before.rockrms.model_copy(update=changes) if before.rockrms else None
            if settings == before.rockrms:
                return
            decided = replace(draft.job, settings=before.model_copy(update={"rockrms": settings}))
            if decided.waits_for_agent:
                decided = replace(decided, dispatch=decided.dispatch + 1, state_at=draft.now)
            draft.note("decided", "Decided for the next attempt: " + ", ".join(sorted(changes)), decided)

        change = self._moves.change(caller.organization, job_id, caller.label, plan)
        if change.after is not change.before:
            self._audit.record(
                caller.organization,
                caller.label,
                "job.decide",
                job_id,
                client_id=job.client_id,
                detail=", ".join(sorted(changes)),
            )
        return self._views.view(caller, change.after)

    def report(self, caller: OperatorCaller, job_id: str, attempt: int | None = None) -> ImportReportView:
        """Result: the report of an attempt; of the newest that has one, if none is named.

        Raises Fatal(import-report-missing), Fatal(job-type-conflict).
        """
        job = need_import(self._jobs.need(caller, job_id))
        stored = self._stored(job, attempt)
        return ImportReportView(job=self._views.view(caller, job), received_at=stored.received_at, report=stored.report)

    def reconciliation_csv(self, caller: OperatorCaller, job_id: str, attempt: int | None = None) -> Iterator[bytes]:
        """Result: the reconciliation's rows as CSV. Raises as `report`."""
        report = self._stored(need_import(self._jobs.need(caller, job_id)), attempt).report
        lines = (row.model_dump(mode="json") for row in report.rows)
        return csv_text.pieces(
            _ROW_COLUMNS, ([*(line[name] for name in _ROW_COLUMNS[:-1]), "; ".join(line["records"])] for line in lines)
        )

    def bridge_csv(self, caller: OperatorCaller, job_id: str, attempt: int | None = None) -> Iterator[bytes]:
        """Result: the bridge as CSV, with what it leaves unexplained. Raises as `report`."""
        report = self._stored(need_import(self._jobs.need(caller, job_id)), attempt).report
        lines = [[line.code, line.label, line.count, line.amount, "; ".join(line.records)] for line in report.bridge]
        lines.append(["unexplained", "What is left", "", report.unexplained, ""])
        return csv_text.pieces(("code", "label", "count", "amount", "records"), lines)

    def certificate(self, caller: OperatorCaller, job_id: str, attempt: int | None = None) -> CertificateView:
        """Result: what the certificate of an attempt says. Raises as `report`."""
        view = self.report(caller, job_id, attempt)
        report, job = view.report, view.job
        return CertificateView(
            job_id=job_id,
            job_name=job.name,
            project_name=job.project_name,
            client_name=job.client_name,
            agent_name=job.agent_name,
            verdict=verdict_sentence(report),
            differing_rows=sum(row.verdict is Verdict.DIFFERS for row in report.rows),
            issued_at=self._clock(),
            issued_by=caller.label,
            **{name: getattr(report, name) for name in _CERTIFIED},
        )

    def _stored(self, job: Job, attempt: int | None) -> StoredReport:
        """Result: the report. Raises Fatal(import-report-missing)."""
        if attempt is None:
            row = OrganizationTables(self._tables, job.organization).get(
                TABLE, job.project_id, IMPORT_RESULT_PREFIX + job.job_id
            )
            attempt = rows.number(row, "attempt", job.attempt) if row else job.attempt
        stored = self._store.report(job.organization, job.job_id, attempt)
        if stored is None:
            raise Fatal(ErrorCode.IMPORT_REPORT_MISSING, f"Attempt {attempt} is {job.state.value} and has sent none.")
        return stored

    def _lower_outcome(self, caller: AgentCaller, job_id: str, report: ImportReport) -> None:
        """A report that comes after the end of its attempt counts as one that came before."""

        def plan(draft: Plan) -> None:
            job = draft.job
            if job.attempt == report.attempt and job.state is JobState.COMPLETED and job.outcome is Outcome.COMPLETE:
                lowered = replace(job, outcome=Outcome.COMPLETE_WITH_FAILURES)
                draft.note("money-differs", "The report says that the money does not match", lowered)

        self._moves.change(caller.organization, job_id, f"agent {caller.name}", plan)


_CERTIFIED = (
    "attempt",
    "stage",
    "evidence",
    "financial_match",
    "quality_score",
    "currency",
    "totals",
    "entities",
    "bridge",
    "unexplained",
    "filters",
    "ledger_sha256",
    "versions",
    "source",
    "mission",
    "started_at",
    "finished_at",
)


def verdict_sentence(report: ImportReport) -> str:
    """Result: what the report comes to, in one sentence for a treasurer."""
    if report.stage is Stage.DRY_RUN:
        return "Dry run: nothing was sent to Mission, and nothing is certified."
    if report.evidence is Evidence.ACKNOWLEDGED or report.financial_match is None:
        return "Accepted by Mission, not verified."
    if report.financial_match:
        return "Verified: the totals in Mission equal those in RockRMS to the cent, and no record is missing."
    return "Not equal: the totals or records in Mission differ from those in RockRMS. " + report.reason


def _event(job: Job, report: ImportReport, now: datetime) -> Event:
    differing = sum(row.verdict is Verdict.DIFFERS for row in report.rows)
    rows_said = "1 row differs" if differing == 1 else f"{differing:,} rows differ"
    return Event(
        organization=job.organization,
        client_id=job.client_id,
        project_id=job.project_id,
        kind=EventKind.FINANCIAL_MISMATCH,
        subject=job.job_id,
        occurrence=str(report.attempt),
        at=min(report.finished_at, now),
        summary=f"Import {job.settings.name}: the money does not match between RockRMS and Mission; {rows_said}.",
        code=ErrorCode.FINANCIAL_MISMATCH,
        link=f"/jobs/{job.job_id}",
        facts={
            "job_id": job.job_id,
            "job_name": job.settings.name,
            "attempt": str(report.attempt),
            "code": ErrorCode.FINANCIAL_MISMATCH.value,
            "detail": report.reason,
            "differing": str(differing),
            "unexplained": report.unexplained,
            "currency": report.currency,
        },
    )
