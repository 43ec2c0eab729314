"""Reads the service's XML: pages of List Blobs and block lists."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote
from xml.etree import ElementTree
from xml.sax.saxutils import unescape

from migrate_agent.transfer.posix_properties import FOLDER_KEY, is_folder_mark
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


def parse_page(body: bytes, *, times: bool = True) -> BlobPage:
    """Result: the page. Raises Retryable(target-busy) for what is no listing: something in between answered.

    Without `times` the blobs may have no `modified_ns`, which costs more to read than all the rest.
    """
    usual = _usual_page(body, times=times)
    return _any_page(body) if usual is None else usual


def marker_of_page(body: bytes) -> str | None:
    """Result: the marker of a page that is not read yet, so that the next one can be asked for; None: read it first."""
    end = body.rfind(b"</Blobs>")
    if end < 0 or not body.rstrip().endswith(b"</EnumerationResults>"):
        return None
    return unescape((_between(body[end:], b"<NextMarker>", b"</NextMarker>") or b"").decode("utf-8", "replace"))


def _usual_page(body: bytes, *, times: bool) -> BlobPage | None:
    """The page as the service writes it, cut apart by its tags: a listing of a million blobs is a gigabyte of XML.

    Result: None where anything is not just as usual; then a real parser reads all of it.
    """
    begin, end = body.find(b"<Blobs>"), body.rfind(b"</Blobs>")
    if begin < 0 or end < 0 or not body.rstrip().endswith(b"</EnumerationResults>"):
        return None
    blobs: list[TargetBlob] = []
    for part in body[begin + 7 : end].split(b"<Blob>")[1:]:
        blob = _usual_blob(part, times=times)
        if blob is None:
            return None
        blobs.append(blob)
    marker = _between(body[end:], b"<NextMarker>", b"</NextMarker>") or b""
    return BlobPage(blobs, unescape(marker.decode("utf-8", "replace")))


def _usual_blob(part: bytes, *, times: bool) -> TargetBlob | None:
    name_ends, properties_end = part.find(b"</Name>"), part.find(b"</Properties>")
    if not part.startswith(b"<Name>") or name_ends < 0 or properties_end < 0 or not part.endswith(b"</Blob>"):
        return None
    name, properties, metadata = part[6:name_ends], part[name_ends:properties_end], part[properties_end:]
    length = _between(properties, b"<Content-Length>", b"</")
    if length is None or not length.isdigit() or b"<" in name or b"&#" in part or b"<!" in part:
        return None
    if b"<Metadata>" in metadata:
        lower = metadata.lower()
        if any(key in lower and key not in metadata for key in (_MTIME, _MARKER, _FOLDER)):
            return None
        mtime_ns, marker = parse_mtime(_text(metadata, _MTIME)), _between(metadata, _MARKER, b"</")
    else:
        mtime_ns, marker = None, None
    try:
        text = name.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return TargetBlob(
        name=unescape(text, _QUOTES) if "&" in text else text,
        size_bytes=int(length),
        etag=_text(properties, b"<Etag>").strip('"').removeprefix("&quot;").removesuffix("&quot;"),
        md5=parse_md5(_text(properties, b"<Content-MD5>")),
        mtime_ns=mtime_ns,
        modified_ns=parse_http_date(_text(properties, b"<Last-Modified>")) if times and mtime_ns is None else None,
        marker=None if marker is None else unescape(marker.decode("utf-8", "replace")),
        archived=b"<AccessTier>Archive<" in properties,
        folder=is_folder_mark(_text(metadata, _FOLDER)),
        tier=_text(properties, b"<AccessTier>") or None,
    )


_MTIME, _MARKER = f"<{MTIME_KEY}>".encode(), f"<{MARKER_KEY}>".encode()
_FOLDER = f"<{FOLDER_KEY}>".encode()
_QUOTES = {"&quot;": '"', "&apos;": "'"}


def _between(text: bytes, begin: bytes, end: bytes) -> bytes | None:
    at = text.find(begin)
    if at < 0:
        return None
    at += len(begin)
    return text[at : text.find(end, at)]


def _text(text: bytes, tag: bytes) -> str:
    return (_between(text, tag, b"</") or b"").decode("latin-1")


def _any_page(body: bytes) -> BlobPage:
    root = _parse(body)
    blobs = [_blob(element) for element in root.iterfind("Blobs/Blob")]
    return BlobPage(blobs, root.findtext("NextMarker") or "")


def parse_block_list(body: bytes, *, committed: bool = True) -> list[tuple[str, int]]:
    """Result: id and size of each committed (or uncommitted) block, in order. Raises Retryable(target-busy)."""
    return [
        (block.findtext("Name") or "", _number(block.findtext("Size")))
        for block in _parse(body).iterfind("CommittedBlocks/Block" if committed else "UncommittedBlocks/Block")
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
        folder=is_folder_mark(stored.get(FOLDER_KEY)),
        tier=values.get("AccessTier"),
    )


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0
