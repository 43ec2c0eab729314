"""Jobs: created, steered and shown."""

from __future__ import annotations

from functions.domain.caller import Role
from functions.domain.views import (
    BandwidthLimitBody,
    HistoryView,
    JobCreate,
    JobDuplicate,
    JobEdit,
    JobReassign,
    JobView,
    ListQuery,
    MirrorConfirm,
    Page,
)
from functions.triggers.edge import Routes
from functions.triggers.edge_call import OperatorCall
from functions.triggers.queries import JobsQuery
from migrate_contract.errors import ErrorCode
from migrate_contract.sync import SyncSettings
from migrate_contract.wire import JobId

routes = Routes("jobs")

NEW_REFUSALS = (
    ErrorCode.NOT_FOUND,
    ErrorCode.PROJECT_CLOSED,
    ErrorCode.AGENT_OF_ANOTHER_CLIENT,
    ErrorCode.AGENT_REVOKED,
    ErrorCode.DESTINATION_OVERLAP,
    ErrorCode.CONTAINER_OF_ANOTHER_CLIENT,
    ErrorCode.CHANGED_MEANWHILE,
    ErrorCode.SCHEDULE_INVALID,
    ErrorCode.IMPORT_UNFINISHED,
    ErrorCode.JOB_TYPE_CONFLICT,
)
STEER_REFUSALS = (ErrorCode.JOB_STATE_CONFLICT, ErrorCode.CHANGED_MEANWHILE)
SYNC_REFUSALS = (ErrorCode.JOB_TYPE_CONFLICT, ErrorCode.CHANGED_MEANWHILE)
CONFIRM_REFUSALS = (*SYNC_REFUSALS, ErrorCode.CONFIRMATION_MISMATCH, ErrorCode.MIRROR_NOT_PREVIEWED)


@routes.operator("GET", "api/jobs", role=Role.READER, refusals=(ErrorCode.NOT_FOUND,))
def jobs_list(call: OperatorCall, query: JobsQuery) -> Page[JobView]:
    """List the jobs that you may see."""
    return call.services.jobs.list(call.caller, query, query.project_id, query.state, query.agent_id)


@routes.operator("POST", "api/jobs", role=Role.OPERATOR, status=201, refusals=NEW_REFUSALS)
def jobs_create(call: OperatorCall, body: JobCreate) -> JobView:
    """Create a job; it goes to its agent with the agent's next heartbeat."""
    return call.services.jobs.create(call.caller, body)


@routes.operator("GET", "api/jobs/{job_id}", role=Role.READER)
def jobs_show(call: OperatorCall, job_id: JobId) -> JobView:
    """Show one job: its state, what it waits for, its newest numbers, and what can be done with it now."""
    return call.services.jobs.show(call.caller, job_id)


@routes.operator("PATCH", "api/jobs/{job_id}", role=Role.OPERATOR, refusals=(ErrorCode.JOB_STARTED, *NEW_REFUSALS))
def jobs_edit(call: OperatorCall, job_id: JobId, body: JobEdit) -> JobView:
    """Change a job that no agent has taken yet."""
    return call.services.jobs.edit(call.caller, job_id, body)


@routes.operator(
    "DELETE",
    "api/jobs/{job_id}",
    role=Role.OPERATOR,
    refusals=(ErrorCode.JOB_WORKING, ErrorCode.CHANGED_MEANWHILE),
)
def jobs_delete(call: OperatorCall, job_id: JobId) -> None:
    """Delete a job that is not at work, with its history and its ledger."""
    call.services.jobs.delete(call.caller, job_id)


@routes.operator("POST", "api/jobs/{job_id}/pause", role=Role.OPERATOR, refusals=STEER_REFUSALS)
def jobs_pause(call: OperatorCall, job_id: JobId) -> JobView:
    """Ask the agent to pause; at once where no agent has taken the job."""
    return call.services.lifecycle.pause(call.caller, job_id)


@routes.operator("POST", "api/jobs/{job_id}/resume", role=Role.OPERATOR, refusals=(*STEER_REFUSALS, *NEW_REFUSALS))
def jobs_resume(call: OperatorCall, job_id: JobId) -> JobView:
    """Let a paused job go on, or withdraw a pause that the agent has not taken yet."""
    return call.services.lifecycle.resume(call.caller, job_id)


@routes.operator("POST", "api/jobs/{job_id}/cancel", role=Role.OPERATOR, refusals=STEER_REFUSALS)
def jobs_cancel(call: OperatorCall, job_id: JobId) -> JobView:
    """Ask the agent to stop for good; at once where no agent works on the job."""
    return call.services.lifecycle.cancel(call.caller, job_id)


