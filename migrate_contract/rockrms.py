"""RockRMS to Mission on the wire: an import's settings, progress, log and report, and what a connection test found.

Nouns: a *record* is what Mission gets (a person, a gift line); its *external id* is `rock:<install>:<table>:<id>`.
An *entity* is one kind of records. Money is written as a decimal text with two places ("12.30"), in the currency that
the settings state. Confidential text (prayers, notes) is in none of these models.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from enum import StrEnum, unique
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, StringConstraints, WithJsonSchema, model_validator

from migrate_contract.wire import (
    INTEGRAL,
    Attempt,
    Count,
    JobId,
    Label,
    ProjectId,
    Sentence,
    Timestamp,
    WireModel,
)

MAX_ANSWER_CHARACTERS = 2048
"""Of Mission's answer in a row of the import log."""
MAX_LOG_ROWS = 5_000
"""Rows of one chunk of the import log."""
MAX_REPORT_BODY_BYTES = 4 * 1024 * 1024
"""Largest body of an import report, and of one chunk of its log."""


@unique
class Entity(StrEnum):
    """What is imported, in the order in which it is imported; the values are Mission's words."""

    PEOPLE = "people"
    FAMILIES = "families"
    GROUPS = "groups"
    CONTRIBUTIONS = "contributions"
    ATTENDANCE = "attendance"
    PRAYER_REQUESTS = "prayer-requests"


def money(amount: Decimal) -> str:
    """Result: the amount as it is written on the wire: two places, no exponent, never "-0.00"."""
    text = f"{amount:.2f}"
    return "0.00" if text == "-0.00" else text


Money = Annotated[str, StringConstraints(pattern=r"^-?[0-9]{1,20}\.[0-9]{2}$")]
"""A decimal text with two places; written by `money`, read by `Decimal`."""
Guid = Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$", to_lower=True)]
"""Made lower case."""
ExternalId = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Example = Annotated[str, StringConstraints(max_length=400)]
"""A record in a report: its external id, and after a colon and a blank what there is to say of it."""
RockId = Annotated[int, Field(ge=0, le=2**53), INTEGRAL]


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _day(value: object) -> object:
    if not isinstance(value, str):
        return value
    if _DAY.fullmatch(value) is None:
        raise ValueError("write a date like 2026-01-31")
    return date.fromisoformat(value)


