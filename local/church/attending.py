"""Who was where, in the layout of each release."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from local.church import guids
from local.church.making import TODAY
from local.church.model import Alias, Attendance, Group, Model, Occurrence, Person
from local.church.shapes import Shape

WEEKS = 60
PLACEHOLDER_DAY = datetime.fromisoformat("1900-01-01").date()


def attend(model: Model) -> None:
    """Add occurrences and attendance; people and groups exist already."""
    rng = model.random("attendance")
    if model.shape is Shape.V8_MIXED:
        row = model.next_id("AttendanceOccurrence")
        model.occurrences.append(Occurrence(row, None, None, None, PLACEHOLDER_DAY))
    meetings = _meetings(model, rng)
    aliases = _attenders(model, rng)
    for number in range(model.size * 5):
        meeting = rng.choice(meetings)
        record = _record(model, rng, meeting, rng.choice(aliases))
        _record_traps(model, rng, record, number)
    _through_two_aliases(model, rng, meetings)


def _through_two_aliases(model: Model, rng: random.Random, meetings: list[Occurrence]) -> None:
    """Merged people, checked in under both of their old rows."""
    merged = [person for person in model.people if len({alias.former_id for alias in person.aliases} - {None}) > 1]
    for person in merged[: max(2, model.size // 250)]:
        first = _record(model, rng, rng.choice(meetings), person.aliases[0])
        second = _record(model, rng, first.occurrence, person.aliases[-1])
        second.in_old_layout = first.in_old_layout
        model.trap("doubled-through-two-aliases")


def _meetings(model: Model, rng: random.Random) -> list[Occurrence]:
    groups = [group for group in model.groups if group.type.takes_attendance and _meets(group)]
    meetings: list[Occurrence] = []
    sunday = TODAY - timedelta(days=TODAY.isoweekday() % 7)
    for week in range(WEEKS):
        day = (sunday - timedelta(weeks=week)).date()
        for group in groups:
            if group.type.key == "service":
                meetings += [Occurrence(0, group, model.locations[2], service, day) for service in model.schedules[:2]]
            elif rng.random() < 0.15:
                room = model.locations[rng.randrange(4)] if rng.random() < 0.6 else None
                schedule = group.schedule if rng.random() < 0.9 else None
                meetings.append(Occurrence(0, group, room, schedule, day + timedelta(days=rng.randrange(-3, 4))))
    for number in range(8):
        meetings.append(Occurrence(0, None, model.locations[0], None, (sunday - timedelta(days=number)).date()))
        model.trap("occurrence-without-group")
    return _unique(model, rng, meetings)


def _meets(group: Group) -> bool:
    """A third of the groups that are closed met in their time; of the others most."""
    is_closed = group.is_archived or not group.is_active
    return group.id % 3 == 0 if is_closed and group.name != "Old Room" else group.id % 5 != 0


def _unique(model: Model, rng: random.Random, meetings: list[Occurrence]) -> list[Occurrence]:
    """Result: one occurrence per group, location, schedule and day, as Rock's index wants, with ids and traps."""
    seen: dict[tuple[int, int, int, str], Occurrence] = {}
    for meeting in meetings:
        seen.setdefault(meeting_key(meeting), meeting)
    for meeting in seen.values():
        if model.shape.has_occurrences:
            meeting.id = model.next_id("AttendanceOccurrence")
            model.occurrences.append(meeting)
        roll = model.evenly("meeting")
        if roll < 0.02:
            meeting.did_not_occur = True
            model.trap("did-not-occur")
        elif roll < 0.3:
            meeting.did_not_occur = False
        if meeting.schedule is None:
            model.trap("schedule-null")
        if rng.random() < 0.05 and model.shape.has_occurrences:
            meeting.anonymous = rng.randrange(1, 40)
            model.trap("anonymous-count")
    return list(seen.values())


