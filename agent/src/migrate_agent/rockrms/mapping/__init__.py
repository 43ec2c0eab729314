"""Rows of RockRMS to Mission's records, without any I/O: one module per entity, the rules in docs/rockrms-rules.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from migrate_agent.rockrms.mapping.attendance import Attendance
from migrate_agent.rockrms.mapping.context import Context
from migrate_agent.rockrms.mapping.contributions import Contributions
from migrate_agent.rockrms.mapping.families import Families
from migrate_agent.rockrms.mapping.groups import Groups
from migrate_agent.rockrms.mapping.people import People
from migrate_agent.rockrms.mapping.prayers import Prayers
from migrate_agent.rockrms.records import Mapped, Page, RockFacts, Skipped
from migrate_contract.rockrms import Entity, ImportSettings

MAPPING_VERSION: Final = "1"
"""Of the rules; a new one may change records that did not change in Rock."""

__all__ = ["MAPPING_VERSION", "Mapper"]


class Mapper:
    """A RecordMapper (records.py). It remembers texts that it has encoded, and nothing else: for one thread."""

    def __init__(self, facts: RockFacts, settings: ImportSettings, *, funds: Mapping[str, str] | None = None) -> None:
        """`funds`: account guid -> the id of its fund in Mission, for accounts that become a fund that is there."""
        context = Context(facts, settings)
        self._maps: dict[Entity, Callable[[Page], list[Mapped | Skipped]]] = {
            Entity.PEOPLE: People(context).map,
            Entity.FAMILIES: Families(context).map,
            Entity.GROUPS: Groups(context).map,
            Entity.CONTRIBUTIONS: Contributions(context, funds or {}).map,
            Entity.ATTENDANCE: Attendance(context).map,
            Entity.PRAYER_REQUESTS: Prayers(context).map,
        }

    def map(self, entity: Entity, page: Page) -> list[Mapped | Skipped]:
        """Result: exactly one answer per row of the page, in its order."""
        return self._maps[entity](page)
