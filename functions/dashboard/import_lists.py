"""The pages behind an import's report: its log, all rows of the comparison, data quality, gone records, one trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from functions.dashboard.catalogue import TITLES
from functions.dashboard.check_words import trace_state
from functions.dashboard.forms import EMPTY_FORM, Form
from functions.dashboard.frame import Frame
from functions.dashboard.import_page import ENTITY_OPTIONS
from functions.dashboard.import_report import gone_rows, ordered, row_counts, shown_rows
from functions.dashboard.import_words import ENTITY_WORDS, KIND_TONES, KIND_WORDS, amount
from functions.dashboard.rendering import CHECK_POLL_SECONDS, render
from functions.dashboard.trace_links import Example, examples
from functions.domain.rockrms_views import CheckView
from functions.domain.views import JobView, Page
from migrate_contract.problem import Problem
from migrate_contract.rockrms import (
    Entity,
    ImportLogRow,
    ImportReport,
    LogKind,
    QualityFinding,
    Tallied,
    TraceReport,
    Verdict,
)

ROWS_PER_PAGE = 100
GONE_PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class LogFilter:
    """What the list is narrowed to; None: not narrowed."""

    kind: LogKind | None = None
    entity: Entity | None = None
    code: str | None = None

    @property
    def query(self) -> str:
        """Result: the filter as it stands in an address."""
        named = {"kind": self.kind, "entity": self.entity, "code": self.code}
        return urlencode({name: str(value) for name, value in named.items() if value})


@dataclass(frozen=True, slots=True)
class ShownField:
    """One field of a traced record, as it was sent and as Mission has it."""

    name: str
    sent: str
    mission: str
    differs: bool


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """One thing that was counted, with examples."""

    label: str
    where: str
    count: int
    amount: str
    examples: Sequence[Example]


def log_page(
    frame: Frame, now: datetime, job: JobView, page: Page[ImportLogRow], chosen: LogFilter, codes: Sequence[str]
) -> str:
    """Result: the records of one group, or all; `codes` are those that the attempt's log has."""
    here = f"/jobs/{job.job_id}/log"
    return render(
        "import_log.html",
        frame,
        now=now,
        job=job,
        page=page,
        address=f"{here}?{chosen.query}" if chosen.query else here,
        kind=chosen.kind.value if chosen.kind else "",
        entity=chosen.entity.value if chosen.entity else "",
        code=chosen.code or "",
        kind_options=[("", "All"), *((kind.value, words) for kind, words in KIND_WORDS.items())],
        entity_options=[("", "All"), *ENTITY_OPTIONS],
        code_options=[("", "All"), *((code, TITLES.get(code, code)) for code in codes)],
        tones=KIND_TONES,
        entity_words=ENTITY_WORDS,
        titles=TITLES,
        may_trace=bool(job.agent_id),
    )


def rows_page(
    frame: Frame, job: JobView, report: ImportReport, verdict: Verdict | None, entity: Entity | None, first: int = 0
) -> str:
    """Result: the rows of the comparison from number `first`, narrowed to a verdict and an entity."""
    rows = [
        row
        for row in ordered(report.rows)
        if (verdict is None or row.verdict is verdict) and (entity is None or row.entity is entity)
    ]
    here = f"/jobs/{job.job_id}/rows"
    query = urlencode({name: str(value) for name, value in (("verdict", verdict), ("entity", entity)) if value})
    following = first + ROWS_PER_PAGE
    return render(
        "import_rows.html",
        frame,
        job=job,
        report=report,
        rows=shown_rows(job.job_id, rows[first:following]),
        found=len(rows),
        row_counts=row_counts(report.rows, report.rows_left_off),
        entity_tabs=_tabs(here, report, verdict, entity),
        differing=f"{here}?verdict=differs",
        only_differing=verdict is Verdict.DIFFERS,
        whole=here,
        next_page=f"{here}?{query + '&' if query else ''}first={following}" if following < len(rows) else "",
    )


def quality_page(frame: Frame, job: JobView, report: ImportReport) -> str:
    """Result: what a person should look at in RockRMS, what was not moved, and what was in Mission already."""
    return render(
        "import_quality.html",
        frame,
        job=job,
        report=report,
        findings=[_finding(job.job_id, found, report.currency) for found in report.quality],
        not_moved=[_finding(job.job_id, found, report.currency) for found in report.not_moved],
        already=[_finding(job.job_id, found, report.currency) for found in report.already_in_mission],
        changed=examples(job.job_id, report.changed_during),
        changed_left=report.changed_during_count - len(report.changed_during),
    )


def gone_page(frame: Frame, job: JobView, report: ImportReport, first: int = 0, refusal: Problem | None = None) -> str:
    """Result: the records that are in Mission and gone from Rock, from number `first`."""
    following = first + GONE_PER_PAGE
    here = f"/jobs/{job.job_id}/gone"
    return render(
        "import_gone_page.html",
        frame,
        job=job,
        report=report,
        here=f"/jobs/{job.job_id}",
        gone_rows=gone_rows(report.gone[first:following], report.currency),
        gone_left=0,
        refusal=refusal,
        next_page=f"{here}?first={following}" if following < len(report.gone) else "",
    )


def trace_page(frame: Frame, now: datetime, job: JobView, check: CheckView | None, form: Form = EMPTY_FORM) -> str:
    """Result: one record on its way from Rock to Mission, or that the agent was asked for it."""
    here = f"/jobs/{job.job_id}"
    return render(
        "import_trace.html",
        frame,
        now=now,
        job=job,
        here=here,
        address=f"{here}/trace",
        poll_seconds=CHECK_POLL_SECONDS,
        test=trace_state(check),
        trace=check.trace if check else None,
        fields=compared(check.trace) if check and check.trace else [],
        trace_form=form,
        entity_options=ENTITY_OPTIONS,
        entity_words=ENTITY_WORDS,
    )


def compared(trace: TraceReport) -> list[ShownField]:
    """Result: each field that was sent or that Mission has, those that differ first; of one side alone none differs."""
    sent = {value.name: value.value for value in trace.sent}
    mission = {value.name: value.value for value in trace.mission}
    both = bool(sent) and bool(mission)
    fields = [
        ShownField(name, sent.get(name, ""), mission.get(name, ""), both and sent.get(name) != mission.get(name))
        for name in dict.fromkeys([*sent, *mission])
    ]
    return sorted(fields, key=lambda field: not field.differs)


def _finding(job_id: str, found: QualityFinding | Tallied, currency: str) -> ShownFinding:
    entity = getattr(found, "entity", None)
    money = getattr(found, "amount", None)
    return ShownFinding(
        label=found.label,
        where=ENTITY_WORDS[entity] if entity else "",
        count=found.count,
        amount=amount(money, currency) if money else "",
        examples=examples(job_id, found.examples, entity),
    )


def _tabs(
    here: str, report: ImportReport, verdict: Verdict | None, entity: Entity | None
) -> list[tuple[str, int, str, bool]]:
    """Result: label, number of rows, address and whether it is open, for all rows and for each entity that has some."""
    kept = [row for row in report.rows if verdict is None or row.verdict is verdict]
    narrowed = f"verdict={verdict.value}" if verdict else ""
    tabs = [("All", len(kept), f"{here}?{narrowed}" if narrowed else here, entity is None)]
    for each, label in ENTITY_WORDS.items():
        number = sum(row.entity is each for row in kept)
        if number:
            query = "&".join(filter(None, (narrowed, f"entity={each.value}")))
            tabs.append((label, number, f"{here}?{query}", each is entity))
    return tabs
