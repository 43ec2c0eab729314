"""What the verification makes of one gift line of Rock, by the definitions of docs/reconciliation.md. Pure.

Written for the verification alone: nothing here is shared with the mapping, so that an error of one is seen by the
other. A line falls into exactly one bucket; only those of the bucket `scope` are compared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum, unique
from typing import NamedTuple


@unique
class LineClass(StrEnum):
    """What kind of money a line is; set by `class_of`, and sent in Mission's words."""

    GIFT = "gift"
    """Greater than zero, of a transaction without a refund row."""
    REFUND = "refund"
    """Of a transaction with a refund row, whatever its sign, zero too; counted at its own date and fund."""
    CORRECTION = "correction"
    """Less than zero, without a refund row."""
    ZERO = "zero"
    """Zero, without a refund row."""


@unique
class Bucket(StrEnum):
    """Where a line belongs; set by `bucket_of`, in this order: the first that fits."""

    BEFORE = "before"
    """Dated before the filter's first day."""
    CAMPUS = "campus"
    """Of a campus that the filter leaves out."""
    TYPE = "type"
    """Of a transaction type that is neither Contribution nor opted in."""
    FUTURE = "future"
    """Not charged yet."""
    FAILED = "failed"
    """Its status says that no money moved."""
    SCOPE = "scope"


CONTRIBUTION = "2d607262-52d6-4724-910d-5c6e8fb89acc"
GIVER_ANONYMOUS = "802235dc-3ca5-94b0-4326-aace71180f48"
ANONYMOUS_VISITOR = "7ebc167b-512d-4683-9d80-98b6bb02e1b9"
ANONYMOUS = frozenset({GIVER_ANONYMOUS, ANONYMOUS_VISITOR})
_FAILED = "failed"
_GIVING_UNIT = re.compile(r"[GP][0-9]+")


class SourceLine(NamedTuple):
    """One line as Rock has it, in the order of the columns of the statement that reads it (statements.LINES)."""

    line_id: int
    transaction_id: int
    amount: Decimal
    account_guid: str
    type_guid: str | None
    future_at: datetime | None
    status: str | None
    transaction_at: datetime | None
    batch_start_at: datetime | None
    transaction_created_at: datetime | None
    line_created_at: datetime | None
    batch_id: int | None
    account_campus_id: int | None
    batch_campus_id: int | None
    payment_method: str | None
    person_id: int | None
    """Of the person that exists behind the donor's alias."""
    person_guid: str | None
    giving_id: str | None
    giving_group_id: int | None
    refund_id: int | None
    foreign_currency_id: int | None


@dataclass(frozen=True, slots=True)
class LineFilter:
    """The import's filter as far as it concerns gift lines."""

    first_day: date | None = None
    campus_ids: frozenset[int] = frozenset()
    include_without_campus: bool = True
    type_guids: frozenset[str] = frozenset()
    statuses: Mapping[str, str] = field(default_factory=dict)
    """Status in lower case without outer blanks, to `gift` or `not_gift`."""


def cents(amount: Decimal | None) -> int:
    """Result: the amount in hundredths, exact. Raises ValueError for more than two places: Rock's column has two."""
    scaled = (amount or Decimal(0)).scaleb(2)
    whole = int(scaled)
    if whole != scaled:
        raise ValueError("an amount has more than two decimal places")
    return whole


def decimal_of(hundredths: int) -> Decimal:
    """Result: the amount with two places."""
    return Decimal(hundredths).scaleb(-2)


def class_of(hundredths: int, *, refund: bool) -> LineClass:
    """Result: the class: a refund row decides, then the sign."""
    if refund:
        return LineClass.REFUND
    if hundredths == 0:
        return LineClass.ZERO
    return LineClass.GIFT if hundredths > 0 else LineClass.CORRECTION


def day_of(line: SourceLine) -> tuple[date | None, str]:
    """Result: (the gift's date, where it is from): the date part as stored, never converted; (None, "none") without."""
    for moment, origin in (
        (line.transaction_at, "transaction"),
        (line.batch_start_at, "batch"),
        (line.transaction_created_at, "created"),
        (line.line_created_at, "created"),
    ):
        if moment is not None:
            return moment.date(), origin
    return None, "none"


def campus_of(line: SourceLine) -> int | None:
    """Result: the campus that a gift counts for: its account's, else its batch's."""
    return line.account_campus_id if line.account_campus_id is not None else line.batch_campus_id


def no_gift(status: str | None, decided: Mapping[str, str]) -> bool:
    """Result: whether the status says that no money moved: as decided, else only "failed" does.

    `decided`: status in lower case without outer blanks, to `gift` or `not_gift`.
    """
    text = (status or "").strip().lower()
    meaning = decided.get(text)
    return bool(text) and (text == _FAILED if meaning is None else meaning == "not_gift")


def bucket_of(line: SourceLine, day: date | None, keep: LineFilter) -> Bucket:
    """Result: where the line belongs."""
    if keep.first_day is not None and day is not None and day < keep.first_day:
        return Bucket.BEFORE
    if keep.campus_ids:
        campus = campus_of(line)
        if not (keep.include_without_campus if campus is None else campus in keep.campus_ids):
            return Bucket.CAMPUS
    if line.type_guid != CONTRIBUTION and line.type_guid not in keep.type_guids:
        return Bucket.TYPE
    if line.future_at is not None:
        return Bucket.FUTURE
    return Bucket.FAILED if no_gift(line.status, keep.statuses) else Bucket.SCOPE


def donor_of(line: SourceLine) -> int | None:
    """Result: the donor's id; None for no alias, an alias of nobody, and the anonymous ones."""
    return None if line.person_id is None or line.person_guid in ANONYMOUS else line.person_id


def giving_unit_of(line: SourceLine) -> str | None:
    """Result: `G<group>` or `P<person>`; computed where Rock has not stored it, None without a donor."""
    donor = donor_of(line)
    if donor is None:
        return None
    if line.giving_id and _GIVING_UNIT.fullmatch(line.giving_id.strip()):
        return line.giving_id.strip()
    return f"P{donor}" if line.giving_group_id is None else f"G{line.giving_group_id}"
