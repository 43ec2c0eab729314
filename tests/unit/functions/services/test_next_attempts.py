"""The settings of an import's next attempt: changed between attempts, never under an agent's hands."""

from __future__ import annotations

from functions.domain.rockrms_views import DecisionsBody, ImportSettingsBody
from functions.domain.views import ListQuery
from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import JobState
from migrate_contract.rockrms import GoneAnswer, GoneDecision, Stage
from tests.memory.imports import import_body, new_import, report_of, running_import, taken_import
from tests.memory.world import ADMIN, READER, World, refused


def reasons(world: World, job_id: str) -> list[str]:
    """Result: the job's history, newest last or first."""
    return [entry.reason for entry in world.services.jobs.history(ADMIN, job_id, ListQuery(limit=200)).items]


def test_after_its_dry_run_the_same_job_imports() -> None:
    running = running_import(rockrms=import_body(dry_run=True))
    world, job_id = running.world, running.job_id
    running.post(report_of(world, match=None, stage=Stage.DRY_RUN))
    running.complete()
    assert running.job.state is JobState.COMPLETED
    world.services.next_attempts.leave_dry_run(ADMIN, job_id)
    world.services.lifecycle.rerun(ADMIN, job_id)
    world.drain()
    (command,) = running.agent.beat().commands
    assert command.attempt == 2
    assert command.spec is not None
    assert not command.spec.import_settings.dry_run
    assert "Settings of the next attempt changed" in reasons(world, job_id)


def test_settings_change_and_decisions_about_gone_records_stay() -> None:
    running = running_import()
    world, job_id = running.world, running.job_id
    running.complete()
    gone = [GoneDecision(external_id="rock:x:FinancialTransactionDetail:7", decision=GoneAnswer.KEEP)]
    world.services.imports.decide(ADMIN, job_id, DecisionsBody(gone=gone))
    body = ImportSettingsBody(rockrms=import_body(campus_ids=[2], currency="EUR"), name="Second look")
    changed = world.services.next_attempts.change(ADMIN, job_id, body)
    assert changed.name == "Second look"
    assert changed.rockrms is not None
    assert (changed.rockrms.campus_ids, changed.rockrms.currency, changed.rockrms.gone) == ([2], "EUR", gone)
    before = len(reasons(world, job_id))
    world.services.next_attempts.change(ADMIN, job_id, body)
    assert len(reasons(world, job_id)) == before, "the same again changes nothing"


def test_nothing_changes_while_an_agent_has_the_attempt() -> None:
    taken = taken_import()
    body = ImportSettingsBody(rockrms=import_body())
    services = taken.world.services.next_attempts
    fault = refused(ErrorCode.JOB_STARTED, lambda: services.change(ADMIN, taken.job_id, body))
    assert "let it end first" in fault.detail
    refused(ErrorCode.JOB_STARTED, lambda: services.leave_dry_run(ADMIN, taken.job_id))
    refused(ErrorCode.ROLE_INSUFFICIENT, lambda: services.change(READER, taken.job_id, body))


def test_a_start_that_is_on_its_way_is_sent_anew() -> None:
    running = running_import()
    world = running.world
    running.complete()
    job = new_import(world, running.project_id)
    world.drain()
    changed = world.services.next_attempts.change(
        ADMIN, job.job_id, ImportSettingsBody(rockrms=import_body(currency="CAD"))
    )
    assert changed.rockrms is not None
    world.drain()
    commands = [command for command in running.agent.beat().commands if command.job_id == job.job_id]
    assert [command.spec.import_settings.currency for command in commands if command.spec] == ["CAD"]


def test_a_job_of_files_has_no_such_settings() -> None:
    running = running_import()
    world = running.world
    files = world.new_job(world.project(running.client_id))
    body = ImportSettingsBody(rockrms=import_body())
    refused(ErrorCode.JOB_TYPE_CONFLICT, lambda: world.services.next_attempts.change(ADMIN, files.job_id, body))
