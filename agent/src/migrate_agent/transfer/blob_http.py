"""The lean client of the Blob service: each operation is one request on a kept-alive connection.

A SAS needs no signing, so a request is a line, a few headers and the body. Every body carries Content-MD5, which the
service checks. Nothing is repeated here (transfer/courier.py does), and a signature is in no error, log or repr.
"""

from __future__ import annotations

import binascii
import hashlib
import platform
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from migrate_agent import __version__
from migrate_agent.transfer.blob_answers import refusal, service_code
from migrate_agent.transfer.blob_xml import parse_block_list
from migrate_agent.transfer.connection import Answer, Endpoint, Exchange, Pace, Request
from migrate_agent.transfer.target_blob import TargetBlob, blob_from_headers
from migrate_contract.jobs import Grant

SERVICE_VERSION = "2021-12-02"
"""Blocks up to 4,000 MiB, names in listings encoded where XML cannot hold them."""
_USER_AGENT = f"migrate-agent/{__version__} ({platform.system()}; Python)"


class Condition(NamedTuple):
    """What must hold of the blob for a commit: it does not exist (`etag` None), or it is still the one with `etag`."""

    etag: str | None = None

    def header(self) -> tuple[str, str]:
        """Result: the request header's name and value."""
        return ("If-None-Match", "*") if self.etag is None else ("If-Match", f'"{self.etag}"')


class BlobProperties(NamedTuple):
    """What a commit stores beside the bytes. `md5` is the whole file's."""

    md5: bytes
    content_type: str
    metadata: Mapping[str, str] = MappingProxyType({})
    access_tier: str | None = None
    """As the service spells it; None: the account's default."""


class BlobClient:
    """Operations on one container, under the grant given with each call. Safe for all threads.

    Each raises ConnectionFault without an answer, and what `blob_answers.refusal` says for an answer other than 2xx.
    """

    def __init__(self, pool: Exchange) -> None:
        self._pool = pool
        self._address: Address | None = None

    def put_blob(
        self, grant: Grant, name: str, body: bytes, properties: BlobProperties, condition: Condition, *, pace: Pace
    ) -> str:
        """Result: the new blob's ETag. `properties.md5` is the body's and is checked by the service."""
        headers = [
            ("x-ms-blob-type", "BlockBlob"),
            ("Content-MD5", _base64(properties.md5)),
            *_stored_headers(properties),
            condition.header(),
        ]
        return _etag(self._call(grant, "PUT", name, headers=headers, body=body, pace=pace))

    def put_block(
        self, grant: Grant, name: str, block_id: str, body: bytes | memoryview, check: tuple[str, str], *, pace: Pace
    ) -> None:
        """Stages one block; `block_id` is base64, of equal length for all blocks of a blob.

        `check` is the header by which the service checks the body (transfer/content_check.py).
        """
        query = {"comp": "block", "blockid": block_id}
        self._call(grant, "PUT", name, query, headers=[check], body=body, pace=pace)

    def put_block_list(
        self, grant: Grant, name: str, block_ids: Sequence[str], properties: BlobProperties, condition: Condition
    ) -> str:
        """Result: the committed blob's ETag."""
        listed = "".join(f"<Uncommitted>{block_id}</Uncommitted>" for block_id in block_ids)
        body = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{listed}</BlockList>'.encode("ascii")
        digest = hashlib.md5(body, usedforsecurity=False).digest()
        headers = [("Content-MD5", _base64(digest)), *_stored_headers(properties), condition.header()]
        return _etag(self._call(grant, "PUT", name, {"comp": "blocklist"}, headers=headers, body=body))

    def head(self, grant: Grant, name: str) -> TargetBlob | None:
        """Result: the blob as the service holds it, None if there is none."""
        answer = self._exchange(grant, "HEAD", name, {}, [], b"", None, None)
        if answer.status == 404 and answer.headers.get("x-ms-error-code", "BlobNotFound") == "BlobNotFound":
            return None
        _raise_unless_done(answer, name)
        return blob_from_headers(name, answer.headers)

    def block_list(self, grant: Grant, name: str) -> list[tuple[str, int]]:
        """Result: id and size of each committed block, in order."""
        query = {"comp": "blocklist", "blocklisttype": "committed"}
        return parse_block_list(self._call(grant, "GET", name, query).body)

    def staged_blocks(self, grant: Grant, name: str) -> list[tuple[str, int]]:
        """Result: id and size of each block that waits uncommitted under this name; none where the blob is unknown."""
        query = {"comp": "blocklist", "blocklisttype": "uncommitted"}
        answer = self._exchange(grant, "GET", name, query, [], b"", None, None)
        if answer.status == 404 and service_code(answer) == "BlobNotFound":
            return []
        _raise_unless_done(answer, name)
        return parse_block_list(answer.body, committed=False)

    def list_body(self, grant: Grant, prefix: str, marker: str, limit: int, *, metadata: bool = True) -> bytes:
        """Result: the page of up to `limit` blobs whose names begin with `prefix`, from `marker` on ('' at first).

        It is as the service wrote it, for transfer/blob_xml.py. Without `metadata` its blobs have no times and no
        `marker`, and it is about half as long.
        """
        query = {
            "restype": "container",
            "comp": "list",
            **({"include": "metadata"} if metadata else {}),
            "maxresults": str(limit),
            **({"prefix": prefix} if prefix else {}),
            **({"marker": marker} if marker else {}),
        }
        return self._call(grant, "GET", "", query).body

    def download(self, grant: Grant, name: str, etag: str, sink: Callable[[bytes], None]) -> None:
        """Gives the blob's bytes to `sink`, if it is still the one with `etag`."""
        self._call(grant, "GET", name, headers=[("If-Match", f'"{etag}"')], sink=sink)

    def set_tier(self, grant: Grant, name: str, tier: str) -> None:
        """Moves the blob to an access tier, as the service spells it; neither its ETag nor its time changes."""
        self._call(grant, "PUT", name, {"comp": "tier"}, headers=[("x-ms-access-tier", tier)])

    def delete_blob(self, grant: Grant, name: str, etag: str) -> bool:
        """Deletes the blob, if it is still the one with `etag`. Result: False where there was none any more."""
        answer = self._exchange(grant, "DELETE", name, {}, [("If-Match", f'"{etag}"')], b"", None, None)
        if answer.status == 404 and service_code(answer) == "BlobNotFound":
            return False
        _raise_unless_done(answer, name)
        return True

    def probe(self, grant: Grant) -> None:
        """Returns if the service answers at all, whatever it says. Raises ConnectionFault."""
        query = {"restype": "container", "comp": "list", "maxresults": "1"}
        self._exchange(grant, "GET", "", query, [], b"", None, None)

    def _call(
        self,
        grant: Grant,
        method: str,
        name: str,
        query: Mapping[str, str] | None = None,
        *,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes | memoryview = b"",
        pace: Pace | None = None,
        sink: Callable[[bytes], None] | None = None,
    ) -> Answer:
        answer = self._exchange(grant, method, name, query or {}, headers, body, pace, sink)
        _raise_unless_done(answer, name or "the container")
        return answer

    def _exchange(
        self,
        grant: Grant,
        method: str,
        name: str,
        query: Mapping[str, str],
        headers: Sequence[tuple[str, str]],
        body: bytes | memoryview,
        pace: Pace | None,
        sink: Callable[[bytes], None] | None,
    ) -> Answer:
        address = self._address
        if address is None or address.grant is not grant:
            address = self._address = Address.of(grant)
        asked = f"{urlencode(query, quote_via=quote)}&{address.sas}" if query else address.sas
        target = f"{address.path}/{quote(name, safe='/')}" if name else address.path
        fields = "".join([f"{key}: {value}\r\n" for key, value in headers])
        length = f"Content-Length: {len(body)}\r\n" if method == "PUT" else ""
        head = f"{method} {target}?{asked} HTTP/1.1\r\n{address.fields}{fields}{length}\r\n".encode("latin-1")
        return self._pool.exchange(address.endpoint, Request(method, head, body, pace, sink))


