"""External ids and named things as Mission's records have them."""

from __future__ import annotations

from typing import Any

from local.church.model import Batch, Campus
from local.church.reading import trimmed


def of_rock(install: str, table: str, key: object) -> str:
    """Result: `rock:<install>:<table>:<key>`."""
    return f"rock:{install}:{table}:{key}"


def named(install: str, thing: Campus | Batch | None) -> dict[str, Any] | None:
    """Result: id and name of a campus or a batch."""
    if thing is None:
        return None
    table = "Campus" if isinstance(thing, Campus) else "FinancialBatch"
    return {"external_id": of_rock(install, table, thing.id), "name": trimmed(thing.name)}
