"""Pages of an import behind its job page: records, comparison, quality, gone records, funds, trace, certificate."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Annotated

from pydantic import Field, StringConstraints

from functions.dashboard.flashes import Done, after
from functions.dashboard.forms import EMPTY_FORM, Form
from functions.dashboard.fund_map_page import FundsForm, fund_map_page
from functions.dashboard.import_form import ImportForm
from functions.dashboard.import_form_page import edit_import_page
from functions.dashboard.import_lists import LogFilter, gone_page, log_page, quality_page, rows_page, trace_page
from functions.dashboard.problem_page import problem_page
from functions.dashboard.rockrms_forms import GoneForm, TraceForm
from functions.domain.caller import Role
from functions.domain.rockrms_views import ImportSettingsBody
from functions.triggers.edge_answer import CONTENT_SECURITY_POLICY, HTML_CONTENT_TYPE, Answer, download, html_answer
from functions.triggers.edge_call import PageCall
from functions.triggers.edge_pages import PageRoutes, RefusedForm
from functions.triggers.edge_request import Query
from functions.triggers.import_reads import import_job_page, need_report, report_of
from functions.triggers.jobs import NEW_REFUSALS, STEER_REFUSALS
from functions.triggers.page_reads import typed
from functions.triggers.queries import ImportLogPageQuery
from functions.triggers.rockrms import CHECK_REFUSALS
from migrate_contract.certificate import certificate_html
from migrate_contract.errors import ErrorCode
from migrate_contract.problem import Problem
from migrate_contract.rockrms import Entity, Verdict
from migrate_contract.wire import JobId

pages = PageRoutes("imports", problem_page=problem_page)

_LOG = (ErrorCode.JOB_TYPE_CONFLICT,)
_REPORT = (ErrorCode.JOB_TYPE_CONFLICT, ErrorCode.IMPORT_REPORT_MISSING)
_DECIDED = (ErrorCode.CHANGED_MEANWHILE, *_REPORT)
_ICON = '<link rel="icon" href="/static/mark.svg" type="image/svg+xml">'
"""The file needs none; a browser would ask the site for one."""
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)

First = Annotated[int, Field(ge=0, le=1_000_000)]


class RowsQuery(Query):
    """Rows with one verdict, of one entity, from number `first`."""

    verdict: Verdict | None = None
    entity: Entity | None = None
    first: First = 0


class GoneQuery(Query):
    """Records from number `first`."""

    first: First = 0


class TraceQuery(Query):
    """The record that is filled in."""

    entity: Entity | None = None
    source_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,15}$")] | None = None


def _gone(call: PageCall, job_id: str, first: int = 0, refusal: Problem | None = None) -> str:
    found = need_report(call, job_id)
    return gone_page(call.frame, found.job, found.report, first, refusal)


def _gone_again(call: PageCall, refused: RefusedForm, job_id: str) -> str:
    return _gone(call, job_id, refusal=refused.problem)


def _funds(call: PageCall, job_id: str, refusal: Problem | None = None) -> str:
    job = call.services.jobs.show(call.caller, job_id)
    project = call.services.projects.show(call.caller, job.project_id)
    found = report_of(call, job_id)
    church = call.services.rock.overview(call.caller, job.project_id)
    report = found.report if found else None
    return fund_map_page(call.frame, project, church, job=job, report=report, refusal=refusal)


def _funds_again(call: PageCall, refused: RefusedForm, job_id: str) -> str:
    return _funds(call, job_id, refused.problem)


def _trace(call: PageCall, job_id: str, form: Form = EMPTY_FORM) -> str:
    job = call.services.jobs.show(call.caller, job_id)
    check = call.services.rock.overview(call.caller, job.project_id).trace
    return trace_page(call.frame, call.services.clock(), job, check, form)


def _trace_again(call: PageCall, refused: RefusedForm, job_id: str) -> str:
    return _trace(call, job_id, typed(refused))


def _edit(call: PageCall, job_id: str, form: Form = EMPTY_FORM) -> str:
    job = call.services.jobs.show(call.caller, job_id)
    project = call.services.projects.show(call.caller, job.project_id)
    church = call.services.rock.overview(call.caller, job.project_id)
    found = report_of(call, job_id)
    return edit_import_page(call.frame, project, church, job, found.report if found else None, form)


def _edit_again(call: PageCall, refused: RefusedForm, job_id: str) -> str:
    return _edit(call, job_id, typed(refused))


def _import_again(call: PageCall, refused: RefusedForm, job_id: str) -> str:
    return import_job_page(call, call.services.jobs.show(call.caller, job_id), refused.problem)


def _certificate(call: PageCall, job_id: str) -> str:
    found = need_report(call, job_id)
    job = found.job
    return certificate_html(found.report, project=job.project_name, client=job.client_name, signed_for=None)


@pages.page("jobs/{job_id}/log", refusals=_LOG)
def page_import_log(call: PageCall, job_id: JobId, query: ImportLogPageQuery) -> Answer:
    """The records that were errored, skipped or flagged, narrowed by kind, entity and reason."""
    job = call.services.jobs.show(call.caller, job_id)
    found = call.services.import_logs.page(call.caller, job_id, query, query.wanted)
    codes = sorted({group.code for group in call.services.import_logs.summary(call.caller, job_id).groups})
    chosen = LogFilter(query.kind, query.entity, query.code)
    return call.html(log_page(call.frame, call.services.clock(), job, found, chosen, codes))


@pages.page("jobs/{job_id}/rows", refusals=_REPORT)
def page_import_rows(call: PageCall, job_id: JobId, query: RowsQuery) -> Answer:
    """What was compared on both sides, row by row."""
    found = need_report(call, job_id)
    return call.html(rows_page(call.frame, found.job, found.report, query.verdict, query.entity, query.first))


@pages.page("jobs/{job_id}/quality", refusals=_REPORT)
def page_import_quality(call: PageCall, job_id: JobId) -> Answer:
    """What to look at in RockRMS, what was not moved, and what was in Mission already."""
    found = need_report(call, job_id)
    return call.html(quality_page(call.frame, found.job, found.report))


@pages.page("jobs/{job_id}/gone", refusals=_REPORT)
def page_import_gone(call: PageCall, job_id: JobId, query: GoneQuery) -> Answer:
    """The records that are in Mission and gone from RockRMS."""
    return call.html(_gone(call, job_id, query.first))


@pages.form("jobs/{job_id}/gone", again=_gone_again, refusals=_DECIDED)
def page_import_decide(call: PageCall, job_id: JobId, form: GoneForm) -> Answer:
    """Saves what becomes of records that are gone from RockRMS."""
    call.services.imports.decide(call.caller, job_id, form.body(need_report(call, job_id).report.gone))
    return call.see_other(after(f"/jobs/{job_id}", Done.DECISIONS_SAVED))


@pages.page("jobs/{job_id}/funds", refusals=_LOG)
def page_import_funds(call: PageCall, job_id: JobId) -> Answer:
    """The fund map."""
    return call.html(_funds(call, job_id))


@pages.form("jobs/{job_id}/funds", again=_funds_again, refusals=(ErrorCode.CHANGED_MEANWHILE, *_LOG))
def page_import_map(call: PageCall, job_id: JobId, form: FundsForm) -> Answer:
    """Saves the fund map of the job's project."""
    project_id = call.services.jobs.show(call.caller, job_id).project_id
    kept = call.services.rock.overview(call.caller, project_id).funds
    call.services.funds.choose(call.caller, project_id, form.body(kept))
    return call.see_other(after(f"/jobs/{job_id}", Done.FUNDS_SAVED))


