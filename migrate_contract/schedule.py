"""Limits in time. The weekly bandwidth schedule is not on the wire yet; a job's own limit is `bandwidth_limit_mbps`.

Nouns: a *limit* is megabits per second of upload payload; control traffic is exempt.
"""

from __future__ import annotations

from enum import StrEnum, unique
from typing import Annotated

from pydantic import Field

from migrate_contract.wire import Timestamp, WireModel

BITS_PER_MEGABIT = 1_000_000


@unique
class LimitOwner(StrEnum):
    """Whose limit is in force; set by the agent."""

    JOB = "job"
    SCHEDULE = "schedule"
    SITE = "site"


class LimitInForce(WireModel):
    """The lowest limit that holds now. `mbps` 0: transfers are paused.

    `until`: when the schedule changes next, None: no end known.
    """

    mbps: Annotated[float, Field(ge=0)]
    owner: LimitOwner
    until: Timestamp | None = None
    zone: str | None = None


def bytes_per_second(limit_mbps: float) -> float:
    """Result: the limit in bytes per second."""
    return limit_mbps * BITS_PER_MEGABIT / 8
