"""Every page in every shape that matters, by name: rendered by the unit tests, and looked at by the screenshots."""

from __future__ import annotations

from collections.abc import Callable

from functions.dashboard.agent_page import agent_page, agents_page
from functions.dashboard.bandwidth_page import bandwidth_page
from functions.dashboard.client_page import client_page, clients_page, code_created_page, code_fate
from functions.dashboard.confirm_page import confirm_page
from functions.dashboard.confirmations import NOT_THE_NAME, confirm_mirror, cut_over, delete_job, revoke_agent
from functions.dashboard.forms import Form
from functions.dashboard.help_page import help_code, help_index
from functions.dashboard.home_page import home
from functions.dashboard.job_form_page import edit_job_page, new_job_page, reassign_page, sync_page
from functions.dashboard.job_page import job_live, job_page
from functions.dashboard.jobs_page import jobs_page
from functions.dashboard.problem_page import problem_page
from functions.dashboard.project_page import project_page, projects_page
from functions.domain.caller import Role
from functions.domain.views import (
    ClientView,
    CodeState,
    FilePage,
    JobAction,
    JobView,
    Page,
    ProjectStatus,
    WishKind,
)
from migrate_contract.agents import AgentState, ProcessMode
from migrate_contract.errors import ErrorCode
from migrate_contract.filters import FileFilters, Inclusion
from migrate_contract.jobs import AccessTier, Bucket, JobState, JobType, Preflight, TransferSettings
from migrate_contract.problem import problem_for
from tests.unit.functions.dashboard import samples as s
from tests.unit.functions.dashboard.sample_customer_pages import CUSTOMER_PAGES
from tests.unit.functions.dashboard.sample_import_pages import IMPORT_PAGES
from tests.unit.functions.dashboard.sample_mail_pages import MAIL_PAGES
from tests.unit.functions.dashboard.sample_webhook_pages import WEBHOOK_PAGES, events

FILTERS = FileFilters(
    include=["*.docx", "Projects/"],
    exclude=["*.tmp"],
    min_size_bytes=1024,
    max_size_bytes=5 * 10**9,
    modified_after=s.NOW.replace(year=2024),
    hidden=Inclusion.EXCLUDE,
    max_depth=12,
    manifest="/srv/lists/first wave.csv",
)
NO_FILES = FilePage(items=[])
TYPED = {
    "name": ["Second pass"],
    "source_path": ["files/common"],
    "container": ["Grace Files"],
    "prefix": ["a//b"],
    "include": ["**/*.pdf\n**/*.docx"],
    "chunk_size_mib": ["1000"],
    "hold_after_scan": ["true"],
}


def _problem(code: ErrorCode, detail: str, *, role: Role | None = Role.ADMIN) -> str:
    frame = s.frame("/jobs/job_unknown", role=role)
    return problem_page(frame, problem_for(code, detail, frame.correlation_id))


def _job(job: JobView, bucket: Bucket = Bucket.FAILED, files: FilePage = NO_FILES, *, ended: bool = False) -> str:
    frame = s.frame(f"/jobs/{job.job_id}")
    report = s.report(job) if ended else None
    return job_page(frame, s.NOW, job, history=s.history(), files=files, bucket=bucket, report=report)


def _home(*, role: Role = Role.ADMIN) -> str:
    jobs = [s.job(), s.created_job(), s.failed_job(), s.completed_job(), s.partly_completed_job()]
    agents = [s.agent(), s.offline_agent()]
    return home(s.frame(role=role), s.NOW, clients_exist=True, alerts=[s.alert()], jobs=jobs, agents=agents)


def _client(client: ClientView | None = None) -> str:
    return client_page(
        s.frame(f"/clients/{s.CLIENT}"),
        s.NOW,
        client or s.client(),
        projects=Page(items=[s.project(), s.project(ProjectStatus.PLANNING, connected=False, name="Mail room scans")]),
        agents=Page(items=[s.agent(), s.offline_agent()]),
        codes=Page(items=[s.code(state) for state in CodeState]),
    )


