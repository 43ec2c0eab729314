"""What an attempt keeps beside its files: which they are, and the mirror's list, over crashes and older agents."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest

from migrate_agent.store.entries import FileState, Found, Verdict
from migrate_agent.store.job_journal import JobJournal
from migrate_agent.store.journal import Journal
from migrate_contract.commands import CommandResult, CommandStatus
from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import (
    AccessTier,
    BlobDestination,
    Bucket,
    JobPhase,
    JobSpec,
    JobType,
    LocalSource,
    Verification,
)
from migrate_contract.sync import MirrorMode, MirrorTally

JOB = "job_abcdefghijkl000000000001"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TALLY = MirrorTally(mode=MirrorMode.DELETE, complete=True, ours_files=5, surplus_files=2)


@pytest.fixture
def journal(tmp_path):
    opened = JobJournal(tmp_path / "attempt.db", clock=lambda: NOW)
    yield opened
    opened.close()


def final(bucket, size=1, **more):
    return Verdict(FileState.FINAL, bucket, size, **more)


def test_the_paths_of_a_retry_are_kept_and_an_empty_list_is_one(journal):
    assert journal.beside.wanted() is None
    journal.beside.want(["b", "a", "b"])
    assert journal.beside.wanted() == ["a", "b"]
    journal.beside.want([])
    assert journal.beside.wanted() == []


def test_failed_paths_are_read_from_the_ledger_folders_too(journal):
    failed = final(Bucket.FAILED, code=ErrorCode.SOURCE_DENIED)
    journal.add_found([Found(f"f{n:04d}", verdict=failed) for n in range(1200)])
    journal.add_found([Found("folder/", verdict=failed), Found("fine", verdict=final(Bucket.EXCLUDED))])
    paths = journal.beside.failed_paths()
    assert (len(paths), paths[0], paths[-1]) == (1201, "f0000", "folder/")
    assert journal.beside.unreadable_folder() == "folder/"
    assert journal.beside.unknown(["f0001", "folder/new", "fine"]) == ["folder/new"]


def test_a_deletion_and_its_row_are_one_write_and_count_as_no_found_file(journal, tmp_path):
    journal.add_found([Found("kept", 10, 5, verdict=final(Bucket.UNCHANGED, 10))])
    journal.beside.add_surplus([("gone", 7, "0x1"), ("also gone", 8, "0x2")])
    journal.beside.keep_tally(TALLY)
    first, second = journal.beside.open_surplus()
    assert (first.path, first.size_bytes, first.etag) == ("gone", 7, "0x1")
    after = TALLY.model_copy(update={"deleted_files": 1, "deleted_bytes": 7})
    journal.beside.settle_surplus([(first, final(Bucket.DELETED, 7))], after)
    assert journal.beside.open_surplus() == [second]
    rows = journal.ledger_rows(1, 10)
    assert [(row.row, row.path, row.bucket, row.size_bytes) for row in rows] == [
        (1, "kept", Bucket.UNCHANGED, 10),
        (2, "gone", Bucket.DELETED, 7),
    ]
    journal.add_found([Found("later", 1, 1, verdict=final(Bucket.EXCLUDED))])
    assert journal.last_row == 3
    assert journal.counters().files.scanned == 2
    journal.close()
    with closing(JobJournal(tmp_path / "attempt.db")) as again:
        assert again.beside.open_surplus() == [second]
        assert again.beside.mirror_tally() == after
        assert again.counters().files.scanned == 2


def test_a_file_of_an_older_agent_is_taken_up(tmp_path):
    path = tmp_path / "old.db"
    with closing(JobJournal(path)) as made:
        made.add_found([Found("a", 1, 1, verdict=final(Bucket.TRANSFERRED, verification=Verification.STORED))])
    with closing(sqlite3.connect(path)) as db:
        db.executescript(
            "ALTER TABLE ledger DROP COLUMN access_tier; ALTER TABLE ledger DROP COLUMN safe_to_delete;"
            " DROP TABLE marks; DROP TABLE wanted; DROP TABLE surplus;"
        )
    with closing(JobJournal(path)) as opened:
        (row,) = opened.ledger_rows(1, 10)
        assert (row.path, row.access_tier, row.safe_to_delete) == ("a", None, False)
        archived = final(Bucket.TRANSFERRED, access_tier=AccessTier.ARCHIVE, safe_to_delete=True)
        opened.add_found([Found("b", 1, 1, verdict=archived)])
        row = opened.ledger_rows(2, 10)[0]
        assert (row.access_tier, row.safe_to_delete) == (AccessTier.ARCHIVE, True)
        assert opened.beside.wanted() is None


def test_failed_paths_of_an_attempt_are_given_only_once_it_is_complete(tmp_path):
    journal = Journal(tmp_path)
    spec = JobSpec(
        job_id=JOB,
        attempt=1,
        name="n",
        type=JobType.MIGRATE_FILES,
        source=LocalSource(path="/s"),
        destination=BlobDestination(container="files"),
    )
    journal.accept(spec, "cmd_1", CommandResult(status=CommandStatus.ACCEPTED))
    journal.open_attempt(JOB, 1).add_found([Found("x", verdict=final(Bucket.FAILED))])
    assert journal.failed_paths(JOB, 1) is None
    journal.set_phase(JOB, 1, JobPhase.COMPLETED)
    assert journal.failed_paths(JOB, 1) == ["x"]
    assert journal.failed_paths(JOB, 2) is None
    journal.close()
