"""An agent: its state, its sessions and its keys. Pure.

Nouns: the *beat* is what the last heartbeat said; a *session* is what the server makes of one process (an epoch that
only grows, the newest wins); a *change* is a session that another machine takes over from the one before; a *clone*
is a second machine with the same key: it shows as sessions that change from machine to machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum, unique

from pydantic import TypeAdapter

from functions.domain import rows
from functions.domain.limits import Limits
from functions.domain.ports import Row
from migrate_contract.agents import AgentFault, AgentState, HeartbeatJob, HeartbeatRequest, MachineFacts, ProcessMode
from migrate_contract.rockrms import HeldConnection
from migrate_contract.wire import Timestamp, WireModel

AGENT_ROW = "agent"
BEAT_ROW = "beat"
COMMAND_PREFIX = "cmd|"
ASSIGNMENT_PREFIX = "asg|"
LIMITS_PREFIX = "lim|"
_MISSED = 3
"""Heartbeats that may be missed before an agent is late (product page, States)."""
_HIGHEST_ADOPTED = 2**52
"""No agent restarts so often: a higher epoch is made up, and to adopt it would leave no number for the next process."""


class SessionChange(WireModel):
    """One change of machine, with the machine that took over."""

    at: Timestamp
    machine_id: str


_CHANGES = TypeAdapter(list[SessionChange])
_JOBS = TypeAdapter(list[HeartbeatJob])
_FAULTS = TypeAdapter(list[AgentFault])
_HELD = TypeAdapter(list[HeldConnection])


def changes_json(changes: list[SessionChange]) -> str:
    """Result: the column `session_changes`."""
    return _CHANGES.dump_json(changes).decode()


def jobs_json(jobs: list[HeartbeatJob]) -> str:
    """Result: the column `jobs`."""
    return _JOBS.dump_json(jobs).decode()


def faults_json(faults: list[AgentFault]) -> str:
    """Result: the column `faults`."""
    return _FAULTS.dump_json(faults).decode()


def held_json(held: list[HeldConnection]) -> str:
    """Result: the column `rock_connections`."""
    return _HELD.dump_json(held).decode()


class Beat:
    """The row `beat`, typed. Its only writer is the heartbeat."""

    def __init__(self, row: Row) -> None:
        self._row = row
        self.etag = row.etag
        self.epoch = rows.number(row, "epoch")
        self.instance_id = rows.text(row, "instance_id")
        self.sequence = rows.number(row, "sequence", -1)
        self.last_seen_at = rows.moment(row, "last_seen_at")
        self.running_at = rows.moment(row, "running_at")
        self.interval_seconds = rows.seconds(row, "interval_seconds")
        self.cloned_at = rows.moment(row, "cloned_at")
        self.clock_skew_seconds = rows.seconds(row, "clock_skew_seconds")
        self.max_jobs = rows.number(row, "max_jobs", 2)
        self.buffered_reports = rows.number(row, "buffered_reports")
        free = rows.number(row, "disk_free_bytes", -1)
        self.disk_free_bytes = free if free >= 0 else None
        mode = rows.text(row, "mode")
        self.mode = ProcessMode(mode) if mode else None

    @property
    def sealing_key(self) -> str:
        """Result: the public key that secrets for this agent are sealed to; '' where it has none."""
        return rows.text(self._row, "sealing_key")

    @property
    def rock_connections(self) -> list[HeldConnection]:
        """Result: the RockRMS connections that the agent keeps, without their secrets."""
        return _HELD.validate_json(rows.joined_text(self._row, "rock_connections") or "[]")

    @property
    def changes(self) -> list[SessionChange]:
        """Result: the last changes of machine, oldest first."""
        return _CHANGES.validate_json(rows.text(self._row, "session_changes") or "[]")

    @property
    def jobs(self) -> list[HeartbeatJob]:
        """Result: what the agent holds in its journal."""
        return _JOBS.validate_json(rows.joined_text(self._row, "jobs") or "[]")

    @property
    def faults(self) -> list[AgentFault]:
        """Result: the agent's last errors, as it told them."""
        return _FAULTS.validate_json(rows.joined_text(self._row, "faults") or "[]")

    @property
    def machine(self) -> MachineFacts | None:
        """Result: what the agent says of its machine; None before the first heartbeat."""
        content = rows.joined_text(self._row, "machine")
        return MachineFacts.model_validate_json(content) if content else None


