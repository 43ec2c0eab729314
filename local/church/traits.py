"""What one person has: a name, a birthday, a standing, an email address, phones, each with the traps of its kind."""

from __future__ import annotations

import random

from local.church import words
from local.church.making import TODAY
from local.church.model import Model, Person, Phone


def give_name(model: Model, rng: random.Random, person: Person) -> None:
    """A plain name, or an unusual, blank or missing one."""
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


def give_birth(model: Model, rng: random.Random, person: Person, is_child: bool) -> None:
    """A birthday: whole, in part, impossible or none."""
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


def give_standing(model: Model, rng: random.Random, person: Person, is_child: bool) -> None:
    """Statuses, connection, titles, and keys of an earlier import."""
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


def give_email(model: Model, rng: random.Random, person: Person, shared: str | None, family: int) -> None:
    """An address of one's own, a shared, odd, invalid or cut one, or none."""
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


def give_phones(model: Model, rng: random.Random) -> None:
    """Numbers of every type for everybody who is a person or a business."""
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
