"""The parts of an import's report as its pages show them: verdict, money, rows, bridge, decisions. Pure.

Nouns: a *shown row* is one row of the reconciliation in words; rows that differ come first, then fund by year.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from functions.dashboard.badges import Badge
from functions.dashboard.import_words import (
    ENTITY_WORDS,
    EVIDENCE_WORDS,
    GONE_WORDS,
    MEASURE_WORDS,
    STATUS_WORDS,
    VERDICTS,
    amount,
    figure,
)
from functions.dashboard.trace_links import Example, examples
from migrate_contract.rockrms import (
    Entity,
    Evidence,
    GoneAnswer,
    GoneRecord,
    ImportReport,
    ReconciliationRow,
    Stage,
    Tallied,
    Verdict,
)

FUND_BY_YEAR = "fund_year_net"
"""The measure that a treasurer looks at first."""
CARD_ROWS = 20
"""On the job's page; the page of all rows has the rest."""
CARD_GONE = 20
_ORDER = (Verdict.DIFFERS, Verdict.UNKNOWN, Verdict.MATCH)


@dataclass(frozen=True, slots=True)
class VerdictShown:
    """The judgement in words and colour. `certified`: there is a certificate to look at."""

    title: str
    label: str
    tone: str
    icon: str
    text: str
    certified: bool = True


@dataclass(frozen=True, slots=True)
class ShownRow:
    """One row of the reconciliation."""

    label: str
    what: str
    source: str
    target: str
    difference: str
    differs: bool
    verdict: Badge
    evidence: str
    records: Sequence[Example]


@dataclass(frozen=True, slots=True)
class ShownStep:
    """One step of the bridge, or one thing counted."""

    label: str
    count: str
    amount: str
    records: Sequence[Example]


@dataclass(frozen=True, slots=True)
class ShownGone:
    """One record that is in Mission and no longer in Rock."""

    label: str
    entity: str
    external_id: str
    amount: str
    decision: str
    chosen: str
    options: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ShownStatus:
    """A transaction status that the import does not know."""

    status: str
    lines: int
    amount: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Before:
    """What waits for a decision before contributions are imported."""

    funds: int
    undecided: int
    statuses: list[ShownStatus]
    types: list[Tallied]


def verdict_of(report: ImportReport) -> VerdictShown:
    """Result: what the report says in one word and one sentence; never green unless everything agrees."""
    if report.stage is Stage.DRY_RUN:
        return VerdictShown(
            "Dry run",
            "Nothing was sent",
            "accent",
            "info",
            "Everything but the sending was done: what stands here is what an import would do.",
            certified=False,
        )
    if report.financial_match:
        text = "Every row agrees: 0.00 and 0 records of difference, none errored, both sides read."
        return VerdictShown("The numbers agree", "Verified", "ok", "done", text)
    if report.financial_match is False:
        text = "At least one row differs, or a record was not taken. The rows that differ are on top, with the records."
        return VerdictShown("The numbers differ", "Does not match", "bad", "failed", text)
    if report.evidence is Evidence.ACKNOWLEDGED and report.stage is Stage.NOT_VERIFIED:
        text = "Mission answered that it took the records; nobody has looked again."
        return VerdictShown("Accepted by Mission, not verified", "Not verified", "warn", "warning", text)
    return VerdictShown(
        "Not verified", "Not verified", "warn", "warning", "The two sides were not compared to the end."
    )


def money_figures(report: ImportReport) -> list[tuple[str, str, str]]:
    """Result: label, amount and a hint of each total, and the quality score."""
    totals = report.totals
    score = "–" if report.quality_score is None else f"{report.quality_score:.1f} %"
    return [
        ("Gross", amount(totals.gross), f"{totals.gifts:,} gifts"),
        ("Refunds", amount(totals.refunds), f"{totals.refund_lines:,} lines"),
        ("Corrections", amount(totals.corrections), f"{totals.correction_lines:,} lines"),
        ("Net", amount(totals.net), f"{totals.zero_lines:,} lines of 0.00"),
        ("Quality score", score, "equal to what was sent" if report.quality_score is not None else ""),
    ]


def ordered(rows: Sequence[ReconciliationRow]) -> list[ReconciliationRow]:
    """Result: rows that differ, then unknown, then matching; in each, fund by year first, otherwise as they came."""
    return sorted(rows, key=lambda row: (_ORDER.index(row.verdict), row.measure != FUND_BY_YEAR))


def shown_rows(job_id: str, rows: Sequence[ReconciliationRow]) -> list[ShownRow]:
    """Result: the rows in words, in the order given, with links to the job's traces."""
    return [_shown(job_id, row) for row in rows]


def row_counts(rows: Sequence[ReconciliationRow], left_off: int = 0) -> list[tuple[Badge, int]]:
    """Result: how many rows have each verdict, without those that none has; rows that were left off match."""
    counts = {verdict: sum(row.verdict is verdict for row in rows) for verdict in _ORDER}
    counts[Verdict.MATCH] += left_off
    return [(VERDICTS[verdict], count) for verdict, count in counts.items() if count]


def bridge_steps(job_id: str, report: ImportReport) -> list[ShownStep]:
    """Result: the steps from all that Rock has to what Mission has."""
    return [
        ShownStep(line.label, f"{line.count:,}", amount(line.amount, report.currency), examples(job_id, line.records))
        for line in report.bridge
    ]


def is_explained(report: ImportReport) -> bool:
    """Result: whether the bridge leaves exactly nothing."""
    return Decimal(report.unexplained) == 0


def before_contributions(report: ImportReport) -> Before:
    """Result: funds, statuses and transaction types that an operator may have to decide about."""
    return Before(
        funds=len(report.funds),
        undecided=sum(fund.choice is None for fund in report.funds),
        statuses=[
            ShownStatus(
                found.status,
                found.lines,
                amount(found.amount, report.currency),
                STATUS_WORDS[found.meaning] if found.meaning else "not decided: its lines count as gifts",
            )
            for found in report.statuses
        ],
        types=report.other_types,
    )


def gone_rows(records: Sequence[GoneRecord], currency: str) -> list[ShownGone]:
    """Result: the records to decide about: only a gift can be voided, anything else is kept or not decided."""
    return [_gone(record, currency) for record in records]


def _gone(record: GoneRecord, currency: str) -> ShownGone:
    offered = [None, *GoneAnswer] if record.entity is Entity.CONTRIBUTIONS else [None, GoneAnswer.KEEP]
    value = record.decision.value if record.decision else ""
    return ShownGone(
        label=record.label or record.external_id,
        entity=ENTITY_WORDS[record.entity],
        external_id=record.external_id,
        amount=amount(record.amount, currency) if record.amount else "",
        decision=GONE_WORDS[record.decision],
        chosen=f"{record.external_id}|{value}",
        options=[(f"{record.external_id}|{each.value if each else ''}", GONE_WORDS[each]) for each in offered],
    )


def _shown(job_id: str, row: ReconciliationRow) -> ShownRow:
    entity = ENTITY_WORDS[row.entity]
    measure = MEASURE_WORDS.get(row.measure, row.measure.replace("_", " "))
    return ShownRow(
        label=row.label or row.key or f"All {entity.lower()}",
        what=f"{entity}, {measure}",
        source=figure(row.source_value),
        target=figure(row.target_value),
        difference=figure(row.difference),
        differs=row.verdict is Verdict.DIFFERS,
        verdict=VERDICTS[row.verdict],
        evidence="" if row.evidence is Evidence.MISSION or row.target_value is None else EVIDENCE_WORDS[row.evidence],
        records=examples(job_id, row.records, row.entity),
    )
