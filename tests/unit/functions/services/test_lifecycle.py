"""What operators do with jobs, and that each of it is in the history."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from functions.domain.job_rows import job_columns, job_key
from functions.domain.ports import RowChanged
from functions.domain.views import (
    JobAction,
    JobDuplicate,
    JobEdit,
    JobReassign,
    ListQuery,
    MirrorConfirm,
    ProjectPatch,
)
from migrate_contract.agents import HeartbeatJob
from migrate_contract.commands import CommandStatus
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.jobs import BlobDestination, JobFault, JobPhase, JobState, LocalSource
from migrate_contract.sync import SyncSettings
from tests.memory.world import ADMIN, READER, Running, World, refused, running_job, taken_job, tally


def commands(running: Running) -> list[tuple[str, int | None]]:
    return [(command.kind, command.attempt) for command in running.agent.beat().commands]


def obey(running: Running, kind: str, *, proceed: bool = True) -> None:
    """The agent acknowledges the one command of this kind."""
    found = [command for command in running.agent.beat().commands if command.kind == kind]
    assert len(found) == 1
    assert running.agent.answer(found[0].command_id) is proceed


def events(world: World, job_id: str) -> list[str]:
    """The job's history, oldest first."""
    entries = reversed(world.services.jobs.history(ADMIN, job_id, ListQuery()).items)
    return [f"{e.from_state}>{e.to_state}" if e.from_state else e.event for e in entries]


def test_a_job_from_creation_to_completion() -> None:
    world = World()
    client_id = world.client()
    agent = world.online_agent(client_id)
    job = world.new_job(world.project(client_id))
    assert (job.state, job.agent_id) == ("created", None)
    assert world.drain() == 2
    assert world.job(job.job_id).agent_id == agent.agent_id
    assert "Queued for the next heartbeat" in str(world.job(job.job_id).waiting_because)
    agent.take(job)
    assert world.job(job.job_id).waiting_because == "Accepted by agent files01, about to start."
    agent.report(job, JobPhase.SCANNING, files=tally(pending=3), bytes=tally(pending=30))
    agent.report(job, JobPhase.RUNNING, files=tally(pending=2, transferred=1), bytes=tally(pending=20, transferred=10))
    done = tally(transferred=3)
    assert (
        agent.report(job, JobPhase.COMPLETED, files=done, bytes=tally(transferred=30), scan_complete=True).state
        == "completed"
    )
    view = world.job(job.job_id)
    assert (view.state, view.outcome, view.waiting_because) == ("completed", "complete", None)
    assert (view.scan_complete, view.progress.files if view.progress else None) == (True, done)
    assert events(world, job.job_id) == [
        "created",
        "bound",
        "taken",
        "created>scanning",
        "scanning>running",
        "running>completed",
    ]
    assert agent.beat().assignments == []
    assert world.services.projects.show(ADMIN, job.project_id).status == "in_progress"


def test_history_says_who_and_why() -> None:
    running = running_job()
    running.world.services.lifecycle.cancel(ADMIN, running.job_id)
    running.agent.report(running.job, JobPhase.FAILED, fault=JobFault(code="source-not-found", detail="/data"))
    newest, asked, *_ = running.world.services.jobs.history(ADMIN, running.job_id, ListQuery()).items
    assert (newest.by, newest.reason) == ("agent files01", "source-not-found: /data")
    assert (asked.by, asked.event) == ("Ada", "cancel-asked")
    view = running.job
    assert view.fault is not None
    assert (view.fault.title, view.fault.detail) == ("Source folder not found", "/data")
    assert view.wish is None


