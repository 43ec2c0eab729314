"""The newest progress report of a job, as its row `prog|<job id>` keeps it. Written by the progress service alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.domain import rows
from functions.domain.agent import Beat
from functions.domain.job import WORKING, Job, Mark
from functions.domain.ports import Row, Value
from functions.domain.views import ProgressView
from migrate_contract.jobs import Progress


@dataclass(frozen=True, slots=True)
class ProgressRecord:
    """`advanced_at`: when the number of scanned files last changed (for the watchdog over stalled scans)."""

    report: Progress
    mark: Mark
    received_at: datetime
    advanced_at: datetime

    @property
    def as_of(self) -> datetime:
        """Result: when the numbers were true, by our clock and the age that the agent measured."""
        return self.received_at - timedelta(seconds=min(self.report.measured_seconds_ago, 10 * 365 * 86_400))

    def columns(self) -> dict[str, Value]:
        """Result: the whole row."""
        return {
            "attempt": self.report.attempt,
            "epoch": self.mark.session_epoch,
            "sequence": self.mark.sequence,
            "received_at": self.received_at,
            "advanced_at": self.advanced_at,
            **rows.long_text("report", self.report.model_dump_json()),
        }


def record_of(row: Row) -> ProgressRecord:
    """Result: the record that the row holds."""
    return ProgressRecord(
        report=Progress.model_validate_json(rows.joined_text(row, "report")),
        mark=Mark(rows.number(row, "epoch"), rows.number(row, "sequence")),
        received_at=rows.need_moment(row, "received_at"),
        advanced_at=rows.need_moment(row, "advanced_at"),
    )


def next_record(stored: ProgressRecord | None, report: Progress, mark: Mark, now: datetime) -> ProgressRecord | None:
    """Result: the record to keep after this report; None where the stored one is as new or newer."""
    same_attempt = stored is not None and stored.report.attempt == report.attempt
    if stored is not None:
        if stored.report.attempt > report.attempt:
            return None
        if same_attempt and mark <= stored.mark:
            return None
    stands_still = (
        stored is not None
        and same_attempt
        and stored.report.phase is report.phase
        and stored.report.files.scanned == report.files.scanned
    )
    return ProgressRecord(report, mark, now, stored.advanced_at if stored and stands_still else now)


def progress_view(record: ProgressRecord) -> ProgressView:
    """Result: the numbers as shown."""
    report = record.report
    return ProgressView(
        attempt=report.attempt,
        as_of=record.as_of,
        phase=report.phase,
        files=report.files,
        bytes=report.bytes,
        verified_files=report.verified_files,
        retries=report.retries,
        speed_bytes_per_second=report.speed_bytes_per_second,
        eta_seconds=report.eta_seconds,
        waiting=report.waiting,
        recent_faults=report.recent_faults,
        mirror=report.mirror,
    )


def unconfirmed_since(
    job: Job, record: ProgressRecord | None, beat: Beat | None, now: datetime, lease_seconds: float
) -> datetime | None:
    """Result: since when nothing was heard of a working job, once the lease is over; None before, or where not working.

    A progress report confirms, and so does a heartbeat that names the attempt. An expired lease moves nothing.
    """
    if job.state not in WORKING:
        return None
    signs = [job.state_at]
    if record is not None and record.report.attempt == job.attempt:
        signs.append(record.received_at)
    if beat is not None and beat.last_seen_at is not None:
        named = any((held.job_id, held.attempt) == (job.job_id, job.attempt) for held in beat.jobs)
        signs += [beat.last_seen_at] if named else []
    confirmed_at = max(signs)
    return confirmed_at if (now - confirmed_at).total_seconds() > lease_seconds else None