Day = Annotated[
    date,
    BeforeValidator(_day),
    PlainSerializer(lambda day: day.isoformat(), return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date"}),
]
"""A local date, written 2026-01-31."""


class RockRmsSource(WireModel):
    """The project's RockRMS database; its connection string is kept on the agent, under the project's id."""

    kind: Literal["rockrms"] = "rockrms"
    project_id: ProjectId

    @property
    def words(self) -> str:
        """Result: what people are shown."""
        return "RockRMS"


class MissionDestination(WireModel):
    """The project's Mission connection. The key is fetched with `POST /api/agent/jobs/{id}/mission`."""

    kind: Literal["mission"] = "mission"
    url: Label = ""
    """For people to read; the agent uses the one in `MissionAccess`."""

    @property
    def words(self) -> str:
        """Result: what people are shown."""
        return f"Mission at {self.url}" if self.url else "Mission"


@unique
class FundAnswer(StrEnum):
    """Set by the operator: which fund in Mission a RockRMS account becomes."""

    SAME = "same"
    """The fund in Mission that has this account's external id already, or else exactly its name."""
    OTHER = "other"
    """The fund that `external_fund_id` names."""
    NEW = "new"
    """One that the import creates."""


class FundChoice(WireModel):
    """What becomes of one RockRMS account."""

    account_guid: Guid
    choice: FundAnswer
    external_fund_id: ExternalId | None = None
    """Mission's own id of the fund; with `other` only."""

    @model_validator(mode="after")
    def _other_names_one(self) -> Self:
        if (self.choice is FundAnswer.OTHER) != (self.external_fund_id is not None):
            raise ValueError(
                "the choice 'other' names the fund in Mission (external_fund_id), and no other choice does"
            )
        return self


@unique
class GoneAnswer(StrEnum):
    """Set by the operator: what becomes of a gift that is in Mission and no longer in Rock."""

    KEEP = "keep"
    VOID = "void"


class GoneDecision(WireModel):
    """An operator's answer about one record that disappeared from Rock."""

    external_id: ExternalId
    decision: GoneAnswer


@unique
class StatusMeaning(StrEnum):
    """Set by the operator: whether lines of transactions with a status are gifts."""

    GIFT = "gift"
    NOT_GIFT = "not_gift"


class ImportSettings(WireModel):
    """What is imported and how. Funds and decisions come from the project and from the job's last report."""

    entities: list[Entity] = Field(default_factory=lambda: list(Entity), min_length=1, max_length=len(Entity))
    """In any order; they are imported in the order of `Entity`."""
    campus_ids: list[RockId] = Field(default_factory=list, max_length=200)
    """Rock's ids; empty: all campuses."""
    include_without_campus: bool = True
    """With `campus_ids`: records of no campus are in scope too."""
    date_range_start: Day | None = None
    """Of contributions and attendance: a church-local date, inclusive."""
    time_zone: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    """IANA name of the organization's zone (Rock's OrgTimeZone), sent with each batch; no time is converted."""
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "USD"
    """ISO 4217."""
    transaction_types: list[Guid] = Field(default_factory=list, max_length=50)
    """Beside Contribution."""
    statuses: dict[Annotated[str, StringConstraints(max_length=200)], StatusMeaning] = Field(
        default_factory=dict, max_length=50
    )
    """What transaction statuses that are neither empty nor known mean; one that is not listed stops no import: its
    lines are gifts, and the dry run shows it."""
    funds: list[FundChoice] = Field(default_factory=list, max_length=500)
    gone: list[GoneDecision] = Field(default_factory=list, max_length=1_000)
    batch_size: Annotated[int, Field(ge=1, le=500), INTEGRAL] = 500
    dry_run: bool = False
    """Everything but the sending."""
    readback_records: Annotated[int, Field(ge=0, le=1_000_000), INTEGRAL] = 20_000
    """Up to so many records in all, each one is read back and compared field by field."""
    sample_records: Annotated[int, Field(ge=0, le=100_000), INTEGRAL] = 2_000
    """Above that: so many of each entity."""

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        for what, values in (
            ("entities", self.entities),
            ("campus_ids", self.campus_ids),
            ("transaction_types", self.transaction_types),
            ("funds", [choice.account_guid for choice in self.funds]),
            ("gone", [decision.external_id for decision in self.gone]),
        ):
            if len(set(values)) != len(values):
                raise ValueError(f"{what} names something twice")
        return self


class _Counts(WireModel):
    """in_scope = imported + updated + unchanged + skipped + errored + pending; flagged ones are among the first."""

    entity: Entity
    in_scope: Count = 0
    imported: Count = 0
    updated: Count = 0
    unchanged: Count = 0
    skipped: Count = 0
    errored: Count = 0
    pending: Count = 0
    flagged: Count = 0
    """Records that were sent with something to look at (a note, an email left out, an amount not positive)."""

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        parts = self.imported + self.updated + self.unchanged + self.skipped + self.errored + self.pending
        if parts != self.in_scope:
            raise ValueError(f"in_scope of {self.entity.value} is {self.in_scope} but its parts add up to {parts}")
        return self


class EntityProgress(_Counts):
    """How far one entity is; absolute counts of the attempt."""


@unique
class LogKind(StrEnum):
    """Set by the agent: why a record is in the import log."""

    ERRORED = "errored"
    SKIPPED = "skipped"
    FLAGGED = "flagged"


class ImportLogRow(WireModel):
    """One record that was not simply imported. `row` numbers the attempt's rows from 1, without gaps."""

    row: Annotated[int, Field(ge=1), INTEGRAL]
    kind: LogKind
    entity: Entity
    source_table: Label
    source_id: RockId | None = None
    external_id: Label | None = None
    code: Label
    detail: Sentence
    fix: Sentence = ""
    request_id: Label | None = None
    """Mission's."""
    answer: Annotated[str, StringConstraints(max_length=MAX_ANSWER_CHARACTERS)] | None = None
    """Of Mission, scrubbed and cut."""
    batch_key: Label | None = None
    """The idempotency key of the batch that the record was sent with."""
    at: Timestamp


class ImportLogChunk(WireModel):
    """`POST /api/agent/jobs/{job_id}/import-log`: consecutive rows, answered with a `LedgerAnswer`.

    The first row's number names the chunk, so that a repeat overwrites itself.
    """

    attempt: Attempt
    rows: list[ImportLogRow] = Field(min_length=1, max_length=MAX_LOG_ROWS)

    @model_validator(mode="after")
    def _consecutive(self) -> Self:
        first = self.rows[0].row
        if any(row.row != first + index for index, row in enumerate(self.rows)):
            raise ValueError("rows of a chunk are consecutive")
        return self


@unique
class Stage(StrEnum):
    """Set by the agent: what an import report is about."""

    DRY_RUN = "dry_run"
    VERIFIED = "verified"
    """Both sides were compared."""
    NOT_VERIFIED = "not_verified"
    """The import ended before its verification, or Mission could not be read back."""


@unique
class Evidence(StrEnum):
    """Set by the agent: who says that the records are in Mission."""

    MISSION = "mission"
    """They were read back."""
    ACKNOWLEDGED = "acknowledged"
    """Mission answered that it took them; nobody looked again."""


@unique
class Verdict(StrEnum):
    """Set by the agent, of one row of the reconciliation."""

    MATCH = "match"
    DIFFERS = "differs"
    UNKNOWN = "unknown"
    """The target's side is not known."""


class EntityResult(_Counts):
    """How one entity ended."""

    source: Count | None = None
    """Records in scope by the verification's own SQL."""
    mission: Count | None = None
    """Those of this install that Mission says it has."""
    quality: Annotated[float, Field(ge=0, le=100)] | None = None
    skipped_by: dict[Label, Count] = Field(default_factory=dict, max_length=50)
    """By code; adds up to `skipped`."""


class ReconciliationRow(WireModel):
    """One thing that was counted or added up on both sides. Values are texts: money with two places, or a number."""

    entity: Entity
    measure: Label
    """What is compared: "net", "records", "members", ..."""
    key: Label = ""
    """For which: "<fund guid>|2024", a batch, a payment method; '' for the whole entity."""
    label: Sentence = ""
    """The key in words."""
    source_value: Label
    target_value: Label | None = None
    difference: Label | None = None
    """Target less source."""
    verdict: Verdict
    evidence: Evidence
    records: list[Example] = Field(default_factory=list, max_length=20)
    """The first records that make the difference."""


class BridgeLine(WireModel):
    """One step on the way from all that Rock has to what Mission has."""

    code: Label
    label: Sentence
    count: Annotated[int, Field(ge=-(2**53), le=2**53), INTEGRAL]
    amount: Money
    records: list[Example] = Field(default_factory=list, max_length=20)


class QualityFinding(WireModel):
    """Something about the church's data that a person should look at."""

    code: Label
    label: Sentence
    entity: Entity | None = None
    count: Count
    examples: list[Example] = Field(default_factory=list, max_length=20)


class FundRow(WireModel):
    """One RockRMS account that gifts in scope name, and which fund it becomes."""

    account_guid: Guid
    name: Label
    campus: Label | None = None
    parent: Label | None = None
    is_active: bool = True
    choice: FundAnswer | None = None
    """The one in force; None: nobody has chosen."""
    suggested: FundAnswer = FundAnswer.NEW
    external_fund_id: ExternalId | None = None
    """In Mission, as chosen, found or created."""
    mission_name: Label | None = None
    lines: Count = 0
    amount: Money = "0.00"


class Tallied(WireModel):
    """A count with its label: what is not moved, what was in Mission already."""

    code: Label
    label: Sentence
    count: Count
    amount: Money | None = None
    examples: list[Example] = Field(default_factory=list, max_length=20)


class StatusFound(WireModel):
    """A transaction status that the import does not know."""

    status: Label
    lines: Count
    amount: Money
    meaning: StatusMeaning | None = None
    """As decided; None: nobody has, and they count as gifts."""


class GoneRecord(WireModel):
    """A record that an earlier run brought to Mission and that Rock has no more."""

    external_id: ExternalId
    entity: Entity
    label: Sentence = ""
    amount: Money | None = None
    decision: GoneAnswer | None = None


class MoneyTotals(WireModel):
    """Of the lines in scope. net = gross + refunds + corrections (the latter two are negative)."""

    gross: Money = "0.00"
    refunds: Money = "0.00"
    corrections: Money = "0.00"
    net: Money = "0.00"
    gifts: Count = 0
    refund_lines: Count = 0
    correction_lines: Count = 0
    zero_lines: Count = 0


class Versions(WireModel):
    """Which programs and rules made a report."""

    rock: Label = ""
    sql_server: Label = ""
    agent: Label = ""
    mapping: Label = ""
    mission_contract: Label = ""


class ReportSource(WireModel):
    """Where the records came from."""

    server: Label = ""
    database: Label = ""
    install: Label = ""


class ReportMission(WireModel):
    """Where they went."""

    url: Label = ""
    organization: Label = ""


class ImportReport(WireModel):
    """`POST /api/agent/jobs/{job_id}/import-report`: the end of an attempt; a later one of it replaces this one."""

    attempt: Attempt
    stage: Stage
    evidence: Evidence = Evidence.ACKNOWLEDGED
    financial_match: bool | None = None
    quality_score: Annotated[float, Field(ge=0, le=100)] | None = None
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "USD"
    entities: list[EntityResult] = Field(default_factory=list, max_length=len(Entity))
    rows: list[ReconciliationRow] = Field(default_factory=list, max_length=10_000)
    """Rows that differ come first."""
    rows_left_off: Count = 0
    """Further rows, all of which match."""
    bridge: list[BridgeLine] = Field(default_factory=list, max_length=50)
    unexplained: Money = "0.00"
    """What the bridge leaves: must be 0.00."""
    quality: list[QualityFinding] = Field(default_factory=list, max_length=100)
    funds: list[FundRow] = Field(default_factory=list, max_length=2_000)
    statuses: list[StatusFound] = Field(default_factory=list, max_length=50)
    not_moved: list[Tallied] = Field(default_factory=list, max_length=50)
    other_types: list[Tallied] = Field(default_factory=list, max_length=50)
    """Lines of transaction types that are not imported; `code` is the type's guid."""
    already_in_mission: list[Tallied] = Field(default_factory=list, max_length=50)
    changed_during: list[Example] = Field(default_factory=list, max_length=1_000)
    """Rows that were added, edited or deleted in Rock while the import ran, and how each was treated."""
    changed_during_count: Count = 0
    gone: list[GoneRecord] = Field(default_factory=list, max_length=5_000)
    gone_count: Count = 0
    totals: MoneyTotals = Field(default_factory=MoneyTotals)
    ledger_sha256: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")] = ""
    versions: Versions = Field(default_factory=Versions)
    source: ReportSource = Field(default_factory=ReportSource)
    mission: ReportMission = Field(default_factory=ReportMission)
    filters: list[Sentence] = Field(default_factory=list, max_length=20)
    """The settings that narrow the scope, in words."""
    reason: Sentence = ""
    """Why it is not verified, or does not match, in one sentence."""
    started_at: Timestamp
    finished_at: Timestamp


class ImportReportAnswer(WireModel):
    """The report is kept."""

    applied: bool


class MissionAccessRequest(WireModel):
    """`POST /api/agent/jobs/{job_id}/mission`."""

    attempt: Attempt


class CommandMissionRequest(WireModel):
    """`POST /api/agent/commands/{command_id}/mission`, for an open test_mission or trace_record command."""


class MissionAccess(WireModel):
    """How to reach Mission. Kept in memory only; never written or logged."""

    url: str
    integration_key: str = Field(repr=False)
    organization_name: Label | None = None
    """None: not known; Mission itself says it."""


class RockShown(WireModel):
    """What may be shown of a connection string; the fixes need it."""

    server: Label = ""
    port: Annotated[int, Field(ge=1, le=65_535), INTEGRAL] | None = None
    instance: Label | None = None
    database: Label = ""
    user: Label = ""
    """'' with Windows authentication."""
    encrypt: Label = ""
    trust_server_certificate: bool = False


class HeldConnection(WireModel):
    """In a heartbeat: a RockRMS connection string that this agent keeps for a project."""

    project_id: ProjectId
    shown: RockShown
    kept_in: Label = ""
    """ "keyring" or "file"."""


class EntityCount(WireModel):
    """Rows of one entity, before any rule."""

    entity: Entity
    rows: Count


class CampusFact(WireModel):
    """A campus that may be chosen as a filter."""

    campus_id: RockId
    name: Label
    is_active: bool | None = None
    time_zone: Label | None = None


class TypeFact(WireModel):
    """A transaction type of this church."""

    guid: Guid
    name: Label
    lines: Count | None = None


class RockTestReport(WireModel):
    """What Test Connection found. `code` None: everything works."""

    code: Label | None = None
    detail: Sentence = ""
    fix: Sentence = ""
    shown: RockShown = Field(default_factory=RockShown)
    sql_version: Label = ""
    rock_version: Label = ""
    install: Label = ""
    """The guid that names this Rock in external ids."""
    encrypted: bool | None = None
    unreadable_tables: list[Label] = Field(default_factory=list, max_length=100)
    entities: list[EntityCount] = Field(default_factory=list, max_length=len(Entity))
    campuses: list[CampusFact] = Field(default_factory=list, max_length=500)
    transaction_types: list[TypeFact] = Field(default_factory=list, max_length=50)
    warnings: list[Sentence] = Field(default_factory=list, max_length=20)
    seconds: Annotated[float, Field(ge=0)] = 0.0


class MissionFund(WireModel):
    """A fund that Mission has."""

    external_fund_id: ExternalId
    name: Label
    is_active: bool = True


class MissionTestReport(WireModel):
    """What Test Mission found. `code` None: everything works."""

    code: Label | None = None
    detail: Sentence = ""
    fix: Sentence = ""
    url: Label = ""
    organization_name: Label = ""
    contract_version: Label = ""
    funds: list[MissionFund] = Field(default_factory=list, max_length=1_000)
    can_read_back: bool | None = None
    seconds: Annotated[float, Field(ge=0)] = 0.0


class TraceValue(WireModel):
    """A name and what it is; confidential values are given as "(not shown)"."""

    name: Label
    value: Sentence


class TraceStep(WireModel):
    """One rule that acted on the record, or one thing that happened to it."""

    code: Label
    detail: Sentence


class TraceReport(WireModel):
    """One record on its way from Rock to Mission. `code` None: it was found on both sides."""

    code: Label | None = None
    detail: Sentence = ""
    fix: Sentence = ""
    entity: Entity
    source_table: Label = ""
    source_id: RockId
    external_id: Label = ""
    source: list[TraceValue] = Field(default_factory=list, max_length=200)
    rules: list[TraceStep] = Field(default_factory=list, max_length=50)
    sent: list[TraceValue] = Field(default_factory=list, max_length=200)
    batch_key: Label | None = None
    request_id: Label | None = None
    status: Label = ""
    """In the agent's journal, by the last attempt."""
    answer: Annotated[str, StringConstraints(max_length=MAX_ANSWER_CHARACTERS)] | None = None
    mission: list[TraceValue] = Field(default_factory=list, max_length=200)
    """The copy that Mission has."""
    copies: Count = 0
    """How many Mission has; more than one is an error."""


class CheckArguments(WireModel):
    """Of `test_rockrms` and `test_mission`."""

    project_id: ProjectId


class TraceArguments(WireModel):
    """Of `trace_record`; `job_id` None: no journal is looked into."""

    project_id: ProjectId
    entity: Entity
    source_id: RockId
    job_id: JobId | None = None
    settings: ImportSettings | None = None
    """Of the job, for the rules that depend on them."""


class KeepArguments(WireModel):
    """Of `keep_connection`: a connection string, sealed to this agent (`migrate_contract.sealing_format`)."""

    project_id: ProjectId
    sealed: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{80,12000}$")] = Field(repr=False)
