"""Scheduled reruns of a job and the mirror: what may be deleted at the destination, and what became of it.

Nouns: a *surplus* blob carries our mark, lies below the job's prefix and has no file at the source any more; the
*mirror* deletes such blobs; its *brake* is how many it may delete in one attempt.
"""

from __future__ import annotations

from enum import StrEnum, unique
from typing import Annotated

from pydantic import Field, StringConstraints

from migrate_contract.wire import INTEGRAL, Count, Sentence, WireModel

CronText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120, pattern=r"^[ -~]*$")]
"""Five fields (minute, hour, day of month, month, day of week); what they may say is checked by the control plane."""


class MirrorRules(WireModel):
    """The brake: more than either in one attempt, and nothing is deleted at all."""

    max_delete_files: Annotated[int, Field(ge=1, le=2**53), INTEGRAL] = 1000
    max_delete_percent: Annotated[float, Field(gt=0, le=100)] = 10.0
    """Of the blobs with our mark below the job's prefix."""


@unique
class MirrorMode(StrEnum):
    """Set by the control plane, per attempt."""

    PREVIEW = "preview"
    """List the surplus and delete nothing: an operator has not confirmed the mirror."""
    DELETE = "delete"


class MirrorOrder(MirrorRules):
    """What an attempt is to do about surplus blobs."""

    mode: MirrorMode = MirrorMode.PREVIEW


class SyncSettings(WireModel):
    """How a `sync` job repeats itself, and whether it mirrors. Without either it is rerun by hand and only adds."""

    schedule: CronText | None = None
    """In the project's time zone."""
    mirror: MirrorRules | None = None


class MirrorTally(WireModel):
    """What an attempt's mirror found and did; absolute counts. `complete`: every surplus blob is in the list."""

    mode: MirrorMode
    complete: bool = False
    ours_files: Count = 0
    """Blobs with our mark below the job's prefix, surplus or not."""
    surplus_files: Count = 0
    surplus_bytes: Count = 0
    deleted_files: Count = 0
    deleted_bytes: Count = 0
    kept_because: Sentence = ""
    """Why nothing was listed or deleted, where that is so."""
