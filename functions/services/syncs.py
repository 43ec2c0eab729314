"""How a sync repeats itself: its schedule, and the mirror that an operator previews, limits and confirms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from functions.domain.caller import OperatorCaller, Role
from functions.domain.job import Job, JobSettings
from functions.domain.job_rows import PROGRESS_PREFIX
from functions.domain.limits import Limits
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, Row, Tables
from functions.domain.progress_record import record_of
from functions.domain.recurrence import checked_cron, next_run
from functions.domain.views import JobView, MirrorConfirm
from functions.services.audit import Audit
from functions.services.job_store import TABLE, JobStore
from functions.services.job_views import JobViews
from functions.services.lifecycle import need_sync
from functions.services.moves import Moves, Plan
from functions.services.projects import need_project, zone_of
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.jobs import JobState, settings_problem
from migrate_contract.sync import SyncSettings


class Schedules:
    """Checks schedules and says when they begin a run."""

    def __init__(self, clock: Clock, limits: Limits) -> None:
        self._clock = clock
        self._limits = limits

    def settled(self, settings: JobSettings, project: Row) -> tuple[JobSettings, datetime | None]:
        """Result: the settings with a clean schedule, and when it begins the next run (None: never by itself).

        Raises Fatal(schedule-invalid), Fatal(request-invalid) where the settings do not fit the job's type.
        """
        problem = settings_problem(settings.type, settings.transfer, settings.sync)
        if problem is not None:
            raise Fatal(ErrorCode.REQUEST_INVALID, f"{problem[0].upper()}{problem[1:]}.")
        sync = settings.sync
        if sync is None or sync.schedule is None:
            return settings, None
        try:
            cron = checked_cron(sync.schedule, self._limits.sync_interval_seconds)
        except ValueError as error:
            raise Fatal(ErrorCode.SCHEDULE_INVALID, str(error)) from error
        clean = settings.model_copy(update={"sync": sync.model_copy(update={"schedule": cron})})
        return clean, next_run(cron, zone_of(project), self._clock())


class Syncs:
    """What operators do with a sync beside running it."""

    def __init__(
        self,
        tables: Tables,
        jobs: JobStore,
        moves: Moves,
        views: JobViews,
        schedules: Schedules,
        audit: Audit,
    ) -> None:
        self._tables = tables
        self._jobs = jobs
        self._moves = moves
        self._views = views
        self._schedules = schedules
        self._audit = audit

    def change(self, caller: OperatorCaller, job_id: str, body: SyncSettings) -> JobView:
        """Result: the job with this schedule and this mirror; other limits of the mirror have to be confirmed anew.

        Possible at any time: an attempt at work keeps what it began with. Raises Fatal(job-type-conflict),
        Fatal(schedule-invalid).
        """
        caller.need(Role.OPERATOR)
        job = self._jobs.need(caller, job_id)
        need_sync(job)
        project = need_project(self._tables, caller, job.project_id)

        def plan(draft: Plan) -> None:
            asked = draft.job.settings.model_copy(update={"sync": body})
            settings, due_at = self._schedules.settled(asked, project)
            changed = replace(draft.job, settings=settings, due_at=due_at)
            if _mirror(changed) != _mirror(draft.job):
                changed = unconfirmed(changed)
            if changed != draft.job:
                draft.note("sync-changed", _said(changed, zone_of(project)), changed)

        return self._act(caller, job_id, "job.sync", plan)

    def confirm_mirror(self, caller: OperatorCaller, job_id: str, body: MirrorConfirm) -> JobView:
        """Result: the job, whose later attempts delete surplus blobs, within the brake.

        Raises Fatal(confirmation-mismatch) unless the destination container's name was typed,
        Fatal(mirror-not-previewed) unless the newest attempt has completed with a whole list, Fatal(job-type-conflict).
        """

        def plan(draft: Plan) -> None:
            job = draft.job
            need_sync(job)
            if body.container != job.settings.blob.container:
                raise Fatal(ErrorCode.CONFIRMATION_MISMATCH, "The typed name is not that of the destination container.")
            self._need_preview(job)
            if job.mirror_confirmed_at is None:
                confirmed = replace(job, mirror_confirmed_at=draft.now, mirror_confirmed_by=draft.by)
                draft.note("mirror-confirmed", "Later attempts delete what is gone from the source", confirmed)

        return self._act(caller, job_id, "job.mirror-confirm", plan)

    def withdraw_mirror(self, caller: OperatorCaller, job_id: str) -> JobView:
        """Result: the job, which deletes nothing any more: an attempt at work gets no further access to delete.

        Raises Fatal(job-type-conflict).
        """

        def plan(draft: Plan) -> None:
            need_sync(draft.job)
            if draft.job.mirror_confirmed_at is not None:
                draft.note("mirror-withdrawn", "Nothing is deleted any more", unconfirmed(draft.job))

        return self._act(caller, job_id, "job.mirror-withdraw", plan)

    def _need_preview(self, job: Job) -> None:
        """Raises Fatal(mirror-not-previewed)."""
        if _mirror(job) is None:
            raise Fatal(ErrorCode.MIRROR_NOT_PREVIEWED, "The job has no mirror: choose its limits first.")
        row = OrganizationTables(self._tables, job.organization).get(
            TABLE, job.project_id, PROGRESS_PREFIX + job.job_id
        )
        report = record_of(row).report if row else None
        listed = report is not None and report.attempt == job.attempt and report.mirror is not None
        if job.state is not JobState.COMPLETED or report is None or not listed:
            raise Fatal(ErrorCode.MIRROR_NOT_PREVIEWED, f"Attempt {job.attempt} has not completed with a list.")
        if report.mirror is not None and not report.mirror.complete:
            raise Fatal(
                ErrorCode.MIRROR_NOT_PREVIEWED, f"Attempt {job.attempt} made no list: {report.mirror.kept_because}"
            )

    def _act(self, caller: OperatorCaller, job_id: str, action: str, plan: Callable[[Plan], None]) -> JobView:
        """Result: the job after the plan; the action is in the audit if it changed anything."""
        caller.need(Role.OPERATOR)
        job = self._jobs.need(caller, job_id)
        change = self._moves.change(caller.organization, job.job_id, caller.label, plan)
        if change.after is not change.before:
            self._audit.record(
                caller.organization, caller.label, action, job_id, client_id=job.client_id, detail=job.settings.name
            )
        return self._views.view(caller, change.after)


def unconfirmed(job: Job) -> Job:
    """Result: the job whose mirror only lists."""
    return replace(job, mirror_confirmed_at=None, mirror_confirmed_by="")


def _mirror(job: Job) -> object:
    return job.settings.sync.mirror if job.settings.sync else None


def _said(job: Job, zone: str) -> str:
    """Result: the new settings as a sentence of the history."""
    sync = job.settings.sync or SyncSettings()
    schedule = f"Runs at '{sync.schedule}' ({zone})" if sync.schedule else "No schedule"
    if sync.mirror is None:
        return f"{schedule}; no mirror"
    brake = f"{sync.mirror.max_delete_files:,} files or {sync.mirror.max_delete_percent:g} percent"
    confirmed = "confirmed" if job.mirror_confirmed_at else "not confirmed"
    return f"{schedule}; mirror, at most {brake}, {confirmed}"
