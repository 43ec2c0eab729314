"""What is done to a job from its page. A refused action shows the job as it is now, and why it was refused."""

from __future__ import annotations

from functions.dashboard.bandwidth_page import LimitForm
from functions.dashboard.confirm_page import confirm_page
from functions.dashboard.confirmations import cancel_job, delete_job
from functions.dashboard.flashes import Done, after
from functions.dashboard.forms import EMPTY_FORM, Form
from functions.dashboard.job_form_page import reassign_page
from functions.dashboard.problem_page import problem_page
from functions.dashboard.record_forms import ConfirmForm, ReassignForm
from functions.domain.caller import Role
from functions.triggers.edge_answer import Answer
from functions.triggers.edge_call import PageCall
from functions.triggers.edge_pages import PageRoutes, RefusedForm
from functions.triggers.jobs import NEW_REFUSALS, STEER_REFUSALS
from functions.triggers.page_reads import agents_of, typed
from functions.triggers.pages_clients import need_name
from functions.triggers.pages_jobs import job_with_files
from functions.triggers.queries import FilesQuery
from migrate_contract.errors import ErrorCode
from migrate_contract.wire import JobId

pages = PageRoutes("job actions", problem_page=problem_page)

_START_REFUSALS = (*STEER_REFUSALS, *NEW_REFUSALS)


def _job_again(call: PageCall, refused: RefusedForm, job_id: str) -> str:
    return job_with_files(call, job_id, FilesQuery(), refused.problem)


def _limit_again(call: PageCall, refused: RefusedForm, job_id: str) -> str:
    return job_with_files(call, job_id, FilesQuery(), limit_form=typed(refused))


def _delete_again(call: PageCall, refused: RefusedForm, job_id: str) -> str:
    job = call.services.jobs.show(call.caller, job_id)
    return confirm_page(call.frame, delete_job(job), typed(refused))


def _reassign(call: PageCall, job_id: str, form: Form = EMPTY_FORM) -> str:
    job = call.services.jobs.show(call.caller, job_id)
    return reassign_page(call.frame, job, agents_of(call, job.client_id), form)


def _reassign_again(call: PageCall, refused: RefusedForm, job_id: str) -> str:
    return _reassign(call, job_id, typed(refused))


@pages.form("jobs/{job_id}/pause", again=_job_again, refusals=STEER_REFUSALS)
def page_job_pause(call: PageCall, job_id: JobId) -> Answer:
    """Asks the agent to pause."""
    call.services.lifecycle.pause(call.caller, job_id)
    return call.see_other(after(f"/jobs/{job_id}", Done.JOB_PAUSED))


@pages.form("jobs/{job_id}/resume", again=_job_again, refusals=_START_REFUSALS)
def page_job_resume(call: PageCall, job_id: JobId) -> Answer:
    """Lets a paused job go on."""
    call.services.lifecycle.resume(call.caller, job_id)
    return call.see_other(after(f"/jobs/{job_id}", Done.JOB_RESUMED))


@pages.form("jobs/{job_id}/approve", again=_job_again, refusals=STEER_REFUSALS)
def page_job_approve(call: PageCall, job_id: JobId) -> Answer:
    """Lets a job go on that stopped after its scan."""
    call.services.lifecycle.approve(call.caller, job_id)
    return call.see_other(after(f"/jobs/{job_id}", Done.JOB_APPROVED))


@pages.form("jobs/{job_id}/rerun", again=_job_again, refusals=_START_REFUSALS)
def page_job_rerun(call: PageCall, job_id: JobId) -> Answer:
    """Runs an ended job again."""
    call.services.lifecycle.rerun(call.caller, job_id)
    return call.see_other(after(f"/jobs/{job_id}", Done.JOB_RERUN))


@pages.form("jobs/{job_id}/bandwidth-limit", again=_limit_again, refusals=(ErrorCode.CHANGED_MEANWHILE,))
def page_job_limit(call: PageCall, job_id: JobId, form: LimitForm) -> Answer:
    """Changes the job's own bandwidth limit, also while it runs."""
    call.services.bandwidth.limit_job(call.caller, job_id, form.body())
    return call.see_other(after(f"/jobs/{job_id}", Done.JOB_LIMITED))


@pages.form("jobs/{job_id}/retry-failed", again=_job_again, refusals=_START_REFUSALS)
def page_job_retry_failed(call: PageCall, job_id: JobId) -> Answer:
    """Runs an ended job again, about its failed files only."""
    call.services.lifecycle.retry_failed(call.caller, job_id)
    return call.see_other(after(f"/jobs/{job_id}", Done.JOB_RETRIED))


@pages.page("jobs/{job_id}/confirm-cancel", role=Role.OPERATOR)
def page_job_confirm_cancel(call: PageCall, job_id: JobId) -> Answer:
    """Asks before a job is cancelled."""
    return call.html(confirm_page(call.frame, cancel_job(call.services.jobs.show(call.caller, job_id))))


@pages.form("jobs/{job_id}/cancel", again=_job_again, refusals=STEER_REFUSALS)
def page_job_cancel(call: PageCall, job_id: JobId) -> Answer:
    """Asks the agent to stop for good."""
    call.services.lifecycle.cancel(call.caller, job_id)
    return call.see_other(after(f"/jobs/{job_id}", Done.JOB_CANCELLED))


@pages.page("jobs/{job_id}/confirm-delete", role=Role.OPERATOR)
def page_job_confirm_delete(call: PageCall, job_id: JobId) -> Answer:
    """Asks before a job is deleted."""
    return call.html(confirm_page(call.frame, delete_job(call.services.jobs.show(call.caller, job_id))))


@pages.form(
    "jobs/{job_id}/delete",
    again=_delete_again,
    refusals=(ErrorCode.JOB_WORKING, ErrorCode.CHANGED_MEANWHILE),
)
def page_job_delete(call: PageCall, job_id: JobId, form: ConfirmForm) -> Answer:
    """Deletes a job whose name was typed."""
    job = call.services.jobs.show(call.caller, job_id)
    need_name(form, job.name)
    call.services.jobs.delete(call.caller, job_id)
    return call.see_other(after(f"/projects/{job.project_id}", Done.JOB_DELETED))


@pages.page("jobs/{job_id}/reassign", role=Role.OPERATOR)
def page_job_reassign(call: PageCall, job_id: JobId) -> Answer:
    """The choice of another agent."""
    return call.html(_reassign(call, job_id))


@pages.form("jobs/{job_id}/reassign", again=_reassign_again, refusals=_START_REFUSALS)
def page_job_reassign_to(call: PageCall, job_id: JobId, form: ReassignForm) -> Answer:
    """Gives a job to another agent."""
    call.services.lifecycle.reassign(call.caller, job_id, form.body())
    return call.see_other(after(f"/jobs/{job_id}", Done.JOB_REASSIGNED))
