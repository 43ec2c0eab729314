"""One attempt's journal: every file in one bucket, rows without gaps, and nothing half-written."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migrate_agent.store.entries import Commit, FileState, Found, Listed, Stored, Verdict, path_key, path_of, shown_path
from migrate_agent.store.job_journal import JobJournal
from migrate_agent.store.notes import Note, packed
from migrate_contract.errors import ErrorCode, Fatal, Retryable
from migrate_contract.jobs import Bucket, Verification

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
STORED = Stored("etag", "0" * 32)


@pytest.fixture
def journal(tmp_path):
    opened = JobJournal(tmp_path / "attempt.db", clock=lambda: NOW)
    yield opened
    opened.close()


def final(bucket: Bucket, size: int, **more) -> Verdict:
    return Verdict(FileState.FINAL, bucket, size, **more)


def test_a_file_goes_from_pending_to_committed_to_final(journal):
    journal.add_found([Found("a", 10, 5), Found("b", 20, 6)])
    assert (journal.counters().files.pending, journal.counters().bytes.pending) == (2, 30)
    first, _ = journal.pending(FileState.PENDING, 0, 10)
    journal.record(first.file_id, Verdict(FileState.COMMITTED, Bucket.TRANSFERRED, 12, 7, stored=STORED, tries=3))
    assert journal.counters().files.transferred == 0, "counted when it is on the disk"
    journal.flush()
    counters = journal.counters()
    assert (counters.files.transferred, counters.bytes.transferred, counters.bytes.scanned) == (1, 12, 32)
    assert (journal.last_row, counters.verified_files) == (0, 0)
    entry = journal.committed(["a", "b"])["a"]
    assert (entry.stored, entry.size_bytes, entry.mtime_ns) == (STORED, 12, 7)
    journal.record(entry.file_id, final(Bucket.TRANSFERRED, 12, verification=Verification.STORED, stored=STORED))
    journal.flush()
    (row,) = journal.ledger_rows(1, 10)
    assert (row.row, row.path, row.bucket, row.tries, row.md5) == (1, "a", Bucket.TRANSFERRED, 3, "0" * 32)
    assert row.finished_at == NOW
    assert journal.counters().verified_files == 1
    assert journal.committed(["a"]) == {}


def test_what_the_scan_settles_is_in_the_ledger_at_once(journal):
    verdict = final(Bucket.EXCLUDED, 3, code=ErrorCode.FILTERED_OUT, detail="why")
    journal.add_found([Found("x", 3, 1, verdict=verdict), Found("y", 1, 1, note="looks like Y")])
    (row,) = journal.ledger_rows(1, 10)
    assert (row.code, row.detail, row.bucket) == ("filtered-out", "why", Bucket.EXCLUDED)
    (entry,) = journal.pending(FileState.PENDING, 0, 10)
    journal.record(entry.file_id, final(Bucket.UNCHANGED, 1, verification=Verification.STORED))
    journal.flush()
    assert journal.ledger_rows(2, 10)[0].code == "name-collision"
    assert journal.ledger_rows(2, 10)[0].detail == "looks like Y"


@pytest.mark.parametrize("listed", [True, False], ids=["by listing", "one by one"])
def test_a_note_gives_a_copied_file_its_code_whichever_way_it_was_proved(journal, listed):
    several = packed([Note(ErrorCode.HARD_LINK, "two names"), Note(ErrorCode.NAME_RESERVED, "a device")])
    journal.add_found([Found("a", 1, 1, note=several), Found("b", 1, 1, note="looks like B"), Found("c", 1, 1)])
    for entry in journal.pending(FileState.PENDING, 0, 10):
        journal.record(entry.file_id, Verdict(FileState.COMMITTED, Bucket.TRANSFERRED, 1, 1, stored=STORED))
    journal.flush()
    if listed:
        journal.prove([Listed(path_key(name), 1, "etag", "0" * 32) for name in "abc"])
    else:
        for entry in journal.committed("abc").values():
            verdict = final(Bucket.TRANSFERRED, 1, verification=Verification.STORED, stored=STORED)
            journal.record(entry.file_id, verdict)
        journal.flush()
    rows = {row.path: (row.code, row.detail) for row in journal.ledger_rows(1, 10)}
    assert rows == {
        "a": ("hard-link", "two names; a device"),
        "b": ("name-collision", "looks like B"),
        "c": (None, None),
    }


def test_commits_are_counted_written_together_and_proved_by_what_is_listed(journal):
    journal.add_found([Found(name, size, 1) for name, size in [("a", 1), ("b", 2), ("c", 4), ("d", 8)]])
    entries = journal.pending(FileState.PENDING, 0, 10)
    commits = [Commit(entry.file_id, entry.size_bytes, 7, f"etag-{entry.path}", "0" * 32) for entry in entries[:3]]
    journal.record_commits(commits[:2])
    journal.record_commits(commits[2:])
    assert journal.buffered == 3
    assert journal.counters().files.transferred == 0, "not on the disk yet"
    journal.flush()
    assert journal.buffered == 0
    counters = journal.counters()
    assert (counters.files.transferred, counters.files.pending, counters.bytes.transferred) == (3, 1, 7)
    listed = [
        Listed(b"a", 1, "etag-a", "0" * 32),
        Listed(b"b", 2, "another", "0" * 32),
        Listed(b"d", 8, "etag-d", "0" * 32),
        Listed(b"x", 8, "etag-x", "0" * 32),
        Listed(b"a", 1, "etag-a", "0" * 32),
    ]
    assert journal.prove(listed) == 1, "b has another ETag, d is not committed, x is nobody's"
    assert journal.prove([]) == 0
    assert sorted(journal.committed("abcd")) == ["b", "c"]
    assert journal.count(FileState.COMMITTED) == 2
    (row,) = journal.ledger_rows(1, 10)
    assert (row.path, row.verification, row.tries) == ("a", Verification.STORED, 1)


@pytest.mark.parametrize("change", [{"size_bytes": 2}, {"file_id": 99}])
def test_a_commit_of_what_the_journal_does_not_wait_for_is_a_fault_and_writes_nothing(tmp_path, change):
    journal = JobJournal(tmp_path / "a.db")
    journal.add_found([Found("a", 1, 1)])
    journal.record_commits([Commit(1, 1, 7, "etag", "0" * 32)._replace(**change)])
    with pytest.raises(AssertionError):
        journal.flush()
    assert journal.count(FileState.PENDING) == 1
    journal._commits.clear()
    journal.close()


def test_a_second_scan_adds_nothing_twice_and_refreshes_what_is_pending(tmp_path):
    path = tmp_path / "a.db"
    journal = JobJournal(path)
    journal.add_found([Found("a", 10, 5), Found("b", 20, 6), Found("c", 1, 1)])
    a, b, _ = journal.pending(FileState.PENDING, 0, 10)
    journal.record(a.file_id, final(Bucket.UNCHANGED, 10))
    journal.record(b.file_id, Verdict(FileState.RETRY, Bucket.PENDING, 20, code=ErrorCode.SOURCE_LOCKED, tries=1))
    journal.close()
    journal = JobJournal(path)
    assert journal.count(FileState.RETRY) == 0, "a new process begins with its first pass"
    excluded = final(Bucket.EXCLUDED, 1, code=ErrorCode.FILTERED_OUT)
    journal.add_found([Found("a", 99, 9), Found("b", 25, 8), Found("c", 1, 1, verdict=excluded), Found("d", 2, 2)])
    counters = journal.counters()
    assert (counters.files.scanned, counters.files.pending, counters.files.excluded) == (4, 2, 1)
    assert counters.bytes.scanned == 10 + 25 + 1 + 2
    assert [(entry.path, entry.size_bytes) for entry in journal.pending(FileState.PENDING, 0, 10)] == [
        ("b", 25),
        ("d", 2),
    ]
    assert journal.pending(FileState.PENDING, 0, 10)[0].tries == 1
    journal.close()


def test_counters_rows_and_shipping_survive(tmp_path):
    path = tmp_path / "a.db"
    journal = JobJournal(path)
    journal.add_found([Found(str(number), 1, 1) for number in range(3)])
    for entry in journal.pending(FileState.PENDING, 0, 10):
        journal.record(entry.file_id, final(Bucket.FAILED, 1, code=ErrorCode.SOURCE_DENIED, detail="no"))
    journal.count_retry()
    journal.flush()
    journal.finish_scan()
    journal.mark_shipped(2)
    before = journal.counters()
    journal.close()
    journal.close()
    journal = JobJournal(path)
    assert journal.counters() == before
    assert (journal.scan_complete, journal.shipped_row, journal.last_row, before.retries) == (True, 2, 3, 1)
    assert [fault.path for fault in journal.recent_faults(2)] == ["2", "1"]
    journal.close()


def test_a_full_disk_loses_nothing(journal):
    journal.add_found([Found(f"{number:04d}" + "x" * 100, 1, 1) for number in range(200)])
    before = journal.counters()
    database: sqlite3.Connection = journal._db
    pages = database.execute("PRAGMA page_count").fetchone()[0]
    database.execute(f"PRAGMA max_page_count = {pages}")
    for entry in journal.pending(FileState.PENDING, 0, 200):
        journal.record(entry.file_id, final(Bucket.FAILED, 1, code=ErrorCode.SOURCE_DENIED, detail="y" * 300))
    with pytest.raises(Retryable) as raised:
        journal.flush()
    assert raised.value.code is ErrorCode.DISK_FULL
    with pytest.raises(Retryable):
        journal.add_found([Found("z" * 5000 + str(number), 1, 1) for number in range(50)])
    assert journal.counters() == before
    assert journal.buffered == 200
    database.execute("PRAGMA max_page_count = 1000000")
    journal.flush()
    assert journal.counters().files.failed == 200
    assert [row.row for row in journal.ledger_rows(1, 500)] == list(range(1, 201))


def test_a_damaged_file_is_named(tmp_path):
    path = tmp_path / "a.db"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(Fatal) as raised:
        JobJournal(path)
    assert raised.value.code is ErrorCode.JOURNAL_UNREADABLE
    assert str(path) in raised.value.detail


def test_a_newer_schema_is_refused(tmp_path):
    path = tmp_path / "a.db"
    JobJournal(path).close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(Fatal):
        JobJournal(path)


@given(st.binary(min_size=1, max_size=40))
def test_any_posix_name_is_kept_and_shown(raw):
    name = raw.decode("utf-8", "surrogateescape")
    assert path_of(path_key(name)) == name
    shown_path(name).encode("utf-8")


STEPS = st.lists(
    st.tuples(
        st.integers(0, 5), st.sampled_from(["commit", "final", "retry", "flush", "reopen", "found"]), st.integers(0, 9)
    ),
    max_size=30,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_whatever_happens_the_sums_hold(tmp_path, steps):
    """A model in memory of what is on the disk, and reopening at any time."""
    path = Path(tmp_path) / "model.db"
    path.unlink(missing_ok=True)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    journal = JobJournal(path)
    state: dict[str, tuple[str, int]] = {}
    for index, action, size in steps:
        name = f"file{index}"
        if action == "found":
            journal.flush()
            journal.add_found([Found(name, size, 1)])
            if state.get(name, ("pending", 0))[0] == "pending":
                state[name] = ("pending", size)
        elif action == "flush":
            journal.flush()
        elif action == "reopen":
            journal.close()
            journal = JobJournal(path)
        elif name in state and state[name][0] != "final":
            entry_id = journal._db.execute("SELECT id FROM files WHERE path = ?", (name.encode(),)).fetchone()[0]
            kind = {"commit": FileState.COMMITTED, "final": FileState.FINAL, "retry": FileState.RETRY}[action]
            bucket = Bucket.PENDING if action == "retry" else Bucket.TRANSFERRED
            journal.record(entry_id, Verdict(kind, bucket, size, stored=STORED))
            state[name] = ({"commit": "committed", "final": "final", "retry": "pending"}[action], size)
    journal.flush()
    counters = journal.counters()
    assert counters.files.scanned == len(state)
    assert counters.bytes.scanned == sum(size for _, size in state.values())
    assert counters.files.pending == sum(kind == "pending" for kind, _ in state.values())
    rows = journal.ledger_rows(1, 100)
    assert {row.path for row in rows} == {name for name, (kind, _) in state.items() if kind == "final"}
    assert [row.row for row in rows] == list(range(1, len(rows) + 1))
    journal.close()
