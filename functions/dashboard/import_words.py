"""The words and tones of an import: entities, verdicts, measures, log kinds, what a dry run found.

Nouns: a *part* is one of the six counts that a record in scope is in exactly one of.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum, unique

from functions.dashboard.badges import Badge
from migrate_contract.rockrms import Entity, Evidence, FundAnswer, GoneAnswer, LogKind, Stage, StatusMeaning, Verdict

ENTITY_WORDS = {
    Entity.PEOPLE: "People",
    Entity.FAMILIES: "Families",
    Entity.GROUPS: "Groups",
    Entity.CONTRIBUTIONS: "Contributions",
    Entity.ATTENDANCE: "Attendance",
    Entity.PRAYER_REQUESTS: "Prayer requests",
}
"""In the order in which they are imported."""


@unique
class Part(StrEnum):
    """Set by the agent's counters; the values are their names."""

    IMPORTED = "imported"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    ERRORED = "errored"
    PENDING = "pending"


PART_WORDS = {part: part.value.capitalize() for part in Part}
PART_MEANINGS = {
    Part.IMPORTED: "New in Mission.",
    Part.UPDATED: "In Mission already, and changed to what Rock has now.",
    Part.UNCHANGED: "In Mission already, as Rock has it.",
    Part.SKIPPED: "Left out by a rule; the reason stands beside it.",
    Part.ERRORED: "Refused by Mission; the answer stands beside it. A rerun sends it again.",
    Part.PENDING: "In scope, not decided yet.",
}
MEASURE_WORDS = {
    "fund_year_net": "net by fund and year",
    "fund_year_lines": "lines by fund and year",
    "batch_net": "net by batch",
    "batch_lines": "lines by batch",
    "payment_method_net": "net by payment method",
    "payment_method_lines": "lines by payment method",
    "giving_unit_year_net": "net by giving unit and year",
    "donor_year_net": "net by donor and year",
    "lines_equal": "lines read back and equal to what was sent",
    "records_equal": "records read back and equal to what was sent",
    "gifts_with_donor": "gifts that name their donor",
    "zero_lines": "lines of 0.00",
    "birth_dates": "birth dates",
    "attendance_days": "by day",
    "attendance_person_years": "by person and year",
}
"""Of measures whose name says too little; the others stand for themselves."""
KIND_WORDS = {
    LogKind.ERRORED: "Errored",
    LogKind.SKIPPED: "Skipped",
    LogKind.FLAGGED: "Imported, to look at",
}
KIND_TONES = {
    LogKind.ERRORED: Badge("Errored", "bad", "failed"),
    LogKind.SKIPPED: Badge("Skipped", "quiet", "cancelled"),
    LogKind.FLAGGED: Badge("Flagged", "warn", "warning"),
}
VERDICTS = {
    Verdict.MATCH: Badge("Agrees", "ok", "done"),
    Verdict.DIFFERS: Badge("Differs", "bad", "failed"),
    Verdict.UNKNOWN: Badge("Not known", "quiet", "info"),
}
EVIDENCE_WORDS = {
    Evidence.MISSION: "read back from Mission",
    Evidence.ACKNOWLEDGED: "accepted by Mission, not verified",
}
STAGE_WORDS = {
    Stage.DRY_RUN: "dry run: nothing was sent",
    Stage.VERIFIED: "verified on both sides",
    Stage.NOT_VERIFIED: "not verified",
}
FUND_WORDS = {
    FundAnswer.SAME: "same fund in Mission",
    FundAnswer.OTHER: "another fund in Mission",
    FundAnswer.NEW: "new fund in Mission",
}
GONE_WORDS = {
    None: "not decided: the numbers cannot agree before it is",
    GoneAnswer.KEEP: "keep it in Mission",
    GoneAnswer.VOID: "void it in Mission at the next attempt",
}
STATUS_WORDS = {
    StatusMeaning.GIFT: "its lines are gifts",
    StatusMeaning.NOT_GIFT: "its lines are no gifts: leave them out",
}


def amount(value: str, currency: str = "") -> str:
    """Result: money with its thousands apart: "1,204,331.50 USD", "-12.30"."""
    text = f"{Decimal(value):,.2f}"
    return f"{text} {currency}" if currency else text


def figure(value: str | None) -> str:
    """Result: a value of a reconciliation row, which is money, a whole number or a text; a dash where unknown."""
    if value is None:
        return "–"
    plain = value.removeprefix("-")
    if plain.isdigit():
        return f"{int(value):,}"
    whole, dot, places = plain.partition(".")
    return amount(value) if dot and whole.isdigit() and len(places) == 2 and places.isdigit() else value
