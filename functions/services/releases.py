"""What becomes of an agent's jobs when the agent is gone for good: they wait for another one, as a new attempt."""

from __future__ import annotations

from dataclasses import replace

from functions.domain.job import UNFINISHED, WORKING, renewed
from functions.domain.ports import Tables
from functions.domain.views import WishKind
from functions.services.job_store import JobStore
from functions.services.moves import Moves, Plan
from migrate_contract.jobs import JobState


class Releases:
    """Gives up jobs."""

    def __init__(self, tables: Tables, jobs: JobStore, moves: Moves) -> None:
        self._tables = tables
        self._jobs = jobs
        self._moves = moves

    def release(self, organization: str, agent_id: str, *, by: str, reason: str) -> None:
        """Takes every unfinished job from the agent."""
        states = tuple(sorted(state.value for state in UNFINISHED))
        for job in self._jobs.every(organization, {"agent_id": agent_id, "state": states}):
            self.release_job(organization, job.job_id, agent_id, by=by, reason=reason)

    def release_job(self, organization: str, job_id: str, agent_id: str, *, by: str, reason: str) -> None:
        """Takes one job from the agent, if the agent has it still. What an operator asked of it is done now."""

        def plan(draft: Plan) -> None:
            job = draft.job
            if job.agent_id != agent_id or job.state not in UNFINISHED:
                return
            wish = job.wish.kind if job.wish else None
            if wish is WishKind.CANCEL:
                draft.move(JobState.CANCELLED, f"{reason}; cancel was asked")
                return
            if wish is WishKind.PAUSE and job.state in WORKING:
                draft.move(JobState.PAUSED, f"{reason}; pause was asked")
            if draft.job.state in WORKING:
                draft.move(JobState.CREATED, reason)
                draft.job = replace(draft.job, agent_id=None)
            else:
                draft.note("released", reason, replace(renewed(draft.job, draft.now), agent_id=None))

        self._moves.change(organization, job_id, by, plan)
