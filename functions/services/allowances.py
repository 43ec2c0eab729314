"""What limits a job's upload: its own limit, its project's schedule, and its agent's share of the client's site limit.

Nouns: the *site limit* is what all agents of a client may send together; a *sender* is an agent with a job that scans
or copies; a *share* is the site limit divided by the senders, the asking agent among them.
"""

from __future__ import annotations

from collections.abc import Callable

from functions.domain.job import UNFINISHED, Job
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Row, Tables
from functions.services.clients import TABLE as CLIENTS
from functions.services.clients import site_limit_of
from functions.services.job_store import JobStore
from functions.services.projects import TABLE as PROJECTS
from functions.services.projects import schedule_of
from migrate_contract.jobs import JobState
from migrate_contract.schedule import BandwidthSchedule, JobLimits

_SENDING = frozenset({JobState.SCANNING, JobState.RUNNING})
"""A job that is held for approval sends nothing, and takes no share from the others."""


def sender(job: Job) -> str | None:
    """Result: the agent that sends for this job now; None where none does."""
    return job.agent_id if job.state in _SENDING else None


class Allowances:
    """Reads what limits a job. One that `remembers` reads each project and client once: for a sweep, then dropped."""

    def __init__(self, tables: Tables, jobs: JobStore, *, remembers: bool = False) -> None:
        self._tables, self._jobs = tables, jobs
        self._known: dict[tuple[str, ...], object] | None = {} if remembers else None

    def remembering(self) -> Allowances:
        """Result: one that reads everything once."""
        return Allowances(self._tables, self._jobs, remembers=True)

    def of(self, job: Job) -> JobLimits:
        """Result: the job's limits by the rows as they are now."""
        return JobLimits(
            job_id=job.job_id,
            limit_mbps=job.settings.transfer.bandwidth_limit_mbps,
            schedule=self._schedule(job),
            site_share_mbps=self._share(job),
        )

    def sharing(self, organization: str, client_id: str) -> list[Job]:
        """Result: the client's unfinished jobs, whose shares depend on each other; none where there is no limit."""
        if self._site_limit(organization, client_id) is None:
            return []
        states = tuple(sorted(state.value for state in UNFINISHED))
        return list(self._jobs.every(organization, {"client_id": client_id, "state": states}))

    def _schedule(self, job: Job) -> BandwidthSchedule | None:
        def read() -> BandwidthSchedule | None:
            project = self._row(job.organization, PROJECTS, job.project_id)
            return schedule_of(project) if project else None

        return self._once(("schedule", job.organization, job.project_id), read)

    def _share(self, job: Job) -> float | None:
        limit = self._site_limit(job.organization, job.client_id)
        if limit is None or job.agent_id is None:
            return None
        return limit / len({*self._senders(job.organization, job.client_id), job.agent_id})

    def _site_limit(self, organization: str, client_id: str) -> float | None:
        def read() -> float | None:
            client = self._row(organization, CLIENTS, client_id)
            return site_limit_of(client) if client else None

        return self._once(("site", organization, client_id), read)

    def _senders(self, organization: str, client_id: str) -> frozenset[str]:
        def read() -> frozenset[str]:
            states = tuple(sorted(state.value for state in _SENDING))
            jobs = self._jobs.every(organization, {"client_id": client_id, "state": states})
            return frozenset(agent_id for job in jobs if (agent_id := sender(job)) is not None)

        return self._once(("senders", organization, client_id), read)

    def _row(self, organization: str, table: str, key: str) -> Row | None:
        return OrganizationTables(self._tables, organization).get(table, "", key)

    def _once[V](self, key: tuple[str, ...], read: Callable[[], V]) -> V:
        """Result: what `read` answers, or answered before under this key."""
        if self._known is None:
            return read()
        if key not in self._known:
            self._known[key] = read()
        found: V = self._known[key]  # type: ignore[assignment]  # each kind of key has one type of value
        return found
