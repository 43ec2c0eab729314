"""Writes the expected mission of a church: people, families and groups here, what happened in expecting_events."""

from __future__ import annotations

from collections.abc import Mapping

from local.church import guids, reading
from local.church.expected import ExpectedMission, Record, Skip, Wishes
from local.church.expecting_events import expect_attendance, expect_contributions, expect_prayers
from local.church.model import Campus, Group, Model, Person, Phone, Place
from local.church.reading import label, local_time, trimmed
from local.church.scope import Scope, family_members, family_role, group_members, is_of_nobody
from local.church.words_of_mission import named, of_rock

NOT_MOVED = "record-type-not-moved"
PERSON_NOTES = (
    NOT_MOVED,
    "record-type-missing",
    "person-merged",
    "no-person-alias",
    "person-unnamed",
    "email-invalid",
    "birth-date-invalid",
    "phone-malformed",
)
"""In the order of the notes (P16)."""
PERSON_KEYS = (
    *("external_id", "kind", "first_name", "nick_name", "middle_name", "last_name", "title", "suffix", "gender"),
    *("birth_date", "birth_year", "birth_month", "birth_day", "marital_status", "connection_status"),
    *("record_status", "inactive_reason", "is_deceased", "email", "email_is_active", "email_preference", "campus"),
    *("primary_family", "giving_unit", "phones", "former_external_ids", "notes", "created_at"),
)
_PHONES = {"mobile": "mobile", "home-phone": "home", "work-phone": "work"}


def expect(model: Model, wishes: Wishes, fund_ids: Mapping[str, str]) -> ExpectedMission:
    """Result: everything that Mission holds afterwards. `fund_ids`: account guid (lower case) -> Mission's own id."""
    mission = ExpectedMission(model.install)
    scope = Scope(model, wishes)
    _people(scope, mission)
    _families(scope, mission)
    _groups(scope, mission)
    expect_contributions(scope, mission, fund_ids)
    expect_attendance(scope, mission)
    expect_prayers(scope, mission)
    return mission


def _people(scope: Scope, mission: ExpectedMission) -> None:
    ids = {person.id for person in scope.model.people}
    moved = {alias.former_id for alias in scope.model.aliases if alias.has_row and alias.former_id is not None}
    for person in scope.people:
        if reading.is_anonymous(person):
            mission.skipped["people"][person.id] = Skip("person-anonymous")
            continue
        if reading.is_dropped(person) and person.id not in scope.named:
            mission.skipped["people"][person.id] = Skip(NOT_MOVED)
            continue
        record, flags = _person(scope, person, ids, person.id in moved)
        mission.records["people"][person.id] = record
        if flags:
            mission.flagged["people"][person.id] = flags


def _person(scope: Scope, person: Person, ids: set[int], is_moved: bool) -> tuple[Record, set[str]]:
    install = scope.model.install
    former = {alias.former_id for alias in person.aliases if alias.former_id is not None}
    record = _placeholder(install, person)
    record["campus"] = named(install, reading.campus_of(person))
    record["giving_unit"] = f"rock:{install}:giving:{reading.giving_unit(scope.model, person)}"
    record["former_external_ids"] = [of_rock(install, "Person", lost) for lost in sorted(former - {person.id} - ids)]
    if reading.is_dropped(person):
        return record, {NOT_MOVED}
    flags: set[str] = set()
    if person.record_type is None:
        flags.add("record-type-missing")
    if not person.aliases:
        flags.add("person-merged" if is_moved else "no-person-alias")
    _names(person, record, flags)
    _birth(person, record, flags)
    _contact(install, person, record, flags)
    _standing(scope, person, record)
    record["notes"] = [note for note in PERSON_NOTES if note in flags]
    return record, flags


def _placeholder(install: str, person: Person) -> Record:
    """Result: all that is sent of a row that is no person (P5); campus, giving unit and former ids come on top."""
    record: Record = dict.fromkeys(PERSON_KEYS)
    record.update(
        external_id=of_rock(install, "Person", person.id),
        kind="person",
        first_name="Unknown",
        last_name="Unknown",
        gender="unknown",
        is_deceased=False,
        email_is_active=False,
        email_preference="none",
        phones=[],
        notes=[NOT_MOVED],
    )
    return record


def _names(person: Person, record: Record, flags: set[str]) -> None:
    first, last = trimmed(person.first), trimmed(person.last)
    if first is None and last is None:
        first = last = "Unknown"
        flags.add("person-unnamed")
    record.update(first_name=first, last_name=last)
    record.update(nick_name=trimmed(person.nick), middle_name=trimmed(person.middle))
    record.update(title=label(person.title), suffix=label(person.suffix))
    is_business = person.record_type is not None and person.record_type.guid == guids.VALUES["business"][2]
    record["kind"] = "business" if is_business else "person"


def _birth(person: Person, record: Record, flags: set[str]) -> None:
    year, month, day, is_odd = reading.birth_of(person)
    record.update(birth_year=year, birth_month=month, birth_day=day, birth_date=reading.full_date(year, month, day))
    if is_odd:
        flags.add("birth-date-invalid")


def _contact(install: str, person: Person, record: Record, flags: set[str]) -> None:
    record["email"], is_invalid = reading.email_of(person.email)
    if is_invalid:
        flags.add("email-invalid")
    record["email_is_active"] = person.email_active
    record["email_preference"] = {0: "allowed", 1: "no-mass"}.get(person.email_preference, "none")
    for phone in reading.in_order(person.phones):
        number = phone.number.strip()
        if not (number.isascii() and number.isdigit() and 7 <= len(number) <= 15):
            flags.add("phone-malformed")
        if number:
            record["phones"].append(_phone(install, phone, number))


