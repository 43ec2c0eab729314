"""An import and what the services say of it: a church of 5,000 people, some of whose records did not simply move."""

from __future__ import annotations

from typing import Any

from functions.domain.rockrms_views import (
    AgentOption,
    CheckKind,
    CheckState,
    CheckView,
    HeldConnectionView,
    ImportLogGroup,
    RockRmsView,
)
from functions.domain.views import ImportResultView, JobAction, JobView, MissionConnectionView, ProjectView
from migrate_contract.agents import AgentState
from migrate_contract.errors import CATALOGUE, ErrorCode
from migrate_contract.jobs import JobPhase, JobState, JobType, Outcome
from migrate_contract.rockrms import (
    BridgeLine,
    CampusFact,
    Entity,
    EntityCount,
    EntityProgress,
    EntityResult,
    Evidence,
    FundAnswer,
    FundChoice,
    FundRow,
    GoneAnswer,
    GoneRecord,
    ImportLogRow,
    ImportReport,
    ImportSettings,
    LogKind,
    MissionDestination,
    MissionFund,
    MissionTestReport,
    MoneyTotals,
    QualityFinding,
    ReconciliationRow,
    ReportMission,
    ReportSource,
    RockRmsSource,
    RockShown,
    RockTestReport,
    Stage,
    StatusFound,
    Tallied,
    TraceReport,
    TraceStep,
    TraceValue,
    TypeFact,
    Verdict,
    Versions,
)
from tests.unit.functions.dashboard import samples as s

JOB = "job_p3v8c5n1r6tzb8x2m4q7k1dz"
GENERAL = "4410306f-3fb5-4a57-9a80-09a3f9d40d0c"
MISSIONS = "67c6181c-1d8c-44d7-b262-b81e746f06d8"
BUILDING = "2a6f9e5f-6859-44f1-ab0e-ce9cf6b08ee5"
EVENT = "33cb96dd-8752-4bee-a142-88db7de538f0"
INSTALL = "8a1c5a42-0f5b-4d6e-9d55-2f3f0a6f1c11"
LINE = f"rock:{INSTALL}:FinancialTransactionDetail"
SHOWN = RockShown(server="sql01.grace.example", port=1433, database="RockRMS", user="onemigrate", encrypt="yes")


def church(**more: Any) -> ProjectView:
    return s.project(connected=False, **{"name": "RockRMS to Mission", "time_zone": "America/Chicago", **more})


def mission_connection() -> MissionConnectionView:
    return MissionConnectionView(
        url="https://grace.mission.example",
        connected_at=s.ago(days=2),
        connected_by="Dana Whitfield",
        key_set_at=s.ago(days=2),
    )


def check(kind: CheckKind, state: CheckState = CheckState.DONE, **more: Any) -> CheckView:
    values = {
        "kind": kind,
        "state": state,
        "agent_id": s.AGENT,
        "agent_name": "fileserver-01",
        "asked_at": s.ago(minutes=3),
        "asked_by": "Dana Whitfield",
        "ends_at": s.NOW,
        "finished_at": None if state is CheckState.WAITING else s.ago(minutes=2),
    }
    return CheckView(**{**values, **more})


def rock_found(**more: Any) -> RockTestReport:
    counts = {
        Entity.PEOPLE: 5_204,
        Entity.FAMILIES: 1_911,
        Entity.GROUPS: 240,
        Entity.CONTRIBUTIONS: 48_210,
        Entity.ATTENDANCE: 61_020,
        Entity.PRAYER_REQUESTS: 812,
    }
    values = {
        "shown": SHOWN,
        "sql_version": "Microsoft SQL Server 2019 (15.0.4345.5)",
        "rock_version": "16.4",
        "install": INSTALL,
        "encrypted": True,
        "entities": [EntityCount(entity=entity, rows=rows) for entity, rows in counts.items()],
        "campuses": [
            CampusFact(campus_id=1, name="Main", is_active=True, time_zone="America/Chicago"),
            CampusFact(campus_id=2, name="North", is_active=False, time_zone="America/Chicago"),
        ],
        "transaction_types": [TypeFact(guid=EVENT, name="Event Registration", lines=412)],
        "warnings": ["Read committed snapshot is off: a long read can hold up writers of RockRMS for a moment."],
        "seconds": 0.42,
    }
    return RockTestReport(**{**values, **more})


