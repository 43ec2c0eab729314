"""Sign-ins that end: the checker's looks and runs, and the jobs to run again after a reconnect."""

from __future__ import annotations

from functions.domain.caller import Role
from functions.domain.expiry_views import ExpiredJobsView, RerunView, TokenCheckView, TokenRunView
from functions.domain.views import ListQuery, Page
from functions.triggers.edge import Routes
from functions.triggers.edge_call import OperatorCall
from migrate_contract.errors import ErrorCode
from migrate_contract.wire import ProjectId

routes = Routes("sign-in ends")


@routes.operator("GET", "api/token-checks", role=Role.READER)
def token_checks_list(call: OperatorCall, query: ListQuery) -> Page[TokenCheckView]:
    """List the newest look at each customer's sign-in: when it was renewed, and when it ends without a renewal."""
    return call.services.token_reports.checks(call.caller, query)


@routes.operator("GET", "api/token-checks/runs", role=Role.READER)
def token_checks_runs(call: OperatorCall, query: ListQuery) -> Page[TokenRunView]:
    """List the runs of the token refresh checker, the newest first: what each looked at, and what it found."""
    return call.services.token_reports.runs(call.caller, query)


@routes.operator("GET", "api/projects/{project_id}/expired-jobs", role=Role.READER)
def expired_jobs_show(call: OperatorCall, project_id: ProjectId) -> ExpiredJobsView:
    """List the jobs that failed because the project's sign-in had ended."""
    return call.services.expired_jobs.show(call.caller, project_id)


@routes.operator(
    "POST",
    "api/projects/{project_id}/expired-jobs/rerun",
    role=Role.OPERATOR,
    refusals=(ErrorCode.AZURE_CREDENTIALS_EXPIRED, ErrorCode.NO_AZURE_CONNECTION),
)
def expired_jobs_rerun(call: OperatorCall, project_id: ProjectId) -> RerunView:
    """Run all of them again; verified files are not sent again. Jobs that cannot be are named with the reason."""
    return call.services.expired_jobs.rerun(call.caller, project_id)
