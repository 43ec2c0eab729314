"""Imports: their reports, reconciliation, certificate and log, and what operators decide about them."""

from __future__ import annotations

from functions.domain.caller import Role
from functions.domain.rockrms_views import (
    CertificateView,
    DecisionsBody,
    ImportLogPage,
    ImportLogSummary,
    ImportReportView,
    ImportSettingsBody,
)
from functions.domain.views import JobView
from functions.triggers.edge import Routes
from functions.triggers.edge_answer import Answer, download
from functions.triggers.edge_call import OperatorCall
from functions.triggers.queries import AttemptQuery, ImportLogPageQuery, ImportLogQuery
from migrate_contract.errors import ErrorCode
from migrate_contract.wire import JobId

routes = Routes("imports")

_CSV = "text/csv; charset=utf-8"
_LOG = (ErrorCode.JOB_TYPE_CONFLICT,)
_REPORT = (*_LOG, ErrorCode.IMPORT_REPORT_MISSING)


@routes.operator("GET", "api/jobs/{job_id}/import-report", role=Role.READER, refusals=_REPORT)
def imports_report(call: OperatorCall, job_id: JobId, query: AttemptQuery) -> ImportReportView:
    """Show an import's report: entities, reconciliation, bridge, quality, funds and versions."""
    return call.services.imports.report(call.caller, job_id, query.attempt)


@routes.operator("GET", "api/jobs/{job_id}/reconciliation.csv", role=Role.READER, refusals=_REPORT, produces="text/csv")
def imports_reconciliation_csv(call: OperatorCall, job_id: JobId, query: AttemptQuery) -> Answer:
    """Download what was compared between RockRMS and Mission, row by row, as CSV."""
    rows = call.services.imports.reconciliation_csv(call.caller, job_id, query.attempt)
    return download(b"".join(rows), _CSV, f"{job_id}-reconciliation.csv")


@routes.operator("GET", "api/jobs/{job_id}/bridge.csv", role=Role.READER, refusals=_REPORT, produces="text/csv")
def imports_bridge_csv(call: OperatorCall, job_id: JobId, query: AttemptQuery) -> Answer:
    """Download the way from all that RockRMS has to what Mission has, as CSV."""
    rows = call.services.imports.bridge_csv(call.caller, job_id, query.attempt)
    return download(b"".join(rows), _CSV, f"{job_id}-bridge.csv")


@routes.operator("GET", "api/jobs/{job_id}/certificate", role=Role.READER, refusals=_REPORT)
def imports_certificate(call: OperatorCall, job_id: JobId, query: AttemptQuery) -> CertificateView:
    """Show what the certificate of an import says: totals, hash of the ledger, who, when, versions, evidence."""
    return call.services.imports.certificate(call.caller, job_id, query.attempt)


@routes.operator("GET", "api/jobs/{job_id}/import-log", role=Role.READER, refusals=_LOG)
def imports_log(call: OperatorCall, job_id: JobId, query: ImportLogPageQuery) -> ImportLogPage:
    """List records that were errored, skipped or flagged: each with its reason, its fix and Mission's answer."""
    return call.services.import_logs.page(call.caller, job_id, query, query.wanted)


@routes.operator("GET", "api/jobs/{job_id}/import-log/summary", role=Role.READER, refusals=_LOG)
def imports_log_summary(call: OperatorCall, job_id: JobId, query: AttemptQuery) -> ImportLogSummary:
    """Show how many records were errored, skipped or flagged for which reason, with some of each."""
    return call.services.import_logs.summary(call.caller, job_id, query.attempt)


@routes.operator("GET", "api/jobs/{job_id}/import-log.csv", role=Role.READER, refusals=_LOG, produces="text/csv")
def imports_log_csv(call: OperatorCall, job_id: JobId, query: ImportLogQuery) -> Answer:
    """Download the import log as CSV."""
    rows = call.services.import_logs.csv(call.caller, job_id, query.wanted)
    return download(b"".join(rows), _CSV, f"{job_id}-import-log.csv")


@routes.operator(
    "PUT",
    "api/jobs/{job_id}/import-decisions",
    role=Role.OPERATOR,
    refusals=(ErrorCode.JOB_TYPE_CONFLICT, ErrorCode.CHANGED_MEANWHILE),
)
def imports_decide(call: OperatorCall, job_id: JobId, body: DecisionsBody) -> JobView:
    """Decide whether Mission keeps records that are gone from RockRMS, and what transaction statuses mean."""
    return call.services.imports.decide(call.caller, job_id, body)


@routes.operator(
    "PUT",
    "api/jobs/{job_id}/import-settings",
    role=Role.OPERATOR,
    refusals=(ErrorCode.JOB_TYPE_CONFLICT, ErrorCode.JOB_STARTED, ErrorCode.CHANGED_MEANWHILE),
)
def imports_change(call: OperatorCall, job_id: JobId, body: ImportSettingsBody) -> JobView:
    """Change what an import's next attempt does, after its dry run for example; a rerun begins it."""
    return call.services.next_attempts.change(call.caller, job_id, body)
