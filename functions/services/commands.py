"""What agents answer to commands. A command that was withdrawn meanwhile is answered with `proceed` false."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from functions.domain.caller import AgentCaller
from functions.domain.ids import CommandName, parse_check_id, parse_command_id
from functions.domain.job import UNFINISHED, Job
from functions.domain.ports import Clock
from functions.domain.views import WishKind
from functions.services.job_store import JobStore
from functions.services.mailbox import Mailbox
from functions.services.moves import Moves, Plan
from functions.services.rock_checks import RockChecks
from migrate_contract.commands import CommandKind, CommandResult, CommandResultAnswer, CommandStatus
from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import JobFault, JobState

_WISHES = {CommandKind.PAUSE_JOB: WishKind.PAUSE, CommandKind.CANCEL_JOB: WishKind.CANCEL}


class Commands:
    """Takes results. The same result again gets the same answer."""

    def __init__(self, clock: Clock, jobs: JobStore, moves: Moves, mailbox: Mailbox, checks: RockChecks) -> None:
        self._clock = clock
        self._jobs = jobs
        self._moves = moves
        self._mailbox = mailbox
        self._checks = checks

    def result(self, caller: AgentCaller, command_id: str, body: CommandResult) -> CommandResultAnswer:
        """Result: whether the agent should do what it was asked. The command is delivered no more."""
        check = parse_check_id(command_id)
        if check is not None:
            proceed = self._checks.answer(caller, check, body)
            self._mailbox.answered(caller.organization, caller.agent_id, command_id)
            return CommandResultAnswer(proceed=proceed)
        name = parse_command_id(command_id)
        if name is None:
            return CommandResultAnswer(proceed=False)
        proceed = name.kind is CommandKind.DROP_JOB or self._apply(caller, name, body)
        self._mailbox.answered(caller.organization, caller.agent_id, command_id)
        return CommandResultAnswer(proceed=proceed)

    def _apply(self, caller: AgentCaller, name: CommandName, body: CommandResult) -> bool:
        """Result: whether the command stands. Moves the job, if the answer says something new."""
        found = self._jobs.find(caller.organization, name.job_id)
        if found is None or not _concerns(found[0], caller, name):
            return False
        stands = False

        def plan(draft: Plan) -> None:
            nonlocal stands
            stands = _concerns(draft.job, caller, name) and self._planned(draft, name, body)

        self._moves.change(caller.organization, name.job_id, f"agent {caller.name}", plan)
        return stands

    def _planned(self, draft: Plan, name: CommandName, body: CommandResult) -> bool:
        """Result: whether the command stands; the draft is what its answer makes of the job."""
        handlers: dict[CommandKind, Callable[[Plan, CommandName, CommandResult], bool]] = {
            CommandKind.START_JOB: _started,
            CommandKind.PAUSE_JOB: _wished,
            CommandKind.CANCEL_JOB: _wished,
            CommandKind.APPROVE_JOB: _approved,
        }
        return handlers[name.kind](draft, name, body)


def _concerns(job: Job, caller: AgentCaller, name: CommandName) -> bool:
    """Result: whether the command is about the job as it is now, and this agent has it."""
    return job.agent_id == caller.agent_id and job.attempt == name.attempt and job.state in UNFINISHED


def _refusal(body: CommandResult) -> str:
    return f"{body.code or ErrorCode.INTERNAL.value}: {body.detail or 'the agent gave no reason'}"


def _started(draft: Plan, name: CommandName, body: CommandResult) -> bool:
    """The agent has the attempt in its journal, or cannot take it."""
    job = draft.job
    if job.dispatch != name.number:
        return False
    if body.status is CommandStatus.ACCEPTED:
        if job.waits_for_agent:
            draft.note("taken", "The agent has it in its journal", replace(job, taken_at=draft.now))
        return True
    if job.waits_for_agent:
        fault = JobFault(code=body.code or ErrorCode.INTERNAL.value, detail=body.detail or "The agent gave no reason.")
        draft.move(JobState.FAILED, f"The agent refused it: {_refusal(body)}", fault=fault)
    return False


def _wished(draft: Plan, name: CommandName, body: CommandResult) -> bool:
    """The agent will pause or cancel, or cannot."""
    job, wish = draft.job, draft.job.wish
    if wish is None or wish.kind is not _WISHES[name.kind] or wish.number != name.number:
        return False
    if body.status is CommandStatus.ACCEPTED:
        if wish.taken_at is None:
            taken = replace(job, wish=replace(wish, taken_at=draft.now))
            draft.note(f"{wish.kind.value}-taken", "The agent has acknowledged it", taken)
        return True
    draft.note(f"{wish.kind.value}-refused", _refusal(body), replace(job, wish=None))
    return False


def _approved(draft: Plan, name: CommandName, body: CommandResult) -> bool:
    """The agent goes on after its scan, or cannot."""
    job = draft.job
    if job.approved_at is None or job.approval not in (0, name.number):
        return False
    if body.status is CommandStatus.ACCEPTED:
        if job.approval:
            draft.note("approval-taken", "The agent has acknowledged it", replace(job, approval=0))
        return True
    draft.note("approval-refused", _refusal(body), replace(job, approval=0, approved_at=None))
    return False
