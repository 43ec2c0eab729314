"""Jobs on the wire: what to do (spec), how far it is (progress), what happened to files (ledger), access (grant)."""

from __future__ import annotations

from enum import StrEnum, unique
from typing import Annotated, Literal, Self

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    WithJsonSchema,
    model_validator,
)

from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.filters import FileFilters as FileFilters  # noqa: PLC0414 - also known by this name
from migrate_contract.paths import AbsolutePath
from migrate_contract.rockrms import EntityProgress, ImportSettings
from migrate_contract.rockrms import MissionDestination as MissionDestination  # noqa: PLC0414 - also known by this name
from migrate_contract.rockrms import RockRmsSource as RockRmsSource  # noqa: PLC0414 - also known by this name
from migrate_contract.schedule import LimitInForce
from migrate_contract.sync import MirrorOrder, MirrorTally, SyncSettings
from migrate_contract.wire import (
    INTEGRAL,
    Attempt,
    Count,
    JobId,
    Label,
    Name,
    Sentence,
    Timestamp,
    WireModel,
)


@unique
class JobType(StrEnum):
    """Set by the operator at creation."""

    MIGRATE_FILES = "migrate_files"
    ARCHIVE = "archive"
    """A copy into the access tier that the job names, with a list of files that are safe to delete at the source."""
    SYNC = "sync"
    """A copy that is repeated, by schedule or by hand; additive unless its mirror is confirmed."""
    ROCKRMS_IMPORT = "rockrms_import"
    """The project's RockRMS database into its Mission."""


@unique
class JobState(StrEnum):
    """The users' words. Moved only by `functions.domain.job.advance`."""

    CREATED = "created"
    SCANNING = "scanning"
    READY = "ready"
    RUNNING = "running"
    PAUSED = "paused"
    FAILED = "failed"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


@unique
class JobPhase(StrEnum):
    """Set by the agent in progress and heartbeats: where the attempt stands on the agent."""

    QUEUED = "queued"
    """Accepted, waits for a free slot (`max_jobs`)."""
    SCANNING = "scanning"
    READY = "ready"
    """Scan complete, waits for approval (`hold_after_scan`)."""
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"
    """The agent was asked about an attempt that its journal does not know."""


@unique
class Outcome(StrEnum):
    """Of a completed job; set by the agent from its counters."""

    COMPLETE = "complete"
    COMPLETE_WITH_FAILURES = "complete_with_failures"


@unique
class Overwrite(StrEnum):
    """Set by the operator: what to do where the destination already holds a different blob."""

    IF_SOURCE_NEWER = "if_source_newer"
    """Replace only our own blob, and only by a newer source file; a stranger's blob fails `target-exists`."""
    NEVER = "never"
    ALWAYS = "always"


@unique
class SymlinkPolicy(StrEnum):
    """Set by the operator."""

    SKIP = "skip"
    """A link is excluded, with code `symlink-skipped`."""
    FOLLOW = "follow"
    """A link to a file is copied as that file; links to folders are followed, cycles are cut."""


@unique
class Verification(StrEnum):
    """How well a file's copy is known to be right; set by the agent per file, asked for by the operator per job."""

    BLOCK = "block"
    """Each request's Content-MD5 was checked by the service."""
    STORED = "stored"
    """Size and hash (or block list) were read back from the service after the commit."""
    READBACK = "readback"
    """Downloaded again and hashed."""


@unique
class AccessTier(StrEnum):
    """Set by the operator: what the service charges for keeping and for reading a blob."""

    HOT = "hot"
    COOL = "cool"
    COLD = "cold"
    ARCHIVE = "archive"
    """Cannot be read before it is rehydrated, which takes hours: set only after the copy is verified."""


@unique
class Bucket(StrEnum):
    """Where a found file ended; each file is in exactly one of `FOUND_BUCKETS`. The rest is the mirror's."""

    EXCLUDED = "excluded"
    """A filter, a policy or the overwrite rule left it out."""
    UNCHANGED = "unchanged"
    """The destination already holds it, equal in size and hash."""
    TRANSFERRED = "transferred"
    FAILED = "failed"
    UNSUPPORTED = "unsupported"
    """Blob cannot hold its name, or it is no regular file."""
    PENDING = "pending"
    SURPLUS = "surplus"
    """No file of the source: a blob of ours whose file is gone, and which is still there; `code` says why."""
    DELETED = "deleted"
    """No file of the source: a blob of ours whose file is gone, removed by the mirror."""


FOUND_BUCKETS = (
    Bucket.EXCLUDED,
    Bucket.UNCHANGED,
    Bucket.TRANSFERRED,
    Bucket.FAILED,
    Bucket.UNSUPPORTED,
    Bucket.PENDING,
)
"""Their sum is what was scanned."""


