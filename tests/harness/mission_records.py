"""Small valid records of each entity, and a church of them that Mission takes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson

from migrate_agent.rockrms.mission.port import Envelope, Fund
from migrate_contract.rockrms import Entity

INSTALL = "11111111-2222-4333-8444-555555555555"
ENVELOPE = Envelope(INSTALL, "America/Phoenix")
FUND = Fund(f"rock:{INSTALL}:FinancialAccount:4410306f-3fb5-4a57-9a80-09a3f9d40d0c", "General Fund")


class Record(NamedTuple):
    """A mapped record as the sender takes it."""

    source_id: int
    external_id: str
    body: bytes

    @property
    def digest(self) -> bytes:
        """As the mapping gives it."""
        return hashlib.blake2b(self.body, digest_size=16).digest()


def name_of(table: str, number: int) -> str:
    """Result: an external id."""
    return f"rock:{INSTALL}:{table}:{number}"


def person(number: int, **changes: Any) -> dict[str, Any]:
    """Result: a person with nothing but a name."""
    empty = (
        "nick_name middle_name title suffix birth_date birth_year birth_month birth_day marital_status "
        "connection_status record_status inactive_reason email campus primary_family giving_unit created_at"
    )
    return {
        **dict.fromkeys(empty.split()),
        "external_id": name_of("Person", number),
        "kind": "person",
        "first_name": "Ada",
        "last_name": f"Decker {number}",
        "gender": "female",
        "is_deceased": False,
        "email_is_active": True,
        "email_preference": "allowed",
        "phones": [],
        "former_external_ids": [],
        "notes": [],
        **changes,
    }


def family(number: int, people: Iterable[int] = (), **changes: Any) -> dict[str, Any]:
    """Result: a family of these people."""
    members = [{"external_person_id": name_of("Person", each), "role": "adult", "is_primary": True} for each in people]
    return {
        "external_id": name_of("Group", number),
        "name": "Decker Family",
        "campus": None,
        "address": None,
        "members": members,
        **changes,
    }


def group(number: int, **changes: Any) -> dict[str, Any]:
    """Result: a group without members."""
    return {
        "external_id": name_of("Group", number),
        "name": "Tuesday",
        "type": "Small Group",
        "description": None,
        "parent_external_id": None,
        "campus": None,
        "status": "active",
        "members": [],
        **changes,
    }


def contribution(number: int, amount: str = "12.30", **changes: Any) -> dict[str, Any]:
    """Result: a gift of nobody to the general fund."""
    return {
        "external_id": name_of("FinancialTransactionDetail", number),
        "transaction_external_id": name_of("FinancialTransaction", number),
        "external_person_id": None,
        "person_missing": "no-alias",
        "giving_unit": None,
        "fund_external_id": FUND.external_id,
        "amount": amount,
        "currency": "USD",
        "gift_date": "2024-12-31",
        "gift_date_source": "transaction",
        "class": "gift",
        "refund_of": None,
        "transaction_type": "Contribution",
        "payment_method": "Cash",
        "payment_source": None,
        "batch": None,
        "campus": None,
        "is_foreign_currency": False,
        "notes": [],
        **changes,
    }


def attendance(number: int, who: int, **changes: Any) -> dict[str, Any]:
    """Result: a person at a service."""
    return {
        "external_id": name_of("Attendance", number),
        "external_person_id": name_of("Person", who),
        "occurrence_external_id": None,
        "group_external_id": None,
        "date": "2024-12-29",
        "started_at": "2024-12-29T09:00:00",
        "campus": None,
        "location": None,
        "schedule": None,
        "first_time": None,
        "notes": [],
        **changes,
    }


def prayer(number: int, text: str = "Please pray", **changes: Any) -> dict[str, Any]:
    """Result: a prayer request of nobody known."""
    return {
        "external_id": name_of("PrayerRequest", number),
        "first_name": "Ada",
        "last_name": None,
        "email": None,
        "text": text,
        "answer": None,
        "entered_at": "2024-12-29T09:00:00",
        "expires_on": None,
        "is_public": False,
        "is_approved": False,
        "is_active": True,
        "is_urgent": False,
        "allow_comments": False,
        "prayer_count": 0,
        "external_person_id": None,
        "category": None,
        "campus": None,
        "group_external_id": None,
        **changes,
    }


def mapped(records: Iterable[dict[str, Any]]) -> list[Record]:
    """Result: as they leave the mapping."""
    return [
        Record(int(each["external_id"].rsplit(":", 1)[1]), each["external_id"], orjson.dumps(each)) for each in records
    ]


def bodies(records: Iterable[dict[str, Any]]) -> list[bytes]:
    """Result: as the adapter takes them."""
    return [orjson.dumps(each) for each in records]


EXAMPLES: dict[Entity, dict[str, Any]] = {
    Entity.PEOPLE: person(1, email="ada@decker.example"),
    Entity.FAMILIES: family(2, [1]),
    Entity.GROUPS: group(3),
    Entity.CONTRIBUTIONS: contribution(4),
    Entity.ATTENDANCE: attendance(5, 1),
    Entity.PRAYER_REQUESTS: prayer(6),
}
"""One of each, in an order that Mission takes."""
