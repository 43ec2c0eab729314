"""A bandwidth schedule as lines of text, one window each: typed in a form, and shown in the same words. Pure.

mon-fri 08:00-18:00 20          days, hours, megabits per second
sat,sun all-day unlimited
daily 12:00-13:00 pause
2026-12-24 08:00-12:00 5        a date rules its whole day
2026-12-25 none                 no window on that date
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date

from pydantic import ValidationError

from functions.dashboard.fields import one_per_line
from migrate_contract.schedule import BandwidthSchedule, DateException, DayWindow, Weekday, WeeklyWindow

_DAYS = [day.value for day in Weekday]
_HOURS = re.compile(r"(\d\d?:\d\d)-(\d\d?:\d\d)")
_LIMIT_WORDS: dict[str, float | None] = {"pause": 0.0, "paused": 0.0, "unlimited": None}
_ALL_DAY, _DAILY, _NONE = "all-day", "daily", "none"
WINDOW_RULE = "write days, hours and a limit, such as mon-fri 08:00-18:00 20"
DATE_RULE = "write a date, hours and a limit, such as 2026-12-24 08:00-12:00 5, or 2026-12-25 none"


def windows_of(text: str) -> list[WeeklyWindow]:
    """Result: the weekly windows. Raises ValueError, a sentence that names the line."""
    return _by_line(text, _window)


def exceptions_of(text: str) -> list[DateException]:
    """Result: the date exceptions, one per line. Raises ValueError, a sentence that names the line."""
    return _by_line(text, _exception)


def limit_of(text: str) -> float | None:
    """Result: the limit that a word or number says; None: no limit. Raises ValueError."""
    word = text.strip().lower().removesuffix("mbps").strip()
    if word in _LIMIT_WORDS:
        return _LIMIT_WORDS[word]
    if re.fullmatch(r"\d+(\.\d+)?", word) is None or float(word) > 1_000_000:
        raise ValueError(f"{text!r} is no limit: write a number of Mbps, pause or unlimited")
    return float(word)


def window_lines(schedule: BandwidthSchedule) -> list[str]:
    """Result: the weekly windows as they are typed."""
    return [f"{_days_text(window.days)} {_hours_text(window)} {limit_text(window)}" for window in schedule.windows]


def exception_lines(schedule: BandwidthSchedule) -> list[str]:
    """Result: the date exceptions as they are typed, by date."""
    lines: list[str] = []
    for exception in sorted(schedule.exceptions, key=lambda found: found.date):
        day = exception.date.isoformat()
        lines += [f"{day} {_hours_text(window)} {limit_text(window)}" for window in exception.windows]
        lines += [] if exception.windows else [f"{day} {_NONE}"]
    return lines


def limit_text(window: DayWindow) -> str:
    """Result: the limit as it is typed."""
    return number_text(window.limit_mbps)


def number_text(mbps: float | None) -> str:
    """Result: "20", "pause", "unlimited"."""
    return "unlimited" if mbps is None else "pause" if mbps == 0 else f"{mbps:.15g}"


def _by_line[V](text: str, read: Callable[[Sequence[str]], V]) -> list[V]:
    found: list[V] = []
    for number, line in enumerate(one_per_line(text), start=1):
        try:
            found.append(read(line.split()))
        except ValidationError:
            raise ValueError(f"Line {number}, {line!r}: this cannot be used.") from None
        except ValueError as wrong:
            raise ValueError(f"Line {number}, {line!r}: {wrong}.") from None
    return found


def _window(words: Sequence[str]) -> WeeklyWindow:
    if len(words) < 3:
        raise ValueError(WINDOW_RULE)
    start, end = _hours(words[1])
    return WeeklyWindow(days=_days(words[0]), start=start, end=end, limit_mbps=limit_of(" ".join(words[2:])))


def _exception(words: Sequence[str]) -> DateException:
    if len(words) < 2:
        raise ValueError(DATE_RULE)
    try:
        day = date.fromisoformat(words[0])
    except ValueError:
        raise ValueError(f"{words[0]} is no date: write it like 2026-12-24") from None
    if [word.lower() for word in words[1:]] == [_NONE]:
        return DateException(date=day)
    if len(words) < 3:
        raise ValueError(DATE_RULE)
    start, end = _hours(words[1])
    window = DayWindow(start=start, end=end, limit_mbps=limit_of(" ".join(words[2:])))
    return DateException(date=day, windows=[window])


def _hours(text: str) -> tuple[str, str]:
    if text.lower() == _ALL_DAY:
        return "00:00", "00:00"
    match = _HOURS.fullmatch(text)
    times = [time.zfill(5) for time in match.groups()] if match else []
    times = ["00:00" if time == "24:00" else time for time in times]
    if not times or any(int(time[:2]) > 23 or int(time[3:]) > 59 for time in times):
        raise ValueError(f"{text} is no time of day: write it like 08:00-18:00, or all-day")
    return times[0], times[1]


def _days(text: str) -> list[Weekday]:
    if text.lower() == _DAILY:
        return list(Weekday)
    found: set[str] = set()
    for part in text.lower().split(","):
        first, _, last = part.partition("-")
        if first not in _DAYS or (last or first) not in _DAYS:
            raise ValueError(f"{text} names no days: write them like mon-fri, or sat,sun, or daily")
        begin = _DAYS.index(first)
        count = (_DAYS.index(last or first) - begin) % len(_DAYS) + 1
        found.update(_DAYS[(begin + step) % len(_DAYS)] for step in range(count))
    return [day for day in Weekday if day.value in found]


def _hours_text(window: DayWindow) -> str:
    return _ALL_DAY if window.start == window.end == "00:00" else f"{window.start}-{window.end}"


def _days_text(days: Iterable[Weekday]) -> str:
    """Result: the days in the order of the week, three or more in a row as a range."""
    there = [index for index, day in enumerate(Weekday) if day in set(days)]
    if len(there) == len(_DAYS):
        return _DAILY
    runs: list[list[int]] = []
    for index in there:
        if runs and runs[-1][-1] == index - 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    parts = [
        f"{_DAYS[run[0]]}-{_DAYS[run[-1]]}" if len(run) > 2 else ",".join(_DAYS[index] for index in run) for run in runs
    ]
    return ",".join(parts)
