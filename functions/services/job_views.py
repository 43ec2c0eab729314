"""Job views: everything that a job's page shows, gathered from the rows of the job, its agent and its project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from functions.domain import rows
from functions.domain.agent import AGENT_ROW, BEAT_ROW, COMMAND_PREFIX, Beat, state_of
from functions.domain.caller import OperatorCaller, Role
from functions.domain.ids import CommandName, command_id
from functions.domain.import_result import result_of
from functions.domain.job import ENDED, UNFINISHED, WORKING, Job
from functions.domain.job_rows import GRANT_PREFIX, IMPORT_RESULT_PREFIX, PROGRESS_PREFIX
from functions.domain.limits import Limits
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, Row, Tables
from functions.domain.progress_record import ProgressRecord, progress_view, record_of, unconfirmed_since
from functions.domain.views import FaultView, ImportResultView, JobAction, JobView, SyncView, WishKind, WishView
from functions.domain.waiting import Situation, waiting_because
from functions.services.agents import TABLE as AGENTS
from functions.services.clients import TABLE as CLIENTS
from functions.services.job_store import TABLE, JobStore
from functions.services.projects import TABLE as PROJECTS
from functions.services.projects import connection_view, zone_of
from migrate_contract.agents import HeartbeatJob
from migrate_contract.commands import CommandKind
from migrate_contract.errors import CATALOGUE, ErrorCode
from migrate_contract.jobs import JobFault, JobPhase, JobState, JobType, Outcome

_MANY = 4
"""From so many jobs of one project on, its progress rows are read by one query."""
_AT_WORK = frozenset({JobPhase.SCANNING, JobPhase.RUNNING})
"""Phases in which a job holds its slot of the agent."""


@dataclass(slots=True)
class _Around:
    """Rows that several jobs of one answer share, read once."""

    tables: OrganizationTables
    projects: dict[str, Row | None] = field(default_factory=dict)
    clients: dict[str, Row | None] = field(default_factory=dict)
    agents: dict[str, list[Row]] = field(default_factory=dict)
    side_rows: dict[str, Row | None] = field(default_factory=dict)
    candidates: dict[str, int] = field(default_factory=dict)

    def project(self, project_id: str) -> Row | None:
        """Result: the project's row."""
        if project_id not in self.projects:
            self.projects[project_id] = self.tables.get(PROJECTS, "", project_id)
        return self.projects[project_id]

    def client_name(self, client_id: str) -> str:
        """Result: the client's name."""
        if client_id not in self.clients:
            self.clients[client_id] = self.tables.get(CLIENTS, "", client_id)
        row = self.clients[client_id]
        return rows.text(row, "name") if row else ""

    def agent(self, agent_id: str | None) -> list[Row]:
        """Result: the agent's partition."""
        if agent_id is None:
            return []
        if agent_id not in self.agents:
            self.agents[agent_id] = self.tables.partition(AGENTS, agent_id)
        return self.agents[agent_id]

    def side(self, job: Job, prefix: str) -> Row | None:
        """Result: the job's row of this kind."""
        key = prefix + job.job_id
        if key not in self.side_rows:
            self.side_rows[key] = self.tables.get(TABLE, job.project_id, key)
        return self.side_rows[key]

    def read_sides(self, project_id: str, jobs: Sequence[Job]) -> None:
        """Reads the rows beside these jobs of one project at once."""
        imports = any(job.settings.is_import for job in jobs)
        for prefix in (PROGRESS_PREFIX, GRANT_PREFIX, *((IMPORT_RESULT_PREFIX,) if imports else ())):
            found = {row.rk: row for row in self.tables.partition(TABLE, project_id, prefix=prefix)}
            self.side_rows.update({prefix + job.job_id: found.get(prefix + job.job_id) for job in jobs})

    def agents_of(self, client_id: str) -> int:
        """Result: how many agents of the client could take a job."""
        if client_id not in self.candidates:
            self.candidates[client_id] = len(living_agents(self.tables, client_id))
        return self.candidates[client_id]


def living_agents(tables: OrganizationTables, client_id: str) -> list[Row]:
    """Result: the rows of the client's agents that are not revoked."""
    found: list[Row] = []
    continuation: str | None = None
    while True:
        page = tables.page(
            AGENTS, None, rk_prefix=AGENT_ROW, where={"client_id": client_id}, limit=1000, continuation=continuation
        )
        found += [row for row in page.rows if rows.moment(row, "revoked_at") is None]
        continuation = page.continuation
        if continuation is None:
            return found


