"""What people do to Rock while an import runs or between two: each changes the database and the model alike.

Every function takes the church, a random generator that picks the record, and the moment (church-local) that Rock
writes as ModifiedDateTime or CreatedDateTime; it answers what it changed.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime

from local.church.church import Church


@dataclass(frozen=True)
class Change:
    """What a mutation did."""

    kind: str
    table: str
    source_id: int
    """Of the row that was inserted, changed or deleted."""
    entity: str
    """Whose records it changes."""
    records: tuple[int, ...] = ()
    """Source ids of the entity's records that are different now, in or gone from the expected mission."""
    before: dict[str, object] = field(default_factory=dict)
    after: dict[str, object] = field(default_factory=dict)


def enter_gift(church: Church, rng: random.Random, at: datetime) -> Change:
    """A new header with one line, in an open batch."""
    raise NotImplementedError


def edit_amount(church: Church, rng: random.Random, at: datetime) -> Change:
    """Another amount on one line."""
    raise NotImplementedError


def edit_date(church: Church, rng: random.Random, at: datetime) -> Change:
    """A gift moves over New Year: every line of its header."""
    raise NotImplementedError


def edit_fund(church: Church, rng: random.Random, at: datetime) -> Change:
    """Another account on one line."""
    raise NotImplementedError


def delete_gift(church: Church, rng: random.Random, at: datetime) -> Change:
    """A header and its lines are deleted."""
    raise NotImplementedError


def refund_gift(church: Church, rng: random.Random, at: datetime) -> Change:
    """A whole refund of one gift: a second header with negative lines."""
    raise NotImplementedError


def rename_person(church: Church, rng: random.Random, at: datetime) -> Change:
    """Another last name."""
    raise NotImplementedError


def merge_people(church: Church, rng: random.Random, at: datetime) -> Change:
    """Aliases, phones and memberships of one person go to another, and the row is deleted."""
    raise NotImplementedError


def move_family(church: Church, rng: random.Random, at: datetime) -> Change:
    """A new Home address; the old one becomes Previous."""
    raise NotImplementedError


def join_group(church: Church, rng: random.Random, at: datetime) -> Change:
    """A person becomes a member of a group."""
    raise NotImplementedError


def leave_group(church: Church, rng: random.Random, at: datetime) -> Change:
    """A membership row is deleted."""
    raise NotImplementedError


def publish_prayer(church: Church, rng: random.Random, at: datetime) -> Change:
    """A prayer request is approved and made public."""
    raise NotImplementedError
