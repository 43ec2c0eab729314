"""Verifies one import: reads Rock's side again, asks Mission for its side, and writes down every difference by name.

`take_before` is called when the import starts, `verify` when it ends, `dry_run` where nothing was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from migrate_agent.rockrms.mission.port import MissionClient
from migrate_agent.rockrms.reconcile.entity_rows import measures_differ
from migrate_agent.rockrms.reconcile.mission_side import TABLES, MissionSide
from migrate_agent.rockrms.reconcile.ports import JournalSide, MappedAgain, ReportFacts, Resend, Scope, SqlReader
from migrate_agent.rockrms.reconcile.readback import ReadBack, Readback
from migrate_agent.rockrms.reconcile.report import Seen, report_of
from migrate_agent.rockrms.reconcile.rock_side import read_lines_again, read_now
from migrate_agent.rockrms.reconcile.surplus import judge_surplus
from migrate_agent.rockrms.reconcile.workbook import Finding, Workbook, open_workbook
from migrate_agent.stop import StopSignal
from migrate_contract.rockrms import Entity, Example, ImportReport, Stage

_CHANGES_NAMED = 1_000
_SENT_AGAIN = ("missing", "differs")


@dataclass(frozen=True, slots=True)
class Verification:
    """What a verification works with. `workbook`: a file of its own, which outlives a restart of the import."""

    rock: SqlReader
    scope: Scope
    facts: ReportFacts
    workbook: Path
    stop: StopSignal
    now: Callable[[], datetime]
    started_at: datetime
    journal: JournalSide
    mapped: MappedAgain
    mission: MissionClient | None = None
    """None: it cannot be asked; the evidence is `acknowledged` then."""
    resend: Resend | None = None
    changed_already: Sequence[Example] = field(default=())
    """What the pipeline itself has found changed and sent again, in words."""

    @property
    def entities(self) -> list[Entity]:
        """Result: those of the job, in their order."""
        return [entity for entity in Entity if entity in self.scope.settings.entities]


def take_before(rock: SqlReader, scope: Scope, workbook: Path, stop: StopSignal) -> None:
    """Keeps what Rock has before the import, as a mark per row, so that changes on the way are named.

    Raises StopRequested, Retryable(disk-full), and what the reader raises.
    """
    with open_workbook(workbook) as book:
        read_now(rock, scope, book, stop)
        for entity in Entity:
            book.take_before(entity)


def verify(work: Verification) -> ImportReport:
    """Result: the report of an attempt that has sent what it had to send.

    Rock is read as it is now, changed rows are sent again (`resend`), then Mission is asked. What is missing or
    different there is taken out of the journal, so that the next run sends it. Raises StopRequested, and Retryable and
    Fatal as the two sides raise them; the workbook stays, and the call may be repeated.
    """
    with open_workbook(work.workbook) as book:
        book.start_over()
        read_now(work.rock, work.scope, book, work.stop)
        for entity in work.entities:
            book.put_journal(entity, "errored", work.journal.errored(entity))
            book.put_journal(entity, "skipped", work.journal.skipped(entity))
        seen = Seen(Stage.NOT_VERIFIED if work.mission is None else Stage.VERIFIED)
        _changes(work, book, seen)
        if work.mission is not None:
            _ask_mission(work, book, work.mission, seen)
        report = report_of(work, book, seen)
        for entity in work.entities:
            for ids in book.found(entity, _SENT_AGAIN):
                work.journal.forget(entity, ids)
        return report


def dry_run(work: Verification) -> ImportReport:
    """Result: the same report before anything is sent: Rock's side alone."""
    with open_workbook(work.workbook) as book:
        book.start_over()
        read_now(work.rock, work.scope, book, work.stop)
        for entity in work.entities:
            book.put_journal(entity, "skipped", work.journal.skipped(entity))
        return report_of(work, book, Seen(Stage.DRY_RUN))


def _changes(work: Verification, book: Workbook, seen: Seen) -> None:
    seen.changed = list(work.changed_already)[:_CHANGES_NAMED]
    seen.changed_count = len(work.changed_already)
    for entity in work.entities:
        again: list[int] = []
        for key, how in book.changes(entity):
            seen.changed_count += 1
            if how != "deleted":
                again.append(key)
            if len(seen.changed) < _CHANGES_NAMED:
                done = "not in Rock any more" if how == "deleted" else "read again"
                name = work.scope.facts.external_id(TABLES[entity], key)
                seen.changed.append(f"{name}: {how} in Rock during the import; {done}")
        if again and work.resend is not None:
            work.resend.resend(entity, again)
            if entity is Entity.CONTRIBUTIONS:
                read_lines_again(work.rock, work.scope, book, work.stop, again)


def _ask_mission(work: Verification, book: Workbook, mission: MissionClient, seen: Seen) -> None:
    side = MissionSide(mission, work.scope, book, work.stop)
    seen.counts = mission.counts(work.scope.facts.install)
    for entity in work.entities:
        side.read_ids(entity)
        side.read_sums(entity)
        judge_surplus(book, side, work.scope, entity)
        book.find(_by_ids(work, book, entity))
    readback = Readback(side, work.mapped, work.scope, book)
    whole = sum(book.in_scope(entity) for entity in work.entities)
    every = whole <= work.scope.settings.readback_records
    for entity in work.entities:
        read = seen.read[entity] = readback.chosen(entity, every=every)
        if not every:
            _narrow(book, readback, entity, seen, read)


def _narrow(book: Workbook, readback: Readback, entity: Entity, seen: Seen, read: ReadBack) -> None:
    """Looks further where a sum or a count says that the sample has not met everything that differs."""
    read.go_further(readback.suspects(entity))
    counts = (seen.counts or {}).get(entity, {})
    if measures_differ(book, entity, counts):
        read.go_further(readback.rest(entity))


def _by_ids(work: Verification, book: Workbook, entity: Entity) -> Iterator[Finding]:
    """Yields what the two lists of ids tell: missing, errored, doubled, ids that name nothing."""
    name, table = work.scope.facts.external_id, TABLES[entity]
    for key, code in book.missing(entity):
        kind, said = ("missing", "in Rock, not in Mission") if code is None else ("errored", f"not in Mission: {code}")
        yield Finding(entity, key, name(table, key), kind, (), said)
    for key, copies in book.doubled(entity):
        yield Finding(entity, key, name(table, key), "doubled", (), f"Mission has it {copies} times")
    for text in book.strangers(entity):
        yield Finding(entity, None, text, "unknown", (), "an id of this Rock that names no record of it")
