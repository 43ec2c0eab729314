"""What a blob at the destination tells of itself, and what we write into its metadata.

`mtime` is rclone's key and format, so that rclone agrees with our result; `onemigrate` names the job and attempt that
wrote the blob, and marks it as ours.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from migrate_agent.transfer.posix_properties import FOLDER_KEY, is_folder_mark

MTIME_KEY = "mtime"
MARKER_KEY = "onemigrate"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC by what it is used for; half as slow to print
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)")


class TargetBlob(NamedTuple):
    """One blob as the service describes it."""

    name: str
    size_bytes: int
    etag: str
    md5: str | None
    """Content-MD5 in hexadecimal; a label that its writer gave, None where there is none."""
    mtime_ns: int | None
    """The source's time that the writer left in the metadata."""
    modified_ns: int | None
    """The service's own time of the last write."""
    marker: str | None
    """`<job_id>.<attempt>` of our own blobs, None for everybody else's."""
    archived: bool = False
    folder: bool = False
    """Marks a folder (`hdi_isfolder`), and is no file."""
    tier: str | None = None
    """The access tier as the service spells it."""


def marker_of(job_id: str, attempt: int) -> str:
    """Result: the value that marks a blob as written by this attempt."""
    return f"{job_id}.{attempt}"


def metadata_for(mtime_ns: int | None, marker: str) -> dict[str, str]:
    """Result: the metadata of our blobs; no `mtime` where the file system's time is beyond the calendar."""
    text = format_mtime(mtime_ns)
    return {**({MTIME_KEY: text} if text else {}), MARKER_KEY: marker}


def format_mtime(mtime_ns: int | None) -> str | None:
    """Result: RFC 3339 in UTC with nine digits, as rclone writes it; None where the calendar does not reach."""
    if mtime_ns is None:
        return None
    seconds, nanoseconds = divmod(mtime_ns, 1_000_000_000)
    try:
        moment = _NAIVE_EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None
    return f"{moment.isoformat()}.{nanoseconds:09d}Z" if moment.year >= 1000 else None


def parse_mtime(text: str | None) -> int | None:
    """Result: nanoseconds since 1970, None for what is no RFC 3339 time."""
    found = _RFC3339.fullmatch(text.strip()) if text else None
    if not found:
        return None
    day, time, fraction, zone = found.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{time}{'+00:00' if zone == 'Z' else zone}")
    except ValueError:
        return None
    return (moment - _EPOCH) // timedelta(seconds=1) * 1_000_000_000 + int((fraction or "0").ljust(9, "0"))


def parse_http_date(text: str | None) -> int | None:
    """Result: nanoseconds since 1970, None for what is no date."""
    if not text:
        return None
    try:
        return int(parsedate_to_datetime(text).timestamp()) * 1_000_000_000
    except (ValueError, TypeError):
        return None


def parse_md5(text: str | None) -> str | None:
    """Result: a base64 MD5 in hexadecimal, None for anything else."""
    if not text:
        return None
    try:
        digest = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    return digest.hex() if len(digest) == 16 else None


def blob_from_headers(name: str, headers: Mapping[str, str]) -> TargetBlob:
    """Result: the blob that a HEAD answer describes. Header names are lower-case."""
    length = headers.get("content-length", "0")
    return TargetBlob(
        name=name,
        size_bytes=int(length) if length.isdigit() else 0,
        etag=headers.get("etag", "").strip('"'),
        md5=parse_md5(headers.get("content-md5")),
        mtime_ns=parse_mtime(headers.get(f"x-ms-meta-{MTIME_KEY}")),
        modified_ns=parse_http_date(headers.get("last-modified")),
        marker=headers.get(f"x-ms-meta-{MARKER_KEY}"),
        archived=headers.get("x-ms-access-tier", "").lower() == "archive",
        folder=is_folder_mark(headers.get(f"x-ms-meta-{FOLDER_KEY}")),
        tier=headers.get("x-ms-access-tier"),
    )
