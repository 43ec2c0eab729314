"""The bodies of the operator API: what it takes and what it shows. The dashboard renders the same views.

Nouns: a *view* is what a caller sees; a *body* is what a caller sends (strict JSON, unknown fields ignored).
"""

from __future__ import annotations

from enum import StrEnum, unique
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from functions.domain.import_settings import ImportBody
from functions.domain.zones import KnownZone as KnownZone  # noqa: PLC0414 - also known by this name
from migrate_contract.agents import AgentFault, AgentState, HeartbeatJob, MachineFacts, ProcessMode
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.jobs import (
    BlobDestination,
    Bucket,
    FileFault,
    FileFilters,
    JobDestination,
    JobPhase,
    JobSource,
    JobState,
    JobType,
    LedgerRow,
    LocalSource,
    Outcome,
    Preflight,
    Tally,
    TransferSettings,
    Verification,
    WaitedSeconds,
    Waiting,
    settings_problem,
)
from migrate_contract.rockrms import EntityProgress, Evidence, ImportSettings, Stage
from migrate_contract.schedule import BandwidthSchedule, LimitInForce, PositiveMbps
from migrate_contract.sync import MirrorRules, MirrorTally, SyncSettings
from migrate_contract.wire import AgentId, ClientId, Name, ProjectId, Timestamp, WireModel

Note = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=2000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")
]
"""Free text of a person, may have several lines."""


DEFAULT_LIMIT = 50
MAX_LIMIT = 200


class Page[T](WireModel):
    """A part of a list. `continuation` null: there is no more. A page may be shorter than asked for, even empty."""

    items: list[T]
    continuation: str | None = None


class ListQuery(WireModel):
    """Paging of every list: `?limit=&continuation=`."""

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    continuation: Annotated[str, StringConstraints(min_length=1, max_length=2000)] | None = None


class MeView(WireModel):
    """`GET /api/me`: the signed-in member. `client_ids` empty: all clients."""

    name: str
    role: str
    organization_id: str
    organization_name: str
    client_ids: list[str]


class ClientCreate(WireModel):
    """`POST /api/clients`."""

    name: Name
    notes: Note = ""


class ClientPatch(WireModel):
    """`PATCH /api/clients/{client_id}`: what is null stays as it is."""

    name: Name | None = None
    notes: Note | None = None


class ClientView(WireModel):
    """A customer of the operator."""

    client_id: str
    name: str
    notes: str
    bandwidth_limit_mbps: float | None = None
    """What all agents of the client may send together; null: no limit."""
    created_at: Timestamp
    created_by: str


@unique
class CodeState(StrEnum):
    """Computed from the code's row."""

    OPEN = "open"
    USED = "used"
    EXPIRED = "expired"
    REVOKED = "revoked"