@pages.page("jobs/{job_id}/trace", refusals=_LOG)
def page_import_trace(call: PageCall, job_id: JobId, query: TraceQuery) -> Answer:
    """The last trace, and the form for another record."""
    values = {"entity": query.entity and query.entity.value, "source_id": query.source_id}
    return call.html(_trace(call, job_id, Form({name: [text] for name, text in values.items() if text})))


@pages.form(
    "jobs/{job_id}/trace",
    again=_trace_again,
    refusals=(ErrorCode.NO_MISSION_CONNECTION, ErrorCode.REQUEST_INVALID, *_LOG, *CHECK_REFUSALS),
)
def page_import_trace_ask(call: PageCall, job_id: JobId, form: TraceForm) -> Answer:
    """Asks the job's agent to trace a record."""
    project_id = call.services.jobs.show(call.caller, job_id).project_id
    call.services.rock.trace(call.caller, project_id, form.body(job_id))
    return call.see_other(after(f"/jobs/{job_id}/trace", Done.TRACE_ASKED))


@pages.page("jobs/{job_id}/certificate", refusals=_REPORT)
def page_import_certificate(call: PageCall, job_id: JobId) -> Answer:
    """The certificate, to be read and printed: a document of its own, whose one style is allowed by its hash."""
    text = _certificate(call, job_id).replace("<head>", f"<head>{_ICON}", 1)
    page = html_answer(text)
    return Answer(page.body, page.status, page.content_type, {"Content-Security-Policy": policy_of(text)})


@pages.page("jobs/{job_id}/certificate.html", refusals=_REPORT)
def page_import_certificate_file(call: PageCall, job_id: JobId) -> Answer:
    """The certificate as a file."""
    return download(_certificate(call, job_id).encode(), HTML_CONTENT_TYPE, f"{job_id}-certificate.html")


@pages.page("jobs/{job_id}/edit-import", role=Role.OPERATOR, refusals=_LOG)
def page_import_edit(call: PageCall, job_id: JobId) -> Answer:
    """The form for the settings of an import's next attempt."""
    return call.html(_edit(call, job_id))


@pages.form("jobs/{job_id}/edit-import", again=_edit_again, refusals=(ErrorCode.JOB_STARTED, *NEW_REFUSALS))
def page_import_change(call: PageCall, job_id: JobId, form: ImportForm) -> Answer:
    """Saves the settings of an import's next attempt."""
    before = call.services.jobs.show(call.caller, job_id).rockrms
    body = ImportSettingsBody(rockrms=form.settings(before), name=form.name)
    call.services.next_attempts.change(call.caller, job_id, body)
    return call.see_other(after(f"/jobs/{job_id}", Done.JOB_CHANGED))


@pages.form(
    "jobs/{job_id}/import-now", again=_import_again, refusals=(ErrorCode.JOB_STARTED, *STEER_REFUSALS, *NEW_REFUSALS)
)
def page_import_now(call: PageCall, job_id: JobId) -> Answer:
    """Runs an import for real after its dry run."""
    call.services.next_attempts.leave_dry_run(call.caller, job_id)
    call.services.lifecycle.rerun(call.caller, job_id)
    return call.see_other(after(f"/jobs/{job_id}", Done.IMPORT_STARTED))


def policy_of(document: str) -> str:
    """Result: the dashboard's policy, which lets in this document's own style and no other."""
    hashes = [
        "'sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() + "'"
        for style in _STYLE.findall(document)
    ]
    return CONTENT_SECURITY_POLICY.replace("style-src 'self'", " ".join(["style-src 'self'", *hashes]))