def test_pause_is_a_wish_until_the_agent_has_done_it() -> None:
    running = running_job()
    lifecycle = running.world.services.lifecycle
    view = lifecycle.pause(ADMIN, running.job_id)
    assert view.state == "running"
    assert view.wish is not None
    assert (view.wish.kind, view.wish.by) == ("pause", "Ada")
    assert running.agent.report(running.job, JobPhase.RUNNING).wish == "pause"
    obey(running, "pause_job")
    assert "has taken it" in str(running.job.waiting_because)
    assert commands(running) == []
    running.agent.report(running.job, JobPhase.PAUSED)
    assert (running.job.state, running.job.wish) == ("paused", None)
    resumed = lifecycle.resume(ADMIN, running.job_id)
    assert (resumed.state, resumed.attempt) == ("created", 1)
    running.world.drain()
    obey(running, "start_job")
    running.agent.report(running.job, JobPhase.RUNNING)
    assert (running.job.state, running.job.attempt) == ("running", 1)


def test_a_wish_for_an_agent_that_is_away_says_so() -> None:
    running = running_job()
    running.world.clock.forward(400)
    running.world.services.lifecycle.pause(ADMIN, running.job_id)
    running.world.clock.forward(120)
    assert str(running.job.waiting_because).startswith(
        "Pause asked by Ada at 14:06:40 UTC; agent files01 is offline since 14:00:00 UTC"
    )


def test_a_pause_taken_back_in_time_never_reaches_the_agent() -> None:
    running = running_job()
    lifecycle = running.world.services.lifecycle
    lifecycle.pause(ADMIN, running.job_id)
    assert lifecycle.resume(ADMIN, running.job_id).wish is None
    assert commands(running) == []


def test_a_pause_taken_back_while_it_is_on_its_way_is_not_obeyed() -> None:
    running = running_job()
    lifecycle = running.world.services.lifecycle
    lifecycle.pause(ADMIN, running.job_id)
    (command,) = running.agent.beat().commands
    lifecycle.resume(ADMIN, running.job_id)
    assert not running.agent.answer(command.command_id)
    assert running.job.state == "running"


def test_a_pause_taken_back_too_late_is_resumed_by_itself() -> None:
    running = running_job()
    lifecycle = running.world.services.lifecycle
    lifecycle.pause(ADMIN, running.job_id)
    obey(running, "pause_job")
    lifecycle.resume(ADMIN, running.job_id)
    running.agent.report(running.job, JobPhase.PAUSED)
    assert (running.job.state, running.job.attempt) == ("created", 1)
    running.world.drain()
    obey(running, "start_job")


def test_a_job_that_no_heartbeat_has_named_yet_is_behind_all_that_were() -> None:
    running = taken_job()
    first, second, ended = ("job_" + letter * 24 for letter in "abc")
    running.agent.beat(
        jobs=[
            HeartbeatJob(job_id=ended, attempt=1, phase=JobPhase.CANCELLED),
            HeartbeatJob(job_id=first, attempt=1, phase=JobPhase.RUNNING),
            HeartbeatJob(job_id=second, attempt=1, phase=JobPhase.QUEUED, position=1),
        ]
    )
    assert running.job.waiting_because == "Agent files01 busy with other jobs, position 2."


def test_an_agent_is_not_busy_with_what_is_ended_or_paused() -> None:
    world = World()
    running = taken_job(world)
    other = world.new_job(running.project_id, destination=BlobDestination(container="other"))
    for phase in (JobPhase.CANCELLED, JobPhase.PAUSED):
        running.agent.beat(jobs=[HeartbeatJob(job_id=other.job_id, attempt=1, phase=phase)])
        assert running.job.waiting_because == "Accepted by agent files01, about to start."


def test_a_job_that_waits_behind_others_can_be_paused() -> None:
    running = taken_job()
    held = [HeartbeatJob(job_id=running.job_id, attempt=1, phase=JobPhase.QUEUED, position=2)]
    running.agent.beat(jobs=held)
    assert running.job.waiting_because == "Agent files01 busy with other jobs, position 2."
    running.world.services.lifecycle.pause(ADMIN, running.job_id)
    obey(running, "pause_job")
    running.agent.report(running.job, JobPhase.PAUSED)
    assert running.job.state == "paused"