class JobViews:
    """Makes views."""

    def __init__(self, tables: Tables, clock: Clock, limits: Limits, jobs: JobStore) -> None:
        self._tables = tables
        self._clock = clock
        self._limits = limits
        self._jobs = jobs

    def view(self, caller: OperatorCaller, job: Job) -> JobView:
        """Result: the job as this member sees it."""
        return self.views(caller, [job])[0]

    def views(self, caller: OperatorCaller, jobs: Sequence[Job]) -> list[JobView]:
        """Result: the jobs as this member sees them."""
        around = _Around(OrganizationTables(self._tables, caller.organization))
        for project_id in {job.project_id for job in jobs}:
            siblings = [job for job in jobs if job.project_id == project_id]
            if len(siblings) >= _MANY:
                around.read_sides(project_id, siblings)
        return [self._view(caller, job, around) for job in jobs]

    def unconfirmed_since(self, job: Job) -> datetime | None:
        """Result: since when nothing was heard of the job, once its lease is over."""
        around = _Around(OrganizationTables(self._tables, job.organization))
        return self._unconfirmed_since(job, _record(job, around), _beat(around.agent(job.agent_id)))

    def _unconfirmed_since(self, job: Job, record: ProgressRecord | None, beat: Beat | None) -> datetime | None:
        return unconfirmed_since(job, record, beat, self._clock(), self._limits.lease_seconds)

    def _view(self, caller: OperatorCaller, job: Job, around: _Around) -> JobView:
        now = self._clock()
        project = around.project(job.project_id)
        found = around.agent(job.agent_id)
        agent = next((row for row in found if row.rk == AGENT_ROW), None)
        beat, record = _beat(found), _record(job, around)
        since = self._unconfirmed_since(job, record, beat)
        state = state_of(agent, beat, now, self._limits) if agent and beat else None
        situation = self._situation(job, around, agent, beat, record, since)
        return JobView(
            job_id=job.job_id,
            project_id=job.project_id,
            project_name=rows.text(project, "name") if project else "",
            client_id=job.client_id,
            client_name=around.client_name(job.client_id),
            **{**dict(job.settings), "sync": _sync_view(job, project)},
            failed_of=job.failed_of,
            final=job.final,
            agent_id=job.agent_id,
            agent_name=rows.text(agent, "name") if agent else None,
            agent_state=state,
            state=job.state,
            attempt=job.attempt,
            outcome=job.outcome,
            scan_complete=record is not None and record.report.scan_complete,
            waiting_because=waiting_because(situation, now),
            wish=WishView(kind=job.wish.kind, by=job.wish.by, at=job.wish.at) if job.wish else None,
            unconfirmed=since is not None,
            unconfirmed_since=since,
            created_at=job.created_at,
            created_by=job.created_by,
            state_since=job.state_at,
            started_at=job.started_at,
            ended_at=job.ended_at,
            approved_at=job.approved_at,
            fault=fault_view(job.fault) if job.fault else None,
            import_result=_import_result(job, around),
            progress=progress_view(record) if record else None,
            grant_alive_until=_grant_alive_until(job, around, project, now),
            actions=actions(job, record, unconfirmed=since is not None) if caller.role is not Role.READER else [],
        )

    def _situation(
        self,
        job: Job,
        around: _Around,
        agent: Row | None,
        beat: Beat | None,
        record: ProgressRecord | None,
        since: datetime | None,
    ) -> Situation:
        """Result: what the waiting sentence depends on."""
        if agent is None or beat is None:
            unbound = job.waits_for_agent
            candidates = around.agents_of(job.client_id) if unbound else 0
            return Situation(job, candidates=candidates, unconfirmed_since=since)
        start = CommandName(CommandKind.START_JOB, job.job_id, job.attempt, job.dispatch)
        key = COMMAND_PREFIX + command_id(start)
        command = next((row for row in around.agent(job.agent_id) if row.rk == key), None)
        held = next((held for held in beat.jobs if held.job_id == job.job_id), None)
        queued = job.state is JobState.CREATED and not job.waits_for_agent
        return Situation(
            job,
            agent_name=rows.text(agent, "name"),
            agent_state=state_of(agent, beat, self._clock(), self._limits),
            last_seen_at=beat.last_seen_at,
            next_beat_by=self._next_beat_by(beat),
            queued=command is not None,
            delivered_at=rows.moment(command, "delivered_at") if command else None,
            position=held.position if held else self._before(job, beat),
            busy_with=self._busy_with(job, beat) if queued else (),
            waiting=record.report.waiting if record else None,
            unconfirmed_since=since,
        )

    def _next_beat_by(self, beat: Beat) -> datetime | None:
        if beat.last_seen_at is None:
            return None
        expected = beat.last_seen_at + timedelta(seconds=beat.interval_seconds)
        return max(expected, self._clock())

    def _busy_with(self, job: Job, beat: Beat) -> tuple[str, ...]:
        """Result: names of the jobs that the agent works on now in this job's slot."""
        at_work = [held for held in beat.jobs if held.phase in _AT_WORK]
        found = self._of_its_slot(job, at_work)
        return tuple(other.settings.name for other in found if other is not None)[:3]

    def _before(self, job: Job, beat: Beat) -> int:
        """Result: how many jobs are before one that the agent has taken and no heartbeat has named yet."""
        before = [held for held in beat.jobs if held.phase in _AT_WORK or held.position > 0]
        return len(self._of_its_slot(job, before))

    def _of_its_slot(self, job: Job, others: Sequence[HeartbeatJob]) -> list[Job | None]:
        """Result: those that this job waits for: an agent runs one transfer and one import side by side.

        None stands for one that was deleted, whose slot nobody knows any more.
        """
        found = [self._jobs.find(job.organization, held.job_id) for held in others if held.job_id != job.job_id]
        jobs = [other[0] if other else None for other in found]
        return [other for other in jobs if other is None or other.settings.is_import == job.settings.is_import]


