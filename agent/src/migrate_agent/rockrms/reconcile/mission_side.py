"""Reads Mission's side into the workbook: the ids that it lists, and its own sums. Nothing here is from the journal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from migrate_agent.rockrms.mission.port import Dimension, MissionClient
from migrate_agent.rockrms.reconcile.lines import cents
from migrate_agent.rockrms.reconcile.ports import Scope
from migrate_agent.rockrms.reconcile.workbook import Grouping, Workbook
from migrate_agent.stop import StopSignal
from migrate_contract.rockrms import Entity

TABLES: Mapping[Entity, str] = {
    Entity.PEOPLE: "Person",
    Entity.FAMILIES: "Group",
    Entity.GROUPS: "Group",
    Entity.CONTRIBUTIONS: "FinancialTransactionDetail",
    Entity.ATTENDANCE: "Attendance",
    Entity.PRAYER_REQUESTS: "PrayerRequest",
}
"""Rock's table in an entity's external ids."""
MAX_LOOKUP = 500

_DIMENSIONS: Mapping[Grouping, Sequence[Dimension]] = {
    Grouping.FUND_DAY: (Dimension.FUND, Dimension.DATE, Dimension.CLASS),
    Grouping.BATCH: (Dimension.BATCH,),
    Grouping.METHOD_DAY: (Dimension.PAYMENT_METHOD, Dimension.DATE),
    Grouping.UNIT_YEAR: (Dimension.GIVING_UNIT, Dimension.YEAR),
    Grouping.PERSON_YEAR: (Dimension.PERSON, Dimension.YEAR),
    Grouping.ATTENDANCE_DAY: (Dimension.DATE,),
    Grouping.ATTENDANCE_PERSON_YEAR: (Dimension.PERSON, Dimension.YEAR),
}
_SHORTENED = frozenset({Dimension.BATCH, Dimension.GIVING_UNIT, Dimension.PERSON})
"""Dimensions whose values are external ids; the workbook keeps the last part."""
_PREFIX = {Dimension.BATCH: "FinancialBatch", Dimension.GIVING_UNIT: "giving", Dimension.PERSON: "Person"}


class MissionSide:
    """What Mission answers about one Rock install."""

    def __init__(self, mission: MissionClient, scope: Scope, workbook: Workbook, stop: StopSignal) -> None:
        self._mission = mission
        self._scope = scope
        self._workbook = workbook
        self._stop = stop
        self._install = scope.facts.install

    def read_ids(self, entity: Entity) -> None:
        """Keeps every id that Mission lists of an entity."""
        prefix = self._scope.facts.external_id(TABLES[entity], "")
        strangers: list[str] = []

        def ours() -> Iterator[int]:
            for seen, text in enumerate(self._mission.external_ids(entity, self._install)):
                if seen % 5_000 == 0:
                    self._stop.raise_if_requested()
                number = text.removeprefix(prefix)
                if number != text and number.isascii() and number.isdigit() and str(int(number)) == number:
                    yield int(number)
                else:
                    strangers.append(text)

        self._workbook.put_held(entity, ours())
        self._workbook.put_strangers(entity, strangers)

    def read_sums(self, entity: Entity) -> None:
        """Keeps Mission's sums of an entity's records, by everything that they are compared by."""
        for grouping, dimensions in _DIMENSIONS.items():
            if grouping.entity is entity:
                self._stop.raise_if_requested()
                self._workbook.put_cells(grouping, self._cells(entity, dimensions))

    def lookup(self, entity: Entity, source_ids: Sequence[int]) -> dict[int, list[Mapping[str, Any]]]:
        """Result: every copy of these records (at most 500), by source id."""
        self._stop.raise_if_requested()
        names = {self._scope.facts.external_id(TABLES[entity], key): key for key in source_ids}
        found: dict[int, list[Mapping[str, Any]]] = {}
        for copy in self._mission.lookup(entity, list(names)):
            key = names.get(str(copy.record.get("external_id")))
            if key is not None:
                found.setdefault(key, []).append(copy.record)
        return found

    def put_aside(self, entity: Entity, source_ids: Sequence[int], why: str) -> None:
        """Keeps Mission's values of these records, with the reason."""
        for start in range(0, len(source_ids), MAX_LOOKUP):
            part = source_ids[start : start + MAX_LOOKUP]
            copies = self.lookup(entity, part)
            self._workbook.put_aside(
                why,
                (
                    self.aside(entity, key, number, why, record)
                    for key, records in copies.items()
                    for number, record in enumerate(records)
                ),
            )

    def aside(self, entity: Entity, key: int, number: int, why: str, record: Mapping[str, Any]) -> Sequence[Any]:
        """Result: one copy in the order of the columns of the workbook's table."""
        batch = record.get("batch")
        day = record.get("gift_date") if entity is Entity.CONTRIBUTIONS else record.get("date")
        return (
            entity.value,
            key,
            number,
            why,
            cents_of(record.get("amount")),
            record.get("class") or "",
            day or "",
            record.get("fund_external_id") or "",
            self._short(Dimension.BATCH, batch.get("external_id") if isinstance(batch, Mapping) else None),
            record.get("payment_method") or "",
            self._short(Dimension.PERSON, record.get("external_person_id")),
            self._short(Dimension.GIVING_UNIT, record.get("giving_unit")),
        )

    def _cells(self, entity: Entity, dimensions: Sequence[Dimension]) -> Iterator[tuple[str, str, str, int, int]]:
        for row in self._mission.totals(entity, self._install, dimensions):
            key = [self._short(of, value) for of, value in zip(dimensions, row.key, strict=True)]
            key += [""] * (3 - len(key))
            yield key[0], key[1], key[2], row.records, cents(row.amount)

    def _short(self, dimension: Dimension, value: object) -> str:
        text = "" if value is None else str(value)
        if dimension in _SHORTENED:
            return text.removeprefix(self._scope.facts.external_id(_PREFIX[dimension], ""))
        return text


def cents_of(amount: object) -> int:
    """Result: hundredths of an amount in Mission's writing; 0 where there is none."""
    try:
        return cents(Decimal(str(amount))) if amount is not None else 0
    except (InvalidOperation, ValueError):
        return 0
