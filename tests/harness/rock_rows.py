"""Rows as the source's statements give them, one column by name, and the facts of a small church."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from migrate_agent.rockrms import guids
from migrate_agent.rockrms.mapping import Mapper
from migrate_agent.rockrms.mission.schemas import RECORD_SCHEMAS, schema
from migrate_agent.rockrms.records import (
    AccountRow,
    AttendanceLayout,
    CampusRow,
    LookupRow,
    Mapped,
    Page,
    RockFacts,
    Skipped,
)
from migrate_contract.rockrms import Entity, ImportSettings

INSTALL = "aaaaaaaa-0000-4000-8000-000000000001"
ROCK = f"rock:{INSTALL}:"
NOON = dt.datetime(2024, 3, 10, 12, 30, 15, 997000)  # noqa: DTZ001 - church-local
GENERAL_FUND = "4410306f-3fb5-4a57-9a80-09a3f9d40d0c"

PERSON, BUSINESS, NAMELESS = 1, 2, 3
MEMBER, MARRIED, ACTIVE, DOCTOR = 10, 11, 12, 13
MOBILE, HOME_PHONE, PAGER = 20, 21, 22
CONTRIBUTION, CHECK, WEBSITE, EUR = 30, 31, 32, 33
ADULT, CHILD, GRANDPARENT = 40, 41, 42
GIVER_ANONYMOUS, VISITOR = 900, 901

_TYPE = "bbbbbbbb-0000-4000-8000-000000000000"
_VALUES: dict[int, tuple[str, str, str]] = {
    PERSON: (guids.RECORD_TYPES, guids.PERSON, "Person"),
    BUSINESS: (guids.RECORD_TYPES, guids.BUSINESS, "Business"),
    NAMELESS: (guids.RECORD_TYPES, "721300ed-1267-4da0-b4f2-6c6b5b17b1c5", "Nameless Person"),
    MEMBER: (_TYPE, "41540783-d9ef-4c70-8f1d-c9e83d91ed5f", " Member "),
    MARRIED: (_TYPE, "5fe5a540-7d9f-433e-b47e-4229d1472248", "Married"),
    ACTIVE: (_TYPE, "618f906c-c33d-4fa3-8aef-e58cb7b63f1e", "Renamed"),
    DOCTOR: (_TYPE, "bbbbbbbb-0000-4000-8000-000000000013", "Dr."),
    MOBILE: (_TYPE, "407e7e45-7b2e-4fcd-9605-ecb1339f2453", "Cell"),
    HOME_PHONE: (_TYPE, "aa8732fb-2cea-4c76-8d6d-6aaa2c6a4303", "Home"),
    PAGER: (_TYPE, "bbbbbbbb-0000-4000-8000-000000000022", "Pager"),
    CONTRIBUTION: (guids.TRANSACTION_TYPES, guids.CONTRIBUTION, "Contribution"),
    CHECK: (_TYPE, "8b086a19-405a-451f-8d44-174e92d6b402", "Check"),
    WEBSITE: (_TYPE, "7d705ce7-7b11-4342-a58e-53617c5b4e69", 'The "Website"'),
    EUR: (_TYPE, "bbbbbbbb-0000-4000-8000-000000000033", "EUR"),
}


def facts(**changes: Any) -> RockFacts:
    """Result: the facts of a church with two campuses and two accounts."""
    known: dict[str, Any] = {
        "install": INSTALL,
        "sql_version": "Microsoft SQL Server 2022",
        "rock_version": "1.17.0.0",
        "server": "sql",
        "database": "Rock",
        "columns": frozenset(),
        "attendance": AttendanceLayout.CURRENT,
        "campuses": {1: CampusRow(1, GENERAL_FUND, " Main ", True), 2: CampusRow(2, GENERAL_FUND, "North", None)},
        "lookups": {id_: LookupRow(id_, *value) for id_, value in _VALUES.items()},
        "accounts": {
            1: AccountRow(1, GENERAL_FUND, "General", None, None, None, True),
            2: AccountRow(2, "cccccccc-0000-4000-8000-000000000002", "Building", None, 1, 2, False),
        },
        "family_roles": {ADULT: "adult", CHILD: "child"},
        "anonymous": frozenset({GIVER_ANONYMOUS, VISITOR}),
        "anonymous_family": 990,
    }
    return RockFacts(**(known | changes))


def settings(**changes: Any) -> ImportSettings:
    """Result: settings that leave nothing out."""
    return ImportSettings(time_zone="America/Phoenix", **changes)


def _row(defaults: Mapping[str, Any], changes: Mapping[str, Any]) -> tuple[Any, ...]:
    unknown = changes.keys() - defaults.keys()
    assert not unknown, unknown
    return tuple((dict(defaults) | dict(changes)).values())


def person(**changes: Any) -> tuple[Any, ...]:
    """Result: a row of people; `moved`: 0 dropped, 1 moved, 2 placeholder."""
    return _row(
        {
            "id": 5,
            "record_type": PERSON,
            "moved": 1,
            "has_alias": 1,
            "survivor": None,
            "first": "Ted",
            "nick": None,
            "middle": None,
            "last": "Decker",
            "title": None,
            "suffix": None,
            "gender": 1,
            "year": None,
            "month": None,
            "day": None,
            "marital": None,
            "connection": None,
            "status": None,
            "reason": None,
            "deceased": False,
            "email": None,
            "email_active": True,
            "preference": 0,
            "primary_family": None,
            "primary_campus": None,
            "giving_id": None,
            "giving_group": None,
            "created": None,
        },
        changes,
    )


def line(**changes: Any) -> tuple[Any, ...]:
    """Result: a row of contributions."""
    return _row(
        {
            "id": 70,
            "transaction": 60,
            "amount": Decimal("12.30"),
            "account": 1,
            "given": NOON,
            "batch_start": None,
            "created": None,
            "alias": 8,
            "person": 5,
            "giving_id": "G44",
            "giving_group": 44,
            "batch": None,
            "batch_name": None,
            "batch_campus": None,
            "type": CONTRIBUTION,
            "source": None,
            "method": None,
            "refund": None,
            "original": None,
            "foreign": None,
            "show_as_anonymous": False,
        },
        changes,
    )


def attended(**changes: Any) -> tuple[Any, ...]:
    """Result: a row of attendance."""
    return _row(
        {
            "id": 80,
            "person": 5,
            "doubled": 0,
            "occurrence": 300,
            "date": dt.date(2024, 3, 10),
            "started": NOON,
            "group": 50,
            "location": 6,
            "schedule": 7,
            "is_group": 1,
            "campus": None,
            "group_campus": None,
            "location_name": None,
            "schedule_name": None,
            "first_time": None,
        },
        changes,
    )


def prayer(**changes: Any) -> tuple[Any, ...]:
    """Result: a row of prayer requests."""
    return _row(
        {
            "id": 90,
            "first": "Ann",
            "last": None,
            "email": None,
            "text": "Please.",
            "answer": None,
            "entered": NOON,
            "expires": None,
            "public": None,
            "approved": None,
            "active": None,
            "urgent": None,
            "comments": None,
            "prayers": None,
            "person": None,
            "category": None,
            "campus": None,
            "group": None,
            "group_sent": 0,
        },
        changes,
    )


def mapped(
    entity: Entity,
    row: Sequence[Any],
    parts: Mapping[str, Mapping[int, Sequence[Sequence[Any]]]] | None = None,
    *,
    of: RockFacts | None = None,
    by: ImportSettings | None = None,
    funds: Mapping[str, str] | None = None,
) -> tuple[dict[str, Any], list[str]]:
    """Result: the record that one row becomes, and the codes of its notes."""
    (found,) = Mapper(of or facts(), by or settings(), funds=funds).map(entity, Page([row], row[0], parts or {}))
    assert isinstance(found, Mapped), found
    assert found.source_id == row[0]
    record = json.loads(found.body)
    assert record["external_id"] == found.external_id
    assert list(record) == schema(RECORD_SCHEMAS[entity])["required"]
    return record, [note.code.value for note in found.notes]


def skipped(
    entity: Entity,
    row: Sequence[Any],
    parts: Mapping[str, Mapping[int, Sequence[Sequence[Any]]]] | None = None,
    *,
    of: RockFacts | None = None,
) -> str:
    """Result: the code of the reason why one row is not sent."""
    (found,) = Mapper(of or facts(), settings()).map(entity, Page([row], row[0], parts or {}))
    assert isinstance(found, Skipped), found
    return found.code.value
