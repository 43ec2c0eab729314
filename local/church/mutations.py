"""What people do to Rock while an import runs or between two: each changes the database and the model alike.

Every function takes the church, a random generator that picks the record, and the moment (church-local) that Rock
writes as ModifiedDateTime or CreatedDateTime; it answers what it changed. What the change means for Mission is told by
the expected mission before and after (`differing`).
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from local.church import database, homes, reading
from local.church.church import Church
from local.church.expected import ENTITIES, ExpectedMission
from local.church.giving import add_line, new_header, refund_of
from local.church.making import add_member
from local.church.model import Group, Header, Line, Member, Occurrence, Payment, Person

_BUSY_SECONDS = 30.0


@dataclass(frozen=True)
class Change:
    """What a mutation did."""

    kind: str
    table: str
    source_id: int
    """Of the row that was inserted, changed or deleted."""
    entity: str
    """Whose records it changes first of all; a merge also changes others."""
    records: tuple[int, ...] = ()
    """Source ids of that entity's records that are different now: new, changed or gone."""
    before: dict[str, object] = field(default_factory=dict)
    after: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Differing:
    """Source ids of one entity's records."""

    new: frozenset[int]
    changed: frozenset[int]
    gone: frozenset[int]


def differing(before: ExpectedMission, after: ExpectedMission) -> dict[str, Differing]:
    """Result: per entity which records a church's mutations added, changed and took away; none left out."""
    found = {}
    for entity in ENTITIES:
        old, new = before.records[entity], after.records[entity]
        changed = frozenset(row for row in old.keys() & new.keys() if old[row] != new[row])
        found[entity] = Differing(frozenset(new.keys() - old.keys()), changed, frozenset(old.keys() - new.keys()))
    return found


def enter_gift(church: Church, rng: random.Random, at: datetime, *, cents: int | None = None) -> Change:
    """A new header with one line, in an open batch."""
    model = church.model
    donor = _person(church, rng)
    batch = rng.choice([batch for batch in model.batches if batch.status == 1])
    header = new_header(model, rng.choice(donor.aliases), at, batch)
    header.created = header.modified = at
    header.payment = Payment(model.next_id("FinancialPaymentDetail"), model.values["cash"])
    account = rng.choice([account for account in model.accounts if account.is_active])
    line = add_line(model, header, account, rng.randrange(100, 90_000) if cents is None else cents)
    _save_header(church, header)
    return Change("entered", _LINE, line.id, "contributions", (line.id,), after={"amount": reading.money(line.cents)})


def edit_amount(
    church: Church, rng: random.Random, at: datetime | None, *, among: Callable[[Line], bool] | None = None
) -> Change:
    """Another amount on one line; without a moment nothing says that the row was modified (SQL by hand)."""
    line = _line(church, rng, among)
    before = line.cents
    line.cents = before + rng.choice((1, 100, 4321))
    line.modified = at or line.modified
    _save(church, _LINE, [line])
    return Change(
        *("amount", _LINE, line.id, "contributions", (line.id,)),
        before={"amount": reading.money(before)},
        after={"amount": reading.money(line.cents)},
    )


def edit_date(
    church: Church, rng: random.Random, at: datetime | None, *, among: Callable[[Line], bool] | None = None
) -> Change:
    """A gift moves over New Year: every line of its header."""
    header = _line(church, rng, among).header
    before = header.moment
    assert before is not None
    header.moment = before.replace(year=before.year - 1, month=12, day=31)
    header.modified = at or header.modified
    _save(church, "FinancialTransaction", [header])
    return Change(
        *("date", "FinancialTransaction", header.id, "contributions", tuple(line.id for line in header.lines)),
        before={"gift_date": before.date().isoformat()},
        after={"gift_date": header.moment.date().isoformat()},
    )


def edit_fund(
    church: Church, rng: random.Random, at: datetime | None, *, among: Callable[[Line], bool] | None = None
) -> Change:
    """Another account on one line."""
    line = _line(church, rng, among)
    before = line.account
    line.account = rng.choice([account for account in church.model.accounts if account is not before])
    line.modified = at or line.modified
    _save(church, _LINE, [line])
    return Change(
        *("fund", _LINE, line.id, "contributions", (line.id,)),
        before={"account_guid": before.guid.lower()},
        after={"account_guid": line.account.guid.lower()},
    )


def delete_gift(
    church: Church, rng: random.Random, at: datetime, *, among: Callable[[Line], bool] | None = None
) -> Change:
    """A header and its lines are deleted: nothing tells when (`at` is not written anywhere)."""
    header = _line(church, rng, among).header
    church.model.headers.remove(header)
    lines = tuple(line.id for line in header.lines)
    with _writing(church) as rock:
        _delete(rock, _LINE, lines)
        _delete(rock, "FinancialTransaction", [header.id])
        _delete(rock, "FinancialPaymentDetail", [header.payment.id] if header.payment else [])
    sums = sum(line.cents for line in header.lines)
    return Change(
        *("deleted", "FinancialTransaction", header.id, "contributions", lines),
        before={"amount": reading.money(sums), "at": at.isoformat()},
    )


