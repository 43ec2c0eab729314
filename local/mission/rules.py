"""What Mission takes: the schemas of the agent's contract files, and references to what it must hold already."""

from __future__ import annotations

from typing import Any

import jsonschema_rs

from local.mission.store import MissionStore
from migrate_agent.rockrms.mission.schemas import RECORD_SCHEMAS, schema
from migrate_contract.rockrms import Entity

_SHARED = ("common.json", "fund.json")
_TEXT_LIMIT = 160
"""Of a refused value that an answer quotes."""


class Schemas:
    """Compiled once."""

    def __init__(self) -> None:
        registry = jsonschema_rs.Registry([(name, schema(name)) for name in _SHARED])
        self._records = {
            entity.value: jsonschema_rs.validator_for(schema(name), registry=registry)
            for entity, name in RECORD_SCHEMAS.items()
        }
        self._records["funds"] = jsonschema_rs.validator_for(schema("fund.json"), registry=registry)
        self._envelope = jsonschema_rs.validator_for(schema("envelope.json"), registry=registry)

    def fault_of_envelope(self, content: Any) -> str | None:
        """Result: what is wrong with a body, None if nothing is."""
        return _fault(self._envelope, content)

    def fault_of_record(self, kind: str, record: Any) -> str | None:
        """Result: what is wrong with a record (`kind`: an entity, or "funds"), None if nothing is."""
        return _fault(self._records[kind], record)


def _fault(validator: Any, content: Any) -> str | None:
    if validator.is_valid(content):
        return None
    error = next(iter(validator.iter_errors(content)))
    where = "/".join(str(step) for step in error.instance_path)
    return f"{where or 'body'}: {error.message[:_TEXT_LIMIT]}"


class References:
    """What a batch's records may name: looked up once for the whole batch."""

    def __init__(self, store: MissionStore, entity: str, records: list[dict[str, Any]]) -> None:
        self._entity = entity
        people = [each for record in records for each in _people_of(entity, record)]
        self._people = store.known(Entity.PEOPLE.value, people)
        groups = [group for record in records if (group := _group_of(entity, record)) is not None]
        self._groups = store.known(Entity.GROUPS.value, groups)
        is_money = entity == Entity.CONTRIBUTIONS.value
        self._funds = {str(fund["external_id"]) for fund in store.funds()} if is_money else set()

    def refusal(self, record: dict[str, Any]) -> tuple[str, str] | None:
        """Result: code and detail, None where all that the record names is there."""
        missing = [each for each in _people_of(self._entity, record) if each not in self._people]
        if missing:
            return "person-reference-missing", f"there is no person {missing[0]}"
        group = _group_of(self._entity, record)
        if group is not None and group not in self._groups:
            return "group-reference-missing", f"there is no group {group}"
        if self._entity == Entity.CONTRIBUTIONS.value and record["fund_external_id"] not in self._funds:
            return "fund-missing", f"there is no fund {record['fund_external_id']}"
        return None


def _people_of(entity: str, record: dict[str, Any]) -> list[str]:
    if entity in (Entity.FAMILIES.value, Entity.GROUPS.value):
        return [str(member["external_person_id"]) for member in record["members"]]
    person = record.get("external_person_id")
    return [str(person)] if person is not None else []


def _group_of(entity: str, record: dict[str, Any]) -> str | None:
    if entity in (Entity.ATTENDANCE.value, Entity.PRAYER_REQUESTS.value):
        group = record["group_external_id"]
        return None if group is None else str(group)
    return None
