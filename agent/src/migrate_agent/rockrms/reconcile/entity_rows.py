"""The rows of one entity's records: how many, what they hold, and whether each field is equal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from migrate_agent.rockrms.reconcile import scope_rules
from migrate_agent.rockrms.reconcile.readback import ReadBack
from migrate_agent.rockrms.reconcile.rows import MAX_NAMED, number_row
from migrate_agent.rockrms.reconcile.workbook import Grouping, Workbook
from migrate_contract.rockrms import Entity, ReconciliationRow

MEASURES: Mapping[Entity, tuple[str, ...]] = {
    Entity.PEOPLE: ("phones", "emails", "birth_dates"),
    Entity.FAMILIES: ("members", "addresses"),
    Entity.GROUPS: ("members",),
}
"""What records hold that Mission counts too."""
_FIELDS = {
    "phones": "phones",
    "emails": "email",
    "birth_dates": "birth_",
    "members": "members",
    "addresses": "address",
}
_COUNTED = ("missing", "errored", "doubled", "gone", "unknown")


def entity_rows(
    workbook: Workbook, entity: Entity, counts: Mapping[str, int] | None, read: ReadBack
) -> Iterator[ReconciliationRow]:
    """Yields records, what they hold, and field equality; `counts` None: Mission was not asked."""
    held = None if counts is None else workbook.held(entity) - workbook.set_aside(entity)
    yield number_row(entity, "records", workbook.in_scope(entity), held, records=_named(workbook, entity, _COUNTED))
    mine = scope_rules.measures(workbook, entity)
    whole = workbook.set_aside(entity) == 0
    for measure in MEASURES.get(entity, ()):
        theirs = None if counts is None or not whole else counts.get(measure)
        records = [] if theirs == mine[measure] else _named(workbook, entity, (), _FIELDS[measure])
        yield number_row(entity, measure, mine[measure], theirs, records=records)
    if counts is not None and entity is Entity.ATTENDANCE:
        yield from _attendance(workbook)
    if counts is not None:
        compared, wrong = read.compared + read.further, read.compared_wrong + read.further_wrong
        yield number_row(
            entity,
            "lines_equal" if entity is Entity.CONTRIBUTIONS else "records_equal",
            compared,
            compared - wrong,
            label="Read back and equal field by field",
            records=_named(workbook, entity, ("differs", "not-sent", "missing")) if wrong else [],
        )


def measures_differ(workbook: Workbook, entity: Entity, counts: Mapping[str, int]) -> bool:
    """Result: whether something that the records hold is more or less in Mission than in Rock."""
    mine = scope_rules.measures(workbook, entity)
    return any(counts.get(measure, mine[measure]) != mine[measure] for measure in MEASURES.get(entity, ()))


def _attendance(workbook: Workbook) -> Iterator[ReconciliationRow]:
    for grouping, measure, label in (
        (Grouping.ATTENDANCE_DAY, "attendance_days", "Days with attendance"),
        (Grouping.ATTENDANCE_PERSON_YEAR, "attendance_person_years", "People by year"),
    ):
        keys = unlike = 0
        for cell in workbook.cells(grouping):
            keys += 1
            unlike += cell.differs
        records = _named(workbook, Entity.ATTENDANCE, ()) if unlike else []
        yield number_row(Entity.ATTENDANCE, measure, keys, keys - unlike, label=label, records=records)


def _named(workbook: Workbook, entity: Entity, kinds: tuple[str, ...], field: str = "") -> list[str]:
    found = (
        f"{finding.external_id}: {finding.detail}"[:400]
        for finding in workbook.findings(entity)
        if (not kinds or finding.kind in kinds)
        and (not field or any(part.startswith(field) for part in finding.fields))
    )
    return list(islice(found, MAX_NAMED))
