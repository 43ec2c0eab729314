"""Imports from the form to the certificate: dispatch, two slots, logs, reports, decisions, and their end."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from pydantic import ValidationError

from functions.domain.event import EventKind
from functions.domain.rockrms_views import DecisionsBody, FundsBody
from functions.domain.views import JobCreate, JobDuplicate, JobEdit, ListQuery
from functions.services.import_logs import LogFilter
from migrate_contract.agents import HeartbeatJob
from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import (
    BlobDestination,
    JobPhase,
    JobState,
    JobType,
    LocalSource,
    Outcome,
    Waiting,
    WaitReason,
)
from migrate_contract.rockrms import (
    Entity,
    Evidence,
    FundAnswer,
    FundChoice,
    GoneAnswer,
    GoneDecision,
    GoneRecord,
    LogKind,
    MissionDestination,
    RockRmsSource,
    Stage,
    StatusMeaning,
)
from tests.memory.imports import (
    MISSION_URL,
    connect_mission,
    counted,
    held,
    import_body,
    log_row,
    new_import,
    report_of,
    running_import,
    taken_import,
)
from tests.memory.world import ADMIN, READER, World, refused, running_job, tally

GENERAL = "4410306f-3fb5-4a57-9a80-09a3f9d40d0c"
FUNDS = [FundChoice(account_guid=GENERAL, choice=FundAnswer.OTHER, external_fund_id="general")]
LIST = ListQuery()


def test_an_import_begins_with_the_projects_connections_and_funds() -> None:
    world = World()
    client_id = world.client()
    project_id = world.project(client_id, connected=False)
    agent = world.online_agent(client_id)
    connect_mission(world, project_id)
    world.services.funds.choose(ADMIN, project_id, FundsBody(funds=FUNDS))
    job = new_import(world, project_id, rockrms=import_body(date_range_start="2024-01-01", campus_ids=[1, 2]))
    assert (job.source, job.destination) == (RockRmsSource(project_id=project_id), MissionDestination())
    world.drain()
    (command,) = agent.beat().commands
    assert command.spec is not None
    assert command.spec.destination == MissionDestination(url=MISSION_URL)
    settings = command.spec.import_settings
    assert settings.funds == FUNDS
    assert (settings.time_zone, settings.campus_ids, str(settings.date_range_start)) == (
        "America/Chicago",
        [1, 2],
        "2024-01-01",
    )
    assert command.spec.rock.project_id == project_id
    refused(ErrorCode.JOB_TYPE_CONFLICT, lambda: command.spec.folder)  # type: ignore[union-attr]


def test_without_a_mission_connection_the_job_fails_with_its_fix() -> None:
    world = World()
    client_id = world.client()
    world.online_agent(client_id)
    project_id = world.project(client_id, connected=True)
    job = new_import(world, project_id)
    world.drain()
    failed = world.job(job.job_id)
    assert failed.state is JobState.FAILED
    assert failed.fault is not None
    assert failed.fault.code == "NO_MISSION_CONNECTION"
    assert failed.fault.fix == "Open the project, connect Mission, then rerun the job."
    connect_mission(world, project_id)
    world.services.lifecycle.rerun(ADMIN, job.job_id)
    world.drain()
    assert world.job(job.job_id).state is JobState.CREATED


def test_an_import_goes_to_the_agent_that_keeps_the_connection() -> None:
    world = World()
    client_id = world.client()
    first, second = world.online_agent(client_id), world.online_agent(client_id)
    project_id = world.project(client_id, connected=False)
    connect_mission(world, project_id)
    second.beat(rock_connections=[held(project_id)])
    job = new_import(world, project_id)
    world.drain()
    assert world.job(job.job_id).agent_id == second.agent_id
    assert first.beat().commands == []


def test_two_unfinished_imports_of_one_project_are_refused() -> None:
    running = taken_import()
    world = running.world
    fault = refused(ErrorCode.IMPORT_UNFINISHED, lambda: new_import(world, running.project_id))
    assert running.job_id in fault.detail
    duplicate = world.services.jobs.duplicate
    refused(ErrorCode.IMPORT_UNFINISHED, lambda: duplicate(ADMIN, running.job_id, JobDuplicate()))
    world.new_job(running.project_id, destination=BlobDestination(container="files"))
    running.agent.report(running.job, JobPhase.FAILED)
    second = new_import(world, running.project_id)
    refused(ErrorCode.IMPORT_UNFINISHED, lambda: world.services.lifecycle.rerun(ADMIN, running.job_id))
    world.services.lifecycle.cancel(ADMIN, second.job_id)
    world.services.lifecycle.rerun(ADMIN, running.job_id)
    other = world.project(running.client_id, connected=False)
    new_import(world, other)


def test_an_import_does_not_wait_for_a_transfer() -> None:
    copying = running_job()
    world = copying.world
    connect_mission(world, copying.project_id)
    job = new_import(world, copying.project_id)
    world.drain()
    copy = HeartbeatJob(job_id=copying.job_id, attempt=1, phase=JobPhase.RUNNING)
    copying.agent.beat(jobs=[copy])
    copying.agent.take(job)
    copying.agent.beat(jobs=[copy, HeartbeatJob(job_id=job.job_id, attempt=1, phase=JobPhase.QUEUED)])
    assert world.job(job.job_id).waiting_because == "Accepted by agent files01, about to start."
    second = world.new_job(copying.project_id, container="other")
    world.drain()
    copying.agent.take(second)
    copying.agent.beat(jobs=[copy, HeartbeatJob(job_id=job.job_id, attempt=1, phase=JobPhase.RUNNING)])
    assert world.job(second.job_id).waiting_because == "Agent files01 busy with Copy, position 1."


@pytest.mark.parametrize(
    "fields",
    [
        {"type": JobType.ROCKRMS_IMPORT},
        {"type": JobType.ROCKRMS_IMPORT, "rockrms": import_body(), "source": LocalSource(path="/x")},
        {"type": JobType.ROCKRMS_IMPORT, "rockrms": import_body(), "hold_after_scan": True},
        {"type": JobType.MIGRATE_FILES, "rockrms": import_body()},
        {"type": JobType.MIGRATE_FILES, "source": LocalSource(path="/x")},
    ],
)
def test_a_job_has_the_settings_of_its_type(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        JobCreate.model_validate({"project_id": "prj_000000000001", "name": "X", **fields})


@pytest.mark.parametrize(
    "wrong",
    [
        {"time_zone": "Mars/Olympus"},
        {"currency": "XXX"},
        {"campus_ids": [1, 1]},
        {"entities": []},
        {"date_range_start": "2024-13-01"},
        {"batch_size": 501},
        {"funds": [{"account_guid": GENERAL, "choice": "other"}]},
    ],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        import_body(**wrong)


def test_an_import_is_edited_as_one_and_a_copy_as_one() -> None:
    world = World()
    project_id = world.project(world.client())
    job = new_import(world, project_id)
    edit = world.services.jobs.edit
    view = edit(ADMIN, job.job_id, JobEdit(rockrms=import_body(dry_run=True)))
    assert view.rockrms is not None
    assert view.rockrms.dry_run
    refused(ErrorCode.JOB_TYPE_CONFLICT, lambda: edit(ADMIN, job.job_id, JobEdit(source=LocalSource(path="/x"))))
    copy = world.new_job(project_id)
    refused(ErrorCode.JOB_TYPE_CONFLICT, lambda: edit(ADMIN, copy.job_id, JobEdit(rockrms=import_body())))
    there = JobDuplicate(destination=BlobDestination(container="files"))
    refused(ErrorCode.JOB_TYPE_CONFLICT, lambda: world.services.jobs.duplicate(ADMIN, job.job_id, there))


def test_progress_shows_the_entities_and_errored_records_are_failures() -> None:
    running = running_import()
    running.agent.report(running.job, JobPhase.RUNNING, entities=[counted(imported=5, pending=5)])
    assert running.job.progress is not None
    assert running.job.progress.entities == [counted(imported=5, pending=5)]
    running.complete(counted(imported=9, errored=1))
    assert running.job.outcome is Outcome.COMPLETE_WITH_FAILURES
    running.world.services.sweeps.run()
    (event,) = running.world.services.events.list(ADMIN, running.project_id, LIST).items
    assert event.kind is EventKind.JOB_COMPLETED_WITH_FAILURES
    assert event.summary == "Import Church completed, and 1 record is not in Mission."
    assert event.code == "records-errored"
    (mail,) = running.world.mailer.sent
    assert mail.message.subject == "Import completed with failures: Church (Move)"


def test_a_dry_run_that_finds_something_ends_with_failures_and_nobody_is_told() -> None:
    running = running_import(rockrms=import_body(dry_run=True))
    running.complete(counted(pending=10))
    assert running.job.outcome is Outcome.COMPLETE
    running = running_import(rockrms=import_body(dry_run=True))
    running.complete(counted(pending=9, errored=1))
    assert running.job.outcome is Outcome.COMPLETE_WITH_FAILURES
    running.world.services.sweeps.run()
    assert running.world.services.events.list(ADMIN, running.project_id, LIST).items == []


def test_records_that_were_never_dealt_with_are_no_good_end() -> None:
    running = running_import()
    running.complete(counted(imported=9, pending=1))
    assert running.job.outcome is Outcome.COMPLETE_WITH_FAILURES


def test_imports_of_several_projects_share_no_account() -> None:
    running = running_import()
    busy = Waiting(reason=WaitReason.SERVICE_BUSY, detail="Mission is busy.")
    running.agent.report(running.job, JobPhase.RUNNING, waiting=busy)
    other = running.world.project(running.client_id, connected=False)
    connect_mission(running.world, other)
    new_import(running.world, other)
    assert running.job.shared_account is None
    assert running.job.waiting_because == "Mission is busy."


def test_a_list_shows_each_imports_result() -> None:
    running = running_import()
    running.post(report_of(running.world))
    for number in range(4):
        running.world.new_job(running.project_id, container=f"c{number}00")
    items = running.world.services.jobs.list(READER, LIST, running.project_id).items
    assert [job.import_result.quality_score for job in items if job.import_result] == [99.9]


def test_a_scan_of_an_import_that_counts_on_is_not_stalled() -> None:
    running = taken_import()
    for number in range(3):
        running.world.clock.forward(1000)
        running.agent.beat(jobs=[HeartbeatJob(job_id=running.job_id, attempt=1, phase=JobPhase.SCANNING)])
        running.agent.report(running.job, JobPhase.SCANNING, entities=[counted(pending=number + 1)])
    running.world.services.sweeps.run()
    assert all(alert.code != "scan-stalled" for alert in running.world.services.alerts.list(ADMIN, LIST).items)


@pytest.mark.parametrize("late", [False, True])
def test_money_that_differs_is_an_end_with_failures_and_one_event(late: bool) -> None:
    running = running_import()
    report = report_of(running.world, match=False, reason="One cent.")
    if not late:
        running.post(report)
    running.complete(counted(imported=3))
    if late:
        assert running.job.outcome is Outcome.COMPLETE
        running.post(report)
    running.post(report)
    job = running.job
    assert (job.state, job.outcome) == (JobState.COMPLETED, Outcome.COMPLETE_WITH_FAILURES)
    assert job.import_result is not None
    assert (job.import_result.financial_match, job.import_result.quality_score) == (False, 98.0)
    running.world.services.sweeps.run()
    events = running.world.services.events.list(ADMIN, running.project_id, LIST).items
    mismatch = [event for event in events if event.kind is EventKind.FINANCIAL_MISMATCH]
    assert len(mismatch) == 1
    assert "1 row differs" in mismatch[0].summary
    letters = [sent.message.subject for sent in running.world.mailer.sent]
    assert letters == ["Money does not match: Church (Move)"]


def test_a_report_that_matches_ends_well() -> None:
    running = running_import()
    running.post(report_of(running.world))
    running.complete(counted(imported=3))
    assert running.job.outcome is Outcome.COMPLETE
    view = running.world.services.imports.report(READER, running.job_id)
    assert view.report == report_of(running.world)
    assert view.job.import_result is not None
    assert view.job.import_result.stage is Stage.VERIFIED


def test_reports_are_of_the_attempt_that_posts_them_and_old_ones_stay() -> None:
    running = running_import()
    imports = running.world.services.imports
    refused(ErrorCode.IMPORT_REPORT_MISSING, lambda: imports.report(ADMIN, running.job_id))
    running.post(report_of(running.world, match=False))
    running.complete(counted(imported=3))
    running.world.services.lifecycle.rerun(ADMIN, running.job_id)
    refused(ErrorCode.ATTEMPT_SUPERSEDED, lambda: running.post(report_of(running.world)))
    assert imports.report(ADMIN, running.job_id).report.attempt == 1
    running.world.drain()
    running.agent.take(running.job)
    running.agent.report(running.job, JobPhase.RUNNING)
    running.complete(counted(unchanged=3))
    assert running.job.outcome is Outcome.COMPLETE
    running.post(report_of(running.world, attempt=2))
    assert imports.report(ADMIN, running.job_id).report.financial_match is True
    assert imports.report(ADMIN, running.job_id, 1).report.financial_match is False
    copying = running_job(running.world, container="files2")
    refused(ErrorCode.JOB_TYPE_CONFLICT, lambda: imports.report(ADMIN, copying.job_id))


def test_the_tables_of_a_report_open_in_a_spreadsheet() -> None:
    running = running_import()
    running.post(report_of(running.world, match=False))
    imports = running.world.services.imports
    rows = list(csv.DictReader(io.StringIO(b"".join(imports.reconciliation_csv(READER, running.job_id)).decode())))
    assert (rows[0]["label"], rows[0]["difference"]) == ("'=General, 2024", "-0.01")
    assert rows[0]["records"] == "rock:x:FinancialTransactionDetail:7: amount"
    bridge = list(csv.reader(io.StringIO(b"".join(imports.bridge_csv(READER, running.job_id)).decode())))
    assert bridge[1:] == [
        ["all-time", "Rock all time", "4", "20.00", ""],
        ["unexplained", "What is left", "", "0.00", ""],
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "Verified: the totals in Mission equal those in RockRMS to the cent, and no record is missing."),
        ({"match": False}, "Not equal"),
        ({"match": None, "evidence": Evidence.ACKNOWLEDGED}, "Accepted by Mission, not verified."),
        ({"match": None, "stage": Stage.DRY_RUN}, "Dry run: nothing was sent"),
    ],
)
def test_a_certificate_says_what_is_known(changes: dict[str, Any], words: str) -> None:
    running = running_import()
    running.post(report_of(running.world, **changes))
    certificate = running.world.services.imports.certificate(READER, running.job_id)
    assert certificate.verdict.startswith(words)
    assert (certificate.totals.net, certificate.ledger_sha256) == ("12.30", "a" * 64)
    assert (certificate.client_name, certificate.project_name, certificate.issued_by) == ("St. Mary", "Move", "Rita")
    assert certificate.differing_rows == (1 if changes.get("match") is False else 0)


def test_a_log_is_taken_once_and_read_by_page_kind_and_code() -> None:
    running = running_import()
    world, logs = running.world, running.world.services.import_logs
    assert running.log(*(log_row(number, world) for number in range(1, 4))) == 4
    assert running.log(*(log_row(number, world) for number in range(1, 4))) == 4
    assert running.log(log_row(6, world)) == 4
    flagged = {"kind": LogKind.FLAGGED, "entity": Entity.PEOPLE, "code": "person-unnamed"}
    assert running.log(*(log_row(number, world, **flagged) for number in range(3, 12))) == 12
    page = logs.page(READER, running.job_id, ListQuery(limit=8), LogFilter())
    assert [row.row for row in page.items] == list(range(1, 9))
    rest = logs.page(READER, running.job_id, ListQuery(limit=8, continuation=page.continuation), LogFilter())
    assert [row.row for row in rest.items] == [9, 10, 11]
    errored = logs.page(READER, running.job_id, LIST, LogFilter(kind=LogKind.ERRORED))
    assert [row.row for row in errored.items] == [1, 2, 3]
    assert logs.page(READER, running.job_id, LIST, LogFilter(entity=Entity.GROUPS)).items == []
    assert len(logs.page(READER, running.job_id, LIST, LogFilter(code="person-unnamed")).items) == 8
    summary = logs.summary(READER, running.job_id)
    assert [(group.code, group.rows, len(group.sample)) for group in summary.groups] == [
        ("mission-batch-refused", 3, 3),
        ("person-unnamed", 8, 5),
    ]
    assert summary.groups[1].title == "A person has no name"
    lines = list(csv.DictReader(io.StringIO(b"".join(logs.csv(READER, running.job_id, LogFilter())).decode())))
    assert [line["row"] for line in lines] == [str(number) for number in range(1, 12)]


def test_chunks_that_repeat_rows_are_counted_once() -> None:
    running = running_import()
    world = running.world
    running.log(*(log_row(number, world) for number in range(1, 4)))
    store_rows = [log_row(number, world, code="a-code-of-tomorrow") for number in range(3, 6)]
    running.world.services.import_logs._store.write_log("acme", running.job_id, 1, store_rows)
    summary = world.services.import_logs.summary(READER, running.job_id)
    assert summary.rows == 5
    assert {group.code: group.rows for group in summary.groups} == {"mission-batch-refused": 3, "other": 2}


def test_decisions_go_into_the_next_attempt() -> None:
    running = running_import()
    gone = GoneRecord(external_id="rock:x:FinancialTransactionDetail:9", entity=Entity.CONTRIBUTIONS)
    running.post(report_of(running.world, match=False, gone=[gone]))
    running.complete(counted(imported=3))
    assert running.job.import_result is not None
    assert running.job.import_result.gone == 1
    services = running.world.services
    void = GoneDecision(external_id=gone.external_id, decision=GoneAnswer.VOID)
    body = DecisionsBody(gone=[void], statuses={"On hold": StatusMeaning.NOT_GIFT})
    view = services.imports.decide(ADMIN, running.job_id, body)
    assert view.rockrms is not None
    assert view.rockrms.gone == [void]
    services.imports.decide(ADMIN, running.job_id, body)
    refused(
        ErrorCode.REQUEST_INVALID,
        lambda: services.imports.decide(ADMIN, running.job_id, DecisionsBody(gone=[void, void])),
    )
    services.lifecycle.rerun(ADMIN, running.job_id)
    running.world.drain()
    services.imports.decide(ADMIN, running.job_id, DecisionsBody(statuses={}))
    running.world.drain()
    (command,) = running.agent.beat().commands
    assert command.spec is not None
    assert command.spec.import_settings.gone == [void]
    assert command.spec.import_settings.statuses == {}
    assert sum(entry.event == "decided" for entry in services.jobs.history(ADMIN, running.job_id, LIST).items) == 2


def test_a_fund_is_chosen_once() -> None:
    world = World()
    project_id = world.project(world.client(), connected=False)
    choose = world.services.funds.choose
    refused(ErrorCode.REQUEST_INVALID, lambda: choose(ADMIN, project_id, FundsBody(funds=[*FUNDS, *FUNDS])))
    assert choose(ADMIN, project_id, FundsBody(funds=FUNDS)) == FUNDS
    assert world.services.rock.overview(READER, project_id).funds == FUNDS
    assert choose(ADMIN, project_id, FundsBody(funds=[])) == []


def test_an_import_that_is_deleted_leaves_nothing() -> None:
    running = running_import()
    running.log(log_row(1, running.world))
    running.post(report_of(running.world))
    running.complete(counted(imported=3))
    assert running.world.blobs.list("imports", "")
    running.world.services.jobs.delete(ADMIN, running.job_id)
    assert running.world.blobs.list("imports", "") == []
    tables = running.world.tables.everything()
    left = [row.rk for name in ("jobs", "claims", "agents") for row in tables[name] if running.job_id in row.rk]
    assert left == []


def test_a_copy_keeps_its_own_outcome() -> None:
    running = running_job()
    running.agent.report(running.job, JobPhase.COMPLETED, files=tally(transferred=1), scan_complete=True)
    assert running.job.outcome is Outcome.COMPLETE
