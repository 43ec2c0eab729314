"""Answers commands that look at something and change no job: connection tests, traces, and keeping a connection.

They take seconds, so a thread of their own does them, one after the other: neither heartbeats nor jobs wait. A command
that is delivered again while it is at work is not begun again; a result is journalled before it is posted. What does
not work is a result too: a report with its code and its fix.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from migrate_agent.logs import log_fault
from migrate_agent.runtime.status import Status
from migrate_agent.store.journal import Journal
from migrate_contract.commands import Command, CommandKind, CommandResult, CommandResultAnswer, CommandStatus
from migrate_contract.errors import ErrorCode, Fatal, MigrateError

log = logging.getLogger(__name__)

CHECKS = frozenset(
    {
        CommandKind.TEST_ROCKRMS.value,
        CommandKind.TEST_MISSION.value,
        CommandKind.TRACE_RECORD.value,
        CommandKind.KEEP_CONNECTION.value,
        CommandKind.FORGET_CONNECTION.value,
    }
)
DONE = CommandResult(status=CommandStatus.ACCEPTED)

Handler = Callable[[Command], CommandResult]
"""Result: the answer to one command. Raises MigrateError where there is none: the command has then failed."""


class Checks:
    """One thread (`run`)."""

    def __init__(
        self,
        journal: Journal,
        post_result: Callable[[str, CommandResult], CommandResultAnswer],
        handlers: dict[str, Handler],
        status: Status,
    ) -> None:
        self._journal, self._post_result, self._handlers, self._status = journal, post_result, handlers, status
        self._waiting: queue.SimpleQueue[Command | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._at_work: set[str] = set()

    def take(self, command: Command) -> None:
        """Returns at once; a command that is waiting or at work already is not taken again."""
        with self._lock:
            if command.command_id in self._at_work:
                return
            self._at_work.add(command.command_id)
        self._waiting.put(command)

    def end(self) -> None:
        """`run` returns after what it is doing; what still waits is delivered again after the next start."""
        self._waiting.put(None)

    def run(self) -> None:
        """Answers commands until `end`."""
        while (command := self._waiting.get()) is not None:
            try:
                self._answer(command)
            except MigrateError as error:
                # The result is in the journal: the command comes again, and it is posted then.
                log_fault(log, f"the result of {command.kind} was not taken", error, level=logging.WARNING)
                self._status.fault(error)
            except Exception:
                log.exception("a check broke us")
            finally:
                with self._lock:
                    self._at_work.discard(command.command_id)

    def _answer(self, command: Command) -> None:
        result = self._journal.handled(command.command_id) or self._done(command)
        self._post_result(command.command_id, result)

    def _done(self, command: Command) -> CommandResult:
        fields: dict[str, Any] = {"job_id": command.job_id, "attempt": command.attempt}
        try:
            result = self._handlers[command.kind](command)
            log.info("command %s done%s", command.kind, _outcome(result), extra=fields)
        except ValidationError:
            # Not chained and not logged with its input: arguments may hold a sealed secret.
            result = _failed(ErrorCode.REQUEST_INVALID, f"the arguments of {command.kind} are not what was agreed")
        except MigrateError as error:
            log_fault(log, f"command {command.kind} failed", error, **fields)
            result = _failed(error.code, error.detail)
        except Exception as error:
            log.exception("command %s broke", command.kind, extra=fields)
            result = _failed(ErrorCode.INTERNAL, f"{type(error).__name__} at the agent; its log has the rest")
        if result.status is CommandStatus.FAILED and result.code is not None:
            self._status.fault(Fatal(ErrorCode(result.code), result.detail or ""))
        self._journal.remember(command.command_id, result)
        return result


def _failed(code: ErrorCode, detail: str) -> CommandResult:
    return CommandResult(status=CommandStatus.FAILED, code=code.value, detail=detail[:2000])


def _outcome(result: CommandResult) -> str:
    report = result.rock or result.mission or result.trace
    return "" if report is None else f": {report.code or 'everything works'}"
