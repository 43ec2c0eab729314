"""Reads a served church as an import does (source and mapping), and puts it beside the expected mission."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from local.church import ENTITIES, Difference, ExpectedMission, compare
from local.sqlserver import SqlServer
from migrate_agent.rockrms.connection_string import read_connection_string
from migrate_agent.rockrms.mapping import Mapper
from migrate_agent.rockrms.records import Mapped
from migrate_agent.rockrms.source import RockReader, driver_connect
from migrate_contract.rockrms import Entity, ImportSettings


@dataclass
class Found:
    """What one reading gave, per entity."""

    records: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    skipped: dict[str, dict[int, str]] = field(default_factory=dict)
    flagged: dict[str, dict[int, set[str]]] = field(default_factory=dict)
    in_scope: dict[str, int] = field(default_factory=dict)
    """As the source counts, without reading."""
    install: str = ""
    rock_version: str | None = None


def read_all(server: SqlServer, settings: ImportSettings) -> Found:
    """Result: every record, skip and flag that an import with these settings would have."""
    connection = read_connection_string(server.connection_string())
    reader = RockReader(driver_connect(connection.odbc()), settings, server=server.host, database=server.name)
    try:
        facts = reader.facts()
        found = Found(install=facts.install, rock_version=facts.rock_version)
        mapper = Mapper(facts, settings)
        for entity in Entity:
            _read_entity(reader, mapper, entity, found)
        return found
    finally:
        reader.close()


def _read_entity(reader: RockReader, mapper: Mapper, entity: Entity, found: Found) -> None:
    records = found.records.setdefault(entity.value, [])
    skipped = found.skipped.setdefault(entity.value, {})
    flagged = found.flagged.setdefault(entity.value, {})
    high_water = reader.high_water(entity)
    found.in_scope[entity.value] = reader.count(entity, high_water)
    for page in reader.pages(entity, 0, high_water):
        for answer in mapper.map(entity, page):
            if isinstance(answer, Mapped):
                records.append(json.loads(answer.body))
                if answer.notes:
                    flagged[answer.source_id] = {note.code.value for note in answer.notes}
            else:
                skipped[answer.source_id] = answer.code.value


def differences(expected: ExpectedMission, found: Found) -> list[Difference]:
    """Result: every field, skip and flag that is not as expected."""
    return [*compare(expected, found.records), *_of_rows(expected, found)]


def _of_rows(expected: ExpectedMission, found: Found) -> Iterator[Difference]:
    for entity in ENTITIES:
        left_out = {**expected.skipped[entity], **expected.errored[entity]}
        wanted = {row: skip.code for row, skip in left_out.items()}
        yield from _by_row(entity, "(skipped)", wanted, found.skipped[entity])
        yield from _by_row(entity, "(flagged)", expected.flagged[entity], found.flagged[entity])
        in_scope = len(expected.records[entity]) + len(wanted)
        if found.in_scope[entity] != in_scope:
            yield Difference(entity, "", "(in scope)", in_scope, found.in_scope[entity])


def _by_row(entity: str, what: str, wanted: dict[int, Any], found: dict[int, Any]) -> Iterator[Difference]:
    for row in sorted(wanted.keys() | found.keys()):
        if wanted.get(row) != found.get(row):
            yield Difference(entity, str(row), what, wanted.get(row), found.get(row))


def listed(found: list[Difference], many: int = 20) -> str:
    """Result: the first differences, a line each, for a failed assertion."""
    return "\n".join([f"{len(found)} differences", *(str(one)[:500] for one in found[:many])])