def test_what_no_agent_holds_is_cancelled_at_once() -> None:
    world = World()
    client_id = world.client()
    agent = world.online_agent(client_id)
    job = world.new_job(world.project(client_id))
    world.drain()
    (command,) = agent.beat().commands
    assert world.services.lifecycle.cancel(ADMIN, job.job_id).state == "cancelled"
    assert not agent.answer(command.command_id)
    assert [command.kind for command in agent.beat().commands] == ["drop_job"]


def test_cancel_of_a_held_job_waits_for_the_agent_and_replaces_a_pause() -> None:
    running = running_job()
    lifecycle = running.world.services.lifecycle
    lifecycle.pause(ADMIN, running.job_id)
    view = lifecycle.cancel(ADMIN, running.job_id)
    assert view.wish is not None
    assert (view.state, view.wish.kind) == ("running", "cancel")
    assert commands(running) == [("cancel_job", 1)]
    obey(running, "cancel_job")
    running.agent.report(running.job, JobPhase.CANCELLED)
    assert running.job.state == "cancelled"
    refused(ErrorCode.JOB_STATE_CONFLICT, lambda: lifecycle.pause(ADMIN, running.job_id))
    assert lifecycle.cancel(ADMIN, running.job_id).state == "cancelled"


def test_an_agent_that_pauses_where_a_cancel_was_asked_is_cancelled() -> None:
    running = running_job()
    running.world.services.lifecycle.cancel(ADMIN, running.job_id)
    running.agent.report(running.job, JobPhase.PAUSED)
    assert running.job.state == "cancelled"


def test_a_job_that_completes_before_the_wish_arrives_is_completed() -> None:
    running = running_job()
    running.world.services.lifecycle.cancel(ADMIN, running.job_id)
    (command,) = running.agent.beat().commands
    running.agent.report(running.job, JobPhase.COMPLETED, files=tally(failed=1), bytes=tally(failed=1))
    assert (running.job.state, running.job.outcome, running.job.wish) == ("completed", "complete_with_failures", None)
    assert not running.agent.answer(command.command_id)
    assert commands(running) == []


def test_a_refused_pause_is_withdrawn() -> None:
    running = running_job()
    running.world.services.lifecycle.pause(ADMIN, running.job_id)
    (command,) = running.agent.beat().commands
    assert not running.agent.answer(command.command_id, CommandStatus.FAILED, code="command-unknown", detail="old")
    assert running.job.wish is None
    assert events(running.world, running.job_id)[-1] == "pause-refused"


def test_a_refused_start_fails_the_job_with_the_agents_words() -> None:
    world = World()
    client_id = world.client()
    agent = world.online_agent(client_id)
    job = world.new_job(world.project(client_id))
    world.drain()
    (command,) = agent.beat().commands
    assert not agent.answer(command.command_id, CommandStatus.FAILED, code="command-unknown", detail="start_job v9")
    view = world.job(job.job_id)
    assert view.state == "failed"
    assert view.fault is not None
    assert (view.fault.code, view.fault.detail) == ("command-unknown", "start_job v9")


def test_a_result_posted_twice_gets_the_same_answer() -> None:
    running = running_job()
    start = f"cmd_start-{running.job_id[4:]}-1-1"
    assert running.agent.answer(start)
    assert running.agent.answer(start)
    assert not running.agent.answer(f"cmd_start-{running.job_id[4:]}-1-9")
    assert not running.agent.answer("cmd_never-made")
    assert events(running.world, running.job_id).count("taken") == 1


def test_rerun_is_a_new_attempt_that_goes_on_nothing() -> None:
    running = running_job()
    running.agent.report(running.job, JobPhase.FAILED, files=tally(failed=2))
    view = running.world.services.lifecycle.rerun(ADMIN, running.job_id)
    assert (view.state, view.attempt, view.fault, view.progress, view.started_at) == ("created", 2, None, None, None)
    running.world.drain()
    assert commands(running) == [("start_job", 2)]


