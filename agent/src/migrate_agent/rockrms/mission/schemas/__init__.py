"""The JSON Schemas of what goes to Mission and comes back, read from the files beside this one.

`RECORD_SCHEMAS` names each entity's record; tests, the local Mission server and docs/mission-contract.md use the same
files. Nothing is validated while records are sent: the mapping's own tests do that for every shape of record.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from migrate_contract.rockrms import Entity

RECORD_SCHEMAS: Mapping[Entity, str] = MappingProxyType(
    {
        Entity.PEOPLE: "person.json",
        Entity.FAMILIES: "family.json",
        Entity.GROUPS: "group.json",
        Entity.CONTRIBUTIONS: "contribution.json",
        Entity.ATTENDANCE: "attendance.json",
        Entity.PRAYER_REQUESTS: "prayer-request.json",
    }
)
"""The schema of one record of each entity, by its file's name."""


def schema(name: str) -> dict[str, Any]:
    """Result: the schema in the file `name`; what it refers to (`common.json`, `fund.json`) are files beside it."""
    found: dict[str, Any] = json.loads(files(__package__).joinpath(name).read_text(encoding="utf-8"))
    return found
