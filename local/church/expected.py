"""What Mission must hold after an import of a church, told from the church's model alone.

The rules are those of docs/rockrms-rules.md in words; no line here comes from the agent's mapping or its SQL. A
*record* is a dict with the keys of the adapter's JSON schemas; a *skip* is a row of Rock that a rule leaves out, with
the code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple, Protocol

type Record = dict[str, Any]

ENTITIES = ("people", "families", "groups", "contributions", "attendance", "prayer-requests")
"""The values of the contract's Entity, in order."""


class Wishes(Protocol):
    """What the expected mission depends on: the contract's ImportSettings is one."""

    @property
    def campus_ids(self) -> Sequence[int]: ...  # noqa: D102
    @property
    def include_without_campus(self) -> bool: ...  # noqa: D102
    @property
    def date_range_start(self) -> date | None: ...  # noqa: D102
    @property
    def currency(self) -> str: ...  # noqa: D102
    @property
    def transaction_types(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def statuses(self) -> Mapping[str, str]: ...  # noqa: D102


class Skip(NamedTuple):
    """A row that is not sent. `code`: the ErrorCode's value."""

    code: str
    why: str = ""


@dataclass
class ExpectedTotals:
    """Sums of what is in scope, in cents; every key is what Mission groups by."""

    gross: int = 0
    refunds: int = 0
    corrections: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    """Class -> number of lines."""
    by_fund_year: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    """(fund external id, year) -> (count, cents)."""
    by_batch: dict[str | None, tuple[int, int]] = field(default_factory=dict)
    """batch external id -> (count, cents)."""
    by_payment_method: dict[str | None, tuple[int, int]] = field(default_factory=dict)
    by_giving_unit_year: dict[tuple[str | None, str], tuple[int, int]] = field(default_factory=dict)

    @property
    def net(self) -> int:
        """Result: gifts, refunds and corrections together, in cents."""
        return self.gross + self.refunds + self.corrections


@dataclass
class ExpectedMission:
    """Everything that Mission holds, and everything that it must not hold with the reason; keys are Rock's ids."""

    install: str
    records: dict[str, dict[int, Record]] = field(default_factory=lambda: {entity: {} for entity in ENTITIES})
    """Entity -> source id -> record."""
    skipped: dict[str, dict[int, Skip]] = field(default_factory=lambda: {entity: {} for entity in ENTITIES})
    errored: dict[str, dict[int, Skip]] = field(default_factory=lambda: {entity: {} for entity in ENTITIES})
    """Rows in scope that cannot be sent."""
    flagged: dict[str, dict[int, set[str]]] = field(default_factory=lambda: {entity: {} for entity in ENTITIES})
    """Entity -> source id -> codes of what is noted about a record that is sent."""
    funds: dict[str, Record] = field(default_factory=dict)
    """Account guid (lower case) -> fund."""
    totals: ExpectedTotals = field(default_factory=ExpectedTotals)


ABSENT = "(absent)"
"""Stands for a key that one side does not have at all."""


class Difference(NamedTuple):
    """One field that is not as expected; `field` is a path such as `phones[1].number`, empty for a whole record."""

    entity: str
    external_id: str
    field: str
    expected: object
    found: object


def compare(expected: ExpectedMission, found: Mapping[str, Iterable[Mapping[str, Any]]]) -> list[Difference]:
    """Result: every field of every record that differs; records lost, too many or doubled differ as a whole.

    `found`: entity -> the records as they were sent, or as Mission holds them. Entities that are not in it are not
    compared.
    """
    differences: list[Difference] = []
    for entity, records in found.items():
        wanted = {record["external_id"]: record for record in expected.records[entity].values()}
        seen: set[str] = set()
        for record in records:
            name = str(record.get("external_id"))
            if name in seen:
                differences.append(Difference(entity, name, "", "once", "twice"))
            elif name not in wanted:
                differences.append(Difference(entity, name, "", None, record))
            else:
                differences += _fields(entity, name, "", wanted[name], record)
            seen.add(name)
        differences += [Difference(entity, name, "", wanted[name], None) for name in wanted if name not in seen]
    return differences


def _fields(entity: str, name: str, path: str, wanted: object, found: object) -> Iterator[Difference]:
    """Every leaf below `path` that differs: in value, in type, or by being on one side only."""
    if isinstance(wanted, dict) and isinstance(found, Mapping):
        for key in sorted(wanted.keys() | found.keys()):
            below = f"{path}.{key}" if path else str(key)
            yield from _fields(entity, name, below, wanted.get(key, ABSENT), found.get(key, ABSENT))
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for place, (one, other) in enumerate(zip(wanted, found, strict=True)):
            yield from _fields(entity, name, f"{path}[{place}]", one, other)
    elif type(wanted) is not type(found) or wanted != found:
        yield Difference(entity, name, path, wanted, found)
