"""What the newest report of an import says, in short: the row `irep|<job id>`. Written by the imports alone."""

from __future__ import annotations

from datetime import datetime

from functions.domain import rows
from functions.domain.ports import Row, Value
from functions.domain.views import ImportResultView
from migrate_contract.rockrms import Evidence, ImportReport, Stage


def result_columns(report: ImportReport, received_at: datetime) -> dict[str, Value]:
    """Result: the whole row."""
    return {
        "attempt": report.attempt,
        "stage": report.stage.value,
        "evidence": report.evidence.value,
        "match": "" if report.financial_match is None else str(report.financial_match).lower(),
        "quality_score": report.quality_score,
        **rows.long_text("reason", report.reason),
        "gone": sum(record.decision is None for record in report.gone),
        "received_at": received_at,
    }


def result_of(row: Row) -> ImportResultView:
    """Result: what the row holds."""
    match = rows.text(row, "match")
    has_score = row.values.get("quality_score") is not None
    return ImportResultView(
        attempt=rows.number(row, "attempt", 1),
        stage=Stage(rows.text(row, "stage")),
        evidence=Evidence(rows.text(row, "evidence")),
        financial_match=match == "true" if match else None,
        quality_score=rows.real(row, "quality_score") if has_score else None,
        reason=rows.joined_text(row, "reason"),
        gone=rows.number(row, "gone"),
        received_at=rows.need_moment(row, "received_at"),
    )
