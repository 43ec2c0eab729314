"""The two verdicts of an import: whether the money matches, and how much of the data is right. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from migrate_contract.rockrms import Entity, Evidence, ReconciliationRow, Verdict

ENTITY_MEASURES = frozenset({"records"})
"""Rows of every entity that the money's verdict rests on."""
MONEY_MEASURES = frozenset(
    {
        "records",
        "lines_equal",
        "net",
        *(f"{measure}{of}" for measure in ("gross", "refunds", "corrections") for of in ("", "_lines")),
        "zero_lines",
        *(f"fund_year_{measure}" for measure in ("net", "lines", "gross", "refunds", "corrections")),
        *(f"{of}_{measure}" for of in ("batch", "payment_method") for measure in ("net", "lines")),
        "gifts_with_donor",
        "giving_unit_year_net",
        "donor_year_net",
    }
)
"""Rows of contributions that the money's verdict rests on."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What was seen of one entity's records."""

    entity: Entity
    in_scope: int
    """Without those that a rule leaves out."""
    wrong: int
    """Missing, doubled, errored, or different in a field: counted once each."""
    compared: int
    """Read back and compared field by field."""
    compared_wrong: int


def counts_for_money(row: ReconciliationRow) -> bool:
    """Result: whether the row decides about `financial_match`: every entity's total, and all of the gifts' rows."""
    return row.measure in (MONEY_MEASURES if row.entity is Entity.CONTRIBUTIONS else ENTITY_MEASURES)


def financial_match(
    rows: Iterable[ReconciliationRow], *, errored: int, gone_undecided: int, unexplained: Decimal, evidence: Evidence
) -> bool | None:
    """Result: true iff every row differs by 0.00 and 0 records, nothing errored, and Mission itself has answered.

    None: Mission was not asked, or could not answer. A gift that Rock has no more and that nobody has decided about
    makes it false, and so does a bridge that leaves a cent.
    """
    if evidence is not Evidence.MISSION:
        return None
    deciding = [row for row in rows if counts_for_money(row)]
    if not deciding or any(row.verdict is Verdict.UNKNOWN for row in deciding):
        return None
    if errored or gone_undecided or unexplained != 0:
        return False
    return all(row.verdict is Verdict.MATCH for row in deciding)


def quality_of(tested: Examined, *, all_agree: bool) -> float:
    """Result: 100 x records whose copy in Mission equals what was sent / records in scope, floored to 0.1.

    Where only a sample was compared, the lower of two shares counts: known wrong among all, and wrong in the sample.
    At most 99.9 unless the money matches and all counts agree. Nothing in scope is 100 if nothing is wrong.
    """
    right = _share(tested.in_scope, tested.wrong)
    if tested.compared:
        right = min(right, _share(tested.compared, tested.compared_wrong))
    score = (right * 1000).to_integral_value(rounding=ROUND_FLOOR) / 10
    return float(score if all_agree else min(score, Decimal("99.9")))


def overall_quality(scores: Iterable[float]) -> float | None:
    """Result: the lowest entity; None where nothing was tested."""
    return min(scores, default=None)


def _share(whole: int, wrong: int) -> Decimal:
    if whole <= 0:
        return Decimal(1) if wrong == 0 else Decimal(0)
    return max(Decimal(0), Decimal(whole - wrong) / Decimal(whole))
