"""What a trace finds in an import's journal: while the job is at work, and after the journal has forgotten the job."""

from __future__ import annotations

from pathlib import Path

from migrate_agent.store.import_entries import Decided, ImportPass, LogEntry, RecordStatus
from migrate_agent.store.import_journal import ImportJournal, drop_run
from migrate_agent.store.import_memory import ImportMemory
from migrate_contract.rockrms import Entity, LogKind

JOB = "job_000000000001000000000001"


def test_nothing_is_remembered_where_nothing_was_imported(tmp_path: Path) -> None:
    memory = ImportMemory(tmp_path / "none.db")
    assert memory.status_of(Entity.PEOPLE, 1) is None
    assert memory.log_of(Entity.PEOPLE, 1) == []
    assert not (tmp_path / "none.db").exists()


def test_the_last_word_on_a_record_outlives_its_job(tmp_path: Path) -> None:
    path = tmp_path / "project.db"
    memory = ImportMemory(path)
    journal = ImportJournal(path, JOB, 1)
    entry = LogEntry(LogKind.ERRORED, "Person", 7, "rock:x:Person:7", "mission-record-refused", "no", answer="said so")
    decided = [
        Decided(7, RecordStatus.ERRORED, b"7" * 16, "batch-1", "req-1"),
        Decided(8, RecordStatus.IMPORTED, b"8" * 16, "batch-1", "req-1"),
        Decided(9, RecordStatus.SKIPPED, b""),
    ]
    journal.commit(ImportPass.IMPORT, Entity.PEOPLE, decided, [entry])
    assert memory.status_of(Entity.PEOPLE, 7) == ("errored", "batch-1", "req-1")
    assert memory.status_of(Entity.PEOPLE, 9) == ("skipped", "", "")
    assert memory.status_of(Entity.GROUPS, 7) is None
    assert [row.answer for row in memory.log_of(Entity.PEOPLE, 7)] == ["said so"]
    journal.close()
    drop_run(path, JOB, 1)
    assert memory.status_of(Entity.PEOPLE, 8) == ("imported", "batch-1", "req-1")
    assert memory.log_of(Entity.PEOPLE, 7) == []
