"""Checks: what an operator asks an agent to look at, or to keep, about a project's RockRMS and Mission.

One row per project and kind (`rockrms`, partition of the project, row key the kind): the last check, with what came of
it. The command waits in the agent's mailbox until it is answered; a later check of its kind takes its place. A secret
is in the command alone, sealed, and gone with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.domain import rows
from functions.domain.agent import BEAT_ROW, Beat, state_of
from functions.domain.caller import AgentCaller, OperatorCaller
from functions.domain.ids import CheckName, check_id, new_check, parse_check_id
from functions.domain.limits import Limits
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, Row, RowChanged, RowExists, RowMissing, Tables, Tokens, Value
from functions.domain.rockrms_views import CheckKind, CheckState, CheckView
from functions.domain.views import FaultView
from functions.services.agents import TABLE as AGENTS
from functions.services.agents import agent_view
from functions.services.audit import Audit
from functions.services.job_views import fault_view
from functions.services.mailbox import Mailbox
from functions.services.missions import Missions
from functions.services.projects import TABLE as PROJECTS
from migrate_contract.agents import AgentState
from migrate_contract.commands import CommandKind, CommandResult, CommandStatus
from migrate_contract.errors import ErrorCode, Fatal, Retryable
from migrate_contract.jobs import JobFault
from migrate_contract.rockrms import MissionAccess, MissionTestReport, RockTestReport, TraceReport
from migrate_contract.wire import WireModel

TABLE = "rockrms"
COMMANDS = {
    CheckKind.ROCKRMS: CommandKind.TEST_ROCKRMS,
    CheckKind.MISSION: CommandKind.TEST_MISSION,
    CheckKind.TRACE: CommandKind.TRACE_RECORD,
    CheckKind.KEEP: CommandKind.KEEP_CONNECTION,
    CheckKind.FORGET: CommandKind.FORGET_CONNECTION,
}
_KINDS = {command: kind for kind, command in COMMANDS.items()}
_LOOKS = (CheckKind.ROCKRMS, CheckKind.MISSION, CheckKind.TRACE)
"""Of these one at a time is at work for a project."""
_MISSION_READERS = frozenset({CommandKind.TEST_MISSION, CommandKind.TRACE_RECORD})
_REACHABLE = frozenset({AgentState.ONLINE, AgentState.LATE})


@dataclass(frozen=True, slots=True)
class Asked:
    """A check that is about to be asked: of which agent (its row), and with what."""

    kind: CheckKind
    agent: Row
    arguments: WireModel


class RockChecks:
    """The only writer of checks."""

    def __init__(
        self,
        tables: Tables,
        clock: Clock,
        tokens: Tokens,
        limits: Limits,
        audit: Audit,
        mailbox: Mailbox,
        missions: Missions,
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._tokens = tokens
        self._limits = limits
        self._audit = audit
        self._mailbox = mailbox
        self._missions = missions

    def start(self, caller: OperatorCaller, project: Row, asked: Asked) -> CheckView:
        """Result: the check, on its way to the agent.

        Raises Fatal(agent-offline) where the agent would not hear of it, Fatal(agent-check-running).
        """
        self._need_reachable(caller.organization, asked.agent)
        tables, now = OrganizationTables(self._tables, caller.organization), self._clock()
        found = {row.rk: row for row in tables.partition(TABLE, project.rk)}
        if asked.kind in _LOOKS:
            self._refuse_second([found[kind.value] for kind in _LOOKS if kind.value in found], now)
        before = found.get(asked.kind.value)
        name = new_check(COMMANDS[asked.kind], project.rk, self._tokens)
        agent_id = rows.text(asked.agent, "agent_id")
        columns: dict[str, Value] = {
            "command_id": check_id(name),
            "agent_id": agent_id,
            "agent_name": rows.text(asked.agent, "name"),
            "asked_at": now,
            "asked_by": caller.label,
            "ends_at": now + timedelta(seconds=self._limits.agent_check_seconds),
            "state": CheckState.WAITING.value,
        }
        try:
            if before is None:
                tables.insert(TABLE, project.rk, asked.kind.value, columns)
            else:
                tables.replace(TABLE, project.rk, asked.kind.value, columns, before.etag)
        except (RowExists, RowChanged, RowMissing) as changed:
            raise Retryable(ErrorCode.CHANGED_MEANWHILE, "Another check was begun just now.") from changed
        if before is not None:
            self._mailbox.withdraw(caller.organization, rows.text(before, "agent_id"), rows.text(before, "command_id"))
        self._mailbox.ask(caller.organization, agent_id, name, asked.arguments)
        self._record(caller, project, asked)
        return self._need_view(caller.organization, project.rk, asked.kind)

    def answer(self, caller: AgentCaller, name: CheckName, body: CommandResult) -> bool:
        """Keeps what the agent has found. Result: whether the check still stood.

        The same answer again changes nothing.
        """
        tables = OrganizationTables(self._tables, caller.organization)
        kind = _KINDS[name.kind]
        row = self._own(caller, name)
        if row is None:
            return False
        if rows.text(row, "state") != CheckState.WAITING.value:
            return True
        done = body.status is CommandStatus.ACCEPTED
        report = body.rock or body.mission or body.trace
        columns: dict[str, Value] = {
            "state": (CheckState.DONE if done else CheckState.FAILED).value,
            "finished_at": self._clock(),
            **rows.long_text("report", report.model_dump_json() if report else ""),
        }
        if not done:
            columns |= {"code": body.code or ErrorCode.INTERNAL.value}
            columns |= {"detail": body.detail or "The agent gave no reason."}
        try:
            tables.merge(TABLE, name.project_id, kind.value, columns, row.etag)
        except (RowChanged, RowMissing):
            return False  # Another check has taken its place, or the project was deleted.
        return True

    def mission_access(self, caller: AgentCaller, command_id: str) -> MissionAccess:
        """Result: Mission's address and key, for the agent that an open check has been given to.

        Raises Fatal(not-found), Fatal(grant-refused) once the check is over, Fatal(NO_MISSION_CONNECTION).
        """
        name = parse_check_id(command_id)
        row = self._own(caller, name) if name is not None and name.kind in _MISSION_READERS else None
        if name is None or row is None:
            raise Fatal(ErrorCode.NOT_FOUND, "No such check, or not this agent's")
        if rows.text(row, "state") != CheckState.WAITING.value or self._clock() >= rows.need_moment(row, "ends_at"):
            raise Fatal(ErrorCode.GRANT_REFUSED, "The check is over.")
        project = OrganizationTables(self._tables, caller.organization).get(PROJECTS, "", name.project_id)
        if project is None or rows.text(project, "client_id") != caller.client_id:
            raise Fatal(ErrorCode.NOT_FOUND, "No such project, or not this agent's")
        return self._missions.for_check(caller, project)

    def views(self, organization: str, project_id: str) -> dict[CheckKind, CheckView]:
        """Result: the last check of each kind that there was."""
        found = OrganizationTables(self._tables, organization).partition(TABLE, project_id)
        kinds = set(CheckKind)
        return {CheckKind(row.rk): self._view(organization, row) for row in found if row.rk in kinds}

    def end(self, organization: str, project_id: str, kind: CheckKind) -> None:
        """Takes back a check of this kind that is on its way, if there is one."""
        tables = OrganizationTables(self._tables, organization)
        row = tables.get(TABLE, project_id, kind.value)
        if row is not None:
            self._mailbox.withdraw(organization, rows.text(row, "agent_id"), rows.text(row, "command_id"))
            tables.delete(TABLE, project_id, kind.value)

    def _own(self, caller: AgentCaller, name: CheckName) -> Row | None:
        """Result: the row of exactly this check, if it was given to this agent."""
        tables = OrganizationTables(self._tables, caller.organization)
        row = tables.get(TABLE, name.project_id, _KINDS[name.kind].value)
        if row is None or rows.text(row, "command_id") != check_id(name):
            return None
        return row if rows.text(row, "agent_id") == caller.agent_id else None

    def _need_reachable(self, organization: str, agent: Row) -> None:
        """Raises Fatal(agent-offline): nobody should wait for an agent that does not listen."""
        agent_id = rows.text(agent, "agent_id")
        beat = OrganizationTables(self._tables, organization).get(AGENTS, agent_id, BEAT_ROW)
        if beat is None:
            raise Fatal(ErrorCode.NOT_FOUND, "No such agent")
        now = self._clock()
        if state_of(agent, Beat(beat), now, self._limits) not in _REACHABLE:
            view = agent_view(agent, Beat(beat), client_name="", open_commands=0, now=now, limits=self._limits)
            raise Fatal(ErrorCode.AGENT_OFFLINE, f"Agent {view.name}: {view.state_detail}")

    def _refuse_second(self, found: list[Row], now: datetime) -> None:
        """Raises Fatal(agent-check-running)."""
        for row in found:
            if rows.text(row, "state") == CheckState.WAITING.value and now < rows.need_moment(row, "ends_at"):
                raise Fatal(
                    ErrorCode.AGENT_CHECK_RUNNING,
                    f"{rows.text(row, 'asked_by')} asked agent {rows.text(row, 'agent_name')}; it is given up at "
                    f"{rows.need_moment(row, 'ends_at'):%H:%M:%S} UTC.",
                )

    def _need_view(self, organization: str, project_id: str, kind: CheckKind) -> CheckView:
        row = OrganizationTables(self._tables, organization).get(TABLE, project_id, kind.value)
        if row is None:
            raise Fatal(ErrorCode.NOT_FOUND, "The project was deleted meanwhile")
        return self._view(organization, row)

    def _view(self, organization: str, row: Row) -> CheckView:
        kind, state = CheckKind(row.rk), CheckState(rows.text(row, "state"))
        report = rows.joined_text(row, "report")
        rock = RockTestReport.model_validate_json(report) if report and kind is CheckKind.ROCKRMS else None
        mission = MissionTestReport.model_validate_json(report) if report and kind is CheckKind.MISSION else None
        trace = TraceReport.model_validate_json(report) if report and kind is CheckKind.TRACE else None
        fault = _fault(row, rock or mission or trace)
        if state is CheckState.WAITING and self._clock() >= rows.need_moment(row, "ends_at"):
            state, fault = CheckState.FAILED, self._silence(organization, row)
        return CheckView(
            kind=kind,
            state=state,
            agent_id=rows.text(row, "agent_id"),
            agent_name=rows.text(row, "agent_name"),
            asked_at=rows.need_moment(row, "asked_at"),
            asked_by=rows.text(row, "asked_by"),
            ends_at=rows.need_moment(row, "ends_at"),
            finished_at=rows.moment(row, "finished_at"),
            fault=fault,
            rock=rock,
            mission=mission,
            trace=trace,
        )

    def _silence(self, organization: str, row: Row) -> FaultView:
        """Result: why there is no answer, as far as we know."""
        name, agent_id = rows.text(row, "agent_name"), rows.text(row, "agent_id")
        found = OrganizationTables(self._tables, organization).get(AGENTS, agent_id, BEAT_ROW)
        seen = Beat(found).last_seen_at if found else None
        since = f"it was last heard of at {seen:%Y-%m-%d %H:%M:%S} UTC" if seen else "it was never heard of"
        detail = f"Agent {name} has not answered within {self._limits.agent_check_seconds:g} seconds; {since}."
        return fault_view(JobFault(code=ErrorCode.AGENT_CHECK_TIMEOUT.value, detail=detail))

    def _record(self, caller: OperatorCaller, project: Row, asked: Asked) -> None:
        self._audit.record(
            caller.organization,
            caller.label,
            f"project.{COMMANDS[asked.kind].value.replace('_', '-')}",
            project.rk,
            client_id=rows.text(project, "client_id"),
            detail=f"On agent {rows.text(asked.agent, 'name')}",
        )


def _fault(row: Row, report: RockTestReport | MissionTestReport | TraceReport | None) -> FaultView | None:
    """Result: what went wrong by the agent's word; its own fix where it has one that fits better."""
    if rows.text(row, "code"):
        return fault_view(JobFault(code=rows.text(row, "code"), detail=rows.text(row, "detail")))
    if report is None or report.code is None:
        return None
    view = fault_view(JobFault(code=report.code, detail=report.detail))
    return view.model_copy(update={"fix": report.fix}) if report.fix else view