class CodeCreate(WireModel):
    """`POST /api/registration-codes`."""

    client_id: ClientId
    label: Annotated[str, StringConstraints(strip_whitespace=True, max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""


class CodeView(WireModel):
    """A registration code's fate. The code itself is not kept; `code_id` is no part of it."""

    code_id: str
    client_id: str
    label: str
    state: CodeState
    created_at: Timestamp
    created_by: str
    expires_at: Timestamp
    used_at: Timestamp | None = None
    agent_id: str | None = None
    revoked_at: Timestamp | None = None


class CodeCreated(CodeView):
    """The answer to creating a code: `code` is shown this once, as `ABCD-EFGH`."""

    code: str


class AgentPatch(WireModel):
    """`PATCH /api/agents/{agent_id}`."""

    name: Name


class AgentView(WireModel):
    """An installed agent. `state_detail` is a sentence with what to do where something is wrong."""

    agent_id: str
    client_id: str
    client_name: str
    name: str
    state: AgentState
    state_detail: str
    created_at: Timestamp
    last_seen_at: Timestamp | None = None
    mode: ProcessMode | None = None
    machine: MachineFacts | None = None
    clock_skew_seconds: float | None = None
    jobs: list[HeartbeatJob] = Field(default_factory=list)
    max_jobs: int = 2
    disk_free_bytes: int | None = None
    buffered_reports: int = 0
    faults: list[AgentFault] = Field(default_factory=list)
    open_commands: int = 0
    key_created_at: Timestamp | None = None
    suspended_at: Timestamp | None = None
    revoked_at: Timestamp | None = None


@unique
class ProjectStatus(StrEnum):
    """Computed from what has happened to the project; closing it is an operator's word."""

    PLANNING = "planning"
    """No job has started."""
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    """Closed by an operator."""
    CANCELLED = "cancelled"
    """Closed by an operator."""
    AUTH_REQUIRED = "auth_required"
    """The Azure connection needs a person to sign in; overrides the others until reconnected."""


@unique
class ProjectType(StrEnum):
    """Set by the operator."""

    FILE_MIGRATION = "file_migration"


@unique
class ConnectionKind(StrEnum):
    """Set by the operator: how a project reaches Azure Storage."""

    DEPLOYMENT = "deployment"
    """An account that this deployment owns."""
    CUSTOMER = "customer"
    """The customer's own account, reached by a person's sign-in."""


class AzureConnectionBody(WireModel):
    """`PUT /api/projects/{project_id}/azure-connection`. A customer's own account is connected by a sign-in."""

    kind: Literal[ConnectionKind.DEPLOYMENT]


class AzureConnectionView(WireModel):
    """How the project reaches Azure Storage."""

    kind: ConnectionKind
    account: str
    connected_at: Timestamp
    connected_by: str
    connection_id: str = ""
    """Of the customer's account: names the sign-in that it is reached by."""
    suffix: str = ""
    tenant_id: str = ""
    container: str = ""
    """The container that access was proved with."""
    signed_in_as: str = ""

    @property
    def signs_in(self) -> bool:
        """Result: whether the account is reached by a person's sign-in, which ends one day."""
        return self.kind is not ConnectionKind.DEPLOYMENT


class MissionConnectionView(WireModel):
    """How the project reaches Mission. The integration key is never shown."""

    url: str
    connected_at: Timestamp
    connected_by: str
    key_set_at: Timestamp
    """When the key was last replaced."""


class SignInEndView(WireModel):
    """Why and since when a person has to sign in again."""

    at: Timestamp
    reason: str


class ProjectCreate(WireModel):
    """`POST /api/projects`."""

    client_id: ClientId
    name: Name
    description: Note = ""
    type: ProjectType = ProjectType.FILE_MIGRATION
    time_zone: KnownZone | None = None
    """Null: that of its bandwidth schedule, or UTC."""


class ProjectPatch(WireModel):
    """`PATCH /api/projects/{project_id}`: what is null stays. `status` closes the project, or reopens it."""

    name: Name | None = None
    description: Note | None = None
    time_zone: KnownZone | None = None
    status: Literal["in_progress", "completed", "cancelled"] | None = None


class BandwidthScheduleBody(BandwidthSchedule):
    """`PUT /api/projects/{project_id}/bandwidth-schedule`."""

    zone: KnownZone


class BandwidthLimitBody(WireModel):
    """`PUT .../bandwidth-limit` of a client or a job. Null lifts the limit."""

    limit_mbps: PositiveMbps | None


class ProjectView(WireModel):
    """One engagement of a client."""

    project_id: str
    client_id: str
    client_name: str
    name: str
    description: str
    type: ProjectType
    time_zone: str = "UTC"
    """IANA name: the clock that the schedules of its jobs go by."""
    status: ProjectStatus
    azure_connection: AzureConnectionView | None = None
    mission_connection: MissionConnectionView | None = None
    sign_in_end: SignInEndView | None = None
    """While the status is `auth_required`, and for a closed project whose sign-in had ended."""
    bandwidth_schedule: BandwidthSchedule | None = None
    created_at: Timestamp
    created_by: str


class JobCreate(WireModel):
    """`POST /api/jobs`. Without `agent_id` the client's only agent takes the job.

    A job that copies files names its source and destination. An import names neither, since both are the project's
    connections, and brings `rockrms`.
    """

    project_id: ProjectId
    name: Name
    type: JobType = JobType.MIGRATE_FILES
    source: LocalSource | None = None
    destination: BlobDestination | None = None
    rockrms: ImportBody | None = None
    filters: FileFilters = Field(default_factory=FileFilters)
    transfer: TransferSettings = Field(default_factory=TransferSettings)
    agent_id: AgentId | None = None
    hold_after_scan: bool = False
    check_readable: bool = False
    """With `hold_after_scan`: also count the files that cannot be opened."""
    sync: SyncSettings | None = None
    """Of a sync: when it runs again, and whether it mirrors. Its first attempt begins at once."""

    @model_validator(mode="after")
    def _settings_fit(self) -> Self:
        problem = settings_problem(self.type, self.transfer, self.sync)
        if problem is not None:
            raise ValueError(problem)
        is_import = self.type is JobType.ROCKRMS_IMPORT
        if is_import != (self.rockrms is not None):
            raise ValueError("the settings `rockrms` belong to jobs of type rockrms_import, and to each of them")
        if is_import and (self.source is not None or self.destination is not None or self.hold_after_scan):
            raise ValueError("an import names no source, destination or hold: it has a dry run instead")
        if not is_import and (self.source is None or self.destination is None):
            raise ValueError("a job that copies files names its source and its destination")
        return self


class JobEdit(WireModel):
    """`PATCH /api/jobs/{job_id}`, until an agent has taken the job: what is null stays as it is."""

    name: Name | None = None
    source: LocalSource | None = None
    destination: BlobDestination | None = None
    rockrms: ImportBody | None = None
    """Of an import; as a whole."""
    filters: FileFilters | None = None
    transfer: TransferSettings | None = None
    hold_after_scan: bool | None = None
    check_readable: bool | None = None


class JobDuplicate(WireModel):
    """`POST /api/jobs/{job_id}/duplicate`; the body may be `{}`. Null: as in the original, named "... (copy)"."""

    name: Name | None = None
    destination: BlobDestination | None = None
    agent_id: AgentId | None = None


class MirrorConfirm(WireModel):
    """`POST /api/jobs/{job_id}/mirror/confirm`: the destination container's name, typed by a person."""

    container: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class JobReassign(WireModel):
    """`POST /api/jobs/{job_id}/reassign`."""

    agent_id: AgentId


@unique
class WishKind(StrEnum):
    """Set by an operator: asked of a job that an agent holds, until the agent has done it."""

    PAUSE = "pause"
    CANCEL = "cancel"


class WishView(WireModel):
    """What an operator asked for and the agent has not done yet."""

    kind: WishKind
    by: str
    at: Timestamp


class FaultView(WireModel):
    """A code of the catalogue with its words, and this occurrence's detail."""

    code: str
    title: str
    detail: str
    fix: str


class ProgressView(WireModel):
    """The newest numbers of an attempt; `as_of` is when they were true."""

    attempt: int
    as_of: Timestamp
    phase: JobPhase
    files: Tally
    bytes: Tally
    verified_files: int
    retries: int
    speed_bytes_per_second: float
    speed_records_per_second: float = 0.0
    """Of an import."""
    average_bytes_per_second: float = 0.0
    """Since the first upload of the attempt's process on the agent."""
    eta_seconds: float | None
    waiting: Waiting
    limit: LimitInForce | None = None
    """The bandwidth limit that the agent holds to now, and whose it is."""
    concurrency: int = 0
    """Requests in flight that the agent allows now; 0: not known."""
    advice: str = ""
    """The agent's sentence on what would help, or why nothing would."""
    waited_seconds: WaitedSeconds = Field(default_factory=dict)
    """Worker-seconds by reason since the attempt's process began."""
    recent_waited_seconds: WaitedSeconds = Field(default_factory=dict)
    """Worker-seconds by reason since an earlier report, 10 to 40 seconds ago; empty where there was none."""
    recent_faults: list[FileFault]
    mirror: MirrorTally | None = None
    preflight: Preflight | None = None
    """While the job is ready: what the scan and the first look at the destination have found."""
    entities: list[EntityProgress] = Field(default_factory=list)
    """Of an import, in the order in which they are imported."""


@unique
class JobAction(StrEnum):
    """What is possible now; the names are the API's."""

    EDIT = "edit"
    DELETE = "delete"
    DUPLICATE = "duplicate"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    RERUN = "rerun"
    REASSIGN = "reassign"
    APPROVE = "approve"
    RETRY_FAILED = "retry-failed"
    SYNC = "sync"
    """Change the schedule and the mirror's limits."""
    CUTOVER = "cutover"
    MIRROR_CONFIRM = "mirror/confirm"
    MIRROR_WITHDRAW = "mirror/withdraw"


class SyncView(WireModel):
    """How a sync repeats itself, as of now. `zone` is the project's; the schedule's hours are its."""

    schedule: str | None
    zone: str
    next_run_at: Timestamp | None
    skipped_at: Timestamp | None
    """The last run that was passed over, if none has begun since."""
    skipped_because: str
    mirror: MirrorRules | None
    mirror_confirmed_at: Timestamp | None
    mirror_confirmed_by: str


class NamedJob(WireModel):
    """Another job, to be linked to."""

    job_id: str
    name: str
    client_name: str


class SharedAccount(WireModel):
    """Who else works on the storage account of a job that waits because the service is busy (Azure answers 503)."""

    account: str
    jobs: list[NamedJob]
    """At work now, of those that this member may see; at most 20."""
    others: int
    """How many more there are: of clients that this member may not see, or beyond the 20."""


class ImportResultView(WireModel):
    """What the newest report of an import says; `attempt` may be older than the job's."""

    attempt: int
    stage: Stage
    evidence: Evidence
    financial_match: bool | None
    quality_score: float | None
    reason: str
    gone: int
    """Records that are in Mission and no longer in Rock, and that nobody has decided about."""
    received_at: Timestamp


class JobView(WireModel):
    """A job as operators see it. `waiting_because` is a sentence wherever the job waits for something."""

    job_id: str
    project_id: str
    project_name: str
    client_id: str
    client_name: str
    name: str
    type: JobType
    source: JobSource
    destination: JobDestination
    rockrms: ImportSettings | None = None
    """Of an import: its settings, with the funds and decisions that its attempt began with."""
    import_result: ImportResultView | None = None
    filters: FileFilters
    transfer: TransferSettings
    hold_after_scan: bool
    sync: SyncView | None = None
    failed_of: int | None = None
    """The attempt whose failed files this one is about."""
    final: bool = False
    """This attempt is the cutover."""
    check_readable: bool = False
    agent_id: str | None
    agent_name: str | None
    agent_state: AgentState | None
    state: JobState
    attempt: int
    outcome: Outcome | None
    scan_complete: bool
    waiting_because: str | None
    wish: WishView | None
    unconfirmed: bool
    unconfirmed_since: Timestamp | None
    created_at: Timestamp
    created_by: str
    state_since: Timestamp
    started_at: Timestamp | None
    ended_at: Timestamp | None
    approved_at: Timestamp | None
    fault: FaultView | None
    progress: ProgressView | None
    shared_account: SharedAccount | None = None
    """Set on a job's own page where it waits because the storage service is busy."""
    grant_alive_until: Timestamp | None
    """Set where renewal has stopped (cancel, pause, end, disconnect) and the last grant still lives."""
    actions: list[JobAction]

    @property
    def folder(self) -> LocalSource:
        """Result: a file job's source. Raises Fatal(job-type-conflict) for an import."""
        if not isinstance(self.source, LocalSource):
            raise Fatal(ErrorCode.JOB_TYPE_CONFLICT, "An import copies no folder.")
        return self.source

    @property
    def blob(self) -> BlobDestination:
        """Result: a file job's destination. Raises Fatal(job-type-conflict) for an import."""
        if not isinstance(self.destination, BlobDestination):
            raise Fatal(ErrorCode.JOB_TYPE_CONFLICT, "An import writes to no container.")
        return self.destination


class HistoryView(WireModel):
    """One entry of a job's history: a move (from one state to another) or an event within a state."""

    number: int
    at: Timestamp
    by: str
    event: str
    from_state: JobState | None
    to_state: JobState
    attempt: int
    reason: str


class RuleCount(WireModel):
    """How many files one rule of the filters left out."""

    rule: str
    files: int


class ReasonCount(WireModel):
    """How many files ended in a bucket for one reason; `code` null where none was needed."""

    bucket: Bucket
    code: str | None
    title: str | None
    files: int
    rules: list[RuleCount] = Field(default_factory=list)
    """For `filtered-out`: the rules, most files first; of very many, those that left out few may be missing."""


class BucketCount(WireModel):
    """What the ledger holds of one bucket."""

    bucket: Bucket
    files: int
    bytes: int


class VerificationCount(WireModel):
    """How many transferred or unchanged files have reached this level."""

    level: Verification
    files: int


class JobReport(WireModel):
    """`GET /api/jobs/{job_id}/report`: counters of the newest attempt against its ledger.

    `adds_up` is true when every scanned file is in exactly one bucket and the ledger says the same as the counters;
    null while files are pending or ledger rows are on their way.
    """

    generated_at: Timestamp
    job: JobView
    attempt: int
    files: Tally
    bytes: Tally
    ledger_rows: int
    ledger_complete: bool
    ledger: list[BucketCount]
    reasons: list[ReasonCount]
    verification: list[VerificationCount]
    safe_files: int = 0
    """Source files that are safe to delete: verified, and unchanged when looked at after that (archive jobs)."""
    safe_bytes: int = 0
    adds_up: bool | None


class AlertView(WireModel):
    """Something that needs a person, found by a watchdog. `resolved_at`: when it was seen to be over."""

    alert_id: str
    code: str
    title: str
    detail: str
    fix: str
    link: str
    client_id: str | None
    count: int
    first_at: Timestamp
    last_at: Timestamp
    resolved_at: Timestamp | None


class AuditView(WireModel):
    """Who did what."""

    at: Timestamp
    actor: str
    action: str
    subject: str
    client_id: str | None
    detail: str


FilePage = Page[LedgerRow]
"""`GET /api/jobs/{job_id}/files`."""
