"""Agents on the wire: registration, heartbeat and key rotation.

Nouns: an *install* is one state directory of the agent, named by a random `install_id` that is written to disk
before the first registration call; an *instance* is one process, named by a random `instance_id`; a *session* is
what the server makes of an instance: an epoch that only grows. The newest session wins.
"""

from __future__ import annotations

from enum import StrEnum, unique
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from migrate_contract.commands import Command
from migrate_contract.jobs import JobPhase
from migrate_contract.rockrms import HeldConnection
from migrate_contract.schedule import LimitSet
from migrate_contract.sealing_format import SealingKey
from migrate_contract.wire import (
    INTEGRAL,
    AgentId,
    Attempt,
    ClientId,
    Count,
    Epoch,
    JobId,
    Label,
    Name,
    OrganizationId,
    Sentence,
    Timestamp,
    WireModel,
)

CODE_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""32 symbols without look-alikes (no I, O, 0, 1)."""
CODE_LENGTH = 8

AGENT_KEY_HEADER = "X-Agent-Key"
"""Carries `<organization>.<agent>.<secret>` on every call under /api/agent/ but register."""
SESSION_HEADER = "X-Agent-Session"
"""Carries the session epoch (decimal) on every call under /api/agent/ but register and heartbeat."""
CORRELATION_HEADER = "X-Correlation-Id"

Token = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,64}$")]


@unique
class AgentState(StrEnum):
    """Computed from `last_seen_at`, the mode of the last heartbeat and `revoked_at`; stored nowhere."""

    REGISTERED = "registered"
    """No heartbeat of a running process yet (a registration command's own heartbeat does not count)."""
    ONLINE = "online"
    LATE = "late"
    """Three heartbeats missed, at least 90 s."""
    OFFLINE = "offline"
    """No heartbeat for 5 minutes, or the process said goodbye."""
    SUSPENDED = "suspended"
    """Two machines use this agent's key in turn (`agent-cloned`); an operator lifts it."""
    REVOKED = "revoked"
    """An operator revoked the agent's key."""


@unique
class ProcessMode(StrEnum):
    """Set by the agent process: who is sending this heartbeat."""

    ENROLMENT = "enrolment"
    """`migrate-agent --register`: it ends right after, so it does not make the agent online."""
    FOREGROUND = "foreground"
    SERVICE = "service"
    STOPPING = "stopping"
    """The last heartbeat of a process that stops in order: the agent is shown offline at once."""


class MachineFacts(WireModel):
    """What the agent says of its machine; `machine_id` tells two machines apart and is a hash, never a serial."""

    machine_id: Token
    hostname: Label
    os: Label
    agent_version: Label
    python_version: Label = ""
    account: Label = ""
    """The operating system's account that the process runs as."""
    service_name: Label = ""
    """The name to look for in the service manager."""


class RegisterRequest(WireModel):
    """`POST /api/agent/register`: the code as typed (case, spaces and dashes are forgiven by the server)."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=32)]
    install_id: Token
    machine: MachineFacts
    name: Name | None = None
    """What the operators will see; the host name if absent."""
    sealing_key: SealingKey | None = None
    """Public: what is typed in the dashboard for this agent alone is sealed to it."""


class RegisterResponse(WireModel):
    """`agent_key` is shown this once; the server keeps a hash."""

    organization_id: OrganizationId
    client_id: ClientId
    client_name: str
    agent_id: AgentId
    agent_name: str
    agent_key: str
    heartbeat_interval_seconds: float


class HeartbeatJob(WireModel):
    """One job that the agent holds in its journal and has not yet reported to its end."""

    job_id: JobId
    attempt: Attempt
    phase: JobPhase
    position: Count = 0
    """0: being worked on; n: n jobs are before it in the agent's queue."""


class AgentFault(WireModel):
    """One of the agent's last errors, for its page."""

    at: Timestamp
    code: Label
    detail: Sentence
    job_id: JobId | None = None


class HeartbeatRequest(WireModel):
    """`POST /api/agent/heartbeat`. `session_epoch` is null in the first one of a process: the server mints one."""

    protocol_version: Annotated[int, Field(ge=1), INTEGRAL] = 1
    instance_id: Token
    session_epoch: Epoch | None = None
    sequence: Count
    """Grows by one per heartbeat of this instance; a late duplicate with a lower one changes nothing."""
    mode: ProcessMode
    machine: MachineFacts
    agent_time: Timestamp
    """The agent's wall clock, for the skew shown to operators; no decision is made from it."""
    jobs: list[HeartbeatJob] = Field(default_factory=list, max_length=64)
    max_jobs: Annotated[int, Field(ge=1, le=64), INTEGRAL] = 2
    disk_free_bytes: Count | None = None
    buffered_reports: Count = 0
    """Progress and ledger posts that wait for the control plane."""
    faults: list[AgentFault] = Field(default_factory=list, max_length=5)
    limits_version: Label = ""
    """Of the limits that the agent obeys (`HeartbeatResponse.limits`); '' is the empty set."""
    sealing_key: SealingKey | None = None
    rock_connections: list[HeldConnection] = Field(default_factory=list, max_length=20)
    """The RockRMS connection strings that this agent keeps, without their secrets."""


class Assignment(WireModel):
    """A job attempt that the server believes this agent acknowledged.

    One that the agent's journal does not know is lost work: the agent reports it with phase `lost`.
    """

    job_id: JobId
    attempt: Attempt


class HeartbeatResponse(WireModel):
    """Commands are repeated in each answer until their result is posted."""

    server_time: Timestamp
    session_epoch: Epoch
    next_heartbeat_seconds: float = Field(gt=0)
    """When to send the next one, jitter included: the agent adds none."""
    commands: list[Command] = Field(default_factory=list)
    assignments: list[Assignment] = Field(default_factory=list)
    rotate_key: bool = False
    """True once the key is 30 days old: the agent calls rotate-key."""
    limits: LimitSet | None = None
    """The bandwidth limits of the jobs that the agent holds or is offered; null: those that it has are the newest."""


class RotateKeyRequest(WireModel):
    """`POST /api/agent/rotate-key`: the old key stays valid for the overlap that the answer names."""


class RotateKeyResponse(WireModel):
    """The new key, shown this once."""

    agent_key: str
    old_key_valid_seconds: float


class HealthAnswer(WireModel):
    """`GET /api/health`: this process answers; no key is needed."""

    status: Literal["ok"]
    version: str
    protocol_version: int
    time: Timestamp


class AgentCheckRequest(WireModel):
    """`POST /api/agent/check`: is this key accepted? Nothing is written, so it may be asked beside a running agent."""


class AgentCheckAnswer(WireModel):
    """Who the key belongs to."""

    agent_id: AgentId
    agent_name: Name
    server_time: Timestamp
