"""What a run would do, without doing it: the scan and the plan, counted."""

from __future__ import annotations

from migrate_agent.store.entries import FileState
from migrate_agent.store.job_journal import JobJournal
from migrate_agent.store.tallies import Tallies
from migrate_agent.transfer.names import blob_name
from migrate_agent.transfer.parts import Parts
from migrate_agent.transfer.passes import entries_in
from migrate_agent.transfer.planner import Compare, Settled, Unchanged
from migrate_agent.transfer.results import DryRun, DryRunFile
from migrate_contract.jobs import Bucket

_MOST_FILES = 10_000
_QUIET = (Bucket.UNCHANGED, Bucket.TRANSFERRED)


def dry_run(journal: JobJournal, parts: Parts) -> DryRun:
    """Result: the plan for what the journal's scan has found; the journal is not changed."""
    tallies, compared, attention = Tallies.of(journal.counters()), 0, _scanned_attention(journal)
    with parts.open_index() as index:
        for entry in entries_in(journal, FileState.PENDING, lambda: False, lambda: None):
            decision = parts.copy.decide(entry, index.get(blob_name(parts.spec.destination.prefix, entry.path)))
            if isinstance(decision, Compare):
                compared += 1
                decision = decision.otherwise
            bucket = Bucket.TRANSFERRED
            if isinstance(decision, Unchanged):
                bucket = Bucket.UNCHANGED
            elif isinstance(decision, Settled):
                bucket = decision.bucket
                if len(attention) < _MOST_FILES:
                    attention.append(
                        DryRunFile(entry.path, bucket.value, entry.size_bytes, decision.code.value, decision.detail)
                    )
            tallies.move(Bucket.PENDING, entry.size_bytes, bucket, entry.size_bytes)
    counted = tallies.counters()
    return DryRun(counted.files, counted.bytes, compared, attention)


def _scanned_attention(journal: JobJournal) -> list[DryRunFile]:
    """What the scan alone has settled."""
    found: list[DryRunFile] = []
    row = 1
    while len(found) < _MOST_FILES and (rows := journal.ledger_rows(row, 1000)):
        found += [
            DryRunFile(item.path, item.bucket.value, item.size_bytes, item.code, item.detail)
            for item in rows
            if item.bucket not in _QUIET
        ]
        row = rows[-1].row + 1
    return found[:_MOST_FILES]
