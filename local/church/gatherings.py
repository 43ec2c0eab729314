"""Groups that are no families: the tree that a church shows, and the plumbing that Rock keeps as groups too."""

from __future__ import annotations

import random

from local.church import words
from local.church.making import add_member, campus_of, moment, new_group
from local.church.model import Group, Model, Person
from local.church.shapes import Shape

PLUMBING = ("event", "application", "communication", "chat-direct", "chat-shared", "lms")


def gather(model: Model) -> None:
    """Add all groups; people exist already."""
    rng = model.random("groups")
    people = [
        person for person in model.people if person.record_type is model.values["person"] and not person.is_system
    ]
    _relationships(model, rng, people)
    _plumbing(model, rng, people)
    _tree(model, rng, people)
    _odd_parents(model, rng)
    _dropped_people_as_members(model, rng)


def _relationships(model: Model, rng: random.Random, people: list[Person]) -> None:
    """One Known Relationships group per person, and one Peer Network group for most."""
    for person in people:
        known = new_group(model, rng, "known", "Known Relationships")
        add_member(model, known, person, "owner")
        if rng.random() < 0.3:
            add_member(model, known, rng.choice(people), "neighbor")
        if rng.random() < 0.8:
            peer = new_group(model, rng, "peer", "Peer Network")
            add_member(model, peer, person, "leader")
            add_member(model, peer, rng.choice(people), "member")
    model.trap("relationship-group", 2 * len(people))


def _plumbing(model: Model, rng: random.Random, people: list[Person]) -> None:
    for number in range(6):
        role = new_group(model, rng, "security", f"RSR - Staff {number}", is_security_role=True, is_system=True)
        add_member(model, role, rng.choice(people), "member")
        model.trap("security-role")
    shown = new_group(model, rng, "general", "Finance Viewers", is_security_role=True)
    add_member(model, shown, rng.choice(people), "leader")
    model.trap("security-role-of-ordinary-type")
    for kind in PLUMBING:
        if kind not in model.group_types:
            continue
        for number in range(4):
            group = new_group(
                model, rng, kind, f"{model.group_types[kind].name} {number}", campus=campus_of(model, rng)
            )
            for person in rng.sample(people, min(8, len(people))):
                add_member(model, group, person, "member")
            model.trap(f"group-type-{kind}")


def _tree(model: Model, rng: random.Random, people: list[Person]) -> None:
    for campus in model.campuses:
        section = new_group(model, rng, "section", f"{campus.name} Section", campus=campus)
        for number in range(max(2, model.size // 160)):
            kind = rng.choice(("small", "small", "bible", "serving", "general"))
            group = new_group(model, rng, kind, f"{rng.choice(words.LAST_NAMES)} {kind} {number}", parent=section)
            group.campus = campus if rng.random() < 0.8 else campus_of(model, rng)
            group.schedule = rng.choice((None, *model.schedules))
            group.description = rng.choice((None, "", "We meet weekly.", "<p>Welcome &amp; come!</p>\r\n", "团契 🙏"))
            _standing(model, rng, group)
            _members(model, rng, group, people)
    area = new_group(model, rng, "check-in", "Weekly Check-in")
    for room in ("Nursery", "Preschool", "Grades K-2", "Grades 3-5", "Old Room"):
        group = new_group(model, rng, "check-in", room, parent=area, campus=model.campuses[0])
        if room == "Old Room":
            group.is_active = False
            model.trap("closed-group-with-attendance")
    for campus in model.campuses:
        group = new_group(model, rng, "service", f"Worship {campus.name}", campus=campus)
        group.is_active = campus.is_active is not False


def _standing(model: Model, rng: random.Random, group: Group) -> None:
    roll = model.evenly("group")
    if roll < 0.10:
        group.is_active = False
        model.trap("group-inactive")
    elif roll < 0.20 and model.shape.has_archive:
        group.is_archived = True
        model.trap("group-archived")
    elif roll < 0.26:
        group.name = rng.choice((f" {group.name} ", "O'Brien’s Group", "Группа 7", "é" * 100))
        model.trap("group-name-odd")
    if rng.random() < 0.05:
        group.foreign_key = f"GRP{group.id}"


def _members(model: Model, rng: random.Random, group: Group, people: list[Person]) -> None:
    for number, person in enumerate(rng.sample(people, min(len(people), rng.randrange(0, 16)))):
        role = "leader" if number == 0 else "member"
        member = add_member(model, group, person, role, status=rng.choice((1, 1, 1, 1, 1, 0, 2)))
        if member.joined is not None and rng.random() < 0.3:
            member.joined = moment(rng)
        roll = model.evenly("member")
        if roll < 0.02:
            add_member(model, group, person, role, status=rng.choice((0, 1, 2)))
            model.trap("member-twice")
        elif roll < 0.04:
            add_member(model, group, person, "member" if role == "leader" else "leader")
            model.trap("member-with-two-roles")
        elif roll < 0.07 and model.shape.has_archive:
            member.is_archived = True
            model.trap("member-archived")


def _odd_parents(model: Model, rng: random.Random) -> None:
    """Kept groups under excluded, closed and circular parents."""
    section = next(group for group in model.groups if group.type.key == "section")
    outer = new_group(model, rng, "application", "Plugin", parent=section)
    inner = new_group(model, rng, "application", "Plugin / Events", parent=outer)
    new_group(model, rng, "small", "Deep Group", parent=inner, campus=model.campuses[1])
    new_group(model, rng, "small", "Under a Role", parent=next(g for g in model.groups if g.is_security_role))
    model.trap("excluded-parent", 2)
    closed = new_group(model, rng, "section", "Closed Section", parent=section, is_active=False)
    new_group(model, rng, "small", "Under a Closed One", parent=closed)
    one = new_group(model, rng, "application", "Round")
    two = new_group(model, rng, "application", "and Round", parent=one)
    one.parent = two
    new_group(model, rng, "small", "Under a Circle", parent=two)
    upper = new_group(model, rng, "small", "Above Itself")
    middle = new_group(model, rng, "application", "Between", parent=upper)
    upper.parent = middle
    left = new_group(model, rng, "general", "Hen")
    right = new_group(model, rng, "general", "Egg", parent=left)
    left.parent = right
    model.trap("parents-in-a-circle", 3)


def _dropped_people_as_members(model: Model, rng: random.Random) -> None:
    """Rows that are no people, named by a group and by a family; a family of nobody; the anonymous in a group."""
    small = [group for group in model.groups if group.type.key == "small" and group.is_active and not group.is_archived]
    giver = next(person for person in model.people if person.last == "Anonymous" and person.first == "Giver")
    add_member(model, small[0], giver, "member")
    rest = [person for person in model.people if person.record_type is model.values["rest"]]
    add_member(model, small[-1], rest[0], "member")
    model.trap("dropped-person-in-a-group")
    alone = new_group(model, rng, "family", "Api Family")
    add_member(model, alone, rest[1], "adult")
    model.trap("family-of-nobody")
    if model.shape is Shape.CURRENT:
        families = [group for group in model.groups if group.type.key == "family" and len(group.members) > 2]
        nameless = [person for person in model.people if person.record_type is model.values["nameless"]]
        add_member(model, families[0], nameless[0], "adult")
        model.trap("dropped-person-in-a-family")
