"""The objects that a church is made of. They refer to each other, never by id; ids are what Rock happened to give them.

Amounts are whole cents. Times are church-local without a zone. Nouns as in RockRMS: an *alias* is what other rows name
a person by, a *header* is one transaction, a *line* one fund's part of it, an *occurrence* one meeting on one date.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import blake2b
from itertools import count

from local.church.shapes import Shape


@dataclass(slots=True, eq=False)
class Value:
    """A DefinedValue: `label` may have been renamed by the church."""

    id: int
    guid: str
    type_guid: str
    label: str


@dataclass(slots=True, eq=False)
class Campus:
    """`is_active` is nullable in Rock."""

    id: int
    guid: str
    name: str
    is_active: bool | None


@dataclass(slots=True, eq=False)
class Phone:
    """`kind` None: a number without a type."""

    id: int
    number: str
    country_code: str | None
    kind: Value | None
    extension: str | None = None
    messaging: bool = False
    unlisted: bool = False
    opted_out: bool = False
    modified: datetime | None = None


@dataclass(slots=True, eq=False)
class Person:
    """Whoever has a row in Person: also businesses, API users, nameless senders of text messages."""

    id: int
    guid: str
    record_type: Value | None
    first: str | None = None
    nick: str | None = None
    middle: str | None = None
    last: str | None = None
    title: Value | None = None
    suffix: Value | None = None
    gender: int = 0
    birth_year: int | None = None
    birth_month: int | None = None
    birth_day: int | None = None
    marital: Value | None = None
    connection: Value | None = None
    status: Value | None = None
    reason: Value | None = None
    is_deceased: bool = False
    is_system: bool = False
    email: str | None = None
    email_active: bool = True
    email_preference: int = 0
    primary_campus: Campus | None = None
    primary_family: Group | None = None
    """As stored: None until the nightly job ran."""
    giving_group: Group | None = None
    giving_id_stored: bool = True
    """Whether the nightly job has computed GivingId."""
    stale_giving_id: str | None = None
    """What stands in GivingId although the giving group is another by now."""
    created: datetime | None = None
    modified: datetime | None = None
    foreign_key: str | None = None
    phones: list[Phone] = field(default_factory=list)
    aliases: list[Alias] = field(default_factory=list)
    memberships: list[Member] = field(default_factory=list)
    anniversary: date | None = None


@dataclass(slots=True, eq=False)
class Alias:
    """`former_id`: AliasPersonId, the person's own id for the primary alias, a deleted one after a merge.

    An alias to nobody has no `person`: its row names an id that is not there (`ghost_id`), or it has no row itself.
    """

    id: int
    guid: str
    person: Person | None
    former_id: int | None
    former_guid: str | None = None
    visited: datetime | None = None
    ghost_id: int | None = None
    has_row: bool = True


@dataclass(slots=True, eq=False)
class Role:
    """A role of one group type."""

    id: int
    guid: str
    name: str
    is_leader: bool = False


@dataclass(slots=True, eq=False)
class GroupType:
    """`key` is ours (see guids.GROUP_TYPES), None for a type that the church made."""

    id: int
    guid: str
    name: str
    key: str | None
    roles: dict[str, Role] = field(default_factory=dict)
    takes_attendance: bool = False
    in_list: bool = True


@dataclass(slots=True, eq=False)
class Location:
    """An address, or a named room."""

    id: int
    name: str | None = None
    street1: str | None = None
    street2: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None
    parent: Location | None = None


@dataclass(slots=True, eq=False)
class Place:
    """A GroupLocation: a group's use of a location."""

    id: int
    location: Location
    kind: Value | None
    mapped: bool = False
    mailing: bool = False
    modified: datetime | None = None


@dataclass(slots=True, eq=False)
class Member:
    """One row of GroupMember; nothing forbids two of one person in one group."""

    id: int
    group: Group
    person: Person
    role: Role
    status: int = 1
    joined: datetime | None = None
    order: int | None = None
    is_archived: bool = False
    created: datetime | None = None
    modified: datetime | None = None


@dataclass(slots=True, eq=False)
class Group:
    """Families, small groups, security roles, check-in rooms: all are groups to Rock."""

    id: int
    guid: str
    type: GroupType
    name: str
    description: str | None = None
    parent: Group | None = None
    campus: Campus | None = None
    schedule: Schedule | None = None
    is_active: bool = True
    is_archived: bool = False
    is_security_role: bool = False
    is_system: bool = False
    created: datetime | None = None
    modified: datetime | None = None
    foreign_key: str | None = None
    members: list[Member] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Schedule:
    """When a group meets; a schedule without name is one group's own."""

    id: int
    name: str | None
    day: int
    hour: int


@dataclass(slots=True, eq=False)
class Account:
    """A fund. Its name is not unique."""

    id: int
    guid: str
    name: str
    parent: Account | None = None
    campus: Campus | None = None
    is_active: bool = True
    public_name: str | None = None


