"""Families beyond their people: addresses, and what is odd about families and their memberships."""

from __future__ import annotations

import random

from local.church import words
from local.church.making import add_member, new_group
from local.church.model import Group, Location, Model, Place


def give_addresses(model: Model, rng: random.Random, family: Group) -> None:
    """Home addresses, several or none, and those of other types."""
    if rng.random() < 0.15:
        return
    if rng.random() < 0.02 and len(model.locations) > 20:
        home = rng.choice(model.locations[10:])
        model.trap("location-shared")
    else:
        home = new_address(model, rng)
    roll = model.evenly("address")
    mapped, mailing = roll > 0.05, rng.random() > 0.1
    if not mapped:
        model.trap("home-not-mapped")
    if roll > 0.97:
        add_place(model, family, new_address(model, rng), "previous", mapped=True)
        model.trap("previous-address-mapped")
    add_place(model, family, home, "home", mapped=mapped, mailing=mailing)
    if 0.06 < roll < 0.09:
        add_place(model, family, new_address(model, rng), "home", mapped=False, mailing=True)
        model.trap("second-home")
    elif 0.09 < roll < 0.10:
        add_place(model, family, new_address(model, rng), "home", mapped=True)
        model.trap("two-mapped-homes")
    elif 0.20 < roll < 0.205:
        add_place(model, family, home, "home", mapped=mapped)
        model.trap("home-twice")
    if 0.10 < roll < 0.16:
        add_place(model, family, new_address(model, rng), "previous")
    elif 0.16 < roll < 0.18:
        family.places.append(Place(model.next_id("GroupLocation"), new_address(model, rng), None, mailing=True))
        model.trap("address-without-type")
    elif 0.18 < roll < 0.20:
        add_place(model, family, new_address(model, rng), "work", mapped=True)


def new_address(model: Model, rng: random.Random) -> Location:
    """Result: a new address; some lack parts, some have blanks around them."""
    city, state, code = rng.choice(words.CITIES)
    street = f"{rng.randrange(1, 9999)} {rng.choice(words.STREETS)} {rng.choice(words.STREET_KINDS)}"
    location = Location(model.next_id("Location"), None, street, None, city, state, code, "US")
    roll = rng.random()
    if roll < 0.05:
        location.street2 = f"Apt {rng.randrange(1, 400)}"
    elif roll < 0.10:
        location.postal_code = f"{code}-{rng.randrange(1000, 9999)}"
    elif roll < 0.13:
        location.country = None
    elif roll < 0.15:
        location.street1, location.postal_code = f" {street} ", ""
        model.trap("address-with-blanks")
    elif roll < 0.16:
        location.street1, location.city, location.state = "Königstraße 12", "Zürich", None
        location.postal_code, location.country = "8001", "CH"
    elif roll < 0.165:
        location.street1 = location.city = location.state = location.postal_code = location.country = None
        model.trap("address-empty")
    model.locations.append(location)
    return location


def add_place(
    model: Model, family: Group, location: Location, kind: str, *, mapped: bool = False, mailing: bool = False
) -> Place:
    """Result: the family's use of a location."""
    place = Place(model.next_id("GroupLocation"), location, model.values[kind], mapped, mailing)
    family.places.append(place)
    return place


def plant_family_traps(model: Model, rng: random.Random, family: Group) -> None:
    """Doubled, inactive and archived members, empty, archived and oddly named families."""
    roll = model.evenly("family")
    first = family.members[0]
    if roll < 0.01:
        add_member(model, family, first.person, "adult", order=1)
        model.trap("family-member-twice")
    elif roll < 0.015:
        add_member(model, family, first.person, "child")
        model.trap("family-member-two-roles")
    elif roll < 0.02:
        first.status = 0
        model.trap("family-member-inactive")
    elif roll < 0.025:
        first.status = 2
    elif roll < 0.03 and model.shape.has_archive and len(family.members) > 1:
        family.members[-1].is_archived = True
        model.trap("family-member-archived")
    elif roll < 0.035:
        family.is_active = False
        model.trap("family-inactive")
    elif roll < 0.04:
        new_group(model, rng, "family", f"{rng.choice(words.LAST_NAMES)} Family", campus=family.campus)
        model.trap("family-empty")
    elif roll < 0.046 and model.shape.has_archive:
        lost = new_group(model, rng, "family", f"{family.name} (old)", campus=family.campus, is_archived=True)
        add_member(model, lost, first.person, "adult", is_archived=family.id % 2 == 0)
        first.person.primary_family = lost
        model.trap("family-archived")
    elif roll < 0.051:
        family.name = rng.choice(("  ", f" {family.name} ", "", "O'Brien & Núñez 家族"))
        model.trap("family-name-odd")


def share_custody(model: Model, rng: random.Random) -> None:
    """Children in a second family of another campus, with every order that Rock may have stored."""
    children = [
        member
        for group in model.groups
        if group.type.key == "family"
        for member in group.members
        if member.role is group.type.roles["child"]
    ]
    families = [group for group in model.groups if group.type.key == "family" and len(group.members) > 1]
    orders = ((None, 0), (0, None), (1, 0), (0, 1), (None, None))
    for number, member in enumerate(rng.sample(children, max(3, len(children) // 20))):
        second = rng.choice([family for family in families if family.campus is not member.group.campus])
        member.order, order = orders[number % 5]
        add_member(model, second, member.person, "child", order=order)
        member.person.primary_family = (None, second, member.group, families[0])[number % 4]
        model.trap("two-families")
