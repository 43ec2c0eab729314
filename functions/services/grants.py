"""Grants: short-lived access to a job's container, for the agent that holds the attempt and nobody else.

A grant cannot be recalled; what is refused here is its renewal.
"""

from __future__ import annotations

from functions.domain.caller import AgentCaller
from functions.domain.job import Job
from functions.domain.job_rows import GRANT_PREFIX
from functions.domain.limits import Limits
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, ContainerGrant, DataAccount, Row, Tables
from functions.domain.views import WishKind
from functions.services.attempts import Attempts
from functions.services.connections import Connections
from functions.services.job_store import TABLE
from functions.services.projects import TABLE as PROJECTS
from functions.services.sign_in_ends import SignInEnds
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.jobs import Grant, GrantPurpose, GrantRequest
from migrate_contract.sync import MirrorMode


class Grants:
    """The only writer of `grant|<job id>`: until when the last grant lives."""

    def __init__(
        self,
        tables: Tables,
        clock: Clock,
        limits: Limits,
        attempts: Attempts,
        connections: Connections,
        ends: SignInEnds,
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._limits = limits
        self._attempts = attempts
        self._connections = connections
        self._ends = ends

    def issue(self, caller: AgentCaller, job_id: str, body: GrantRequest) -> Grant:
        """Result: access to the job's container, which is made if it is not there.

        Raises Fatal(attempt-superseded), Fatal(grant-refused), Fatal(azure-credentials-expired),
        Fatal(target-access-denied), Retryable.
        """
        job = self._attempts.need(caller, job_id, body.attempt)
        _refuse(job)
        if body.purpose is GrantPurpose.MIRROR:
            _refuse_mirror(job)
        project = self._project(job)
        with self._ends.watching(project):
            granted = self._granted(job, project, body.purpose)
        # Written before it is handed out: the page must never say less than what is true.
        OrganizationTables(self._tables, job.organization).upsert(
            TABLE,
            job.project_id,
            GRANT_PREFIX + job_id,
            {"attempt": job.attempt, "expires_at": granted.expires_at},
        )
        seconds_left = (granted.expires_at - self._clock()).total_seconds()
        return Grant(
            container_url=granted.container_url,
            sas_token=granted.sas_token,
            seconds_left=seconds_left,
            renew_in_seconds=seconds_left / 2,
        )

    def _project(self, job: Job) -> Row:
        project = OrganizationTables(self._tables, job.organization).get(PROJECTS, "", job.project_id)
        if project is None:
            raise Fatal(ErrorCode.GRANT_REFUSED, "The project was deleted.")
        return project

    def _granted(self, job: Job, project: Row, purpose: GrantPurpose) -> ContainerGrant:
        """Result: the signature, for a container that is there."""
        account = self._account(job, project)
        container = job.settings.blob.container
        account.ensure_container(container)
        if purpose is GrantPurpose.MIRROR:
            return account.mirror_grant(container, self._limits.grant_seconds)
        return account.grant(container, self._limits.grant_seconds)

    def _account(self, job: Job, project: Row) -> DataAccount:
        """Result: the account of the project's connection, if it is still the one that the job began with."""
        try:
            account = self._connections.open(project)
        except Fatal as fatal:
            if fatal.code is ErrorCode.AZURE_CREDENTIALS_EXPIRED:
                raise
            raise Fatal(ErrorCode.GRANT_REFUSED, fatal.detail) from fatal
        if job.account is not None and account.account != job.account:
            raise Fatal(ErrorCode.GRANT_REFUSED, "The project was connected to another account meanwhile.")
        return account


def _refuse(job: Job) -> None:
    """Raises Fatal(grant-refused) for a job that nothing may be written for."""
    if not job.held:
        raise Fatal(ErrorCode.GRANT_REFUSED, f"The job is {job.state.value}.")
    if job.wish is not None and job.wish.kind is WishKind.CANCEL:
        raise Fatal(ErrorCode.GRANT_REFUSED, f"{job.wish.by} asked to cancel the job.")


def _refuse_mirror(job: Job) -> None:
    """Raises Fatal(grant-refused) unless an operator has confirmed that this attempt may delete."""
    if job.mirror is None or job.mirror.mode is not MirrorMode.DELETE:
        raise Fatal(ErrorCode.GRANT_REFUSED, "Nobody has confirmed that this attempt may delete at the destination.")
