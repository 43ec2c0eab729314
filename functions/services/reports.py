"""The report of a job: its counters against its ledger, and reasons for what was not copied."""

from __future__ import annotations

from functions.domain.caller import OperatorCaller
from functions.domain.job import ENDED, Job
from functions.domain.ports import Clock
from functions.domain.views import BucketCount, JobReport, JobView, ReasonCount, RuleCount, VerificationCount
from functions.services.job_store import JobStore
from functions.services.job_views import JobViews
from functions.services.ledger_store import Counts, LedgerStore
from migrate_contract.errors import CATALOGUE, ErrorCode
from migrate_contract.jobs import FOUND_BUCKETS, Bucket, Tally, Verification

_MOST_RULES = 500
"""More than a job can have: 200 patterns of each kind, those by default, and the other filters."""


class Reports:
    """Makes reports."""

    def __init__(self, clock: Clock, jobs: JobStore, views: JobViews, ledgers: LedgerStore) -> None:
        self._clock = clock
        self._jobs = jobs
        self._views = views
        self._ledgers = ledgers

    def job_report(self, caller: OperatorCaller, job_id: str) -> JobReport:
        """Result: the report of the newest attempt."""
        job = self._jobs.need(caller, job_id)
        view = self._views.view(caller, job)
        counts, complete_to = Counts(), 0
        for chunk in self._ledgers.chunks(caller.organization, job_id, job.attempt):
            if chunk.last <= complete_to:
                continue
            if chunk.first > complete_to:
                counts.plus(chunk.counts)
            else:
                for row in self._ledgers.rows(chunk, complete_to):
                    counts.add(row)
            complete_to = chunk.last
        files = view.progress.files if view.progress else Tally()
        found_rows = counts.rows - counts.files[Bucket.SURPLUS] - counts.files[Bucket.DELETED]
        complete = found_rows == files.scanned - files.pending
        safe = self._safe(caller, job, counts)
        ended = job.state in ENDED
        return JobReport(
            generated_at=self._clock(),
            job=view,
            attempt=job.attempt,
            files=files,
            bytes=view.progress.bytes if view.progress else Tally(),
            ledger_rows=counts.rows,
            ledger_complete=complete,
            ledger=[BucketCount(bucket=b, files=counts.files[b], bytes=counts.bytes[b]) for b in Bucket],
            reasons=_reasons(counts),
            verification=[VerificationCount(level=level, files=counts.levels[level]) for level in Verification],
            safe_files=safe[0],
            safe_bytes=safe[1],
            adds_up=_adds_up(view, counts) if ended and complete and not files.pending else None,
        )

    def _safe(self, caller: OperatorCaller, job: Job, newest: Counts) -> tuple[int, int]:
        """Result: files and bytes that are safe to delete, with those of the attempts that this one completes."""
        files, size = newest.safe_files, newest.safe_bytes
        for attempt in job.retried:
            for chunk in self._ledgers.chunks(caller.organization, job.job_id, attempt):
                files, size = files + chunk.counts.safe_files, size + chunk.counts.safe_bytes
        return files, size


def _adds_up(view: JobView, counts: Counts) -> bool:
    """Result: whether the ledger says the same as the counters, bucket by bucket, in files and in bytes."""
    files = view.progress.files if view.progress else Tally()
    sizes = view.progress.bytes if view.progress else Tally()
    return all(
        counts.files[bucket] == getattr(files, bucket.value) and counts.bytes[bucket] == getattr(sizes, bucket.value)
        for bucket in FOUND_BUCKETS
    )


def _reasons(counts: Counts) -> list[ReasonCount]:
    """Result: how many files ended where, and why; most first."""
    found = []
    for (bucket, code), files in counts.reasons.most_common():
        known = code in set(ErrorCode)
        found.append(
            ReasonCount(
                bucket=bucket,
                code=code,
                title=CATALOGUE[ErrorCode(code)].title if known else None,
                files=files,
                rules=_rules(counts) if code == ErrorCode.FILTERED_OUT else [],
            )
        )
    return found


def _rules(counts: Counts) -> list[RuleCount]:
    return [RuleCount(rule=rule, files=files) for rule, files in counts.rules.most_common(_MOST_RULES)]
