"""The Blob service's REST operations on a store: a request in, an answer out. No sockets and no faults."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import quote
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from tests.harness.blob_record import Event
from tests.harness.blob_store import Blob, BlobStore, Conditions, Piece, Properties, Refused, piece_of
from tests.harness.crc64 import crc64_bytes


@dataclass(frozen=True)
class Asked:
    """One request. `path` is ['', account, container, name]; header names are lower-case."""

    method: str
    kind: str
    path: list[str]
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = field(repr=False)

    @property
    def name(self) -> str:
        """The blob's name."""
        return self.path[3] if len(self.path) > 3 else ""


@dataclass(frozen=True)
class Reply:
    """One answer; Content-Length is its body's unless `headers` has one (HEAD)."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def answer_to(asked: Asked, store: BlobStore, event: Event, *, keep: bool, container: str) -> Reply:
    """Result: the service's answer; the body's size and digest are left in `event`. Raises Refused."""
    if asked.body and asked.kind in ("put_blob", "put_block"):
        event.size_bytes = len(asked.body)
    if len(asked.path) < 3 or asked.path[2] != container:
        raise Refused(404, "ContainerNotFound")
    operation = {
        "put_blob": _put_blob,
        "put_block": _put_block,
        "put_block_list": _put_block_list,
        "block_list": _block_list,
        "list": _list,
        "get": _get,
        "head": _head,
        "delete": _delete,
    }.get(asked.kind)
    if operation is None:
        raise Refused(405, "UnsupportedHttpVerb")
    return operation(asked, store, event, keep)


def refusal_of(status: int, code: str, headers: dict[str, str], said: str = "as scripted") -> Reply:
    """Result: a refusal in the service's own form; without a `code`, as an appliance would give it."""
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{escape(said)}</Message></Error>".encode()
    own = {"Content-Type": "application/xml", **({"x-ms-error-code": code} if code else {})}
    return Reply(status, {**own, **headers}, body if code else b"")


def _put_blob(asked: Asked, store: BlobStore, event: Event, keep: bool) -> Reply:
    if asked.headers.get("x-ms-blob-type") != "BlockBlob":
        raise Refused(400, "InvalidHeaderValue")
    piece = _checked(asked, event, keep, asked.headers.get("x-ms-blob-content-md5"))
    properties = _properties(asked, base64.b64encode(piece.md5).decode("ascii"))
    blob = store.put_blob(asked.name, piece, properties, _conditions(asked))
    return Reply(201, _written(blob) | {"Content-MD5": properties.md5 or ""})


def _put_block(asked: Asked, store: BlobStore, event: Event, keep: bool) -> Reply:
    piece = _checked(asked, event, keep)
    store.put_block(asked.name, asked.query.get("blockid", ""), piece)
    return Reply(201)


def _put_block_list(asked: Asked, store: BlobStore, event: Event, keep: bool) -> Reply:
    _checked(asked, None, False)
    try:
        root = ElementTree.fromstring(asked.body)
    except ElementTree.ParseError as error:
        raise Refused(400, "InvalidXmlDocument") from error
    wanted = [(child.tag, child.text or "") for child in root]
    if root.tag != "BlockList" or any(tag not in ("Committed", "Uncommitted", "Latest") for tag, _ in wanted):
        raise Refused(400, "InvalidXmlDocument")
    label = asked.headers.get("x-ms-blob-content-md5")
    blob = store.put_block_list(asked.name, wanted, _properties(asked, label), _conditions(asked))
    event.size_bytes = blob.size_bytes
    return Reply(201, _written(blob))


def _block_list(asked: Asked, store: BlobStore, event: Event, keep: bool) -> Reply:
    which = asked.query.get("blocklisttype", "committed").lower()
    committed, staged = store.block_lists(asked.name)

    def blocks(tag: str, found: list[tuple[str, int]]) -> str:
        listed = "".join(f"<Block><Name>{name}</Name><Size>{size}</Size></Block>" for name, size in found)
        return f"<{tag}>{listed}</{tag}>"

    parts = blocks("CommittedBlocks", committed) if which in ("committed", "all") else ""
    parts += blocks("UncommittedBlocks", staged) if which in ("uncommitted", "all") else ""
    # Only a list that has the staged blocks tells a client about them (tests/harness/blob_record.py).
    event.kind = "block_list" if which in ("uncommitted", "all") else "committed_block_list"
    return Reply(200, {"Content-Type": "application/xml"}, _xml(f"<BlockList>{parts}</BlockList>"))


def _get(asked: Asked, store: BlobStore, event: Event, keep: bool) -> Reply:
    blob = store.get(asked.name, _conditions(asked))
    return Reply(200, _described(blob), blob.content())


def _head(asked: Asked, store: BlobStore, event: Event, keep: bool) -> Reply:
    blob = store.get(asked.name, _conditions(asked))
    return Reply(200, _described(blob) | {"Content-Length": str(blob.size_bytes)})


