"""Pages of an import in every shape that matters, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from functions.dashboard.confirm_page import confirm_page
from functions.dashboard.forms import EMPTY_FORM, Form
from functions.dashboard.fund_map_page import fund_map_page
from functions.dashboard.import_form_page import edit_import_page, new_import_page
from functions.dashboard.import_lists import LogFilter, gone_page, log_page, quality_page, rows_page, trace_page
from functions.dashboard.import_page import import_live, import_page
from functions.dashboard.project_page import project_page
from functions.dashboard.rockrms_forms import without_secrets
from functions.dashboard.rockrms_pages import (
    disconnect_mission,
    forget_connection,
    mission_connection_page,
    rockrms_connection_page,
)
from functions.domain.caller import Role
from functions.domain.rockrms_views import CheckKind, CheckState, RockRmsView
from functions.domain.views import JobAction, JobView, Page, ProjectStatus, ProjectView
from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import JobState
from migrate_contract.problem import problem_for
from migrate_contract.rockrms import Entity, ImportReport, LogKind, Verdict
from tests.unit.functions.dashboard import sample_imports as i
from tests.unit.functions.dashboard import samples as s

HERE = f"/jobs/{i.JOB}"
TYPED_SECRET = "Server=sql01;Database=RockRMS;User Id=x;Password=hunter2-typed"
MANY_FUNDS = "a fund of a list that is far too long for one line, with a name that somebody typed in a hurry in 2009"


def _job(
    job: JobView,
    report: ImportReport | None = None,
    *,
    role: Role = Role.ADMIN,
    groups: bool = True,
) -> str:
    return import_page(
        s.frame(HERE, role=role),
        s.NOW,
        job,
        history=s.history(),
        report=report,
        groups=i.groups() if groups else [],
    )


def _project(
    church: RockRmsView,
    *,
    role: Role = Role.ADMIN,
    jobs: Sequence[JobView] = (),
    project: ProjectView | None = None,
) -> str:
    return project_page(
        s.frame(f"/projects/{s.PROJECT}", role=role),
        s.NOW,
        project or i.church(),
        agents=[s.agent()],
        jobs=Page(items=list(jobs)),
        church=church,
    )


def _form(church: RockRmsView, form: Form = EMPTY_FORM, like: JobView | None = None) -> str:
    return new_import_page(s.frame("/projects/x/new-import"), i.church(), church, form, like=like)


def _refused_connection() -> str:
    problem = problem_for(
        ErrorCode.SQL_CONNECTION_STRING_INVALID, "It names no database: add Database=...", "5c1f0e2b9a7d"
    )
    form = without_secrets({"agent_id": [s.AGENT], "connection": [TYPED_SECRET]}, {}, problem)
    return rockrms_connection_page(s.frame("/projects/x/rockrms"), i.church(), i.unknown(), form)


def _refused_mission() -> str:
    problem = problem_for(ErrorCode.MISSION_URL_REFUSED, "Write https://, not http://.", "5c1f0e2b9a7d")
    typed = {"url": ["http://grace.mission.example"], "integration_key": [TYPED_SECRET]}
    return mission_connection_page(
        s.frame("/projects/x/mission"), i.church(), i.known(), without_secrets(typed, {}, problem)
    )


def _refused_import() -> Form:
    errors = {
        "entities": "Tick at least one.",
        "time_zone": "Write the name of a time zone, such as America/Chicago or Europe/Berlin.",
        "date_range_start": "A date such as 2024-01-31; leave it empty for all time.",
    }
    typed = {"name": ["Import"], "time_zone": ["Central"], "date_range_start": ["2024-31-01"], "campus_ids": ["9"]}
    return Form(typed, errors, problem_for(ErrorCode.REQUEST_INVALID, "Wrong: entities", "5c1f0e2b9a7d"))


def _funds(church: RockRmsView, report: ImportReport | None, *, role: Role = Role.ADMIN) -> str:
    return fund_map_page(s.frame(f"{HERE}/funds", role=role), i.church(), church, job=i.job(), report=report)


def _trace(check: object) -> str:
    return trace_page(s.frame(f"{HERE}/trace"), s.NOW, i.ended(False), check)  # type: ignore[arg-type]


def _long_names() -> ImportReport:
    found = i.report(False)
    funds = [fund.model_copy(update={"name": MANY_FUNDS}) for fund in found.funds]
    rows = [
        row.model_copy(update={"label": MANY_FUNDS, "records": [f"{i.LINE}:{n}" for n in range(9)]})
        for row in found.rows
    ]
    return found.model_copy(update={"funds": funds, "rows": rows})


REFUSED_TEST = i.rock_failed(
    ErrorCode.SQL_NO_READ_PERMISSION,
    "Login onemigrate may not read 2 tables.",
    unreadable_tables=["FinancialTransactionDetail", "PersonAlias"],
)
WAITING = i.check(CheckKind.ROCKRMS, CheckState.WAITING)
SILENT = i.check(
    CheckKind.ROCKRMS,
    CheckState.FAILED,
    fault=s.fault(ErrorCode.AGENT_CHECK_TIMEOUT, "Agent fileserver-01 has not answered within 120 seconds."),
)
REFUSED_MISSION = i.check(
    CheckKind.MISSION, fault=s.fault(ErrorCode.MISSION_KEY_REVOKED, "Mission answered 403 to the key.")
)
DRY_RUN = i.job(
    JobState.COMPLETED,
    rockrms=i.settings(dry_run=True),
    progress=s.progress(files=s.tally(), bytes=s.tally(), entities=i.entity_progress()),
)

IMPORT_PAGES: dict[str, Callable[[], str]] = {
    "church": lambda: _project(i.known(), jobs=[i.ended(False), i.job(), s.job()]),
    "church-reader": lambda: _project(i.known(rock_test=REFUSED_TEST), role=Role.READER, jobs=[i.ended(True)]),
    "church-new": lambda: _project(i.unknown()),
    "church-offered": lambda: _project(i.unknown(), project=s.project()),
    "church-kept": lambda: _project(i.known(rock_test=None, mission_connection=None, mission_test=None)),
    "church-keeping": lambda: _project(i.unknown(keep=i.check(CheckKind.KEEP, CheckState.WAITING))),
    "church-not-kept": lambda: _project(
        i.unknown(
            keep=i.check(
                CheckKind.KEEP,
                CheckState.FAILED,
                fault=s.fault(ErrorCode.SECRET_STORE_UNAVAILABLE, "/var/lib/migrate-agent cannot be written."),
            )
        )
    ),
    "church-asked": lambda: _project(i.known(rock_test=WAITING)),
    "church-test-refused": lambda: _project(i.known(rock_test=REFUSED_TEST, mission_test=REFUSED_MISSION)),
    "church-test-silent": lambda: _project(i.known(rock_test=SILENT)),
    "church-zone-asked": lambda: _project(i.known(), project=i.church(time_zone="UTC")),
    "church-closed": lambda: _project(i.known(), project=i.church(status=ProjectStatus.COMPLETED)),
    "rockrms-connection": lambda: rockrms_connection_page(s.frame("/projects/x/rockrms"), i.church(), i.known()),
    "rockrms-connection-no-agent": lambda: rockrms_connection_page(
        s.frame("/projects/x/rockrms"), i.church(), i.unknown(agents=[])
    ),
    "rockrms-connection-refused": _refused_connection,
    "mission-connection": lambda: mission_connection_page(s.frame("/projects/x/mission"), i.church(), i.unknown()),
    "mission-connection-refused": _refused_mission,
    "rockrms-forget": lambda: confirm_page(s.frame("/projects/x/confirm"), forget_connection(i.church())),
    "mission-disconnect": lambda: confirm_page(s.frame("/projects/x/confirm"), disconnect_mission(i.church())),
    "import-form": lambda: _form(i.known()),
    "import-form-unconnected": lambda: _form(i.unknown()),
    "import-form-refused": lambda: _form(i.known(), _refused_import()),
    "import-form-like": lambda: _form(i.known(), like=i.job(rockrms=i.settings(campus_ids=[2, 7]))),
    "import-edit": lambda: edit_import_page(
        s.frame(f"{HERE}/edit-import"), i.church(), i.known(), DRY_RUN, i.dry_run()
    ),
    "import": lambda: _job(i.job()),
    "import-live": lambda: import_live(s.frame(f"{HERE}/live"), s.NOW, i.job()),
    "import-created": lambda: _job(i.job(JobState.CREATED, progress=None, started_at=None), groups=False),
    "import-dry-run": lambda: _job(DRY_RUN, i.dry_run()),
    "import-agrees": lambda: _job(i.ended(True), i.report()),
    "import-differs": lambda: _job(i.ended(False), i.report(False)),
    "import-long": lambda: _job(i.ended(False), _long_names()),
    "import-not-verified": lambda: _job(i.ended(None), i.report(None)),
    "import-reader": lambda: _job(i.ended(False, actions=list(JobAction)), i.report(False), role=Role.READER),
    "import-failed": lambda: _job(
        i.job(
            JobState.FAILED,
            fault=s.fault(ErrorCode.MISSION_KEY_REVOKED, "Mission answered 403 at batch 88."),
            ended_at=s.ago(minutes=1),
            actions=[JobAction.RERUN],
        )
    ),
    "import-log": lambda: log_page(
        s.frame(f"{HERE}/log"),
        s.NOW,
        i.job(),
        Page(items=[i.log_row(n) for n in range(1, 4)], continuation="next page"),
        LogFilter(LogKind.ERRORED, Entity.CONTRIBUTIONS),
        ["mission-record-refused"],
    ),
    "import-log-empty": lambda: log_page(s.frame(f"{HERE}/log"), s.NOW, i.job(), Page(items=[]), LogFilter(), []),
    "import-rows": lambda: rows_page(s.frame(f"{HERE}/rows"), i.ended(False), i.report(False), None, None),
    "import-rows-differing": lambda: rows_page(
        s.frame(f"{HERE}/rows"), i.ended(False), _long_names(), Verdict.DIFFERS, Entity.CONTRIBUTIONS
    ),
    "import-quality": lambda: quality_page(s.frame(f"{HERE}/quality"), i.ended(False), i.report(False)),
    "import-gone": lambda: gone_page(s.frame(f"{HERE}/gone"), i.ended(False), i.report(False)),
    "import-gone-none": lambda: gone_page(s.frame(f"{HERE}/gone"), i.ended(True), i.report()),
    "import-funds": lambda: _funds(i.known(), i.dry_run()),
    "import-funds-reader": lambda: _funds(i.known(), i.dry_run(), role=Role.READER),
    "import-funds-long": lambda: _funds(i.known(mission_funds=[]), _long_names()),
    "import-funds-none": lambda: _funds(i.unknown(), None),
    "import-trace": lambda: _trace(i.check(CheckKind.TRACE, trace=i.trace())),
    "import-trace-asked": lambda: _trace(i.check(CheckKind.TRACE, CheckState.WAITING)),
    "import-trace-none": lambda: _trace(None),
    "import-trace-not-found": lambda: _trace(
        i.check(
            CheckKind.TRACE,
            fault=s.fault(ErrorCode.NOT_FOUND, "Person 99 is not in RockRMS."),
            trace=i.trace(source=[], sent=[], mission=[], rules=[], answer=None, copies=0),
        )
    ),
}
