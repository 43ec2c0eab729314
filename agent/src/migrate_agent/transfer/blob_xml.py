"""Reads the service's XML: pages of List Blobs and block lists."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote
from xml.etree import ElementTree

from migrate_agent.transfer.target_blob import (
    MARKER_KEY,
    MTIME_KEY,
    TargetBlob,
    parse_http_date,
    parse_md5,
    parse_mtime,
)
from migrate_contract.errors import ErrorCode, Retryable


@dataclass(frozen=True, slots=True)
class BlobPage:
    """One page of a listing; `marker` is '' after the last."""

    blobs: list[TargetBlob]
    marker: str


def parse_page(body: bytes) -> BlobPage:
    """Result: the page. Raises Retryable(target-busy) for what is no listing: something in between answered."""
    root = _parse(body)
    blobs = [_blob(element) for element in root.iterfind("Blobs/Blob")]
    return BlobPage(blobs, root.findtext("NextMarker") or "")


def parse_block_list(body: bytes) -> list[tuple[str, int]]:
    """Result: id and size of each committed block, in order. Raises Retryable(target-busy)."""
    return [
        (block.findtext("Name") or "", _number(block.findtext("Size")))
        for block in _parse(body).iterfind("CommittedBlocks/Block")
    ]


def _parse(body: bytes) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(body)  # noqa: S314 - from the verified service; expat bounds entity expansion
    except ElementTree.ParseError as error:
        raise Retryable(ErrorCode.TARGET_BUSY, "the service's answer is not the XML it should be") from error


def _blob(element: ElementTree.Element) -> TargetBlob:
    name = element.find("Name")
    text = (name.text or "") if name is not None else ""
    if name is not None and name.get("Encoded") == "true":
        text = unquote(text)
    properties = element.find("Properties")
    values = {child.tag: child.text or "" for child in properties} if properties is not None else {}
    metadata = element.find("Metadata")
    # Metadata names are compared without case: the service keeps the writer's case, HTTP does not.
    stored = {child.tag.lower(): child.text or "" for child in metadata} if metadata is not None else {}
    return TargetBlob(
        name=text,
        size_bytes=_number(values.get("Content-Length")),
        etag=values.get("Etag", "").strip('"'),
        md5=parse_md5(values.get("Content-MD5")),
        mtime_ns=parse_mtime(stored.get(MTIME_KEY)),
        modified_ns=parse_http_date(values.get("Last-Modified")),
        marker=stored.get(MARKER_KEY),
        archived=values.get("AccessTier", "").lower() == "archive",
    )


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0