def refund_gift(
    church: Church, rng: random.Random, at: datetime, *, among: Callable[[Line], bool] | None = None
) -> Change:
    """A whole refund of one gift: a second header with negative lines."""
    original = _line(church, rng, among).header
    refund = refund_of(church.model, original, at)
    refund.created = refund.modified = at
    for line in refund.lines:
        line.created = line.modified = at
    if refund.batch is not None:
        refund.batch.status = 1
    _save_header(church, refund)
    lines = tuple(line.id for line in refund.lines)
    return Change("refunded", "FinancialTransaction", refund.id, "contributions", lines, before={"id": original.id})


def rename_person(church: Church, rng: random.Random, at: datetime | None) -> Change:
    """Another last name."""
    person = _person(church, rng)
    before, person.last = person.last, f"Newname{person.id}"
    person.modified = at or person.modified
    _save(church, "Person", [person])
    return Change(
        *("renamed", "Person", person.id, "people", (person.id,)),
        before={"last_name": before},
        after={"last_name": person.last},
    )


def merge_people(church: Church, rng: random.Random, at: datetime) -> Change:
    """Aliases, phones and memberships of one person go to another, and the row is deleted."""
    model = church.model
    givers = {header.alias.person.id for header in model.headers if header.alias and header.alias.person}
    loser = _person(church, rng, lambda person: person.id in givers and person.giving_group is None)
    survivor = _person(church, rng, lambda person: person is not loser)
    there = {member.group.id for member in survivor.memberships}
    for alias in loser.aliases:
        alias.person = survivor
    for member in loser.memberships:
        member.person, member.modified = survivor, at
        if member.group.id in there and model.shape.has_archive:
            member.is_archived = True
    for phone in loser.phones:
        phone.modified = at
    moved = (tuple(loser.aliases), tuple(loser.memberships), tuple(loser.phones))
    survivor.aliases += loser.aliases
    survivor.memberships += loser.memberships
    survivor.phones += loser.phones
    survivor.modified = at
    model.people.remove(loser)
    with _writing(church) as rock:
        database.write(rock, model, "PersonAlias", moved[0])
        database.write(rock, model, "GroupMember", moved[1])
        database.write(rock, model, "PhoneNumber", [(survivor, phone) for phone in moved[2]])
        database.write(rock, model, "Person", [survivor])
        _delete(rock, "Person", [loser.id])
    return Change("merged", "Person", survivor.id, "people", (survivor.id, loser.id), before={"id": loser.id})


def move_family(church: Church, rng: random.Random, at: datetime) -> Change:
    """A new Home address; the old one becomes Previous."""
    model = church.model
    home, previous = model.values["home"], model.values["previous"]
    family = rng.choice([group for group in model.groups if _is_settled(group)])
    for place in family.places:
        if place.kind is home:
            place.kind, place.mapped, place.mailing, place.modified = previous, False, False, at
    location = homes.new_address(model, rng)
    location.street1, location.city = f"{family.id} New Street", "Tempe"
    homes.add_place(model, family, location, "home", mapped=True, mailing=True).modified = at
    with _writing(church) as rock:
        database.write(rock, model, "Location", [location])
        database.write(rock, model, "GroupLocation", [(family, place) for place in family.places])
    return Change("moved", "Group", family.id, "families", (family.id,), after={"street1": location.street1})


def join_group(church: Church, rng: random.Random, at: datetime) -> Change:
    """A person becomes a member of a group."""
    group = rng.choice([group for group in church.model.groups if _is_open(group)])
    known = {member.person.id for member in group.members}
    person = _person(church, rng, lambda one: one.id not in known)
    member = add_member(church.model, group, person, "member", joined=at)
    member.created = member.modified = at
    _save(church, "GroupMember", [member])
    return Change("joined", "GroupMember", member.id, "groups", (group.id,), after={"person": person.id})


def leave_group(church: Church, rng: random.Random, at: datetime) -> Change:
    """A membership row is deleted: nothing tells when (`at` is not written anywhere)."""
    members = [member for group in church.model.groups if _is_open(group) for member in _single(group)]
    member = rng.choice(members)
    member.group.members.remove(member)
    member.person.memberships.remove(member)
    with _writing(church) as rock:
        _delete(rock, "GroupMember", [member.id])
    return Change(
        *("left", "GroupMember", member.id, "groups", (member.group.id,)),
        before={"person": member.person.id, "at": at.isoformat()},
    )


