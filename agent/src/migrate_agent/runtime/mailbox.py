"""Does what heartbeat answers ask for: commands, lost work, a new key, limits. The heartbeat only drops answers here.

A command is written to the journal before its result is posted, and acted on once the control plane says `proceed`:
so none is lost in a crash, none is done twice, and one that was withdrawn meanwhile is not done at all.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from migrate_agent.control.answers import FENCED
from migrate_agent.control.client import ControlClient
from migrate_agent.identity import KeyRing
from migrate_agent.logs import log_fault
from migrate_agent.redaction import redactor
from migrate_agent.runtime.checks import CHECKS
from migrate_agent.runtime.job_runner import WORKING, JobRunner
from migrate_agent.runtime.status import Status
from migrate_agent.store.journal import JobRecord, Journal
from migrate_contract.agents import Assignment, HeartbeatResponse
from migrate_contract.commands import Command, CommandKind, CommandResult, CommandStatus
from migrate_contract.errors import ErrorCode, Fatal, MigrateError, Retryable
from migrate_contract.jobs import JobPhase, JobSpec
from migrate_contract.schedule import LimitSet

log = logging.getLogger(__name__)

_ACCEPTED = CommandResult(status=CommandStatus.ACCEPTED)


class Mailbox:
    """One thread (`run`). Only the newest answer is kept: commands are repeated until their result is posted."""

    def __init__(
        self,
        client: ControlClient,
        keys: KeyRing,
        journal: Journal,
        runner: JobRunner,
        status: Status,
        *,
        on_change: Callable[[], None],
        on_lost: Callable[[str, int], None],
        on_limits: Callable[[LimitSet], None],
        on_check: Callable[[Command], None],
    ) -> None:
        """`on_check` takes commands that change no job (runtime/checks.py), and returns at once."""
        self._client, self._keys, self._journal, self._runner = client, keys, journal, runner
        self._status, self._on_change, self._on_lost, self._on_limits = status, on_change, on_lost, on_limits
        self._on_check = on_check
        self._newest: HeartbeatResponse | None = None
        self._arrived = threading.Condition()
        self._ended = False

    def put(self, answer: HeartbeatResponse) -> None:
        """Returns at once."""
        with self._arrived:
            self._newest = answer
            self._arrived.notify_all()

    def end(self) -> None:
        """`run` returns after what it is doing."""
        with self._arrived:
            self._ended = True
            self._arrived.notify_all()

    def run(self) -> None:
        """Handles answers until `end`."""
        while True:
            with self._arrived:
                self._arrived.wait_for(lambda: self._ended or self._newest is not None)
                answer, self._newest = self._newest, None
                if self._ended or answer is None:
                    return
            try:
                self.handle(answer)
            except MigrateError as error:
                level = logging.WARNING if isinstance(error, Retryable) else logging.ERROR
                log_fault(
                    log, "an answer of the control plane could not be handled, it comes again", error, level=level
                )
                self._status.fault(error)
            except Exception:
                log.exception("an answer of the control plane broke us; it comes again")

    def handle(self, answer: HeartbeatResponse) -> None:
        """Result: everything that this answer asks for is done or begun. Raises what the journal or the wire raises."""
        if answer.limits is not None:
            # First: a command of the same answer may start a job that they limit.
            self._on_limits(answer.limits)
        if answer.rotate_key:
            self._rotate_key()
        named = {command.job_id for command in answer.commands}
        for record in self._journal.jobs():
            if not record.confirmed and record.phase is JobPhase.QUEUED and record.job_id not in named:
                self._settle_unconfirmed(record, answer.assignments)
        for assignment in answer.assignments:
            record_now = self._journal.job(assignment.job_id)
            if record_now is None or record_now.attempt < assignment.attempt:
                self._on_lost(assignment.job_id, assignment.attempt)
        for command in answer.commands:
            try:
                if command.kind in CHECKS:
                    self._on_check(command)
                else:
                    self._do(command)
            except Fatal as error:
                if error.code in FENCED:
                    raise
                fields: dict[str, Any] = {"job_id": command.job_id, "attempt": command.attempt}
                log_fault(log, f"the answer to {command.kind} was refused", error, **fields)
                self._status.fault(error, command.job_id)
        self._on_change()

    # One command

    def _do(self, command: Command) -> None:
        earlier = self._journal.handled(command.command_id)
        before = self._journal.job(command.job_id) if command.job_id else None
        if earlier is None:
            result = self._journalled(command)
            self._tell(command, result)
        else:
            result = earlier
        answer = self._client.post_result(command.command_id, result)
        if result.status is CommandStatus.ACCEPTED:
            self._act(command, before, proceed=answer.proceed)

    def _journalled(self, command: Command) -> CommandResult:
        """Result: the answer to a new command, on the disk together with what it needs."""
        try:
            if command.kind == CommandKind.START_JOB:
                return self._accept(command)
            if command.kind not in set(CommandKind):
                raise Fatal(ErrorCode.COMMAND_UNKNOWN, f"the command is {command.kind!r}")
            if command.job_id is None or command.attempt is None:
                raise Fatal(ErrorCode.REQUEST_INVALID, f"{command.kind} names no job or no attempt")
            result = _ACCEPTED
        except Fatal as error:
            result = CommandResult(status=CommandStatus.FAILED, code=error.code.value, detail=error.detail)
        self._journal.remember(command.command_id, result)
        return result

    def _accept(self, command: Command) -> CommandResult:
        spec = command.spec
        if spec is None or (command.job_id, command.attempt) != (spec.job_id, spec.attempt):
            raise Fatal(ErrorCode.REQUEST_INVALID, "start_job carries no spec, or one of another job")
        # Asked before the older attempt is forgotten; without an answer, the engine asks the control plane.
        failed = self._journal.failed_paths(spec.job_id, spec.failed_of) if spec.failed_of else None
        known = self._journal.job(spec.job_id)
        if known is not None and known.attempt < spec.attempt and not self._runner.forget(known.job_id, known.attempt):
            raise Retryable(ErrorCode.CHANGED_MEANWHILE, f"attempt {known.attempt} of the job is still winding down")
        if not self._runner.settle(spec.job_id):
            raise Retryable(ErrorCode.CHANGED_MEANWHILE, "the job is still winding down from its pause")
        known = self._journal.job(spec.job_id)
        if known is not None and known.attempt == spec.attempt and known.confirmed and known.phase in WORKING:
            # It is at work already; another start of the same attempt asks for nothing more.
            self._journal.remember(command.command_id, _ACCEPTED)
            return _ACCEPTED
        self._journal.accept(spec, command.command_id, _ACCEPTED)
        if failed is not None:
            self._journal.open_attempt(spec.job_id, spec.attempt).beside.want(failed)
        return _ACCEPTED

    def _act(self, command: Command, before: JobRecord | None, *, proceed: bool) -> None:
        job_id, attempt = command.job_id, command.attempt
        if job_id is None or attempt is None:
            return
        if command.kind == CommandKind.START_JOB:
            self._start(job_id, attempt, before, proceed=proceed)
            return
        if not proceed:
            return
        record = self._journal.job(job_id)
        if command.kind == CommandKind.DROP_JOB:
            if record is not None and record.attempt <= attempt:
                self._runner.forget(job_id, record.attempt)
        elif record is None or record.attempt < attempt:
            self._on_lost(job_id, attempt)
        elif record.attempt == attempt:
            moves = {
                CommandKind.PAUSE_JOB.value: self._runner.pause,
                CommandKind.CANCEL_JOB.value: self._runner.cancel,
                CommandKind.APPROVE_JOB.value: self._runner.approve,
            }
            moves[command.kind](job_id, attempt)

    def _start(self, job_id: str, attempt: int, before: JobRecord | None, *, proceed: bool) -> None:
        record = self._journal.job(job_id)
        if record is None or record.attempt != attempt:
            return
        if proceed:
            if not record.confirmed:
                self._journal.confirm(job_id, attempt)
                self._runner.wake()
        elif not record.confirmed:
            self._withdraw(record, before)

    def _withdraw(self, record: JobRecord, before: JobRecord | None) -> None:
        """The start was withdrawn: an attempt that has worked before stays paused, a fresh one is forgotten."""
        fields: dict[str, Any] = {"job_id": record.job_id, "attempt": record.attempt}
        log.info("the start of job %s was withdrawn", record.spec.name, extra=fields)
        worked = record.sequence > 0 or (before is not None and before.attempt == record.attempt and before.confirmed)
        if not worked:
            self._journal.drop(record.job_id, record.attempt)
            return
        self._journal.set_phase(record.job_id, record.attempt, JobPhase.PAUSED)
        self._journal.mark_reported(record.job_id, record.attempt, JobPhase.PAUSED)

    def _settle_unconfirmed(self, record: JobRecord, assignments: list[Assignment]) -> None:
        """The answer to our acceptance was lost and the command is not repeated: the assignments tell which it was."""
        if any((found.job_id, found.attempt) == (record.job_id, record.attempt) for found in assignments):
            self._journal.confirm(record.job_id, record.attempt)
            self._runner.wake()
        else:
            self._withdraw(record, None)

    def _tell(self, command: Command, result: CommandResult) -> None:
        fields: dict[str, Any] = {"job_id": command.job_id, "attempt": command.attempt}
        if result.status is CommandStatus.ACCEPTED:
            log.info("command %s accepted%s", command.kind, _described(command.spec), extra=fields)
        else:
            error = Fatal(ErrorCode(result.code or ErrorCode.INTERNAL), result.detail or "")
            log_fault(log, f"command {command.kind} refused", error, **fields)
            self._status.fault(error, command.job_id)

    def _rotate_key(self) -> None:
        """The new key is on the disk before it is used; a lost answer leaves the old one, and we are asked again."""
        try:
            answer = self._client.rotate_key()
            redactor.hide(answer.agent_key)
            self._keys.replace(answer.agent_key)
        except MigrateError as error:
            log_fault(log, "the key could not be rotated now; the old one goes on", error, level=logging.WARNING)
            self._status.fault(error)
        else:
            log.info("the agent's key was rotated")


def _described(spec: JobSpec | None) -> str:
    if spec is None:
        return ""
    return f": {spec.name}, {spec.source.words} to {spec.destination.words}"
