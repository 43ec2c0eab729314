"""How states look: each one has a word, a tone and an icon, so that colour is never the only sign.

Nouns: a *badge* is the pill that shows a state; its *tone* is one of quiet, accent, ok, warn, bad (tokens.css).
"""

from __future__ import annotations

from dataclasses import dataclass

from functions.domain.views import AgentView, CodeState, JobView, ProjectStatus
from migrate_contract.agents import AgentState
from migrate_contract.jobs import Bucket, JobState, JobType, Outcome
from migrate_contract.rockrms import Stage


@dataclass(frozen=True, slots=True)
class Badge:
    """A pill. `live` marks work that is going on now."""

    label: str
    tone: str
    icon: str
    live: bool = False


_JOB = {
    JobState.CREATED: Badge("Created", "quiet", "clock"),
    JobState.SCANNING: Badge("Scanning", "accent", "search", live=True),
    JobState.READY: Badge("Ready for approval", "warn", "hand"),
    JobState.RUNNING: Badge("Running", "accent", "running", live=True),
    JobState.PAUSED: Badge("Paused", "quiet", "pause"),
    JobState.FAILED: Badge("Failed", "bad", "failed"),
    JobState.COMPLETED: Badge("Completed", "ok", "done"),
    JobState.CANCELLED: Badge("Cancelled", "quiet", "cancelled"),
}
_COMPLETED_WITH_FAILURES = Badge("Completed with failures", "warn", "warning")
_DRY_RUN_DONE = Badge("Dry run complete", "accent", "info")
_DIFFERS = Badge("Completed, numbers differ", "bad", "failed")
_NOT_VERIFIED = Badge("Completed, not verified", "warn", "warning")
_UNCONFIRMED = Badge("Unconfirmed", "warn", "warning")

_AGENT = {
    AgentState.REGISTERED: Badge("Registered", "warn", "offline"),
    AgentState.ONLINE: Badge("Online", "ok", "online"),
    AgentState.LATE: Badge("Late", "warn", "late"),
    AgentState.OFFLINE: Badge("Offline", "bad", "offline"),
    AgentState.SUSPENDED: Badge("Suspended", "bad", "warning"),
    AgentState.REVOKED: Badge("Revoked", "quiet", "cancelled"),
}

_PROJECT = {
    ProjectStatus.PLANNING: Badge("Planning", "quiet", "clock"),
    ProjectStatus.IN_PROGRESS: Badge("In progress", "accent", "running"),
    ProjectStatus.COMPLETED: Badge("Completed", "ok", "done"),
    ProjectStatus.CANCELLED: Badge("Cancelled", "quiet", "cancelled"),
    ProjectStatus.AUTH_REQUIRED: Badge("Sign-in needed", "bad", "key"),
}

_CODE = {
    CodeState.OPEN: Badge("Open", "accent", "key"),
    CodeState.USED: Badge("Used", "ok", "done"),
    CodeState.EXPIRED: Badge("Expired", "quiet", "clock"),
    CodeState.REVOKED: Badge("Revoked", "quiet", "cancelled"),
}

STATE_WORDS = {state: badge.label for state, badge in _JOB.items()}
"""The users' word for each job state, in filters and history."""

BUCKET_WORDS = {
    Bucket.TRANSFERRED: "Transferred",
    Bucket.UNCHANGED: "Unchanged",
    Bucket.EXCLUDED: "Excluded",
    Bucket.UNSUPPORTED: "Unsupported",
    Bucket.FAILED: "Failed",
    Bucket.PENDING: "Pending",
}
"""The six buckets in the order in which the bar shows them."""

MIRROR_WORDS = {
    Bucket.SURPLUS: "Gone from the source",
    Bucket.DELETED: "Deleted",
}
"""The mirror's two, which are no files of the source and stand in no bar."""

BUCKET_MEANINGS = {
    Bucket.TRANSFERRED: "Copied in this attempt and checked.",
    Bucket.UNCHANGED: "The destination held it already, equal in size and hash.",
    Bucket.EXCLUDED: "A filter, a policy or the overwrite rule left it out.",
    Bucket.UNSUPPORTED: "Blob Storage cannot hold it, or it is no regular file.",
    Bucket.FAILED: "Not copied; the reason stands beside it.",
    Bucket.PENDING: "Found, not decided yet.",
}


def job_badges(job: JobView) -> list[Badge]:
    """Result: the job's state, and beside it that nobody has confirmed it for a while."""
    badge = _JOB[job.state]
    if job.state is JobState.COMPLETED and job.type is JobType.ROCKRMS_IMPORT:
        badge = _imported(job)
    elif job.state is JobState.COMPLETED and job.outcome is Outcome.COMPLETE_WITH_FAILURES:
        badge = _COMPLETED_WITH_FAILURES
    return [badge, _UNCONFIRMED] if job.unconfirmed else [badge]


def was_dry_run(job: JobView) -> bool:
    """Result: whether the newest attempt of a completed import has sent nothing, so that importing comes next."""
    result = job.import_result
    if job.state is not JobState.COMPLETED:
        return False
    if result is None or result.attempt != job.attempt:
        return job.rockrms is not None and job.rockrms.dry_run
    return result.stage is Stage.DRY_RUN


def _imported(job: JobView) -> Badge:
    """Result: how a completed import stands: green only where both sides agree and nothing has failed."""
    result = job.import_result
    if was_dry_run(job):
        return _DRY_RUN_DONE
    if result is None or result.attempt != job.attempt or result.financial_match is None:
        return _NOT_VERIFIED
    if not result.financial_match:
        return _DIFFERS
    return _COMPLETED_WITH_FAILURES if job.outcome is Outcome.COMPLETE_WITH_FAILURES else _JOB[JobState.COMPLETED]


def agent_badge(state: AgentState) -> Badge:
    """Result: the agent's state."""
    return _AGENT[state]


def project_badge(status: ProjectStatus) -> Badge:
    """Result: the project's status."""
    return _PROJECT[status]


def code_badge(state: CodeState) -> Badge:
    """Result: the fate of a registration code."""
    return _CODE[state]


def move_tone(to_state: JobState) -> str:
    """Result: the tone of a history entry that led to this state."""
    return _JOB[to_state].tone


def usable(agent: AgentView) -> bool:
    """Result: whether a job may be given to the agent, be it on- or offline."""
    return agent.state not in {AgentState.REVOKED, AgentState.SUSPENDED}
