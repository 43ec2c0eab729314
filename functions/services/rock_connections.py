"""A project's side of RockRMS and Mission for operators: which agent keeps the connection, checks, and the fund map.

A connection string is never kept here: an agent has it from its own machine, or one that is typed in the dashboard is
sealed to the agent's public key at once. What may be shown of it is what the agent's heartbeat says.
"""

from __future__ import annotations

from functions.domain import rows
from functions.domain.agent import AGENT_ROW, BEAT_ROW, Beat
from functions.domain.caller import OperatorCaller, Role
from functions.domain.limits import Limits
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, Row, Sealer, Tables
from functions.domain.rockrms_views import (
    AgentChoiceBody,
    AgentOption,
    CheckKind,
    CheckView,
    HeldConnectionView,
    RockConnectionBody,
    RockRmsView,
    TraceBody,
)
from functions.services.agents import TABLE as AGENTS
from functions.services.agents import agent_view
from functions.services.fund_map import FundMap
from functions.services.job_store import JobStore
from functions.services.job_views import living_agents
from functions.services.lifecycle import check_agent
from functions.services.missions import Missions
from functions.services.projects import mission_view, need_project
from functions.services.rock_checks import Asked, RockChecks
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.rockrms import CheckArguments, KeepArguments, TraceArguments
from migrate_contract.sealing_format import associated_data


