"""The bar of one entity of an import, in the six parts that add up to its records in scope.

Rule: in scope = imported + updated + unchanged + skipped + errored + pending.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from functions.dashboard.formatting import percent, plural
from functions.dashboard.import_words import ENTITY_WORDS, PART_WORDS, Part
from functions.dashboard.progress_bar import places
from migrate_contract.rockrms import EntityProgress, EntityResult

type Counts = EntityProgress | EntityResult


@dataclass(frozen=True, slots=True)
class PartSegment:
    """One part of the bar: where it begins and how wide it is, in percent of the bar."""

    part: Part
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class EntityLine:
    """One entity of the live table."""

    entity: str
    label: str
    in_scope: int
    counts: list[tuple[Part, int]]
    flagged: int
    segments: list[PartSegment]
    sentence: str
    done: str


def entity_lines(counts: Sequence[Counts]) -> list[EntityLine]:
    """Result: the entities in the order in which they are imported."""
    order = list(ENTITY_WORDS)
    return [_line(each) for each in sorted(counts, key=lambda each: order.index(each.entity))]


def totals(counts: Sequence[Counts]) -> tuple[int, int]:
    """Result: (decided, in scope) of all entities together."""
    scope = sum(each.in_scope for each in counts)
    return scope - sum(each.pending for each in counts), scope


def _line(counts: Counts) -> EntityLine:
    parts = [(part, _of(counts, part)) for part in Part]
    placed = places([count for _, count in parts])
    words = [f"{count:,} {PART_WORDS[part].lower()}" for part, count in parts if count]
    label = ENTITY_WORDS[counts.entity]
    return EntityLine(
        entity=counts.entity.value,
        label=label,
        in_scope=counts.in_scope,
        counts=parts,
        flagged=counts.flagged,
        segments=[
            PartSegment(part, *place)
            for (part, _), place in zip(parts, placed, strict=True)
            if place is not None and part is not Part.PENDING
        ],
        sentence=f"{label}: {plural(counts.in_scope, 'record')} in scope: {', '.join(words) or 'none yet'}",
        done=percent(counts.in_scope - counts.pending, counts.in_scope),
    )


def _of(counts: Counts, part: Part) -> int:
    value: int = getattr(counts, part.value)
    return value