@routes.operator("POST", "api/jobs/{job_id}/rerun", role=Role.OPERATOR, refusals=(*STEER_REFUSALS, *NEW_REFUSALS))
def jobs_rerun(call: OperatorCall, job_id: JobId) -> JobView:
    """Run an ended job again as a new attempt; what the destination holds verified is not sent again."""
    return call.services.lifecycle.rerun(call.caller, job_id)


@routes.operator(
    "POST", "api/jobs/{job_id}/retry-failed", role=Role.OPERATOR, refusals=(*STEER_REFUSALS, *NEW_REFUSALS)
)
def jobs_retry_failed(call: OperatorCall, job_id: JobId) -> JobView:
    """Run an ended job again, about the files only that failed in its last attempt."""
    return call.services.lifecycle.retry_failed(call.caller, job_id)


@routes.operator(
    "PUT",
    "api/jobs/{job_id}/sync",
    role=Role.OPERATOR,
    refusals=(*SYNC_REFUSALS, ErrorCode.SCHEDULE_INVALID),
)
def jobs_sync(call: OperatorCall, job_id: JobId, body: SyncSettings) -> JobView:
    """Change when a sync runs again and what its mirror may delete; other limits have to be confirmed anew."""
    return call.services.syncs.change(call.caller, job_id, body)


@routes.operator(
    "POST",
    "api/jobs/{job_id}/cutover",
    role=Role.OPERATOR,
    refusals=(*STEER_REFUSALS, *NEW_REFUSALS),
)
def jobs_cutover(call: OperatorCall, job_id: JobId) -> JobView:
    """Run a sync a last time, comparing everything by hash, and switch its schedule off."""
    return call.services.lifecycle.cutover(call.caller, job_id)


@routes.operator("POST", "api/jobs/{job_id}/mirror/confirm", role=Role.OPERATOR, refusals=CONFIRM_REFUSALS)
def jobs_mirror_confirm(call: OperatorCall, job_id: JobId, body: MirrorConfirm) -> JobView:
    """Let later attempts delete what is gone from the source; the destination container's name is typed for it."""
    return call.services.syncs.confirm_mirror(call.caller, job_id, body)


@routes.operator("POST", "api/jobs/{job_id}/mirror/withdraw", role=Role.OPERATOR, refusals=SYNC_REFUSALS)
def jobs_mirror_withdraw(call: OperatorCall, job_id: JobId) -> JobView:
    """Let a sync delete nothing any more."""
    return call.services.syncs.withdraw_mirror(call.caller, job_id)


@routes.operator("POST", "api/jobs/{job_id}/duplicate", role=Role.OPERATOR, status=201, refusals=NEW_REFUSALS)
def jobs_duplicate(call: OperatorCall, job_id: JobId, body: JobDuplicate) -> JobView:
    """Create a new job like this one."""
    return call.services.jobs.duplicate(call.caller, job_id, body)


@routes.operator("POST", "api/jobs/{job_id}/approve", role=Role.OPERATOR, refusals=STEER_REFUSALS)
def jobs_approve(call: OperatorCall, job_id: JobId) -> JobView:
    """Let a job go on that stopped in ready (`hold_after_scan`)."""
    return call.services.lifecycle.approve(call.caller, job_id)


@routes.operator("POST", "api/jobs/{job_id}/reassign", role=Role.OPERATOR, refusals=(*STEER_REFUSALS, *NEW_REFUSALS))
def jobs_reassign(call: OperatorCall, job_id: JobId, body: JobReassign) -> JobView:
    """Give a waiting, paused or unconfirmed job to another agent of the client, as a new attempt."""
    return call.services.lifecycle.reassign(call.caller, job_id, body)


@routes.operator("GET", "api/jobs/{job_id}/history", role=Role.READER)
def jobs_history(call: OperatorCall, job_id: JobId, query: ListQuery) -> Page[HistoryView]:
    """List every move of the job and each event: when, by whom, why."""
    return call.services.jobs.history(call.caller, job_id, query)


@routes.operator(
    "PUT", "api/jobs/{job_id}/bandwidth-limit", role=Role.OPERATOR, refusals=(ErrorCode.CHANGED_MEANWHILE,)
)
def jobs_limit(call: OperatorCall, job_id: JobId, body: BandwidthLimitBody) -> JobView:
    """Change the job's own bandwidth limit, also while it runs: its agent hears of it with its next heartbeat."""
    return call.services.bandwidth.limit_job(call.caller, job_id, body)
