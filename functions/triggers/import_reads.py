"""What the pages of an import read: its report, its log in groups, and the job page made of them."""

from __future__ import annotations

from functions.dashboard.forms import EMPTY_FORM, Form
from functions.dashboard.import_page import import_page
from functions.domain.rockrms_views import ImportReportView
from functions.domain.views import MAX_LIMIT, JobView, ListQuery
from functions.triggers.edge_call import PageCall
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.problem import Problem

_HISTORY = ListQuery(limit=MAX_LIMIT)


def report_of(call: PageCall, job_id: str) -> ImportReportView | None:
    """Result: the newest report of the import; None where no attempt has one. Raises not-found."""
    try:
        return call.services.imports.report(call.caller, job_id)
    except Fatal as fault:
        if fault.code is not ErrorCode.IMPORT_REPORT_MISSING:
            raise
        return None


def need_report(call: PageCall, job_id: str) -> ImportReportView:
    """Result: the newest report. Raises import-report-missing."""
    return call.services.imports.report(call.caller, job_id)


def import_job_page(call: PageCall, job: JobView, refusal: Problem | None = None, trace_form: Form = EMPTY_FORM) -> str:
    """Result: the job page of an import, above all else what was refused just now."""
    found = report_of(call, job.job_id)
    return import_page(
        call.frame,
        call.services.clock(),
        job,
        history=call.services.jobs.history(call.caller, job.job_id, _HISTORY).items,
        report=found.report if found else None,
        groups=call.services.import_logs.summary(call.caller, job.job_id).groups,
        refusal=refusal,
        trace_form=trace_form,
    )