def actions(job: Job, record: ProgressRecord | None, *, unconfirmed: bool) -> list[JobAction]:
    """Result: what an operator can do with the job now, in the order of the page. `record`: of its attempt."""
    decided = record is not None and bool(record.report.files.failed) and not record.report.files.pending
    listed = record is not None and record.report.mirror is not None and record.report.mirror.complete
    wish = job.wish.kind if job.wish else None
    is_sync = job.settings.type is JobType.SYNC
    mirrors = job.settings.sync is not None and job.settings.sync.mirror is not None
    possible = {
        JobAction.APPROVE: job.state is JobState.READY and job.approved_at is None,
        JobAction.PAUSE: job.held and wish is None,
        JobAction.RESUME: job.state is JobState.PAUSED or (job.held and wish is WishKind.PAUSE),
        JobAction.CANCEL: job.state in UNFINISHED and wish is not WishKind.CANCEL,
        JobAction.RERUN: job.state in ENDED,
        JobAction.RETRY_FAILED: decided and job.outcome is Outcome.COMPLETE_WITH_FAILURES,
        JobAction.SYNC: is_sync,
        JobAction.CUTOVER: is_sync and job.state in ENDED,
        JobAction.MIRROR_CONFIRM: (
            mirrors and listed and job.mirror_confirmed_at is None and job.state is JobState.COMPLETED
        ),
        JobAction.MIRROR_WITHDRAW: mirrors and job.mirror_confirmed_at is not None,
        JobAction.REASSIGN: job.state in (JobState.CREATED, JobState.PAUSED) or unconfirmed,
        JobAction.EDIT: is_editable(job),
        JobAction.DUPLICATE: True,
        JobAction.DELETE: job.state not in WORKING,
    }
    return [action for action, is_possible in possible.items() if is_possible]


def is_editable(job: Job) -> bool:
    """Result: whether no agent has begun with this attempt: its settings are a snapshot from then on."""
    return job.waits_for_agent and job.started_at is None


def _beat(found: list[Row]) -> Beat | None:
    row = next((row for row in found if row.rk == BEAT_ROW), None)
    return Beat(row) if row else None


def _record(job: Job, around: _Around) -> ProgressRecord | None:
    """Result: the newest report, if it is of the job's attempt."""
    row = around.side(job, PROGRESS_PREFIX)
    record = record_of(row) if row else None
    return record if record and record.report.attempt == job.attempt else None


def _sync_view(job: Job, project: Row | None) -> SyncView | None:
    """Result: how a sync repeats itself; None for every other type of job."""
    if job.settings.type is not JobType.SYNC:
        return None
    sync = job.settings.sync
    return SyncView(
        schedule=sync.schedule if sync else None,
        zone=zone_of(project) if project else "UTC",
        next_run_at=job.due_at,
        skipped_at=job.skipped_at,
        skipped_because=job.skipped_because,
        mirror=sync.mirror if sync else None,
        mirror_confirmed_at=job.mirror_confirmed_at,
        mirror_confirmed_by=job.mirror_confirmed_by,
    )


def _import_result(job: Job, around: _Around) -> ImportResultView | None:
    """Result: what the newest report of an import says, in short."""
    row = around.side(job, IMPORT_RESULT_PREFIX) if job.settings.is_import else None
    return result_of(row) if row else None


def fault_view(fault: JobFault) -> FaultView:
    """Result: the fault with the catalogue's words; a code that we do not know stands for itself."""
    known = fault.code in set(ErrorCode)
    entry = CATALOGUE[ErrorCode(fault.code)] if known else None
    return FaultView(
        code=fault.code,
        title=entry.title if entry else fault.code,
        detail=fault.detail,
        fix=entry.fix if entry else "Read the detail; the agent may be newer than this control plane.",
    )


def _grant_alive_until(job: Job, around: _Around, project: Row | None, now: datetime) -> datetime | None:
    """Result: until when the last grant still works although it is renewed no more."""
    row = around.side(job, GRANT_PREFIX)
    expires_at = rows.moment(row, "expires_at") if row else None
    if expires_at is None or expires_at <= now:
        return None
    cancelling = job.wish is not None and job.wish.kind is WishKind.CANCEL
    connected = project is not None and connection_view(project) is not None
    renewed = job.held and not cancelling and connected
    return None if renewed else expires_at
