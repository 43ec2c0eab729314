"""Compares one record as Mission holds it with what would be sent now, field by field. Pure.

A difference says both values, but for confidential fields, whose content goes into no log and no report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from migrate_contract.rockrms import Entity

_CONFIDENTIAL = {
    Entity.PRAYER_REQUESTS: frozenset({"text", "answer", "first_name", "last_name", "email", "category"}),
}
"""What a person asked prayer for, and who it was: named as different, never shown."""
_MONEY = frozenset({"amount"})
_KEYED = {"phones": "external_id", "members": "external_id"}
_SHOWN = 60


class FieldDifference(NamedTuple):
    """One field; `field` is a path such as `phones[1].number`. `said`: both values in words."""

    field: str
    said: str


def differences(entity: Entity, sent: Mapping[str, Any], held: Mapping[str, Any]) -> list[FieldDifference]:
    """Result: every field of `sent` that Mission holds otherwise; fields that only Mission has are its own."""
    hidden = _CONFIDENTIAL.get(entity, frozenset())
    return [
        FieldDifference(path, _said(path, wanted, found, hidden=path.split(".")[0].split("[")[0] in hidden))
        for path, wanted, found in _differ("", sent, held)
    ]


def _differ(path: str, sent: Any, held: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(sent, Mapping) and isinstance(held, Mapping):
        for key, value in sent.items():
            yield from _differ(f"{path}.{key}" if path else key, value, held.get(key))
    elif isinstance(sent, list) and isinstance(held, list):
        yield from _differ_lists(path, sent, held)
    elif not _equal(path, sent, held):
        yield path, sent, held


def _differ_lists(path: str, sent: list[Any], held: list[Any]) -> Iterator[tuple[str, Any, Any]]:
    """Order says nothing: parts are matched by their key, plain values as a set with repeats."""
    ours, theirs = _by_key(sent), _by_key(held)
    for key in [*ours, *(other for other in theirs if other not in ours)]:
        if key not in theirs:
            yield f"{path}[{key}]", "present", "missing"
        elif key not in ours:
            yield f"{path}[{key}]", "missing", "present"
        else:
            yield from _differ(f"{path}[{key}]", ours[key], theirs[key])


def _by_key(parts: list[Any]) -> dict[str, Any]:
    keyed: dict[str, Any] = {}
    for part in parts:
        name = _key_of(part)
        repeat = 2
        key = name
        while key in keyed:
            key = f"{name}#{repeat}"
            repeat += 1
        keyed[key] = part
    return keyed


def _key_of(part: Any) -> str:
    if isinstance(part, Mapping):
        text = str(part.get("external_id") or part.get("external_person_id") or sorted(part.items(), key=str))
        return text.rsplit(":", 1)[-1]
    return str(part).rsplit(":", 1)[-1]


def _equal(path: str, sent: Any, held: Any) -> bool:
    if path in _MONEY:
        try:
            return Decimal(str(sent)) == Decimal(str(held))
        except InvalidOperation:
            return False
    return bool(sent == held) and isinstance(sent, bool) == isinstance(held, bool)


def _said(path: str, sent: Any, held: Any, *, hidden: bool) -> str:
    if hidden:
        return f"{path} differs (not shown)"
    return f"{path} is {_short(held)} in Mission, {_short(sent)} in Rock"


def _short(value: Any) -> str:
    text = "empty" if value is None else str(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