def test_rerun_without_its_agent_goes_to_the_clients_other_one() -> None:
    running = running_job()
    running.agent.report(running.job, JobPhase.COMPLETED)
    running.world.services.agents.revoke(ADMIN, running.agent.agent_id)
    other = running.world.online_agent(running.client_id)
    assert running.world.services.lifecycle.rerun(ADMIN, running.job_id).agent_id is None
    running.world.drain()
    assert running.job.agent_id == other.agent_id


def test_hold_after_scan_waits_for_approval() -> None:
    running = taken_job(hold_after_scan=True)
    lifecycle = running.world.services.lifecycle
    refused(ErrorCode.JOB_STATE_CONFLICT, lambda: lifecycle.approve(ADMIN, running.job_id))
    running.agent.report(running.job, JobPhase.READY, files=tally(pending=9), scan_complete=True)
    assert "Waits for approval" in str(running.job.waiting_because)
    assert JobAction.APPROVE in running.job.actions
    approved = lifecycle.approve(ADMIN, running.job_id)
    assert approved.approved_at is not None
    assert commands(running) == [("approve_job", 1)]
    obey(running, "approve_job")
    assert commands(running) == []
    running.agent.report(running.job, JobPhase.RUNNING)
    assert running.job.state == "running"
    assert lifecycle.approve(ADMIN, running.job_id).state == "running"


def test_approval_outlives_a_pause() -> None:
    running = taken_job(hold_after_scan=True)
    lifecycle = running.world.services.lifecycle
    running.agent.report(running.job, JobPhase.READY)
    lifecycle.approve(ADMIN, running.job_id)
    running.agent.report(running.job, JobPhase.PAUSED)
    lifecycle.resume(ADMIN, running.job_id)
    running.world.drain()
    (command,) = running.agent.beat().commands
    assert command.spec is not None
    assert command.spec.approved


@pytest.mark.parametrize("state", ["created", "taken", "paused", "unconfirmed"])
def test_reassign_is_a_new_attempt_on_the_other_agent_and_stops_the_first(state: str) -> None:
    running = taken_job() if state in ("created", "taken") else running_job()
    world = running.world
    other = world.online_agent(running.client_id)
    if state == "paused":
        running.agent.report(running.job, JobPhase.PAUSED)
    if state == "unconfirmed":
        world.clock.forward(601)
        assert running.job.unconfirmed
        other.beat()
    view = world.services.lifecycle.reassign(ADMIN, running.job_id, JobReassign(agent_id=other.agent_id))
    assert (view.attempt, view.agent_id) == (2, other.agent_id)
    assert view.state == ("paused" if state == "paused" else "created")
    refused(ErrorCode.ATTEMPT_SUPERSEDED, lambda: running.agent.report(view, JobPhase.RUNNING, attempt=1))
    refused(ErrorCode.ATTEMPT_SUPERSEDED, lambda: running.agent.grant(view, attempt=1))
    answer = running.agent.beat()
    assert ([command.kind for command in answer.commands], answer.assignments) == (["drop_job"], [])
    assert running.agent.answer(answer.commands[0].command_id)
    assert commands(running) == []
    if state == "paused":
        world.services.lifecycle.resume(ADMIN, running.job_id)
    world.drain()
    other.take(view)


def test_a_working_job_is_not_reassigned_while_its_agent_is_heard() -> None:
    running = running_job()
    other = running.world.online_agent(running.client_id)
    reassign = JobReassign(agent_id=other.agent_id)
    refused(
        ErrorCode.JOB_STATE_CONFLICT,
        lambda: running.world.services.lifecycle.reassign(ADMIN, running.job_id, reassign),
    )


