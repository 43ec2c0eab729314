"""What a test may ask of a Mission: to misbehave, to lose or change what it holds, to tell what it saw."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import orjson

from local.mission.wishes import Wishes

if TYPE_CHECKING:
    from local.mission.service import MissionService


def _wishes(service: MissionService, **wished: Any) -> None:
    service.wishes = Wishes.of(wished)


def _key(service: MissionService, *, may_read: bool = True, revoke_others: bool = True) -> str:
    return service.issue_key(may_read=may_read, revoke_others=revoke_others)


def _revoke(service: MissionService) -> None:
    service.store.set_keys({})


def _counts(service: MissionService) -> dict[str, int]:
    rows = service.store.sql("SELECT entity, COUNT(*) FROM record WHERE voided = 0 GROUP BY entity")
    funds = service.store.sql("SELECT COUNT(*) FROM fund")[0][0]
    return {**{str(entity): int(count) for entity, count in rows}, "funds": int(funds)}


def _records(service: MissionService, entity: str) -> list[dict[str, Any]]:
    rows = service.store.sql("SELECT body FROM record WHERE entity = ? AND voided = 0 ORDER BY row", (entity,))
    return [orjson.loads(body) for (body,) in rows]


def _copies(service: MissionService, entity: str, external_id: str) -> list[dict[str, Any]]:
    held = service.store.held(entity, [external_id]).get(external_id, [])
    return [orjson.loads(copy.body) for copy in held if not copy.voided]


def _replace(service: MissionService, entity: str, external_id: str, record: dict[str, Any]) -> None:
    (copy, *_) = service.store.held(entity, [external_id])[external_id]
    service.store.replace(copy.row, record, copy.batch_key)


def _change(service: MissionService, entity: str, external_id: str, changes: dict[str, Any]) -> None:
    (record, *_) = _copies(service, entity, external_id)
    _replace(service, entity, external_id, {**record, **changes})


def _double(service: MissionService, entity: str, external_id: str) -> None:
    (record, *_) = _copies(service, entity, external_id)
    service.store.add(entity, record, None)


def _add(service: MissionService, entity: str, record: dict[str, Any]) -> None:
    service.store.add(entity, record, None)


def _delete(service: MissionService, entity: str, external_id: str, *, copies: int = 1_000_000) -> int:
    return service.store.remove(entity, external_id, copies=copies)


def _fund(
    service: MissionService, external_id: str, name: str, *, parent: str | None = None, is_active: bool = True
) -> None:
    service.store.put_fund({"external_id": external_id, "name": name, "parent": parent, "is_active": is_active})


def _seen(service: MissionService) -> list[dict[str, Any]]:
    return [seen._asdict() for seen in service.seen]


def _forget_seen(service: MissionService) -> None:
    service.seen.clear()
    service.statuses.clear()


ACTIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "wishes": _wishes,
        "key": _key,
        "revoke": _revoke,
        "counts": _counts,
        "records": _records,
        "copies": _copies,
        "replace": _replace,
        "change": _change,
        "double": _double,
        "add": _add,
        "delete": _delete,
        "fund": _fund,
        "seen": _seen,
        "forget_seen": _forget_seen,
        "sql": lambda service, statement, values=(): service.store.sql(statement, values),
        "snapshot": lambda service: service.store.snapshot(),
        "restore": lambda service: service.store.restore(),
        "clear": lambda service: service.store.clear(),
    }
)