class LocalSource(WireModel):
    """A folder that the agent's machine can read: a local disk, a mount or a UNC path. Absolute."""

    kind: Literal["local"] = "local"
    path: AbsolutePath

    @property
    def words(self) -> str:
        """Result: what people are shown."""
        return self.path


_PREFIX = r"^([^\x00-\x1f\x7f\\/]*[^\x00-\x1f\x7f\\/.](/[^\x00-\x1f\x7f\\/]*[^\x00-\x1f\x7f\\/.])*)?$"
"""What `BlobDestination` checks with a sentence of its own, for the API's description."""


class BlobDestination(WireModel):
    """A container of the project's Azure connection and the prefix below it ('' or 'a/b', no slash at either end)."""

    kind: Literal["azure_blob"] = "azure_blob"
    container: Annotated[str, StringConstraints(min_length=3, max_length=63, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    prefix: Annotated[
        str,
        StringConstraints(max_length=512, pattern=r"^[^\x00-\x1f\x7f\\]*$"),
        Field(json_schema_extra={"pattern": _PREFIX}),
    ] = ""

    @property
    def words(self) -> str:
        """Result: what people are shown."""
        return "/".join(filter(None, (self.container, self.prefix)))

    @model_validator(mode="after")
    def _prefix_is_plain(self) -> Self:
        segments = self.prefix.split("/") if self.prefix else []
        if any(segment in ("", ".", "..") or segment.endswith(".") for segment in segments):
            raise ValueError("prefix is folders joined by '/', none of them empty, '.', '..' or ending in '.'")
        return self


def _kind_or(default: str) -> Discriminator:
    """Result: what tells the alternatives apart: their kind; `default` where none is given."""

    def kind(value: object) -> object:
        return value.get("kind", default) if isinstance(value, dict) else getattr(value, "kind", None)

    return Discriminator(kind)


JobSource = Annotated[
    Annotated[LocalSource, Tag("local")] | Annotated[RockRmsSource, Tag("rockrms")], _kind_or("local")
]
JobDestination = Annotated[
    Annotated[BlobDestination, Tag("azure_blob")] | Annotated[MissionDestination, Tag("mission")],
    _kind_or("azure_blob"),
]


class TransferSettings(WireModel):
    """How to copy. Units are in the names."""

    concurrency: Annotated[int, Field(ge=1, le=64), INTEGRAL] | Literal["auto"] = "auto"
    """Files or blocks in flight; `auto` starts at 4 (the source document's default) and tunes itself."""
    chunk_size_mib: Annotated[int, Field(ge=1, le=256), INTEGRAL] = 8
    memory_limit_mib: Annotated[int, Field(ge=16, le=65_536), INTEGRAL] = 192
    """File content held in memory at once; concurrency and block size are lowered for it where needed."""
    bandwidth_limit_mbps: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    overwrite: Overwrite = Overwrite.IF_SOURCE_NEWER
    symlinks: SymlinkPolicy = SymlinkPolicy.SKIP
    verification: Verification = Verification.STORED
    readback_percent: Annotated[float, Field(gt=0, le=100)] = 100
    """With verification `readback`: how many files of a hundred are downloaded again; the others are `stored`."""
    posix_properties: bool = False
    """Owner, group, mode and times of each file go into its blob's metadata, under AzCopy's keys."""
    folder_markers: bool = False
    """Each folder below the source becomes an empty blob with `hdi_isfolder`, so that empty ones are kept."""
    access_tier: AccessTier | None = None
    """None: the account's default."""


def settings_problem(kind: JobType, transfer: TransferSettings, sync: SyncSettings | None) -> str | None:
    """Result: why these settings do not fit the type of job, and what to change; None if they do."""
    if kind is JobType.ARCHIVE and transfer.access_tier is None:
        return "an archive job names the access tier that its copies end in: hot, cool, cold or archive"
    if kind is not JobType.SYNC and sync is not None:
        return "a schedule and a mirror belong to jobs of type sync"
    if kind is JobType.SYNC and transfer.access_tier is AccessTier.ARCHIVE:
        return "a sync cannot keep its copies in the archive tier: a file that changes could not be sent again"
    return None


class JobSpec(WireModel):
    """The snapshot that one attempt works from."""

    job_id: JobId
    attempt: Attempt
    name: Name
    type: JobType
    source: JobSource
    destination: JobDestination
    rockrms: ImportSettings | None = None
    """Of an import, and of nothing else."""
    filters: FileFilters = Field(default_factory=FileFilters)
    transfer: TransferSettings = Field(default_factory=TransferSettings)
    hold_after_scan: bool = False
    approved: bool = False
    """True where an operator has approved this attempt already (it was paused and resumed after that)."""
    failed_of: Attempt | None = None
    """Only the files that failed in that attempt."""
    final: bool = False
    """A sync's cutover: what the destination holds is compared by hash, whatever its time says."""
    mirror: MirrorOrder | None = None
    check_readable: bool = False
    """With `hold_after_scan`, and in a dry run: each file that would be read is opened, and closed again unread."""

    @property
    def folder(self) -> LocalSource:
        """Result: a file job's source. Raises Fatal(job-type-conflict) for an import."""
        if not isinstance(self.source, LocalSource):
            raise Fatal(ErrorCode.JOB_TYPE_CONFLICT, f"{self.job_id} copies no folder")
        return self.source

    @property
    def blob(self) -> BlobDestination:
        """Result: a file job's destination. Raises Fatal(job-type-conflict) for an import."""
        if not isinstance(self.destination, BlobDestination):
            raise Fatal(ErrorCode.JOB_TYPE_CONFLICT, f"{self.job_id} writes to no container")
        return self.destination

    @property
    def rock(self) -> RockRmsSource:
        """Result: an import's source. Raises Fatal(job-type-conflict) for a file job."""
        if not isinstance(self.source, RockRmsSource):
            raise Fatal(ErrorCode.JOB_TYPE_CONFLICT, f"{self.job_id} reads no RockRMS database")
        return self.source

    @property
    def import_settings(self) -> ImportSettings:
        """Result: an import's settings. Raises Fatal(job-type-conflict) for a file job."""
        if self.rockrms is None:
            raise Fatal(ErrorCode.JOB_TYPE_CONFLICT, f"{self.job_id} is no import")
        return self.rockrms


class Tally(WireModel):
    """Absolute counts of one attempt; scanned = excluded + unchanged + transferred + failed + unsupported + pending."""

    scanned: Count = 0
    excluded: Count = 0
    unchanged: Count = 0
    transferred: Count = 0
    failed: Count = 0
    unsupported: Count = 0
    pending: Count = 0

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        buckets = self.excluded + self.unchanged + self.transferred + self.failed + self.unsupported + self.pending
        if buckets != self.scanned:
            raise ValueError(f"scanned is {self.scanned} but its buckets add up to {buckets}")
        return self


@unique
class WaitReason(StrEnum):
    """Set by the agent's meter: what the transfer waits for right now."""

    NONE = "none"
    DISK = "disk"
    NETWORK = "network"
    SERVICE_BUSY = "service_busy"
    THROTTLE = "throttle"
    COMMIT = "commit"
    GRANT = "grant"
    NO_CONNECTION = "no_connection"
    APPROVAL = "approval"
    IDLE = "idle"
    """Workers without work: the scan or the planner does not keep up, or the end is near.

    Only in `Progress.waited_seconds`: a job as a whole does not wait for it.
    """


_REASONS = frozenset(reason.value for reason in WaitReason)


def _known_reasons(waited: object) -> object:
    if not isinstance(waited, dict):
        return waited
    return {reason: spent for reason, spent in waited.items() if reason in _REASONS}


WaitedSeconds = Annotated[
    dict[WaitReason, Annotated[float, Field(ge=0)]],
    BeforeValidator(_known_reasons),
    WithJsonSchema(
        {"type": "object", "properties": {reason.value: {"type": "number", "minimum": 0} for reason in WaitReason}}
    ),
]
"""Worker-seconds by reason. Reasons that this side does not know are left out, as unknown fields are."""


class Waiting(WireModel):
    """`detail` is the sentence for the page ("no connection to x since 14:02")."""

    reason: WaitReason = WaitReason.NONE
    detail: Sentence = ""
    since: Timestamp | None = None


class JobFault(WireModel):
    """Why an attempt failed: a code of the catalogue and this occurrence's detail."""

    code: Label
    detail: Sentence


class FileFault(WireModel):
    """A recent failure, for the live page; the ledger has them all."""

    path: Annotated[str, StringConstraints(max_length=4096)]
    code: Label
    detail: Sentence


class Finding(WireModel):
    """One kind of what a preflight has found."""

    bucket: Bucket
    """Where these files are counted; pending and transferred: they are copied, as far as nothing else prevents it."""
    code: Label
    rule: Sentence = ""
    """The filter, where one has left the files out."""
    files: Count
    bytes: Count
    examples: list[Annotated[str, StringConstraints(max_length=400)]] = Field(default_factory=list, max_length=5)
    """The first paths, shortened."""


class Preflight(WireModel):
    """What is known of the files before the first one is sent: each kind of finding, most files first."""

    findings: list[Finding] = Field(default_factory=list, max_length=100)
    left_off: Count = 0
    """How many more kinds there are."""
    compared_files: Count = 0
    """Files to copy that are hashed first, and may turn out unchanged."""
    checked_readable: bool = False


class Progress(WireModel):
    """`POST /api/agent/jobs/{job_id}/progress`. Absolute counters: a repeat or an old one never double-counts."""

    attempt: Attempt
    sequence: Count
    """Grows with every report of this attempt, across restarts (it is kept in the journal)."""
    phase: JobPhase
    measured_seconds_ago: Annotated[float, Field(ge=0)] = 0.0
    """Age of these numbers when sent, on the agent's monotonic clock; a wall clock that is off changes nothing."""
    scan_complete: bool = False
    files: Tally = Field(default_factory=Tally)
    bytes: Tally = Field(default_factory=Tally)
    verified_files: Count = 0
    retries: Count = 0
    speed_bytes_per_second: Annotated[float, Field(ge=0)] = 0.0
    """Of payload over the last seconds."""
    average_bytes_per_second: Annotated[float, Field(ge=0)] = 0.0
    """Of payload since the first upload of the attempt's process."""
    eta_seconds: Annotated[float, Field(ge=0)] | None = None
    waiting: Waiting = Field(default_factory=Waiting)
    limit: LimitInForce | None = None
    """The bandwidth limit that holds now; None: none."""
    concurrency: Count = 0
    """Requests in flight that are allowed now; 0: not known."""
    advice: Sentence = ""
    """What would help, or why nothing would; empty where there is nothing worth saying."""
    waited_seconds: WaitedSeconds = Field(default_factory=dict)
    """Since the attempt's process began. An agent that does not account for its time sends nothing."""
    recent_faults: list[FileFault] = Field(default_factory=list, max_length=20)
    outcome: Outcome | None = None
    fault: JobFault | None = None
    mirror: MirrorTally | None = None
    preflight: Preflight | None = None
    """In phase `ready`."""
    entities: list[EntityProgress] = Field(default_factory=list, max_length=6)
    """Of an import, whose `files` and `bytes` stay zero."""
    speed_records_per_second: Annotated[float, Field(ge=0)] = 0.0
    """Of an import, over the last seconds."""


class ProgressAnswer(WireModel):
    """`applied` false: an equal or newer report was there already. `wish` repeats an operator's pending wish."""

    applied: bool
    state: JobState
    wish: Literal["pause", "cancel"] | None = None


@unique
class GrantPurpose(StrEnum):
    """Set by the agent: what it needs access for."""

    COPY = "copy"
    """Create, write, list, read; no delete."""
    MIRROR = "mirror"
    """List, read, delete; only for an attempt whose mirror an operator has confirmed."""


class GrantRequest(WireModel):
    """`POST /api/agent/jobs/{job_id}/grant`."""

    attempt: Attempt
    purpose: GrantPurpose = GrantPurpose.COPY


class Grant(WireModel):
    """Access to one container for one attempt, as its purpose allows. Expiry is in seconds left."""

    container_url: str
    """`https://host/[account/]container` without a query."""
    sas_token: str = Field(repr=False)
    seconds_left: Annotated[float, Field(gt=0)]
    renew_in_seconds: Annotated[float, Field(gt=0)]


class LedgerRow(WireModel):
    """What happened to one file in one attempt. `row` numbers the attempt's rows from 1, without gaps."""

    row: Annotated[int, Field(ge=1), INTEGRAL]
    path: Annotated[str, StringConstraints(max_length=8192)]
    """Relative to the source, '/' as separator; undecodable bytes are shown as \\xNN."""
    bucket: Bucket
    size_bytes: Count = 0
    mtime: Timestamp | None = None
    md5: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")] | None = None
    verification: Verification | None = None
    code: Label | None = None
    detail: Sentence | None = None
    tries: Count = 0
    finished_at: Timestamp
    access_tier: AccessTier | None = None
    """The blob's tier as we set or found it; None where the job names none."""
    safe_to_delete: bool = False
    """Verified `stored` or better, and after that the source still had the size and time that were copied."""


class LedgerChunk(WireModel):
    """`POST /api/agent/jobs/{job_id}/ledger`: consecutive rows.

    The first row's number names the chunk, so that a repeat overwrites itself.
    """

    attempt: Attempt
    rows: list[LedgerRow] = Field(min_length=1, max_length=20_000)

    @model_validator(mode="after")
    def _consecutive(self) -> Self:
        first = self.rows[0].row
        if any(row.row != first + index for index, row in enumerate(self.rows)):
            raise ValueError("rows of a chunk are consecutive")
        return self


class LedgerAnswer(WireModel):
    """`next_row`: the number that the server expects next; the agent ships from there."""

    next_row: Count


class FailedFilesRequest(WireModel):
    """`POST /api/agent/jobs/{job_id}/failed-files`: what an attempt with `failed_of` is about, page by page."""

    attempt: Attempt
    after_row: Count = 0


class FailedFilesAnswer(WireModel):
    """Paths as the ledger of attempt `failed_of` has them. `next_row` None: there are no more."""

    paths: list[Annotated[str, StringConstraints(max_length=8192)]]
    next_row: Count | None = None