def test_a_revoked_agent_takes_no_job() -> None:
    running = taken_job()
    other = running.world.online_agent(running.client_id)
    running.world.services.agents.revoke(ADMIN, other.agent_id)
    reassign = JobReassign(agent_id=other.agent_id)
    refused(ErrorCode.AGENT_REVOKED, lambda: running.world.services.lifecycle.reassign(ADMIN, running.job_id, reassign))


@pytest.mark.parametrize(
    ("wish", "state", "attempt"), [(None, "created", 2), ("pause", "paused", 2), ("cancel", "cancelled", 1)]
)
def test_revoking_an_agent_does_what_was_asked_and_frees_the_rest(wish: str | None, state: str, attempt: int) -> None:
    running = running_job()
    if wish is not None:
        getattr(running.world.services.lifecycle, wish)(ADMIN, running.job_id)
    running.world.services.agents.revoke(ADMIN, running.agent.agent_id)
    assert (running.job.state, running.job.attempt) == (state, attempt)
    if state != "cancelled":
        assert running.job.agent_id is None


def test_an_edit_before_the_start_withdraws_the_command_that_is_out() -> None:
    world = World()
    client_id = world.client()
    agent = world.online_agent(client_id)
    job = world.new_job(world.project(client_id))
    world.drain()
    (old,) = agent.beat().commands
    edit = JobEdit(name="New name", source=LocalSource(path="/other"), hold_after_scan=True)
    view = world.services.jobs.edit(ADMIN, job.job_id, edit)
    assert (view.name, view.folder.path, view.hold_after_scan) == ("New name", "/other", True)
    assert not agent.answer(old.command_id)
    world.drain()
    (new,) = agent.beat().commands
    assert new.command_id != old.command_id
    assert new.spec is not None
    assert new.spec.folder.path == "/other"
    assert agent.answer(new.command_id)
    refused(ErrorCode.JOB_STARTED, lambda: world.services.jobs.edit(ADMIN, job.job_id, edit))


def test_an_empty_edit_changes_nothing() -> None:
    running = taken_job()
    before = running.world.tables.everything()["jobs"]
    running.world.services.jobs.edit(ADMIN, running.job_id, JobEdit())
    assert running.world.tables.everything()["jobs"] == before


def test_a_duplicate_is_a_new_job_with_a_destination_of_its_own() -> None:
    running = running_job()
    jobs = running.world.services.jobs
    refused(ErrorCode.DESTINATION_OVERLAP, lambda: jobs.duplicate(ADMIN, running.job_id, JobDuplicate()))
    elsewhere = BlobDestination(container="files2")
    copy = jobs.duplicate(ADMIN, running.job_id, JobDuplicate(destination=elsewhere))
    assert (copy.name, copy.state, copy.attempt, copy.agent_id) == ("Copy (copy)", "created", 1, running.agent.agent_id)
    running.agent.report(running.job, JobPhase.COMPLETED)
    assert jobs.duplicate(ADMIN, running.job_id, JobDuplicate(name="Again")).blob.container == "files"


@pytest.mark.parametrize("phase", [JobPhase.SCANNING, JobPhase.READY, JobPhase.RUNNING])
def test_a_working_job_is_not_deleted(phase: JobPhase) -> None:
    running = taken_job()
    running.agent.report(running.job, phase)
    refused(ErrorCode.JOB_WORKING, lambda: running.world.services.jobs.delete(ADMIN, running.job_id))


