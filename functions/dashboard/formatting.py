"""Numbers, sizes, speeds and times as people read them. Pure; the clock is an argument.

Nouns: an *age* is how long ago something was ("12 s ago"); a *duration* is how long something takes ("2 h 05 min").
Sizes are binary (MiB, GiB) because chunk sizes are; speeds are megabits per second because limits are.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from migrate_contract.limit_words import mbps_words, owner_words, until_words
from migrate_contract.schedule import BITS_PER_MEGABIT, LimitInForce

STALE_AFTER_SECONDS = 30
"""A live number older than this is shown as stale (product page, symptom 9)."""

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")
_STEP = 1024
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def count(value: int) -> str:
    """Result: the number with its thousands apart: 1,204,331."""
    return f"{value:,}"


def plural(value: int, one: str, many: str | None = None) -> str:
    """Result: "1 file", "1,204 files"."""
    return f"{value:,} {one if value == 1 else (many or one + 's')}"


def size(value_bytes: int | float) -> str:
    """Result: bytes in the unit that leaves three or four digits: "0 bytes", "987 bytes", "12.4 GiB"."""
    amount = float(value_bytes)
    if amount < _STEP:
        return "1 byte" if int(amount) == 1 else f"{int(amount)} bytes"
    unit = 0
    while round(amount) >= _STEP and unit < len(_UNITS) - 1:
        amount /= _STEP
        unit += 1
    digits = 0 if amount >= 100 else 1 if amount >= 10 else 2
    shown = f"{amount:,.{digits}f}"
    return f"{shown} {_UNITS[unit]}"


def speed(bytes_per_second: float) -> str:
    """Result: megabits per second, as limits are given: "84.2 Mbps"."""
    mbps = bytes_per_second * 8 / BITS_PER_MEGABIT
    if mbps == 0:
        return "0 Mbps"
    if mbps < 0.1:
        return "< 0.1 Mbps"
    return f"{mbps:,.0f} Mbps" if mbps >= 100 else f"{mbps:,.1f} Mbps"


def duration(seconds: float) -> str:
    """Result: the two largest units that matter: "45 s", "3 min 20 s", "2 h 05 min", "3 d 4 h"."""
    whole = max(0, round(seconds))
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        minutes, rest = divmod(whole, _MINUTE)
        return f"{minutes} min {rest:02d} s" if minutes < 10 and rest else f"{minutes} min"
    if whole < _DAY:
        hours, rest = divmod(whole, _HOUR)
        return f"{hours} h {rest // _MINUTE:02d} min"
    days, rest = divmod(whole, _DAY)
    return f"{days} d {rest // _HOUR} h" if rest >= _HOUR else f"{days} d"


def age(then: datetime, now: datetime) -> str:
    """Result: how long ago, in one unit: "just now", "12 s ago", "4 min ago", "3 h ago", "2 days ago"."""
    seconds = (now - then).total_seconds()
    if seconds < 0:
        return until(then, now)
    if seconds < 1:
        return "just now"
    if seconds < _MINUTE:
        return f"{int(seconds)} s ago"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min ago"
    if seconds < 2 * _DAY:
        return f"{int(seconds // _HOUR)} h ago"
    return f"{int(seconds // _DAY)} days ago"


def until(then: datetime, now: datetime) -> str:
    """Result: how far ahead: "in 40 s", "in 23 h 59 min"."""
    return f"in {duration((then - now).total_seconds())}"


def age_seconds(then: datetime, now: datetime) -> int:
    """Result: whole seconds since then, never negative: what the page's ticking clock starts from."""
    return max(0, int((now - then).total_seconds()))


def is_stale(then: datetime, now: datetime) -> bool:
    """Result: whether a live number is too old to be taken for now."""
    return age_seconds(then, now) > STALE_AFTER_SECONDS


def iso(at: datetime) -> str:
    """Result: machine-readable UTC for <time datetime>."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def clock(at: datetime) -> str:
    """Result: the full time in UTC: "2026-05-04 14:02:11 UTC"."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def moment(at: datetime, now: datetime) -> str:
    """Result: the time as short as it is clear, in UTC: "14:02 UTC" today, "4 May 14:02 UTC" otherwise."""
    at, now = at.astimezone(UTC), now.astimezone(UTC)
    if at.date() == now.date():
        return at.strftime("%H:%M UTC")
    if at.year == now.year or abs(at - now) < timedelta(days=180):
        return f"{at.day} {at.strftime('%b %H:%M')} UTC"
    return f"{at.day} {at.strftime('%b %Y')}"


def percent(part: int, whole: int) -> str:
    """Result: whole percents that never say 100 before everything is done, nor 0 once something is."""
    if whole <= 0:
        return "0%"
    if part >= whole:
        return "100%"
    if part <= 0:
        return "0%"
    return f"{min(99, max(1, part * 100 // whole))}%"


def sentence(phrase: str) -> str:
    """Result: an agent's phrase as a sentence: "Disk-bound: raising concurrency will not help."."""
    return f"{phrase[:1].upper()}{phrase[1:]}{'' if phrase.endswith(('.', '!', '?')) else '.'}" if phrase else ""


def limit_rate(limit: LimitInForce) -> str:
    """Result: what the limit lets through: "20 Mbps", or "paused"."""
    return mbps_words(limit.mbps) if limit.mbps else "paused"


def limit_reason(limit: LimitInForce, now: datetime) -> str:
    """Result: whose limit it is and until when: "by the schedule until 18:00 (America/Chicago)"."""
    return f"by {owner_words(limit.owner)} {until_words(limit, now)}".strip()


def right_now(reason: str) -> str:
    """Result: what a job waits for, as a sentence: the agent's own words are a phrase ("the bandwidth limit")."""
    return f"Right now: {reason}" if reason[:1].islower() else reason
