"""What must hold of a copy, whatever was done to it: compared by the endpoint's own digests, never by the product's."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from migrate_contract.jobs import Bucket, LedgerRow
from tests.harness.blob_endpoint import BlobEndpoint
from tests.harness.blob_store import Blob
from tests.harness.copy_process import CopyProcess

_THERE = (Bucket.TRANSFERRED, Bucket.UNCHANGED)


def difference(blob: Blob | None, path: Path) -> str | None:
    """Result: how the bytes that arrived differ from the file's, None if they are the same."""
    if blob is None:
        return "is not in the container"
    size = path.stat().st_size
    if blob.size_bytes != size:
        return f"has {blob.size_bytes} bytes in the container and {size} in the source"
    whole = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        for index, piece in enumerate(blob.pieces):
            body = file.read(piece.size_bytes)
            whole.update(body)
            if hashlib.md5(body, usedforsecurity=False).digest() != piece.md5:
                return f"differs from the source in block {index}"
    label = base64.b64encode(whole.digest()).decode("ascii")
    if blob.properties.md5 != label:
        return f"carries the MD5 {blob.properties.md5}, its bytes have {label}"
    return None


def files_of(source: Path) -> dict[str, Path]:
    """Result: name in the container -> file, for every file of the source."""
    return {path.relative_to(source).as_posix(): path for path in source.rglob("*") if path.is_file()}


def wrongly_reported(rows: Iterable[LedgerRow], endpoint: BlobEndpoint, source: Path) -> list[str]:
    """Result: a sentence for each file that a ledger calls copied and that is not in the container as it should be."""
    found = []
    for row in rows:
        if row.bucket in _THERE:
            wrong = difference(endpoint.store.blobs.get(row.path), source / row.path)
            if wrong is not None:
                found.append(f"{row.path} is reported as {row.bucket.value} and {wrong}")
    return found


def problems_at_the_end(copy: CopyProcess, endpoint: BlobEndpoint, source: Path) -> list[str]:
    """Result: a sentence for everything that is not as a complete copy is; [] if all is."""
    files, rows, report = files_of(source), copy.ledger(), copy.report()
    found = [
        f"{name} {wrong}" for name, path in files.items() if (wrong := difference(endpoint.store.blobs.get(name), path))
    ]
    found += [
        f"{name} is in the container and not in the source" for name in endpoint.store.blobs.keys() - files.keys()
    ]
    times = Counter(row.path for row in rows)
    found += [f"{path} is {count} times in the ledger" for path, count in times.items() if count > 1]
    found += [f"{path} is not in the ledger" for path in files.keys() - times.keys()]
    found += [f"{row.path} ended as {row.bucket.value} ({row.code})" for row in rows if row.bucket not in _THERE]
    return found + _sums(report, rows) + endpoint.record.sent_twice() + endpoint.record.committed_twice()


def _sums(report: dict, rows: list[LedgerRow]) -> list[str]:
    found = []
    for tally, sizes in ((report["files"], [1] * len(rows)), (report["bytes"], [row.size_bytes for row in rows])):
        buckets = {name: count for name, count in tally.items() if name != "scanned"}
        if tally["scanned"] != sum(buckets.values()) or tally["scanned"] != sum(sizes):
            found.append(f"the buckets do not add up: {tally}, the ledger has {sum(sizes)}")
        for name, count in buckets.items():
            mine = sum(size for row, size in zip(rows, sizes, strict=True) if row.bucket.value == name)
            if mine != count:
                found.append(f"{name} is {count} in the report and {mine} in the ledger")
    if report["outcome"] != "complete":
        found.append(f"the copy ended as {report['outcome']}")
    return found
