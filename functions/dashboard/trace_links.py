"""Records named in a report as links: each leads to the form that traces it. Pure.

Nouns: an *example* is a record's external id (`rock:<install>:<table>:<id>`), and often what there is to say of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from migrate_contract.rockrms import Entity

_RECORD = re.compile(r"^rock:[^:]+:(?P<table>[A-Za-z]+):(?P<id>[0-9]{1,15})(?![0-9])")
_TABLES = {
    "Person": Entity.PEOPLE,
    "FinancialTransactionDetail": Entity.CONTRIBUTIONS,
    "Attendance": Entity.ATTENDANCE,
    "PrayerRequest": Entity.PRAYER_REQUESTS,
}
_GROUPS = (Entity.FAMILIES, Entity.GROUPS)
"""Both are rows of Rock's table Group."""


@dataclass(frozen=True, slots=True)
class Example:
    """`href` is empty where it names no record that can be traced."""

    text: str
    href: str = ""


def examples(job_id: str, records: Sequence[str], entity: Entity | None = None) -> list[Example]:
    """Result: the records; `entity`: what they are, where it is known."""
    return [Example(record, trace_address(job_id, record, entity)) for record in records]


def trace_address(job_id: str, record: str, entity: Entity | None = None) -> str:
    """Result: the address of the form, filled in; '' where the text names no such record."""
    found = _RECORD.match(record)
    if found is None:
        return ""
    of_group = entity if entity in _GROUPS else None
    kind = of_group if found["table"] == "Group" else _TABLES.get(found["table"])
    return f"/jobs/{job_id}/trace?entity={kind.value}&source_id={found['id']}" if kind else ""