def meeting_key(meeting: Occurrence) -> tuple[int, int, int, str]:
    """Result: what makes an occurrence unique, 0 for none."""
    group, location, schedule = meeting.group, meeting.location, meeting.schedule
    return (
        group.id if group else 0,
        location.id if location else 0,
        schedule.id if schedule else 0,
        meeting.day.isoformat(),
    )


def _attenders(model: Model, rng: random.Random) -> list[Alias | None]:
    people = [person for person in model.people if person.aliases and not person.is_system]
    aliases: list[Alias | None] = [
        rng.choice(person.aliases)
        for person in people
        if person.record_type is not model.values["rest"] and person.record_type is not model.values.get("nameless")
    ]
    rare: list[Alias | None] = [None, *(alias for alias in model.aliases if alias.person is None)]
    rare += [person.aliases[0] for person in model.people if person.aliases and _is_nobody(model, person)]
    return aliases + [rare[number % len(rare)] for number in range(max(1, len(aliases) // 60))]


def _is_nobody(model: Model, person: Person) -> bool:
    """Whether attendance that names this row names no real person."""
    if person.guid in (guids.GIVER_ANONYMOUS, guids.ANONYMOUS_VISITOR):
        return True
    dropped = (model.values["nameless"], model.values["visitor-type"])
    return person.record_type in dropped and person.id % 5 == 0


def _record(model: Model, rng: random.Random, meeting: Occurrence, alias: Alias | None) -> Attendance:
    hour = meeting.schedule.hour if meeting.schedule else 10
    started = datetime.combine(meeting.day, datetime.min.time()) + timedelta(hours=hour, minutes=rng.randrange(40))
    record = Attendance(model.next_id("Attendance"), meeting, alias, started)
    record.campus = meeting.group.campus if meeting.group and rng.random() < 0.9 else None
    record.created = record.modified = started + timedelta(minutes=1)
    record.in_old_layout = not meeting.id or (model.shape is Shape.V8_MIXED and _is_left(rng, meeting))
    if model.shape is Shape.CURRENT:
        record.first_time = rng.choice((None, None, False, False, True))
    model.attendances.append(record)
    return record


def _is_left(rng: random.Random, meeting: Occurrence) -> bool:
    """Whether the upgrade has not moved the row yet: some groups are done, some not begun, the others under way."""
    third = meeting.group.id % 3 if meeting.group else 2
    return third == 1 or (third == 2 and rng.random() < 0.4)


def _record_traps(model: Model, rng: random.Random, record: Attendance, number: int) -> None:
    roll = model.evenly("attendance")
    if roll < 0.06:
        record.did_attend = None
        model.trap("did-attend-null")
    elif roll < 0.09:
        record.did_attend = False
        model.trap("did-attend-0")
    elif roll < 0.10:
        record.campus = model.campuses[number % 4]
    elif roll < 0.12:
        _double(model, rng, record)
    elif roll < 0.125:
        record.started = record.started.replace(hour=2, minute=30, microsecond=997000)
        model.trap("time-in-a-gap")
    elif roll < 0.13 and not record.in_old_layout:
        record.started += timedelta(hours=20)
        model.trap("started-on-another-day")
    if record.alias is None:
        model.trap("attendance-without-alias")
    if record.in_old_layout and model.shape is Shape.V8_MIXED:
        model.trap("placeholder-occurrence")


def _double(model: Model, rng: random.Random, record: Attendance) -> None:
    """The same person at the same occurrence once more, if possible through another alias."""
    alias = record.alias
    if alias is not None and alias.person is not None and len(alias.person.aliases) > 1:
        alias = rng.choice([other for other in alias.person.aliases if other is not alias])
        model.trap("doubled-through-two-aliases")
    second = Attendance(model.next_id("Attendance"), record.occurrence, alias, record.started, campus=record.campus)
    second.in_old_layout = record.in_old_layout
    second.created = second.modified = record.created
    model.attendances.append(second)
    model.trap("attendance-doubled")
