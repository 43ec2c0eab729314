"""Pages of jobs, and the forms that make and edit them."""

from __future__ import annotations

from functions.dashboard.flashes import Done, after
from functions.dashboard.forms import EMPTY_FORM, Form
from functions.dashboard.import_page import import_live
from functions.dashboard.job_form import JobForm, errors_at_fields
from functions.dashboard.job_form_page import edit_job_page, new_job_page
from functions.dashboard.job_page import first_bucket, is_over, job_live, job_page
from functions.dashboard.jobs_page import jobs_page
from functions.dashboard.problem_page import problem_page
from functions.domain.caller import Role
from functions.domain.views import MAX_LIMIT, ListQuery
from functions.triggers.edge_answer import Answer
from functions.triggers.edge_call import PageCall
from functions.triggers.edge_pages import PageRoutes, RefusedForm
from functions.triggers.edge_request import Query
from functions.triggers.import_reads import import_job_page
from functions.triggers.jobs import NEW_REFUSALS
from functions.triggers.page_reads import agents_of, jobs_page_of
from functions.triggers.queries import FilesQuery, JobsQuery
from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import JobType
from migrate_contract.problem import Problem
from migrate_contract.wire import JobId, ProjectId

pages = PageRoutes("jobs", problem_page=problem_page)

_HISTORY = ListQuery(limit=MAX_LIMIT)


class NewJobQuery(Query):
    """`like`: the job whose settings are filled in."""

    like: JobId | None = None


def job_with_files(
    call: PageCall,
    job_id: str,
    query: FilesQuery,
    refusal: Problem | None = None,
    limit_form: Form = EMPTY_FORM,
) -> str:
    """Result: the job page, above all else what was refused just now."""
    job = call.services.jobs.show(call.caller, job_id)
    if job.type is JobType.ROCKRMS_IMPORT:
        return import_job_page(call, job, refusal)
    bucket = query.bucket or first_bucket(job)
    return job_page(
        call.frame,
        call.services.clock(),
        job,
        history=call.services.jobs.history(call.caller, job_id, _HISTORY).items,
        files=call.services.ledgers.files(call.caller, job_id, query, bucket, query.attempt),
        bucket=query.bucket,
        report=call.services.reports.job_report(call.caller, job_id) if is_over(job) else None,
        refusal=refusal,
        limit_form=limit_form,
    )


def _new_form(call: PageCall, project_id: str, form: Form = EMPTY_FORM, like: str | None = None) -> str:
    project = call.services.projects.show(call.caller, project_id)
    original = call.services.jobs.show(call.caller, like) if like else None
    if original is not None and original.type is JobType.ROCKRMS_IMPORT:
        original = None
    return new_job_page(call.frame, project, agents_of(call, project.client_id), form, like=original)


def _edit_form(call: PageCall, job_id: str, form: Form = EMPTY_FORM) -> str:
    job = call.services.jobs.show(call.caller, job_id)
    return edit_job_page(call.frame, call.services.projects.show(call.caller, job.project_id), job, form)


def _typed(refused: RefusedForm) -> Form:
    errors = errors_at_fields(refused.problem.code, refused.problem.detail, refused.errors)
    return Form(refused.values, errors, refused.problem)


def _new_again(call: PageCall, refused: RefusedForm, project_id: str) -> str:
    return _new_form(call, project_id, _typed(refused))


def _edit_again(call: PageCall, refused: RefusedForm, job_id: str) -> str:
    return _edit_form(call, job_id, _typed(refused))


@pages.page("jobs")
def page_jobs(call: PageCall, query: JobsQuery) -> Answer:
    """The jobs, by state."""
    found = jobs_page_of(call, query, project_id=query.project_id, state=query.state)
    project = call.services.projects.show(call.caller, query.project_id) if query.project_id else None
    return call.html(jobs_page(call.frame, call.services.clock(), found, state=query.state, project=project))


@pages.page("jobs/{job_id}")
def page_job(call: PageCall, job_id: JobId, query: FilesQuery) -> Answer:
    """One job: live numbers, files, history, settings."""
    return call.html(job_with_files(call, job_id, query))


@pages.page("jobs/{job_id}/live")
def page_job_live(call: PageCall, job_id: JobId) -> Answer:
    """The part of the job page that is asked for every 10 seconds."""
    job = call.services.jobs.show(call.caller, job_id)
    draw = import_live if job.type is JobType.ROCKRMS_IMPORT else job_live
    return call.html(draw(call.frame, call.services.clock(), job))


@pages.page("projects/{project_id}/new-job", role=Role.OPERATOR)
def page_job_new(call: PageCall, project_id: ProjectId, query: NewJobQuery) -> Answer:
    """The form for a new job, empty or filled in like another one."""
    return call.html(_new_form(call, project_id, like=query.like))


@pages.form("projects/{project_id}/new-job", again=_new_again, refusals=NEW_REFUSALS)
def page_job_create(call: PageCall, project_id: ProjectId, form: JobForm) -> Answer:
    """Creates a job."""
    job = call.services.jobs.create(call.caller, form.create(project_id))
    return call.see_other(after(f"/jobs/{job.job_id}", Done.JOB_CREATED))


@pages.page("jobs/{job_id}/edit", role=Role.OPERATOR)
def page_job_edit(call: PageCall, job_id: JobId) -> Answer:
    """The form for a job that no agent has taken."""
    return call.html(_edit_form(call, job_id))


@pages.form("jobs/{job_id}/edit", again=_edit_again, refusals=(ErrorCode.JOB_STARTED, *NEW_REFUSALS))
def page_job_change(call: PageCall, job_id: JobId, form: JobForm) -> Answer:
    """Saves a job that no agent has taken."""
    call.services.jobs.edit(call.caller, job_id, form.edit())
    return call.see_other(after(f"/jobs/{job_id}", Done.JOB_CHANGED))
