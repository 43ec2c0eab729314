"""Puts the report of an import together out of what the workbook holds; the verdicts are judgement's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING

from migrate_agent.rockrms.reconcile import rock_findings
from migrate_agent.rockrms.reconcile.entity_rows import entity_rows
from migrate_agent.rockrms.reconcile.gift_rows import GiftRows
from migrate_agent.rockrms.reconcile.judgement import Examined, financial_match, overall_quality, quality_of
from migrate_agent.rockrms.reconcile.lines import decimal_of
from migrate_agent.rockrms.reconcile.mission_side import TABLES
from migrate_agent.rockrms.reconcile.readback import ReadBack
from migrate_agent.rockrms.reconcile.rows import in_order
from migrate_agent.rockrms.reconcile.workbook import Workbook
from migrate_contract.rockrms import (
    Entity,
    EntityResult,
    Evidence,
    GoneAnswer,
    GoneRecord,
    ImportReport,
    ReconciliationRow,
    Stage,
    Verdict,
    money,
)

if TYPE_CHECKING:
    from migrate_agent.rockrms.reconcile.verify import Verification

MAX_ROWS = 4_000
MAX_BYTES = 3_500_000
"""Of the whole report: the control plane takes 4 MiB."""
_MAX_GONE = 5_000


@dataclass(slots=True)
class Seen:
    """What one verification has learned beside the workbook."""

    stage: Stage
    counts: Mapping[Entity, Mapping[str, int]] | None = None
    """Mission's own, None where it was not asked."""
    read: dict[Entity, ReadBack] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    changed_count: int = 0


def report_of(work: Verification, book: Workbook, seen: Seen) -> ImportReport:
    """Result: the report, small enough to be posted."""
    asked = seen.counts is not None
    gifts = GiftRows(book, work.scope, read=asked)
    rows = list(_rows(work, book, seen, gifts))
    bridge = gifts.bridge() if asked and Entity.CONTRIBUTIONS in work.entities else None
    gone = list(islice(_gone(work, book), _MAX_GONE))
    counted = _count_gone(work, book)
    undecided = counted["gone"]
    errored = sum(work.journal.tally(entity).errored for entity in work.entities)
    evidence = Evidence.MISSION if asked else Evidence.ACKNOWLEDGED
    left = bridge.unexplained if bridge else Decimal(0)
    match = financial_match(rows, errored=errored, gone_undecided=undecided, unexplained=left, evidence=evidence)
    if bridge and bridge.unexplained_lines and match:
        match = False
    agree = bool(match) and all(row.verdict is Verdict.MATCH for row in rows)
    quality = {e: quality_of(_tested(book, seen, e), all_agree=agree) for e in work.entities} if asked else {}
    kept, left_off = in_order(rows, MAX_ROWS)
    report = ImportReport(
        attempt=work.facts.attempt,
        stage=seen.stage,
        evidence=evidence,
        financial_match=match,
        quality_score=overall_quality(quality.values()),
        currency=work.scope.settings.currency,
        entities=[_entity(work, book, entity, seen, quality.get(entity)) for entity in work.entities],
        rows=kept,
        rows_left_off=left_off,
        bridge=bridge.lines if bridge else [],
        unexplained=money(left),
        quality=rock_findings.findings(work.scope, book),
        funds=list(work.facts.funds) or rock_findings.funds(work.scope, book),
        statuses=rock_findings.statuses(work.scope, book),
        not_moved=rock_findings.not_moved(work.rock, work.scope),
        other_types=rock_findings.other_types(work.rock, book),
        already_in_mission=list(work.facts.already_in_mission),
        changed_during=[text[:400] for text in seen.changed],
        changed_during_count=seen.changed_count,
        gone=gone,
        gone_count=sum(counted.values()),
        totals=gifts.totals(),
        ledger_sha256=work.journal.sha256(),
        versions=work.facts.versions,
        source=work.facts.source,
        mission=work.facts.mission,
        filters=list(work.facts.filters),
        reason=_reason(match, rows, errored, undecided, left, asked=asked),
        started_at=work.started_at,
        finished_at=work.now(),
    )
    return _fitted(report)


def _rows(work: Verification, book: Workbook, seen: Seen, gifts: GiftRows) -> Iterator[ReconciliationRow]:
    for entity in work.entities:
        counts = None if seen.counts is None else seen.counts.get(entity, {})
        yield from entity_rows(book, entity, counts, seen.read.get(entity, ReadBack()))
    if Entity.CONTRIBUTIONS in work.entities:
        yield from gifts.rows()


