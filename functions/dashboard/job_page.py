"""The job page and its live part."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from functions.dashboard import choices
from functions.dashboard.badges import BUCKET_WORDS, MIRROR_WORDS, job_badges
from functions.dashboard.catalogue import TITLES
from functions.dashboard.confirmations import for_job
from functions.dashboard.filter_form import filter_facts
from functions.dashboard.forms import EMPTY_FORM, Form
from functions.dashboard.frame import Frame
from functions.dashboard.progress_bar import done_percent
from functions.dashboard.rendering import POLL_SECONDS, render
from functions.domain.views import FilePage, HistoryView, JobReport, JobView
from migrate_contract.jobs import Bucket, Finding, JobState
from migrate_contract.problem import Problem

_GOING = frozenset({JobState.CREATED, JobState.SCANNING, JobState.READY, JobState.RUNNING, JobState.PAUSED})
_FATES = {
    Bucket.EXCLUDED: "left out",
    Bucket.UNCHANGED: "there already",
    Bucket.TRANSFERRED: "there already",
    Bucket.FAILED: "fail as they are now",
    Bucket.UNSUPPORTED: "cannot be copied",
    Bucket.PENDING: "copied all the same",
}
_FAULTS_OF_THE_SOURCE = "source-"
"""Codes of files that cannot be read; what else is said of a file that waits is a note beside it."""
_SHOWN_RULES = 12
_USUAL_MBPS = (100.0, 1000.0)
_BITS = 8
_MEGA = 1e6
_MOST_TELLING = (Bucket.FAILED, Bucket.UNSUPPORTED, Bucket.TRANSFERRED, Bucket.UNCHANGED, Bucket.EXCLUDED)
"""Which bucket is opened first: where something is wrong, that."""


def first_bucket(job: JobView) -> Bucket:
    """Result: the bucket whose files are shown when none was asked for."""
    if job.progress is None:
        return Bucket.FAILED
    files = job.progress.files
    return next((bucket for bucket in _MOST_TELLING if getattr(files, bucket.value)), Bucket.TRANSFERRED)


def is_over(job: JobView) -> bool:
    """Result: whether the attempt has ended, so that there is a report."""
    return job.state not in _GOING and job.progress is not None


def job_live(frame: Frame, now: datetime, job: JobView) -> str:
    """Result: the part of the page that is asked for again every 10 s."""
    return render("job_live.html", frame, now=now, **_live(frame, job))


def job_page(
    frame: Frame,
    now: datetime,
    job: JobView,
    *,
    history: Sequence[HistoryView],
    files: FilePage,
    bucket: Bucket | None = None,
    report: JobReport | None,
    refusal: Problem | None = None,
    limit_form: Form = EMPTY_FORM,
) -> str:
    """Result: the whole page.

    `files` are those of `bucket`, or where none was asked for of the one that tells most; `report` is given where the
    attempt has ended, `refusal` after a refused action.
    """
    shown = bucket or first_bucket(job)
    return render(
        "job.html",
        frame,
        now=now,
        **_live(frame, job),
        refreshes=_record_refreshes(job, shown, files, report),
        address=f"/jobs/{job.job_id}" + (f"?bucket={bucket.value}" if bucket else ""),
        history=sorted(history, key=lambda entry: entry.number, reverse=True),
        files=files,
        bucket=shown,
        file_tabs=_file_tabs(job, shown),
        files_empty=_why_no_files(job, shown),
        report=report,
        refusal=refusal,
        limit_form=limit_form,
        titles=TITLES,
        overwrite_words=choices.OVERWRITE,
        symlink_words=choices.SYMLINKS,
        verification_words=choices.VERIFICATION,
        type_words=choices.JOB_TYPES,
        tier_words=choices.ACCESS_TIERS,
        filter_facts=filter_facts(job.filters),
        preflight=job.progress.preflight if job.progress and job.state is JobState.READY else None,
        finding_fate=finding_fate,
        shown_rules=_SHOWN_RULES,
    )


def finding_fate(finding: Finding) -> str:
    """Result: what becomes of the files of a finding if the job goes on as it is."""
    if finding.bucket is Bucket.PENDING and finding.code.startswith(_FAULTS_OF_THE_SOURCE):
        return _FATES[Bucket.FAILED]
    return _FATES[finding.bucket]


def estimates(job: JobView) -> list[tuple[float, float]]:
    """Result: (megabits per second, seconds) for the bytes to copy: at the job's limit, or at two usual speeds."""
    if job.progress is None:
        return []
    limit = job.transfer.bandwidth_limit_mbps
    return [(mbps, job.progress.bytes.pending * _BITS / (mbps * _MEGA)) for mbps in ([limit] if limit else _USUAL_MBPS)]


