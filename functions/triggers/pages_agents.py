"""Pages and forms of agents."""

from __future__ import annotations

from functions.dashboard.agent_page import agent_page, agents_page
from functions.dashboard.confirm_page import confirm_page
from functions.dashboard.confirmations import revoke_agent
from functions.dashboard.flashes import Done, after
from functions.dashboard.forms import EMPTY_FORM, Form
from functions.dashboard.problem_page import problem_page
from functions.dashboard.record_forms import AgentNameForm, ConfirmForm
from functions.domain.caller import Role
from functions.triggers.edge_answer import Answer
from functions.triggers.edge_call import PageCall
from functions.triggers.edge_pages import PageRoutes, RefusedForm
from functions.triggers.page_reads import jobs_held, typed
from functions.triggers.pages_clients import need_name
from functions.triggers.queries import AgentsQuery
from migrate_contract.errors import ErrorCode
from migrate_contract.wire import AgentId

pages = PageRoutes("agents", problem_page=problem_page)

_CHANGED = (ErrorCode.CHANGED_MEANWHILE,)


def _agent(call: PageCall, agent_id: str, form: Form = EMPTY_FORM) -> str:
    agent = call.services.agents.show(call.caller, agent_id)
    return agent_page(call.frame, call.services.clock(), agent, jobs_held(call, agent), form)


def _agent_again(call: PageCall, refused: RefusedForm, agent_id: str) -> str:
    return _agent(call, agent_id, typed(refused))


def _revoke_again(call: PageCall, refused: RefusedForm, agent_id: str) -> str:
    agent = call.services.agents.show(call.caller, agent_id)
    return confirm_page(call.frame, revoke_agent(agent), typed(refused))


@pages.page("agents")
def page_agents(call: PageCall, query: AgentsQuery) -> Answer:
    """The agents and their states."""
    found = call.services.agents.list(call.caller, query, query.client_id)
    return call.html(agents_page(call.frame, call.services.clock(), found, client_id=query.client_id))


@pages.page("agents/{agent_id}")
def page_agent(call: PageCall, agent_id: AgentId) -> Answer:
    """One agent: what it does, its machine, its last errors."""
    return call.html(_agent(call, agent_id))


@pages.form("agents/{agent_id}/rename", again=_agent_again, refusals=_CHANGED)
def page_agent_rename(call: PageCall, agent_id: AgentId, form: AgentNameForm) -> Answer:
    """Renames an agent."""
    call.services.agents.rename(call.caller, agent_id, form.patch())
    return call.see_other(after(f"/agents/{agent_id}", Done.AGENT_RENAMED))


@pages.page("agents/{agent_id}/confirm-revoke", role=Role.OPERATOR)
def page_agent_confirm_revoke(call: PageCall, agent_id: AgentId) -> Answer:
    """Asks before an agent is revoked."""
    return call.html(confirm_page(call.frame, revoke_agent(call.services.agents.show(call.caller, agent_id))))


@pages.form("agents/{agent_id}/revoke", again=_revoke_again, refusals=_CHANGED)
def page_agent_revoke(call: PageCall, agent_id: AgentId, form: ConfirmForm) -> Answer:
    """Revokes an agent whose name was typed."""
    need_name(form, call.services.agents.show(call.caller, agent_id).name)
    call.services.agents.revoke(call.caller, agent_id)
    return call.see_other(after(f"/agents/{agent_id}", Done.AGENT_REVOKED))


@pages.form("agents/{agent_id}/lift-suspension", again=_agent_again, refusals=_CHANGED)
def page_agent_lift_suspension(call: PageCall, agent_id: AgentId) -> Answer:
    """Lets a suspended agent work again."""
    call.services.agents.lift_suspension(call.caller, agent_id)
    return call.see_other(after(f"/agents/{agent_id}", Done.SUSPENSION_LIFTED))
