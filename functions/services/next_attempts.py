"""What an import's next attempt is to do differently: its settings, changed while no agent works on it.

A dry run is an attempt like any other; what it has shown is decided here, and a rerun then imports.
"""

from __future__ import annotations

from dataclasses import replace

from functions.domain.caller import OperatorCaller, Role
from functions.domain.import_settings import ImportBody
from functions.domain.job import ENDED, Job
from functions.domain.rockrms_views import ImportSettingsBody
from functions.domain.views import JobView
from functions.services.audit import Audit
from functions.services.import_logs import need_import
from functions.services.job_store import JobStore
from functions.services.job_views import JobViews, is_editable
from functions.services.moves import Moves, Plan
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.rockrms import ImportSettings


class NextAttempts:
    """Changes the settings of imports between attempts."""

    def __init__(self, jobs: JobStore, moves: Moves, views: JobViews, audit: Audit) -> None:
        self._jobs = jobs
        self._moves = moves
        self._views = views
        self._audit = audit

    def change(self, caller: OperatorCaller, job_id: str, body: ImportSettingsBody) -> JobView:
        """Result: the job with other settings; decisions about gone records stay. A start on its way is sent anew.

        Raises Fatal(job-started) while an agent has the attempt, Fatal(job-type-conflict).
        """
        return self._apply(caller, job_id, body.rockrms, body.name)

    def leave_dry_run(self, caller: OperatorCaller, job_id: str) -> JobView:
        """Result: the job, whose next attempt sends. Raises as `change`."""
        return self._apply(caller, job_id, None, None)

    def _apply(self, caller: OperatorCaller, job_id: str, body: ImportBody | None, name: str | None) -> JobView:
        caller.need(Role.OPERATOR)
        job = need_import(self._jobs.need(caller, job_id))

        def plan(draft: Plan) -> None:
            _need_between_attempts(draft.job)
            before = draft.job.settings
            settings = _changed(before.rockrms, body)
            renamed = before.model_copy(update={"rockrms": settings, "name": name or before.name})
            if renamed == before:
                return
            changed = replace(draft.job, settings=renamed)
            if changed.waits_for_agent:
                changed = replace(changed, dispatch=changed.dispatch + 1, state_at=draft.now)
            draft.note("edited", "Settings of the next attempt changed", changed)

        change = self._moves.change(caller.organization, job_id, caller.label, plan)
        if change.after is not change.before:
            self._audit.record(
                caller.organization,
                caller.label,
                "job.next-attempt",
                job_id,
                client_id=job.client_id,
                detail="Sends" if body is None else "Settings",
            )
        return self._views.view(caller, change.after)


def _changed(before: ImportSettings | None, body: ImportBody | None) -> ImportSettings:
    """Result: the settings as asked for, or as they were without the dry run; funds and decisions stay."""
    if before is None:
        raise Fatal(ErrorCode.JOB_TYPE_CONFLICT, "The job has no settings of an import.")
    if body is None:
        return before.model_copy(update={"dry_run": False})
    return body.settings().model_copy(update={"funds": before.funds, "gone": before.gone})


def _need_between_attempts(job: Job) -> None:
    """Raises Fatal(job-started)."""
    if job.state not in ENDED and not is_editable(job):
        raise Fatal(ErrorCode.JOB_STARTED, f"The job is {job.state.value}, attempt {job.attempt}: let it end first.")