class Address(NamedTuple):
    """What a grant makes of every request: taken apart once, not a million times. Holds the signature: never shown."""

    grant: Grant
    endpoint: Endpoint
    path: str
    """Of the container, without a slash at its end."""
    sas: str
    fields: str
    """The headers that every request has, each with its line break."""

    def __repr__(self) -> str:
        return f"Address({self.endpoint.host})"

    @classmethod
    def of(cls, grant: Grant) -> Address:
        """Result: the grant's address, taken apart."""
        parts = urlsplit(grant.container_url)
        secure = parts.scheme == "https"
        return cls(
            grant=grant,
            endpoint=Endpoint(parts.hostname or "", parts.port or (443 if secure else 80), secure),
            path=parts.path.rstrip("/"),
            sas=grant.sas_token.lstrip("?"),
            fields=f"Host: {parts.netloc}\r\nUser-Agent: {_USER_AGENT}\r\nx-ms-version: {SERVICE_VERSION}\r\n",
        )


def _stored_headers(properties: BlobProperties) -> list[tuple[str, str]]:
    return [
        ("x-ms-blob-content-md5", _base64(properties.md5)),
        ("x-ms-blob-content-type", properties.content_type),
        *[(f"x-ms-meta-{key}", value) for key, value in properties.metadata.items()],
        *([("x-ms-access-tier", properties.access_tier)] if properties.access_tier else []),
    ]


def _raise_unless_done(answer: Answer, subject: str) -> None:
    if not 200 <= answer.status < 300:
        raise refusal(answer, subject)


def _etag(answer: Answer) -> str:
    return answer.headers.get("etag", "").strip('"')


def _base64(digest: bytes) -> str:
    return binascii.b2a_base64(digest, newline=False).decode("ascii")
