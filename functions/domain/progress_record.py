"""The newest progress report of a job, as its row `prog|<job id>` keeps it. Written by the progress service alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.domain import rows
from functions.domain.agent import Beat
from functions.domain.job import WORKING, Job, Mark
from functions.domain.ports import Row, Value
from functions.domain.views import ProgressView
from migrate_contract.jobs import Progress, WaitedSeconds, WaitReason
from migrate_contract.wire import Timestamp, WireModel

WAITED_WINDOW_SECONDS = 30.0
"""An earlier report's worker time is compared with for so long, before a newer one takes its place."""


class WaitedBefore(WireModel):
    """Worker time as an earlier report of the same process told it: what worker time of late is the difference to."""

    at: Timestamp
    seconds: WaitedSeconds


@dataclass(frozen=True, slots=True)
class ProgressRecord:
    """`advanced_at`: when the number of scanned files, or of an import's records, last changed (for the watchdog)."""

    report: Progress
    mark: Mark
    received_at: datetime
    advanced_at: datetime
    waited_before: WaitedBefore | None = None

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
            "waited_before": self.waited_before.model_dump_json() if self.waited_before else "",
        }


def record_of(row: Row) -> ProgressRecord:
    """Result: the record that the row holds."""
    before = rows.text(row, "waited_before")
    return ProgressRecord(
        report=Progress.model_validate_json(rows.joined_text(row, "report")),
        mark=Mark(rows.number(row, "epoch"), rows.number(row, "sequence")),
        received_at=rows.need_moment(row, "received_at"),
        advanced_at=rows.need_moment(row, "advanced_at"),
        waited_before=WaitedBefore.model_validate_json(before) if before else None,
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
        and stored.report.entities == report.entities
    )
    return ProgressRecord(
        report,
        mark,
        now,
        stored.advanced_at if stored and stands_still else now,
        _waited_before(stored, report, mark, now) if stored and same_attempt else None,
    )


def _waited_before(stored: ProgressRecord, report: Progress, mark: Mark, now: datetime) -> WaitedBefore | None:
    """Result: what the new report's worker time is compared with.

    None where it counts from zero: in a new process, or in an attempt that was paused and goes on.
    """
    known = stored.report.waited_seconds
    restarted = any(report.waited_seconds.get(reason, 0.0) < spent for reason, spent in known.items())
    if not known or restarted or stored.mark.session_epoch != mark.session_epoch:
        return None
    before = stored.waited_before
    if before is not None and (now - before.at).total_seconds() < WAITED_WINDOW_SECONDS:
        return before
    return WaitedBefore(at=stored.received_at, seconds=known)


def recent_seconds(record: ProgressRecord) -> dict[WaitReason, float]:
    """Result: worker-seconds by reason since an earlier report, ten to forty seconds ago; empty where there is none."""
    if record.waited_before is None:
        return {}
    before = record.waited_before.seconds
    spent = {reason: total - before.get(reason, 0.0) for reason, total in record.report.waited_seconds.items()}
    return {reason: seconds for reason, seconds in spent.items() if seconds > 0}


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
        speed_records_per_second=report.speed_records_per_second,
        average_bytes_per_second=report.average_bytes_per_second,
        eta_seconds=report.eta_seconds,
        waiting=report.waiting,
        limit=report.limit,
        concurrency=report.concurrency,
        advice=report.advice,
        waited_seconds=report.waited_seconds,
        recent_waited_seconds=recent_seconds(record),
        recent_faults=report.recent_faults,
        mirror=report.mirror,
        preflight=report.preflight,
        entities=report.entities,
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
