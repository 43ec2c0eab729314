"""How a church's objects are read: the small rules (trimmed texts, valid emails, dates) that every record uses."""

from __future__ import annotations

import unicodedata
from calendar import monthrange
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from local.church import guids
from local.church.model import Campus, Group, Member, Model, Person, Value
from local.church.shapes import Shape

ANONYMOUS = frozenset({guids.GIVER_ANONYMOUS, guids.ANONYMOUS_VISITOR})
OUTSIDE = frozenset(
    "family security known peer event application communication chat-direct chat-shared lms".split()  # noqa: SIM905
)
"""Our keys of the group types that no group of the import has (rule R1)."""


def trimmed(text: str | None) -> str | None:
    """Result: without white space at both ends; None for nothing left."""
    return None if text is None else text.strip() or None


def label(value: Value | None) -> str | None:
    """Result: what the church calls the value."""
    return None if value is None else trimmed(value.label)


def local_time(moment: datetime | None) -> str | None:
    """Result: whole seconds, no offset."""
    return None if moment is None else moment.replace(microsecond=0).isoformat()


def money(cents: int) -> str:
    """Result: 1230 as 12.30."""
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02}"


def email_of(text: str | None) -> tuple[str | None, bool]:
    """Result: the address if it is one (rule P7), and whether something was there that is none."""
    address = trimmed(text)
    if address is None:
        return None, False
    local, _, domain = address.partition("@")
    labels = domain.split(".")
    is_fine = (
        len(address) <= 254
        and address.count("@") == 1
        and local != ""
        and len(labels) >= 2
        and all(labels)
        and len(labels[-1]) >= 2
        and not any(letter.isspace() or unicodedata.category(letter) == "Cc" for letter in address)
    )
    return (address, False) if is_fine else (None, True)


def birth_of(person: Person) -> tuple[int | None, int | None, int | None, bool]:
    """Result: year, month, day, each None where it is unknown or impossible, and whether one was impossible (P8)."""
    year, month, day, is_odd = person.birth_year, person.birth_month, person.birth_day, False
    if year is not None and not 1 < year < 9999:
        year = None
    if month is not None and not 1 <= month <= 12:
        month, is_odd = None, True
    if day is not None:
        longest = monthrange(year or 2000, month)[1] if month else 0
        if not 1 <= day <= longest:
            day, is_odd = None, True
    return year, month, day, is_odd


def full_date(year: int | None, month: int | None, day: int | None) -> str | None:
    """Result: ISO, where all three are known."""
    return date(year, month, day).isoformat() if year and month and day else None


def is_anonymous(person: Person) -> bool:
    """Result: whether gifts and attendance of this person are nobody's (A2)."""
    return person.guid in ANONYMOUS


def is_dropped(person: Person) -> bool:
    """Result: whether the row is no person: an API user, a sender of text messages (P4)."""
    kind = person.record_type
    return kind is not None and kind.guid not in (guids.VALUES["person"][2], guids.VALUES["business"][2])


def counts(member: Member) -> bool:
    """Result: whether a family membership stands: not archived, not inactive."""
    return not member.is_archived and member.status != 0


def is_family(group: Group) -> bool:
    """Result: whether it is of type Family."""
    return group.type.guid == guids.GROUP_TYPES["family"][1]


def primary_family(person: Person) -> Group | None:
    """Result: rule P11."""
    standing = [
        member
        for member in person.memberships
        if is_family(member.group)
        and counts(member)
        and not member.group.is_archived
        and member.group.guid != guids.ANONYMOUS_FAMILY
    ]
    if any(member.group is person.primary_family for member in standing):
        return person.primary_family
    if not standing:
        return None
    return min(standing, key=lambda member: (member.order is None, member.order or 0, member.group.id)).group


def campus_of(person: Person) -> Campus | None:
    """Result: rule P13."""
    if person.primary_campus is not None:
        return person.primary_campus
    family = primary_family(person)
    return None if family is None else family.campus


def giving_unit(model: Model, person: Person) -> str:
    """Result: rule P14, `G12` or `P7`."""
    known = person.stale_giving_id if model.shape is Shape.CURRENT else None
    if known is not None and known[:1] in ("G", "P") and known[1:].isascii() and known[1:].isdigit():
        return known
    return f"P{person.id}" if person.giving_group is None else f"G{person.giving_group.id}"


def is_outside(group: Group) -> bool:
    """Result: whether it is not what a church calls a group (R1)."""
    return group.is_security_role or group.type.key in OUTSIDE


def is_closed(group: Group) -> bool:
    """Result: rule R2."""
    return group.is_archived or not group.is_active


def in_order(things: Sequence[Any]) -> list[Any]:
    """Result: by id."""
    return sorted(things, key=lambda thing: thing.id)
