"""The Blobs port in memory."""

from __future__ import annotations

import re
from collections.abc import Mapping

from functions.domain.ports import BlobItem

_METADATA_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_MAX_METADATA = 8 * 1024


class MemoryBlobs:
    """Blobs in dictionaries."""

    def __init__(self) -> None:
        self._containers: dict[str, dict[str, tuple[bytes, dict[str, str]]]] = {}

    def put(self, container: str, name: str, content: bytes, metadata: Mapping[str, str] | None = None) -> None:
        given = dict(metadata or {})
        if not all(_METADATA_NAME.fullmatch(key) and value.isascii() for key, value in given.items()):
            raise ValueError("metadata is ASCII, its names are identifiers")
        if sum(len(key) + len(value) for key, value in given.items()) > _MAX_METADATA:
            raise ValueError("metadata is too large")
        self._containers.setdefault(container, {})[name] = (content, given)

    def get(self, container: str, name: str) -> bytes | None:
        found = self._containers.get(container, {}).get(name)
        return found[0] if found else None

    def list(self, container: str, prefix: str) -> list[BlobItem]:
        found = sorted(self._containers.get(container, {}).items())
        return [BlobItem(name, len(blob[0]), blob[1]) for name, blob in found if name.startswith(prefix)]

    def delete_prefix(self, container: str, prefix: str) -> int:
        if not prefix:
            raise ValueError("an empty prefix is the whole container")
        names = [item.name for item in self.list(container, prefix)]
        for name in names:
            del self._containers[container][name]
        return len(names)