@pytest.mark.parametrize("state", ["created", "taken", "paused", "failed", "completed", "cancelled"])
def test_deleting_a_job_leaves_nothing_of_it(state: str) -> None:
    running = running_job() if state not in ("created", "taken") else taken_job()
    world, job_id = running.world, running.job_id
    if state in ("paused", "failed", "completed", "cancelled"):
        running.agent.grant(running.job)
        running.agent.report(running.job, JobPhase(state))
    for _ in range(120):
        world.services.audit.record("acme", "x", "y", "z")
    world.services.jobs.delete(ADMIN, job_id)
    world.drain()
    refused(ErrorCode.NOT_FOUND, lambda: world.job(job_id))
    assert world.tables.everything()["jobs"] == []
    assert all(job_id not in repr(row) for row in world.tables.everything()["claims"])
    refused(
        ErrorCode.NOT_FOUND,
        lambda: running.agent.report(job_id, JobPhase.RUNNING, attempt=1),
    )
    assert [c.kind for c in running.agent.beat().commands] == (
        ["drop_job"] if state in ("created", "taken", "paused") else []
    )
    world.services.projects.delete(ADMIN, running.project_id)


def test_a_job_with_a_long_history_is_deleted_whole() -> None:
    running = running_job()
    for _ in range(70):
        running.world.services.lifecycle.pause(ADMIN, running.job_id)
        running.world.services.lifecycle.resume(ADMIN, running.job_id)
    running.agent.report(running.job, JobPhase.FAILED)
    assert len(running.world.tables.partition("jobs", f"acme|{running.project_id}")) > 140
    running.world.services.jobs.delete(ADMIN, running.job_id)
    assert running.world.tables.everything()["jobs"] == []


def test_a_closed_project_takes_no_job_and_is_not_closed_while_one_works() -> None:
    running = running_job()
    world = running.world
    close = ProjectPatch(status="completed")
    refused(ErrorCode.JOB_WORKING, lambda: world.services.projects.change(ADMIN, running.project_id, close))
    running.agent.report(running.job, JobPhase.FAILED)
    assert world.services.projects.change(ADMIN, running.project_id, close).status == "completed"
    refused(ErrorCode.PROJECT_CLOSED, lambda: world.services.lifecycle.rerun(ADMIN, running.job_id))
    refused(ErrorCode.PROJECT_CLOSED, lambda: world.new_job(running.project_id, container="other"))
    reopened = world.services.projects.change(ADMIN, running.project_id, ProjectPatch(status="in_progress"))
    assert reopened.status == "in_progress"
    world.services.lifecycle.rerun(ADMIN, running.job_id)


ACTIONS = {
    JobAction.PAUSE: lambda r: r.world.services.lifecycle.pause(ADMIN, r.job_id),
    JobAction.RESUME: lambda r: r.world.services.lifecycle.resume(ADMIN, r.job_id),
    JobAction.CANCEL: lambda r: r.world.services.lifecycle.cancel(ADMIN, r.job_id),
    JobAction.RERUN: lambda r: r.world.services.lifecycle.rerun(ADMIN, r.job_id),
    JobAction.APPROVE: lambda r: r.world.services.lifecycle.approve(ADMIN, r.job_id),
    JobAction.EDIT: lambda r: r.world.services.jobs.edit(ADMIN, r.job_id, JobEdit(name="N")),
    JobAction.DELETE: lambda r: r.world.services.jobs.delete(ADMIN, r.job_id),
    JobAction.DUPLICATE: lambda r: r.world.services.jobs.duplicate(
        ADMIN, r.job_id, JobDuplicate(destination=BlobDestination(container="elsewhere"))
    ),
    JobAction.REASSIGN: lambda r: r.world.services.lifecycle.reassign(
        ADMIN, r.job_id, JobReassign(agent_id=r.world.online_agent(r.client_id).agent_id)
    ),
    JobAction.RETRY_FAILED: lambda r: r.world.services.lifecycle.retry_failed(ADMIN, r.job_id),
    JobAction.SYNC: lambda r: r.world.services.syncs.change(ADMIN, r.job_id, SyncSettings(schedule="0 2 * * *")),
    JobAction.CUTOVER: lambda r: r.world.services.lifecycle.cutover(ADMIN, r.job_id),
    JobAction.MIRROR_CONFIRM: lambda r: r.world.services.syncs.confirm_mirror(
        ADMIN, r.job_id, MirrorConfirm(container="files")
    ),
    JobAction.MIRROR_WITHDRAW: lambda r: r.world.services.syncs.withdraw_mirror(ADMIN, r.job_id),
}
IMPOSSIBLE = (
    ErrorCode.JOB_STATE_CONFLICT,
    ErrorCode.JOB_STARTED,
    ErrorCode.JOB_WORKING,
    ErrorCode.JOB_TYPE_CONFLICT,
)
SITUATIONS = ["created", "taken", "scanning", "ready", "running", "paused", "failed", "completed", "cancelled"]
REPEATS = {("paused", JobAction.PAUSE), ("cancelled", JobAction.CANCEL)}
"""Allowed because it is so already."""


