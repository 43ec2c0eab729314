"""Sizes, rates, times and shares as the terminal shows them. Pure.

Rates are megabits per second, as limits are given; sizes are binary, as chunk sizes are.
"""

from __future__ import annotations

from collections.abc import Mapping

from migrate_contract.jobs import WaitReason
from migrate_contract.limit_words import mbps_words
from migrate_contract.schedule import BITS_PER_MEGABIT

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_UNIT = 1024
_LEAST_SHARE = 0.01
_REASONS = {
    WaitReason.DISK: "disk",
    WaitReason.THROTTLE: "bandwidth limit",
    WaitReason.NETWORK: "network",
    WaitReason.SERVICE_BUSY: "service busy",
    WaitReason.COMMIT: "commit",
    WaitReason.GRANT: "access",
    WaitReason.NO_CONNECTION: "no connection",
    WaitReason.IDLE: "without work",
}


def size(count: float) -> str:
    """Result: bytes in a unit that a person reads."""
    index = 0
    while count >= _UNIT and index < len(_UNITS) - 1:
        count, index = count / _UNIT, index + 1
    return f"{count:.0f} {_UNITS[index]}" if index == 0 else f"{count:.1f} {_UNITS[index]}"


def duration(seconds: float) -> str:
    """Result: "0:42", "12:30", "3:05:00"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def rate(bytes_per_second: float) -> str:
    """Result: "84.2 Mbps"."""
    return mbps_words(bytes_per_second * 8 / BITS_PER_MEGABIT)


def rates(now_bytes_per_second: float, average_bytes_per_second: float) -> str:
    """Result: "84.2 Mbps now, 80.1 Mbps average"; the average once there is one, nothing where nothing was sent."""
    if not now_bytes_per_second and not average_bytes_per_second:
        return ""
    average = f", {rate(average_bytes_per_second)} average" if average_bytes_per_second else ""
    return f"{rate(now_bytes_per_second)} now{average}"


def percent(fraction: float) -> str:
    """Result: "38%"; never 100 before all is done."""
    return f"{int(fraction * 100)}%"


def worker_time(waited_seconds: Mapping[str, float]) -> str:
    """Result: "network 61%, disk 30%, commit 9%", the largest first; what is less than one in a hundred is left out."""
    known = {
        words: waited_seconds[reason.value] for reason, words in _REASONS.items() if waited_seconds.get(reason.value)
    }
    total = sum(known.values())
    if total <= 0:
        return ""
    largest = sorted(known.items(), key=lambda item: -item[1])
    return ", ".join(f"{words} {spent / total:.0%}" for words, spent in largest if spent / total >= _LEAST_SHARE)