class RockConnections:
    """Asks agents, and tells what is known."""

    def __init__(
        self,
        tables: Tables,
        clock: Clock,
        limits: Limits,
        sealer: Sealer,
        jobs: JobStore,
        checks: RockChecks,
        missions: Missions,
        funds: FundMap,
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._limits = limits
        self._sealer = sealer
        self._jobs = jobs
        self._checks = checks
        self._missions = missions
        self._funds = funds

    def overview(self, caller: OperatorCaller, project_id: str) -> RockRmsView:
        """Result: everything that the project knows of RockRMS and Mission. Raises Fatal(not-found)."""
        project = need_project(self._tables, caller, project_id)
        tables = OrganizationTables(self._tables, caller.organization)
        agents = self._agents(tables, rows.text(project, "client_id"))
        checks = self._checks.views(caller.organization, project_id)
        mission, held = mission_view(project), self._held(project_id, agents)
        tested = checks.get(CheckKind.MISSION)
        missing = [] if mission else [ErrorCode.NO_MISSION_CONNECTION]
        missing += [] if held else [ErrorCode.NO_ROCKRMS_CONNECTION]
        return RockRmsView(
            project_id=project_id,
            mission_connection=mission,
            held=held,
            agents=[self._option(agent, beat) for agent, beat in agents],
            rock_test=checks.get(CheckKind.ROCKRMS),
            mission_test=tested,
            trace=checks.get(CheckKind.TRACE),
            keep=checks.get(CheckKind.KEEP),
            funds=self._funds.of(caller.organization, project_id),
            mission_funds=tested.mission.funds if tested and tested.mission else [],
            missing=[code.value for code in missing],
        )

    def test_rockrms(self, caller: OperatorCaller, project_id: str, body: AgentChoiceBody) -> CheckView:
        """Result: Test Connection, on its way. Raises Fatal(agent-offline), Fatal(agent-check-running)."""
        project, agent = self._chosen(caller, project_id, body.agent_id)
        return self._checks.start(
            caller, project, Asked(CheckKind.ROCKRMS, agent, CheckArguments(project_id=project_id))
        )

    def test_mission(self, caller: OperatorCaller, project_id: str, body: AgentChoiceBody) -> CheckView:
        """Result: Test Mission, on its way. Raises as `test_rockrms`, and Fatal(NO_MISSION_CONNECTION)."""
        project, agent = self._chosen(caller, project_id, body.agent_id)
        self._missions.need(project)
        return self._checks.start(
            caller, project, Asked(CheckKind.MISSION, agent, CheckArguments(project_id=project_id))
        )

    def trace(self, caller: OperatorCaller, project_id: str, body: TraceBody) -> CheckView:
        """Result: the trace of one record, on its way. Raises as `test_mission`.

        Without an agent it is the one of the job, whose journal knows what was sent.
        """
        job = self._jobs.need(caller, body.job_id) if body.job_id else None
        if job is not None and job.project_id != project_id:
            raise Fatal(ErrorCode.NOT_FOUND, "No such job in this project")
        project, agent = self._chosen(caller, project_id, body.agent_id or (job.agent_id if job else None))
        self._missions.need(project)
        arguments = TraceArguments(
            project_id=project_id,
            entity=body.entity,
            source_id=body.source_id,
            job_id=body.job_id,
            settings=job.settings.rockrms if job else None,
        )
        return self._checks.start(caller, project, Asked(CheckKind.TRACE, agent, arguments))

    def keep(self, caller: OperatorCaller, project_id: str, body: RockConnectionBody) -> CheckView:
        """Result: the connection string, sealed and on its way to the agent.

        Raises Fatal(sealing-key-missing) for an agent that nothing can be sealed to.
        """
        project, agent = self._chosen(caller, project_id, body.agent_id)
        agent_id = rows.text(agent, "agent_id")
        found = OrganizationTables(self._tables, caller.organization).get(AGENTS, agent_id, BEAT_ROW)
        public_key = Beat(found).sealing_key if found else ""
        if not public_key:
            raise Fatal(ErrorCode.SEALING_KEY_MISSING, f"Agent {rows.text(agent, 'name')} has sent no public key.")
        bound_to = associated_data(caller.organization, agent_id, project_id)
        sealed = self._sealer.seal(public_key, body.connection_string, bound_to)
        arguments = KeepArguments(project_id=project_id, sealed=sealed)
        return self._checks.start(caller, project, Asked(CheckKind.KEEP, agent, arguments))

    def forget(self, caller: OperatorCaller, project_id: str, body: AgentChoiceBody) -> CheckView:
        """Result: the order to destroy the connection string, on its way; one that is still to be kept is withdrawn."""
        project, agent = self._chosen(caller, project_id, body.agent_id)
        self._checks.end(caller.organization, project_id, CheckKind.KEEP)
        return self._checks.start(
            caller, project, Asked(CheckKind.FORGET, agent, CheckArguments(project_id=project_id))
        )

    def holder(self, organization: str, client_id: str, project_id: str) -> str | None:
        """Result: the one agent that keeps the project's connection; None where it is none or several."""
        tables = OrganizationTables(self._tables, organization)
        held = self._held(project_id, self._agents(tables, client_id))
        return held[0].agent_id if len(held) == 1 else None

    def _chosen(self, caller: OperatorCaller, project_id: str, agent_id: str | None) -> tuple[Row, Row]:
        """Result: the project, and the agent that is asked. Raises Fatal(not-found), Fatal(agent-of-another-client)."""
        caller.need(Role.OPERATOR)
        project = need_project(self._tables, caller, project_id)
        client_id = rows.text(project, "client_id")
        tables = OrganizationTables(self._tables, caller.organization)
        if agent_id is None:
            living = [rows.text(row, "agent_id") for row in living_agents(tables, client_id)]
            agent_id = self.holder(caller.organization, client_id, project_id) or (
                living[0] if len(living) == 1 else None
            )
            if agent_id is None:
                said = f"the client has {len(living)} agents: choose one" if living else "the client has no agent yet"
                raise Fatal(ErrorCode.REQUEST_INVALID, f"agent_id: {said}.")
        check_agent(self._tables, caller, agent_id, client_id)
        agent = tables.get(AGENTS, agent_id, AGENT_ROW)
        if agent is None:
            raise Fatal(ErrorCode.NOT_FOUND, "No such agent, or not yours")
        return project, agent

    def _agents(self, tables: OrganizationTables, client_id: str) -> list[tuple[Row, Beat]]:
        """Result: the client's agents that are not revoked, with what their last heartbeats said."""
        found = []
        for agent in living_agents(tables, client_id):
            beat = tables.get(AGENTS, rows.text(agent, "agent_id"), BEAT_ROW)
            if beat is not None:
                found.append((agent, Beat(beat)))
        return found

    def _held(self, project_id: str, agents: list[tuple[Row, Beat]]) -> list[HeldConnectionView]:
        return [
            HeldConnectionView(
                agent_id=rows.text(agent, "agent_id"),
                agent_name=rows.text(agent, "name"),
                agent_state=self._option(agent, beat).state,
                shown=held.shown,
                kept_in=held.kept_in,
                as_of=beat.last_seen_at,
            )
            for agent, beat in agents
            for held in beat.rock_connections
            if held.project_id == project_id
        ]

    def _option(self, agent: Row, beat: Beat) -> AgentOption:
        view = agent_view(agent, beat, client_name="", open_commands=0, now=self._clock(), limits=self._limits)
        return AgentOption(
            agent_id=view.agent_id,
            name=view.name,
            state=view.state,
            state_detail=view.state_detail,
            can_seal=bool(beat.sealing_key),
        )
