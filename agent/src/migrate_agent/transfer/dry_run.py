"""What a run would do, without doing it: the scan and the plan, counted and added up by kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from migrate_agent.store.entries import Entry, FileState, shown_path
from migrate_agent.store.job_journal import JobJournal
from migrate_agent.store.ledger import Remark
from migrate_agent.store.notes import unpacked
from migrate_agent.store.tallies import Tallies
from migrate_agent.transfer.names import blob_name
from migrate_agent.transfer.parts import Parts
from migrate_agent.transfer.passes import entries_in
from migrate_agent.transfer.planner import Compare, Settled, Unchanged
from migrate_agent.transfer.preflight import Findings, why_unreadable
from migrate_agent.transfer.results import DryRun, DryRunFile
from migrate_contract.errors import ErrorCode, SkipRecord
from migrate_contract.jobs import Bucket, Preflight, SymlinkPolicy

_MOST_FILES = 10_000
_PAGE = 1000
_SERIOUS = (Bucket.FAILED.value, Bucket.UNSUPPORTED.value)


class Attention:
    """Files that a person should know of, what keeps one from being copied first; the rest is only counted."""

    def __init__(self, excluded: Callable[[DryRunFile], None] | None) -> None:
        self._excluded = excluded
        self._first: list[DryRunFile] = []
        self._others: list[DryRunFile] = []
        self.total = 0

    def add(self, file: DryRunFile) -> None:
        """One file that would not simply be copied."""
        if file.bucket == Bucket.EXCLUDED.value:
            if self._excluded is not None:
                self._excluded(file)
            if file.code == ErrorCode.FILTERED_OUT.value:
                return
        self.total += 1
        files = self._first if file.bucket in _SERIOUS else self._others
        if len(files) < _MOST_FILES:
            files.append(file)

    def shown(self) -> list[DryRunFile]:
        """Result: the first 10,000, worst first; `total` counts them all."""
        return (self._first + self._others)[:_MOST_FILES]


def dry_run(journal: JobJournal, parts: Parts, *, excluded: Callable[[DryRunFile], None] | None = None) -> DryRun:
    """Result: the plan for what the journal's scan has found; the journal is not changed.

    `excluded` hears of every file that is left out, by a filter or another rule.
    """
    tallies, findings, attention = Tallies.of(journal.counters()), Findings(), Attention(excluded)
    compared = 0
    for row in _remarks(journal):
        findings.add_remark(row)
        attention.add(DryRunFile(row.path, row.bucket, row.size_bytes, row.code, row.detail))
    with parts.open_index() as index:
        for entry in entries_in(journal, FileState.PENDING):
            decision = parts.copy.decide(entry, index.get(blob_name(parts.spec.blob.prefix, entry.path)))
            found = DryRunFile(shown_path(entry.path), Bucket.TRANSFERRED.value, entry.size_bytes)
            if isinstance(decision, Unchanged):
                found = found.ended(Bucket.UNCHANGED)
            elif isinstance(decision, Settled):
                found = found.ended(decision.bucket, decision.code, decision.detail)
            elif parts.spec.check_readable and (fault := _fault(parts, entry)) is not None:
                found = found.ended(Bucket.FAILED, fault.code, fault.detail)
            elif isinstance(decision, Compare):
                compared += 1
            if found.code is None and entry.note is not None:
                found = found.ended(Bucket(found.bucket), *unpacked(entry.note))
            if found.code is not None:
                findings.add(Bucket(found.bucket), found.code, found.detail, found.path, found.size_bytes)
                attention.add(found)
            tallies.move(Bucket.PENDING, entry.size_bytes, Bucket(found.bucket), entry.size_bytes)
    counted = tallies.counters()
    return DryRun(
        counted.files,
        counted.bytes,
        compared,
        attention.shown(),
        attention_files=attention.total,
        findings=findings.all(),
        checked_readable=parts.spec.check_readable,
    )


class HeldFiles:
    """The same look for a job that holds after its scan: there the plan is in the journal already."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._findings = Findings()
        self._compared = 0

    def look_at(self, entry: Entry, *, compared: bool) -> None:
        """One file that waits to be copied; `compared`: its hash is to be looked at first."""
        self._compared += compared
        fault = _fault(self._parts, entry) if self._parts.spec.check_readable else None
        self._findings.add_pending(entry, fault)

    def report(self, journal: JobJournal) -> Preflight:
        """Result: what was found, with what the journal has settled."""
        for row in _remarks(journal):
            self._findings.add_remark(row)
        return self._findings.report(compared_files=self._compared, checked_readable=self._parts.spec.check_readable)


def findings_of(journal: JobJournal) -> Findings:
    """Result: what the ledger has to say, added up."""
    findings = Findings()
    for row in _remarks(journal):
        findings.add_remark(row)
    return findings


def _remarks(journal: JobJournal) -> Iterator[Remark]:
    row = 1
    while rows := journal.remarks(row, _PAGE):
        yield from rows
        row = rows[-1].row + 1


def _fault(parts: Parts, entry: Entry) -> SkipRecord | None:
    follow = parts.spec.transfer.symlinks is SymlinkPolicy.FOLLOW
    return why_unreadable(parts.spec.folder.path, entry.path, follow=follow)