def _phone(install: str, phone: Phone, number: str) -> Record:
    kinds = {guids.VALUES[key][2]: word for key, word in _PHONES.items()}
    return {
        "external_id": of_rock(install, "PhoneNumber", phone.id),
        "type": "other" if phone.kind is None else kinds.get(phone.kind.guid, "other"),
        "number": number,
        "country_code": trimmed(phone.country_code),
        "extension": trimmed(phone.extension),
        "is_unlisted": phone.unlisted,
        "messaging_enabled": phone.messaging and not phone.opted_out,
    }


def _standing(scope: Scope, person: Person, record: Record) -> None:
    statuses = {guids.VALUES[key][2]: key for key in ("active", "inactive", "pending")}
    record.update(
        gender={1: "male", 2: "female"}.get(person.gender, "unknown"),
        marital_status=label(person.marital),
        connection_status=label(person.connection),
        record_status=None if person.status is None else statuses.get(person.status.guid),
        inactive_reason=label(person.reason),
        is_deceased=person.is_deceased,
        created_at=local_time(person.created),
    )
    family = reading.primary_family(person)
    if family is not None and scope.passes(family.campus):
        record["primary_family"] = of_rock(scope.model.install, "Group", family.id)


def _families(scope: Scope, mission: ExpectedMission) -> None:
    for family in scope.families:
        if family.is_archived:
            mission.skipped["families"][family.id] = Skip("family-archived")
        elif is_of_nobody(family):
            mission.skipped["families"][family.id] = Skip("family-of-nobody")
        else:
            mission.records["families"][family.id], flags = _family(scope.model.install, family)
            if flags:
                mission.flagged["families"][family.id] = flags


def _family(install: str, family: Group) -> tuple[Record, set[str]]:
    flags: set[str] = set()
    members = family_members(family)
    rows = [one for one in family.members if reading.counts(one) and not reading.is_anonymous(one.person)]
    if len(rows) > len(members):
        flags.add("membership-doubled")
    address, is_ambiguous = _address(family)
    if is_ambiguous:
        flags.add("address-ambiguous")
    return {
        "external_id": of_rock(install, "Group", family.id),
        "name": trimmed(family.name),
        "campus": named(install, family.campus),
        "address": address,
        "members": [
            {
                "external_person_id": of_rock(install, "Person", member.person.id),
                "role": family_role(member),
                "is_primary": not reading.is_dropped(member.person) and reading.primary_family(member.person) is family,
            }
            for member in members
        ],
    }, flags


def _address(family: Group) -> tuple[Record | None, bool]:
    """Result: the home address and whether there was a choice (G7)."""
    homes = [place for place in family.places if _is_home(place)]
    chosen = [place for place in homes if place.mapped] or [place for place in homes if place.mailing] or homes
    if not chosen:
        return None, False
    location = max(chosen, key=lambda place: place.id).location
    return {
        "street1": trimmed(location.street1),
        "street2": trimmed(location.street2),
        "city": trimmed(location.city),
        "state": trimmed(location.state),
        "postal_code": trimmed(location.postal_code),
        "country": trimmed(location.country),
    }, len({place.location.id for place in chosen}) > 1


def _is_home(place: Place) -> bool:
    location = place.location
    parts = (location.street1, location.street2, location.city, location.state, location.postal_code)
    is_home = place.kind is not None and place.kind.guid == guids.VALUES["home"][2]
    return is_home and any(trimmed(part) for part in parts)


def _groups(scope: Scope, mission: ExpectedMission) -> None:
    for group in scope.groups:
        if group.id not in scope.sent_groups:
            mission.skipped["groups"][group.id] = Skip("group-closed")
            continue
        mission.records["groups"][group.id], flags = _group(scope, group)
        if flags:
            mission.flagged["groups"][group.id] = flags


def _group(scope: Scope, group: Group) -> tuple[Record, set[str]]:
    install, flags = scope.model.install, set[str]()
    parent = _parent(scope, group)
    if parent is not group.parent:
        flags.add("group-reparented")
    members = group_members(group)
    rows = [one for one in group.members if not one.is_archived and not reading.is_anonymous(one.person)]
    if len(rows) > len(members):
        flags.add("membership-doubled")
    campus: Campus | None = group.campus
    return {
        "external_id": of_rock(install, "Group", group.id),
        "name": trimmed(group.name),
        "type": trimmed(group.type.name),
        "description": trimmed(group.description),
        "parent_external_id": None if parent is None else of_rock(install, "Group", parent.id),
        "campus": named(install, campus),
        "status": "closed" if reading.is_closed(group) else "active",
        "members": [
            {
                "external_id": of_rock(install, "GroupMember", member.id),
                "external_person_id": of_rock(install, "Person", member.person.id),
                "role": trimmed(member.role.name),
                "is_leader": member.role.is_leader,
                "status": {0: "inactive", 1: "active", 2: "pending"}[member.status],
                "joined_at": local_time(member.joined),
            }
            for member in members
        ],
    }, flags


def _parent(scope: Scope, group: Group) -> Group | None:
    """Result: the nearest ancestor that is sent; a circle ends with none (R3)."""
    seen, parent = {group.id}, group.parent
    while parent is not None and parent.id not in seen:
        if parent.id in scope.sent_groups:
            return parent
        seen.add(parent.id)
        parent = parent.parent
    return None