def suspended_at(agent: Row, beat: Beat) -> datetime | None:
    """Result: since when two machines are known to use this agent; None where not, or where it was lifted."""
    lifted = rows.moment(agent, "clone_cleared_at")
    if beat.cloned_at is None or (lifted is not None and lifted >= beat.cloned_at):
        return None
    return beat.cloned_at


def state_of(agent: Row, beat: Beat, now: datetime, limits: Limits) -> AgentState:
    """Result: the agent's state now (product page, States)."""
    if rows.moment(agent, "revoked_at") is not None:
        return AgentState.REVOKED
    if suspended_at(agent, beat) is not None:
        return AgentState.SUSPENDED
    if beat.running_at is None:
        return AgentState.REGISTERED
    silent_seconds = (now - beat.running_at).total_seconds()
    if beat.mode is ProcessMode.STOPPING or silent_seconds > limits.offline_seconds:
        return AgentState.OFFLINE
    if silent_seconds > max(limits.late_seconds, _MISSED * beat.interval_seconds):
        return AgentState.LATE
    return AgentState.ONLINE


@unique
class SessionVerdict(StrEnum):
    """Set by `judge_session`."""

    CURRENT = "current"
    """A further heartbeat of the session."""
    REPEAT = "repeat"
    """A late duplicate: answered, changes nothing."""
    MINTED = "minted"
    """A new process takes over."""
    ADOPTED = "adopted"
    """The agent's epoch is higher than ours: we were restored from a backup, and its process goes on."""
    SUPERSEDED = "superseded"
    """A newer process has taken over."""
    CLONED = "cloned"
    """A new process, and one change of machine too many."""


@dataclass(frozen=True, slots=True)
class Session:
    """What the heartbeat's session is, and the changes to keep."""

    verdict: SessionVerdict
    epoch: int
    changes: list[SessionChange]


def judge_session(agent: Row, beat: Beat, body: HeartbeatRequest, now: datetime, limits: Limits) -> Session:
    """Result: which session this heartbeat belongs to.

    The first heartbeat of a process carries no epoch: one is minted, and the same process asking again (its answer
    was lost) is told the same one. An epoch above ours can only come from before a restore of our tables: it is
    adopted as it is, so that calls of the same process that are on their way stay valid and the highest of several
    claimants wins.
    """
    if body.session_epoch is None:
        if beat.epoch > 0 and beat.instance_id == body.instance_id:
            repeated = body.sequence <= beat.sequence
            return Session(SessionVerdict.REPEAT if repeated else SessionVerdict.CURRENT, beat.epoch, beat.changes)
        return _minted(agent, beat, body, now, limits)
    if body.session_epoch > max(beat.epoch, _HIGHEST_ADOPTED):
        return Session(SessionVerdict.SUPERSEDED, beat.epoch, beat.changes)
    if body.session_epoch > beat.epoch:
        return Session(SessionVerdict.ADOPTED, body.session_epoch, beat.changes)
    if body.session_epoch < beat.epoch or beat.instance_id != body.instance_id:
        return Session(SessionVerdict.SUPERSEDED, beat.epoch, beat.changes)
    repeated = body.sequence <= beat.sequence
    return Session(SessionVerdict.REPEAT if repeated else SessionVerdict.CURRENT, beat.epoch, beat.changes)


def _minted(agent: Row, beat: Beat, body: HeartbeatRequest, now: datetime, limits: Limits) -> Session:
    """Result: a new session, or the finding that two machines take turns (three changes in 10 minutes).

    Only a session on another machine than the last one's is a change: restarts, and one move to a new machine, are
    what agents do.
    """
    since = now - timedelta(seconds=limits.clone_window_seconds)
    lifted = rows.moment(agent, "clone_cleared_at")
    changes = [change for change in beat.changes if change.at > since and (lifted is None or change.at > lifted)]
    before, machine_id = beat.machine, body.machine.machine_id
    if before is not None and before.machine_id != machine_id:
        changes = [*changes, SessionChange(at=now, machine_id=machine_id)]
    cloned = len(changes) >= limits.clone_changes
    return Session(SessionVerdict.CLONED if cloned else SessionVerdict.MINTED, beat.epoch + 1, changes)
