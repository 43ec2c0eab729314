"""The bodies of the API about RockRMS and Mission: a project's connections, checks and funds, an import's report."""

from __future__ import annotations

from enum import StrEnum, unique
from typing import Annotated

from pydantic import Field, StringConstraints

from functions.domain.import_settings import ImportBody
from functions.domain.views import FaultView, JobView, MissionConnectionView, Page
from migrate_contract.agents import AgentState
from migrate_contract.rockrms import (
    BridgeLine,
    Entity,
    EntityResult,
    Evidence,
    FundChoice,
    GoneDecision,
    ImportLogRow,
    ImportReport,
    LogKind,
    MissionFund,
    MissionTestReport,
    MoneyTotals,
    ReportMission,
    ReportSource,
    RockId,
    RockShown,
    RockTestReport,
    Stage,
    StatusMeaning,
    TraceReport,
    Versions,
)
from migrate_contract.wire import AgentId, JobId, Name, Timestamp, WireModel

_SECRET = r"^\s*[\x21-\x7e]+\s*$"  # noqa: S105 - the characters of one


class MissionConnectionBody(WireModel):
    """`PUT /api/projects/{project_id}/mission-connection`. The key goes with the address it is for, each time."""

    url: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
    integration_key: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=8, max_length=1000, pattern=_SECRET)
    ] = Field(repr=False)


class RockConnectionBody(WireModel):
    """`PUT /api/projects/{project_id}/rockrms-connection`: sealed to the agent at once, kept nowhere else."""

    agent_id: AgentId
    connection_string: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)] = Field(
        repr=False
    )
    """ADO.NET, ODBC, or Rock's web.ConnectionStrings.config as a whole."""


class AgentChoiceBody(WireModel):
    """`POST` of a check. Null: the agent that keeps the project's connection, or else the client's only one."""

    agent_id: AgentId | None = None


class TraceBody(WireModel):
    """`POST /api/projects/{project_id}/trace`: which record, by its id in Rock."""

    entity: Entity
    source_id: RockId
    job_id: JobId | None = None
    """Whose settings and journal are looked at."""
    agent_id: AgentId | None = None


class FundsBody(WireModel):
    """`PUT /api/projects/{project_id}/funds`: the whole map, for all later attempts of the project's imports."""

    funds: list[FundChoice] = Field(max_length=500)


class DecisionsBody(WireModel):
    """`PUT /api/jobs/{job_id}/import-decisions`: the whole lists, for the job's next attempt; null: as they are."""

    gone: list[GoneDecision] | None = Field(default=None, max_length=1_000)
    statuses: dict[Annotated[str, StringConstraints(max_length=200)], StatusMeaning] | None = Field(
        default=None, max_length=50
    )


class ImportSettingsBody(WireModel):
    """`PUT /api/jobs/{job_id}/import-settings`: the whole settings of the job's next attempt, and its name."""

    rockrms: ImportBody
    name: Name | None = None


@unique
class CheckKind(StrEnum):
    """What an operator asks an agent to look at; the last one of each kind is kept with the project."""

    ROCKRMS = "rockrms"
    MISSION = "mission"
    TRACE = "trace"
    KEEP = "keep"
    """To keep a connection string that was typed in the dashboard."""
    FORGET = "forget"


@unique
class CheckState(StrEnum):
    """Computed from the check's row and the time."""

    WAITING = "waiting"
    """On its way, or at work."""
    DONE = "done"
    """The agent has answered; what it found may be a fault of the connection."""
    FAILED = "failed"
    """The agent could not do it, or has not answered in time."""


class CheckView(WireModel):
    """One check. `fault` is what went wrong, with its fix: of the agent's answer, or its silence."""

    kind: CheckKind
    state: CheckState
    agent_id: str
    agent_name: str
    asked_at: Timestamp
    asked_by: str
    ends_at: Timestamp
    """When it is given up, if the agent is silent."""
    finished_at: Timestamp | None = None
    fault: FaultView | None = None
    rock: RockTestReport | None = None
    mission: MissionTestReport | None = None
    trace: TraceReport | None = None


class HeldConnectionView(WireModel):
    """A RockRMS connection string that an agent keeps for the project, as its last heartbeat says."""

    agent_id: str
    agent_name: str
    agent_state: AgentState
    shown: RockShown
    kept_in: str
    as_of: Timestamp | None


class AgentOption(WireModel):
    """An agent of the project's client."""

    agent_id: str
    name: str
    state: AgentState
    state_detail: str
    can_seal: bool
    """It has a key that a secret can be sealed to."""


class RockRmsView(WireModel):
    """`GET /api/projects/{project_id}/rockrms`: everything that the project knows of RockRMS and Mission."""

    project_id: str
    mission_connection: MissionConnectionView | None
    held: list[HeldConnectionView]
    """Agents that keep the project's connection string; more than one is possible."""
    agents: list[AgentOption]
    rock_test: CheckView | None
    mission_test: CheckView | None
    trace: CheckView | None
    keep: CheckView | None
    """The last connection string that was typed here, on its way to its agent."""
    funds: list[FundChoice]
    mission_funds: list[MissionFund]
    """As the last Test Mission found them."""
    missing: list[str]
    """Codes of what an import would stop at now, in the order of the page; empty: nothing is missing."""


class ImportReportView(WireModel):
    """`GET /api/jobs/{job_id}/import-report`: an attempt's report."""

    job: JobView
    received_at: Timestamp
    report: ImportReport


class CertificateView(WireModel):
    """`GET /api/jobs/{job_id}/certificate`: what the printable certificate says, and nothing that it does not."""

    job_id: str
    job_name: str
    project_name: str
    client_name: str
    agent_name: str | None
    attempt: int
    stage: Stage
    evidence: Evidence
    financial_match: bool | None
    verdict: str
    """One sentence for a treasurer."""
    quality_score: float | None
    currency: str
    totals: MoneyTotals
    entities: list[EntityResult]
    bridge: list[BridgeLine]
    unexplained: str
    differing_rows: int
    filters: list[str]
    ledger_sha256: str
    versions: Versions
    source: ReportSource
    mission: ReportMission
    started_at: Timestamp
    finished_at: Timestamp
    issued_at: Timestamp
    issued_by: str


ImportLogPage = Page[ImportLogRow]
"""`GET /api/jobs/{job_id}/import-log`."""


class ImportLogGroup(WireModel):
    """Rows of the import log that have kind, entity and code in common, with some of them."""

    kind: LogKind
    entity: Entity
    code: str
    title: str
    fix: str
    rows: int
    sample: list[ImportLogRow]


class ImportLogSummary(WireModel):
    """`GET /api/jobs/{job_id}/import-log/summary`: most rows first, errored before skipped before flagged."""

    attempt: int
    rows: int
    groups: list[ImportLogGroup]
