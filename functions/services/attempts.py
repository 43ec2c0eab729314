"""Whether an agent still holds the attempt that it speaks of.

Nouns: an attempt *outruns* its job if its number is higher than the job's: our tables were restored from a backup
that is older than the attempt.
"""

from __future__ import annotations

from dataclasses import replace

from functions.domain.caller import AgentCaller
from functions.domain.job import ENDED, WORKING, Job, renewed
from functions.services.job_store import JobStore, superseded
from functions.services.moves import Moves, Plan
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.jobs import JobState

_PLAUSIBLE = 1000
"""Attempts that a restore may have lost; a number beyond that is no attempt of ours."""


class Attempts:
    """Fences agents' calls by attempt."""

    def __init__(self, jobs: JobStore, moves: Moves) -> None:
        self._jobs = jobs
        self._moves = moves

    def need(self, caller: AgentCaller, job_id: str, attempt: int) -> Job:
        """Result: the job, if this agent holds this attempt.

        Raises Fatal(not-found) for a job of another client, Fatal(attempt-superseded) where the job has gone on
        without this agent or this attempt. An attempt that outruns the job ends too, and the job takes a number
        above it: a second attempt of the same number would be mixed up with the first.
        """
        found = self._jobs.find(caller.organization, job_id)
        if found is None or found[0].client_id != caller.client_id:
            raise Fatal(ErrorCode.NOT_FOUND, "No such job, or not this agent's")
        job = found[0]
        if job.agent_id == caller.agent_id and job.attempt == attempt:
            return job
        if job.agent_id == caller.agent_id and job.attempt < attempt <= job.attempt + _PLAUSIBLE:
            self._renew_above(caller, job_id, attempt)
        raise superseded(job, caller.agent_id, attempt)

    def _renew_above(self, caller: AgentCaller, job_id: str, attempt: int) -> None:
        """Begins a new attempt with a number that no agent has seen."""

        def plan(draft: Plan) -> None:
            job = draft.job
            if job.agent_id != caller.agent_id or job.attempt >= attempt:
                return
            reason = f"The agent is at attempt {attempt}, which these tables have lost"
            if job.state in ENDED:
                draft.note("outrun", reason, replace(job, attempt=attempt))
                return
            if job.state in WORKING:
                draft.move(JobState.CREATED, reason)
                draft.job = replace(draft.job, attempt=attempt + 1)
            else:
                draft.note("outrun", reason, replace(renewed(job, draft.now), attempt=attempt + 1))

        self._moves.change(caller.organization, job_id, f"agent {caller.name}", plan)
