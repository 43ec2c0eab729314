"""Projects: what keeps one from being deleted."""

from __future__ import annotations

from migrate_contract.errors import ErrorCode
from tests.memory.world import ADMIN, World, refused


def test_a_project_with_jobs_is_not_deleted_and_one_without_is() -> None:
    world = World()
    project_id = world.project(world.client())
    job_id = world.new_job(project_id).job_id
    refused(ErrorCode.PROJECT_NOT_EMPTY, lambda: world.services.projects.delete(ADMIN, project_id))
    world.services.jobs.delete(ADMIN, job_id)
    world.services.projects.delete(ADMIN, project_id)
    refused(ErrorCode.NOT_FOUND, lambda: world.services.projects.show(ADMIN, project_id))
