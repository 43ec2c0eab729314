"""What of a church an import's filters let in, and who is named by it: the sets that its records are then made from."""

from __future__ import annotations

from datetime import date
from functools import cached_property

from local.church import guids, reading
from local.church.expected import Wishes
from local.church.model import Alias, Attendance, Campus, Group, Header, Line, Member, Model, Person, Prayer
from local.church.shapes import Shape

_RANK = {"adult": 0, "child": 1}


class Scope:
    """One church under one set of wishes; computed when asked for, then kept."""

    def __init__(self, model: Model, wishes: Wishes) -> None:
        self.model, self.wishes = model, wishes
        self._types = {guids.VALUES["contribution"][2].lower(), *(guid.lower() for guid in wishes.transaction_types)}
        self._statuses = {text.strip().lower(): str(meaning) for text, meaning in wishes.statuses.items()}

    def passes(self, campus: Campus | None) -> bool:
        """Result: whether a campus is wanted."""
        if not self.wishes.campus_ids:
            return True
        if campus is None:
            return self.wishes.include_without_campus
        return campus.id in self.wishes.campus_ids

    def _is_late_enough(self, day: date | None) -> bool:
        start = self.wishes.date_range_start
        return start is None or day is None or day >= start

    # --- contributions

    @cached_property
    def lines(self) -> list[Line]:
        """Every gift line in scope (F1)."""
        return [
            line
            for line in self.model.lines
            if self._is_gift(line.header)
            and self._is_late_enough(gift_date(line)[0])
            and self.passes(line_campus(line))
        ]

    def _is_gift(self, header: Header) -> bool:
        if header.type.guid.lower() not in self._types or header.future is not None:
            return False
        status = (header.status or "").strip().lower()
        if not status:
            return True
        return self._statuses.get(status, "not_gift" if status == "failed" else "gift") == "gift"

    # --- attendance

    @cached_property
    def attendances(self) -> list[Attendance]:
        """Every attendance row in scope (T1)."""
        return [
            row
            for row in self.model.attendances
            if row.did_attend
            and not row.occurrence.did_not_occur
            and self._is_late_enough(attended_on(row))
            and self.passes(attendance_campus(row))
        ]

    @cached_property
    def attended_groups(self) -> set[int]:
        """Ids of the groups that an attendance row in scope names."""
        return {row.occurrence.group.id for row in self.attendances if row.occurrence.group is not None}

    # --- families, groups, prayers

    @cached_property
    def families(self) -> list[Group]:
        """Every family in scope (C3), also those that a rule skips."""
        return [group for group in self.model.groups if reading.is_family(group) and self.passes(group.campus)]

    @cached_property
    def groups(self) -> list[Group]:
        """Every other group in scope (C4), also those that a rule skips."""
        return [
            group
            for group in self.model.groups
            if not reading.is_outside(group) and (self.passes(group.campus) or group.id in self.attended_groups)
        ]

    @cached_property
    def sent_groups(self) -> set[int]:
        """Ids of the groups that are sent (R2)."""
        return {group.id for group in self.groups if not reading.is_closed(group) or group.id in self.attended_groups}

    @cached_property
    def prayers(self) -> list[Prayer]:
        """Every prayer request in scope (C7)."""
        return [prayer for prayer in self.model.prayers if self.passes(prayer.campus)]

    # --- people

    @cached_property
    def named(self) -> set[int]:
        """Ids of the people that a row in scope and not skipped names (C2, P5)."""
        people = [donor for line in self.lines if (donor := whom(line.header.alias))]
        people += [who for row in self.attendances if (who := whom(row.alias))]
        people += [asker for prayer in self.prayers if (asker := whom(prayer.alias))]
        for family in self.families:
            if not family.is_archived and not is_of_nobody(family):
                people += [member.person for member in family_members(family)]
        for group in self.groups:
            if group.id in self.sent_groups:
                people += [member.person for member in group_members(group)]
        return {person.id for person in people if not reading.is_anonymous(person)}

    @cached_property
    def people(self) -> list[Person]:
        """Every row of Person in scope (C2), also those that a rule skips."""
        return [
            person for person in self.model.people if self.passes(reading.campus_of(person)) or person.id in self.named
        ]


def whom(alias: Alias | None) -> Person | None:
    """Result: the person behind an alias, None for no alias and for an alias of nobody (A1, A3)."""
    return None if alias is None else alias.person


def gift_date(line: Line) -> tuple[date | None, str | None]:
    """Result: rule F3: the date and where it is from."""
    header = line.header
    if header.moment is not None:
        return header.moment.date(), "transaction"
    if header.batch is not None and header.batch.start is not None:
        return header.batch.start.date(), "batch"
    created = header.created or line.created
    return (None, None) if created is None else (created.date(), "created")


def line_campus(line: Line) -> Campus | None:
    """Result: rule F10."""
    if line.account.campus is not None:
        return line.account.campus
    return None if line.header.batch is None else line.header.batch.campus


def attended_on(row: Attendance) -> date:
    """Result: the date by rules T2 and T3."""
    return row.started.date() if row.in_old_layout else row.occurrence.day


def attendance_campus(row: Attendance) -> Campus | None:
    """Result: rule T8."""
    if row.campus is not None:
        return row.campus
    return None if row.occurrence.group is None else row.occurrence.group.campus


def family_members(family: Group) -> list[Member]:
    """Result: one membership per person, the one with the stronger role, by person (G3, G4)."""
    best: dict[int, Member] = {}
    for member in family.members:
        if not reading.counts(member) or reading.is_anonymous(member.person):
            continue
        known = best.get(member.person.id)
        if known is None or _RANK.get(family_role(member), 2) < _RANK.get(family_role(known), 2):
            best[member.person.id] = member
    return [best[person] for person in sorted(best)]


def family_role(member: Member) -> str:
    """Result: adult, child or other."""
    for key in ("adult", "child"):
        if member.role.guid == guids.ROLES[key][2]:
            return key
    return "other"


def is_of_nobody(family: Group) -> bool:
    """Result: whether the family is nobody's (G3)."""
    if family.guid == guids.ANONYMOUS_FAMILY:
        return True
    standing = [member for member in family.members if reading.counts(member)]
    return bool(standing) and all(reading.is_dropped(member.person) for member in family_members(family))


def group_members(group: Group) -> list[Member]:
    """Result: one membership per person and role: active before pending before inactive, then the first (R4)."""
    best: dict[tuple[int, int], Member] = {}
    for member in sorted(group.members, key=lambda one: ({1: 0, 2: 1}.get(one.status, 2), one.id)):
        if not member.is_archived and not reading.is_anonymous(member.person):
            best.setdefault((member.person.id, member.role.id), member)
    return sorted(best.values(), key=lambda member: member.id)


def occurrence_key(model: Model, row: Attendance) -> str:
    """Result: the last part of the occurrence's external id (T4)."""
    if not row.in_old_layout and model.shape is not Shape.V7:
        return str(row.occurrence.id)
    parts = (row.occurrence.group, row.occurrence.location, row.occurrence.schedule)
    group, location, schedule = (0 if part is None else part.id for part in parts)
    return f"g{group}-l{location}-s{schedule}-{row.started.date().isoformat()}"