def _delete(asked: Asked, store: BlobStore, event: Event, keep: bool) -> Reply:
    store.delete(asked.name, _conditions(asked))
    return Reply(202)


def _list(asked: Asked, store: BlobStore, event: Event, keep: bool) -> Reply:
    prefix, limit = asked.query.get("prefix", ""), int(asked.query.get("maxresults", "5000"))
    marker = base64.b64decode(asked.query.get("marker", "")).decode("utf-8", "surrogateescape")
    found, after = store.page(prefix, marker, min(limit, 5000))
    next_marker = base64.b64encode(after.encode("utf-8", "surrogateescape")).decode("ascii")
    with_metadata = "metadata" in asked.query.get("include", "").split(",")
    listed = "".join(_listed(blob, with_metadata=with_metadata) for blob in found)
    text = f"<EnumerationResults><Blobs>{listed}</Blobs><NextMarker>{next_marker}</NextMarker></EnumerationResults>"
    return Reply(200, {"Content-Type": "application/xml"}, _xml(text))


def _listed(blob: Blob, *, with_metadata: bool) -> str:
    own = blob.properties
    values = {
        "Last-Modified": _date(blob.modified_at),
        "Etag": blob.etag,
        "Content-Length": str(blob.size_bytes),
        "Content-Type": own.content_type,
        **({"Content-MD5": own.md5} if own.md5 else {}),
        "BlobType": "BlockBlob",
        "AccessTier": own.tier,
    }
    properties = "".join(f"<{tag}>{escape(value)}</{tag}>" for tag, value in values.items())
    metadata = "".join(f"<{key}>{escape(value)}</{key}>" for key, value in own.metadata.items())
    # Characters that XML cannot hold: the name is encoded, and says so.
    bad = any(ord(character) < 32 or ord(character) in (0xFFFE, 0xFFFF) for character in blob.name)
    name = f'<Name Encoded="true">{quote(blob.name)}</Name>' if bad else f"<Name>{escape(blob.name)}</Name>"
    extra = f"<Metadata>{metadata}</Metadata>" if with_metadata else ""
    return f"<Blob>{name}<Properties>{properties}</Properties>{extra}</Blob>"


def _checked(asked: Asked, event: Event | None, keep: bool, instead: str | None = None) -> Piece:
    """Result: the body, whose hash is the one that was sent with it; `instead` is taken for Content-MD5 if given."""
    piece = piece_of(asked.body, keep=keep)
    md5, crc = instead or asked.headers.get("content-md5"), asked.headers.get("x-ms-content-crc64")
    if md5 is not None and crc is not None:
        raise Refused(400, "BothCrc64AndMd5HeaderPresent")
    if md5 is not None and _decoded(md5, 16, "InvalidMd5") != piece.md5:
        raise Refused(400, "Md5Mismatch")
    if crc is not None and _decoded(crc, 8, "InvalidHeaderValue") != crc64_bytes(asked.body):
        raise Refused(400, "Crc64Mismatch")
    if event is not None:
        event.size_bytes, event.digest = piece.size_bytes, piece.md5.hex()
    return piece


def _decoded(text: str, length: int, code: str) -> bytes:
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        value = b""
    if len(value) != length:
        raise Refused(400, code)
    return value


def _properties(asked: Asked, md5: str | None) -> Properties:
    prefix = "x-ms-meta-"
    return Properties(
        md5,
        asked.headers.get("x-ms-blob-content-type") or asked.headers.get("content-type") or "application/octet-stream",
        {key.removeprefix(prefix): value for key, value in asked.headers.items() if key.startswith(prefix)},
        asked.headers.get("x-ms-access-tier", "Hot"),
    )


def _conditions(asked: Asked) -> Conditions:
    def value(name: str) -> str | None:
        given = asked.headers.get(name)
        return given.strip('"') if given is not None else None

    return Conditions(value("if-match"), value("if-none-match"))


def _written(blob: Blob) -> dict[str, str]:
    return {"ETag": f'"{blob.etag}"', "Last-Modified": _date(blob.modified_at)}


def _described(blob: Blob) -> dict[str, str]:
    own = blob.properties
    return {
        **_written(blob),
        "Content-Type": own.content_type,
        **({"Content-MD5": own.md5} if own.md5 else {}),
        "x-ms-blob-type": "BlockBlob",
        "x-ms-access-tier": own.tier,
        **{f"x-ms-meta-{key}": value for key, value in own.metadata.items()},
    }


def _date(seconds: float) -> str:
    return format_datetime(datetime.fromtimestamp(int(seconds), UTC), usegmt=True)


def _xml(text: str) -> bytes:
    return b'<?xml version="1.0" encoding="utf-8"?>' + text.encode("utf-8")
