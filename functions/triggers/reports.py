"""Reports: what became of every file of a job, as JSON and as CSV."""

from __future__ import annotations

from functions.domain.caller import Role
from functions.domain.views import FilePage, JobReport
from functions.triggers.edge import Routes
from functions.triggers.edge_answer import Answer, download
from functions.triggers.edge_call import OperatorCall
from functions.triggers.queries import FilesQuery, LedgerQuery
from migrate_contract.wire import JobId

routes = Routes("reports")


@routes.operator("GET", "api/jobs/{job_id}/report", role=Role.READER)
def reports_show(call: OperatorCall, job_id: JobId) -> JobReport:
    """Show the newest attempt's report: its buckets, the reasons, how well verified, and whether it adds up."""
    return call.services.reports.job_report(call.caller, job_id)


@routes.operator("GET", "api/jobs/{job_id}/files", role=Role.READER)
def reports_files(call: OperatorCall, job_id: JobId, query: FilesQuery) -> FilePage:
    """List what happened to each file."""
    return call.services.ledgers.files(call.caller, job_id, query, query.bucket, query.attempt)


@routes.operator("GET", "api/jobs/{job_id}/safe-to-delete.csv", role=Role.READER, produces="text/csv")
def reports_safe_to_delete(call: OperatorCall, job_id: JobId) -> Answer:
    """Download the list of source files that an archive job has verified and that were unchanged after that."""
    rows = call.services.ledgers.safe_csv(call.caller, job_id)
    return download(b"".join(rows), "text/csv; charset=utf-8", f"{job_id}-safe-to-delete.csv")


@routes.operator("GET", "api/jobs/{job_id}/files.csv", role=Role.READER, produces="text/csv")
def reports_files_csv(call: OperatorCall, job_id: JobId, query: LedgerQuery) -> Answer:
    """Download a ledger as CSV: of the newest attempt unless another is asked for."""
    rows = call.services.ledgers.csv(call.caller, job_id, query.bucket, query.attempt)
    return download(b"".join(rows), "text/csv; charset=utf-8", f"{job_id}.csv")
