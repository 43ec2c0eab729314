"""Persons, businesses and the rows in Person that are nobody, with their aliases, phones and families."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from local.church import guids, words
from local.church.model import Alias, Campus, Group, Location, Member, Model, Person, Phone, Place
from local.church.shapes import Shape

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
    _shared_custody(model, rng)
    _merges(model, rng)
    _tracked_visitors(model, rng)
    _phones(model, rng)
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


def campus_of(model: Model, rng: random.Random) -> Campus | None:
    """Result: a campus, or none for one row in twelve."""
    roll = rng.random()
    if roll < 0.08:
        return None
    return model.campuses[0 if roll < 0.55 else 1 if roll < 0.8 else 2 if roll < 0.95 else 3]


def _household(model: Model, rng: random.Random) -> None:
    last = rng.choice(words.LAST_NAMES)
    family = new_group(model, rng, "family", f"{last} Family", campus=campus_of(model, rng))
    adults = 1 if rng.random() < 0.4 else 2
    children = 0 if rng.random() < 0.45 else rng.randrange(1, 5)
    shared_email = f"{last.lower()}{family.id}@example.org" if rng.random() < 0.3 else None
    for place in range(adults + children):
        is_child = place >= adults
        person = new_person(model, rng, "person", last=last, gender=rng.choice((0, 1, 1, 1, 2, 2, 2)))
        _name(model, rng, person)
        _birth(model, rng, person, is_child)
        _standing(model, rng, person, is_child)
        _email(model, rng, person, None if is_child else shared_email, family.id)
        _file(model, rng, person, family, is_child)
    _addresses(model, rng, family)
    _family_traps(model, rng, family)


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


def _name(model: Model, rng: random.Random, person: Person) -> None:
    person.first = rng.choice(words.FIRST_NAMES)
    person.nick = words.NICK_NAMES.get(person.first, person.first)
    roll = model.evenly("name")
    if roll < 0.02:
        person.first, person.last = rng.choice(words.UNUSUAL_NAMES)
        person.nick = person.first
        model.trap("unusual-name")
    elif roll < 0.023:
        person.first = person.nick = person.last = None
        model.trap("both-names-null")
    elif roll < 0.026:
        person.first, person.nick, person.last = "  ", None, " \t"
        model.trap("both-names-blank")
    elif roll < 0.030:
        person.first = None
        model.trap("first-name-null")
    elif roll < 0.034:
        person.last = rng.choice((None, "", "   "))
        model.trap("last-name-blank")
    elif roll < 0.044:
        person.first, person.last = f"  {person.first} ", f"{person.last}\u00a0 "
        model.trap("name-with-blanks")
    if rng.random() < 0.08:
        person.nick = rng.choice((None, None, "", "  "))
        model.trap("nick-name-null")
    if rng.random() < 0.3:
        person.middle = rng.choice(("A.", "Lee", "  ", "Marie", None))


def _birth(model: Model, rng: random.Random, person: Person, is_child: bool) -> None:
    roll = model.evenly("birth")
    if roll < 0.25:
        return
    person.birth_month, person.birth_day = rng.randrange(1, 13), rng.randrange(1, 29)
    person.birth_year = TODAY.year - (rng.randrange(0, 18) if is_child else rng.randrange(19, 95))
    if roll < 0.31:
        person.birth_year = None
        model.trap("birth-without-year")
    elif roll < 0.315:
        person.birth_month, person.birth_day = 2, 30
        model.trap("birth-impossible-day")
    elif roll < 0.32:
        person.birth_month, person.birth_day, person.birth_year = 2, 29, 2023
        model.trap("birth-impossible-day")
    elif roll < 0.325:
        person.birth_month, person.birth_day = 2, 29
        person.birth_year = 2004
    elif roll < 0.33:
        person.birth_day = None
        model.trap("birth-without-day")
    elif roll < 0.335:
        person.birth_month = person.birth_day = None
        model.trap("birth-year-only")
    elif roll < 0.338:
        person.birth_month, person.birth_day, person.birth_year = 2, 29, None
        model.trap("birth-without-year")
    elif roll < 0.343:
        person.birth_month = rng.choice((None, 0, 13))
        model.trap("birth-impossible-month")
    elif roll < 0.346:
        person.birth_year = rng.choice((1, 0, 2, 9998, 9999))
        model.trap("birth-year-placeholder")
    elif roll < 0.350:
        odd = ((4, 31, None), (12, 0, 1990), (2, 29, 1900), (2, 29, 2000), (6, 31, 1))
        person.birth_month, person.birth_day, person.birth_year = odd[person.id % len(odd)]
        model.trap("birth-odd")


def _standing(model: Model, rng: random.Random, person: Person, is_child: bool) -> None:
    values = model.values
    person.status = values["active"]
    kinds = ("member", "member", "attendee", "attendee", "visitor", "prospect", "online-attendee")
    person.connection = values[rng.choice(kinds)] if rng.random() < 0.97 else None
    roll = model.evenly("standing")
    if roll < 0.10:
        person.status, person.reason = values["inactive"], values[rng.choice(("no-activity", "moved", "dormant"))]
    elif roll < 0.115:
        person.status, person.reason, person.is_deceased = values["inactive"], values["deceased"], True
        model.trap("deceased")
    elif roll < 0.125:
        person.status = values["pending"]
    elif roll < 0.130:
        person.status = None
        model.trap("record-status-null")
    if not is_child:
        married = rng.choice(("married", "married", "single", "divorced", "widowed", None))
        person.marital = values[married] if married else None
        if rng.random() < 0.1:
            person.title = values[rng.choice(("mr", "mrs", "rev"))]
        if rng.random() < 0.03:
            person.suffix = values[rng.choice(("jr", "iii"))]
    if rng.random() < 0.05:
        person.foreign_key = rng.choice((f"F1_{person.id * 7}", "_For Test Communication_"))
        model.trap("foreign-key")


def _email(model: Model, rng: random.Random, person: Person, shared: str | None, family: int) -> None:
    roll = model.evenly("email")
    if shared:
        person.email = shared
        model.trap("email-shared")
    elif roll < 0.55:
        person.email = f"p{person.id}.{family}@example.org"
    elif roll < 0.57:
        person.email = rng.choice(words.BAD_EMAILS)
        model.trap("email-invalid")
    elif roll < 0.58:
        person.email = f"  P{person.id}@Example.ORG "
        model.trap("email-with-blanks")
    elif roll < 0.585:
        person.email = rng.choice(("", "   "))
        model.trap("email-blank")
    elif roll < 0.59:
        person.email = f"{'x' * 45}.{person.id}@mail.example.org"[:75]
        model.trap("email-long")
    elif roll < 0.597:
        person.email = words.ODD_EMAILS[person.id % len(words.ODD_EMAILS)]
        model.trap("email-odd")
    elif roll < 0.599:
        person.email = ("y" * 70 + f"@mail{person.id}.example.org")[:75]
        model.trap("email-cut-off")
    person.email_active = rng.random() > 0.04
    person.email_preference = rng.choice((0, 0, 0, 0, 0, 0, 0, 1, 2))
    if person.id % 211 == 0:
        person.email_preference, person.gender = 7, 9
        model.trap("enum-out-of-range")


def _addresses(model: Model, rng: random.Random, family: Group) -> None:
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


def _family_traps(model: Model, rng: random.Random, family: Group) -> None:
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


def _shared_custody(model: Model, rng: random.Random) -> None:
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


def _merges(model: Model, rng: random.Random) -> None:
    """Survivors with aliases of deleted rows, and what failed merges leave behind."""
    people = [person for person in model.people if person.record_type is model.values["person"] and person.first]
    chosen = rng.sample(people[2:], max(8, len(people) // 25))
    for number, person in enumerate(chosen):
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            lost = model.next_id("Person")
            add_alias(model, person, lost, model.guid("Person", lost))
            model.trap("merged-alias")
        if number % 20 == 0:
            kept = new_person(
                model, rng, "person", first=person.first, last=person.last, status=model.values["inactive"]
            )
            alias = kept.aliases.pop()
            alias.person = person
            person.aliases.append(alias)
            model.trap("merged-row-still-there")
        elif number % 20 == 1:
            for alias in person.aliases:
                model.aliases.remove(alias)
            person.aliases.clear()
            model.trap("person-without-alias")
        elif number % 20 == 2:
            row = model.next_id("PersonAlias")
            ghost = Alias(row, model.guid("PersonAlias", row), None, None, ghost_id=model.next_id("Person"))
            ghost.former_id = ghost.ghost_id
            model.aliases.append(ghost)
            model.trap("alias-of-nobody")
        elif number % 20 == 3:
            row = model.next_id("PersonAlias")
            model.aliases.append(Alias(row, model.guid("PersonAlias", row), None, None, has_row=False))
            model.trap("alias-without-row")


def _tracked_visitors(model: Model, rng: random.Random) -> None:
    """Visitors of the web site who turned out to be somebody: aliases that no former row belongs to."""
    if model.shape is Shape.CURRENT:
        for person in rng.sample([one for one in model.people if one.aliases], max(2, model.size // 100)):
            add_alias(model, person, None).visited = moment(rng)
            model.trap("visitor-became-somebody")


def _phones(model: Model, rng: random.Random) -> None:
    values = model.values
    for person in model.people:
        if person.record_type not in (values["person"], values["business"]) or person.is_system:
            continue
        for kind in ("mobile", "home-phone", "work-phone", "fax", None):
            share = {"mobile": 0.6, "home-phone": 0.25, "work-phone": 0.1, "fax": 0.01, None: 0.02}[kind]
            if rng.random() < share:
                _phone(model, rng, person, kind)
                if rng.random() < 0.03:
                    _phone(model, rng, person, kind)
                    model.trap("two-phones-of-one-type")


def _phone(model: Model, rng: random.Random, person: Person, kind: str | None) -> None:
    phone = Phone(
        model.next_id("PhoneNumber"),
        f"{rng.choice(('602', '480', '623'))}555{rng.randrange(10000):04}",
        rng.choice(("1", "1", "1", "1", None, "49")),
        model.values[kind] if kind else None,
        extension=str(rng.randrange(10, 9999)) if kind == "work-phone" and rng.random() < 0.4 else None,
        messaging=kind == "mobile" and rng.random() < 0.8,
        unlisted=rng.random() < 0.05,
        opted_out=rng.random() < 0.02,
    )
    if rng.random() < 0.01:
        phone.number = rng.choice(words.BAD_PHONES)
        model.trap("phone-malformed")
    elif rng.random() < 0.01:
        phone.number = f" {phone.number}\t"
        model.trap("phone-with-blanks")
    if kind is None:
        model.trap("phone-without-type")
    person.phones.append(phone)
