"""The import journal: what adds up, what is numbered, what outlives a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_agent.store.import_entries import Checkpoint, Decided, Fixed, ImportPass, LogEntry, RecordStatus
from migrate_agent.store.import_journal import ImportJournal, drop_run, newest_run
from migrate_agent.store.journal import Journal
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.rockrms import Entity, LogKind

JOB = "job_000000000001000000000001"
GIFTS = Entity.CONTRIBUTIONS
IMPORTED, ERRORED, SKIPPED = RecordStatus.IMPORTED, RecordStatus.ERRORED, RecordStatus.SKIPPED


def opened(folder: Path, attempt: int = 1, target: str = "https://mission.test") -> ImportJournal:
    journal = ImportJournal(folder / "project.db", JOB, attempt)
    journal.start(Fixed(target, "install", "{}", "{}", "1", {GIFTS: 9}, "2026-01-01T00:00:00+00:00"))
    return journal


def digest(text: str) -> bytes:
    return text.encode().ljust(16, b"-")


def entry(number: int, kind: LogKind = LogKind.ERRORED, code: str = "mission-record-refused") -> LogEntry:
    return LogEntry(kind, "FinancialTransactionDetail", number, f"rock:x:{number}", code, "why", "do this")


def test_a_page_its_log_its_counts_and_its_checkpoint_are_one_and_outlive_the_process(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.expect(ImportPass.IMPORT, GIFTS, 10)
    decided = [Decided(1, IMPORTED, digest("a"), "key", "req"), Decided(2, ERRORED, digest("b"), "key", "req")]
    journal.commit(ImportPass.IMPORT, GIFTS, [*decided, Decided(3, SKIPPED, b"")], [entry(2)], checkpoint=Checkpoint(3))
    journal.close()
    again = opened(tmp_path)
    (found,) = again.progress()
    assert (found.in_scope, found.imported, found.errored, found.skipped, found.pending) == (10, 1, 1, 1, 7)
    assert again.checkpoint(ImportPass.IMPORT, GIFTS) == (3, False)
    assert again.find(GIFTS, [1])[1].batch == "key"
    assert [(row.row, row.source_id) for row in again.log_rows(1, 10)] == [(1, 2)]
    again.commit(ImportPass.IMPORT, GIFTS, [], checkpoint=Checkpoint(9, True))
    (found,) = again.progress()
    assert (found.in_scope, found.pending) == (3, 0), "what was counted before gives way to what was read"


def test_a_record_that_is_decided_again_is_counted_once(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.commit(ImportPass.IMPORT, GIFTS, [Decided(1, IMPORTED, digest("a")), Decided(2, ERRORED, digest("b"))])
    journal.commit(
        ImportPass.IMPORT, GIFTS, [Decided(1, RecordStatus.UPDATED, digest("c")), Decided(2, IMPORTED, digest("d"))]
    )
    (found,) = journal.progress()
    assert (found.imported, found.updated, found.errored) == (2, 0, 0)
    assert journal.find(GIFTS, [1])[1].digest == digest("c")


def test_what_mission_holds_outlives_the_run_and_what_it_refused_is_not_known(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.commit(ImportPass.IMPORT, GIFTS, [Decided(1, IMPORTED, digest("a")), Decided(2, ERRORED, digest("b"))])
    journal.close()
    drop_run(tmp_path / "project.db", JOB, 1)
    later = opened(tmp_path, attempt=2)
    assert later.known(GIFTS, 1, 9) == {1: (digest("a"), True), 2: (None, False)}
    assert later.progress() == []
    assert later.unseen(GIFTS, 0, 10) == [1]
    later.close()
    assert opened(tmp_path, attempt=3, target="https://another").known(GIFTS, 1, 9) == {}


def test_a_refusal_after_an_import_is_still_held_but_sent_again(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.commit(ImportPass.IMPORT, GIFTS, [Decided(1, IMPORTED, digest("a"))])
    journal.close()
    later = opened(tmp_path, attempt=2)
    later.commit(ImportPass.IMPORT, GIFTS, [Decided(1, ERRORED, digest("b"))])
    assert later.known(GIFTS, 1, 1) == {1: (None, True)}


def test_log_rows_are_numbered_without_gaps_and_the_same_thing_is_logged_once(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    flag = entry(5, LogKind.FLAGGED, "gift-without-donor")
    journal.commit(ImportPass.IMPORT, GIFTS, [], [entry(1), flag], checkpoint=Checkpoint(5))
    journal.commit(ImportPass.IMPORT, GIFTS, [], [entry(1), flag, entry(7)])
    assert [row.row for row in journal.log_rows(1, 10)] == [1, 2, 3]
    assert journal.last_row == 3
    assert journal.progress()[0].flagged == 1
    assert [row.source_id for row in journal.log_rows(1, 10, [LogKind.FLAGGED])] == [5]
    assert dict(journal.reasons(GIFTS, ERRORED)) == {}, "no record of this run is errored"
    journal.mark_shipped(2)
    journal.close()
    assert opened(tmp_path).shipped_row == 2
    assert [(found.code, found.count) for found in opened(tmp_path).flagged()] == [("gift-without-donor", 1)]


def test_the_hash_is_of_the_records_and_not_of_the_way_they_came(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    first, second = opened(tmp_path), opened(tmp_path / "other")
    records = [Decided(number, IMPORTED, digest(str(number)), f"key{number % 2}") for number in range(1, 9)]
    first.commit(ImportPass.IMPORT, GIFTS, records)
    for record in reversed(records):
        second.commit(ImportPass.IMPORT, GIFTS, [record._replace(batch="other")])
    assert first.ledger_sha256() == second.ledger_sha256()
    second.commit(ImportPass.IMPORT, GIFTS, [records[0]._replace(digest=digest("changed"))])
    assert first.ledger_sha256() != second.ledger_sha256()


def test_a_dry_run_keeps_no_record(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.begin_pass(ImportPass.DRY_RUN)
    journal.commit(ImportPass.DRY_RUN, GIFTS, [Decided(1, RecordStatus.PENDING, digest("a"))])
    assert journal.progress()[0].pending == 1
    assert journal.records(GIFTS, 0, 10) == []


def test_a_run_that_is_over_is_told_from_one_that_is_not(tmp_path: Path) -> None:
    journal = opened(tmp_path, attempt=3)
    assert newest_run(tmp_path / "project.db", JOB) == (3, False, "{}")
    journal.keep("over", "true")
    assert newest_run(tmp_path / "project.db", JOB) == (3, True, "{}")
    assert newest_run(tmp_path / "project.db", "job_another") is None


def test_a_damaged_file_is_set_aside_and_nothing_is_known(tmp_path: Path) -> None:
    agents = Journal(tmp_path)
    path = tmp_path / "imports" / "prj_000000000001.db"
    path.parent.mkdir()
    path.write_bytes(b"this is no database at all" * 100)
    with pytest.raises(Fatal) as caught:
        ImportJournal(path, JOB, 1)
    assert caught.value.code is ErrorCode.JOURNAL_UNREADABLE
    journal = agents.open_import(JOB, 1)
    assert journal.known(GIFTS, 0, 100) == {}
    assert len(list(path.parent.glob("*.damaged-*"))) == 1
    agents.drop(JOB, 1)
    agents.close()
