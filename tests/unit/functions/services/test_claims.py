"""Who may write where."""

from __future__ import annotations

import pytest

from functions.domain.views import JobEdit
from functions.services.claims import overlaps
from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import BlobDestination, JobPhase
from tests.memory.world import ADMIN, World, refused, running_job


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("", "", True),
        ("", "a", True),
        ("a", "a", True),
        ("a", "a/b", True),
        ("a/b", "a", True),
        ("a", "ab", False),
        ("a/b", "a/bc", False),
        ("a/b", "a/c", False),
    ],
)
def test_prefixes_overlap_by_folder(left: str, right: str, expected: bool) -> None:
    assert overlaps(left, right) is expected
    assert overlaps(right, left) is expected


def a_project() -> tuple[World, str]:
    world = World()
    return world, world.project(world.client())


def test_two_unfinished_jobs_do_not_overlap() -> None:
    world, project_id = a_project()
    first = world.new_job(project_id, prefix="a")
    overlap = refused(ErrorCode.DESTINATION_OVERLAP, lambda: world.new_job(project_id, prefix="a/b"))
    assert first.job_id in overlap.detail
    world.new_job(project_id, prefix="ab")
    world.new_job(project_id, container="other", prefix="a")
    assert len([row for row in world.tables.everything()["jobs"] if row.rk.startswith("job|")]) == 3


def test_an_ended_or_deleted_job_leaves_its_place() -> None:
    world, project_id = a_project()
    for end in ("cancel", "delete"):
        job = world.new_job(project_id)
        refused(ErrorCode.DESTINATION_OVERLAP, lambda: world.new_job(project_id))
        if end == "cancel":
            world.services.lifecycle.cancel(ADMIN, job.job_id)
        else:
            world.services.jobs.delete(ADMIN, job.job_id)
    world.new_job(project_id)


def test_a_rerun_takes_its_place_again_or_is_refused() -> None:
    running = running_job()
    running.agent.report(running.job, JobPhase.FAILED)
    other = running.world.new_job(running.project_id)
    rerun = running.world.services.lifecycle.rerun
    refused(ErrorCode.DESTINATION_OVERLAP, lambda: rerun(ADMIN, running.job_id))
    assert running.job.state == "failed"
    running.world.services.lifecycle.cancel(ADMIN, other.job_id)
    rerun(ADMIN, running.job_id)
    refused(ErrorCode.DESTINATION_OVERLAP, lambda: rerun(ADMIN, other.job_id))


def test_a_container_belongs_to_one_client_for_as_long_as_files_may_be_in_it() -> None:
    running = running_job()
    world = running.world
    theirs = world.project(world.client(name="Other"))
    refused(ErrorCode.CONTAINER_OF_ANOTHER_CLIENT, lambda: world.new_job(theirs, prefix="elsewhere"))
    running.agent.grant(running.job)
    running.agent.report(running.job, JobPhase.COMPLETED)
    world.services.jobs.delete(ADMIN, running.job_id)
    refused(ErrorCode.CONTAINER_OF_ANOTHER_CLIENT, lambda: world.new_job(theirs))


def test_a_container_that_nothing_was_ever_written_to_is_free_again() -> None:
    world, project_id = a_project()
    job = world.new_job(project_id)
    theirs = world.project(world.client(name="Other"))
    refused(ErrorCode.CONTAINER_OF_ANOTHER_CLIENT, lambda: world.new_job(theirs))
    world.services.jobs.delete(ADMIN, job.job_id)
    world.new_job(theirs)


def test_an_edited_destination_is_claimed_and_the_old_one_freed() -> None:
    world, project_id = a_project()
    job = world.new_job(project_id, prefix="a")
    world.new_job(project_id, prefix="b")
    edit = world.services.jobs.edit
    taken = JobEdit(destination=BlobDestination(container="files", prefix="b/c"))
    refused(ErrorCode.DESTINATION_OVERLAP, lambda: edit(ADMIN, job.job_id, taken))
    moved = JobEdit(destination=BlobDestination(container="files", prefix="c"))
    assert edit(ADMIN, job.job_id, moved).blob.prefix == "c"
    refused(ErrorCode.DESTINATION_OVERLAP, lambda: world.new_job(project_id, prefix="c"))
    world.new_job(project_id, prefix="a")
    elsewhere = JobEdit(destination=BlobDestination(container="elsewhere"))
    edit(ADMIN, job.job_id, elsewhere)
    world.new_job(project_id, prefix="c")


def test_an_edit_that_came_too_late_gives_its_claim_back() -> None:
    world, project_id = a_project()
    client_id = world.services.projects.show(ADMIN, project_id).client_id
    agent = world.online_agent(client_id)
    job = world.new_job(project_id, prefix="a")
    world.drain()

    def race(table: str, pk: str, rk: str) -> None:
        if rk.startswith("job|"):
            world.tables.before_write = None
            agent.take(job)

    world.tables.before_write = race
    edit = JobEdit(destination=BlobDestination(container="files", prefix="c"))
    refused(ErrorCode.JOB_STARTED, lambda: world.services.jobs.edit(ADMIN, job.job_id, edit))
    world.new_job(project_id, prefix="c")
    refused(ErrorCode.DESTINATION_OVERLAP, lambda: world.new_job(project_id, prefix="a"))


def test_of_two_jobs_created_at_once_over_one_destination_one_is_refused() -> None:
    world, project_id = a_project()
    raced: list[str] = []

    def race(table: str, pk: str, rk: str) -> None:
        if table == "jobs":
            world.tables.before_write = None
            raced.append(world.new_job(project_id).job_id)

    world.tables.before_write = race
    refused(ErrorCode.DESTINATION_OVERLAP, lambda: world.new_job(project_id))
    jobs = [row.rk for row in world.tables.everything()["jobs"] if row.rk.startswith("job|")]
    assert jobs == [f"job|{raced[0]}"]
    refused(ErrorCode.DESTINATION_OVERLAP, lambda: world.new_job(project_id))
