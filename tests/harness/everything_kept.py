"""Everything that a stack has kept and said: each table, blob, queue, log and page; and a search for secrets in it."""

from __future__ import annotations

import base64
import gzip
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, urljoin

from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from local.azurite import StorageAccount, sdk_options
from local.entra.browser import Browser

_PIECE = 32
"""Characters of a secret that are enough to know it again, so that a part of it is found too."""
_PEEKED = 32
_PAGES = 150
_HREF = re.compile(r'(?:href|hx-get)="(/[^"#]*)')
_LEFT_OUT = re.compile(r"^/(\.auth|static|favicon|help/|api/.*openapi)")
"""The same for everybody, or not ours."""


def tables_of(account: StorageAccount, ca_file: Path) -> Iterator[tuple[str, bytes]]:
    """Result: each row of each table, with where it stands."""
    with TableServiceClient.from_connection_string(account.connection_string, **sdk_options(ca_file)) as service:
        for table in service.list_tables():
            for row in service.get_table_client(table.name).list_entities():
                where = f"table {table.name} {row['PartitionKey']} {row['RowKey']}"
                for name, value in row.items():
                    yield f"{where} {name}", value if isinstance(value, bytes) else str(value).encode()


def blobs_of(account: StorageAccount, ca_file: Path) -> Iterator[tuple[str, bytes]]:
    """Result: each blob with its metadata, also unpacked where it is packed."""
    with BlobServiceClient.from_connection_string(account.connection_string, **sdk_options(ca_file)) as service:
        for container in service.list_containers():
            client = service.get_container_client(str(container.name))
            for blob in client.list_blobs(include=["metadata"]):
                content = client.download_blob(blob.name).readall()
                where = f"blob {container.name}/{blob.name}"
                yield f"{where} metadata", str(blob.metadata).encode()
                yield where, content
                if content.startswith(b"\x1f\x8b"):
                    yield f"{where} unpacked", gzip.decompress(content)


def queues_of(account: StorageAccount, ca_file: Path) -> Iterator[tuple[str, bytes]]:
    """Result: each message that waits, as it is and decoded."""
    with QueueServiceClient.from_connection_string(account.connection_string, **sdk_options(ca_file)) as service:
        for queue in service.list_queues():
            for message in service.get_queue_client(str(queue.name)).peek_messages(max_messages=_PEEKED):
                text = str(message.content).encode()
                yield f"queue {queue.name}", text
                yield f"queue {queue.name} decoded", _decoded(text)


def files_of(*folders: Path) -> Iterator[tuple[str, bytes]]:
    """Result: every file below these folders."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                yield f"file {path}", path.read_bytes()


def pages_of(browser: Browser, site: str) -> Iterator[tuple[str, bytes]]:
    """Result: every page of the dashboard that links lead to from its home."""
    waiting, seen = ["/"], {"/"}
    while waiting and len(seen) < _PAGES:
        path = waiting.pop(0)
        page = browser.get(urljoin(site, path))
        yield f"page {path} headers", str(page.headers).encode()
        yield f"page {path}", page.content
        for target in _HREF.findall(page.text):
            if target not in seen and _LEFT_OUT.match(target) is None:
                seen.add(target)
                waiting.append(target)


def found_in(kept: Iterable[tuple[str, bytes]], secrets: Iterable[str]) -> list[str]:
    """Result: where a piece of a secret stands, raw, quoted or in base64. A secret itself is not repeated."""
    pieces = {piece for secret in secrets for piece in _pieces(secret)}
    needles = sorted({needle for piece in pieces for needle in _spellings(piece)})
    return [where for where, content in kept if any(needle in content for needle in needles)]


def _pieces(secret: str) -> set[str]:
    """Result: parts that are its own: the middle and the end (the beginning of tokens is the same for many)."""
    if len(secret) <= _PIECE:
        return {secret}
    middle = len(secret) // 2
    return {secret[middle - _PIECE // 2 : middle + _PIECE // 2], secret[-_PIECE:]}


def _spellings(piece: str) -> set[bytes]:
    """Result: the piece raw, in an address, in HTML, and in base64 at each of its three offsets."""
    raw = piece.encode()
    spelled = {raw, quote(piece, safe="").encode(), piece.replace("+", "&#43;").encode()}
    for offset in range(3):
        coded = base64.b64encode(b"\x00" * offset + raw)
        # The first and last group depend on what stands beside the piece.
        spelled.add(coded[4 if offset else 0 : -4])
    return spelled


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""
