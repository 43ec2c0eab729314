"""Dispatch: a message names a job, and the job's start command gets into its agent's mailbox.

A message is a hint: it may come twice, late or never. What is done depends on the job's row alone, so that doing it
again changes nothing; what stalls is found by the sweep.
"""

from __future__ import annotations

from dataclasses import replace

import structlog

from functions.domain import rows
from functions.domain.agent import AGENT_ROW
from functions.domain.ids import is_id
from functions.domain.job import ENDED, MISSION, Job, JobSettings
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Row, Tables
from functions.services.agents import TABLE as AGENTS
from functions.services.connections import Connections
from functions.services.destinations import Destinations
from functions.services.dispatch_message import read_message
from functions.services.imports import Imports
from functions.services.job_store import JobStore
from functions.services.job_views import living_agents
from functions.services.mailbox import Mailbox
from functions.services.moves import Moves, Plan
from functions.services.projects import TABLE as PROJECTS
from functions.services.releases import Releases
from functions.services.rock_connections import RockConnections
from functions.services.sign_in_ends import need_sign_in
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.jobs import JobFault, JobState

_BY = "dispatch"
_log = structlog.get_logger(__name__)


class Dispatch:
    """Handles messages of the queue `dispatch`."""

    def __init__(
        self,
        tables: Tables,
        jobs: JobStore,
        moves: Moves,
        mailbox: Mailbox,
        releases: Releases,
        connections: Connections,
        destinations: Destinations,
        imports: Imports,
        rock: RockConnections,
    ) -> None:
        self._tables = tables
        self._jobs = jobs
        self._moves = moves
        self._mailbox = mailbox
        self._releases = releases
        self._connections = connections
        self._destinations = destinations
        self._imports = imports
        self._rock = rock

    def handle(self, message: str) -> None:
        """Dispatches the job that the message names.

        A job that can never start fails here, with its code. Raises Retryable, and Fatal(request-malformed) for a
        message that is not ours: the host tries again, then hands it to the poison queue.
        """
        hint = read_message(message)
        if hint is None or not is_id("organization", hint.organization):
            raise Fatal(ErrorCode.REQUEST_MALFORMED, "The message is not a dispatch hint.")
        self.dispatch(hint.organization, hint.job_id)

    def dispatch(self, organization: str, job_id: str) -> None:
        """Brings the mailbox of the job's agent in line with the job, after what a start needs."""
        found = self._jobs.find(organization, job_id)
        if found is None or found[0].state in ENDED:
            return
        job = found[0]
        if job.waits_for_agent:
            try:
                job = self._prepared(job)
            except Fatal as fatal:
                self._fail(job, fatal)
                return
        if job.agent_id is not None:
            self._mailbox.reconcile(job)
            _log.info("job.dispatched", organization=organization, job_id=job_id, agent_id=job.agent_id)

    def _prepared(self, job: Job) -> Job:
        """Result: the job with its destination claimed and an agent bound, if there is one to bind.

        Raises Fatal(NO_AZURE_CONNECTION), Fatal(azure-credentials-expired), Fatal(deployment-storage-missing),
        Fatal(destination-overlap), Fatal(container-of-another-client), Fatal(NO_MISSION_CONNECTION),
        Fatal(import-unfinished).
        """
        tables = OrganizationTables(self._tables, job.organization)
        project = tables.get(PROJECTS, "", job.project_id)
        if project is None:
            raise Fatal(ErrorCode.NOT_FOUND, "The project of the job was deleted.")
        settings, account = self._ready(job, project)
        agent_id = self._agent(tables, job)
        if (account, agent_id, settings) == (job.account, job.agent_id, job.settings):
            return job

        def plan(draft: Plan) -> None:
            if not draft.job.waits_for_agent or draft.job.agent_id != job.agent_id:
                return
            if draft.job.dispatch != job.dispatch:
                return  # Edited meanwhile: another hint is on its way.
            bound = replace(draft.job, account=account, agent_id=agent_id, settings=settings)
            if bound != draft.job:
                reason = "Given to the client's only agent" if agent_id != job.agent_id else "Destination claimed"
                draft.note("bound", reason, bound)

        return self._moves.change(job.organization, job.job_id, _BY, plan).after

    def _ready(self, job: Job, project: Row) -> tuple[JobSettings, str]:
        """Result: the settings that the attempt begins with, and the account in which its destination is claimed."""
        if job.settings.is_import:
            settings = self._imports.prepared(job, project)
            self._destinations.claim(job, project, settings.destination)
            return settings, MISSION
        account = self._connections.open(project).account
        need_sign_in(project)
        self._destinations.claim(job, project, job.settings.destination)
        return job.settings, account

    def _agent(self, tables: OrganizationTables, job: Job) -> str | None:
        """Result: the job's agent, else the one that keeps an import's connection, else the client's only one.

        None where an operator has to choose.
        """
        if job.agent_id is not None:
            agent = tables.get(AGENTS, job.agent_id, AGENT_ROW)
            if _is_living(agent):
                return job.agent_id
            # The agent was revoked, and its jobs were not all released when that was interrupted.
            self._releases.release_job(
                job.organization, job.job_id, job.agent_id, by=_BY, reason="The agent was revoked"
            )
            return None
        if job.settings.is_import:
            holder = self._rock.holder(job.organization, job.client_id, job.project_id)
            if holder is not None:
                return holder
        living = living_agents(tables, job.client_id)
        return rows.text(living[0], "agent_id") if len(living) == 1 else None

    def _fail(self, job: Job, fatal: Fatal) -> None:
        """Ends the attempt with what cannot be helped by trying again."""

        def plan(draft: Plan) -> None:
            if draft.job.waits_for_agent and draft.job.attempt == job.attempt:
                fault = JobFault(code=fatal.code.value, detail=fatal.detail)
                draft.move(JobState.FAILED, f"{fatal.code.value}: {fatal.detail}", fault=fault)

        self._moves.change(job.organization, job.job_id, _BY, plan)


def _is_living(agent: Row | None) -> bool:
    return agent is not None and rows.moment(agent, "revoked_at") is None
