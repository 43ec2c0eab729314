"""The watchdog over jobs: dispatches again what stalled, and alerts what a person should look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from functions.domain import rows
from functions.domain.agent import AGENT_ROW, ASSIGNMENT_PREFIX, COMMAND_PREFIX, LIMITS_PREFIX
from functions.domain.ids import command_id, parse_command_id
from functions.domain.job import UNFINISHED, Job
from functions.domain.job_rows import JOB_PREFIX, PROGRESS_PREFIX, job_of
from functions.domain.limit_rows import limits_columns, stands
from functions.domain.limits import Limits
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, Tables
from functions.domain.waiting import clock_time
from functions.services.agent_sweep import SeenAgent
from functions.services.agents import TABLE as AGENTS
from functions.services.alerts import Alerts, Finding
from functions.services.allowances import Allowances
from functions.services.guarded import Guarded
from functions.services.job_store import TABLE, JobStore
from functions.services.job_watch import JobWatch
from functions.services.mailbox import Mailbox, is_assigned, wanted_command
from functions.services.moves import Moves
from functions.services.releases import Releases
from migrate_contract.agents import AgentState
from migrate_contract.commands import CommandKind
from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import JobState

_PAGE = 1000
_STANDING = (ErrorCode.JOB_UNDELIVERED, ErrorCode.SCAN_STALLED)


@dataclass(slots=True)
class JobSweepResult:
    """`standing` are the alerts that are still true, as (organization, code, job id)."""

    jobs: int = 0
    hinted: int = 0
    alerts: int = 0
    resolved: int = 0
    removed_rows: int = 0
    standing: set[tuple[str, ErrorCode, str]] = field(default_factory=set)
    unfinished: set[tuple[str, str]] = field(default_factory=set)


class JobSweep:
    """Changes nothing itself: it asks dispatch, the mailbox and the releases to."""

    def __init__(
        self,
        tables: Tables,
        clock: Clock,
        limits: Limits,
        jobs: JobStore,
        moves: Moves,
        mailbox: Mailbox,
        allowances: Allowances,
        releases: Releases,
        alerts: Alerts,
        watch: JobWatch,
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._limits = limits
        self._jobs = jobs
        self._moves = moves
        self._mailbox = mailbox
        self._allowances = allowances
        self._releases = releases
        self._alerts = alerts
        self._watch = watch

    def run(self, agents: dict[tuple[str, str], SeenAgent], guarded: Guarded) -> JobSweepResult:
        """Result: what was found and done; what fails for one job is kept in `guarded`.

        `agents`: as seen before the jobs are read.
        """
        result, allowances = JobSweepResult(), self._allowances.remembering()
        for job in self._unfinished():
            result.jobs += 1
            result.unfinished.add((job.organization, job.job_id))
            with guarded.part(f"job {job.job_id}"):
                self._look_at(job, agents, result)
                self._watch_limits(job, agents, allowances)
        with guarded.part("alerts"):
            self._resolve(result)
        with guarded.part("mailboxes"):
            result.removed_rows = self._clean_mailboxes(agents, result)
        return result

    def _look_at(self, job: Job, agents: dict[tuple[str, str], SeenAgent], result: JobSweepResult) -> None:
        """Takes the job from an agent that is gone, sends its hint again, and says what keeps it waiting."""
        agent = agents.get((job.organization, job.agent_id)) if job.agent_id else None
        if job.agent_id and self._is_gone(job.organization, job.agent_id, agent):
            reason = "The agent was revoked"
            self._releases.release_job(job.organization, job.job_id, job.agent_id, by="sweep", reason=reason)
        elif self._stalled(job, agent):
            self._moves.hint(job)
            result.hinted += 1
        self._watch_delivery(job, agent, result)
        self._watch_scan(job, result)
        if job.agent_id is not None and agent is not None and agent.state is AgentState.OFFLINE:
            self._watch.silent_agent(job, job.agent_id, agent.name, agent.last_seen_at)

    def _is_gone(self, organization: str, agent_id: str, agent: SeenAgent | None) -> bool:
        """Result: whether the agent was revoked or deleted. One that was not met may be newer than this sweep."""
        if agent is not None:
            return agent.state is AgentState.REVOKED
        row = OrganizationTables(self._tables, organization).get(AGENTS, agent_id, AGENT_ROW)
        return row is None or rows.moment(row, "revoked_at") is not None

    def _unfinished(self) -> Iterator[Job]:
        """Result: every unfinished job of every organization."""
        states = tuple(sorted(state.value for state in UNFINISHED))
        continuation: str | None = None
        while True:
            page = self._tables.page(
                TABLE, rk_prefix=JOB_PREFIX, where={"state": states}, limit=_PAGE, continuation=continuation
            )
            yield from map(job_of, page.rows)
            continuation = page.continuation
            if continuation is None:
                return

    def _stalled(self, job: Job, agent: SeenAgent | None) -> bool:
        """Result: whether the agent's mailbox should say something of the job and does not, for some time now."""
        if self._clock() - job.state_at < timedelta(seconds=self._limits.redispatch_seconds):
            return False
        if agent is None:
            return job.waits_for_agent
        wanted = wanted_command(job)
        if wanted is not None and COMMAND_PREFIX + command_id(wanted) not in agent.mailbox:
            return True
        return is_assigned(job) and ASSIGNMENT_PREFIX + job.job_id not in agent.mailbox

    def _watch_limits(self, job: Job, agents: dict[tuple[str, str], SeenAgent], allowances: Allowances) -> None:
        """Tells the agent what limits the job, where it was told otherwise or (by an earlier version) nothing."""
        agent = agents.get((job.organization, job.agent_id)) if job.agent_id else None
        told = agent.limits.get(LIMITS_PREFIX + job.job_id) if agent else None
        if agent is None or (told is None and ASSIGNMENT_PREFIX + job.job_id not in agent.mailbox):
            return
        if told is not None and stands(told, limits_columns(allowances.of(job), job.entries)):
            return
        if job.waits_for_agent:
            self._moves.hint(job)
        else:
            self._mailbox.reconcile(job)

    def _watch_delivery(self, job: Job, agent: SeenAgent | None, result: JobSweepResult) -> None:
        """Alerts a job that no agent has taken for ten minutes (product page, row 2)."""
        now = self._clock()
        if not job.waits_for_agent or now - job.state_at < timedelta(seconds=self._limits.undelivered_seconds):
            return
        name = f"agent {agent.name} is {agent.state.value}" if agent else "it has no agent"
        detail = f"Job {job.settings.name} waits since {clock_time(job.state_at, now)}: {name}."
        self._stand(job, ErrorCode.JOB_UNDELIVERED, detail, result)
        self._watch.undelivered(job, detail)

    def _watch_scan(self, job: Job, result: JobSweepResult) -> None:
        """Alerts a scan that has found nothing new for thirty minutes (product page, support cases)."""
        if job.state is not JobState.SCANNING:
            return
        now = self._clock()
        if now - job.state_at < timedelta(seconds=self._limits.scan_stalled_seconds):
            return
        tables = OrganizationTables(self._tables, job.organization)
        row = tables.get(TABLE, job.project_id, PROGRESS_PREFIX + job.job_id)
        advanced = rows.moment(row, "advanced_at") if row and rows.number(row, "attempt") == job.attempt else None
        since = max(advanced or job.state_at, job.state_at)
        if now - since >= timedelta(seconds=self._limits.scan_stalled_seconds):
            detail = f"Job {job.settings.name} is scanning and has found nothing new since {clock_time(since, now)}."
            self._stand(job, ErrorCode.SCAN_STALLED, detail, result)
            self._watch.stalled(job, detail, since)

    def _stand(self, job: Job, code: ErrorCode, detail: str, result: JobSweepResult) -> None:
        finding = Finding(
            job.organization, code, job.job_id, detail, link=f"/jobs/{job.job_id}", client_id=job.client_id
        )
        result.alerts += self._alerts.stands(finding)
        result.standing.add((job.organization, code, job.job_id))

    def _resolve(self, result: JobSweepResult) -> None:
        """Closes alerts that are true no longer."""
        for code in _STANDING:
            for organization, subject in self._alerts.open_subjects(code):
                if (organization, code, subject) not in result.standing:
                    self._alerts.over(organization, code, subject)
                    result.resolved += 1
        quiet_since = self._clock() - timedelta(seconds=self._limits.poison_alert_seconds)
        for organization, subject in self._alerts.open_subjects(ErrorCode.DISPATCH_POISONED, quiet_since=quiet_since):
            self._alerts.over(organization, ErrorCode.DISPATCH_POISONED, subject)
            result.resolved += 1

    def _clean_mailboxes(self, agents: dict[tuple[str, str], SeenAgent], result: JobSweepResult) -> int:
        """Takes out what a crash left of jobs that have ended or gone elsewhere. Result: for how many jobs."""
        cleaned = 0
        for (organization, agent_id), agent in agents.items():
            for job_id in {found for key in agent.mailbox if (found := _job_in(key))}:
                if (organization, job_id) in result.unfinished:
                    continue
                found_job = self._jobs.find(organization, job_id)
                if found_job is None or found_job[0].agent_id != agent_id:
                    self._mailbox.clear(organization, agent_id, job_id)
                else:
                    self._mailbox.reconcile(found_job[0])
                cleaned += 1
        return cleaned


def _job_in(key: str) -> str | None:
    """Result: the job that a row of a mailbox is about, unless it is an order to drop one."""
    for prefix in (ASSIGNMENT_PREFIX, LIMITS_PREFIX):
        if key.startswith(prefix):
            return key.removeprefix(prefix)
    name = parse_command_id(key.removeprefix(COMMAND_PREFIX))
    return name.job_id if name is not None and name.kind is not CommandKind.DROP_JOB else None
