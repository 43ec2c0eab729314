"""What is known of the files before the first one is sent, added up by kind. Pure, except `readable`.

A *finding* is one kind: where the files are counted, the code of the catalogue, and for a filter the rule. What the
scan and the first look at the destination have settled is in the ledger; names that differ only by case or Unicode
form, and files that cannot be opened, are found among those that would be copied.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from migrate_agent.store.entries import Entry, shown_path
from migrate_agent.store.ledger import Remark
from migrate_agent.store.notes import unpacked
from migrate_agent.transfer.source_folder import open_file
from migrate_contract.errors import ErrorCode, SkipRecord
from migrate_contract.jobs import Bucket, Finding, Preflight

_EXAMPLES = 3
_LONGEST_EXAMPLE = 200
_MOST_KINDS = 50
_MOST_BYTES = 64 * 1024
"""Of a preflight in a progress report, which has other things to say, too."""


@dataclass(slots=True)
class _Kind:
    files: int = 0
    bytes: int = 0
    examples: list[str] = field(default_factory=list)


class Findings:
    """Findings as they come in. Memory holds the kinds, not the files."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[Bucket, str, str], _Kind] = {}

    def add(self, bucket: Bucket, code: str, detail: str | None, path: str, size_bytes: int) -> None:
        """One file. `path` as shown to people."""
        rule = (detail or "") if code == ErrorCode.FILTERED_OUT else ""
        kind = self._kinds.setdefault((bucket, code, rule), _Kind())
        kind.files += 1
        kind.bytes += size_bytes
        if len(kind.examples) < _EXAMPLES:
            kind.examples.append(path if len(path) <= _LONGEST_EXAMPLE else "…" + path[1 - _LONGEST_EXAMPLE :])

    def add_remark(self, row: Remark) -> None:
        """One row of the ledger that says more than that the file is there now."""
        self.add(Bucket(row.bucket), row.code, row.detail, row.path, row.size_bytes)

    def add_pending(self, entry: Entry, fault: SkipRecord | None) -> None:
        """One file that would be copied; `fault`: why it cannot be opened."""
        path = shown_path(entry.path)
        code, sentences = unpacked(entry.note)
        if code is not None:
            self.add(Bucket.PENDING, code.value, sentences, path, entry.size_bytes)
        if fault is not None:
            self.add(Bucket.PENDING, fault.code.value, fault.detail, path, entry.size_bytes)

    def all(self) -> list[Finding]:
        """Result: every kind, most files first."""
        found = [
            Finding(bucket=bucket, code=code, rule=rule, files=kind.files, bytes=kind.bytes, examples=kind.examples)
            for (bucket, code, rule), kind in self._kinds.items()
        ]
        return sorted(found, key=lambda finding: -finding.files)

    def report(self, *, compared_files: int, checked_readable: bool) -> Preflight:
        """Result: what fits into a progress report."""
        shown: list[Finding] = []
        size = 0
        found = self.all()
        for finding in found[:_MOST_KINDS]:
            size += len(finding.model_dump_json().encode())
            if size > _MOST_BYTES:
                break
            shown.append(finding)
        return Preflight(
            findings=shown,
            left_off=len(found) - len(shown),
            compared_files=compared_files,
            checked_readable=checked_readable,
        )


def why_unreadable(root: str, path: str, *, follow: bool) -> SkipRecord | None:
    """Result: why the file cannot be opened for reading, None if it can; not a byte of it is read."""
    try:
        with open_file(root, path, follow=follow, racy_seconds=0.0):
            return None
    except SkipRecord as fault:
        return fault


def seconds_at(size_bytes: int, mbps: float) -> float:
    """Result: how long `size_bytes` of payload take at `mbps` megabits per second, at least."""
    return size_bytes * 8 / (mbps * 1e6)
