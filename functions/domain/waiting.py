"""Why a job waits, as one sentence for the page: what for, since when, and what to do about it. Pure.

Nouns: a *situation* is everything that the sentence depends on, gathered from rows by the caller.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from functions.domain.job import ENDED, Job
from functions.domain.views import WishKind
from migrate_contract.agents import AgentState
from migrate_contract.jobs import JobState, Waiting, WaitReason

_REASONS = {
    WaitReason.DISK: "Waits for the source disk.",
    WaitReason.NETWORK: "Waits for the network.",
    WaitReason.SERVICE_BUSY: "Waits because the storage service is busy.",
    WaitReason.THROTTLE: "Waits for the bandwidth limit.",
    WaitReason.COMMIT: "Waits for the storage service to commit files.",
    WaitReason.GRANT: "Waits for access to the destination.",
    WaitReason.NO_CONNECTION: "Waits for a connection.",
    WaitReason.APPROVAL: "Waits for approval.",
    WaitReason.IDLE: "Waits for the scan to find more files.",
}
_START = "type migrate-agent start --service on its machine"


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known about a job and its agent at one moment."""

    job: Job
    agent_name: str = ""
    agent_state: AgentState | None = None
    """None: no agent is bound."""
    last_seen_at: datetime | None = None
    next_beat_by: datetime | None = None
    candidates: int = 0
    """Agents of the client that could take the job, where none is bound."""
    queued: bool = False
    """The start command is in the agent's mailbox."""
    delivered_at: datetime | None = None
    position: int = 0
    """How many jobs the agent says are before this one."""
    busy_with: tuple[str, ...] = ()
    """Names of the jobs that the agent works on."""
    waiting: Waiting | None = None
    """What the agent itself says it waits for."""
    unconfirmed_since: datetime | None = None


def clock_time(at: datetime, now: datetime) -> str:
    """Result: the time of day in UTC, with the date unless it is today."""
    at, now = at.astimezone(UTC), now.astimezone(UTC)
    return at.strftime("%H:%M:%S UTC" if at.date() == now.date() else "%Y-%m-%d %H:%M UTC")


def waiting_because(situation: Situation, now: datetime) -> str | None:
    """Result: the sentence; None where the job is ended or working without hindrance."""
    job = situation.job
    if job.state in ENDED:
        return None
    if job.wish is not None:
        return _wish(situation, now)
    if job.state is JobState.PAUSED:
        return "Paused. Resume it to go on where it stopped."
    if situation.unconfirmed_since is not None:
        since = clock_time(situation.unconfirmed_since, now)
        return (
            f"Unconfirmed: nothing heard about it since {since}. Agent {_presence(situation, now)}. "
            "It goes on by itself when the agent returns; if it will not, reassign the job."
        )
    if job.waits_for_agent:
        return _not_taken(situation, now)
    return _taken(situation, now)


def _presence(situation: Situation, now: datetime) -> str:
    """Result: the agent and its state, as the end of a sentence."""
    seen = f" since {clock_time(situation.last_seen_at, now)}" if situation.last_seen_at else ""
    words = {
        AgentState.REGISTERED: f"registered, process not started: {_START}",
        AgentState.ONLINE: "online",
        AgentState.LATE: f"late: silent{seen}",
        AgentState.OFFLINE: f"offline{seen}: {_START}",
        AgentState.SUSPENDED: "suspended, because two machines use its key",
        AgentState.REVOKED: "revoked: reassign the job",
        None: "not chosen",
    }
    return f"{situation.agent_name} is {words[situation.agent_state]}".strip()


def _wish(situation: Situation, now: datetime) -> str:
    """Result: what was asked, and why it has not happened."""
    wish = situation.job.wish
    assert wish is not None
    asked = "Pause" if wish.kind is WishKind.PAUSE else "Cancel"
    asked = f"{asked} asked by {wish.by} at {clock_time(wish.at, now)}"
    if situation.agent_state is not AgentState.ONLINE:
        return f"{asked}; agent {_presence(situation, now)}."
    if wish.taken_at is not None:
        return f"{asked}; the agent has taken it and is stopping."
    return f"{asked}; it reaches agent {situation.agent_name} with its next heartbeat{_by(situation, now)}."


def _by(situation: Situation, now: datetime) -> str:
    return f", by {clock_time(situation.next_beat_by, now)}" if situation.next_beat_by else ""


def _not_taken(situation: Situation, now: datetime) -> str:
    """Result: why no agent has acknowledged the job yet."""
    if situation.agent_state is None:
        if situation.candidates == 0:
            return "No agent yet: generate a registration code for this client and register an agent."
        if situation.candidates == 1:
            return "About to be given to the client's agent."
        return f"No agent chosen: the client has {situation.candidates}. Reassign the job to one of them."
    if situation.agent_state not in (AgentState.ONLINE, AgentState.LATE):
        return f"Agent {_presence(situation, now)}."
    if situation.delivered_at is not None:
        at = clock_time(situation.delivered_at, now)
        return f"Delivered to agent {situation.agent_name} at {at}, not acknowledged yet."
    if situation.queued:
        return f"Queued for the next heartbeat of agent {situation.agent_name}{_by(situation, now)}."
    return f"About to be queued for agent {situation.agent_name}."


def _taken(situation: Situation, now: datetime) -> str | None:
    """Result: what an acknowledged job waits for, if anything."""
    job = situation.job
    if situation.agent_state not in (AgentState.ONLINE, AgentState.LATE):
        return f"Agent {_presence(situation, now)}. The job goes on by itself when the agent is back."
    if job.state is JobState.CREATED:
        if situation.position > 0 or situation.busy_with:
            doing = " and ".join(situation.busy_with) or "other jobs"
            return f"Agent {situation.agent_name} busy with {doing}, position {max(situation.position, 1)}."
        return f"Accepted by agent {situation.agent_name}, about to start."
    if job.state is JobState.READY:
        if job.approved_at is None:
            return "Scan complete. Waits for approval: look at the totals, then approve it."
        return f"Approved; it reaches agent {situation.agent_name} with its next heartbeat{_by(situation, now)}."
    waiting = situation.waiting
    if waiting is None or waiting.reason is WaitReason.NONE:
        return None
    return waiting.detail or _REASONS[waiting.reason]
