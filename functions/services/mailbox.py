"""An agent's mailbox: the commands it is to be given and the jobs it is believed to hold.

The job's row is the truth; the mailbox is derived from it and can be derived again at any time. Rows live in the
agent's partition, so that a heartbeat reads them with its one query: `cmd|<command id>`, `asg|<job id>` and
`lim|<job id>`, the limits of a job that the agent holds or is offered. They are written together, so that no agent
begins a job before it knows what limits it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from functions.domain import rows
from functions.domain.agent import ASSIGNMENT_PREFIX, COMMAND_PREFIX, LIMITS_PREFIX
from functions.domain.ids import CheckName, CommandName, check_id, command_id, parse_command_id
from functions.domain.job import UNFINISHED, Job
from functions.domain.limit_rows import limits_columns, stands
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, Operation, Row, RowChanged, RowExists, RowMissing, Tables, Value, Write
from functions.domain.views import WishKind
from functions.services.allowances import Allowances
from migrate_contract.commands import Command, CommandKind
from migrate_contract.errors import ErrorCode, Retryable
from migrate_contract.jobs import JobSpec, JobState
from migrate_contract.wire import WireModel

TABLE = "agents"
_TRIES = 5
_WISHES = {WishKind.PAUSE: CommandKind.PAUSE_JOB, WishKind.CANCEL: CommandKind.CANCEL_JOB}


def wanted_command(job: Job) -> CommandName | None:
    """Result: what the job's agent has to be told now; at most one thing at a time.

    A wish for a job that nobody has taken cannot be: such a job is cancelled at once.
    """
    if job.agent_id is None:
        return None
    if job.waits_for_agent:
        return CommandName(CommandKind.START_JOB, job.job_id, job.attempt, job.dispatch)
    if not job.held:
        return None
    if job.wish is not None:
        if job.wish.taken_at is not None:
            return None
        return CommandName(_WISHES[job.wish.kind], job.job_id, job.attempt, job.wish.number)
    if job.state is JobState.READY and job.approval:
        return CommandName(CommandKind.APPROVE_JOB, job.job_id, job.attempt, job.approval)
    return None


def is_assigned(job: Job) -> bool:
    """Result: whether the agent is believed to have this attempt in its journal."""
    return job.agent_id is not None and job.state in UNFINISHED and job.taken_at is not None


class Mailbox:
    """The only writer of commands, assignments and limits (a heartbeat adds `delivered_at` to a command)."""

    def __init__(self, tables: Tables, clock: Clock, allowances: Allowances) -> None:
        self._tables = tables
        self._clock = clock
        self._allowances = allowances

    def reconcile(self, job: Job) -> None:
        """Makes the mailbox of the job's agent say what the job's row says, by one transaction if anything differs."""
        if job.agent_id is None:
            return
        tables = OrganizationTables(self._tables, job.organization)
        for _ in range(_TRIES):
            operations = self._differences(job, tables.partition(TABLE, job.agent_id))
            if not operations:
                return
            try:
                tables.transact(TABLE, job.agent_id, operations)
            except (RowExists, RowChanged, RowMissing):
                continue
            return
        raise Retryable(ErrorCode.CHANGED_MEANWHILE, "The agent's mailbox was changed several times just now.")

    def share_anew(self, organization: str, client_id: str) -> None:
        """The client has more or fewer senders: each of its agents' share of the site limit is worked out again."""
        for job in self._allowances.sharing(organization, client_id):
            if job.held:
                self.reconcile(job)

    def clear(self, organization: str, agent_id: str, job_id: str) -> None:
        """Takes everything about the job out of this agent's mailbox, but an order to drop it."""
        tables = OrganizationTables(self._tables, organization)
        found = tables.partition(TABLE, agent_id)
        for row in _about(job_id, found):
            tables.delete(TABLE, agent_id, row.rk)

    def drop(self, job: Job, agent_id: str) -> None:
        """Tells an agent that held (or was offered) the job to forget the attempt."""
        self.clear(job.organization, agent_id, job.job_id)
        name = CommandName(CommandKind.DROP_JOB, job.job_id, job.attempt, job.dispatch)
        tables = OrganizationTables(self._tables, job.organization)
        tables.upsert(TABLE, agent_id, COMMAND_PREFIX + command_id(name), self._columns(name, None))

    def ask(self, organization: str, agent_id: str, name: CheckName, arguments: WireModel) -> None:
        """Puts a command into the mailbox that is about a project and no job. Only `withdraw` and `answered` end it."""
        columns: dict[str, Value] = {
            "kind": name.kind.value,
            "issued_at": self._clock(),
            **rows.long_text("arguments", arguments.model_dump_json()),
        }
        tables = OrganizationTables(self._tables, organization)
        tables.insert(TABLE, agent_id, COMMAND_PREFIX + check_id(name), columns)

    def withdraw(self, organization: str, agent_id: str, command: str) -> None:
        """The command is delivered no more, and what it carries is gone."""
        OrganizationTables(self._tables, organization).delete(TABLE, agent_id, COMMAND_PREFIX + command)

    def answered(self, organization: str, agent_id: str, command: str) -> bool:
        """The agent has posted a result: the command is delivered no more. Result: whether it was there."""
        tables = OrganizationTables(self._tables, organization)
        row = tables.get(TABLE, agent_id, COMMAND_PREFIX + command)
        tables.delete(TABLE, agent_id, COMMAND_PREFIX + command)
        return row is not None

    def _differences(self, job: Job, found: list[Row]) -> list[Operation]:
        """Result: the writes that make the mailbox right."""
        wanted = wanted_command(job)
        keys: dict[str, dict[str, Value]] = {}
        if wanted is not None:
            spec = job.spec if wanted.kind is CommandKind.START_JOB else None
            keys[COMMAND_PREFIX + command_id(wanted)] = self._columns(wanted, spec)
        if is_assigned(job):
            keys[ASSIGNMENT_PREFIX + job.job_id] = {"attempt": job.attempt}
        if keys:
            keys[LIMITS_PREFIX + job.job_id] = limits_columns(self._allowances.of(job), job.entries)
        operations: list[Operation] = []
        for row in _about(job.job_id, found):
            columns = keys.get(row.rk)
            if columns is None:
                operations.append(Operation(Write.DELETE, row.rk))
            elif row.rk.startswith(LIMITS_PREFIX):
                if not stands(row, columns):
                    operations.append(Operation(Write.REPLACE, row.rk, columns, row.etag))
                del keys[row.rk]
            elif row.rk.startswith(COMMAND_PREFIX) or rows.number(row, "attempt") == job.attempt:
                del keys[row.rk]
        # A command that is there already keeps its row (it may be marked delivered); an assignment is written anew.
        # Limits are read after the row that they replace, and replace no other: the last reader wins.
        return operations + [
            Operation(Write.UPSERT if rk.startswith(ASSIGNMENT_PREFIX) else Write.INSERT, rk, columns)
            for rk, columns in keys.items()
        ]

    def _columns(self, name: CommandName, spec: JobSpec | None) -> dict[str, Value]:
        return {
            "kind": name.kind.value,
            "job_id": name.job_id,
            "attempt": name.attempt,
            "issued_at": self._clock(),
            **(rows.long_text("spec", spec.model_dump_json()) if spec else {}),
        }


def _about(job_id: str, found: Iterable[Row]) -> list[Row]:
    """Result: the rows about this job, but an order to drop it."""
    about: list[Row] = []
    for row in found:
        if row.rk in (ASSIGNMENT_PREFIX + job_id, LIMITS_PREFIX + job_id):
            about.append(row)
        elif row.rk.startswith(COMMAND_PREFIX):
            name = parse_command_id(row.rk.removeprefix(COMMAND_PREFIX))
            if name is not None and name.job_id == job_id and name.kind is not CommandKind.DROP_JOB:
                about.append(row)
    return about


def command_of(row: Row) -> Command:
    """Result: the command as the agent is given it."""
    spec = rows.joined_text(row, "spec")
    return Command(
        command_id=row.rk.removeprefix(COMMAND_PREFIX),
        kind=rows.text(row, "kind"),
        job_id=rows.text_or_none(row, "job_id"),
        attempt=rows.number(row, "attempt") or None,
        spec=JobSpec.model_validate_json(spec) if spec else None,
        arguments=json.loads(rows.joined_text(row, "arguments") or "{}"),
        issued_at=rows.need_moment(row, "issued_at"),
    )