def publish_prayer(church: Church, rng: random.Random, at: datetime | None) -> Change:
    """A prayer request is approved and made public."""
    prayer = rng.choice([prayer for prayer in church.model.prayers if not prayer.is_public])
    before = prayer.is_public
    prayer.is_public = prayer.is_approved = True
    prayer.modified = at or prayer.modified
    _save(church, "PrayerRequest", [prayer])
    return Change(
        *("published", "PrayerRequest", prayer.id, "prayer-requests", (prayer.id,)),
        before={"is_public": before},
        after={"is_public": True},
    )


ALL: tuple[Callable[[Church, random.Random, datetime], Change], ...] = (
    *(enter_gift, edit_amount, edit_date, edit_fund, delete_gift, refund_gift),
    *(rename_person, merge_people, move_family, join_group, leave_group, publish_prayer),
)
"""Every one of them."""


def drop_old_attendance_columns(church: Church) -> None:
    """The end of the upgrade to v8, too early: rows at the placeholder occurrence forget what they were for."""
    for row in church.model.attendances:
        if row.in_old_layout:
            row.occurrence = Occurrence(0, None, None, None, row.started.date())
    with _writing(church) as rock:
        rock.execute("DROP INDEX IX_Attendance_GroupId")
        for column in ("GroupId", "LocationId", "ScheduleId", "DidNotOccur", "SundayDate"):
            rock.execute(f"ALTER TABLE Attendance DROP COLUMN {column}")


def lose_every_date(church: Church, header: Header) -> None:
    """No date is left to a gift: not its own, not its batch's, not that of its creation."""
    header.moment = header.batch = header.created = None
    for line in header.lines:
        line.created = None
    _save(church, "FinancialTransaction", [header])
    _save(church, _LINE, header.lines)


def behind_the_model(church: Church, statement: str) -> None:
    """Change the database alone (SQL of SQLite): for tests that must see a difference."""
    with _writing(church) as rock:
        rock.execute(statement)


_LINE = "FinancialTransactionDetail"


@contextmanager
def _writing(church: Church) -> Iterator[sqlite3.Connection]:
    """One transaction on the church's file, which others may be reading."""
    rock = sqlite3.connect(church.path, timeout=_BUSY_SECONDS, isolation_level=None)
    try:
        rock.execute("BEGIN IMMEDIATE")
        yield rock
        rock.execute("COMMIT")
    finally:
        rock.close()


def _save(church: Church, table: str, things: Iterable[Any]) -> None:
    with _writing(church) as rock:
        database.write(rock, church.model, table, things)


def _save_header(church: Church, header: Header) -> None:
    with _writing(church) as rock:
        if header.batch is not None:
            database.write(rock, church.model, "FinancialBatch", [header.batch])
        if header.payment is not None:
            database.write(rock, church.model, "FinancialPaymentDetail", [header.payment])
        database.write(rock, church.model, "FinancialTransaction", [header])
        database.write(rock, church.model, _LINE, header.lines)
        if header.is_refund:
            database.write(rock, church.model, "FinancialTransactionRefund", [header])


def _delete(rock: sqlite3.Connection, table: str, ids: Iterable[int]) -> None:
    rock.executemany(f"DELETE FROM [{table}] WHERE Id = ?", [(row,) for row in ids])  # noqa: S608


def _line(church: Church, rng: random.Random, among: Callable[[Line], bool] | None) -> Line:
    """Result: a line of an ordinary gift: dated, of a real person, not refunded, of no odd status."""
    model = church.model
    refunded = {header.refund_of.id for header in model.headers if header.refund_of is not None}
    lines = [
        line
        for line in model.lines
        if line.cents > 0
        and (among is None or among(line))
        and line.header.type is model.values["contribution"]
        and not (line.header.is_refund or line.header.future or line.header.id in refunded)
        and line.header.moment is not None
        and (line.header.status or "").strip().lower() in ("", "complete", "success")
        and (alias := line.header.alias) is not None
        and alias.person is not None
        and not reading.is_anonymous(alias.person)
    ]
    return rng.choice(lines)


def _person(church: Church, rng: random.Random, among: Callable[[Person], bool] | None = None) -> Person:
    """Result: an ordinary person with aliases."""
    kind = church.model.values["person"]
    found = [
        person
        for person in church.model.people
        if person.record_type is kind
        and person.aliases
        and not person.is_system
        and not reading.is_anonymous(person)
        and reading.trimmed(person.last)
        and (among is None or among(person))
    ]
    return rng.choice(found)


def _is_settled(group: Group) -> bool:
    if not reading.is_family(group) or group.is_archived or not group.members:
        return False
    return any(place.kind is not None and place.mapped for place in group.places)


def _is_open(group: Group) -> bool:
    return group.type.key in ("small", "bible", "serving", "general") and not (
        reading.is_outside(group) or reading.is_closed(group)
    )


def _single(group: Group) -> list[Member]:
    """Result: the memberships of people that are in the group once."""
    often = [member.person.id for member in group.members]
    return [
        one
        for one in group.members
        if not one.is_archived and often.count(one.person.id) == 1 and not reading.is_anonymous(one.person)
    ]
