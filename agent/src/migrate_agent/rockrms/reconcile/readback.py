"""Reads records back from Mission and compares them field by field with what the mapping makes of Rock now.

Everything, if the church is small enough; else a seeded sample of each entity, and every record under a sum that
differs. What differs is kept in the workbook by name.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson

from migrate_agent.rockrms.reconcile.fields import differences
from migrate_agent.rockrms.reconcile.mission_side import MAX_LOOKUP, TABLES, MissionSide
from migrate_agent.rockrms.reconcile.ports import MappedAgain, Scope
from migrate_agent.rockrms.reconcile.workbook import Finding, Grouping, Workbook
from migrate_contract.rockrms import Entity

MAX_SUSPECTS = 50_000
"""Records read back because sums differ, per entity: beyond that something is wrong as a whole."""
_MAX_SUMS = 5_000


@dataclass(slots=True)
class ReadBack:
    """What was compared of one entity: by choice (all, or the sample), and further records for a reason."""

    compared: int = 0
    compared_wrong: int = 0
    further: int = 0
    further_wrong: int = 0

    def go_further(self, more: ReadBack) -> None:
        """Counts what was compared because a sum or a count differs."""
        self.further += more.compared
        self.further_wrong += more.compared_wrong


class Readback:
    """One verification's reading back."""

    def __init__(self, mission: MissionSide, mapped: MappedAgain, scope: Scope, workbook: Workbook) -> None:
        self._mission = mission
        self._mapped = mapped
        self._scope = scope
        self._workbook = workbook

    def chosen(self, entity: Entity, *, every: bool) -> ReadBack:
        """Compares every record of the entity, or a sample that is the same for the same church and size."""
        ids = self._workbook.both(entity) if every else self._sample(entity)
        return self._compare(entity, ids)

    def suspects(self, entity: Entity) -> ReadBack:
        """Compares the records under every sum that differs, where they were not compared yet."""
        for grouping in Grouping:
            if grouping.entity is entity:
                self._workbook.suspect_sums(grouping, _MAX_SUMS, MAX_SUSPECTS)
        return self._compare(entity, islice(self._workbook.unchecked(entity), MAX_SUSPECTS))

    def rest(self, entity: Entity) -> ReadBack:
        """Compares what was not compared yet: a count of the entity differs, and nobody knows where."""
        self._workbook.suspect(entity, self._workbook.both(entity))
        return self._compare(entity, self._workbook.unchecked(entity))

    def _sample(self, entity: Entity) -> Iterator[int]:
        size = self._workbook.in_scope(entity)
        wanted = min(self._scope.settings.sample_records, size)
        seed = f"{self._scope.facts.install}:{entity.value}:{size}"
        places = iter(sorted(random.Random(seed).sample(range(size), wanted)))  # noqa: S311 - the same for everybody
        place = next(places, None)
        for position, key in enumerate(self._workbook.both(entity)):
            if position == place:
                yield key
                place = next(places, None)

    def _compare(self, entity: Entity, ids: Iterable[int]) -> ReadBack:
        done = ReadBack()
        for part in _parts(ids):
            bodies = self._mapped.bodies(entity, part)
            copies = self._mission.lookup(entity, part)
            found = [finding for key in part for finding in self._judge(entity, key, bodies.get(key), copies.get(key))]
            self._workbook.find(found)
            self._workbook.put_aside(
                "differs",
                (
                    self._mission.aside(entity, finding.source_id, number, "differs", record)
                    for finding in found
                    if finding.source_id is not None
                    for number, record in enumerate(copies.get(finding.source_id, ()))
                ),
            )
            self._workbook.mark_checked(entity, part)
            done.compared += len(part)
            done.compared_wrong += len({finding.source_id for finding in found})
        return done

    def _judge(
        self, entity: Entity, key: int, body: bytes | None, copies: Sequence[Mapping[str, Any]] | None
    ) -> Iterator[Finding]:
        name = self._scope.facts.external_id(TABLES[entity], key)
        if not copies:
            yield Finding(entity, key, name, "missing", (), "Mission lists it and does not give it")
            return
        if body is None:
            yield Finding(entity, key, name, "not-sent", (), "Mission has it; the import's rules would not send it now")
            return
        wanted = orjson.loads(body)
        for copy in copies:
            unlike = differences(entity, wanted, copy)
            if unlike:
                said = "; ".join(each.said for each in unlike[:6])
                yield Finding(entity, key, name, "differs", tuple(each.field for each in unlike), said)
                return


def _parts(ids: Iterable[int]) -> Iterator[list[int]]:
    iterator = iter(ids)
    while part := list(islice(iterator, MAX_LOOKUP)):
        yield part
