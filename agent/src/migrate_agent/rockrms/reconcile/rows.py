"""Makes the rows of a reconciliation out of what both sides counted. Pure.

Money is given in hundredths and written as a decimal text; a difference is the target less the source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from migrate_agent.rockrms.reconcile.lines import decimal_of
from migrate_agent.rockrms.reconcile.workbook import Cell
from migrate_contract.rockrms import Entity, Evidence, ReconciliationRow, Verdict, money

MAX_NAMED = 20
"""Records named in one row; all of them are in the CSV of differing records."""


def number_row(
    entity: Entity,
    measure: str,
    source: int,
    target: int | None,
    *,
    key: str = "",
    label: str = "",
    records: Sequence[str] = (),
    differs: bool | None = None,
) -> ReconciliationRow:
    """Result: the row of a count. `target` None: Mission was not asked. `differs` forces the verdict."""
    return _row(entity, measure, str(source), None if target is None else str(target),
                None if target is None else str(target - source), key, label, records, differs)  # fmt: skip


def money_row(
    entity: Entity,
    measure: str,
    source: int,
    target: int | None,
    *,
    key: str = "",
    label: str = "",
    records: Sequence[str] = (),
    differs: bool | None = None,
) -> ReconciliationRow:
    """Result: the row of a sum, given in hundredths."""
    said = [None if cents is None else money(decimal_of(cents)) for cents in
            (source, target, None if target is None else target - source)]  # fmt: skip
    return _row(entity, measure, said[0] or "0.00", said[1], said[2], key, label, records, differs)


def cell_rows(
    cells: Iterable[Cell],
    prefix: str,
    name: Callable[[tuple[str, str, str]], tuple[str, str]],
    records: Callable[[Cell], Sequence[str]],
) -> Iterator[ReconciliationRow]:
    """Yields two rows a cell, its net and its number of lines; `name` gives (key, label), `records` who differs.

    Two errors may cancel each other out in a sum of a cell; its number of lines or the classes tell.
    """
    for cell in cells:
        key, label = name(cell.key)
        named = records(cell) if cell.differs else ()
        yield money_row(Entity.CONTRIBUTIONS, f"{prefix}_net", cell.source_cents, cell.target_cents,
                        key=key, label=label, records=named)  # fmt: skip
        yield number_row(Entity.CONTRIBUTIONS, f"{prefix}_lines", cell.source_count, cell.target_count,
                         key=key, label=label, records=named)  # fmt: skip


def merged(cells: Iterable[Cell], key_of: Callable[[tuple[str, str, str]], tuple[str, str, str]]) -> list[Cell]:
    """Result: cells added up under a coarser key, in order; the sums are those of their parts, cent for cent."""
    sums: dict[tuple[str, str, str], list[int]] = {}
    for cell in cells:
        into = sums.setdefault(key_of(cell.key), [0, 0, 0, 0])
        for place, value in enumerate(cell[1:]):
            into[place] += value
    return [Cell(key, *values) for key, values in sorted(sums.items())]


def in_order(rows: Iterable[ReconciliationRow], limit: int) -> tuple[list[ReconciliationRow], int]:
    """Result: (at most `limit` rows, those that differ first, how many were left off)."""
    listed = sorted(rows, key=lambda row: row.verdict is Verdict.MATCH)
    return listed[:limit], max(0, len(listed) - limit)


def _row(
    entity: Entity,
    measure: str,
    source: str,
    target: str | None,
    difference: str | None,
    key: str,
    label: str,
    records: Sequence[str],
    differs: bool | None,
) -> ReconciliationRow:
    if target is None:
        verdict, evidence = Verdict.UNKNOWN, Evidence.ACKNOWLEDGED
    else:
        unlike = source != target if differs is None else differs or source != target
        verdict, evidence = Verdict.DIFFERS if unlike else Verdict.MATCH, Evidence.MISSION
    return ReconciliationRow(
        entity=entity, measure=measure, key=key[:256], label=label[:2000], source_value=source, target_value=target,
        difference=difference, verdict=verdict, evidence=evidence, records=list(records[:MAX_NAMED]),
    )  # fmt: skip