@dataclass(slots=True, eq=False)
class Batch:
    """`control` is what somebody typed, in cents."""

    id: int
    name: str
    start: datetime | None
    campus: Campus | None = None
    status: int = 2
    control: int = 0


@dataclass(slots=True, eq=False)
class Payment:
    """A FinancialPaymentDetail."""

    id: int
    method: Value | None


@dataclass(slots=True, eq=False)
class Line:
    """One FinancialTransactionDetail."""

    id: int
    header: Header
    account: Account
    cents: int
    fee_cents: int | None = None
    foreign_cents: int | None = None
    created: datetime | None = None
    modified: datetime | None = None


@dataclass(slots=True, eq=False)
class Header:
    """One FinancialTransaction. `is_refund` with `refund_of` None: the original is not known."""

    id: int
    alias: Alias | None
    type: Value
    moment: datetime | None
    batch: Batch | None = None
    payment: Payment | None = None
    source: Value | None = None
    status: str | None = None
    future: datetime | None = None
    foreign_currency: Value | None = None
    is_refund: bool = False
    refund_of: Header | None = None
    code: str | None = None
    summary: str | None = None
    show_as_anonymous: bool = False
    created: datetime | None = None
    modified: datetime | None = None
    foreign_key: str | None = None
    lines: list[Line] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Occurrence:
    """One meeting. In a database before v8 it has no row of its own (`id` 0): its columns lie on the attendance."""

    id: int
    group: Group | None
    location: Location | None
    schedule: Schedule | None
    day: date
    did_not_occur: bool | None = None
    anonymous: int | None = None


@dataclass(slots=True, eq=False)
class Attendance:
    """`in_old_layout`: the row still names its group itself, and the placeholder occurrence where there is one."""

    id: int
    occurrence: Occurrence
    alias: Alias | None
    started: datetime
    did_attend: bool | None = True
    campus: Campus | None = None
    first_time: bool | None = None
    in_old_layout: bool = False
    created: datetime | None = None
    modified: datetime | None = None


@dataclass(slots=True, eq=False)
class Category:
    """Of any entity type: `is_prayer` says whose."""

    id: int
    guid: str
    name: str
    is_prayer: bool
    parent: Category | None = None


@dataclass(slots=True, eq=False)
class Prayer:
    """One PrayerRequest; every flag is nullable."""

    id: int
    first: str
    last: str | None
    email: str | None
    text: str
    answer: str | None
    entered: datetime
    expires: date | None
    alias: Alias | None
    category: Category | None
    campus: Campus | None
    group: Group | None
    is_public: bool | None
    is_approved: bool | None
    is_active: bool | None
    is_urgent: bool | None
    allow_comments: bool | None
    prayer_count: int | None
    created: datetime | None = None
    modified: datetime | None = None


@dataclass
class Model:
    """Everything of one church, each kind in the order of its ids."""

    seed: int
    size: int
    shape: Shape
    install: str = ""
    values: dict[str, Value] = field(default_factory=dict)
    """Our key -> value."""
    defined_types: dict[str, int] = field(default_factory=dict)
    """Guid of a DefinedType -> its id in this church."""
    group_types: dict[str, GroupType] = field(default_factory=dict)
    campuses: list[Campus] = field(default_factory=list)
    schedules: list[Schedule] = field(default_factory=list)
    categories: list[Category] = field(default_factory=list)
    locations: list[Location] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    aliases: list[Alias] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    headers: list[Header] = field(default_factory=list)
    occurrences: list[Occurrence] = field(default_factory=list)
    attendances: list[Attendance] = field(default_factory=list)
    prayers: list[Prayer] = field(default_factory=list)
    traps: dict[str, int] = field(default_factory=dict)
    """How often each trap was planted."""
    _ids: dict[str, Iterator[int]] = field(default_factory=dict)

    def random(self, part: str) -> random.Random:
        """Result: the generator of one part, so that a change of one does not move the others."""
        return random.Random(f"{self.seed}:{self.size}:{part}")  # noqa: S311 - a deterministic church, not a secret

    def next_id(self, table: str) -> int:
        """Result: the next id of a table."""
        return next(self._ids.setdefault(table, count(1)))

    def skip_ids(self, table: str, many: int) -> None:
        """Leave a gap, as deleted rows do."""
        for _ in range(many):
            self.next_id(table)

    def guid(self, table: str, row_id: int) -> str:
        """Result: the Guid of a row that has none of its own, upper case."""
        digits = blake2b(f"{self.seed}:{table}:{row_id}".encode(), digest_size=16).hexdigest().upper()
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-A{digits[17:20]}-{digits[20:]}"

    def evenly(self, part: str) -> float:
        """Result: numbers of [0, 1) that fill it evenly, so that also a rare share occurs in a small church."""
        return self.next_id(f"evenly {part}") * 0.6180339887498949 % 1

    def trap(self, name: str, times: int = 1) -> None:
        """A trap was planted."""
        self.traps[name] = self.traps.get(name, 0) + times

    @property
    def lines(self) -> Iterator[Line]:
        """Result: every line of every header."""
        return (line for header in self.headers for line in header.lines)
