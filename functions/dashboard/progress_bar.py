"""The bar of six buckets, as positions in percent that fill it exactly.

Rule: scanned = excluded + unchanged + transferred + failed + unsupported + pending (product page, States).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from functions.dashboard.badges import BUCKET_MEANINGS, BUCKET_WORDS
from functions.dashboard.formatting import percent
from functions.domain.views import ProgressView
from migrate_contract.jobs import Bucket, Tally

LEAST_WIDTH_PERCENT = 0.8
"""A bucket that holds anything is wide enough to be seen: one failed file in a million shows."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One bucket of the bar: where it begins and how wide it is, in percent of the bar."""

    bucket: Bucket
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class BucketLine:
    """One bucket of the legend."""

    bucket: Bucket
    label: str
    meaning: str
    files: int
    bytes: int


def weights(progress: ProgressView) -> Tally:
    """Result: what the bar measures: bytes, or files where nothing found so far has any content."""
    return progress.bytes if progress.bytes.scanned else progress.files


def segments(tally: Tally) -> list[Segment]:
    """Result: the buckets that hold something, without the pending rest, widths adding up to at most 100."""
    held = [(bucket, _of(tally, bucket)) for bucket in BUCKET_WORDS]
    placed = places([amount for _, amount in held])
    return [
        Segment(bucket, *place)
        for (bucket, _), place in zip(held, placed, strict=True)
        if place is not None and bucket is not Bucket.PENDING
    ]


def places(amounts: Sequence[int]) -> list[tuple[float, float] | None]:
    """Result: (x, width) of each amount side by side, in percent of the bar; None for one that is 0."""
    whole = sum(amounts)
    raw = [max(LEAST_WIDTH_PERCENT, 100 * amount / whole) if amount else 0.0 for amount in amounts]
    scale = 100 / sum(raw) if whole else 0.0
    placed: list[tuple[float, float] | None] = []
    x = 0.0
    for width in raw:
        placed.append((round(x, 2), round(width * scale, 2)) if width else None)
        x += width * scale
    return placed


def done_percent(progress: ProgressView) -> str:
    """Result: how much of what was found is decided, by bytes: "63%"."""
    tally = weights(progress)
    if progress.files.pending and not tally.pending:
        tally = progress.files
    return percent(tally.scanned - tally.pending, tally.scanned)


def legend(progress: ProgressView) -> list[BucketLine]:
    """Result: all six buckets with their files and bytes, in the order of the bar."""
    return [
        BucketLine(bucket, label, BUCKET_MEANINGS[bucket], _of(progress.files, bucket), _of(progress.bytes, bucket))
        for bucket, label in BUCKET_WORDS.items()
    ]


def sentence(progress: ProgressView) -> str:
    """Result: the bar in words, for those who do not see it."""
    parts = [f"{line.files:,} {line.label.lower()}" for line in legend(progress) if line.files]
    return f"{progress.files.scanned:,} files found: {', '.join(parts) or 'none yet'}"


def _of(tally: Tally, bucket: Bucket) -> int:
    value: int = getattr(tally, bucket.value)
    return value