def _project(**more: object) -> str:
    agents = more.pop("agents", [s.agent()])
    jobs = more.pop("jobs", [s.job(), s.created_job(), s.partly_completed_job()])
    project = s.project(**more)  # type: ignore[arg-type]
    return project_page(
        s.frame(f"/projects/{s.PROJECT}"),
        s.NOW,
        project,
        agents=agents,  # type: ignore[arg-type]
        jobs=Page(items=jobs),  # type: ignore[arg-type]
        events=events()[:5] if jobs else [],
    )


def _refused_form() -> Form:
    errors = {
        "source_path": "Write the full path, such as /srv/files, D:\\Files or \\\\server\\share.",
        "container": "3 to 63 lower-case letters, digits and single dashes, no dash at either end.",
        "chunk_size_mib": "A whole number from 1 to 256.",
    }
    return Form(TYPED, errors, problem_for(ErrorCode.REQUEST_INVALID, "Wrong: container", "5c1f0e2b9a7d"))


def _refused_schedule() -> Form:
    typed = {"zone": ["America/Chicago"], "windows": ["mon-fri 8-18 20"], "exceptions": [""], "outside": [""]}
    error = "Line 1, 'mon-fri 8-18 20': 8-18 is no time of day: write it like 08:00-18:00, or all-day."
    return Form(typed, {"windows": error}, problem_for(ErrorCode.REQUEST_INVALID, "Wrong: windows", "5c1f0e2b9a7d"))


