"""Agents, as operators see and steer them."""

from __future__ import annotations

from functions.domain.caller import Role
from functions.domain.views import AgentPatch, AgentView, Page
from functions.triggers.edge import Routes
from functions.triggers.edge_call import OperatorCall
from functions.triggers.queries import AgentsQuery
from migrate_contract.errors import ErrorCode
from migrate_contract.wire import AgentId

routes = Routes("agents")


@routes.operator("GET", "api/agents", role=Role.READER, refusals=(ErrorCode.NOT_FOUND,))
def agents_list(call: OperatorCall, query: AgentsQuery) -> Page[AgentView]:
    """List the agents that you may see."""
    return call.services.agents.list(call.caller, query, query.client_id)


@routes.operator("GET", "api/agents/{agent_id}", role=Role.READER)
def agents_show(call: OperatorCall, agent_id: AgentId) -> AgentView:
    """Show one agent: its state, its machine, what it works on, its last errors."""
    return call.services.agents.show(call.caller, agent_id)


@routes.operator("PATCH", "api/agents/{agent_id}", role=Role.OPERATOR, refusals=(ErrorCode.CHANGED_MEANWHILE,))
def agents_edit(call: OperatorCall, agent_id: AgentId, body: AgentPatch) -> AgentView:
    """Rename an agent."""
    return call.services.agents.rename(call.caller, agent_id, body)


@routes.operator("POST", "api/agents/{agent_id}/revoke", role=Role.OPERATOR, refusals=(ErrorCode.CHANGED_MEANWHILE,))
def agents_revoke(call: OperatorCall, agent_id: AgentId) -> AgentView:
    """Revoke an agent's key for good; its jobs go back to created."""
    return call.services.agents.revoke(call.caller, agent_id)


@routes.operator(
    "POST", "api/agents/{agent_id}/lift-suspension", role=Role.OPERATOR, refusals=(ErrorCode.CHANGED_MEANWHILE,)
)
def agents_lift_suspension(call: OperatorCall, agent_id: AgentId) -> AgentView:
    """Let a suspended agent (`agent-cloned`) work again."""
    return call.services.agents.lift_suspension(call.caller, agent_id)
