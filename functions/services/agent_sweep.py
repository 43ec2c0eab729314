"""The watchdog over agents: announces who went silent and who came back, once each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

import structlog

from functions.domain import rows
from functions.domain.agent import AGENT_ROW, BEAT_ROW, COMMAND_PREFIX, LIMITS_PREFIX, Beat, state_of
from functions.domain.ids import parse_command_id
from functions.domain.limits import Limits
from functions.domain.ports import Clock, Row, RowChanged, RowMissing, Tables
from functions.domain.waiting import clock_time
from functions.services.agents import TABLE
from functions.services.alerts import Alerts, Finding
from functions.services.guarded import Guarded
from migrate_contract.agents import AgentState
from migrate_contract.commands import CommandKind
from migrate_contract.errors import ErrorCode

_PAGE = 1000
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SeenAgent:
    """An agent as one sweep met it: `mailbox` are the row keys of its commands, assignments and limits."""

    state: AgentState
    name: str
    mailbox: frozenset[str]
    delivered: dict[str, datetime | None]
    limits: dict[str, Row]
    """By row key: what it was told of its jobs' limits."""
    last_seen_at: datetime | None = None


@dataclass(slots=True)
class AgentSweepResult:
    """By (organization, agent id)."""

    seen: dict[tuple[str, str], SeenAgent] = field(default_factory=dict)
    announced: int = 0
    alerts: int = 0
    resolved: int = 0
    standing: set[tuple[str, str]] = field(default_factory=set)
    """Whose alert is true: offline, with work."""


class AgentSweep:
    """Writes `announced` and `announced_at` of an agent's row. The state itself is computed, never stored."""

    def __init__(self, tables: Tables, clock: Clock, limits: Limits, alerts: Alerts) -> None:
        self._tables = tables
        self._clock = clock
        self._limits = limits
        self._alerts = alerts

    def run(self, guarded: Guarded) -> AgentSweepResult:
        """Result: every agent, and what was announced; what fails for one agent is kept in `guarded`."""
        result = AgentSweepResult()
        for pk, group in groupby(self._rows(), key=lambda row: row.pk):
            organization, _, agent_id = pk.partition("|")
            found = {row.rk: row for row in group}
            agent, beat = found.pop(AGENT_ROW, None), found.pop(BEAT_ROW, None)
            if agent is None or beat is None:
                continue
            state = state_of(agent, Beat(beat), self._clock(), self._limits)
            result.seen[(organization, agent_id)] = SeenAgent(
                state=state,
                name=rows.text(agent, "name"),
                mailbox=frozenset(found),
                delivered={
                    key: rows.moment(row, "delivered_at")
                    for key, row in found.items()
                    if key.startswith(COMMAND_PREFIX)
                },
                limits={key: row for key, row in found.items() if key.startswith(LIMITS_PREFIX)},
                last_seen_at=Beat(beat).last_seen_at,
            )
            with guarded.part(f"agent {agent_id}"):
                result.announced += self._announce(organization, agent, state)
                if state is AgentState.OFFLINE and any(map(_is_work, found)):
                    self._alert(organization, agent, Beat(beat), result)
        with guarded.part("alerts"):
            self._resolve(result)
        return result

    def _rows(self) -> Iterator[Row]:
        """Result: every agent's partition, one after the other."""
        continuation: str | None = None
        while True:
            page = self._tables.page(TABLE, limit=_PAGE, continuation=continuation)
            yield from page.rows
            continuation = page.continuation
            if continuation is None:
                return

    def _announce(self, organization: str, agent: Row, state: AgentState) -> int:
        """Says it once when an agent goes or comes back. Result: 1 if it was said now."""
        announced = rows.text(agent, "announced", AgentState.REGISTERED.value)
        if announced == state.value:
            return 0
        columns = {"announced": state.value, "announced_at": self._clock()}
        try:
            self._tables.merge(TABLE, agent.pk, AGENT_ROW, columns, agent.etag)
        except (RowChanged, RowMissing):
            return 0  # Another sweep has said it, or the next one will.
        _log.info(
            "agent.state",
            organization=organization,
            agent_id=rows.text(agent, "agent_id"),
            from_state=announced,
            to_state=state.value,
        )
        return 1

    def _alert(self, organization: str, agent: Row, beat: Beat, result: AgentSweepResult) -> None:
        """An agent that is offline while it has work is alerted, until it is back or has none."""
        agent_id = rows.text(agent, "agent_id")
        seen = clock_time(beat.last_seen_at, self._clock()) if beat.last_seen_at else "never"
        result.standing.add((organization, agent_id))
        result.alerts += self._alerts.stands(
            Finding(
                organization,
                ErrorCode.AGENT_OFFLINE,
                agent_id,
                f"Agent {rows.text(agent, 'name')} has work and is offline since {seen}.",
                link=f"/agents/{agent_id}",
                client_id=rows.text(agent, "client_id"),
            )
        )

    def _resolve(self, result: AgentSweepResult) -> None:
        """Closes alerts that are true no longer."""
        for organization, agent_id in self._alerts.open_subjects(ErrorCode.AGENT_OFFLINE):
            if (organization, agent_id) not in result.standing:
                self._alerts.over(organization, ErrorCode.AGENT_OFFLINE, agent_id)
                result.resolved += 1


def _is_work(key: str) -> bool:
    """Result: whether a row of a mailbox is work, as an order to drop a job is not."""
    name = parse_command_id(key.removeprefix(COMMAND_PREFIX))
    return name is None or name.kind is not CommandKind.DROP_JOB
