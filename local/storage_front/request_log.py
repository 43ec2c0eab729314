"""The log of the storage front: a line for every request, as the service's own log; no signature is in it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One request. `authentication` is OAuth, SAS, AccountKey or Anonymous; `person` an object id or None."""

    time: str
    operation: str
    account: str
    container: str
    blob: str
    status: int
    code: str
    authentication: str
    person: str | None
    request_bytes: int


class RequestLog:
    """Appends to a file, and reads it back."""

    def __init__(self, path: Path) -> None:
        """Continue the file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self.signatures: set[str] = set()
        """Every signature and delegation key that has passed, in memory only: for a search that must not find them."""

    def write(self, entry: Entry) -> None:
        """Add a request."""
        self._file.write(json.dumps(asdict(entry)) + "\n")

    def read(self, after: int) -> list[dict[str, Any]]:
        """Every request but the first `after` ones."""
        with self._path.open(encoding="utf-8") as lines:
            return [json.loads(line) for number, line in enumerate(lines) if number >= after]
