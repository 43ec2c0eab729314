"""Ledgers in Blob Storage: chunks of consecutive rows, named by attempt and first row, counted in their metadata.

`<organization>/<job id>/<attempt, 6 digits>/<first row, 12 digits>.jsonl` in container `ledgers`. A chunk may repeat
rows of the one before (two posts at once); a reader skips rows that it has seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from functions.domain.ports import Blobs
from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import Bucket, LedgerRow, Verification

CONTAINER = "ledgers"
_KNOWN = frozenset(code.value for code in ErrorCode)
_MOST_RULES_BYTES = 4_000
OTHER_CODE = "other"
"""Stands in the counts for a code that is not in the catalogue: metadata is short and ASCII."""


@dataclass(slots=True)
class Counts:
    """What some rows add up to."""

    rows: int = 0
    files: Counter[Bucket] = field(default_factory=Counter)
    bytes: Counter[Bucket] = field(default_factory=Counter)
    reasons: Counter[tuple[Bucket, str]] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    """Of the files that filters left out; may know fewer than `reasons` counts."""
    levels: Counter[Verification] = field(default_factory=Counter)
    safe_files: int = 0
    safe_bytes: int = 0

    def add(self, row: LedgerRow) -> None:
        """Counts one row."""
        self.rows += 1
        self.files[row.bucket] += 1
        self.bytes[row.bucket] += row.size_bytes
        if row.code is not None:
            self.reasons[(row.bucket, row.code if row.code in _KNOWN else OTHER_CODE)] += 1
        if row.code == ErrorCode.FILTERED_OUT and row.detail:
            self.rules[row.detail] += 1
        if row.verification is not None and row.bucket in (Bucket.TRANSFERRED, Bucket.UNCHANGED):
            self.levels[row.verification] += 1
        if is_safe(row):
            self.safe_files += 1
            self.safe_bytes += row.size_bytes

    def plus(self, other: Counts) -> None:
        """Adds the other's counts."""
        self.rows += other.rows
        self.files += other.files
        self.bytes += other.bytes
        self.reasons += other.reasons
        self.rules += other.rules
        self.levels += other.levels
        self.safe_files += other.safe_files
        self.safe_bytes += other.safe_bytes

    def metadata(self) -> dict[str, str]:
        """Result: the counts as blob metadata."""
        columns = {"rows": str(self.rows)}
        if self.safe_files:
            columns |= {"safe_files": str(self.safe_files), "safe_bytes": str(self.safe_bytes)}
        columns.update({f"files_{bucket.value}": str(count) for bucket, count in self.files.items()})
        columns.update({f"bytes_{bucket.value}": str(count) for bucket, count in self.bytes.items()})
        columns.update({f"level_{level.value}": str(count) for level, count in self.levels.items()})
        columns["reasons"] = ",".join(
            f"{bucket.value}:{code}:{count}" for (bucket, code), count in sorted(self.reasons.items())
        )
        columns["rules"] = _rules_that_fit(self.rules)
        return columns

    @staticmethod
    def of(metadata: dict[str, str]) -> Counts:
        """Result: what `metadata` wrote."""
        reasons: Counter[tuple[Bucket, str]] = Counter()
        for reason in filter(None, metadata.get("reasons", "").split(",")):
            bucket, code, count = reason.split(":")
            reasons[(Bucket(bucket), code)] = int(count)
        rules: Counter[str] = Counter()
        for rule in filter(None, metadata.get("rules", "").split(",")):
            words, count = rule.split(":")
            rules[unquote(words)] = int(count)
        return Counts(
            rows=int(metadata.get("rows", "0")),
            files=Counter({bucket: int(metadata.get(f"files_{bucket.value}", "0")) for bucket in Bucket}),
            bytes=Counter({bucket: int(metadata.get(f"bytes_{bucket.value}", "0")) for bucket in Bucket}),
            reasons=reasons,
            rules=rules,
            levels=Counter({level: int(metadata.get(f"level_{level.value}", "0")) for level in Verification}),
            safe_files=int(metadata.get("safe_files", "0")),
            safe_bytes=int(metadata.get("safe_bytes", "0")),
        )


def _rules_that_fit(rules: Counter[str]) -> str:
    """Result: the rules with most files, in ASCII and within the service's limit of 8 KiB for all metadata."""
    listed: list[str] = []
    size = 0
    for rule, count in rules.most_common():
        text = f"{quote(rule, safe='')}:{count}"
        size += len(text) + 1
        if size > _MOST_RULES_BYTES:
            break
        listed.append(text)
    return ",".join(listed)


@dataclass(frozen=True, slots=True)
class Chunk:
    """One blob of a ledger."""

    name: str
    first: int
    counts: Counts

    @property
    def last(self) -> int:
        """Result: the number of its last row."""
        return self.first + self.counts.rows - 1


class LedgerStore:
    """Writes and reads chunks."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def write(self, organization: str, job_id: str, attempt: int, rows: Sequence[LedgerRow]) -> None:
        """Writes one chunk; the same chunk again overwrites itself."""
        counts = Counts()
        for row in rows:
            counts.add(row)
        name = f"{_folder(organization, job_id, attempt)}{rows[0].row:012d}.jsonl"
        content = "".join(row.model_dump_json(exclude_none=True) + "\n" for row in rows).encode()
        self._blobs.put(CONTAINER, name, content, counts.metadata())

    def chunks(self, organization: str, job_id: str, attempt: int) -> list[Chunk]:
        """Result: the attempt's chunks in order, without their content."""
        found = self._blobs.list(CONTAINER, _folder(organization, job_id, attempt))
        return [
            Chunk(item.name, int(item.name.rsplit("/", 1)[1].removesuffix(".jsonl")), Counts.of(dict(item.metadata)))
            for item in found
        ]

    def rows(self, chunk: Chunk, after: int) -> Iterator[LedgerRow]:
        """Result: the chunk's rows with a number above `after`."""
        for line in (self._blobs.get(CONTAINER, chunk.name) or b"").splitlines():
            row = LedgerRow.model_validate_json(line)
            if row.row > after:
                yield row

    def delete_all(self, organization: str, job_id: str) -> None:
        """Removes every attempt's ledger of the job."""
        self._blobs.delete_prefix(CONTAINER, f"{organization}/{job_id}/")


def is_safe(row: LedgerRow) -> bool:
    """Result: whether the source file can be deleted: the agent said so of a copy that was read back."""
    copied = row.bucket in (Bucket.TRANSFERRED, Bucket.UNCHANGED)
    return row.safe_to_delete and copied and row.verification in (Verification.STORED, Verification.READBACK)


def _folder(organization: str, job_id: str, attempt: int) -> str:
    return f"{organization}/{job_id}/{attempt:06d}/"
