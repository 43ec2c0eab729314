"""A job as columns, and back. Row `job|<id>` holds the job, `hist|<id>|<number>` one entry of its history each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from functions.domain import rows
from functions.domain.job import Job, JobSettings, Mark, Wish
from functions.domain.ports import Row, Value
from functions.domain.views import HistoryView, WishKind
from migrate_contract.jobs import JobFault, JobState, Outcome

JOB_PREFIX = "job|"
HISTORY_PREFIX = "hist|"
PROGRESS_PREFIX = "prog|"
GRANT_PREFIX = "grant|"
LEDGER_PREFIX = "ledg|"
IMPORT_LOG_PREFIX = "ilog|"
IMPORT_RESULT_PREFIX = "irep|"
_LAST_NUMBER = 99_999_999


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened to a job: a move, or an event within a state."""

    at: datetime
    by: str
    event: str
    from_state: JobState | None
    to_state: JobState
    attempt: int
    reason: str


def job_key(job_id: str) -> str:
    """Result: row key of the job."""
    return JOB_PREFIX + job_id


def history_key(job_id: str, number: int) -> str:
    """Result: row key of entry `number` (from 1): newer entries sort first."""
    return f"{HISTORY_PREFIX}{job_id}|{_LAST_NUMBER - number:08d}"


def job_columns(job: Job) -> dict[str, Value]:
    """Result: the whole row."""
    return {
        "organization": job.organization,
        "client_id": job.client_id,
        "project_id": job.project_id,
        "job_id": job.job_id,
        **rows.long_text("settings", job.settings.model_dump_json()),
        "created_at": job.created_at,
        "created_by": job.created_by,
        "state": job.state.value,
        "state_at": job.state_at,
        "attempt": job.attempt,
        "agent_id": job.agent_id or "",
        "dispatch": job.dispatch,
        "taken_at": job.taken_at,
        "account": job.account or "",
        **_wish_columns(job.wish),
        "unpause": job.unpause,
        "approved_at": job.approved_at,
        "approval": job.approval,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "outcome": job.outcome.value if job.outcome else None,
        **(rows.long_text("fault", job.fault.model_dump_json()) if job.fault else {}),
        "followed_epoch": job.followed.session_epoch,
        "followed_sequence": job.followed.sequence,
        "entries": job.entries,
        "retried": ",".join(map(str, job.retried)),
        "final": job.final,
        "scheduled": job.due_at is not None,
        "due_at": job.due_at,
        "skipped_at": job.skipped_at,
        "skipped_because": job.skipped_because,
        "mirror_confirmed_at": job.mirror_confirmed_at,
        "mirror_confirmed_by": job.mirror_confirmed_by,
    }


def _wish_columns(wish: Wish | None) -> dict[str, Value]:
    if wish is None:
        return {}
    return {
        "wish": wish.kind.value,
        "wish_by": wish.by,
        "wish_at": wish.at,
        "wish_number": wish.number,
        "wish_taken_at": wish.taken_at,
    }


def job_of(row: Row) -> Job:
    """Result: the job that the row holds."""
    fault, outcome = rows.joined_text(row, "fault"), rows.text(row, "outcome")
    return Job(
        organization=rows.text(row, "organization"),
        client_id=rows.text(row, "client_id"),
        project_id=rows.text(row, "project_id"),
        job_id=rows.text(row, "job_id"),
        settings=JobSettings.model_validate_json(rows.joined_text(row, "settings")),
        created_at=rows.need_moment(row, "created_at"),
        created_by=rows.text(row, "created_by"),
        state_at=rows.need_moment(row, "state_at"),
        state=JobState(rows.text(row, "state")),
        attempt=rows.number(row, "attempt", 1),
        agent_id=rows.text_or_none(row, "agent_id"),
        dispatch=rows.number(row, "dispatch", 1),
        taken_at=rows.moment(row, "taken_at"),
        account=rows.text_or_none(row, "account"),
        wish=_wish_of(row),
        unpause=rows.flag(row, "unpause"),
        approved_at=rows.moment(row, "approved_at"),
        approval=rows.number(row, "approval"),
        started_at=rows.moment(row, "started_at"),
        ended_at=rows.moment(row, "ended_at"),
        outcome=Outcome(outcome) if outcome else None,
        fault=JobFault.model_validate_json(fault) if fault else None,
        followed=Mark(rows.number(row, "followed_epoch"), rows.number(row, "followed_sequence", -1)),
        entries=rows.number(row, "entries"),
        retried=tuple(int(attempt) for attempt in rows.text(row, "retried").split(",") if attempt),
        final=rows.flag(row, "final"),
        due_at=rows.moment(row, "due_at"),
        skipped_at=rows.moment(row, "skipped_at"),
        skipped_because=rows.text(row, "skipped_because"),
        mirror_confirmed_at=rows.moment(row, "mirror_confirmed_at"),
        mirror_confirmed_by=rows.text(row, "mirror_confirmed_by"),
    )


def _wish_of(row: Row) -> Wish | None:
    kind, at = rows.text(row, "wish"), rows.moment(row, "wish_at")
    if not kind or at is None:
        return None
    return Wish(
        kind=WishKind(kind),
        by=rows.text(row, "wish_by"),
        at=at,
        number=rows.number(row, "wish_number"),
        taken_at=rows.moment(row, "wish_taken_at"),
    )


def entry_columns(entry: Entry, number: int) -> dict[str, Value]:
    """Result: the whole row of history entry `number`."""
    return {
        "number": number,
        "at": entry.at,
        "by": entry.by,
        "event": entry.event,
        "from_state": entry.from_state.value if entry.from_state else None,
        "to_state": entry.to_state.value,
        "attempt": entry.attempt,
        **rows.long_text("reason", entry.reason),
    }


def entry_of(row: Row) -> HistoryView:
    """Result: the entry as shown."""
    start = rows.text(row, "from_state")
    return HistoryView(
        number=rows.number(row, "number"),
        at=rows.need_moment(row, "at"),
        by=rows.text(row, "by"),
        event=rows.text(row, "event"),
        from_state=JobState(start) if start else None,
        to_state=JobState(rows.text(row, "to_state")),
        attempt=rows.number(row, "attempt"),
        reason=rows.joined_text(row, "reason"),
    )
