"""What the Blob service keeps of one container, in memory: blocks that are staged, blobs that are committed.

Nouns: a *piece* is the body of one Put Block or Put Blob, known by its digest; its bytes are kept or thrown away. The
rules are the service's own (conditions, block lists, ids of equal length, seven days for what is only staged) and are
compared with the emulator's by tests/conformance/test_blob_endpoint.py.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import itertools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

UNCOMMITTED_SECONDS = 7 * 24 * 3600.0
MOST_BLOCKS = 50_000


class Refused(Exception):
    """The service says no: the answer's status and error code."""

    def __init__(self, status: int, code: str, message: str = "refused by the test's endpoint") -> None:
        self.status, self.code, self.message = status, code, message
        super().__init__(f"{status} {code}")


@dataclass(frozen=True, slots=True)
class Piece:
    """One body. `content` is None where only the digest is kept."""

    size_bytes: int
    md5: bytes
    content: bytes | None = field(repr=False, default=None)


@dataclass(frozen=True, slots=True)
class Properties:
    """What a commit stores beside the bytes. `md5` is base64, a label after Put Block List."""

    md5: str | None = None
    content_type: str = "application/octet-stream"
    metadata: dict[str, str] = field(default_factory=dict)
    tier: str = "Hot"


@dataclass(frozen=True, slots=True)
class Blob:
    """One committed blob. `block_ids` is empty after Put Blob."""

    name: str
    pieces: tuple[Piece, ...]
    block_ids: tuple[str, ...]
    properties: Properties
    etag: str
    modified_at: float

    @property
    def size_bytes(self) -> int:
        """The sum of its pieces."""
        return sum(piece.size_bytes for piece in self.pieces)

    def content(self) -> bytes:
        """Its bytes. Raises Refused(501) where they were thrown away."""
        parts = [piece.content for piece in self.pieces]
        if any(part is None for part in parts):
            raise Refused(501, "NotImplemented", "contents are thrown away here")
        return b"".join(part for part in parts if part is not None)


@dataclass(frozen=True, slots=True)
class Conditions:
    """If-Match and If-None-Match of a request; None where absent. Values without quotes."""

    match: str | None = None
    none_match: str | None = None


def piece_of(body: bytes, *, keep: bool) -> Piece:
    """Result: the body as a piece."""
    return Piece(len(body), hashlib.md5(body, usedforsecurity=False).digest(), body if keep else None)


class BlobStore:
    """One container. Safe for all threads; `lock` may be held around several calls."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` is seconds since 1970; staged blocks grow old by it."""
        self._clock = clock
        self.lock = threading.RLock()
        self.blobs: dict[str, Blob] = {}
        self._staged: dict[str, dict[str, Piece]] = {}
        self._staged_at: dict[str, float] = {}
        """When the last block was staged under a name: all of them die together."""
        self._written = 0

    def put_blob(self, name: str, piece: Piece, properties: Properties, conditions: Conditions) -> Blob:
        """Result: the blob, of one piece. What was staged under the name is gone."""
        return self._commit(name, (piece,) if piece.size_bytes else (), (), properties, conditions)

    def put_block(self, name: str, block_id: str, piece: Piece) -> None:
        """Stages a block; one of the same id is replaced."""
        length = _length_of(block_id)
        with self.lock:
            staged = self.staged(name)
            if any(_length_of(other) != length for other in itertools.islice(staged, 1)):
                raise Refused(400, "InvalidBlobOrBlock")
            if not staged:
                self._staged[name] = {}
            self._staged[name][block_id] = piece
            self._staged_at[name] = self._clock()

    def put_block_list(
        self, name: str, wanted: Sequence[tuple[str, str]], properties: Properties, conditions: Conditions
    ) -> Blob:
        """Result: the blob made of `wanted`: Committed, Uncommitted or Latest, and an id."""
        if len(wanted) > MOST_BLOCKS:
            raise Refused(400, "BlockListTooLong")
        with self.lock:
            staged = self.staged(name)
            before = self.blobs.get(name)
            committed = dict(zip(before.block_ids, before.pieces, strict=True)) if before and before.block_ids else {}
            pieces: list[Piece] = []
            for kind, block_id in wanted:
                choices = {
                    "Uncommitted": (staged,),
                    "Committed": (committed,),
                    "Latest": (staged, committed),
                }[kind]
                found = next((place[block_id] for place in choices if block_id in place), None)
                if found is None:
                    raise Refused(400, "InvalidBlockList")
                pieces.append(found)
            return self._commit(name, tuple(pieces), tuple(block_id for _, block_id in wanted), properties, conditions)

    def get(self, name: str, conditions: Conditions = Conditions()) -> Blob:
        """Result: the blob. Raises Refused(404, 412)."""
        with self.lock:
            blob = self.blobs.get(name)
        if blob is None:
            raise Refused(404, "BlobNotFound")
        if conditions.match not in (None, "*", blob.etag):
            raise Refused(412, "ConditionNotMet")
        return blob

    def delete(self, name: str, conditions: Conditions) -> None:
        """The blob is gone. Raises Refused(404, 412)."""
        with self.lock:
            self.get(name, conditions)
            del self.blobs[name]

    def block_lists(self, name: str) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
        """Result: id and size of the committed blocks in order, and of the staged ones by id. Raises Refused(404)."""
        with self.lock:
            blob, staged = self.blobs.get(name), self.staged(name)
            if blob is None and not staged:
                raise Refused(404, "BlobNotFound")
            committed = zip(blob.block_ids, blob.pieces, strict=True) if blob is not None and blob.block_ids else ()
            return (
                [(block_id, piece.size_bytes) for block_id, piece in committed],
                sorted((block_id, piece.size_bytes) for block_id, piece in staged.items()),
            )

    def staged(self, name: str) -> dict[str, Piece]:
        """Result: the staged blocks that are still valid, by id."""
        with self.lock:
            alive = self._staged_at.get(name, 0.0) > self._clock() - UNCOMMITTED_SECONDS
            return self._staged.get(name, {}) if alive else {}

    def forget_staged(self) -> None:
        """Whatever is only staged is gone, in all blobs."""
        with self.lock:
            self._staged.clear()

    def page(self, prefix: str, marker: str, limit: int) -> tuple[list[Blob], str]:
        """Result: up to `limit` blobs by name from `marker` on, and where the next page begins ('' after the last)."""
        with self.lock:
            names = sorted(name for name in self.blobs if name.startswith(prefix) and name >= marker)
            found = [self.blobs[name] for name in names[:limit]]
        return found, names[limit] if len(names) > limit else ""

    def _commit(
        self,
        name: str,
        pieces: tuple[Piece, ...],
        ids: tuple[str, ...],
        properties: Properties,
        conditions: Conditions,
    ) -> Blob:
        with self.lock:
            before = self.blobs.get(name)
            if conditions.none_match == "*" and before is not None:
                raise Refused(409, "BlobAlreadyExists")
            if conditions.match is not None and (before is None or conditions.match not in ("*", before.etag)):
                raise Refused(412, "ConditionNotMet")
            self._written += 1
            blob = Blob(name, pieces, ids, properties, f"0x8D{self._written:012X}", self._clock())
            self.blobs[name] = blob
            self._staged.pop(name, None)
            return blob


def _length_of(block_id: str) -> int:
    try:
        length = len(base64.b64decode(block_id, validate=True))
    except (binascii.Error, ValueError):
        length = 0
    if not 1 <= length <= 64:
        raise Refused(400, "InvalidQueryParameterValue")
    return length