@pytest.mark.parametrize(("situation", "action"), list(product(SITUATIONS, ACTIONS)))
def test_the_page_offers_exactly_what_is_possible(situation: str, action: JobAction) -> None:
    if situation == "created":
        world = World()
        client_id = world.client()
        agent = world.online_agent(client_id)
        project_id = world.project(client_id)
        running = Running(world, client_id, project_id, agent, world.new_job(project_id).job_id)
    else:
        running = taken_job(hold_after_scan=True)
        if situation != "taken":
            running.agent.report(running.job, JobPhase(situation))
    assert set(ACTIONS) == set(JobAction)
    offered = action in running.job.actions
    assert running.world.job(running.job_id, READER).actions == []
    try:
        ACTIONS[action](running)
        possible = True
    except Fatal as error:
        if error.code not in IMPOSSIBLE:
            raise
        possible = False
    if (situation, action) in REPEATS:
        assert possible
    else:
        assert possible is offered


def test_a_stale_etag_is_refused_and_the_move_is_worked_out_anew() -> None:
    running = running_job()
    store = running.world.store()
    found = store.find("acme", running.job_id)
    assert found is not None
    job, etag = found
    running.world.services.lifecycle.pause(ADMIN, running.job_id)
    with pytest.raises(RowChanged):
        store.replace(replace(job, state=JobState.COMPLETED), etag, [])
    assert (running.job.state, running.job.wish is not None) == ("running", True)


def test_an_operator_and_an_agent_at_once_lose_nothing() -> None:
    running = running_job()
    world = running.world

    def race(table: str, pk: str, rk: str) -> None:
        if table == "jobs" and rk.startswith("job|"):
            world.tables.before_write = None
            running.agent.report(running.job, JobPhase.COMPLETED)

    world.tables.before_write = race
    refused(ErrorCode.JOB_STATE_CONFLICT, lambda: world.services.lifecycle.pause(ADMIN, running.job_id))
    assert running.job.state == "completed"


def test_a_write_whose_answer_was_lost_is_recognised_as_done() -> None:
    """The storage client repeats a write that it got no answer to, and is told that the row has changed."""
    running = running_job()
    running.agent.report(running.job, JobPhase.FAILED)
    world = running.world
    original = world.tables.transact

    def lose_answer(table: str, pk: str, operations: object) -> None:
        world.tables.transact = original  # type: ignore[method-assign]
        original(table, pk, operations)  # type: ignore[arg-type]
        raise RowChanged

    world.tables.transact = lose_answer  # type: ignore[method-assign]
    assert world.services.lifecycle.rerun(ADMIN, running.job_id).attempt == 2
    assert events(world, running.job_id)[-1] == "failed>created"


def test_a_job_and_its_history_are_written_together_or_not_at_all() -> None:
    running = running_job()
    key = job_key(running.job_id)
    before = running.world.tables.get("jobs", f"acme|{running.project_id}", key)
    assert before is not None
    entries = len(events(running.world, running.job_id))
    found = running.world.store().find("acme", running.job_id)
    assert found is not None
    assert found[0].entries == entries
    assert job_columns(found[0])["entries"] == entries
