"""How one person, alias, group or membership is added to a model; every part of a church is made with these."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from local.church.model import Alias, Campus, Group, Member, Model, Person

TODAY = datetime.fromisoformat("2026-06-28 03:00")
"""The day after the last one of every church's history: no clock is looked at."""
OPENED = datetime.fromisoformat("2014-03-02 09:00")


def moment(rng: random.Random, since: datetime = OPENED, until: datetime = TODAY) -> datetime:
    """Result: a moment as `datetime` can hold it, at a whole second."""
    return since + timedelta(seconds=rng.randrange(int((until - since).total_seconds())))


def new_person(model: Model, rng: random.Random, kind: str | None, **fields: object) -> Person:
    """Result: a person with its primary alias; `kind` None leaves the record type NULL."""
    row = model.next_id("Person")
    if rng.random() < 0.02:
        model.skip_ids("Person", rng.randrange(1, 4))
    record_type = model.values[kind] if kind else None
    person = Person(row, model.guid("Person", row), record_type, created=moment(rng), **fields)  # type: ignore[arg-type]
    person.modified = person.created
    model.people.append(person)
    add_alias(model, person, row, person.guid)
    return person


def add_alias(model: Model, person: Person | None, former_id: int | None, former_guid: str | None = None) -> Alias:
    """Result: one more alias of the person."""
    row = model.next_id("PersonAlias")
    alias = Alias(row, model.guid("PersonAlias", row), person, former_id, former_guid)
    model.aliases.append(alias)
    if person is not None:
        person.aliases.append(alias)
    return alias


def new_group(model: Model, rng: random.Random, kind: str, name: str, **fields: object) -> Group:
    """Result: a group of one of the model's types."""
    row = model.next_id("Group")
    group = Group(row, model.guid("Group", row), model.group_types[kind], name, created=moment(rng), **fields)  # type: ignore[arg-type]
    group.modified = group.created
    model.groups.append(group)
    return group


def add_member(model: Model, group: Group, person: Person, role: str, **fields: object) -> Member:
    """Result: one more membership row."""
    row = model.next_id("GroupMember")
    member = Member(row, group, person, group.type.roles[role], **fields)  # type: ignore[arg-type]
    member.created = member.modified = group.created
    if member.joined is None and row % 11:
        member.joined = group.created
    group.members.append(member)
    person.memberships.append(member)
    return member


def campus_of(model: Model, rng: random.Random) -> Campus | None:
    """Result: a campus, or none for one row in twelve."""
    roll = rng.random()
    if roll < 0.08:
        return None
    return model.campuses[0 if roll < 0.55 else 1 if roll < 0.8 else 2 if roll < 0.95 else 3]
