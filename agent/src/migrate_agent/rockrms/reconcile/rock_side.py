"""Reads Rock's side into the workbook: raw rows by pages of their keys, nothing kept in memory but one page."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any
from zlib import crc32

from migrate_agent.rockrms.reconcile import scope_rules, statements
from migrate_agent.rockrms.reconcile.lines import (
    ANONYMOUS,
    LineFilter,
    SourceLine,
    bucket_of,
    cents,
    class_of,
    day_of,
    donor_of,
    giving_unit_of,
)
from migrate_agent.rockrms.reconcile.ports import Scope, SqlReader
from migrate_agent.rockrms.reconcile.statements import Read
from migrate_agent.rockrms.reconcile.workbook import Workbook
from migrate_agent.stop import StopSignal
from migrate_contract.rockrms import Entity

_EVERY = 2**31 - 1
_PERSON = "36cf10d6-c695-413d-8e7c-4546efef385e"
_BUSINESS = "bf64add3-e70a-44ce-9c4b-e76bbed37550"
_FAMILY = "790e3215-3b10-442b-af69-616c0dcb998e"
_ANONYMOUS_FAMILY = "e846f6ee-93e9-e287-428d-95d139d23b35"
_NO_GROUPS = frozenset(
    {
        "aece949f-704c-483e-a4fb-93d5e4720c4c",
        "e0c5a0e2-b7b3-4ef4-820d-bbf7f9a374ef",
        "8c0e5852-f08f-4327-9aa5-87800a6ab53e",
        "3311132b-268d-44e9-811a-a56a0835e50a",
        "3981cf6d-7d15-4b57-aace-c0e25d28bd49",
        "d1d95777-ffa3-cbb3-4a6d-658706daed33",
        "dfdc14a3-d1dc-4342-a012-5ce9e8994b5e",
        "268d4802-24c7-4891-890e-71313bee17b1",
        "4bbc41e2-0a37-4289-b7a7-756b9fe8f775",
    }
)
"""Group types that are plumbing: security role, relationships, event attendees, applications, lists, chats, classes."""
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]+@(?:[^@\s\x00-\x1f\x7f.]+\.)+[^@\s\x00-\x1f\x7f.]{2,}")
_UNKNOWN_OCCURRENCE = date(1900, 1, 1)
_YEARS = range(2, 9999)
_GUIDS = tuple(SourceLine._fields.index(name) for name in ("account_guid", "type_guid", "person_guid"))
_REMEMBERED = 5_000


def read_now(rock: SqlReader, scope: Scope, workbook: Workbook, stop: StopSignal) -> None:
    """Reads everything as it is now and decides what is in scope. Replaces what was read before.

    Raises StopRequested, and what the reader raises.
    """
    scope_rules.start_over(workbook)
    workbook.run("DELETE FROM line")
    side = _Reading(rock, scope, stop)
    workbook.put_lines(side.lines())
    for table, rows in side.raw():
        marks = ", ".join("?" * (scope_rules.RAW_TABLES[table].count(",") + 1))
        workbook.put(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", rows)
    scope_rules.judge(workbook, scope.settings)


def read_lines_again(rock: SqlReader, scope: Scope, workbook: Workbook, stop: StopSignal, ids: Sequence[int]) -> None:
    """Replaces these gift lines by what Rock has now; those that are gone are taken out."""
    side = _Reading(rock, scope, stop)
    workbook.drop(Entity.CONTRIBUTIONS, ids)
    workbook.put_lines(side.lines_of(ids))


def line_filter(scope: Scope) -> LineFilter:
    """Result: the filter of gift lines."""
    settings = scope.settings
    return LineFilter(
        first_day=settings.date_range_start,
        campus_ids=frozenset(settings.campus_ids),
        include_without_campus=settings.include_without_campus,
        type_guids=frozenset(guid.lower() for guid in settings.transaction_types),
        statuses={text.strip().lower(): meaning.value for text, meaning in settings.statuses.items()},
    )


class _Reading:
    """One reading of Rock."""

    def __init__(self, rock: SqlReader, scope: Scope, stop: StopSignal) -> None:
        self._rock = rock
        self._scope = scope
        self._stop = stop
        self._has = scope.facts.has
        self._keep = line_filter(scope)
        self._guids: dict[Any, str] = {}

    def raw(self) -> Iterator[tuple[str, Iterable[Sequence[Any]]]]:
        """Yields (table of the workbook, its rows)."""
        water = self._scope.high_water
        groups = max(water.get(Entity.FAMILIES, 0), water.get(Entity.GROUPS, 0))
        yield "raw_person", map(_person, self._pages(Read.PEOPLE, water.get(Entity.PEOPLE, 0)))
        yield "raw_phone", map(_phone, self._pages(Read.PHONES, _EVERY))
        yield "raw_group", map(_group, self._pages(Read.GROUPS, groups))
        yield "raw_member", map(_member, self._pages(Read.MEMBERS, _EVERY))
        yield "raw_home", map(_home, self._pages(Read.HOMES, _EVERY))
        yield (
            "raw_attendance",
            filter(None, map(self._attendance(), self._pages(Read.ATTENDANCE, water.get(Entity.ATTENDANCE, 0)))),
        )
        yield "raw_batch", map(_batch, self._pages(Read.BATCHES, _EVERY))
        yield "raw_prayer", map(_prayer, self._pages(Read.PRAYERS, water.get(Entity.PRAYER_REQUESTS, 0)))

    def lines(self) -> Iterator[Sequence[Any]]:
        """Yields every gift line up to the high-water mark, judged."""
        return map(self._line, self._pages(Read.LINES, self._scope.high_water.get(Entity.CONTRIBUTIONS, 0)))

    def lines_of(self, ids: Sequence[int]) -> Iterator[Sequence[Any]]:
        """Yields these lines as they are now, judged."""
        for start in range(0, len(ids), 500):
            part = list(ids[start : start + 500])
            yield from map(self._line, self._rock.rows(statements.some(Read.LINES, self._has, len(part)), part))

    def _pages(self, read: Read, up_to: int) -> Iterator[Sequence[Any]]:
        statement = statements.page(read, self._has)
        after = 0
        while True:
            self._stop.raise_if_requested()
            last = None
            for row in self._rock.rows(statement, (after, up_to)):
                last = row[0]
                yield row
            if last is None:
                return
            after = last

    def _line(self, row: Sequence[Any]) -> Sequence[Any]:
        values = list(row)
        for place in _GUIDS:
            values[place] = self._guids.get(values[place]) or self._remember(values[place])
        line = SourceLine._make(values)
        whole = cents(line.amount)
        day, origin = day_of(line)
        donor = donor_of(line)
        return (
            line.line_id,
            mark(row),
            line.transaction_id,
            whole,
            bucket_of(line, day, self._keep).value,
            class_of(whole, refund=line.refund_id is not None).value,
            "" if day is None else day.isoformat(),
            self._scope.funds.get(line.account_guid, self._scope.new_fund(line.account_guid)),
            _text(line.batch_id),
            (line.payment_method or "").strip(),
            _text(donor),
            giving_unit_of(line) or "",
            origin,
            int(line.foreign_currency_id is not None),
            line.type_guid or "",
            (line.status or "").strip(),
            line.account_guid,
        )

    def _remember(self, value: Any) -> str | None:
        """Result: as `guid`; accounts, types and a few thousand people are written once."""
        text = guid(value)
        if text is not None and len(self._guids) < _REMEMBERED:
            self._guids[value] = text
        return text

    def _attendance(self) -> Callable[[Sequence[Any]], Sequence[Any] | None]:
        placeholder = self._placeholder()
        occurrences = self._has("AttendanceOccurrence", "Id")

        def judged(row: Sequence[Any]) -> Sequence[Any] | None:
            (key, person, started, campus, old_group, old_place, old_schedule, old_off, occurrence) = row[:9]
            (day, group, off, _, _) = row[9:14]
            if not occurrences or (placeholder and occurrence == 1):
                day, group, off = _day(started), old_group, old_off
                name = f"g{old_group or 0}-l{old_place or 0}-s{old_schedule or 0}-{day}"
            else:
                name = str(occurrence)
            return None if off else (key, person, str(_day(day)), name, group, campus, mark(row))

        return judged

    def _placeholder(self) -> bool:
        """Result: whether occurrence 1 is the one that an upgrade to v8 left rows at."""
        if not self._has("AttendanceOccurrence", "Id"):
            return False
        found = list(self._rock.rows(statements.first_occurrence()))
        return bool(found) and _day(found[0][0]) == _UNKNOWN_OCCURRENCE


def guid(value: object) -> str | None:
    """Result: in lower case without braces, whatever the driver gives."""
    return None if value is None else str(value).strip("{}").lower()


def mark(row: Sequence[Any]) -> int:
    """Result: a number that is another one when the row is another; the same in every process."""
    return crc32(repr(tuple(row)).encode("utf-8", "surrogatepass"))


def _person(row: Sequence[Any]) -> Sequence[Any]:
    kind = guid(row[2])
    anonymous = guid(row[1]) in ANONYMOUS
    dropped = kind is not None and kind not in (_PERSON, _BUSINESS)
    email = str(row[5] or "").strip()
    sendable = len(email) <= 254 and bool(_EMAIL.fullmatch(email))
    return (row[0], int(anonymous), int(dropped), row[3], row[4], int(sendable), int(_born(*row[6:9])), mark(row))


def _born(year: int | None, month: int | None, day: int | None) -> bool:
    if year not in _YEARS or month not in range(1, 13) or day is None or year is None or month is None:
        return False
    return 1 <= day <= calendar.monthrange(year, month)[1]


def _phone(row: Sequence[Any]) -> Sequence[Any]:
    return (row[0], row[1], int(bool(str(row[2] or "").strip())), mark(row))


def _group(row: Sequence[Any]) -> Sequence[Any]:
    kind = guid(row[2])
    family = kind == _FAMILY
    out = not family and (bool(row[6]) or kind in _NO_GROUPS)
    closed = not row[4] or bool(row[5])
    return (
        row[0],
        1 if family else -1 if out else 0,
        int(guid(row[1]) == _ANONYMOUS_FAMILY),
        row[3],
        int(closed),
        int(bool(row[5])),
        mark(row),
    )


def _member(row: Sequence[Any]) -> Sequence[Any]:
    return (row[0], row[1], row[2], row[3], int(row[4] == 0), int(bool(row[5])), row[6], mark(row))


def _home(row: Sequence[Any]) -> Sequence[Any]:
    return (row[0], row[1], int(any(str(part or "").strip() for part in row[5:10])), mark(row))


def _prayer(row: Sequence[Any]) -> Sequence[Any]:
    return (row[0], row[2], row[1], mark(row))


def _batch(row: Sequence[Any]) -> Sequence[Any]:
    return (row[0], str(row[1] or "").strip(), cents(row[2]))


def _day(moment: Any) -> Any:
    return moment.date() if isinstance(moment, datetime) else moment


def _text(value: int | None) -> str:
    return "" if value is None else str(value)
