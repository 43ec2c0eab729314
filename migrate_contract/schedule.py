"""Limits in time. The weekly bandwidth schedule is not on the wire yet; a job's own limit is `bandwidth_limit_mbps`.

Nouns: a *limit* is megabits per second of upload payload; control traffic is exempt.
"""

from __future__ import annotations

BITS_PER_MEGABIT = 1_000_000


def bytes_per_second(limit_mbps: float) -> float:
    """Result: the limit in bytes per second."""
    return limit_mbps * BITS_PER_MEGABIT / 8
