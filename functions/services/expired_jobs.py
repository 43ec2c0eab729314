"""The offer after a reconnect: the jobs that failed because the sign-in had ended, and running them again at once."""

from __future__ import annotations

from collections.abc import Sequence

from functions.domain.caller import OperatorCaller, Role
from functions.domain.expiry_views import ExpiredJobsView, RerunRefusalView, RerunView
from functions.domain.job import Job
from functions.domain.job_rows import JOB_PREFIX, job_of
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Row, Tables
from functions.domain.views import FaultView, JobView
from functions.services.job_store import TABLE
from functions.services.job_views import JobViews
from functions.services.lifecycle import Lifecycle
from functions.services.projects import connection_view, is_closed, need_project
from functions.services.sign_in_ends import need_sign_in
from migrate_contract.errors import CATALOGUE, ErrorCode, Fatal, MigrateError
from migrate_contract.jobs import JobState


class ExpiredJobs:
    """Finds them and reruns them; verified files are not sent again, as in every rerun."""

    def __init__(self, tables: Tables, views: JobViews, lifecycle: Lifecycle) -> None:
        self._tables = tables
        self._views = views
        self._lifecycle = lifecycle

    def show(self, caller: OperatorCaller, project_id: str) -> ExpiredJobsView:
        """Result: the project's jobs whose last attempt failed for its sign-in, and whether a rerun can succeed now."""
        project = need_project(self._tables, caller, project_id)
        return ExpiredJobsView(
            jobs=self._views.views(caller, self._found(project)),
            can_rerun=_is_ready(project),
        )

    def rerun(self, caller: OperatorCaller, project_id: str) -> RerunView:
        """Runs each of them again. Result: which were begun, and which could not be, each with its reason.

        Raises Fatal(azure-credentials-expired) while the project is not connected again, Fatal(NO_AZURE_CONNECTION).
        """
        caller.need(Role.OPERATOR)
        project = need_project(self._tables, caller, project_id)
        need_sign_in(project)
        if connection_view(project) is None:
            raise Fatal(ErrorCode.NO_AZURE_CONNECTION, "The project was disconnected.")
        begun: list[JobView] = []
        refused: list[RerunRefusalView] = []
        for job in self._found(project):
            try:
                begun.append(self._lifecycle.rerun(caller, job.job_id))
            except MigrateError as error:
                refused.append(_refusal(job, error))
        return RerunView(begun=begun, refused=refused)

    def _found(self, project: Row) -> Sequence[Job]:
        tables = OrganizationTables(self._tables, project.pk)
        jobs = map(job_of, tables.partition(TABLE, project.rk, prefix=JOB_PREFIX))
        return [job for job in jobs if failed_for_sign_in(job)]


def failed_for_sign_in(job: Job) -> bool:
    """Result: whether the job's last attempt failed because the customer's sign-in had ended."""
    code = job.fault.code if job.fault else ""
    return job.state is JobState.FAILED and code == ErrorCode.AZURE_CREDENTIALS_EXPIRED.value


def _is_ready(project: Row) -> bool:
    try:
        need_sign_in(project)
    except Fatal:
        return False
    return connection_view(project) is not None and not is_closed(project)


def _refusal(job: Job, error: MigrateError) -> RerunRefusalView:
    entry = CATALOGUE[error.code]
    return RerunRefusalView(
        job_id=job.job_id,
        name=job.settings.name,
        fault=FaultView(code=error.code.value, title=entry.title, detail=error.detail, fix=entry.fix),
    )
