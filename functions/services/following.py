"""What agents say of jobs, turned into moves: reports that skip states are taken through the ones between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from functions.domain.caller import AgentCaller
from functions.domain.job import ENDED, WORKING, Job, Mark, renewed, route
from functions.domain.views import WishKind
from functions.services.job_store import superseded
from functions.services.moves import Moves, Plan
from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import JobFault, JobPhase, JobState, Outcome, Progress

_STATES = {
    JobPhase.SCANNING: JobState.SCANNING,
    JobPhase.READY: JobState.READY,
    JobPhase.RUNNING: JobState.RUNNING,
    JobPhase.PAUSED: JobState.PAUSED,
    JobPhase.COMPLETED: JobState.COMPLETED,
    JobPhase.FAILED: JobState.FAILED,
    JobPhase.CANCELLED: JobState.CANCELLED,
}
_NO_REASON = JobFault(code=ErrorCode.INTERNAL.value, detail="The agent gave no reason.")


@dataclass(frozen=True, slots=True)
class Report:
    """A progress report with its place in the order of reports."""

    progress: Progress
    mark: Mark


class Following:
    """Follows agents."""

    def __init__(self, moves: Moves, money_differs: Callable[[Job], bool]) -> None:
        self._moves = moves
        self._money_differs = money_differs

    def follow(self, caller: AgentCaller, job_id: str, report: Report) -> Job:
        """Result: the job after what the report says. A report that moved it before, or is older, moves nothing.

        Raises Fatal(attempt-superseded).
        """

        def plan(draft: Plan) -> None:
            job = draft.job
            if job.agent_id != caller.agent_id or job.attempt != report.progress.attempt:
                raise superseded(job, caller.agent_id, report.progress.attempt)
            if report.progress.phase is JobPhase.LOST:
                _lost(draft)
            elif report.mark > job.followed:
                _follow(draft, report.progress, self._outcome)
                if draft.entries:
                    draft.job = replace(draft.job, followed=report.mark)

        return self._moves.change(caller.organization, job_id, f"agent {caller.name}", plan).after

    def _outcome(self, job: Job, progress: Progress) -> Outcome:
        """Result: the agent's word, unless its own numbers say that something failed or was never dealt with.

        Those are its counters, and of an import also its report. A dry run leaves every record undecided.
        """
        left = progress.files.failed + progress.files.pending
        left += sum(entity.errored for entity in progress.entities)
        if not job.settings.is_dry_run:
            left += sum(entity.pending for entity in progress.entities)
        if left or (job.settings.is_import and self._money_differs(job)):
            return Outcome.COMPLETE_WITH_FAILURES
        return progress.outcome or Outcome.COMPLETE


def _follow(draft: Plan, progress: Progress, outcome: Callable[[Job, Progress], Outcome]) -> None:
    """Moves the job to where the agent says it is."""
    job = draft.job
    if progress.phase is JobPhase.QUEUED:
        if job.waits_for_agent:
            draft.note("taken", "The agent has it in its journal", replace(job, taken_at=draft.now))
        return
    target = _STATES[progress.phase]
    wish, unpause = job.wish, job.unpause
    if job.state is JobState.CREATED and target is JobState.PAUSED and wish is None and not unpause:
        return  # Said before the job was resumed: nobody has asked for a pause since.
    for state in route(job.state, target):
        _step(draft, state, progress, outcome)
    if draft.job.state is JobState.PAUSED and job.state is not JobState.PAUSED:
        if wish is not None and wish.kind is WishKind.CANCEL:
            draft.move(JobState.CANCELLED, f"Cancel asked by {wish.by}")
        elif unpause:
            draft.move(JobState.CREATED, "The pause had been taken back")


def _step(draft: Plan, state: JobState, progress: Progress, outcome: Callable[[Job, Progress], Outcome]) -> None:
    """One move on the way."""
    said = f"The agent reports {progress.phase.value}"
    if state is JobState.COMPLETED:
        draft.move(state, said, outcome=outcome(draft.job, progress))
    elif state is JobState.FAILED:
        fault = progress.fault or _NO_REASON
        draft.move(state, f"{fault.code}: {fault.detail}", fault=fault)
    else:
        draft.move(state, said)


def _lost(draft: Plan) -> None:
    """The agent's journal does not know the attempt: what it held is gone, a new attempt takes its place.

    What an operator asked of it is done now. A paused job stays paused; a job whose start the agent has not
    acknowledged was never in its journal, and the start is on its way.
    """
    job = draft.job
    reason = "The agent's journal does not know this attempt"
    if job.state in ENDED or job.waits_for_agent:
        return
    wish = job.wish.kind if job.wish else None
    if wish is WishKind.CANCEL:
        draft.move(JobState.CANCELLED, f"{reason}; cancel was asked")
    elif job.state in WORKING and wish is WishKind.PAUSE:
        draft.move(JobState.PAUSED, f"{reason}; pause was asked")
        draft.note("lost", reason, renewed(draft.job, draft.now))
    elif job.state in WORKING:
        draft.move(JobState.CREATED, reason)
    else:
        draft.note("lost", reason, renewed(job, draft.now))