PAGES: dict[str, Callable[[], str]] = {
    "home": _home,
    "home-reader": lambda: _home(role=Role.READER),
    "home-first": lambda: home(s.frame(), s.NOW, clients_exist=False, alerts=[], jobs=[], agents=[]),
    "home-calm": lambda: home(
        s.frame(), s.NOW, clients_exist=True, alerts=[], jobs=[s.completed_job()], agents=[s.agent()]
    ),
    "clients": lambda: clients_page(s.frame("/clients"), s.NOW, Page(items=[s.client(), s.client(name="St. Olaf")])),
    "clients-empty": lambda: clients_page(s.frame("/clients"), s.NOW, Page(items=[])),
    "client": _client,
    "client-empty": lambda: client_page(
        s.frame(f"/clients/{s.CLIENT}"),
        s.NOW,
        s.client(notes=""),
        projects=Page(items=[]),
        agents=Page(items=[]),
        codes=Page(items=[]),
    ),
    "code": lambda: code_created_page(s.frame("/clients"), s.NOW, s.client(), s.code_created()),
    "code-fate": lambda: code_fate(
        s.frame(),
        s.NOW,
        s.code(CodeState.USED),
        s.agent(AgentState.REGISTERED, state_detail="Not started yet"),
    ),
    "agents": lambda: agents_page(s.frame("/agents"), s.NOW, Page(items=[s.agent(), s.offline_agent()])),
    "agents-empty": lambda: agents_page(s.frame("/agents"), s.NOW, Page(items=[])),
    "agent": lambda: agent_page(s.frame(f"/agents/{s.AGENT}"), s.NOW, s.agent(), {s.JOB: s.job()}),
    "agent-offline": lambda: agent_page(s.frame("/agents/x"), s.NOW, s.offline_agent(), {}),
    "agent-registered": lambda: agent_page(
        s.frame("/agents/x"),
        s.NOW,
        s.agent(
            AgentState.REGISTERED,
            mode=ProcessMode.ENROLMENT,
            jobs=[],
            state_detail="The machine has registered, but no agent process has been started there.",
        ),
        {},
    ),
    "agent-suspended": lambda: agent_page(
        s.frame("/agents/x"), s.NOW, s.agent(AgentState.SUSPENDED, suspended_at=s.ago(minutes=5)), {}
    ),
    "agent-revoked": lambda: agent_page(
        s.frame("/agents/x"), s.NOW, s.agent(AgentState.REVOKED, revoked_at=s.ago(days=1), machine=None, jobs=[]), {}
    ),
    "projects": lambda: projects_page(
        s.frame("/projects"), s.NOW, Page(items=[s.project(), s.project(connected=False)]), [s.client()]
    ),
    "projects-empty": lambda: projects_page(s.frame("/projects"), s.NOW, Page(items=[]), []),
    "project": _project,
    "project-new": lambda: _project(status=ProjectStatus.PLANNING, connected=False, agents=[], jobs=[]),
    "project-offline": lambda: _project(agents=[s.offline_agent()]),
    "project-closed": lambda: _project(status=ProjectStatus.COMPLETED),
    "project-scheduled": lambda: _project(bandwidth_schedule=s.schedule()),
    "bandwidth": lambda: bandwidth_page(
        s.frame("/projects/x/bandwidth"), s.NOW, s.project(bandwidth_schedule=s.schedule())
    ),
    "bandwidth-none": lambda: bandwidth_page(s.frame("/projects/x/bandwidth"), s.NOW, s.project()),
    "bandwidth-refused": lambda: bandwidth_page(
        s.frame("/projects/x/bandwidth"), s.NOW, s.project(), _refused_schedule()
    ),
    "client-limited": lambda: _client(s.client(bandwidth_limit_mbps=50.0)),
    "jobs": lambda: jobs_page(
        s.frame("/jobs"),
        s.NOW,
        Page(items=[s.job(), s.created_job(), s.failed_job(), s.completed_job()], continuation="next page"),
    ),
    "jobs-filtered": lambda: jobs_page(
        s.frame("/jobs?state=paused"), s.NOW, Page(items=[]), state=JobState.PAUSED, project=s.project()
    ),
    "job-form": lambda: new_job_page(s.frame("/jobs/new"), s.project(), [s.agent(), s.offline_agent()]),
    "job-form-unconnected": lambda: new_job_page(s.frame("/jobs/new"), s.project(connected=False), []),
    "job-form-refused": lambda: new_job_page(s.frame("/jobs"), s.project(), [s.agent()], _refused_form()),
    "job-edit": lambda: edit_job_page(s.frame("/jobs/x/edit"), s.project(), s.created_job()),
    "job-edit-filters": lambda: edit_job_page(
        s.frame("/jobs/x/edit"), s.project(), s.created_job(filters=FILTERS, hold_after_scan=True, check_readable=True)
    ),
    "job-reassign": lambda: reassign_page(s.frame("/jobs/x/reassign"), s.created_job(), [s.agent(), s.offline_agent()]),
    "job": lambda: _job(s.job(), files=s.failed_files("more")),
    "job-busy": lambda: _job(s.busy_job()),
    "job-of-an-older-agent": lambda: _job(
        s.job(
            progress=s.progress(limit=None, concurrency=0, advice="", waited_seconds={}, average_bytes_per_second=0.0)
        )
    ),
    "job-live": lambda: job_live(s.frame(f"/jobs/{s.JOB}/live"), s.NOW, s.job()),
    "job-created": lambda: _job(s.created_job()),
    "job-scanning": lambda: _job(
        s.job(JobState.SCANNING, scan_complete=False, waiting_because="Waits for the disk: reading 4,000 folders.")
    ),
    "job-ready": lambda: _job(
        s.job(
            JobState.READY,
            hold_after_scan=True,
            check_readable=True,
            filters=FILTERS,
            actions=[JobAction.APPROVE, JobAction.CANCEL, JobAction.PAUSE],
            progress=s.progress(preflight=s.preflight()),
        )
    ),
    "job-ready-clean": lambda: _job(
        s.job(
            JobState.READY,
            hold_after_scan=True,
            transfer=TransferSettings(),
            actions=[JobAction.APPROVE],
            progress=s.progress(files=s.tally(pending=9), bytes=s.tally(pending=9 << 30), preflight=Preflight()),
        )
    ),
    "job-wish": lambda: _job(
        s.job(wish=s.wish(WishKind.PAUSE), waiting_because="Pause asked, agent offline since 14:02 UTC.")
    ),
    "job-unconfirmed": lambda: _job(
        s.job(
            unconfirmed=True,
            unconfirmed_since=s.ago(minutes=14),
            waiting_because="Agent fileserver-01 is offline since 14:17 UTC.",
            actions=[JobAction.PAUSE, JobAction.CANCEL, JobAction.REASSIGN],
            grant_alive_until=s.NOW.replace(hour=15),
        )
    ),
    "job-failed": lambda: _job(s.failed_job()),
    "job-completed": lambda: _job(s.completed_job(), Bucket.TRANSFERRED, s.transferred_files(), ended=True),
    "job-partly": lambda: _job(s.partly_completed_job(), files=s.failed_files(), ended=True),
    "job-sync": lambda: _job(
        s.sync_job(),
        Bucket.SURPLUS,
        FilePage(items=[s.ledger_row(1, "old/minutes.doc", bucket=Bucket.SURPLUS, code="mirror-preview")]),
        ended=True,
    ),
    "job-sync-mirrors": lambda: _job(
        s.sync_job(
            sync={"mirror_confirmed_at": s.ago(days=2), "mirror_confirmed_by": "Dana Whitfield", "skipped_at": None},
            mirror={"deleted_files": 12, "deleted_bytes": 3 * s.MIB},
            actions=[JobAction.RERUN, JobAction.SYNC, JobAction.MIRROR_WITHDRAW],
        ),
        Bucket.DELETED,
        ended=True,
    ),
    "job-sync-unlisted": lambda: _job(
        s.sync_job(
            sync={"schedule": None, "next_run_at": None},
            mirror={"complete": False, "kept_because": "mirror-scan-incomplete: the folder HR/ could not be read"},
            final=True,
        ),
        ended=True,
    ),
    "job-sync-form": lambda: sync_page(s.frame("/jobs/x/sync"), s.sync_job()),
    "job-sync-form-refused": lambda: sync_page(
        s.frame("/jobs/x/sync"),
        s.sync_job(),
        Form(
            {"schedule": ["*/5 * * * *"]},
            {"schedule": "'*/5 * * * *' runs every 5 minutes at times, and at least 60 are needed."},
            problem_for(ErrorCode.SCHEDULE_INVALID, "", "5c1f0e2b9a7d"),
        ),
    ),
    "job-archive": lambda: _job(
        s.completed_job().model_copy(
            update={"type": JobType.ARCHIVE, "transfer": TransferSettings(access_tier=AccessTier.ARCHIVE)}
        ),
        Bucket.TRANSFERRED,
        s.transferred_files(),
        ended=True,
    ),
    "job-retry": lambda: _job(s.job(attempt=2, failed_of=1, actions=[JobAction.PAUSE])),
    "confirm-mirror": lambda: confirm_page(s.frame("/jobs/x/confirm-mirror"), confirm_mirror(s.sync_job())),
    "confirm-cutover": lambda: confirm_page(s.frame("/jobs/x/confirm-cutover"), cut_over(s.sync_job())),
    "confirm-delete": lambda: confirm_page(s.frame("/jobs/x/confirm-delete"), delete_job(s.created_job())),
    "confirm-wrong": lambda: confirm_page(
        s.frame("/agents/x/revoke"), revoke_agent(s.agent()), Form({"confirm": ["x"]}, {"confirm": NOT_THE_NAME})
    ),
    "help": lambda: help_index(s.frame("/help", role=None)),
    "help-code": lambda: help_code(s.frame("/help/source-locked", role=None), ErrorCode.SOURCE_LOCKED),
    "problem": lambda: _problem(ErrorCode.JOB_STATE_CONFLICT, "Shared drive is completed; only a running job pauses."),
    "sign-in": lambda: _problem(ErrorCode.SIGN_IN_REQUIRED, "Nobody is signed in on this request.", role=None),
    "not-a-member": lambda: _problem(ErrorCode.NOT_A_MEMBER, "Ask Dana Whitfield to add you.", role=None),
    "unavailable": lambda: _problem(ErrorCode.STORAGE_UNAVAILABLE, "The tables do not answer.", role=None),
    "local-stack": lambda: home(
        s.frame(local_stack=True, support_url=None, support_email=None),
        s.NOW,
        clients_exist=False,
        alerts=[],
        jobs=[],
        agents=[],
    ),
}
PAGES |= {**CUSTOMER_PAGES, **IMPORT_PAGES, **MAIL_PAGES, **WEBHOOK_PAGES}
FRAGMENTS = frozenset({"job-live", "import-live", "code-fate"})