def rock_failed(code: ErrorCode, detail: str, **more: Any) -> CheckView:
    report = RockTestReport(code=code.value, detail=detail, fix=CATALOGUE[code].fix, shown=SHOWN, **more)
    return check(CheckKind.ROCKRMS, fault=s.fault(code, detail), rock=report)


def held(**more: Any) -> HeldConnectionView:
    values = {
        "agent_id": s.AGENT,
        "agent_name": "fileserver-01",
        "agent_state": AgentState.ONLINE,
        "shown": SHOWN,
        "kept_in": "keyring",
        "as_of": s.ago(seconds=14),
    }
    return HeldConnectionView(**{**values, **more})


MISSION_FUNDS = [
    MissionFund(external_fund_id="f-100", name="General Fund"),
    MissionFund(external_fund_id="f-200", name="World Missions"),
]


def known(**more: Any) -> RockRmsView:
    """Connected on both sides and tested."""
    mission = MissionTestReport(
        url="https://grace.mission.example",
        organization_name="Grace Community Church",
        contract_version="1",
        funds=MISSION_FUNDS,
        can_read_back=True,
        seconds=0.2,
    )
    values: dict[str, Any] = {
        "project_id": s.PROJECT,
        "mission_connection": mission_connection(),
        "held": [held()],
        "agents": [
            AgentOption(
                agent_id=s.AGENT, name="fileserver-01", state=AgentState.ONLINE, state_detail="", can_seal=True
            ),
            AgentOption(
                agent_id="agt_n6d3s8v1x4cz",
                name="archive-nas",
                state=AgentState.OFFLINE,
                state_detail="No heartbeat since 12:47 UTC.",
                can_seal=False,
            ),
        ],
        "rock_test": check(CheckKind.ROCKRMS, rock=rock_found()),
        "mission_test": check(CheckKind.MISSION, mission=mission),
        "trace": None,
        "keep": None,
        "funds": [FundChoice(account_guid=MISSIONS, choice=FundAnswer.OTHER, external_fund_id="f-200")],
        "mission_funds": MISSION_FUNDS,
        "missing": [],
    }
    return RockRmsView(**{**values, **more})


def unknown(**more: Any) -> RockRmsView:
    """Nothing entered yet."""
    empty = {
        "mission_connection": None,
        "held": [],
        "rock_test": None,
        "mission_test": None,
        "funds": [],
        "mission_funds": [],
        "missing": ["no-rockrms-connection", "NO_MISSION_CONNECTION"],
    }
    return known(**{**empty, **more})


def settings(**more: Any) -> ImportSettings:
    return ImportSettings(**{"time_zone": "America/Chicago", **more})


def entity_progress(**more: Any) -> list[EntityProgress]:
    return [
        EntityProgress(entity=Entity.PEOPLE, in_scope=5_204, imported=5_190, skipped=14, flagged=61),
        EntityProgress(entity=Entity.FAMILIES, in_scope=1_911, imported=1_911),
        EntityProgress(entity=Entity.GROUPS, in_scope=240, imported=180, updated=20, unchanged=40),
        EntityProgress(
            entity=Entity.CONTRIBUTIONS, in_scope=48_210, imported=30_100, errored=3, pending=18_107, flagged=212
        ),
        EntityProgress(entity=Entity.ATTENDANCE, in_scope=61_020, pending=61_020),
        EntityProgress(entity=Entity.PRAYER_REQUESTS, in_scope=812, pending=812),
    ]


def decided() -> list[EntityProgress]:
    return [
        each.model_copy(update={"pending": 0, "imported": each.imported + each.pending}) for each in entity_progress()
    ]


def job(state: JobState = JobState.RUNNING, **more: Any) -> JobView:
    over = state is JobState.COMPLETED
    values = {
        "job_id": JOB,
        "name": "RockRMS to Mission",
        "project_name": "RockRMS to Mission",
        "type": JobType.ROCKRMS_IMPORT,
        "source": RockRmsSource(project_id=s.PROJECT),
        "destination": MissionDestination(url="https://grace.mission.example"),
        "rockrms": settings(),
        "waiting_because": None if over else "Mission answers slowly: 2.1 s a batch.",
        "ended_at": s.ago(minutes=2) if over else None,
        "outcome": Outcome.COMPLETE if over else None,
        "progress": s.progress(
            files=s.tally(),
            bytes=s.tally(),
            phase=JobPhase.COMPLETED if over else JobPhase.RUNNING,
            entities=decided() if over else entity_progress(),
            speed_records_per_second=0.0 if over else 4_210.4,
        ),
        "actions": [JobAction.RERUN, JobAction.DELETE, JobAction.DUPLICATE] if over else [JobAction.PAUSE],
    }
    return s.job(state, **{**values, **more})


