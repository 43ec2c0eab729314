"""The project page's two cards of an import: RockRMS (who keeps the connection, its test) and Mission."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from functions.dashboard.badges import Badge, agent_badge
from functions.dashboard.check_words import TestShown, connection_facts, mission_test, rock_test, suggested_zone
from functions.domain.rockrms_views import AgentOption, CheckState, CheckView, HeldConnectionView, RockRmsView
from functions.domain.views import ProjectView
from migrate_contract.agents import AgentState

type Options = list[tuple[str, str]]

_NONE = Badge("Not connected", "quiet", "offline")
_KEPT = Badge("Kept, not tested", "accent", "key")
_ASKED = Badge("Asked", "accent", "clock", live=True)
_WORKS = Badge("Works", "ok", "done")
_FAILS = Badge("Does not work", "bad", "failed")
_UNSET = "UTC"
_ORDER = (AgentState.ONLINE, AgentState.LATE, AgentState.REGISTERED, AgentState.OFFLINE)
_KEPT_IN = {"keyring": "the system's keyring", "file": "a file that only the agent's account can read"}


@dataclass(frozen=True, slots=True)
class Keeping:
    """A connection string that was typed here, on its way to its agent."""

    tone: str
    icon: str
    title: str
    text: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class RockCard:
    """`held`: the facts of each agent that keeps the connection."""

    badge: Badge
    held: list[list[tuple[str, str]]]
    keeping: Keeping | None
    test: TestShown | None
    agent_options: Options
    agent_default: str
    zone: str
    zone_hint: str
    zone_asked: bool


@dataclass(frozen=True, slots=True)
class MissionCard:
    """`facts` empty: not connected."""

    badge: Badge
    facts: list[tuple[str, str, datetime | None]]
    test: TestShown | None
    agent_options: Options
    agent_default: str


def rock_card(project: ProjectView, view: RockRmsView) -> RockCard:
    """Result: the card of the RockRMS connection."""
    found = suggested_zone(view.rock_test)
    test = rock_test(view.rock_test)
    if test is not None and test.state == "ok" and not view.held:
        test = None  # It was of a connection that nobody keeps any more.
    asked = project.time_zone == _UNSET
    hint = "Rock's times carry no zone. Gifts keep the date that Rock has; this says which clock it was."
    if asked and found:
        hint = f"{hint} Its campuses say {found}: save it if that is right."
    return RockCard(
        badge=_badge(bool(view.held), view.rock_test),
        held=[_holder(held) for held in view.held],
        keeping=_keeping(view.keep),
        test=test,
        agent_options=agent_choices(view.agents),
        agent_default=keeper(view),
        zone=(found or _UNSET) if asked else project.time_zone,
        zone_hint=hint,
        zone_asked=asked,
    )


def mission_card(view: RockRmsView) -> MissionCard:
    """Result: the card of the Mission connection."""
    connection = view.mission_connection
    facts: list[tuple[str, str, datetime | None]] = []
    if connection is not None:
        facts = [
            ("Address", connection.url, None),
            ("Integration key", "saved", connection.key_set_at),
            ("Connected", f"by {connection.connected_by},", connection.connected_at),
        ]
    return MissionCard(
        badge=_badge(connection is not None, view.mission_test),
        facts=facts,
        test=mission_test(view.mission_test) if connection is not None else None,
        agent_options=agent_choices(view.agents),
        agent_default=keeper(view),
    )


def agent_choices(agents: Sequence[AgentOption], *, sealing: bool = False) -> Options:
    """Result: agents that can be asked, those online first; `sealing`: only those that a secret can be sealed to."""
    known = [agent for agent in agents if agent.state in _ORDER and (agent.can_seal or not sealing)]
    ranked = sorted(known, key=lambda agent: _ORDER.index(agent.state))
    return [(agent.agent_id, f"{agent.name} ({agent_badge(agent.state).label.lower()})") for agent in ranked]


def keeper(view: RockRmsView) -> str:
    """Result: the agent to offer first: one that keeps the connection, if possible online; '' where there is none."""
    ranked = sorted(view.held, key=lambda held: held.agent_state is not AgentState.ONLINE)
    if ranked:
        return ranked[0].agent_id
    choices = agent_choices(view.agents)
    return choices[0][0] if choices else ""


def _badge(connected: bool, check: CheckView | None) -> Badge:
    if check is not None and check.state is CheckState.WAITING:
        return _ASKED
    if not connected:
        return _NONE
    if check is None:
        return _KEPT
    return _WORKS if check.fault is None else _FAILS


def _holder(held: HeldConnectionView) -> list[tuple[str, str]]:
    agent = f"{held.agent_name} ({agent_badge(held.agent_state).label.lower()})"
    kept = _KEPT_IN.get(held.kept_in, held.kept_in)
    return [("Agent", agent), *connection_facts(held.shown), *([("Kept in", kept)] if kept else [])]


def _keeping(check: CheckView | None) -> Keeping | None:
    if check is None or (check.state is CheckState.DONE and check.fault is None):
        return None
    if check.state is CheckState.WAITING:
        return Keeping(
            "accent",
            "clock",
            "The connection is on its way",
            f"It is sealed to {check.agent_name}, which takes it with its next heartbeat.",
        )
    fault = check.fault
    if fault is None:
        return Keeping("bad", "failed", "The connection was not kept", "Enter it again.")
    return Keeping("bad", "failed", fault.title, f"{fault.detail} {fault.fix}".strip(), fault.code)
