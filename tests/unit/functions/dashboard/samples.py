"""Views as the services make them, for rendering: a small but realistic world."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from functions.dashboard.frame import Frame
from functions.domain.caller import OperatorCaller, Role
from functions.domain.views import (
    AgentView,
    AlertView,
    AzureConnectionView,
    BucketCount,
    ClientView,
    CodeCreated,
    CodeState,
    CodeView,
    ConnectionKind,
    FaultView,
    FilePage,
    HistoryView,
    JobAction,
    JobReport,
    JobView,
    NamedJob,
    ProgressView,
    ProjectStatus,
    ProjectType,
    ProjectView,
    ReasonCount,
    RuleCount,
    SharedAccount,
    SyncView,
    VerificationCount,
    WishKind,
    WishView,
)
from migrate_contract.agents import AgentFault, AgentState, HeartbeatJob, MachineFacts, ProcessMode
from migrate_contract.errors import CATALOGUE, ErrorCode
from migrate_contract.jobs import (
    BlobDestination,
    Bucket,
    FileFault,
    FileFilters,
    Finding,
    JobPhase,
    JobState,
    JobType,
    LedgerRow,
    LocalSource,
    Outcome,
    Preflight,
    Tally,
    TransferSettings,
    Verification,
    Waiting,
    WaitReason,
)
from migrate_contract.schedule import (
    BandwidthSchedule,
    DateException,
    LimitInForce,
    LimitOwner,
    Weekday,
    WeeklyWindow,
)
from migrate_contract.sync import MirrorMode, MirrorRules, MirrorTally

NOW = datetime(2026, 5, 12, 14, 32, 8, tzinfo=UTC)
CLIENT, PROJECT, AGENT, JOB = "cli_7hq2m9x4kd1s", "prj_p3v8c5n1r6tz", "agt_w4k9j2h7q5mb", "job_p3v8c5n1r6tzb8x2m4q7k1dn"
GIB, MIB = 2**30, 2**20


def ago(**parts: float) -> datetime:
    return NOW - timedelta(**parts)


def frame(path: str = "/", *, role: Role | None = Role.ADMIN, **more: Any) -> Frame:
    caller = None if role is None else OperatorCaller("grace", "tenant", "object", "Dana Whitfield", role)
    settings = {
        "organization_name": "Northwind Migrations",
        "public_url": "https://api.theonemigrate.app",
        "support_url": "https://support.theonemigrate.app",
        "support_email": "support@theonemigrate.app",
        "csrf_token": "0123456789abcdef",
        "sign_in_url": "/.auth/login/aad?post_login_redirect_uri=/",
        **more,
    }
    return Frame(path=path, correlation_id="5c1f0e2b9a7d", caller=caller, **settings)


def client(**more: Any) -> ClientView:
    values = {
        "client_id": CLIENT,
        "name": "Grace Community Church",
        "notes": "IT: Miriam Oduya, weekdays after 10. Their line is slow before noon.",
        "created_at": ago(days=12),
        "created_by": "Dana Whitfield",
    }
    return ClientView(**{**values, **more})


def machine(**more: Any) -> MachineFacts:
    values = {
        "machine_id": "m-4f1c9a7e2b",
        "hostname": "fileserver-01",
        "os": "Debian GNU/Linux 12",
        "agent_version": "0.1.0",
        "python_version": "3.13.0",
        "account": "migrate-agent",
        "service_name": "migrate-agent.service",
    }
    return MachineFacts(**{**values, **more})


def agent(state: AgentState = AgentState.ONLINE, **more: Any) -> AgentView:
    values = {
        "agent_id": AGENT,
        "client_id": CLIENT,
        "client_name": "Grace Community Church",
        "name": "fileserver-01",
        "state": state,
        "state_detail": "",
        "created_at": ago(days=11),
        "last_seen_at": ago(seconds=14),
        "mode": ProcessMode.SERVICE,
        "machine": machine(),
        "clock_skew_seconds": 0.4,
        "jobs": [HeartbeatJob(job_id=JOB, attempt=1, phase=JobPhase.RUNNING)],
        "disk_free_bytes": 212 * GIB,
        "key_created_at": ago(days=11),
    }
    return AgentView(**{**values, **more})


def offline_agent(**more: Any) -> AgentView:
    values = {
        "agent_id": "agt_n6d3s8v1x4cz",
        "name": "archive-nas",
        "state_detail": "No heartbeat since 12:47 UTC. Start it: migrate-agent start --service.",
        "last_seen_at": ago(hours=1, minutes=45),
        "machine": machine(hostname="archive-nas", os="Windows Server 2022", service_name="MigrateAgent"),
        "clock_skew_seconds": -613.0,
        "buffered_reports": 42,
        "faults": [
            AgentFault(
                at=ago(hours=1, minutes=46),
                code="control-plane-unreachable",
                detail="api.theonemigrate.app:443 timed out after 30 s",
            )
        ],
        "jobs": [],
    }
    return agent(AgentState.OFFLINE, **{**values, **more})


def code(state: CodeState = CodeState.OPEN, **more: Any) -> CodeView:
    values = {
        "code_id": "a1b2c3d4e5f6",
        "client_id": CLIENT,
        "label": "File server, basement",
        "state": state,
        "created_at": ago(minutes=4),
        "created_by": "Dana Whitfield",
        "expires_at": NOW + timedelta(hours=23, minutes=56),
        "used_at": ago(days=11) if state is CodeState.USED else None,
        "agent_id": AGENT if state is CodeState.USED else None,
        "revoked_at": ago(days=2) if state is CodeState.REVOKED else None,
    }
    return CodeView(**{**values, **more})


def code_created() -> CodeCreated:
    return CodeCreated(**code().model_dump(), code="K7WM-4QXT")


def project(status: ProjectStatus = ProjectStatus.IN_PROGRESS, *, connected: bool = True, **more: Any) -> ProjectView:
    connection = AzureConnectionView(
        kind=ConnectionKind.DEPLOYMENT,
        account="northwindmigrations",
        connected_at=ago(days=11),
        connected_by="Dana Whitfield",
    )
    values = {
        "project_id": PROJECT,
        "client_id": CLIENT,
        "client_name": "Grace Community Church",
        "name": "File server to Azure",
        "description": "Shared drive and media archive, before the lease on the server room ends in June.",
        "type": ProjectType.FILE_MIGRATION,
        "status": status,
        "azure_connection": connection if connected else None,
        "created_at": ago(days=11),
        "created_by": "Dana Whitfield",
    }
    return ProjectView(**{**values, **more})


def schedule() -> BandwidthSchedule:
    """Office hours at 20 Mbps, a pause at night, a free day."""
    return BandwidthSchedule(
        zone="America/Chicago",
        windows=[
            WeeklyWindow(days=list(Weekday)[:5], start="08:00", end="18:00", limit_mbps=20.0),
            WeeklyWindow(days=list(Weekday), start="23:00", end="01:00", limit_mbps=0.0),
        ],
        exceptions=[DateException(date=date(2026, 5, 25))],
        outside_mbps=100.0,
    )


def tally(**buckets: int) -> Tally:
    return Tally(scanned=sum(buckets.values()), **buckets)


def progress(**more: Any) -> ProgressView:
    values = {
        "attempt": 1,
        "as_of": ago(seconds=7),
        "phase": JobPhase.RUNNING,
        "files": tally(excluded=1_204, unchanged=8_310, transferred=21_467, failed=3, unsupported=11, pending=17_902),
        "bytes": tally(
            excluded=2 * GIB,
            unchanged=31 * GIB,
            transferred=118 * GIB,
            failed=48 * MIB,
            unsupported=3 * MIB,
            pending=97 * GIB,
        ),
        "verified_files": 29_776,
        "retries": 14,
        "speed_bytes_per_second": 23.7e6,
        "average_bytes_per_second": 22.4e6,
        "eta_seconds": 4_390.0,
        "limit": LimitInForce(
            mbps=200,
            owner=LimitOwner.SCHEDULE,
            until=NOW.replace(hour=23, minute=0, second=0),
            zone="America/Chicago",
        ),
        "concurrency": 24,
        "advice": "throttled to 200 Mbps by the schedule until 18:00 (America/Chicago)",
        "waited_seconds": {WaitReason.DISK: 5_210.0, WaitReason.NETWORK: 84_200.0, WaitReason.IDLE: 12_400.0},
        "recent_waited_seconds": {
            WaitReason.DISK: 21.0,
            WaitReason.THROTTLE: 489.0,
            WaitReason.NETWORK: 142.0,
            WaitReason.COMMIT: 33.0,
            WaitReason.GRANT: 0.4,
            WaitReason.IDLE: 35.0,
        },
        "waiting": Waiting(reason=WaitReason.NETWORK, detail="sending to the destination"),
        "recent_faults": [
            FileFault(path="Accounting/2019/ledger.accdb", code="source-locked", detail="Held by another program")
        ],
    }
    return ProgressView(**{**values, **more})


def progress_of_an_older_agent() -> ProgressView:
    """Of an agent that says nothing of limits, averages and advice."""
    return progress(
        limit=None,
        concurrency=0,
        advice="",
        waited_seconds={},
        recent_waited_seconds={},
        average_bytes_per_second=0.0,
    )


def preflight(**more: Any) -> Preflight:
    values = {
        "findings": [
            finding(Bucket.EXCLUDED, "filtered-out", 1_204, 2 * GIB, ["Projects/old/~$plan.docx"], "excluded by '~$*'"),
            finding(Bucket.UNSUPPORTED, "name-unsupported", 11, 3 * MIB, ["Scans/2019./a.pdf", "Scans/b.", "c\\d.txt"]),
            finding(Bucket.PENDING, "source-denied", 4, MIB, ["HR/salaries.xlsx"]),
            finding(Bucket.FAILED, "source-denied", 3, 0, ["HR/private/", "HR/board/", "Payroll/"]),
            finding(Bucket.PENDING, "name-collision", 2, 4_096, ["Notes/Readme.txt", "Notes/README.txt"]),
        ],
        "compared_files": 312,
        "checked_readable": True,
    }
    return Preflight(**{**values, **more})


def finding(bucket: Bucket, code: str, files: int, size: int, examples: list[str], rule: str = "") -> Finding:
    return Finding(bucket=bucket, code=code, files=files, bytes=size, examples=examples, rule=rule)


def fault(error: ErrorCode, detail: str) -> FaultView:
    entry = CATALOGUE[error]
    return FaultView(code=error.value, title=entry.title, detail=detail, fix=entry.fix)


def job(state: JobState = JobState.RUNNING, **more: Any) -> JobView:
    values = {
        "job_id": JOB,
        "project_id": PROJECT,
        "project_name": "File server to Azure",
        "client_id": CLIENT,
        "client_name": "Grace Community Church",
        "name": "Shared drive, first pass",
        "type": JobType.MIGRATE_FILES,
        "source": LocalSource(path="/srv/shares/common"),
        "destination": BlobDestination(container="grace-files", prefix="shared-drive"),
        "filters": FileFilters(exclude=["**/~$*", "**/Thumbs.db"]),
        "transfer": TransferSettings(bandwidth_limit_mbps=200),
        "hold_after_scan": False,
        "agent_id": AGENT,
        "agent_name": "fileserver-01",
        "agent_state": AgentState.ONLINE,
        "state": state,
        "attempt": 1,
        "outcome": None,
        "scan_complete": True,
        "waiting_because": "sending to the destination",
        "wish": None,
        "unconfirmed": False,
        "unconfirmed_since": None,
        "created_at": ago(hours=2),
        "created_by": "Dana Whitfield",
        "state_since": ago(hours=1, minutes=48),
        "started_at": ago(hours=1, minutes=58),
        "ended_at": None,
        "approved_at": None,
        "fault": None,
        "progress": progress(),
        "grant_alive_until": None,
        "actions": [JobAction.PAUSE, JobAction.CANCEL, JobAction.DUPLICATE],
    }
    return JobView(**{**values, **more})


def busy_job(**more: Any) -> JobView:
    """A job whose storage account answers 503, because two others use it, too."""
    values = {
        "transfer": TransferSettings(concurrency=6),
        "waiting_because": "the storage service is busy; requests are sent again after a pause",
        "progress": progress(
            waiting=Waiting(reason=WaitReason.SERVICE_BUSY, detail="the storage service is busy"),
            limit=None,
            concurrency=6,
            advice="the storage service is busy (503): other jobs and programs that use this account share its limits",
            recent_waited_seconds={
                WaitReason.DISK: 210.0,
                WaitReason.SERVICE_BUSY: 1_400.0,
                WaitReason.NETWORK: 2_100.0,
            },
        ),
        "shared_account": SharedAccount(
            account="northwindmigrations",
            jobs=[
                NamedJob(job_id="job_p3v8c5n1r6tzc2w9n5r8l2fp", name="Media archive", client_name="St. Olaf"),
                NamedJob(job_id="job_p3v8c5n1r6tze5y3p8t1m6gs", name="Scanned invoices", client_name="Grace Church"),
            ],
            others=1,
        ),
    }
    return job(**{**values, **more})


def created_job(**more: Any) -> JobView:
    values = {
        "job_id": "job_p3v8c5n1r6tzc2w9n5r8l2fp",
        "name": "Media archive",
        "source": LocalSource(path="D:\\Media"),
        "agent_id": "agt_n6d3s8v1x4cz",
        "agent_name": "archive-nas",
        "agent_state": AgentState.OFFLINE,
        "waiting_because": "Agent archive-nas is offline since 12:47 UTC. Start it: migrate-agent start --service.",
        "state_since": ago(minutes=31),
        "started_at": None,
        "progress": None,
        "scan_complete": False,
        "actions": [JobAction.EDIT, JobAction.CANCEL, JobAction.REASSIGN, JobAction.DELETE, JobAction.DUPLICATE],
    }
    return job(JobState.CREATED, **{**values, **more})


def ended(state: JobState, outcome: Outcome | None = None, **more: Any) -> JobView:
    some = int(outcome is Outcome.COMPLETE_WITH_FAILURES)
    complete = tally(
        excluded=214,
        unchanged=0,
        transferred=9_841,
        failed=2 * some,
        unsupported=1,
        pending=0,
    )
    values = {
        "job_id": "job_p3v8c5n1r6tze5y3p8t1m6gs",
        "name": "Finance, scanned invoices",
        "waiting_because": None,
        "outcome": outcome,
        "ended_at": ago(minutes=52),
        "progress": progress(
            files=complete,
            bytes=tally(
                excluded=9 * MIB,
                transferred=44 * GIB,
                failed=MIB * some,
                unsupported=4_096,
            ),
            verified_files=9_841,
            phase=JobPhase(state.value),
            eta_seconds=None,
            speed_bytes_per_second=0.0,
            as_of=ago(minutes=52),
        ),
        "actions": [JobAction.RERUN, JobAction.DELETE, JobAction.DUPLICATE],
    }
    return job(state, **{**values, **more})


def failed_job(**more: Any) -> JobView:
    no_connection = fault(ErrorCode.NO_AZURE_CONNECTION, "Project Mail room scans has no connection to Azure Storage.")
    values = {"name": "Mail room scans", "job_id": "job_p3v8c5n1r6tzf1z4q9v3n8ht", "fault": no_connection}
    return ended(JobState.FAILED, **{"progress": None, "started_at": None, **values, **more})


def completed_job() -> JobView:
    return ended(JobState.COMPLETED, Outcome.COMPLETE)


def partly_completed_job() -> JobView:
    return ended(JobState.COMPLETED, Outcome.COMPLETE_WITH_FAILURES)


def sync_job(**more: Any) -> JobView:
    """A sync whose last attempt has listed what its mirror would delete."""
    sync = {
        "schedule": "0 2 * * *",
        "zone": "America/Chicago",
        "next_run_at": NOW + timedelta(hours=17),
        "skipped_at": ago(hours=7),
        "skipped_because": "The run of 2026-05-12 07:00 UTC was skipped: attempt 1 is still running",
        "mirror": MirrorRules(max_delete_files=500, max_delete_percent=5),
        "mirror_confirmed_at": None,
        "mirror_confirmed_by": "",
        **more.pop("sync", {}),
    }
    tally = MirrorTally(
        mode=MirrorMode.PREVIEW, complete=True, ours_files=9_841, surplus_files=12, surplus_bytes=3 * MIB
    ).model_copy(update=more.pop("mirror", {}))
    finished = ended(JobState.COMPLETED, Outcome.COMPLETE)
    assert finished.progress is not None
    update = {
        "type": JobType.SYNC,
        "sync": SyncView(**sync),
        "progress": finished.progress.model_copy(update={"mirror": tally}),
        "actions": [JobAction.RERUN, JobAction.SYNC, JobAction.CUTOVER, JobAction.MIRROR_CONFIRM, JobAction.DUPLICATE],
        **more,
    }
    return finished.model_copy(update=update)


def wish(kind: WishKind) -> WishView:
    return WishView(kind=kind, by="Dana Whitfield", at=ago(minutes=3))


def history() -> list[HistoryView]:
    entries = [
        (ago(hours=2), "Dana Whitfield", "created", None, JobState.CREATED, "Created for fileserver-01"),
        (ago(hours=1, minutes=59), "system", "bound", None, JobState.CREATED, "Sent to fileserver-01"),
        (ago(hours=1, minutes=58), "fileserver-01", "moved", JobState.CREATED, JobState.SCANNING, "Scan began"),
        (ago(hours=1, minutes=48), "fileserver-01", "moved", JobState.SCANNING, JobState.RUNNING, "First upload"),
    ]
    return [
        HistoryView(number=n, at=at, by=by, event=event, from_state=old, to_state=new, attempt=1, reason=reason)
        for n, (at, by, event, old, new, reason) in enumerate(entries, start=1)
    ]


def ledger_row(row: int, path: str, **more: Any) -> LedgerRow:
    values = {"bucket": Bucket.FAILED, "size_bytes": 3 * MIB, "finished_at": ago(minutes=40), "tries": 1}
    return LedgerRow(row=row, path=path, **{**values, **more})


def failed_files(continuation: str | None = None) -> FilePage:
    rows = [
        ledger_row(812, "Accounting/2019/ledger.accdb", code="source-locked", detail="Held by MSACCESS.EXE", tries=20),
        ledger_row(1903, "Media/raw/easter (final).mov", code="source-changed", detail="Size grew while reading"),
        ledger_row(2210, "HR/private/contracts.zip", code="source-denied", detail="Permission denied"),
    ]
    return FilePage(items=rows, continuation=continuation)


def transferred_files() -> FilePage:
    row = ledger_row(1, "a.txt", bucket=Bucket.TRANSFERRED, verification=Verification.STORED, code=None)
    return FilePage(items=[row])


def report(subject: JobView) -> JobReport:
    assert subject.progress is not None
    reasons = [
        (Bucket.FAILED, "source-locked", 2),
        (Bucket.UNSUPPORTED, "name-unsupported", 1),
        (Bucket.EXCLUDED, "filtered-out", 214),
    ]
    return JobReport(
        generated_at=NOW,
        job=subject,
        attempt=1,
        files=subject.progress.files,
        bytes=subject.progress.bytes,
        ledger_rows=subject.progress.files.scanned,
        ledger_complete=True,
        ledger=[BucketCount(bucket=Bucket.TRANSFERRED, files=9_841, bytes=44 * GIB)],
        reasons=[
            ReasonCount(
                bucket=bucket,
                code=code,
                title=CATALOGUE[ErrorCode(code)].title,
                files=files,
                rules=[RuleCount(rule=f"excluded by '*.{n}'", files=20 - n) for n in range(14)] if files > 9 else [],
            )
            for bucket, code, files in reasons
        ],
        verification=[VerificationCount(level=Verification.STORED, files=9_841)],
        safe_files=9_841 if subject.type is JobType.ARCHIVE else 0,
        safe_bytes=44 * GIB if subject.type is JobType.ARCHIVE else 0,
        adds_up=True,
    )


def alert(**more: Any) -> AlertView:
    entry = CATALOGUE[ErrorCode.JOB_UNDELIVERED]
    values = {
        "alert_id": "al1",
        "code": ErrorCode.JOB_UNDELIVERED.value,
        "title": entry.title,
        "detail": "Media archive waits for archive-nas since 14:01 UTC.",
        "fix": entry.fix,
        "link": "/jobs/job_p3v8c5n1r6tzc2w9n5r8l2fp",
        "client_id": CLIENT,
        "count": 1,
        "first_at": ago(minutes=21),
        "last_at": ago(minutes=1),
        "resolved_at": None,
    }
    return AlertView(**{**values, **more})