def ended(match: bool | None, **more: Any) -> JobView:
    """A completed import whose newest report says so of its money."""
    result = ImportResultView(
        attempt=1,
        stage=Stage.VERIFIED if match is not None else Stage.NOT_VERIFIED,
        evidence=Evidence.MISSION if match is not None else Evidence.ACKNOWLEDGED,
        financial_match=match,
        quality_score=100.0 if match else 99.9,
        reason="",
        gone=0 if match else 1,
        received_at=s.ago(minutes=2),
    )
    return job(JobState.COMPLETED, **{"import_result": result, **more})


def row(entity: Entity, measure: str, key: str, label: str, source: str, target: str | None, **more: Any) -> Any:
    same = source == target
    values = {
        "verdict": Verdict.UNKNOWN if target is None else Verdict.MATCH if same else Verdict.DIFFERS,
        "difference": None if target is None else "0.00" if same else "-0.01",
        "evidence": Evidence.ACKNOWLEDGED if target is None else Evidence.MISSION,
        "records": [] if same or target is None else [f"{LINE}:4711: 12.30 in RockRMS, 12.29 in Mission"],
    }
    return ReconciliationRow(
        entity=entity,
        measure=measure,
        key=key,
        label=label,
        source_value=source,
        target_value=target,
        **{**values, **more},
    )


def report(match: bool | None = True, **more: Any) -> ImportReport:
    known_target = match is not None
    net = "1204331.50"
    net_there = net if known_target else None
    rows = [
        row(Entity.PEOPLE, "records", "", "", "5190", "5190" if known_target else None, difference="0"),
        row(Entity.CONTRIBUTIONS, "fund_year_net", f"{GENERAL}|2025", "General Fund, 2025", net, net_there),
        row(
            Entity.CONTRIBUTIONS,
            "fund_year_net",
            f"{MISSIONS}|2026",
            "Missions, 2026",
            "512.30",
            "512.30" if match else "512.29" if known_target else None,
        ),
    ]
    values: dict[str, Any] = {
        "attempt": 1,
        "stage": Stage.VERIFIED if known_target else Stage.NOT_VERIFIED,
        "evidence": Evidence.MISSION if known_target else Evidence.ACKNOWLEDGED,
        "financial_match": match,
        "quality_score": {True: 100.0, False: 99.9, None: None}[match],
        "entities": [EntityResult(**each.model_dump()) for each in decided()],
        "rows": rows,
        "bridge": [
            BridgeLine(code="rock-all-time", label="All contributions in RockRMS", count=48_300, amount="1300000.00"),
            BridgeLine(code="before-filter", label="Before 2015-01-01", count=-90, amount="-95668.50"),
        ],
        "unexplained": "0.00" if match else "-0.01",
        "quality": [
            QualityFinding(
                code="duplicate-email",
                label="People who share an email address",
                entity=Entity.PEOPLE,
                count=41,
                examples=[f"rock:{INSTALL}:Person:{number}" for number in range(12)],
            )
        ],
        "funds": [
            FundRow(
                account_guid=GENERAL,
                name="General Fund",
                suggested=FundAnswer.SAME,
                mission_name="General Fund",
                external_fund_id="f-100",
                lines=40_000,
                amount="1100000.00",
            ),
            FundRow(
                account_guid=MISSIONS,
                name="Missions",
                campus="Main",
                choice=FundAnswer.OTHER,
                external_fund_id="f-200",
                lines=8_000,
                amount="104331.50",
            ),
            FundRow(account_guid=BUILDING, name="Building 2012", is_active=False, lines=210, amount="4000.00"),
        ],
        "statuses": [StatusFound(status="Pending", lines=4, amount="210.00")],
        "not_moved": [Tallied(code="pledges", label="Pledges", count=31, amount="40000.00")],
        "other_types": [Tallied(code=EVENT, label="Event Registration", count=412, amount="20600.00")],
        "already_in_mission": [Tallied(code="people", label="People with the same email in Mission", count=7)],
        "changed_during": [f"{LINE}:48211: entered while the import ran, imported"],
        "changed_during_count": 1,
        "gone": []
        if match
        else [
            GoneRecord(
                external_id=f"{LINE}:77", entity=Entity.CONTRIBUTIONS, label="Gift of 2024-03-03", amount="25.00"
            ),
            GoneRecord(
                external_id=f"{LINE}:78",
                entity=Entity.CONTRIBUTIONS,
                label="Gift of 2024-03-10",
                amount="30.00",
                decision=GoneAnswer.KEEP,
            ),
            GoneRecord(external_id=f"rock:{INSTALL}:Person:9", entity=Entity.PEOPLE, label="A person"),
        ],
        "gone_count": 0 if match else 3,
        "totals": MoneyTotals(
            gross="1210000.00",
            refunds="-5000.00",
            corrections="-668.50",
            net="1204331.50",
            gifts=48_000,
            refund_lines=60,
            correction_lines=12,
            zero_lines=3,
        ),
        "ledger_sha256": "ab" * 32,
        "versions": Versions(rock="16.4", sql_server="2019", agent="0.1.0", mapping="1", mission_contract="1"),
        "source": ReportSource(server="sql01.grace.example", database="RockRMS", install=INSTALL),
        "mission": ReportMission(url="https://grace.mission.example", organization="Grace Community Church"),
        "filters": ["gifts and attendance from 2015-01-01"],
        "started_at": s.ago(hours=1),
        "finished_at": s.ago(minutes=3),
    }
    return ImportReport(**{**values, **more})


