"""Agents as operators see and steer them: list, rename, revoke, lift a suspension."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from functions.domain import rows
from functions.domain.agent import AGENT_ROW, BEAT_ROW, COMMAND_PREFIX, Beat, state_of, suspended_at
from functions.domain.caller import OperatorCaller, Role
from functions.domain.ids import need_id, parse_check_id
from functions.domain.keys import Continuations
from functions.domain.limits import Limits
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, Row, RowMissing, Tables, Value
from functions.domain.views import AgentPatch, AgentView, ListQuery, Page
from functions.domain.waiting import clock_time
from functions.services.alerts import Alerts
from functions.services.audit import Audit
from functions.services.clients import TABLE as CLIENTS
from functions.services.releases import Releases
from migrate_contract.agents import AgentState
from migrate_contract.errors import ErrorCode, Fatal

TABLE = "agents"


class Agents:
    """Writes name, `revoked_at` and `clone_cleared_at` of an agent's row."""

    def __init__(
        self,
        tables: Tables,
        clock: Clock,
        limits: Limits,
        audit: Audit,
        alerts: Alerts,
        continuations: Continuations,
        releases: Releases,
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._limits = limits
        self._audit = audit
        self._alerts = alerts
        self._continuations = continuations
        self._releases = releases

    def list(self, caller: OperatorCaller, query: ListQuery, client_id: str | None = None) -> Page[AgentView]:
        """Result: the agents that this member may see, of one client if given."""
        tables = OrganizationTables(self._tables, caller.organization)
        scope = f"agents|{caller.organization}|{caller.object_id}|{client_id}"
        where: dict[str, Value | tuple[Value, ...]] = {}
        if client_id is not None:
            caller.see(need_id("client", client_id))
            where["client_id"] = client_id
        elif caller.client_ids:
            where["client_id"] = tuple(sorted(caller.client_ids))
        page = tables.page(
            TABLE,
            None,
            rk_prefix=AGENT_ROW,
            where=where,
            limit=query.limit,
            continuation=self._continuations.open(query.continuation, scope),
        )
        return Page(
            items=[*self._views(tables, page.rows)], continuation=self._continuations.seal(page.continuation, scope)
        )

    def show(self, caller: OperatorCaller, agent_id: str) -> AgentView:
        """Result: the agent. Raises Fatal(not-found)."""
        tables = OrganizationTables(self._tables, caller.organization)
        return self._views(tables, [need_agent(self._tables, caller, agent_id)])[0]

    def rename(self, caller: OperatorCaller, agent_id: str, body: AgentPatch) -> AgentView:
        """Result: the agent under its new name."""
        caller.need(Role.OPERATOR)
        agent = need_agent(self._tables, caller, agent_id)
        self._merge(caller.organization, agent_id, {"name": body.name})
        self._record(caller, agent, "agent.rename", body.name)
        return self.show(caller, agent_id)

    def revoke(self, caller: OperatorCaller, agent_id: str) -> AgentView:
        """Result: the agent, whose key no longer works; its jobs wait for another agent."""
        caller.need(Role.OPERATOR)
        need_agent(self._tables, caller, agent_id)
        self.retire(caller.organization, agent_id, by=caller.label, reason="revoked")
        return self.show(caller, agent_id)

    def lift_suspension(self, caller: OperatorCaller, agent_id: str) -> AgentView:
        """Result: the agent, allowed again after `agent-cloned`."""
        caller.need(Role.OPERATOR)
        agent = need_agent(self._tables, caller, agent_id)
        self._merge(caller.organization, agent_id, {"clone_cleared_at": self._clock()})
        self._alerts.over(caller.organization, ErrorCode.AGENT_CLONED, agent_id)
        self._record(caller, agent, "agent.lift-suspension", "")
        return self.show(caller, agent_id)

    def retire(self, organization: str, agent_id: str, *, by: str, reason: str) -> None:
        """Ends the agent's key for good, then gives up its jobs. Repeating it finishes what was interrupted."""
        tables = OrganizationTables(self._tables, organization)
        agent = tables.get(TABLE, agent_id, AGENT_ROW)
        if agent is None:
            raise Fatal(ErrorCode.NOT_FOUND, "No such agent")
        if rows.moment(agent, "revoked_at") is None:
            self._merge(organization, agent_id, {"revoked_at": self._clock(), "revoked_by": by})
            self._audit.record(organization, by, f"agent.{reason}", agent_id, client_id=rows.text(agent, "client_id"))
        for command in tables.partition(TABLE, agent_id, prefix=COMMAND_PREFIX):
            if parse_check_id(command.rk.removeprefix(COMMAND_PREFIX)) is not None:
                tables.delete(TABLE, agent_id, command.rk)  # It may carry what was sealed to this agent.
        self._releases.release(organization, agent_id, by=by, reason=f"Agent {rows.text(agent, 'name')} was {reason}")
        self._alerts.over(organization, ErrorCode.AGENT_OFFLINE, agent_id)
        self._alerts.over(organization, ErrorCode.AGENT_CLONED, agent_id)

    def _merge(self, organization: str, agent_id: str, columns: dict[str, Value]) -> None:
        try:
            OrganizationTables(self._tables, organization).merge(TABLE, agent_id, AGENT_ROW, columns, None)
        except RowMissing as missing:
            raise Fatal(ErrorCode.NOT_FOUND, "No such agent") from missing

    def _record(self, caller: OperatorCaller, agent: Row, action: str, detail: str) -> None:
        self._audit.record(
            caller.organization,
            caller.label,
            action,
            rows.text(agent, "agent_id"),
            client_id=rows.text(agent, "client_id"),
            detail=detail,
        )

    def _views(self, tables: OrganizationTables, agents: Sequence[Row]) -> Sequence[AgentView]:
        """Result: the agents as shown: their beats and mailboxes come in two more queries, whatever their number."""
        if not agents:
            return []
        parts = [rows.text(agent, "agent_id") for agent in agents]
        beats = {row.pk: row for row in tables.span(TABLE, parts[0], parts[-1], rk_prefix=BEAT_ROW)}
        commands = [row.pk for row in tables.span(TABLE, parts[0], parts[-1], rk_prefix=COMMAND_PREFIX)]
        names: dict[str, str] = {}
        for client_id in {rows.text(agent, "client_id") for agent in agents}:
            client = tables.get(CLIENTS, "", client_id)
            names[client_id] = rows.text(client, "name") if client else ""
        return [
            agent_view(
                agent,
                Beat(beats[agent.pk]),
                client_name=names[rows.text(agent, "client_id")],
                open_commands=commands.count(agent.pk),
                now=self._clock(),
                limits=self._limits,
            )
            for agent in agents
            if agent.pk in beats
        ]


def need_agent(tables: Tables, caller: OperatorCaller, agent_id: str) -> Row:
    """Result: the agent's row. Raises Fatal(not-found), also for a client that this member may not see."""
    row = OrganizationTables(tables, caller.organization).get(TABLE, need_id("agent", agent_id), AGENT_ROW)
    if row is None or not caller.may_see(rows.text(row, "client_id")):
        raise Fatal(ErrorCode.NOT_FOUND, "No such agent, or not yours")
    return row


def agent_view(
    agent: Row, beat: Beat, *, client_name: str, open_commands: int, now: datetime, limits: Limits
) -> AgentView:
    """Result: the agent as shown."""
    state = state_of(agent, beat, now, limits)
    return AgentView(
        agent_id=rows.text(agent, "agent_id"),
        client_id=rows.text(agent, "client_id"),
        client_name=client_name,
        name=rows.text(agent, "name"),
        state=state,
        state_detail=_state_detail(agent, beat, state, now),
        created_at=rows.need_moment(agent, "created_at"),
        last_seen_at=beat.last_seen_at,
        mode=beat.mode,
        machine=beat.machine,
        clock_skew_seconds=beat.clock_skew_seconds if beat.last_seen_at else None,
        jobs=beat.jobs,
        max_jobs=beat.max_jobs,
        disk_free_bytes=beat.disk_free_bytes,
        buffered_reports=beat.buffered_reports,
        faults=beat.faults,
        open_commands=open_commands,
        key_created_at=rows.moment(agent, "key_created_at"),
        suspended_at=suspended_at(agent, beat),
        revoked_at=rows.moment(agent, "revoked_at"),
    )


def _state_detail(agent: Row, beat: Beat, state: AgentState, now: datetime) -> str:
    """Result: the state in a sentence, with what to do."""
    seen = clock_time(beat.last_seen_at, now) if beat.last_seen_at else "never"
    service = beat.machine.service_name if beat.machine else ""
    named = f" (service {service})" if service else ""
    match state:
        case AgentState.REGISTERED:
            return "Registered, process not started. On its machine type: migrate-agent start --service"
        case AgentState.ONLINE:
            return f"Last heard of at {seen}."
        case AgentState.LATE:
            return f"Silent since {seen}: several heartbeats are missing."
        case AgentState.OFFLINE:
            return f"Offline since {seen}. Start it on its machine{named}: migrate-agent start --service"
        case AgentState.SUSPENDED:
            return "Suspended: two machines use its key. Give one a code of its own, then lift the suspension."
        case AgentState.REVOKED:
            return f"Revoked by {rows.text(agent, 'revoked_by', 'an operator')}."
