"""The job page of an import and its live part: entities, verdict, comparison, errors, history, settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from functions.dashboard.badges import Badge, job_badges, was_dry_run
from functions.dashboard.confirmations import for_job
from functions.dashboard.formatting import percent
from functions.dashboard.forms import EMPTY_FORM, Form
from functions.dashboard.frame import Frame
from functions.dashboard.import_bar import entity_lines, totals
from functions.dashboard.import_report import (
    CARD_GONE,
    CARD_ROWS,
    before_contributions,
    bridge_steps,
    gone_rows,
    is_explained,
    money_figures,
    ordered,
    row_counts,
    shown_rows,
    verdict_of,
)
from functions.dashboard.import_words import (
    ENTITY_WORDS,
    EVIDENCE_WORDS,
    KIND_TONES,
    PART_MEANINGS,
    PART_WORDS,
    Part,
    amount,
)
from functions.dashboard.job_page import may_change
from functions.dashboard.rendering import POLL_SECONDS, render
from functions.domain.rockrms_views import ImportLogGroup
from functions.domain.views import HistoryView, JobView
from migrate_contract.jobs import JobState
from migrate_contract.problem import Problem
from migrate_contract.rockrms import Entity, ImportReport, ImportSettings, LogKind, Stage

ENTITY_OPTIONS = [(entity.value, label) for entity, label in ENTITY_WORDS.items()]
SHOWN_GROUPS = 6
_ENDED = frozenset({JobState.FAILED, JobState.COMPLETED, JobState.CANCELLED})


@dataclass(frozen=True, slots=True)
class ShownGroup:
    """Records with the same code, kind and entity."""

    badge: Badge
    title: str
    entity: str
    code: str
    count: int
    sample: str
    fix: str
    href: str


def import_live(frame: Frame, now: datetime, job: JobView) -> str:
    """Result: the part of the page that is asked for again every 10 s."""
    return render("import_live.html", frame, now=now, **_live(frame, job))


def import_page(
    frame: Frame,
    now: datetime,
    job: JobView,
    *,
    history: Sequence[HistoryView],
    report: ImportReport | None,
    groups: Sequence[ImportLogGroup],
    refusal: Problem | None = None,
    trace_form: Form = EMPTY_FORM,
) -> str:
    """Result: the whole page. `report` is of the newest attempt that has one; `groups` are of the newest attempt."""
    return render(
        "import_job.html",
        frame,
        now=now,
        **_live(frame, job),
        **(_of_report(job, report) if report else {"report": None}),
        refreshes=_refreshes(job, report),
        history=sorted(history, key=lambda entry: entry.number, reverse=True),
        **_of_groups(shown_groups(job.job_id, groups)),
        groups_empty=_why_no_groups(job),
        settings=settings_facts(job.rockrms) if job.rockrms else [],
        downloads=f"/api/jobs/{job.job_id}",
        refusal=refusal,
        trace_form=trace_form,
        entity_options=ENTITY_OPTIONS,
    )


def shown_groups(job_id: str, groups: Sequence[ImportLogGroup]) -> list[ShownGroup]:
    """Result: errored first, then flagged, then skipped; in each the largest first."""
    order = list(KIND_TONES)
    ranked = sorted(groups, key=lambda group: (order.index(group.kind), -group.rows))
    return [
        ShownGroup(
            badge=KIND_TONES[group.kind],
            title=group.title or group.code,
            entity=ENTITY_WORDS[group.entity],
            code=group.code,
            count=group.rows,
            sample=_sample(group),
            fix=group.fix,
            href=f"/jobs/{job_id}/log?kind={group.kind.value}&entity={group.entity.value}&code={group.code}",
        )
        for group in ranked
    ]


def _of_groups(groups: list[ShownGroup]) -> dict[str, list[ShownGroup]]:
    """Result: what is shown at once (all errors, and the largest of the rest), and what is folded up."""
    errors = sum(group.badge is KIND_TONES[LogKind.ERRORED] for group in groups)
    at_once = max(errors, SHOWN_GROUPS)
    return {"groups": groups[:at_once], "more_groups": groups[at_once:]}


def settings_facts(settings: ImportSettings) -> list[tuple[str, str]]:
    """Result: the settings in words."""
    chosen = [ENTITY_WORDS[entity] for entity in Entity if entity in settings.entities]
    campuses = ", ".join(str(campus) for campus in settings.campus_ids)
    without = "; records of no campus too" if settings.include_without_campus else "; no records without a campus"
    return [
        ("Entities", "all" if len(chosen) == len(Entity) else ", ".join(chosen)),
        ("Campuses", f"ids {campuses}{without}" if campuses else "all"),
        ("Gifts and attendance", f"from {settings.date_range_start}" if settings.date_range_start else "of all time"),
        ("Time zone", settings.time_zone),
        ("Currency", settings.currency),
        ("Further types", ", ".join(settings.transaction_types) or "none beside Contribution"),
        ("Batches", f"at most {settings.batch_size} records"),
        ("Sending", "nothing is sent (dry run)" if settings.dry_run else "to Mission"),
    ]


def _live(frame: Frame, job: JobView) -> dict[str, Any]:
    counts = job.progress.entities if job.progress else []
    decided, scope = totals(counts)
    words = ", ".join(badge.label for badge in job_badges(job))
    done = percent(decided, scope)
    running = job.state is JobState.RUNNING
    return {
        "job": job,
        "questions": for_job(job) if may_change(frame) else [],
        "version": f"{job.state.value}-{job.attempt}-{job.wish.kind.value if job.wish else ''}-"
        f"{sum(each.errored for each in counts)}",
        "announcement": f"{words}, {int(done.rstrip('%')) // 10 * 10} percent" if running and scope else words,
        "lines": entity_lines(counts),
        "decided": decided,
        "scope": scope,
        "done": done,
        "parts": list(Part),
        "part_words": PART_WORDS | ({Part.PENDING: "To send"} if _is_dry(job) else {}),
        "part_meanings": PART_MEANINGS,
        "mission_url": getattr(job.destination, "url", ""),
        "dry_run": _is_dry(job),
    }


def _is_dry(job: JobView) -> bool:
    """Result: whether the newest attempt sends nothing: what is pending in it stays so."""
    if job.state in _ENDED and job.import_result is not None:
        return was_dry_run(job)
    return bool(job.rockrms and job.rockrms.dry_run)


def _of_report(job: JobView, report: ImportReport) -> Mapping[str, Any]:
    gone = gone_rows(report.gone[:CARD_GONE], report.currency)
    here = f"/jobs/{job.job_id}"
    return {
        "report": report,
        "verdict": verdict_of(report),
        "money": money_figures(report),
        "evidence": "" if report.stage is Stage.DRY_RUN else EVIDENCE_WORDS[report.evidence],
        "reason": "" if report.stage is Stage.DRY_RUN else report.reason,
        "scope_words": report.filters,
        "before_title": "To decide before contributions"
        if report.stage is Stage.DRY_RUN
        else "Funds, statuses and types in scope",
        "rows_title": "What RockRMS has" if report.stage is Stage.DRY_RUN else "Both sides compared",
        "gone_rows": gone,
        "gone_left": max(0, report.gone_count - len(gone)),
        "before": before_contributions(report),
        "rows": shown_rows(job.job_id, ordered(report.rows)[:CARD_ROWS]),
        "row_counts": row_counts(report.rows, report.rows_left_off),
        "bridge": bridge_steps(job.job_id, report),
        "explained": is_explained(report),
        "unexplained": amount(report.unexplained, report.currency),
        "report_links": [
            ("Both sides, row by row", len(report.rows) + report.rows_left_off, f"{here}/rows"),
            ("Data quality in RockRMS", sum(found.count for found in report.quality), f"{here}/quality"),
            ("Changed in RockRMS meanwhile", report.changed_during_count, f"{here}/quality#changed"),
            ("Not moved", sum(found.count for found in report.not_moved), f"{here}/quality#not-moved"),
            ("Already in Mission", sum(found.count for found in report.already_in_mission), f"{here}/quality#already"),
        ],
    }


def _sample(group: ImportLogGroup) -> str:
    if not group.sample:
        return ""
    row = group.sample[0]
    named = f"{row.source_table} {row.source_id}" if row.source_id is not None else row.source_table
    return f"{named}: {row.detail}" if row.detail else named


def _refreshes(job: JobView, report: ImportReport | None) -> str | None:
    """Result: when report and errors ask for themselves again; the agent sends them in parts, after the counters."""
    counts = job.progress.entities if job.progress else []
    newest = report is not None and report.attempt == job.attempt
    works = job.state not in _ENDED and any(each.pending for each in counts)
    if (job.state is JobState.COMPLETED and not newest) or works:
        return f"job-changed from:body, every {POLL_SECONDS}s"
    return None if job.state in _ENDED else "job-changed from:body"


def _why_no_groups(job: JobView) -> str:
    if job.progress is None or not job.progress.entities:
        return "Each record that is not simply imported appears here with its reason."
    counted = sum(each.errored + each.skipped + each.flagged for each in job.progress.entities)
    return "Their list is on its way: the agent sends it in parts." if counted else "Every record was simply imported."