def dry_run() -> ImportReport:
    return report(None, stage=Stage.DRY_RUN)


def log_row(number: int = 1, kind: LogKind = LogKind.ERRORED, **more: Any) -> ImportLogRow:
    values = {
        "row": number,
        "kind": kind,
        "entity": Entity.CONTRIBUTIONS,
        "source_table": "FinancialTransactionDetail",
        "source_id": 4_710 + number,
        "external_id": f"{LINE}:{4_710 + number}",
        "code": ErrorCode.MISSION_RECORD_REFUSED.value,
        "detail": "Mission says: fund f-999 is closed",
        "fix": CATALOGUE[ErrorCode.MISSION_RECORD_REFUSED].fix,
        "request_id": "req-5c1f0e2b",
        "answer": '{"status":"refused","code":"fund_closed"}',
        "batch_key": "contributions-1-88",
        "at": s.ago(minutes=20),
    }
    return ImportLogRow(**{**values, **more})


def groups() -> list[ImportLogGroup]:
    kinds = [
        (LogKind.SKIPPED, Entity.PEOPLE, ErrorCode.RECORD_TYPE_NOT_MOVED, 14),
        (LogKind.FLAGGED, Entity.CONTRIBUTIONS, ErrorCode.GIFT_NOT_POSITIVE, 212),
        (LogKind.ERRORED, Entity.CONTRIBUTIONS, ErrorCode.MISSION_RECORD_REFUSED, 3),
    ]
    return [
        ImportLogGroup(
            kind=kind,
            entity=entity,
            code=code.value,
            title=CATALOGUE[code].title,
            fix=CATALOGUE[code].fix,
            rows=count,
            sample=[log_row(kind=kind, entity=entity, code=code.value)],
        )
        for kind, entity, code, count in kinds
    ]


def trace(**more: Any) -> TraceReport:
    values = {
        "entity": Entity.CONTRIBUTIONS,
        "source_table": "FinancialTransactionDetail",
        "source_id": 4_711,
        "external_id": f"{LINE}:4711",
        "source": [TraceValue(name="Amount", value="12.30"), TraceValue(name="Summary", value="(not shown)")],
        "rules": [TraceStep(code="no-person-alias", detail="The gift names no person: it is sent without a donor.")],
        "sent": [TraceValue(name="amount", value="12.30")],
        "batch_key": "contributions-1-88",
        "request_id": "req-5c1f0e2b",
        "status": "imported",
        "answer": '{"status":"created"}',
        "mission": [TraceValue(name="amount", value="12.29")],
        "copies": 1,
    }
    return TraceReport(**{**values, **more})