def _live(frame: Frame, job: JobView) -> dict[str, Any]:
    questions = for_job(job) if may_change(frame) else []
    return {
        "job": job,
        "questions": questions,
        "version": _version(job),
        "announcement": _announcement(job),
        "estimates": estimates(job),
    }


def may_change(frame: Frame) -> bool:
    """Result: whether to offer what changes something; the services decide, this only hides questions."""
    return frame.caller is not None and frame.caller.role.value != "Reader"


def _version(job: JobView) -> str:
    """Result: changes when history or files have something new to show."""
    files = job.progress.files if job.progress else None
    wrong = (files.failed, files.unsupported) if files else (0, 0)
    return f"{job.state.value}-{job.attempt}-{job.wish.kind.value if job.wish else ''}-{wrong[0]}-{wrong[1]}"


def _announcement(job: JobView) -> str:
    """Result: what a screen reader says: the state, and progress in steps of ten percent."""
    words = ", ".join(badge.label for badge in job_badges(job))
    if job.progress is None or job.state is not JobState.RUNNING or not job.scan_complete:
        return words
    percent = int(done_percent(job.progress).rstrip("%"))
    return f"{words}, {percent // 10 * 10} percent"


def _file_tabs(job: JobView, current: Bucket) -> list[tuple[str, int, str, bool]]:
    if job.progress is None:
        return []
    words = {**BUCKET_WORDS, **(MIRROR_WORDS if job.progress.mirror else {})}
    return [
        (label, _count(job, bucket), f"/jobs/{job.job_id}?bucket={bucket.value}#files", bucket is current)
        for bucket, label in words.items()
        if bucket is not Bucket.PENDING
    ]


def _count(job: JobView, bucket: Bucket) -> int:
    """Result: how many rows the ledger will have of this bucket, by the attempt's own counters."""
    if job.progress is None:
        return 0
    mirror = job.progress.mirror
    if bucket is Bucket.DELETED:
        return mirror.deleted_files if mirror else 0
    if bucket is Bucket.SURPLUS:
        return mirror.surplus_files - mirror.deleted_files if mirror else 0
    count: int = getattr(job.progress.files, bucket.value)
    return count


def _record_refreshes(job: JobView, bucket: Bucket, files: FilePage, report: JobReport | None) -> str | None:
    """Result: when history and files ask for themselves again; None where nothing more can come.

    The agent sends its ledger in parts, after the counters: a list that is behind them is asked for on its own.
    """
    counted = _count(job, bucket)
    if (counted and not files.items) or (report is not None and not report.ledger_complete):
        return f"job-changed from:body, every {POLL_SECONDS}s"
    return "job-changed from:body" if job.state in _GOING else None


def _why_no_files(job: JobView, bucket: Bucket) -> str:
    count = _count(job, bucket)
    if count:
        return "Their list is on its way: the agent sends it in parts."
    if job.progress is None or not job.progress.files.scanned:
        return "Each file appears here with what happened to it, once the agent has looked at it."
    return {
        Bucket.FAILED: "No file has failed.",
        Bucket.UNSUPPORTED: "Blob Storage can hold every name found so far.",
        Bucket.TRANSFERRED: "Nothing was copied in this attempt.",
        Bucket.UNCHANGED: "Nothing was there already.",
        Bucket.EXCLUDED: "Nothing was left out.",
        Bucket.SURPLUS: "Everything that this job keeps in the container is still at the source.",
        Bucket.DELETED: "Nothing was deleted.",
    }.get(bucket, "Nothing here.")
