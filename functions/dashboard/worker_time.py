"""Where the workers' time went, as bars that can be read without colour: a word, a length and a number each.

Nouns: *worker time* is the time of all workers together: four of them spend four worker-seconds in a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from functions.domain.views import ProgressView
from migrate_contract.jobs import WaitReason

_ALWAYS = {
    WaitReason.DISK: ("Disk", "Reading and hashing the source, writing the agent's journal"),
    WaitReason.THROTTLE: ("Bandwidth limit", "Held back so that the limit in force is kept"),
    WaitReason.NETWORK: ("Network", "Sending to the storage service and waiting for its answers"),
    WaitReason.SERVICE_BUSY: ("Service busy", "Pauses after the storage service said that it is busy (503)"),
    WaitReason.COMMIT: ("Commit", "Waiting for the storage service to confirm whole files"),
    WaitReason.GRANT: ("Access", "Waiting for access to the container (a grant)"),
    WaitReason.IDLE: ("Without work", "Workers that had no file to send"),
}
"""Shown also at zero, in this order: a row that comes and goes is hard to follow."""
_SOMETIMES = {
    WaitReason.NO_CONNECTION: ("No connection", "Waiting for the connection to come back"),
    WaitReason.APPROVAL: ("Approval", "Waiting for a person to approve the job"),
}


@dataclass(frozen=True, slots=True)
class WaitLine:
    """One reason. `width`: of its bar, in percent of the whole."""

    reason: WaitReason
    label: str
    meaning: str
    width: float
    percent: str


def wait_lines(progress: ProgressView) -> list[WaitLine]:
    """Result: a line for each reason, of the latest reports, or of the whole time where there was only one yet.

    None where the agent does not account for its time, or has just begun.
    """
    waited = _shown(progress)
    whole = sum(waited.values())
    if whole <= 0:
        return []
    shown = _ALWAYS | {reason: words for reason, words in _SOMETIMES.items() if waited.get(reason)}
    return [_line(reason, *words, waited, whole) for reason, words in shown.items()]


def is_recent(progress: ProgressView) -> bool:
    """Result: whether the lines are of the last half minute or so, not of the whole time."""
    return bool(progress.recent_waited_seconds)


def _shown(progress: ProgressView) -> dict[WaitReason, float]:
    waited = progress.recent_waited_seconds or progress.waited_seconds
    return {reason: spent for reason, spent in waited.items() if reason is not WaitReason.NONE}


def _line(reason: WaitReason, label: str, meaning: str, waited: Mapping[WaitReason, float], whole: float) -> WaitLine:
    share = 100 * waited.get(reason, 0.0) / whole
    percent = "< 1%" if 0 < share < 1 else f"{share:.0f}%"
    return WaitLine(reason, label, meaning, round(share, 1), percent)