def _entity(work: Verification, book: Workbook, entity: Entity, seen: Seen, quality: float | None) -> EntityResult:
    tally = work.journal.tally(entity)
    skipped = dict(
        book.query(
            """SELECT code, count(*) FROM journal WHERE entity = ? AND kind = 'skipped' GROUP BY code
            ORDER BY 2 DESC LIMIT 50""",
            (entity.value,),
        )
    )
    return EntityResult(
        entity=entity,
        in_scope=tally.in_scope,
        imported=tally.imported,
        updated=tally.updated,
        unchanged=tally.unchanged,
        skipped=tally.skipped,
        errored=tally.errored,
        pending=tally.pending,
        flagged=tally.flagged,
        source=book.in_scope(entity),
        mission=None if seen.counts is None else book.held(entity) - book.set_aside(entity),
        quality=quality,
        skipped_by=skipped,
    )


def _tested(book: Workbook, seen: Seen, entity: Entity) -> Examined:
    read = seen.read.get(entity, ReadBack())
    wrong = next(
        book.query("SELECT count(DISTINCT id) FROM finding WHERE entity = ? AND kind <> 'gone'", (entity.value,))
    )[0]
    return Examined(entity, book.in_scope(entity), wrong, read.compared, read.compared_wrong)


def _gone(work: Verification, book: Workbook) -> Iterator[GoneRecord]:
    decided = {each.external_id: each.decision for each in work.scope.settings.gone}
    for entity in work.entities:
        for key, amount, fund, day in book.query(
            """SELECT id, cents, fund, day FROM aside WHERE entity = ? AND why IN ('gone', 'kept') AND copy = 0
            ORDER BY id""",
            (entity.value,),
        ):
            name = work.scope.facts.external_id(TABLES[entity], key)
            of_money = entity is Entity.CONTRIBUTIONS
            answer = decided.get(name)
            yield GoneRecord(
                external_id=name,
                entity=entity,
                label=f"{fund}, {day}" if of_money else "",
                amount=money(decimal_of(amount)) if of_money else None,
                # Void is a wish until it is done: what was voided is not listed by Mission any more.
                decision=answer if answer is GoneAnswer.KEEP else None,
            )


def _count_gone(work: Verification, book: Workbook) -> dict[str, int]:
    """Result: `gone` (nobody has decided) and `kept`, of the job's entities."""
    counted = {"gone": 0, "kept": 0}
    for entity in work.entities:
        for why, count in book.query(
            """SELECT why, count(*) FROM aside WHERE entity = ? AND why IN ('gone', 'kept') AND copy = 0
            GROUP BY why""",
            (entity.value,),
        ):
            counted[why] += count
    return counted


def _reason(
    match: bool | None, rows: list[ReconciliationRow], errored: int, undecided: int, left: Decimal, *, asked: bool
) -> str:
    if match:
        return ""
    if not asked:
        return "Mission was not read back: its acceptance is all that is known"
    said = []
    if errored:
        said.append(f"{errored} {_records(errored)} errored")
    if undecided:
        said.append(f"{undecided} {_records(undecided)} in Mission {_is(undecided)} gone from Rock and not decided")
    if left:
        said.append(f"the bridge leaves {money(left)}")
    unlike = [row for row in rows if row.verdict is Verdict.DIFFERS]
    if unlike:
        first = "; ".join(
            f"{row.entity.value} {row.measure.replace('_', ' ')}{f' ({row.label})' if row.label else ''} differs by"
            f" {row.difference}"
            for row in unlike[:3]
        )
        more = f"; and {len(unlike) - 3} more rows" if len(unlike) > 3 else ""
        said.append(first + more)
    return "; ".join(said)[:2000]


def _records(count: int) -> str:
    return "record" if count == 1 else "records"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _fitted(report: ImportReport) -> ImportReport:
    """Result: the report within its size: matching rows go first, then the names in rows."""
    rows, left_off = list(report.rows), report.rows_left_off
    while len(report.model_dump_json().encode()) > MAX_BYTES and len(rows) > 100:
        cut = len(rows) // 2
        left_off, rows = left_off + len(rows) - cut, rows[:cut]
        report = report.model_copy(update={"rows": rows, "rows_left_off": left_off})
    return report
