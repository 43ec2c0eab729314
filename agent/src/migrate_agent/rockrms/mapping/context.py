"""What all records of an import share: external ids, labels of lookups, campuses, giving units."""

from __future__ import annotations

import re
from typing import Any, Final

from migrate_agent.rockrms.mapping.texts import trimmed
from migrate_agent.rockrms.records import RockFacts, Row
from migrate_contract.rockrms import ImportSettings

_GIVING_ID: Final = re.compile(r"[GP][0-9]+")

Record = dict[str, Any]
Named = dict[str, str | None]


class Context:
    """One database and one import; nothing here changes."""

    def __init__(self, facts: RockFacts, settings: ImportSettings) -> None:
        self.facts = facts
        self.settings = settings
        self.prefix = f"rock:{facts.install}:"
        self.labels: dict[int, str | None] = {id_: trimmed(each.value) for id_, each in facts.lookups.items()}
        """DefinedValue.Id -> label."""
        self.by_guid: dict[int, str] = {id_: each.guid for id_, each in facts.lookups.items()}
        self.campuses: dict[int, Named] = {
            id_: {"external_id": self.id_of("Campus", id_), "name": trimmed(each.name)}
            for id_, each in facts.campuses.items()
        }
        self._campus_ids = frozenset(settings.campus_ids)

    def id_of(self, table: str, source_id: object) -> str:
        """Result: the external id of a row."""
        return f"{self.prefix}{table}:{source_id}"

    def maybe(self, table: str, source_id: object | None) -> str | None:
        """Result: the same, None for NULL."""
        return None if source_id is None else self.id_of(table, source_id)

    def label(self, value_id: int | None) -> str | None:
        """Result: what the church calls a lookup value."""
        return None if value_id is None else self.labels.get(value_id)

    def word(self, value_id: int | None, words: dict[str, str]) -> str | None:
        """Result: our word for a well-known lookup value."""
        return None if value_id is None else words.get(self.by_guid.get(value_id, ""))

    def campus(self, campus_id: int | None) -> Named | None:
        """Result: I7."""
        return None if campus_id is None else self.campuses.get(campus_id)

    def campus_passes(self, campus_id: int | None) -> bool:
        """Result: whether a campus passes the filter."""
        if not self._campus_ids:
            return True
        return self.settings.include_without_campus if campus_id is None else campus_id in self._campus_ids

    def giving_unit(self, person_id: int, giving_id: str | None, giving_group: int | None) -> str:
        """Result: P14."""
        if giving_id is not None and _GIVING_ID.fullmatch(giving_id):
            return self.id_of("giving", giving_id)
        return self.id_of("giving", f"P{person_id}" if giving_group is None else f"G{giving_group}")


def primary_family(stored: int | None, families: list[Row]) -> Row | None:
    """Result: P11; the families' rows are (person, group, order, campus)."""
    if not families:
        return None
    for family in families:
        if family[1] == stored:
            return family
    return min(families, key=lambda each: (each[2] is None, each[2] or 0, each[1]))
