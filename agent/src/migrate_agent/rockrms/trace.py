"""Follows one record from Rock to Mission: its row, the rules that acted on it, what was sent, what Mission holds.

For people who ask why something is in Mission as it is. Confidential text (prayers, notes) is named and not shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import orjson

from migrate_agent.rockrms.mission.port import MissionClient
from migrate_agent.rockrms.mission.scrub import CONFIDENTIAL, NOT_SHOWN, shortened
from migrate_agent.rockrms.records import Mapped, Page, RecordMapper, RockFacts, Skipped
from migrate_agent.rockrms.source.statements import EntityStatement
from migrate_contract.errors import CATALOGUE, ErrorCode, MigrateError
from migrate_contract.rockrms import Entity, ImportLogRow, TraceReport, TraceStep, TraceValue

_VALUES = 200
_RULES = 50
_SENTENCE = 2_000
_SIMPLE = re.compile(r"^(\w+)\.(\[?\w+\]?)$")
_TABLES = re.compile(r"(?:^|JOIN )(\[?\w+\]?) (\w+)")
_CONFIDENTIAL_COLUMNS = frozenset({"Text", "Answer", "Description"})


class TracedSource(Protocol):
    """What a trace needs of Rock (source/reader.py)."""

    def facts(self) -> RockFacts:
        """Result: what one look at the database tells."""
        ...

    def reread(self, entity: Entity, ids: list[int]) -> Page:
        """Result: the rows that are in scope."""
        ...

    def statement(self, entity: Entity) -> EntityStatement:
        """Result: which columns a row has."""
        ...


class Remembered(Protocol):
    """What a trace needs of a job's journal."""

    def status_of(self, entity: Entity, source_id: int) -> tuple[str, str, str] | None:
        """Result: status, batch key and request id; None where the journal does not know the record."""
        ...

    def log_of(self, entity: Entity, source_id: int) -> list[ImportLogRow]:
        """Result: its rows in the import log."""
        ...


def trace(
    entity: Entity,
    source_id: int,
    source: TracedSource,
    make_mapper: Callable[[RockFacts], RecordMapper],
    journal: Remembered | None,
    mission: MissionClient | None,
) -> TraceReport:
    """Result: all that is known of the record. Raises what `source` raises: without Rock there is nothing to trace."""
    facts = source.facts()
    statement = source.statement(entity)
    table = statement.table.strip("[]")
    report: dict[str, Any] = {
        "entity": entity,
        "source_table": table,
        "source_id": source_id,
        "external_id": facts.external_id(table, source_id),
    }
    page = source.reread(entity, [source_id])
    if page.rows:
        report["source"] = list(_source_values(statement, page))[:_VALUES]
        report |= _mapped(entity, make_mapper(facts).map(entity, page)[0])
    else:
        report |= _problem(ErrorCode.RECORD_NOT_IN_SCOPE, f"{table} {source_id} is not in Rock, or outside the filters")
    if journal is not None:
        report |= _remembered(entity, source_id, journal, report)
    if mission is not None:
        report |= _in_mission(entity, mission, report)
    return TraceReport.model_validate(report)


def _source_values(statement: EntityStatement, page: Page) -> Iterator[TraceValue]:
    tables = {alias: table.strip("[]") for table, alias in _TABLES.findall(statement.source)}
    for expression, value in zip(statement.columns, page.rows[0], strict=True):
        simple = _SIMPLE.match(expression)
        if simple is None:
            continue  # computed for a rule, and not a value of the church's
        column = simple[2].strip("[]")
        yield _value(f"{tables.get(simple[1], simple[1])}.{column}", value, hidden=column in _CONFIDENTIAL_COLUMNS)
    for name, by_owner in page.parts.items():
        yield _value(name, f"{sum(len(rows) for rows in by_owner.values())} rows")


def _mapped(entity: Entity, mapped: Mapped | Skipped) -> dict[str, Any]:
    if isinstance(mapped, Skipped):
        step = TraceStep(code=mapped.code.value, detail=mapped.detail[:_SENTENCE])
        return {"external_id": mapped.external_id, "rules": [step], **_problem(mapped.code, mapped.detail)}
    steps = [TraceStep(code=note.code.value, detail=note.detail[:_SENTENCE]) for note in mapped.notes[:_RULES]]
    return {"external_id": mapped.external_id, "rules": steps, "sent": _values(entity, orjson.loads(mapped.body))}


def _remembered(entity: Entity, source_id: int, journal: Remembered, report: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    known = journal.status_of(entity, source_id)
    if known is not None:
        status, batch, request_id = known
        found = {"status": status, "batch_key": batch or None, "request_id": request_id or None}
    steps = list(report.get("rules", ()))
    for row in journal.log_of(entity, source_id):
        if row.answer:
            found |= {"answer": row.answer, "request_id": row.request_id, "batch_key": row.batch_key}
        if all(step.code != row.code for step in steps):
            steps.append(TraceStep(code=row.code, detail=row.detail))
    return {**found, "rules": steps[:_RULES]}


def _in_mission(entity: Entity, mission: MissionClient, report: Mapping[str, Any]) -> dict[str, Any]:
    try:
        copies = mission.lookup(entity, [str(report["external_id"])])
    except MigrateError as error:
        return {} if report.get("code") else _problem(error.code, error.detail)
    found: dict[str, Any] = {"copies": len(copies)}
    if copies:
        found["mission"] = _values(entity, copies[0].record)
        found["batch_key"] = report.get("batch_key") or copies[0].batch_key
    if report.get("code") or not report.get("sent"):
        return found
    if not copies:
        return found | _problem(ErrorCode.COPY_MISSING, f"Mission does not have {report['external_id']}")
    if len(copies) > 1:
        return found | _problem(ErrorCode.COPY_DOUBLED, f"Mission has {report['external_id']} {len(copies)} times")
    held = {value.name: value.value for value in found["mission"]}
    differing = [value.name for value in report["sent"] if held.get(value.name) != value.value]
    if differing:
        return found | _problem(ErrorCode.COPY_DIFFERS, f"different in: {', '.join(differing[:20])}")
    return found


def _values(entity: Entity, record: Mapping[str, Any]) -> list[TraceValue]:
    hidden = CONFIDENTIAL.get(entity, ())
    return [_value(name, value, hidden=name in hidden) for name, value in record.items()][:_VALUES]


def _value(name: str, value: object, *, hidden: bool = False) -> TraceValue:
    if value is None:
        text = "(null)"
    elif hidden:
        text = NOT_SHOWN
    elif isinstance(value, (dict, list)):
        text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    else:
        text = str(value).lower() if isinstance(value, bool) else str(value)
    return TraceValue(name=name[:200], value=shortened(text, _SENTENCE))


def _problem(code: ErrorCode, detail: str) -> dict[str, Any]:
    return {"code": code.value, "detail": detail[:_SENTENCE], "fix": CATALOGUE[code].fix}
