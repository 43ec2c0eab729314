"""What imports leave in Blob Storage: the chunks of their logs, and their reports.

Container `imports`: `<organization>/<job id>/<attempt, 6 digits>/log/<first row, 12 digits>.jsonl`, counted in its
metadata by kind, entity and code, and `.../report.json`. A chunk may repeat rows of the one before (two posts at
once); a reader skips rows that it has seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from functions.domain.ports import Blobs
from migrate_contract.errors import ErrorCode
from migrate_contract.rockrms import Entity, ImportLogRow, ImportReport, LogKind

CONTAINER = "imports"
_KNOWN = frozenset(code.value for code in ErrorCode)
OTHER_CODE = "other"
"""Stands in the counts for a code that is not in the catalogue: metadata is short and ASCII."""


class Group(NamedTuple):
    """What rows of the log have in common."""

    kind: LogKind
    entity: Entity
    code: str


def group_of(row: ImportLogRow) -> Group:
    """Result: the group that counts the row."""
    return Group(row.kind, row.entity, row.code if row.code in _KNOWN else OTHER_CODE)


@dataclass(frozen=True, slots=True)
class Chunk:
    """One blob of a log, without its content."""

    name: str
    first: int
    last: int
    groups: Counter[Group]


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A report, and when it came."""

    report: ImportReport
    received_at: datetime


class ImportStore:
    """Writes and reads."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def write_log(self, organization: str, job_id: str, attempt: int, rows: Sequence[ImportLogRow]) -> None:
        """Writes one chunk; the same chunk again overwrites itself."""
        groups = Counter(map(group_of, rows))
        metadata = {
            "rows": str(len(rows)),
            "groups": ",".join(f"{g.kind.value}:{g.entity.value}:{g.code}:{n}" for g, n in groups.items()),
        }
        content = "".join(row.model_dump_json(exclude_none=True) + "\n" for row in rows).encode()
        self._blobs.put(CONTAINER, f"{_log(organization, job_id, attempt)}{rows[0].row:012d}.jsonl", content, metadata)

    def log_chunks(self, organization: str, job_id: str, attempt: int) -> list[Chunk]:
        """Result: the attempt's chunks in order."""
        found = []
        for item in self._blobs.list(CONTAINER, _log(organization, job_id, attempt)):
            first = int(item.name.rsplit("/", 1)[1].removesuffix(".jsonl"))
            last = first + int(item.metadata.get("rows", "0")) - 1
            found.append(Chunk(item.name, first, last, _groups(item.metadata.get("groups", ""))))
        return found

    def log_rows(self, chunk: Chunk, after: int) -> Iterator[ImportLogRow]:
        """Result: the chunk's rows with a number above `after`."""
        for line in (self._blobs.get(CONTAINER, chunk.name) or b"").splitlines():
            row = ImportLogRow.model_validate_json(line)
            if row.row > after:
                yield row

    def write_report(self, organization: str, job_id: str, report: ImportReport, received_at: datetime) -> None:
        """Keeps the attempt's report in the place of an earlier one."""
        self._blobs.put(
            CONTAINER,
            _report(organization, job_id, report.attempt),
            report.model_dump_json().encode(),
            {"received_at": received_at.isoformat()},
        )

    def report(self, organization: str, job_id: str, attempt: int) -> StoredReport | None:
        """Result: the attempt's report, or None."""
        name = _report(organization, job_id, attempt)
        content = self._blobs.get(CONTAINER, name)
        if content is None:
            return None
        metadata = next((item.metadata for item in self._blobs.list(CONTAINER, name)), {})
        report = ImportReport.model_validate_json(content)
        received = metadata.get("received_at")
        return StoredReport(report, datetime.fromisoformat(received) if received else report.finished_at)

    def delete_all(self, organization: str, job_id: str) -> None:
        """Removes every attempt's log and report of the job."""
        self._blobs.delete_prefix(CONTAINER, f"{organization}/{job_id}/")


def _groups(text: str) -> Counter[Group]:
    groups: Counter[Group] = Counter()
    for part in filter(None, text.split(",")):
        kind, entity, code, count = part.split(":")
        groups[Group(LogKind(kind), Entity(entity), code)] = int(count)
    return groups


def _log(organization: str, job_id: str, attempt: int) -> str:
    return f"{organization}/{job_id}/{attempt:06d}/log/"


def _report(organization: str, job_id: str, attempt: int) -> str:
    return f"{organization}/{job_id}/{attempt:06d}/report.json"
