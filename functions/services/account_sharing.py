"""Who else works on a storage account that answers 503: its limits are the account's, whoever uses it."""

from __future__ import annotations

from functions.domain import rows
from functions.domain.caller import OperatorCaller
from functions.domain.job import Job
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Tables
from functions.domain.views import JobView, NamedJob, SharedAccount
from functions.services.clients import TABLE as CLIENTS
from functions.services.job_store import JobStore
from migrate_contract.jobs import JobState, WaitReason

_MOST_NAMED = 20
_SENDING = (JobState.SCANNING.value, JobState.RUNNING.value)
"""States in which a job may send: uploading begins while the scan still runs."""


class AccountSharing:
    """Looks through the organization's jobs at work, and only where a job waits for its account."""

    def __init__(self, tables: Tables, jobs: JobStore) -> None:
        self._tables = tables
        self._jobs = jobs

    def of(self, caller: OperatorCaller, job: Job, view: JobView) -> SharedAccount | None:
        """Result: the account and the other jobs on it; None where the job does not wait because it is busy.

        None for an import, too: Mission is no storage account, and each project has its own.
        Jobs of clients that this member may not see are counted, not named.
        """
        if job.account is None or job.settings.is_import or job.state.value not in _SENDING or not _is_busy(view):
            return None
        others = [
            other
            for other in self._jobs.every(caller.organization, {"account": job.account, "state": _SENDING})
            if other.job_id != job.job_id
        ]
        visible = sorted(
            (other for other in others if caller.may_see(other.client_id)), key=lambda it: it.settings.name
        )
        named = visible[:_MOST_NAMED]
        names = self._client_names(caller, {other.client_id for other in named})
        return SharedAccount(
            account=job.account,
            jobs=[
                NamedJob(job_id=other.job_id, name=other.settings.name, client_name=names[other.client_id])
                for other in named
            ],
            others=len(others) - len(named),
        )

    def _client_names(self, caller: OperatorCaller, client_ids: set[str]) -> dict[str, str]:
        tables = OrganizationTables(self._tables, caller.organization)
        found = {client_id: tables.get(CLIENTS, "", client_id) for client_id in client_ids}
        return {client_id: rows.text(row, "name") if row else "" for client_id, row in found.items()}


def _is_busy(view: JobView) -> bool:
    return view.progress is not None and view.progress.waiting.reason is WaitReason.SERVICE_BUSY
