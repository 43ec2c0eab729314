"""What the control plane asks of an agent. Delivered in heartbeat answers until the agent posts a result.

An agent treats a command as idempotent on its id: seen twice, it is answered twice and done once. A kind that the
agent does not know is answered `failed` with `command-unknown` and disturbs nothing else.
"""

from __future__ import annotations

from enum import StrEnum, unique

from pydantic import Field, JsonValue

from migrate_contract.jobs import JobSpec
from migrate_contract.rockrms import MissionTestReport, RockTestReport, TraceReport
from migrate_contract.wire import Attempt, CommandId, JobId, Label, Sentence, Timestamp, WireModel


@unique
class CommandKind(StrEnum):
    """Set by the control plane."""

    START_JOB = "start_job"
    """Begin, or go on with, an attempt; carries `spec`."""
    PAUSE_JOB = "pause_job"
    """Finish what is being staged, keep the journal, free the slot, report `paused`."""
    CANCEL_JOB = "cancel_job"
    """Stop at once, commit nothing more, report `cancelled`."""
    APPROVE_JOB = "approve_job"
    """Go on after `hold_after_scan`."""
    DROP_JOB = "drop_job"
    """The job is no longer this agent's (reassigned, deleted): stop and forget it, report nothing."""
    TEST_ROCKRMS = "test_rockrms"
    """Try the project's RockRMS connection; `arguments` are `CheckArguments`, the result carries `rock`."""
    TEST_MISSION = "test_mission"
    """Try the project's Mission connection; `arguments` are `CheckArguments`, the result carries `mission`."""
    TRACE_RECORD = "trace_record"
    """Follow one record from Rock to Mission; `arguments` are `TraceArguments`, the result carries `trace`."""
    KEEP_CONNECTION = "keep_connection"
    """Keep a sealed connection string; `arguments` are `KeepArguments`."""
    FORGET_CONNECTION = "forget_connection"
    """Destroy the project's connection string on the agent; `arguments` are `CheckArguments`."""


class Command(WireModel):
    """One request to an agent. `kind` is plain text on the wire so that an unknown one can be parsed and refused."""

    command_id: CommandId
    kind: Label
    job_id: JobId | None = None
    attempt: Attempt | None = None
    spec: JobSpec | None = None
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    """By kind; of jobs' commands: none."""
    issued_at: Timestamp


@unique
class CommandStatus(StrEnum):
    """Set by the agent."""

    ACCEPTED = "accepted"
    """Written to the agent's journal: it will be done even after a power cut."""
    FAILED = "failed"


class CommandResult(WireModel):
    """`POST /api/agent/commands/{command_id}/result`. Ends the delivery of the command."""

    status: CommandStatus
    code: Label | None = None
    detail: Sentence | None = None
    rock: RockTestReport | None = None
    """Of `test_rockrms`. A connection that does not work is a result too: `accepted`, with the report's code."""
    mission: MissionTestReport | None = None
    trace: TraceReport | None = None


class CommandResultAnswer(WireModel):
    """`proceed` false: the command was withdrawn meanwhile (edited, reassigned, cancelled); do nothing for it."""

    proceed: bool
