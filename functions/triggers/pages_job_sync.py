"""Pages of a sync: its schedule, its mirror's confirmation, its cutover."""

from __future__ import annotations

from functions.dashboard.confirm_page import confirm_page
from functions.dashboard.confirmations import confirm_mirror, cut_over
from functions.dashboard.flashes import Done, after
from functions.dashboard.forms import EMPTY_FORM, Form
from functions.dashboard.job_form import SyncForm, errors_at_fields
from functions.dashboard.job_form_page import sync_page
from functions.dashboard.problem_page import problem_page
from functions.dashboard.record_forms import ConfirmForm
from functions.domain.caller import Role
from functions.domain.views import MirrorConfirm
from functions.triggers.edge_answer import Answer
from functions.triggers.edge_call import PageCall
from functions.triggers.edge_pages import PageRoutes, RefusedForm
from functions.triggers.jobs import CONFIRM_REFUSALS, NEW_REFUSALS, STEER_REFUSALS, SYNC_REFUSALS
from functions.triggers.page_reads import typed
from functions.triggers.pages_clients import need_name
from functions.triggers.pages_jobs import job_with_files
from functions.triggers.queries import FilesQuery
from migrate_contract.errors import ErrorCode
from migrate_contract.wire import JobId

pages = PageRoutes("job sync", problem_page=problem_page)


def _job_again(call: PageCall, refused: RefusedForm, job_id: str) -> str:
    return job_with_files(call, job_id, FilesQuery(), refused.problem)


def _sync(call: PageCall, job_id: str, form: Form = EMPTY_FORM) -> str:
    return sync_page(call.frame, call.services.jobs.show(call.caller, job_id), form)


def _sync_again(call: PageCall, refused: RefusedForm, job_id: str) -> str:
    errors = errors_at_fields(refused.problem.code, refused.problem.detail, refused.errors)
    return _sync(call, job_id, Form(refused.values, errors, refused.problem))


def _mirror_again(call: PageCall, refused: RefusedForm, job_id: str) -> str:
    job = call.services.jobs.show(call.caller, job_id)
    return confirm_page(call.frame, confirm_mirror(job), typed(refused))


@pages.page("jobs/{job_id}/sync", role=Role.OPERATOR)
def page_job_sync(call: PageCall, job_id: JobId) -> Answer:
    """The form for the schedule and the mirror."""
    return call.html(_sync(call, job_id))


@pages.form("jobs/{job_id}/sync", again=_sync_again, refusals=(ErrorCode.SCHEDULE_INVALID, *SYNC_REFUSALS))
def page_job_sync_change(call: PageCall, job_id: JobId, form: SyncForm) -> Answer:
    """Saves the schedule and the mirror."""
    call.services.syncs.change(call.caller, job_id, form.body())
    return call.see_other(after(f"/jobs/{job_id}", Done.SYNC_CHANGED))


@pages.page("jobs/{job_id}/confirm-cutover", role=Role.OPERATOR)
def page_job_confirm_cutover(call: PageCall, job_id: JobId) -> Answer:
    """Asks before the last run."""
    return call.html(confirm_page(call.frame, cut_over(call.services.jobs.show(call.caller, job_id))))


@pages.form(
    "jobs/{job_id}/cutover",
    again=_job_again,
    refusals=(ErrorCode.JOB_TYPE_CONFLICT, *STEER_REFUSALS, *NEW_REFUSALS),
)
def page_job_cutover(call: PageCall, job_id: JobId) -> Answer:
    """Runs a sync a last time."""
    call.services.lifecycle.cutover(call.caller, job_id)
    return call.see_other(after(f"/jobs/{job_id}", Done.JOB_CUT_OVER))


@pages.page("jobs/{job_id}/confirm-mirror", role=Role.OPERATOR)
def page_job_confirm_mirror(call: PageCall, job_id: JobId) -> Answer:
    """Asks for the container's name before a mirror deletes."""
    return call.html(confirm_page(call.frame, confirm_mirror(call.services.jobs.show(call.caller, job_id))))


@pages.form("jobs/{job_id}/mirror/confirm", again=_mirror_again, refusals=CONFIRM_REFUSALS)
def page_job_mirror_confirm(call: PageCall, job_id: JobId, form: ConfirmForm) -> Answer:
    """Lets later attempts delete, once the container's name was typed."""
    container = call.services.jobs.show(call.caller, job_id).blob.container
    need_name(form, container)
    call.services.syncs.confirm_mirror(call.caller, job_id, MirrorConfirm(container=form.confirm))
    return call.see_other(after(f"/jobs/{job_id}", Done.MIRROR_CONFIRMED))


@pages.form("jobs/{job_id}/mirror/withdraw", again=_job_again, refusals=SYNC_REFUSALS)
def page_job_mirror_withdraw(call: PageCall, job_id: JobId) -> Answer:
    """Lets a sync delete nothing any more."""
    call.services.syncs.withdraw_mirror(call.caller, job_id)
    return call.see_other(after(f"/jobs/{job_id}", Done.MIRROR_WITHDRAWN))
