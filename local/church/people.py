"""Persons, businesses and the rows in Person that are nobody, with their families."""

from __future__ import annotations

import random

from local.church import guids, words
from local.church.homes import add_place, give_addresses, new_address, plant_family_traps, share_custody
from local.church.making import add_alias, add_member, campus_of, moment, new_group, new_person
from local.church.merges import merge_some, track_visitors
from local.church.model import Group, Model, Person, Phone
from local.church.shapes import Shape
from local.church.traits import give_birth, give_email, give_name, give_phones, give_standing


def populate(model: Model) -> None:
    """Add everybody, in families."""
    rng = model.random("people")
    _nobodies(model, rng)
    while len(model.people) < model.size * 97 // 100:
        roll = rng.random()
        if roll < 0.012:
            _business(model, rng)
        else:
            _household(model, rng)
    _strays(model, rng)
    share_custody(model, rng)
    merge_some(model, rng)
    track_visitors(model, rng)
    give_phones(model, rng)
    _forget(model)


def _forget(model: Model) -> None:
    """Take away what the tables of the release have no column for."""
    for person in model.people:
        if model.shape is Shape.V7:
            person.primary_family = None
            for member in person.memberships:
                member.order = None
        if model.shape is not Shape.CURRENT:
            person.primary_campus = None
            for phone in person.phones:
                phone.opted_out = False


def _nobodies(model: Model, rng: random.Random) -> None:
    values = model.values
    admin = new_person(model, rng, "person", first="Admin", nick="Admin", last="Admin", status=values["active"])
    admin.is_system = True
    model.skip_ids("Person", 1)
    giver = new_person(model, rng, "person", first="Giver", nick="Giver", last="Anonymous", status=values["active"])
    giver.guid, giver.connection = guids.GIVER_ANONYMOUS, values["participant"]
    family = new_group(model, rng, "family", "Anonymous Family")
    family.guid = guids.ANONYMOUS_FAMILY
    add_member(model, family, giver, "adult")
    giver.primary_family = giver.giving_group = family
    add_alias(model, giver, model.next_id("Person"))
    for name in ("RestApi", "Check Scanner", "Mobile App Key"):
        new_person(model, rng, "rest", last=name, status=values["active"])
        model.trap("rest-user")
    if model.shape is Shape.CURRENT:
        _anonymous_visitor(model, rng)


def _anonymous_visitor(model: Model, rng: random.Random) -> None:
    visitor = new_person(model, rng, "person", first="Anonymous", nick="Anonymous", last="Visitor", is_system=True)
    visitor.guid, visitor.connection = guids.ANONYMOUS_VISITOR, model.values["participant"]
    visitor.status = model.values["active"]
    family = new_group(model, rng, "family", "Anonymous Visitor Family")
    add_member(model, family, visitor, "adult")
    visitor.primary_family = family
    for _ in range(model.size // 20):
        add_alias(model, visitor, None).visited = moment(rng)
        model.trap("visitor-alias")


def _household(model: Model, rng: random.Random) -> None:
    last = rng.choice(words.LAST_NAMES)
    family = new_group(model, rng, "family", f"{last} Family", campus=campus_of(model, rng))
    adults = 1 if rng.random() < 0.4 else 2
    children = 0 if rng.random() < 0.45 else rng.randrange(1, 5)
    shared_email = f"{last.lower()}{family.id}@example.org" if rng.random() < 0.3 else None
    for place in range(adults + children):
        is_child = place >= adults
        person = new_person(model, rng, "person", last=last, gender=rng.choice((0, 1, 1, 1, 2, 2, 2)))
        give_name(model, rng, person)
        give_birth(model, rng, person, is_child)
        give_standing(model, rng, person, is_child)
        give_email(model, rng, person, None if is_child else shared_email, family.id)
        _file(model, rng, person, family, is_child)
    give_addresses(model, rng, family)
    plant_family_traps(model, rng, family)


def _file(model: Model, rng: random.Random, person: Person, family: Group, is_child: bool) -> None:
    """Put the person into the family: membership, primary family, campus, giving."""
    role = "child" if is_child else "grandparent" if rng.random() < 0.01 else "adult"
    order = None if rng.random() < 0.3 else 0
    add_member(model, family, person, role, order=order)
    person.primary_family = family
    if rng.random() < 0.03:
        person.primary_family = None
        model.trap("primary-family-null")
    person.primary_campus = family.campus
    roll = rng.random()
    if roll < 0.02:
        person.primary_campus = rng.choice(model.campuses)
        model.trap("primary-campus-disagrees")
    elif roll < 0.04:
        person.primary_campus = None
        model.trap("primary-campus-null")
    if not is_child and rng.random() < 0.85:
        person.giving_group = family
    if rng.random() < 0.02:
        person.giving_id_stored = False
        model.trap("giving-id-null")
    elif rng.random() < 0.01:
        stale = (f"P{person.id}", f"G{family.id}", "", "G", "X12", f"g{family.id}", "P１2", "P 7")
        person.stale_giving_id = stale[person.id % len(stale)]
        model.trap("giving-id-stale")


def _business(model: Model, rng: random.Random) -> None:
    name = f"{rng.choice(words.LAST_NAMES)} {rng.choice(words.BUSINESSES)}"
    business = new_person(model, rng, "business", last=name, status=model.values["active"])
    family = new_group(model, rng, "family", f"{name} Business", campus=campus_of(model, rng))
    add_member(model, family, business, "adult")
    business.primary_family = business.giving_group = family
    business.primary_campus = family.campus
    business.email = f"office{business.id}@example.org"
    if rng.random() < 0.7:
        add_place(model, family, new_address(model, rng), "work", mapped=True, mailing=True)
    model.trap("business")


def _strays(model: Model, rng: random.Random) -> None:
    """People outside families, and rows that are no people."""
    for number in range(max(2, model.size // 250)):
        stray = new_person(model, rng, "person", first=rng.choice(words.FIRST_NAMES), last=rng.choice(words.LAST_NAMES))
        stray.nick, stray.status = stray.first, model.values["active"]
        model.trap("person-without-family")
        untyped = new_person(model, rng, None, first="Legacy", last=f"Import {number}")
        model.trap("record-type-null")
        if number % 2:
            untyped.first = untyped.last = None
        if model.shape is Shape.CURRENT:
            sender = new_person(model, rng, "nameless", status=model.values["active"])
            number_of = f"602555{sender.id % 10000:04}"
            sender.phones.append(
                Phone(model.next_id("PhoneNumber"), number_of, "1", model.values["mobile"], messaging=True)
            )
            model.trap("nameless")
            if number % 5 == 0:
                new_person(model, rng, "visitor-type")
                model.trap("anonymous-visitor-type")
