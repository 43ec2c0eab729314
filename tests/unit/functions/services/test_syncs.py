"""Schedules, the mirror's confirmation, the cutover, and reruns about failed files only."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from functions.domain.expiry import EndKind, SignInEnd
from functions.domain.views import (
    BandwidthScheduleBody,
    JobAction,
    JobCreate,
    JobEdit,
    ListQuery,
    MirrorConfirm,
    ProjectCreate,
    ProjectPatch,
)
from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import (
    AccessTier,
    BlobDestination,
    Bucket,
    FailedFilesRequest,
    GrantPurpose,
    GrantRequest,
    JobPhase,
    JobState,
    JobType,
    LedgerChunk,
    LedgerRow,
    LocalSource,
    Outcome,
    TransferSettings,
    Verification,
)
from migrate_contract.sync import MirrorMode, MirrorRules, MirrorTally, SyncSettings
from tests.memory.world import ADMIN, ORGANIZATION, Running, World, refused, running_job, tally

NIGHTLY = SyncSettings(schedule="0 2 * * *")
MIRROR = SyncSettings(mirror=MirrorRules(max_delete_files=5, max_delete_percent=10))
LISTED = MirrorTally(mode=MirrorMode.PREVIEW, complete=True, ours_files=9, surplus_files=2)
CONFIRM = MirrorConfirm(container="files")


def sync(settings: SyncSettings | None = NIGHTLY, **fields: Any) -> Running:
    """A sync that its agent is running; the clock stands at 2026-03-02 14:00 UTC."""
    return running_job(type=JobType.SYNC, sync=settings, **fields)


def end(running: Running, **numbers: Any) -> None:
    numbers.setdefault("files", tally(transferred=3))
    running.agent.report(running.job, JobPhase.COMPLETED, **numbers)


def take(running: Running) -> None:
    """The agent takes the newest attempt and runs it."""
    running.world.drain()
    running.agent.take(running.job)
    running.agent.report(running.job, JobPhase.RUNNING)


def sweep(running: Running, days: float = 0, seconds: float = 0) -> Any:
    running.world.clock.forward(days * 86_400 + seconds)
    return running.world.services.sweeps.run()


def events(running: Running) -> list[str]:
    history = running.world.services.jobs.history(ADMIN, running.job_id, ListQuery(limit=100)).items
    return [entry.event for entry in reversed(history)]


# Schedules


def test_a_due_run_is_a_new_attempt_and_any_number_of_sweeps_begin_it_once() -> None:
    running = sync()
    end(running)
    assert running.job.sync is not None
    assert running.job.sync.next_run_at == datetime(2026, 3, 3, 2, tzinfo=UTC)
    assert sweep(running, seconds=3600).runs_begun == 0
    assert sweep(running, days=1).runs_begun == 1
    assert (running.job.state, running.job.attempt) == (JobState.CREATED, 2)
    assert sweep(running).runs_begun == 0
    assert running.job.sync.next_run_at == datetime(2026, 3, 4, 2, tzinfo=UTC)
    take(running)
    end(running)
    # Missed days are one run.
    assert sweep(running, days=5).runs_begun == 1
    assert sweep(running).runs_begun == 0
    assert running.job.attempt == 3


def test_two_sweeps_at_once_begin_one_run() -> None:
    running = sync()
    end(running)
    world = running.world
    world.clock.forward(86_400)

    def race(table: str, pk: str, rk: str) -> None:
        if table == "jobs":
            world.tables.before_write = None
            assert world.services.sweeps.run().runs_begun == 1

    world.tables.before_write = race
    assert world.services.sweeps.run().runs_begun == 0
    assert running.job.attempt == 2


def test_an_overlap_is_skipped_and_said_until_a_run_begins() -> None:
    running = sync()
    result = sweep(running, days=1)
    assert (result.runs_begun, result.runs_skipped) == (0, 1)
    assert (running.job.state, running.job.attempt) == (JobState.RUNNING, 1)
    view = running.job.sync
    assert view is not None
    assert view.skipped_because == "The run of 2026-03-03 02:00 UTC was skipped: attempt 1 is still running"
    assert view.next_run_at == datetime(2026, 3, 4, 2, tzinfo=UTC)
    assert events(running)[-1] == "run-skipped"
    end(running)
    assert sweep(running, days=1).runs_begun == 1
    assert running.job.sync is not None
    assert (running.job.sync.skipped_at, running.job.sync.skipped_because) == (None, "")


def test_a_closed_project_and_a_taken_destination_skip_the_run_and_say_why() -> None:
    running = sync(prefix="a")
    end(running)
    world = running.world
    world.services.projects.change(ADMIN, running.project_id, ProjectPatch(status="completed"))
    assert sweep(running, days=1).runs_skipped == 1
    assert running.job.sync is not None
    assert "project" in running.job.sync.skipped_because.lower()
    world.services.projects.change(ADMIN, running.project_id, ProjectPatch(status="in_progress"))
    world.new_job(running.project_id, prefix="a/b")
    assert sweep(running, days=1).runs_skipped == 1
    assert running.job.state is JobState.COMPLETED
    assert "a/b" in running.job.sync.skipped_because


def test_a_sign_in_that_has_ended_skips_the_run_and_says_why() -> None:
    running = sync()
    end(running)
    mark = SignInEnd(project_connected_at(running), running.world.clock.now, EndKind.REFUSED, "AADSTS50173: revoked")
    running.world.tables.merge("projects", ORGANIZATION, running.project_id, mark.columns, None)
    assert sweep(running, days=1).runs_skipped == 1
    assert running.job.sync is not None
    assert "azure credentials expired" in running.job.sync.skipped_because
    assert "AADSTS50173" in running.job.sync.skipped_because


def project_connected_at(running: Running) -> datetime:
    connection = running.world.services.projects.show(ADMIN, running.project_id).azure_connection
    assert connection is not None
    return connection.connected_at


def test_the_schedule_goes_by_the_projects_clock() -> None:
    world = World()
    client_id = world.client()
    body = ProjectCreate(client_id=client_id, name="Move", time_zone="America/New_York")
    project_id = world.services.projects.create(ADMIN, body).project_id
    job = world.new_job(project_id, type=JobType.SYNC, sync=NIGHTLY)
    assert job.sync is not None
    assert (job.sync.zone, job.sync.next_run_at) == ("America/New_York", datetime(2026, 3, 3, 7, tzinfo=UTC))
    world.services.projects.change(ADMIN, project_id, ProjectPatch(time_zone="Asia/Tokyo"))
    changed = world.services.syncs.change(ADMIN, job.job_id, SyncSettings(schedule="0 3 * * *"))
    assert changed.sync is not None
    assert changed.sync.next_run_at == datetime(2026, 3, 2, 18, tzinfo=UTC)
    with pytest.raises(ValidationError, match="time zone"):
        ProjectPatch(time_zone="Berlin")


def test_a_project_without_a_zone_of_its_own_goes_by_its_bandwidth_schedules() -> None:
    running = sync()
    zone = BandwidthScheduleBody(zone="Europe/Berlin")
    running.world.services.bandwidth.schedule_project(ADMIN, running.project_id, zone)
    view = running.world.services.syncs.change(ADMIN, running.job_id, SyncSettings(schedule="0 4 * * *")).sync
    assert view is not None
    assert (view.zone, view.next_run_at) == ("Europe/Berlin", datetime(2026, 3, 3, 3, tzinfo=UTC))
    running.world.services.projects.change(ADMIN, running.project_id, ProjectPatch(time_zone="UTC"))
    assert running.job.sync is not None
    assert running.job.sync.zone == "UTC"


@pytest.mark.parametrize("cron", ["*/5 * * * *", "never", "0 0 31 2 *"])
def test_a_schedule_that_cannot_be_used_is_refused_with_its_reason(cron: str) -> None:
    running = sync()
    bad = SyncSettings(schedule=cron)
    refused(ErrorCode.SCHEDULE_INVALID, lambda: running.world.services.syncs.change(ADMIN, running.job_id, bad))
    refused(
        ErrorCode.SCHEDULE_INVALID,
        lambda: running.world.new_job(running.project_id, container="other", type=JobType.SYNC, sync=bad),
    )


def test_the_schedule_can_be_changed_while_it_runs_and_switched_off() -> None:
    running = sync()
    changed = running.world.services.syncs.change(ADMIN, running.job_id, SyncSettings())
    assert changed.sync is not None
    assert (changed.sync.schedule, changed.sync.next_run_at) == (None, None)
    end(running)
    assert sweep(running, days=9).runs_begun == 0
    assert "sync-changed" in events(running)


def test_only_a_sync_has_a_schedule_a_mirror_or_a_cutover() -> None:
    running = running_job()
    services = running.world.services
    refused(ErrorCode.JOB_TYPE_CONFLICT, lambda: services.syncs.change(ADMIN, running.job_id, NIGHTLY))
    refused(ErrorCode.JOB_TYPE_CONFLICT, lambda: services.lifecycle.cutover(ADMIN, running.job_id))
    refused(ErrorCode.JOB_TYPE_CONFLICT, lambda: services.syncs.confirm_mirror(ADMIN, running.job_id, CONFIRM))
    fields: dict[str, Any] = {
        "project_id": running.project_id,
        "name": "X",
        "source": LocalSource(path="/x"),
        "destination": BlobDestination(container="other"),
    }
    for wrong in (
        {"sync": NIGHTLY},
        {"type": JobType.ARCHIVE},
        {"type": JobType.SYNC, "transfer": TransferSettings(access_tier=AccessTier.ARCHIVE)},
    ):
        with pytest.raises(ValidationError):
            JobCreate(**fields, **wrong)
    archive = JobCreate(**fields, type=JobType.ARCHIVE, transfer=TransferSettings(access_tier=AccessTier.COOL))
    created = services.jobs.create(ADMIN, archive)
    wrong_edit = JobEdit(transfer=TransferSettings())
    refused(ErrorCode.REQUEST_INVALID, lambda: services.jobs.edit(ADMIN, created.job_id, wrong_edit))


# The cutover


def test_a_cutover_is_one_run_by_hash_after_which_nothing_runs_by_itself() -> None:
    running = sync(transfer=TransferSettings(verification=Verification.BLOCK))
    refused(ErrorCode.JOB_STATE_CONFLICT, lambda: running.world.services.lifecycle.cutover(ADMIN, running.job_id))
    end(running)
    job = running.world.services.lifecycle.cutover(ADMIN, running.job_id)
    assert (job.attempt, job.final, job.state) == (2, True, JobState.CREATED)
    assert job.sync is not None
    assert (job.sync.schedule, job.sync.next_run_at) == (None, None)
    spec = spec_of(running)
    assert (spec.final, spec.transfer.verification) == (True, Verification.STORED)
    take(running)
    end(running)
    assert sweep(running, days=3).runs_begun == 0
    assert not running.world.services.lifecycle.rerun(ADMIN, running.job_id).final


# The mirror


def spec_of(running: Running) -> Any:
    found = running.world.store().find("acme", running.job_id)
    assert found is not None
    return found[0].spec


def test_a_mirror_lists_until_its_list_is_confirmed_by_the_containers_name() -> None:
    running = sync(MIRROR)
    services = running.world.services
    assert spec_of(running).mirror.mode is MirrorMode.PREVIEW
    mirror_grant = GrantRequest(attempt=1, purpose=GrantPurpose.MIRROR)
    refused(
        ErrorCode.GRANT_REFUSED, lambda: services.grants.issue(running.agent.caller(), running.job_id, mirror_grant)
    )
    refused(ErrorCode.MIRROR_NOT_PREVIEWED, lambda: services.syncs.confirm_mirror(ADMIN, running.job_id, CONFIRM))
    end(running, mirror=LISTED)
    assert JobAction.MIRROR_CONFIRM in running.job.actions
    wrong = MirrorConfirm(container="file")
    refused(ErrorCode.CONFIRMATION_MISMATCH, lambda: services.syncs.confirm_mirror(ADMIN, running.job_id, wrong))
    confirmed = services.syncs.confirm_mirror(ADMIN, running.job_id, CONFIRM)
    assert confirmed.sync is not None
    assert (confirmed.sync.mirror_confirmed_by, JobAction.MIRROR_WITHDRAW in confirmed.actions) == ("Ada", True)
    services.lifecycle.rerun(ADMIN, running.job_id)
    take(running)
    order = spec_of(running).mirror
    assert (order.mode, order.max_delete_files, order.max_delete_percent) == (MirrorMode.DELETE, 5, 10)
    ordinary = services.grants.issue(running.agent.caller(), running.job_id, GrantRequest(attempt=2))
    deleting = services.grants.issue(
        running.agent.caller(), running.job_id, GrantRequest(attempt=2, purpose=GrantPurpose.MIRROR)
    )
    assert "sp=rdl" in deleting.sas_token
    assert "sp=rdl" not in ordinary.sas_token
    services.syncs.withdraw_mirror(ADMIN, running.job_id)
    again = GrantRequest(attempt=2, purpose=GrantPurpose.MIRROR)
    refused(ErrorCode.GRANT_REFUSED, lambda: services.grants.issue(running.agent.caller(), running.job_id, again))
    assert [event for event in events(running) if event.startswith("mirror")] == [
        "mirror-confirmed",
        "mirror-withdrawn",
    ]


@pytest.mark.parametrize(
    "mirror", [None, LISTED.model_copy(update={"complete": False, "kept_because": "a folder could not be read"})]
)
def test_without_a_whole_list_there_is_nothing_to_confirm(mirror: MirrorTally | None) -> None:
    running = sync(MIRROR)
    end(running, mirror=mirror)
    assert JobAction.MIRROR_CONFIRM not in running.job.actions
    refused(
        ErrorCode.MIRROR_NOT_PREVIEWED,
        lambda: running.world.services.syncs.confirm_mirror(ADMIN, running.job_id, CONFIRM),
    )


def test_other_limits_another_source_and_no_mirror_are_confirmed_anew() -> None:
    def confirmed() -> Running:
        running = sync(MIRROR)
        end(running, mirror=LISTED)
        running.world.services.syncs.confirm_mirror(ADMIN, running.job_id, CONFIRM)
        return running

    running = confirmed()
    services = running.world.services
    looser = SyncSettings(mirror=MirrorRules(max_delete_files=6, max_delete_percent=10))
    changed = services.syncs.change(ADMIN, running.job_id, looser)
    assert changed.sync is not None
    assert changed.sync.mirror_confirmed_at is None

    running = confirmed()
    services = running.world.services
    same_mirror = SyncSettings(schedule="0 3 * * *", mirror=MIRROR.mirror)
    kept = services.syncs.change(ADMIN, running.job_id, same_mirror)
    assert kept.sync is not None
    assert kept.sync.mirror_confirmed_at is not None
    services.lifecycle.rerun(ADMIN, running.job_id)
    edited = services.jobs.edit(ADMIN, running.job_id, JobEdit(source=LocalSource(path="/elsewhere")))
    assert edited.sync is not None
    assert edited.sync.mirror_confirmed_at is None


# Failed files only


def row(number: int, bucket: Bucket, **fields: Any) -> LedgerRow:
    plain = LedgerRow(
        row=number, path=f"f{number}", bucket=bucket, finished_at=datetime(2026, 3, 2, tzinfo=UTC), size_bytes=10
    )
    return plain.model_copy(update=fields)


def ship(running: Running, *rows: LedgerRow) -> None:
    chunk = LedgerChunk(attempt=running.job.attempt, rows=list(rows))
    running.world.services.ledgers.append(running.agent.caller(), running.job_id, chunk)


def failed_files(running: Running, after: int = 0) -> Any:
    body = FailedFilesRequest(attempt=running.job.attempt, after_row=after)
    return running.world.services.ledgers.failed_files(running.agent.caller(), running.job_id, body)


def test_a_retry_is_about_the_failed_files_of_the_attempt_before() -> None:
    running = running_job()
    services = running.world.services
    ship(running, row(1, Bucket.TRANSFERRED), row(2, Bucket.FAILED), row(3, Bucket.FAILED))
    assert failed_files(running).paths == []
    end(running, files=tally(transferred=1, failed=2), outcome=Outcome.COMPLETE_WITH_FAILURES)
    assert JobAction.RETRY_FAILED in running.job.actions
    job = services.lifecycle.retry_failed(ADMIN, running.job_id)
    assert (job.attempt, job.failed_of) == (2, 1)
    assert spec_of(running).failed_of == 1
    take(running)
    assert failed_files(running).paths == ["f2", "f3"]
    assert failed_files(running).next_row is None
    ship(running, row(1, Bucket.FAILED, path="f2"))
    end(running, files=tally(failed=1, transferred=1), outcome=Outcome.COMPLETE_WITH_FAILURES)
    services.lifecycle.retry_failed(ADMIN, running.job_id)
    take(running)
    assert failed_files(running).paths == ["f2"]
    end(running)
    assert JobAction.RETRY_FAILED not in running.job.actions
    rerun = services.lifecycle.rerun(ADMIN, running.job_id)
    assert rerun.failed_of is None


def test_a_long_list_of_failed_files_comes_in_pages() -> None:
    running = running_job()
    ship(running, *(row(number, Bucket.FAILED) for number in range(1, 1502)))
    end(running, files=tally(failed=1501), outcome=Outcome.COMPLETE_WITH_FAILURES)
    running.world.services.lifecycle.retry_failed(ADMIN, running.job_id)
    take(running)
    first = failed_files(running)
    assert (len(first.paths), first.next_row) == (1000, 1000)
    second = failed_files(running, first.next_row)
    assert (second.paths[0], len(second.paths), second.next_row) == ("f1001", 501, None)


@pytest.mark.parametrize(
    ("phase", "numbers"),
    [
        (JobPhase.COMPLETED, {"files": tally(transferred=3)}),
        (JobPhase.COMPLETED, {"files": tally(transferred=1, failed=1, pending=1)}),
        (JobPhase.FAILED, {"files": tally(failed=1)}),
        (JobPhase.CANCELLED, {"files": tally(failed=1)}),
    ],
)
def test_an_attempt_that_left_files_undecided_is_rerun_and_not_retried(phase: JobPhase, numbers: Any) -> None:
    running = running_job()
    running.agent.report(running.job, phase, **numbers)
    refused(ErrorCode.JOB_STATE_CONFLICT, lambda: running.world.services.lifecycle.retry_failed(ADMIN, running.job_id))
    assert JobAction.RETRY_FAILED not in running.job.actions


def test_a_retry_mirrors_nothing_and_stays_a_retry_when_it_is_lost() -> None:
    running = sync(MIRROR)
    end(running, files=tally(failed=1), outcome=Outcome.COMPLETE_WITH_FAILURES, mirror=LISTED)
    running.world.services.syncs.confirm_mirror(ADMIN, running.job_id, CONFIRM)
    running.world.services.lifecycle.retry_failed(ADMIN, running.job_id)
    assert spec_of(running).mirror is None
    take(running)
    running.agent.report(running.job, JobPhase.LOST)
    assert (running.job.attempt, running.job.failed_of) == (3, 1)


# Safe to delete


def test_the_safe_list_has_what_is_verified_and_unchanged_over_the_attempts_that_belong_together() -> None:
    running = running_job()
    services = running.world.services
    good = {"verification": Verification.STORED, "safe_to_delete": True, "access_tier": AccessTier.ARCHIVE}
    ship(
        running,
        row(1, Bucket.TRANSFERRED, **good),
        row(2, Bucket.UNCHANGED, **good, path="=cmd()"),
        row(3, Bucket.TRANSFERRED, **{**good, "safe_to_delete": False}),
        row(4, Bucket.TRANSFERRED, **{**good, "verification": Verification.BLOCK}),
        row(5, Bucket.FAILED, **good),
        row(6, Bucket.FAILED),
    )
    assert safe(running) == ["f1", "./=cmd()"]
    numbers = tally(transferred=3, unchanged=1, failed=2)
    end(running, files=numbers, outcome=Outcome.COMPLETE_WITH_FAILURES)
    report = services.reports.job_report(ADMIN, running.job_id)
    assert (report.safe_files, report.safe_bytes) == (2, 20)
    services.lifecycle.retry_failed(ADMIN, running.job_id)
    take(running)
    ship(running, row(1, Bucket.TRANSFERRED, **good, path="f6"))
    assert safe(running) == ["f1", "./=cmd()", "f6"]
    assert services.reports.job_report(ADMIN, running.job_id).safe_files == 3
    end(running)
    services.lifecycle.rerun(ADMIN, running.job_id)
    assert safe(running) == []


def safe(running: Running) -> list[str]:
    content = b"".join(running.world.services.ledgers.safe_csv(ADMIN, running.job_id)).decode()
    rows = list(csv.DictReader(io.StringIO(content)))
    assert all(found["access_tier"] == "archive" and found["checked_at"] for found in rows)
    return [found["path"] for found in rows]


def test_rows_of_the_mirror_are_no_found_files_and_the_report_still_adds_up() -> None:
    running = sync(MIRROR)
    ship(
        running,
        row(1, Bucket.TRANSFERRED),
        row(2, Bucket.DELETED),
        row(3, Bucket.SURPLUS, code="mirror-kept"),
    )
    sizes = tally(transferred=10)
    end(running, files=tally(transferred=1), bytes=sizes, mirror=LISTED)
    report = running.world.services.reports.job_report(ADMIN, running.job_id)
    assert (report.ledger_rows, report.ledger_complete, report.adds_up) == (3, True, True)
    counted = {line.bucket: line.files for line in report.ledger}
    assert (counted[Bucket.DELETED], counted[Bucket.SURPLUS]) == (1, 1)
